//! Refuses GraphQL documents that would cost too much, before anything expensive is done with them.
//!
//! A document passes four checks, each cheap enough that a refusal takes well under a millisecond:
//!
//! 1. `scan` reads the text once, byte by byte, and counts tokens and the nesting of brackets. The library's parser is
//!    recursive, so that a text nested deep enough kills the process; the scan refuses such a text.
//! 2. `parse` parses the text and reports syntax errors without repeating it; `convert` turns the result into the
//!    executor's document.
//! 3. `shape` bounds what does not depend on the schema: depth, aliases, fragments, directives, cycles, and the size of
//!    the document with its fragments expanded, which is what a validation walks through. Then `rules` validates.
//! 4. `cost` bounds the objects in the response, by the schema (`model`) and the request's variables.
//!
//! [`Guard`] calls them in order and caches the valid documents. It knows neither HTTP nor a domain: the schema is
//! passed as SDL, the limits as numbers, and a [`Refusal`] is returned as a value.

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
pub use introspection::FULL_INTROSPECTION;
pub use model::{CostModel, ModelError};
pub use refusal::{Refusal, RefusalKind};
pub use rules::{Rules, Scalar};

/// The limits on a document; each is `GATEWAY_MAX_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// Lexical tokens in the text.
    pub tokens: usize,
    /// Nested brackets of any kind, and nested selection sets with the fragments expanded. At most
    /// [`GuardLimits::SAFE_NESTING`]; the schema's `limit_recursive_depth` must have the same value.
    pub nesting: usize,
    /// Nested fields, with the fragments expanded; introspection has its own limit.
    pub depth: usize,
    /// Objects in the response.
    pub cost: u64,
    /// Aliases in the document.
    pub aliases: usize,
    /// Fragment definitions in the document.
    pub fragments: usize,
    /// Directives in the document.
    pub directives: usize,
}

impl GuardLimits {
    /// The deepest nesting that an operator may allow. The parser, the library's validation and execution, and the
    /// dropping of a document recurse: in an unoptimised build, a document nested this deep takes less than 1 MiB of
    /// the 2 MiB that a thread of the runtime has, one nested 32 deep less than 768 KiB. A test runs such documents.
    pub const SAFE_NESTING: usize = 48;

    /// Selections of the document with its fragments expanded, for each token of the token limit.
    const WRITTEN_OUT_PER_TOKEN: u64 = 5;

    /// Fields of the response for each object of the cost limit: more than any type has, so that only a query that
    /// repeats fields exceeds it.
    const FIELDS_PER_OBJECT: u64 = 100;

    /// Returns the limit on selections with the fragments expanded, in all operations together: what the library's
    /// validation visits.
    fn written_out(&self) -> u64 {
        (self.tokens as u64).saturating_mul(Self::WRITTEN_OUT_PER_TOKEN)
    }

    /// Returns the limit on fields in the response.
    fn fields(&self) -> u64 {
        self.cost.saturating_mul(Self::FIELDS_PER_OBJECT)
    }
}

impl Default for GuardLimits {
    /// Returns the defaults of the settings.
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
