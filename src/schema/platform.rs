//! What the platform and the demo store; they are no domains.

use crate::app::Domain;
use crate::platform::stored::{Stored, StoredField};
use crate::platform::{blob, counter, decoy, job, migration, throttle};

/// The platform's indexes and stored fields, declared like those of a domain.
pub(super) const PLATFORM: Domain = Domain {
    indexes: &[job::INDEXES, blob::INDEXES, throttle::INDEXES, decoy::INDEXES],
    stored: &[
        job::STORED,
        blob::STORED,
        throttle::STORED,
        decoy::STORED,
        counter::STORED,
        migration::STORED,
        DEMO,
    ],
    ..Domain::EMPTY
};

const DEMO: &[Stored] = &[Stored {
    collection: "demo",
    fields: &[
        ("_id", StoredField::Free),
        ("organizationId", StoredField::Free),
        ("memberId", StoredField::Free),
        ("until", StoredField::Free),
        ("filledAt", StoredField::Free),
    ],
}];
