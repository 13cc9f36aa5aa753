//! Mutations of storefront users and their items.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{
    StorageRead, StorageWrite, StorefrontUsersRead, StorefrontUsersToken, StorefrontUsersWrite,
};

use super::Act;
use super::cell::Cell;
use super::row::{MERGED, NO, NO_STOREFRONT, NONE, Row, mutation_row, row};

impl Row {
    /// Only backends may.
    fn backends_only(self) -> Self {
        self.public_callers([NONE, NO])
            .backends([NO, "done", NO_STOREFRONT])
            .no_persons()
    }

    /// Backends may, and persons with their own items.
    fn own_items(self) -> Self {
        let not_found = "user STORAGE_ITEM_NOT_FOUND";
        self.scopes(&[StorageWrite], &[StorageRead])
            .public_callers([NONE, NO])
            .backends([NO, "done", not_found])
            .users(["done", not_found, MERGED, "done"])
            .customers(["done", not_found, not_found])
    }
}

fn pair(cell: &Cell, regular: &str) -> Value {
    cell.shop.pair(&cell.guest_key, regular)
}

fn fresh(cell: &Cell) -> String {
    format!("new {}", cell.number)
}

pub(super) fn mutations() -> Vec<Row> {
    let mut rows = of_users();
    rows.extend(of_items());
    rows
}

fn of_users() -> Vec<Row> {
    vec![
        mutation_row("storefrontUserRegister", "as a backend", |cell| {
            cell.shop.user(&fresh(cell), false)
        })
        .scopes(&[StorefrontUsersWrite], &[StorefrontUsersRead])
        .public_callers([NONE, "user FORBIDDEN"])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        mutation_row(
            "storefrontUserRegister",
            "as a browser",
            |cell| json!({ "storefrontId": cell.storefront(), "isAnonymous": true }),
        )
        .scopes(&[StorefrontUsersWrite], &[StorefrontUsersRead])
        .public_callers([NONE, "done"])
        .backends([NO, "user REQUIRED", NO_STOREFRONT])
        .no_persons(),
        mutation_row("storefrontUserEnsure", "", |cell| {
            cell.shop.user(&fresh(cell), false)
        })
        .scopes(&[StorefrontUsersWrite], &[])
        .backends_only(),
        mutation_row("storefrontUserMergeAnonymous", "", |cell| {
            pair(cell, &cell.ann_key)
        })
        .scopes(&[StorefrontUsersWrite], &[])
        .backends_only(),
        mutation_row("storefrontUserPromote", "", |cell| pair(cell, &fresh(cell)))
            .scopes(&[StorefrontUsersWrite], &[])
            .backends_only(),
        mutation_row("storefrontUserDelete", "", |cell| cell.shop.named(&cell.ann_key))
            .scopes(&[StorefrontUsersWrite], &[])
            .backends_only(),
        mutation_row("storefrontUserTokenIssue", "", |cell| {
            cell.shop.named(&cell.ann_key)
        })
        .scopes(&[StorefrontUsersToken], &[])
        .public_callers([NONE, NO])
        .backends([NO, "no change", NO_STOREFRONT])
        .no_persons(),
    ]
}

fn of_items() -> Vec<Row> {
    vec![
        mutation_row(
            "storageItemUpdate",
            "",
            |cell| json!({ "id": cell.item, "name": "renamed" }),
        )
        .own_items(),
        mutation_row("storageItemDelete", "", |cell| json!({ "id": cell.item })).own_items(),
        row(
            "storageItemUpload",
            "for a customer",
            Act::Upload(|cell| json!({ "owner": { "id": cell.ann } })),
        )
        .scopes(
            &[StorageWrite, StorefrontUsersRead],
            &[StorageRead, StorefrontUsersRead],
        )
        .public_callers([NONE, NO])
        .backends([NO, "done", "user STOREFRONT_USER_NOT_FOUND"])
        .users(["user FORBIDDEN", "user FORBIDDEN", MERGED, "user FORBIDDEN"])
        .customers(["user FORBIDDEN"; 3]),
        row("storageItemUpload", "for the caller", Act::Upload(|_| json!({})))
            .scopes(&[StorageWrite], &[StorageRead])
            .public_callers([NONE, NO])
            .backends([NO, "user REQUIRED", "user REQUIRED"])
            .users(["done", "done", MERGED, "done"])
            .customers(["done"; 3]),
    ]
}
