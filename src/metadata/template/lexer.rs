//! Tokens of a template. Follows the lexer of Handlebars 4.7, mode by mode.

use crate::input::grammar::javascript::is_space;
use crate::metadata::template::scan::{
    delimited, ends_word, inverse, literal, name, name_length, opening,
};
use crate::metadata::template::token::Kind;
use crate::metadata::template::token::Token;

/// Splits a template into tokens, of which the last is [`Kind::End`].
pub fn tokens(template: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer {
        all: template,
        rest: template,
        tokens: Vec::new(),
    };
    while !lexer.rest.is_empty() {
        lexer.content()?;
    }
    lexer.push(Kind::End, "");
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    all: &'a str,
    rest: &'a str,
    tokens: Vec<Token>,
}

/// What a tag leaves behind.
enum AfterTag {
    Content,
    Raw,
}

impl<'a> Lexer<'a> {
    fn push(&mut self, kind: Kind, text: &str) {
        let text = text.to_owned();
        self.tokens.push(Token { kind, text });
    }

    /// Moves past some bytes and gives them.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn fail<T>(&self, what: &str) -> Result<T, String> {
        let at = self.all.len() - self.rest.len();
        let before = self.all.get(..at).unwrap_or_default().chars().count();
        Err(format!(
            "{what} at character {} of the template",
            before + 1
        ))
    }

    /// Text up to a tag, then the tag.
    fn content(&mut self) -> Result<(), String> {
        if self.rest.contains('\0') {
            return self.fail("there is a NUL");
        }
        let Some(at) = self.rest.find("{{") else {
            let text = self.take(self.rest.len());
            self.push(Kind::Content, text);
            return Ok(());
        };
        let text = self.take(at);
        let (text, escaped) = match (text.strip_suffix("\\\\"), text.strip_suffix('\\')) {
            // Two backslashes stand for one, and the tag is a tag.
            (Some(_), Some(shorter)) => (shorter, false),
            (None, Some(shorter)) => (shorter, true),
            _ => (text, false),
        };
        if !text.is_empty() {
            self.push(Kind::Content, text);
        }
        if escaped {
            self.escaped();
            return Ok(());
        }
        match self.tag()? {
            AfterTag::Content => Ok(()),
            AfterTag::Raw => self.raw(),
        }
    }

    /// A tag after a backslash is text, up to the next tag.
    fn escaped(&mut self) {
        let body = self.rest.get(2..).unwrap_or_default();
        let next = body.find("{{").unwrap_or(body.len());
        let slashes = match body.get(..next) {
            Some(text) if next < body.len() => {
                let count = text.len() - text.trim_end_matches('\\').len();
                count.min(2)
            }
            _ => 0,
        };
        let text = self.take(2 + next - slashes);
        self.push(Kind::Content, text);
    }

    /// The inside of a raw block, up to the tag that closes it.
    fn raw(&mut self) -> Result<(), String> {
        let mut depth = 1;
        while depth > 0 {
            let Some(at) = self.rest.find("{{{{") else {
                return self.fail("a raw block is not closed");
            };
            if at > 0 {
                let text = self.take(at);
                self.push(Kind::Content, text);
                continue;
            }
            if !self.rest.starts_with("{{{{/") {
                depth += 1;
                let text = self.take(4);
                self.push(Kind::Content, text);
                continue;
            }
            let name = name_length(self.rest.get(5..).unwrap_or_default());
            let closed = self.rest.get(5 + name..).unwrap_or_default();
            if name == 0 || !closed.starts_with("}}}}") {
                // Not a closing tag after all: text, one brace at a time.
                let text = self.take(1);
                self.push(Kind::Content, text);
                continue;
            }
            depth -= 1;
            let text = self.take(5 + name + 4);
            if depth > 0 {
                self.push(Kind::Content, text);
            } else {
                let name = text.get(5..5 + name).unwrap_or_default();
                self.push(Kind::EndRawBlock, name);
            }
        }
        Ok(())
    }

    /// Everything between double braces.
    fn tag(&mut self) -> Result<AfterTag, String> {
        loop {
            if self.rest.is_empty() {
                // The parser says what is missing.
                return Ok(AfterTag::Content);
            }
            if self.rest.starts_with("{{") {
                if self.open()? {
                    return Ok(AfterTag::Content);
                }
                continue;
            }
            if let Some((kind, length)) = self.close() {
                let text = self.take(length);
                self.push(kind, text);
                if kind == Kind::CloseRawBlock {
                    return Ok(AfterTag::Raw);
                }
                return Ok(AfterTag::Content);
            }
            self.word()?;
        }
    }

    /// The start of a tag; true when it is a whole tag already.
    fn open(&mut self) -> Result<bool, String> {
        if self.rest.starts_with("{{{{") {
            let text = self.take(4);
            self.push(Kind::OpenRawBlock, text);
            return Ok(false);
        }
        let inner = self.rest.get(2..).unwrap_or_default();
        let tilde = usize::from(inner.starts_with('~'));
        let inner = inner.get(tilde..).unwrap_or_default();
        let head = 2 + tilde;
        if let Some(length) = inverse(inner) {
            let text = self.take(head + length);
            self.push(Kind::Inverse, text);
            return Ok(true);
        }
        if inner.starts_with('!') {
            return self.comment(inner.starts_with("!--")).map(|()| true);
        }
        let (kind, length) = opening(inner);
        let text = self.take(head + length);
        self.push(kind, text);
        Ok(false)
    }

    fn comment(&mut self, long: bool) -> Result<(), String> {
        let ends: &[&str] = if long { &["--}}", "--~}}"] } else { &["}}"] };
        let end = |end: &&str| self.rest.find(*end).map(|at| at + end.len());
        let Some(length) = ends.iter().filter_map(end).min() else {
            return self.fail("a comment is not closed");
        };
        let text = self.take(length);
        self.push(Kind::Comment, text);
        Ok(())
    }

    fn close(&self) -> Option<(Kind, usize)> {
        let ends = [
            ("}}}}", Kind::CloseRawBlock),
            ("}~}}", Kind::CloseUnescaped),
            ("}}}", Kind::CloseUnescaped),
            ("~}}", Kind::Close),
            ("}}", Kind::Close),
        ];
        let found = ends.iter().find(|(end, _)| self.rest.starts_with(end));
        found.map(|(end, kind)| (*kind, end.len()))
    }

    /// A name, a literal or a sign inside a tag.
    fn word(&mut self) -> Result<(), String> {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else {
            return Ok(());
        };
        let (kind, length) = match first {
            c if is_space(c) => {
                self.rest = rest.trim_start_matches(is_space);
                return Ok(());
            }
            '(' => (Kind::OpenCall, 1),
            ')' => (Kind::CloseCall, 1),
            '=' => (Kind::Equals, 1),
            '.' if rest.starts_with("..") => (Kind::Name, 2),
            '.' if ends_word(rest.get(1..), "=~}/.)|") => (Kind::Name, 1),
            '.' | '/' => (Kind::Separator, 1),
            '@' => (Kind::Data, 1),
            '|' => (Kind::CloseBlockParams, 1),
            '"' | '\'' => return self.text(first),
            '[' => return self.bracketed(),
            _ => match literal(rest).or_else(|| name(rest)) {
                Some(found) => found,
                None => return self.fail(&format!("{first:?} is not expected")),
            },
        };
        let text = self.take(length);
        self.push(kind, text);
        Ok(())
    }

    /// Text in quotes. A backslash before the quote keeps it, unless no other
    /// quote follows.
    fn text(&mut self, quote: char) -> Result<(), String> {
        let Some(length) = delimited(self.rest, quote) else {
            return self.fail("a text is not closed");
        };
        let text = self.take(length);
        let inner = text.get(1..length - 1).unwrap_or_default();
        let text = inner.replace(&format!("\\{quote}"), &quote.to_string());
        self.push(Kind::Text, &text);
        Ok(())
    }

    fn bracketed(&mut self) -> Result<(), String> {
        let Some(length) = delimited(self.rest, ']') else {
            return self.fail("a bracket is not closed");
        };
        let text = self.take(length);
        let mut name = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match chars.peek() {
                Some(&next @ ('\\' | ']')) if c == '\\' => {
                    name.push(next);
                    chars.next();
                }
                _ => name.push(c),
            }
        }
        self.push(Kind::Name, &name);
        Ok(())
    }
}
