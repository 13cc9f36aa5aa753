//! What the platform, authentication, the audit trail and the demo store; they are no domains.

use crate::app::Domain;
use crate::audit;
use crate::auth::{client, keys, one_time, revocation, session};
use crate::platform::stored::{Stored, all_free};
use crate::platform::{blob, counter, decoy, job, migration, throttle};

/// The platform's indexes and stored fields, declared like those of a domain.
pub(super) const PLATFORM: Domain = Domain {
    indexes: &[
        job::INDEXES,
        blob::INDEXES,
        throttle::INDEXES,
        decoy::INDEXES,
        audit::INDEXES,
        revocation::INDEXES,
        client::INDEXES,
        keys::INDEXES,
        session::INDEXES,
        one_time::INDEXES,
    ],
    stored: &[
        job::STORED,
        blob::STORED,
        throttle::STORED,
        decoy::STORED,
        counter::STORED,
        migration::STORED,
        audit::STORED,
        revocation::STORED,
        client::STORED,
        keys::STORED,
        one_time::STORED,
        DEMO,
    ],
    ..Domain::EMPTY
};

const DEMO: &[Stored] = &[Stored {
    collection: "demo",
    fields: &all_free(["_id", "organizationId", "memberId", "until", "filledAt"]),
}];
