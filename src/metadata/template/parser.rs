//! From tokens to a program. Follows the grammar of Handlebars 4.7.

use crate::metadata::template::assemble::{
    InverseBlock, OpeningTag, block, same_name, spelling, strip, unbracketed, unexpected,
};
use crate::metadata::template::ast::{
    Block, Call, Content, Expression, Mustache, Partial, Path, Program, Statement, Strip,
};
use crate::metadata::template::token::{Kind, Token};

/// Deepest nesting of blocks and of calls in parentheses. What is nested is
/// read and rendered by recursion.
const DEEPEST: usize = 64;

pub fn parse(tokens: Vec<Token>) -> Result<Program, String> {
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        depth: 0,
    };
    let program = parser.program()?;
    parser.expect(Kind::End)?;
    Ok(program)
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn peek(&mut self) -> Kind {
        self.tokens.peek().map_or(Kind::End, |token| token.kind)
    }

    fn next(&mut self) -> Token {
        self.tokens.next().unwrap_or(Token {
            kind: Kind::End,
            text: String::new(),
        })
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.peek() == kind;
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, kind: Kind) -> Result<String, String> {
        let token = self.next();
        if token.kind == kind {
            return Ok(token.text);
        }
        Err(unexpected(&token))
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("the template is nested more than {DEEPEST} deep"));
        }
        Ok(())
    }

    fn program(&mut self) -> Result<Program, String> {
        self.deeper()?;
        let mut program = Program::default();
        loop {
            let statement = match self.peek() {
                Kind::Content => Statement::Content(self.content()),
                Kind::Comment => {
                    let text = self.next().text;
                    Statement::Comment(strip(&text, &text))
                }
                Kind::Open | Kind::OpenUnescaped => self.mustache()?,
                Kind::OpenBlock | Kind::OpenInverse => self.block()?,
                Kind::OpenRawBlock => self.raw_block()?,
                Kind::OpenPartial => self.partial()?,
                Kind::OpenPartialBlock => self.partial_block()?,
                _ => break,
            };
            program.body.push(statement);
        }
        self.depth -= 1;
        Ok(program)
    }

    fn content(&mut self) -> Content {
        let text = self.next().text;
        Content {
            original: text.clone(),
            value: text,
            left_stripped: false,
            right_stripped: false,
        }
    }

    fn mustache(&mut self) -> Result<Statement, String> {
        let open = self.next();
        let call = self.call()?;
        let close = match open.kind {
            Kind::OpenUnescaped => self.expect(Kind::CloseUnescaped)?,
            _ => self.expect(Kind::Close)?,
        };
        if open.text.ends_with('*') {
            return Err("decorators are not known here".to_owned());
        }
        Ok(Statement::Mustache(Mustache {
            call,
            escaped: !open.text.ends_with('&') && open.kind == Kind::Open,
            strip: strip(&open.text, &close),
        }))
    }

    fn opening(&mut self, open: &str) -> Result<OpeningTag, String> {
        let call = self.call()?;
        let block_params = if self.eat(Kind::OpenBlockParams) {
            Some(self.block_params()?)
        } else {
            None
        };
        let close = self.expect(Kind::Close)?;
        Ok(OpeningTag {
            call,
            block_params,
            strip: strip(open, &close),
        })
    }

    fn block_params(&mut self) -> Result<Vec<String>, String> {
        let mut names = vec![unbracketed(&self.expect(Kind::Name)?).to_owned()];
        while self.peek() == Kind::Name {
            names.push(unbracketed(&self.next().text).to_owned());
        }
        self.expect(Kind::CloseBlockParams)?;
        Ok(names)
    }

    fn block(&mut self) -> Result<Statement, String> {
        let open = self.next();
        let inverted = open.kind == Kind::OpenInverse;
        let opening = self.opening(&open.text)?;
        let program = self.program()?;
        let otherwise = match (self.peek(), inverted) {
            (Kind::Inverse, _) | (Kind::OpenInverseChain, false) => Some(self.otherwise()?),
            _ => None,
        };
        let close = self.end_block(&opening.call)?;
        if open.text.ends_with('*') {
            return Err("decorators are not known here".to_owned());
        }
        let mut block = block(opening, program, otherwise, Some(close));
        if inverted {
            std::mem::swap(&mut block.program, &mut block.inverse);
        }
        Ok(Statement::Block(Box::new(block)))
    }

    /// `{{else}}…` or `{{else if …}}…`
    fn otherwise(&mut self) -> Result<InverseBlock, String> {
        let open = self.next();
        if open.kind == Kind::Inverse {
            return Ok(InverseBlock {
                strip: strip(&open.text, &open.text),
                program: self.program()?,
                chain: false,
            });
        }
        self.deeper()?;
        let opening = self.opening(&open.text)?;
        let outer = opening.strip;
        let inside = self.program()?;
        let next = match self.peek() {
            Kind::Inverse | Kind::OpenInverseChain => Some(self.otherwise()?),
            _ => None,
        };
        self.depth -= 1;
        // Until the whole block is closed, what follows is what closes this.
        let close = next.as_ref().map(|next| next.strip);
        let chained = Statement::Block(Box::new(block(opening, inside, next, close)));
        let program = Program {
            body: vec![chained],
            block_params: None,
            chained: true,
        };
        Ok(InverseBlock {
            strip: outer,
            program,
            chain: true,
        })
    }

    fn end_block(&mut self, opened: &Call) -> Result<Strip, String> {
        let open = self.expect(Kind::OpenEndBlock)?;
        let name = self.helper_name()?;
        let close = self.expect(Kind::Close)?;
        if !same_name(&opened.path, &name) {
            let (opened, closed) = (spelling(&opened.path), spelling(&name));
            return Err(format!(
                "{{{{/{closed}}}}} does not close {{{{#{opened}}}}}"
            ));
        }
        Ok(strip(&open, &close))
    }

    fn raw_block(&mut self) -> Result<Statement, String> {
        self.next();
        let call = self.call()?;
        self.expect(Kind::CloseRawBlock)?;
        let mut program = Program::default();
        while self.peek() == Kind::Content {
            let content = self.content();
            program.body.push(Statement::Content(content));
        }
        let closed = self.expect(Kind::EndRawBlock)?;
        if !matches!(&call.path, Expression::Path(_) | Expression::Text(_))
            || spelling(&call.path) != closed
        {
            let opened = spelling(&call.path);
            return Err(format!(
                "{{{{{{{{/{closed}}}}}}}}} does not close {{{{{{{{{opened}}}}}}}}}"
            ));
        }
        Ok(Statement::Block(Box::new(Block {
            call,
            program: Some(program),
            inverse: None,
            open_strip: Strip::default(),
            inverse_strip: Strip::default(),
            close_strip: Strip::default(),
        })))
    }

    fn partial(&mut self) -> Result<Statement, String> {
        let open = self.next().text;
        let call = self.partial_call()?;
        let close = self.expect(Kind::Close)?;
        Ok(Statement::Partial(Partial {
            name: spelling(&call.path),
            strip: strip(&open, &close),
        }))
    }

    fn partial_block(&mut self) -> Result<Statement, String> {
        let open = self.next().text;
        let call = self.partial_call()?;
        let close = self.expect(Kind::Close)?;
        let opening = OpeningTag {
            call,
            block_params: None,
            strip: strip(&open, &close),
        };
        let program = self.program()?;
        let close = self.end_block(&opening.call)?;
        let block = block(opening, program, None, Some(close));
        Ok(Statement::PartialBlock(Box::new(block)))
    }

    fn partial_call(&mut self) -> Result<Call, String> {
        let path = match self.peek() {
            Kind::OpenCall => self.param()?,
            _ => self.helper_name()?,
        };
        let call = self.arguments(path)?;
        if call.params.len() > 1 {
            return Err("a partial has at most one argument".to_owned());
        }
        Ok(call)
    }

    fn call(&mut self) -> Result<Call, String> {
        let path = self.helper_name()?;
        self.arguments(path)
    }

    /// Values, then `key=value` pairs.
    fn arguments(&mut self, path: Expression) -> Result<Call, String> {
        let mut params = Vec::new();
        let mut hash: Vec<(String, Expression)> = Vec::new();
        while self.starts_param() {
            if self.peek() != Kind::Name {
                if !hash.is_empty() {
                    return Err(unexpected(&self.next()));
                }
                params.push(self.param()?);
                continue;
            }
            let name = self.next().text;
            if self.eat(Kind::Equals) {
                let value = self.param()?;
                hash.push((unbracketed(&name).to_owned(), value));
            } else if hash.is_empty() {
                params.push(Expression::Path(self.path(false, name)?));
            } else {
                return Err(unexpected(&self.next()));
            }
        }
        Ok(Call { path, params, hash })
    }

    fn starts_param(&mut self) -> bool {
        matches!(
            self.peek(),
            Kind::Name
                | Kind::Data
                | Kind::Text
                | Kind::Number
                | Kind::Boolean
                | Kind::Undefined
                | Kind::Null
                | Kind::OpenCall
        )
    }

    fn param(&mut self) -> Result<Expression, String> {
        if !self.eat(Kind::OpenCall) {
            return self.helper_name();
        }
        self.deeper()?;
        let call = self.call()?;
        self.expect(Kind::CloseCall)?;
        self.depth -= 1;
        Ok(Expression::Call(Box::new(call)))
    }

    fn helper_name(&mut self) -> Result<Expression, String> {
        let token = self.next();
        Ok(match token.kind {
            Kind::Name => Expression::Path(self.path(false, token.text)?),
            Kind::Data => {
                let first = self.expect(Kind::Name)?;
                Expression::Path(self.path(true, first)?)
            }
            Kind::Text => Expression::Text(token.text),
            Kind::Number => Expression::Number(token.text.parse().unwrap_or(f64::NAN)),
            Kind::Boolean => Expression::Boolean(token.text == "true"),
            Kind::Undefined => Expression::Undefined,
            Kind::Null => Expression::Null,
            _ => return Err(unexpected(&token)),
        })
    }

    /// Segments joined by `.` or `/`. `..` and `this` lead, or are in brackets.
    fn path(&mut self, data: bool, first: String) -> Result<Path, String> {
        let mut path = Path {
            data,
            depth: 0,
            parts: Vec::new(),
            original: if data { "@" } else { "" }.to_owned(),
        };
        let mut segment = first;
        loop {
            let part = unbracketed(&segment);
            path.original.push_str(part);
            let operator = part == segment && matches!(part, ".." | "." | "this");
            if operator && !path.parts.is_empty() {
                return Err(format!("{} is not a path", path.original));
            }
            match (operator, part) {
                (true, "..") => path.depth += 1,
                (true, _) => {}
                (false, part) => path.parts.push(part.to_owned()),
            }
            if self.peek() != Kind::Separator {
                return Ok(path);
            }
            path.original.push_str(&self.next().text);
            segment = self.expect(Kind::Name)?;
        }
    }
}
