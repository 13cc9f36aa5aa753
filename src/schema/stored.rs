//! Declarations of everything that is stored, one for each collection. The domains declare the collections with
//! personal data; the others hold at most ids of customers. They are declared field by field, so that each new field
//! has to be classified.

use crate::erasure;
use crate::platform::stored::{Field, Stored};

/// Returns the declarations of all collections.
#[must_use]
pub fn stored() -> Vec<Stored> {
    [erasure::STORED, NOBODYS].concat()
}

const NOBODYS: &[Stored] = &[
    Stored {
        collection: "jobs",
        fields: &[
            ("_id", Field::Free),
            ("kind", Field::Free),
            ("payload", Field::Free),
            ("state", Field::Free),
            ("due", Field::Free),
            ("claim", Field::Free),
            ("attempts", Field::Free),
            ("failure", Field::Free),
            ("createdAt", Field::Free),
            ("finishedAt", Field::Free),
        ],
    },
    Stored {
        collection: "unclaimedContent",
        fields: &[
            ("_id", Field::Free),
            ("until", Field::Free),
            ("sweeping", Field::Free),
            ("contents", Field::Free),
        ],
    },
    Stored {
        collection: "throttle",
        fields: &[
            ("_id", Field::Free),
            ("events", Field::Free),
            ("known", Field::Free),
            ("failures", Field::Free),
            ("since", Field::Free),
            ("until", Field::Free),
            ("expiresAt", Field::Free),
        ],
    },
    Stored {
        collection: "decoys",
        fields: &[
            ("_id", Field::Free),
            ("filling", Field::Free),
            ("keys", Field::Free),
            ("turns", Field::Free),
            ("expiresAt", Field::Free),
        ],
    },
    Stored {
        collection: "revokedTokens",
        fields: &[
            ("_id", Field::Free),
            ("userId", Field::Free),
            ("expiresAt", Field::Free),
        ],
    },
    Stored {
        collection: "organizations",
        fields: &[
            ("_id", Field::Free),
            ("name", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "members",
        fields: &[
            ("_id", Field::Free),
            ("organizationId", Field::Free),
            ("name", Field::Free),
            ("email", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "apiClients",
        fields: &[
            ("_id", Field::Free),
            ("organizationId", Field::Free),
            ("kind", Field::Free),
            ("name", Field::Free),
            ("storefrontIds", Field::Free),
            ("scopes", Field::Free),
            ("fingerprint", Field::Free),
            ("createdAt", Field::Free),
            ("revokedAt", Field::Free),
        ],
    },
    Stored {
        collection: "signingKeys",
        fields: &[
            ("_id", Field::Free),
            ("sequence", Field::Free),
            ("sealed", Field::Free),
            ("sealedPublic", Field::Free),
            ("signsFrom", Field::Free),
        ],
    },
    Stored {
        collection: "storefronts",
        fields: &[
            ("_id", Field::Free),
            ("organizationId", Field::Free),
            ("name", Field::Free),
            ("code", Field::Free),
            ("integrationType", Field::Free),
            ("accountUrl", Field::Free),
            ("concealEmails", Field::Free),
            ("customFieldCount", Field::Free),
            ("identityProvidersAdded", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "customFields",
        fields: &[
            ("_id", Field::Free),
            ("storefrontId", Field::Free),
            ("key", Field::Free),
            ("name", Field::Free),
            ("description", Field::Free),
            ("type", Field::Free),
            ("isRequired", Field::Free),
            ("options", Field::Free),
            ("isPublic", Field::Free),
            ("isCustomerWritable", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "customFieldGuards",
        fields: &[
            ("_id", Field::Free),
            ("storefrontId", Field::Free),
            ("number", Field::Free),
            ("touched", Field::Free),
        ],
    },
    Stored {
        collection: "customerGroups",
        fields: &[
            ("_id", Field::Free),
            ("storefrontId", Field::Free),
            ("name", Field::Free),
            ("createdAt", Field::Free),
            ("version", Field::Free),
        ],
    },
    Stored {
        collection: "markets",
        fields: &[
            ("_id", Field::Free),
            ("storefrontId", Field::Free),
            ("name", Field::Free),
            ("opensTo", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "counters",
        fields: &[("_id", Field::Free), ("last", Field::Free)],
    },
    Stored {
        collection: "migrations",
        fields: &[
            ("_id", Field::Free),
            ("number", Field::Free),
            ("name", Field::Free),
            ("at", Field::Free),
            ("node", Field::Free),
            ("until", Field::Free),
        ],
    },
    Stored {
        collection: "demo",
        fields: &[
            ("_id", Field::Free),
            ("organizationId", Field::Free),
            ("memberId", Field::Free),
            ("until", Field::Free),
            ("filledAt", Field::Free),
        ],
    },
    Stored {
        collection: "identityProviders",
        fields: &[
            ("_id", Field::Free),
            ("storefrontId", Field::Free),
            ("key", Field::Free),
            ("name", Field::Free),
            ("issuer", Field::Free),
            ("clientId", Field::Free),
            ("sealedSecret", Field::Free),
            ("redirectUris", Field::Free),
            ("createdAt", Field::Free),
        ],
    },
    Stored {
        collection: "audit",
        fields: &[
            ("_id", Field::Free),
            ("at", Field::Free),
            ("storefrontId", Field::Free),
            ("customerId", Field::Free),
            ("action", Field::Free),
            ("actor", Field::Free),
            ("object", Field::Free),
            ("expiresAt", Field::Free),
        ],
    },
    // The e-mail address in a key is removed when the place of the key is sealed.
    Stored {
        collection: "oneTimeKeys",
        fields: &[
            ("_id", Field::Free),
            ("purpose", Field::Free),
            ("organizationId", Field::Free),
            ("storefrontId", Field::Free),
            ("userId", Field::Free),
            ("customerId", Field::Free),
            ("email", Field::Hidden),
            ("hash", Field::Hidden),
            ("sealed", Field::Free),
            ("expiresAt", Field::Free),
        ],
    },
    // Uploaded content is deleted with its item.
    Stored {
        collection: "content.chunks",
        fields: &[
            ("_id", Field::Free),
            ("files_id", Field::Free),
            ("n", Field::Free),
            ("data", Field::Hidden),
        ],
    },
    Stored {
        collection: "content.files",
        fields: &[
            ("_id", Field::Free),
            ("length", Field::Free),
            ("chunkSize", Field::Free),
            ("uploadDate", Field::Free),
            ("filename", Field::Free),
            ("metadata", Field::Free),
        ],
    },
];
