//! How much of a request is read and kept, by whether its credential is valid (DEF-01).

use crate::access::principal::Principal;
use crate::platform::json::Bounds;

/// Deepest JSON in a request. The deepest input of the schema, filters in filters, needs 20 levels.
const MAX_DEPTH: usize = 64;

/// Values and names in the JSON of a request with a valid credential: several times what an order of 1,000 lines has.
const MAX_VALUES: usize = 100_000;

/// The same without one: whoever has none redeems keys and tokens, a few texts.
const MAX_VALUES_OF_NOBODY: usize = 1_000;

/// Bytes of a body without a valid credential. With its copies and the values made of it a request stays below 1 MiB;
/// the longest document that the guard admits has a third of it.
const MAX_BODY_OF_NOBODY: u64 = 256 * 1024;

/// The bounds of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Bytes of the body, files not counted.
    pub(super) body: u64,
    /// The JSON of `variables` and `extensions`.
    pub(super) json: Bounds,
}

impl Allowance {
    /// The bounds for a caller; `max_body` is `GATEWAY_MAX_BODY`.
    pub(super) fn of(principal: &Principal, max_body: u64) -> Self {
        let is_nobody = matches!(principal, Principal::Nobody);
        Self {
            body: if is_nobody {
                max_body.min(MAX_BODY_OF_NOBODY)
            } else {
                max_body
            },
            json: Bounds {
                depth: MAX_DEPTH,
                values: if is_nobody {
                    MAX_VALUES_OF_NOBODY
                } else {
                    MAX_VALUES
                },
            },
        }
    }
}
