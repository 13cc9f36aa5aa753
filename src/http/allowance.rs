//! Limits on the size of a request, which depend on whether its credential is valid (DEF-01).

use crate::platform::json::Bounds;
use crate::reach::principal::Principal;

/// Maximum nesting of JSON in a request. The deepest input of the schema, nested filters, needs 20 levels.
const MAX_DEPTH: usize = 64;

/// Maximum number of values and names in the JSON of a request with a valid credential: several times what an order of
/// 1,000 lines has.
const MAX_VALUES: usize = 100_000;

/// The same without a valid credential: such requests redeem keys and tokens, which takes a few strings.
const MAX_VALUES_OF_NOBODY: usize = 1_000;

/// Maximum length of a body without a valid credential, in bytes. With its copies and the values built from it, a
/// request stays below 1 MiB; the longest document that the guard admits has a third of it.
const MAX_BODY_OF_NOBODY: u64 = 256 * 1024;

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Bytes of the body, not counting files.
    pub(super) body: u64,
    /// Limits on the JSON of `variables` and `extensions`.
    pub(super) json: Bounds,
}

impl Allowance {
    /// Returns the limits for a caller; `max_body` is `GATEWAY_MAX_BODY`.
    pub(super) fn of(principal: &Principal, max_body: u64) -> Self {
        let (body, values) = match principal {
            Principal::Nobody => (max_body.min(MAX_BODY_OF_NOBODY), MAX_VALUES_OF_NOBODY),
            Principal::Known(_) => (max_body, MAX_VALUES),
        };
        let depth = MAX_DEPTH;
        Self {
            body,
            json: Bounds { depth, values },
        }
    }
}
