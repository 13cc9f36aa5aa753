//! Refuses GraphQL documents that would cost more than they should, before anything expensive happens to them.
//!
//! A document passes four gates, each cheap enough that a refusal takes well under a millisecond:
//!
//! 1. `scan` reads the text once, byte by byte, and counts tokens and the nesting of brackets. The library's
//!    parser is recursive, so that a text nested deep enough kills the process; this scan lets no such text through.
//! 2. `parse` parses what is left and says what is wrong without repeating the text; `convert` makes of it what the
//!    executor takes.
//! 3. `shape` bounds what does not depend on the schema: depth, aliases, fragments, directives, cycles, and the
//!    size of the document with its fragments written out, which is what a validation walks through. Then `rules` validate.
//! 4. `cost` bounds the objects that the answer may hold, by the schema (`model`) and the request's variables.
//!
//! [`Guard`] puts them in order and keeps the documents that were found valid. It knows no HTTP and no domain: the
//! schema comes as SDL, the limits as numbers, and a [`Refusal`] goes back as a value.

mod absent;
mod convert;
mod cost;
mod document;
mod introspection;
mod model;
mod parse;
mod places;
mod refusal;
mod rules;
mod scan;
mod shape;
mod sizes;
mod stray;
#[cfg(test)]
mod tests;

pub use cost::Cost;
pub use document::{Guard, Operation, Prepared, Read, value_of};
pub use introspection::FULL as FULL_INTROSPECTION;
pub use model::{CostModel, ModelError};
pub use refusal::{Refusal, RefusalKind};
pub use rules::{Rules, Scalar};

/// What a document may ask for; each is `GATEWAY_MAX_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lexical tokens in the text.
    pub tokens: usize,
    /// Brackets of any kind inside one another, and selection sets inside one another with the fragments written
    /// out. At most [`Limits::SAFE_NESTING`]; give the schema's `limit_recursive_depth` the same number.
    pub nesting: usize,
    /// Fields inside one another, fragments written out; introspection has its own allowance.
    pub depth: usize,
    /// Objects that the answer may hold.
    pub cost: u64,
    /// Aliases in the document.
    pub aliases: usize,
    /// Fragment definitions in the document.
    pub fragments: usize,
    /// Directives in the document.
    pub directives: usize,
}

impl Limits {
    /// The deepest nesting that an operator may allow. The parser, the library's validation and execution, and the
    /// dropping of a document recurse: in an unoptimised build, a document nested this deep takes less than 1 MiB of
    /// the 2 MiB that a thread of the runtime has, one nested 32 deep less than 768 KiB. A test runs such documents.
    pub const SAFE_NESTING: usize = 48;

    /// Selections that the document may hold with its fragments written out, for each token that it may have.
    const WRITTEN_OUT_PER_TOKEN: u64 = 5;

    /// Fields that the answer may hold for each object that it may hold: more than any type has, so that only a
    /// query that repeats a field over and over meets it.
    const FIELDS_PER_OBJECT: u64 = 100;

    /// Selections with the fragments written out, in all operations together: what the library's validation visits.
    fn written_out(&self) -> u64 {
        (self.tokens as u64).saturating_mul(Self::WRITTEN_OUT_PER_TOKEN)
    }

    /// Fields that the answer may hold.
    fn fields(&self) -> u64 {
        self.cost.saturating_mul(Self::FIELDS_PER_OBJECT)
    }
}

impl Default for Limits {
    /// The defaults of the settings.
    fn default() -> Self {
        Self {
            tokens: 2000,
            nesting: 32,
            depth: 15,
            cost: 5000,
            aliases: 50,
            fragments: 50,
            directives: 50,
        }
    }
}
