//! Each mutation that takes effect, and the audit entries that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::{assert_says_ids_only, entries_written_during, formatted_entries};
use crate::customers::{PASSWORD, ada, id_of, setup};
use crate::faults::mutation_calls::{MutationCall, call, mutation_calls};
use crate::kit::{Shop, png};

/// A mutation, and the expected entries of each of its calls, in order.
type Row = (&'static str, &'static [&'static [&'static str]]);

/// Changes nothing of a customer, or nothing that is recorded (see `src/audit.rs`).
const NOTHING: &[&[&str]] = &[&[]];

const ROWS: &[Row] = &[
    ("customFieldDefine", NOTHING),
    ("customFieldDelete", NOTHING),
    ("customFieldUpdate", NOTHING),
    ("customerAddressCreate", &[&["ADDRESS_CREATED by CUSTOMER"]]),
    ("customerAddressDelete", &[&["ADDRESS_DELETED by CUSTOMER"]]),
    ("customerAddressUpdate", &[&["ADDRESS_UPDATED by CUSTOMER"]]),
    (
        "customerAnonymizationCancel",
        &[&["ANONYMIZATION_CANCELLED by CLIENT"]],
    ),
    (
        "customerAnonymizationRequest",
        &[&["ANONYMIZATION_REQUESTED by CLIENT"]],
    ),
    (
        "customerAnonymize",
        &[&[
            "ANONYMIZATION_STARTED by CUSTOMER",
            "ANONYMIZATION_COMPLETED by SYSTEM",
        ]],
    ),
    ("customerDataExport", &[&["EXPORTED by CLIENT"]]),
    // An existing customer, and one that is already erased.
    (
        "customerDelete",
        &[
            &[
                "DELETION_REQUESTED by CLIENT",
                "ANONYMIZATION_STARTED by CLIENT",
                "DELETED by SYSTEM",
            ],
            &["DELETION_REQUESTED by CLIENT", "DELETED by SYSTEM"],
        ],
    ),
    (
        "customerEmailChangeConfirm",
        &[&[
            "EMAIL_CHANGED by CUSTOMER",
            "PASSWORD_REMOVED by CUSTOMER",
            "ALL_SESSIONS_ENDED by CUSTOMER",
        ]],
    ),
    (
        "customerEmailChangeRequest",
        &[&["EMAIL_CHANGE_REQUESTED by CUSTOMER"]],
    ),
    // Anyone may request a mail for an address; only the redemption of the key is recorded.
    ("customerEmailVerificationRequest", NOTHING),
    (
        "customerEmailVerify",
        &[&[
            "EMAIL_VERIFIED by CUSTOMER",
            "PASSWORD_REMOVED by CUSTOMER",
            "ALL_SESSIONS_ENDED by CUSTOMER",
        ]],
    ),
    ("customerGroupAddCustomers", &[&["GROUP_JOINED by CLIENT"]]),
    ("customerGroupCreate", NOTHING),
    ("customerGroupDelete", NOTHING),
    ("customerGroupRemoveCustomers", &[&["GROUP_LEFT by CLIENT"]]),
    ("customerGroupUpdate", NOTHING),
    // A note carries its author and its time.
    ("customerNoteCreate", NOTHING),
    ("customerNoteDelete", NOTHING),
    (
        "customerPasswordChange",
        &[&["PASSWORD_CHANGED by CUSTOMER", "SIGNED_IN by CUSTOMER"]],
    ),
    (
        "customerPasswordReset",
        &[&["PASSWORD_RESET by CUSTOMER", "SIGNED_IN by CUSTOMER"]],
    ),
    ("customerPasswordResetRequest", NOTHING),
    ("customerPasswordSet", &[&["PASSWORD_SET by CLIENT"]]),
    (
        "customerRegister",
        &[
            &["REGISTERED by CLIENT", "SIGNED_IN by CLIENT"],
            &["REGISTERED by CLIENT", "SIGNED_IN by CLIENT"],
        ],
    ),
    ("customerTokenCreate", &[&["SIGNED_IN by CUSTOMER"]]),
    // A new customer, a known one, and one whose identity is linked.
    (
        "customerTokenCreateWithOidc",
        &[
            &[
                "REGISTERED by CLIENT",
                "SIGNED_IN by CLIENT",
                "IDENTITY_LINKED by CUSTOMER",
            ],
            &["SIGNED_IN by CUSTOMER"],
            &["SIGNED_IN by CUSTOMER", "IDENTITY_LINKED by CUSTOMER"],
        ],
    ),
    ("customerTokenIssue", &[&["TOKEN_ISSUED by CLIENT"]]),
    // Not recorded, as it happens every few minutes.
    ("customerTokenRefresh", NOTHING),
    (
        "customerTokenRevoke",
        &[
            &["ALL_SESSIONS_ENDED by CUSTOMER"],
            &["SESSION_ENDED by CUSTOMER"],
        ],
    ),
    (
        "customerUpdate",
        &[
            &["UPDATED by CUSTOMER"],
            &["CUSTOM_FIELDS_CHANGED by CUSTOMER"],
            &[
                "EMAIL_CHANGED by CLIENT",
                "CUSTOM_FIELDS_CHANGED by CLIENT",
                "UPDATED by CLIENT",
            ],
            &["UPDATED by CLIENT"],
        ],
    ),
    ("marketCreate", NOTHING),
    ("marketDelete", NOTHING),
    ("marketUpdate", NOTHING),
    ("orderCancel", &[&["ORDER_CANCELLED by CLIENT"]]),
    // An order of a customer, and one of a guest.
    ("orderRecord", &[&["ORDER_RECORDED by CLIENT"], &[]]),
    // Files have timestamps of their own.
    ("storageItemDelete", NOTHING),
    ("storageItemUpdate", NOTHING),
    ("storageItemUpload", NOTHING),
    // A customer's storefront user is created and deleted with the customer.
    ("storefrontUserDelete", NOTHING),
    ("storefrontUserEnsure", NOTHING),
    // Into a customer's user, and into a user without a customer.
    (
        "storefrontUserMergeAnonymous",
        &[&["ANONYMOUS_MERGED by CLIENT"], &[]],
    ),
    ("storefrontUserPromote", NOTHING),
    ("storefrontUserRegister", NOTHING),
    (
        "storefrontUserTokenIssue",
        &[&["STOREFRONT_USER_TOKEN_ISSUED by CLIENT"], &[]],
    ),
];

