//! Single sign-on: a storefront's identity providers, and signing in with them.

use storefront_gateway::reach::scope::Scope::{CustomersRead, CustomersWrite, StorefrontsRead};

use super::row::{NO, NO_STOREFRONT, NONE, Row, asks, does};
use crate::oidc::{WITH_OIDC, back_in};

pub(super) fn rows() -> Vec<Row> {
    vec![
        // The storefront's id is selected too, as the data that identifies the owner.
        asks("storefront", "identity providers", |cell| {
            let by = format!("by: {{ id: {:?} }}", cell.storefront());
            format!("{{ storefront({by}) {{ id identityProviders {{ key name }} }} }}")
        })
        .scopes(&[StorefrontsRead], &[CustomersRead, CustomersWrite])
        .anyone([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
        does(WITH_OIDC, "", |cell| {
            back_in(cell.storefront(), &format!("new{}", cell.number))
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, "done"])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
    ]
}
