//! Where access may be widened, and who may speak to the database.

use std::collections::{BTreeMap, BTreeSet};

use super::code::modules;
use super::files_with;

/// The modules that make a [`HouseReach`](storefront_gateway::reach::HouseReach), with how they make it. Each works on
/// documents that the caller of a request does not reach, or outside of requests. The list is exact.
const HOUSE: &[(&str, &[&str])] = &[
    ("customer/guest.rs", &["within"]),
    ("customer/mail.rs", &["everywhere"]),
    ("customer/mailed/change_request.rs", &["within"]),
    ("customer/mailed/request.rs", &["within"]),
    ("customer/migrations.rs", &["everywhere"]),
    ("customer/register/concealed.rs", &["within"]),
    ("customer/register/registration.rs", &["within"]),
    ("customer/sign_in/mod.rs", &["within"]),
    ("customer/sign_in/password.rs", &["within"]),
    ("customer/unique.rs", &["within"]),
    ("customer_group/forget.rs", &["within"]),
    ("demo/mod.rs", &["everywhere"]),
    ("erasure/eraser.rs", &["everywhere", "within"]),
    ("erasure/export.rs", &["within"]),
    ("erasure/export_file.rs", &["within"]),
    ("erasure/immediate.rs", &["within"]),
    ("erasure/migrations.rs", &["everywhere"]),
    ("erasure/steps.rs", &["within"]),
    ("oidc/admission.rs", &["within"]),
    ("oidc/token_create.rs", &["within"]),
    ("storage/delete.rs", &["within"]),
    ("storage/jobs.rs", &["everywhere"]),
    ("storage/store.rs", &["everywhere", "within"]),
    ("storage/upload.rs", &["within"]),
    ("storefront_user/erase.rs", &["within"]),
    ("storefront_user/lifecycle.rs", &["everywhere"]),
];

#[test]
fn a_house_reach_is_created_only_in_the_listed_modules() {
    let calls = |module: &'static super::code::Module| {
        let calls = module.calls.iter().map(String::as_str);
        calls.filter_map(|call| call.strip_prefix("HouseReach::"))
    };
    let made: BTreeMap<&str, BTreeSet<&str>> = modules()
        .iter()
        .filter(|module| {
            module
                .path
                .first()
                .is_some_and(|first| first != "reach" && first != "cli")
        })
        .map(|module| (module.file.as_str(), calls(module).collect::<BTreeSet<_>>()))
        .filter(|(_, made)| !made.is_empty())
        .collect();
    let listed: BTreeMap<&str, BTreeSet<&str>> = HOUSE
        .iter()
        .map(|(file, made)| (*file, made.iter().copied().collect()))
        .collect();
    assert_eq!(made, listed);
}

#[test]
fn nodes_and_payloads_use_neither_the_database_nor_a_house_reach() {
    let node = |path: &str| path.ends_with("/node.rs");
    assert_eq!(files_with(&["mongodb::", "HouseReach"], node), [""; 0]);
}

#[test]
fn stores_define_no_response_types() {
    let store = |path: &str| path.ends_with("/store.rs");
    assert_eq!(files_with(&["SimpleObject", "Object("], store), [""; 0]);
}

#[test]
fn tenant_collections_are_opened_with_a_reach() {
    // The demo records in an internal collection that it has created its data.
    let own = [
        "platform/",
        "auth/",
        "reach/",
        "audit.rs",
        "organization/store.rs",
        "demo/mod.rs",
    ];
    let elsewhere = |path: &str| !own.iter().any(|part| path.starts_with(part));
    assert_eq!(
        files_with(&[".internal::<", ".internal(", ".raw()"], elsewhere),
        [""; 0]
    );
}