/// Updates by a backend: of all fields at once, and with the unchanged e-mail address.
async fn update_calls(shop: &Shop) -> Vec<MutationCall> {
    let (changes, _) = ada(shop, "changes-all@example.com").await;
    let id = id_of(&changes).await;
    let all = json!({
        "customerId": id, "email": "changed-all@example.com", "lastName": "King",
        "customFields": [{ "key": "score", "value": 3 }],
    });
    let same = json!({ "customerId": id, "email": "changed-all@example.com" });
    [all, same]
        .map(|input| call(&shop.backend, "customerUpdate", input, None))
        .into()
}

/// Calls of the mutations for storefront users, in an order in which they can succeed.
async fn user_calls(shop: &Shop) -> Vec<MutationCall> {
    let (owner, _) = ada(shop, "owner@example.com").await;
    let seen = owner.query("{ viewer { customer { reference } } }").await;
    let reference = seen["viewer"]["customer"]["reference"].as_str().expect("one");
    shop.ann("ann").await;
    for guest in ["first", "second", "third"] {
        shop.guest(guest).await;
    }
    [
        ("storefrontUserRegister", shop.user("new", false)),
        ("storefrontUserEnsure", shop.user("newer", false)),
        ("storefrontUserTokenIssue", shop.named(reference)),
        ("storefrontUserTokenIssue", shop.named("ann")),
        ("storefrontUserMergeAnonymous", shop.pair("first", reference)),
        ("storefrontUserMergeAnonymous", shop.pair("second", "ann")),
        ("storefrontUserPromote", shop.pair("third", "promoted")),
        ("storefrontUserDelete", shop.named("promoted")),
    ]
    .map(|(field, input)| call(&shop.backend, field, input, None))
    .into()
}

/// Deletes a customer that is already erased.
async fn erasure_mutation_calls(shop: &Shop) -> Vec<MutationCall> {
    let (leaves, _) = ada(shop, "leaves-us@example.com").await;
    let left = json!({ "customerId": id_of(&leaves).await });
    leaves
        .mutate_ok("customerAnonymize", json!({ "password": PASSWORD }))
        .await;
    vec![call(&shop.backend, "customerDelete", left, None)]
}

#[tokio::test]
async fn each_mutation_writes_the_audit_entries_of_its_row() {
    let shop = setup().manual_clock().start().await;
    let mut all = mutation_calls(&shop).await;
    all.extend(update_calls(&shop).await);
    all.extend(user_calls(&shop).await);
    all.extend(erasure_mutation_calls(&shop).await);
    let (uploads, _) = ada(&shop, "uploads@example.com").await;
    let mut reported: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
    for call in &all {
        let ((), entries) = entries_written_during(&shop, call.assert_succeeds()).await;
        reported
            .entry(call.field)
            .or_default()
            .push(formatted_entries(&entries));
    }
    let (item, entries) = entries_written_during(&shop, uploads.upload("cat.png", &png(1))).await;
    reported.insert("storageItemUpload", vec![formatted_entries(&entries)]);
    for (field, input) in [
        (
            "storageItemUpdate",
            json!({ "id": item["id"], "name": "dog.png" }),
        ),
        ("storageItemDelete", json!({ "id": item["id"] })),
    ] {
        let (_, entries) = entries_written_during(&shop, uploads.mutate_ok(field, input)).await;
        reported.insert(field, vec![formatted_entries(&entries)]);
    }
    let rows: BTreeMap<&str, Vec<Vec<String>>> = ROWS
        .iter()
        .map(|(field, mutation_calls)| {
            let texts = |formatted: &&[&str]| formatted.iter().map(|text| (*text).to_owned()).collect();
            (*field, mutation_calls.iter().map(texts).collect())
        })
        .collect();
    for (field, formatted) in &reported {
        assert_eq!(rows.get(field), Some(formatted), "{field}");
    }
    let query = "{ __schema { mutationType { fields { name } } } }";
    let seen = shop.unauthenticated().query(query).await;
    let fields = seen["__schema"]["mutationType"]["fields"].as_array();
    let fields: BTreeSet<&str> = (fields.expect("fields").iter())
        .filter_map(|field| field["name"].as_str())
        .collect();
    assert_eq!(fields, rows.keys().copied().collect(), "each has a row");
    assert_eq!(fields, reported.keys().copied().collect(), "each was tried");
    let entries = shop.gateway.store.audit().await;
    entries.iter().for_each(assert_says_ids_only);
    shop.gateway.store.assert_consistent().await;
    // Of the two erasure requests, the job of the cancelled one has nothing to do.
    shop.gateway.advance(Duration::from_secs(25 * 3600));
    shop.gateway.run_jobs().await;
}
