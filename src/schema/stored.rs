//! Declarations of everything that is stored, one for each collection. The domains declare the collections with
//! personal data; the others hold at most ids of customers. They are declared field by field, so that each new field
//! has to be classified.

use crate::erasure;
use crate::platform::stored::{Stored, StoredField};

/// Returns the declarations of all collections.
#[must_use]
pub fn stored() -> Vec<Stored> {
    [erasure::STORED, NOBODYS].concat()
}

const NOBODYS: &[Stored] = &[
    Stored {
        collection: "jobs",
        fields: &[
            ("_id", StoredField::Free),
            ("kind", StoredField::Free),
            ("payload", StoredField::Free),
            ("state", StoredField::Free),
            ("due", StoredField::Free),
            ("claim", StoredField::Free),
            ("attempts", StoredField::Free),
            ("failure", StoredField::Free),
            ("createdAt", StoredField::Free),
            ("finishedAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "unclaimedContent",
        fields: &[
            ("_id", StoredField::Free),
            ("until", StoredField::Free),
            ("sweeping", StoredField::Free),
            ("contents", StoredField::Free),
        ],
    },
    Stored {
        collection: "throttle",
        fields: &[
            ("_id", StoredField::Free),
            ("events", StoredField::Free),
            ("known", StoredField::Free),
            ("failures", StoredField::Free),
            ("since", StoredField::Free),
            ("until", StoredField::Free),
            ("expiresAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "decoys",
        fields: &[
            ("_id", StoredField::Free),
            ("filling", StoredField::Free),
            ("keys", StoredField::Free),
            ("turns", StoredField::Free),
            ("expiresAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "revokedTokens",
        fields: &[
            ("_id", StoredField::Free),
            ("userId", StoredField::Free),
            ("expiresAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "organizations",
        fields: &[
            ("_id", StoredField::Free),
            ("name", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "members",
        fields: &[
            ("_id", StoredField::Free),
            ("organizationId", StoredField::Free),
            ("name", StoredField::Free),
            ("email", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "apiClients",
        fields: &[
            ("_id", StoredField::Free),
            ("organizationId", StoredField::Free),
            ("kind", StoredField::Free),
            ("name", StoredField::Free),
            ("storefrontIds", StoredField::Free),
            ("scopes", StoredField::Free),
            ("fingerprint", StoredField::Free),
            ("createdAt", StoredField::Free),
            ("revokedAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "signingKeys",
        fields: &[
            ("_id", StoredField::Free),
            ("sequence", StoredField::Free),
            ("sealed", StoredField::Free),
            ("sealedPublic", StoredField::Free),
            ("signsFrom", StoredField::Free),
        ],
    },
    Stored {
        collection: "storefronts",
        fields: &[
            ("_id", StoredField::Free),
            ("organizationId", StoredField::Free),
            ("name", StoredField::Free),
            ("code", StoredField::Free),
            ("integrationType", StoredField::Free),
            ("accountUrl", StoredField::Free),
            ("concealEmails", StoredField::Free),
            ("customFieldCount", StoredField::Free),
            ("identityProvidersAdded", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "customFields",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("key", StoredField::Free),
            ("name", StoredField::Free),
            ("description", StoredField::Free),
            ("type", StoredField::Free),
            ("isRequired", StoredField::Free),
            ("options", StoredField::Free),
            ("isPublic", StoredField::Free),
            ("isCustomerWritable", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "customFieldGuards",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("number", StoredField::Free),
            ("touched", StoredField::Free),
        ],
    },
    Stored {
        collection: "customerGroups",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("name", StoredField::Free),
            ("createdAt", StoredField::Free),
            ("version", StoredField::Free),
        ],
    },
    Stored {
        collection: "markets",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("name", StoredField::Free),
            ("opensTo", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "counters",
        fields: &[("_id", StoredField::Free), ("last", StoredField::Free)],
    },
    Stored {
        collection: "migrations",
        fields: &[
            ("_id", StoredField::Free),
            ("number", StoredField::Free),
            ("name", StoredField::Free),
            ("at", StoredField::Free),
            ("node", StoredField::Free),
            ("until", StoredField::Free),
        ],
    },
    Stored {
        collection: "demo",
        fields: &[
            ("_id", StoredField::Free),
            ("organizationId", StoredField::Free),
            ("memberId", StoredField::Free),
            ("until", StoredField::Free),
            ("filledAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "identityProviders",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("key", StoredField::Free),
            ("name", StoredField::Free),
            ("issuer", StoredField::Free),
            ("clientId", StoredField::Free),
            ("sealedSecret", StoredField::Free),
            ("redirectUris", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
    Stored {
        collection: "audit",
        fields: &[
            ("_id", StoredField::Free),
            ("at", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("customerId", StoredField::Free),
            ("action", StoredField::Free),
            ("actor", StoredField::Free),
            ("object", StoredField::Free),
            ("expiresAt", StoredField::Free),
        ],
    },
    // The e-mail address in a key is removed when the place of the key is sealed.
    Stored {
        collection: "oneTimeKeys",
        fields: &[
            ("_id", StoredField::Free),
            ("purpose", StoredField::Free),
            ("organizationId", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("userId", StoredField::Free),
            ("customerId", StoredField::Free),
            ("email", StoredField::Hidden),
            ("hash", StoredField::Hidden),
            ("sealed", StoredField::Free),
            ("expiresAt", StoredField::Free),
        ],
    },
    // Uploaded content is deleted with its item.
    Stored {
        collection: "content.chunks",
        fields: &[
            ("_id", StoredField::Free),
            ("files_id", StoredField::Free),
            ("n", StoredField::Free),
            ("data", StoredField::Hidden),
        ],
    },
    Stored {
        collection: "content.files",
        fields: &[
            ("_id", StoredField::Free),
            ("length", StoredField::Free),
            ("chunkSize", StoredField::Free),
            ("uploadDate", StoredField::Free),
            ("filename", StoredField::Free),
            ("metadata", StoredField::Free),
        ],
    },
];
