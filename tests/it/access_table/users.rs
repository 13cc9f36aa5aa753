//! Mutations of storefront users and their items.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{
    StorageRead, StorageWrite, StorefrontUsersRead, StorefrontUsersToken, StorefrontUsersWrite,
};

use super::Act;
use super::cell::Cell;
use super::row::{MERGED, NO, NO_STOREFRONT, NONE, Row, does, row};

impl Row {
    /// Only backends may.
    fn backends_only(self) -> Self {
        self.anyone([NONE, NO])
            .backends([NO, "done", NO_STOREFRONT])
            .no_persons()
    }

    /// Backends may, and persons with their own items.
    fn own_items(self) -> Self {
        let not_found = "user STORAGE_ITEM_NOT_FOUND";
        self.scopes(&[StorageWrite], &[StorageRead])
            .anyone([NONE, NO])
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
        does("storefrontUserRegister", "as a backend", |cell| {
            cell.shop.user(&fresh(cell), false)
        })
        .scopes(&[StorefrontUsersWrite], &[StorefrontUsersRead])
        .anyone([NONE, "user FORBIDDEN"])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        does(
            "storefrontUserRegister",
            "as a browser",
            |cell| json!({ "storefrontId": cell.storefront(), "isAnonymous": true }),
        )
        .scopes(&[StorefrontUsersWrite], &[StorefrontUsersRead])
        .anyone([NONE, "done"])
        .backends([NO, "user REQUIRED", NO_STOREFRONT])
        .no_persons(),
        does("storefrontUserEnsure", "", |cell| {
            cell.shop.user(&fresh(cell), false)
        })
        .scopes(&[StorefrontUsersWrite], &[])
        .backends_only(),
        does("storefrontUserMergeAnonymous", "", |cell| {
            pair(cell, &cell.ann_key)
        })
        .scopes(&[StorefrontUsersWrite], &[])
        .backends_only(),
        does("storefrontUserPromote", "", |cell| pair(cell, &fresh(cell)))
            .scopes(&[StorefrontUsersWrite], &[])
            .backends_only(),
        does("storefrontUserDelete", "", |cell| cell.shop.named(&cell.ann_key))
            .scopes(&[StorefrontUsersWrite], &[])
            .backends_only(),
        does("storefrontUserTokenIssue", "", |cell| {
            cell.shop.named(&cell.ann_key)
        })
        .scopes(&[StorefrontUsersToken], &[])
        .anyone([NONE, NO])
        .backends([NO, "no change", NO_STOREFRONT])
        .no_persons(),
    ]
}

fn of_items() -> Vec<Row> {
    vec![
        does(
            "storageItemUpdate",
            "",
            |cell| json!({ "id": cell.item, "name": "renamed" }),
        )
        .own_items(),
        does("storageItemDelete", "", |cell| json!({ "id": cell.item })).own_items(),
        row(
            "storageItemUpload",
            "for somebody",
            Act::Upload(|cell| json!({ "owner": { "id": cell.ann } })),
        )
        .scopes(
            &[StorageWrite, StorefrontUsersRead],
            &[StorageRead, StorefrontUsersRead],
        )
        .anyone([NONE, NO])
        .backends([NO, "done", "user STOREFRONT_USER_NOT_FOUND"])
        .users(["user FORBIDDEN", "user FORBIDDEN", MERGED, "user FORBIDDEN"])
        .customers(["user FORBIDDEN"; 3]),
        row("storageItemUpload", "for oneself", Act::Upload(|_| json!({})))
            .scopes(&[StorageWrite], &[StorageRead])
            .anyone([NONE, NO])
            .backends([NO, "user REQUIRED", "user REQUIRED"])
            .users(["done", "done", MERGED, "done"])
            .customers(["done"; 3]),
    ]
}
