//! The tokens of a template.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Content,
    Comment,
    OpenRawBlock,
    CloseRawBlock,
    EndRawBlock,
    OpenPartial,
    OpenPartialBlock,
    OpenBlock,
    OpenEndBlock,
    Inverse,
    OpenInverse,
    OpenInverseChain,
    OpenUnescaped,
    CloseUnescaped,
    Open,
    Close,
    OpenCall,
    CloseCall,
    Equals,
    Name,
    Separator,
    Text,
    Number,
    Boolean,
    Undefined,
    Null,
    Data,
    OpenBlockParams,
    CloseBlockParams,
    End,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
}
