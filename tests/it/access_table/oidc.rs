//! Single sign-on: a storefront's identity providers, and signing in with them.

use storefront_gateway::reach::scope::Scope::{CustomersRead, CustomersWrite, StorefrontsRead};

use super::row::{NO, NO_STOREFRONT, NONE, Row, mutation_row, query_row};
use crate::oidc::{WITH_OIDC, callback_input_in};

pub(super) fn rows() -> Vec<Row> {
    vec![
        // The storefront's id is selected too, as the data that identifies the owner.
        query_row("storefront", "identity providers", |cell| {
            let by = format!("by: {{ id: {:?} }}", cell.storefront());
            format!("{{ storefront({by}) {{ id identityProviders {{ key name }} }} }}")
        })
        .scopes(&[StorefrontsRead], &[CustomersRead, CustomersWrite])
        .public_callers([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
        mutation_row(WITH_OIDC, "", |cell| {
            callback_input_in(cell.storefront(), &format!("new{}", cell.number))
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, "done"])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
    ]
}
