//! Queries of storefronts, storefront users and their items.

use storefront_gateway::reach::scope::Scope::{
    self, StorageRead, StorefrontUsersRead, StorefrontUsersToken, StorefrontsRead,
};

use super::row::{NO, NONE, Row, nested, node, query_row};

impl Row {
    /// Null for everyone except the owner and a backend.
    fn own_node(self) -> Self {
        self.public_callers(["null"; 2])
            .backends(["null", "ours", "null"])
            .owner_only()
    }

    /// The same for data behind the node, which a backend that sees the node may be forbidden to see.
    fn own_nested(self) -> Self {
        self.public_callers(["null"; 2])
            .backends([NO, "ours", "null"])
            .owner_only()
    }

    fn owner_only(self) -> Self {
        self.users(["ours", "null", "null", "ours"])
            .customers(["ours", "null", "null"])
    }

    fn null_for_everyone(self) -> Self {
        self.public_callers(["null"; 2])
            .backends(["null"; 3])
            .users(["null"; 4])
            .customers(["null"; 3])
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = viewers();
    rows.extend(nodes());
    rows.extend(nested_nodes());
    rows.extend(roots());
    rows
}

fn viewers() -> Vec<Row> {
    vec![
        query_row("viewer", "", |_| "{ viewer { organization { id } } }".into())
            .public_callers(["null", "ours"])
            .backends(["ours", "ours", "else"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours"; 3]),
        query_row("viewer", "storefront user", |_| {
            "{ viewer { storefrontUser { id } } }".into()
        })
        .public_callers(["null", "else"])
        .backends(["else"; 3])
        .users(["ours", "else", "null", "ours"])
        .customers(["ours", "else", "else"]),
    ]
}

fn nodes() -> Vec<Row> {
    vec![
        query_row("node", "storefront", |cell| node(cell.storefront(), ""))
            .scopes(&[StorefrontsRead], &[])
            .public_callers(["null", "ours"])
            .backends(["null", "ours", "null"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours", "ours", "null"]),
        query_row("node", "user", |cell| node(&cell.ann, ""))
            .scopes(&[StorefrontUsersRead], &[StorageRead])
            .own_node(),
        query_row("node", "item", |cell| node(&cell.item, ""))
            .scopes(&[StorageRead], &[StorefrontUsersRead])
            .own_node(),
        query_row("node", "organization", |cell| {
            node(&cell.shop.organization.to_string(), "")
        })
        .public_callers(["null", "ours"])
        .backends(["ours", "ours", "null"])
        .users(["ours", "ours", "null", "ours"])
        .customers(["ours"; 3]),
        query_row("node", "member", |_| node("mem_01h00000000000000000000000", "")).null_for_everyone(),
        query_row("node", "API client", |_| {
            node("cli_01h00000000000000000000000", "")
        })
        .null_for_everyone(),
        query_row("node", "malformed", |_| node("sfu_", ""))
            .scopes(Scope::ALL, &[])
            .null_for_everyone(),
        query_row("nodes", "user", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.ann)
        })
        .scopes(&[StorefrontUsersRead], &[])
        .own_node(),
        query_row("nodes", "item", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.item)
        })
        .scopes(&[StorageRead], &[])
        .own_node(),
    ]
}

fn nested_nodes() -> Vec<Row> {
    vec![
        query_row("node", "item's owner", |cell| {
            nested(&cell.item, "... on StorageItem { owner { id } }")
        })
        .scopes(&[StorageRead, StorefrontUsersRead], &[StorageRead])
        .own_nested(),
        query_row("node", "user's storefront", |cell| {
            nested(&cell.ann, "... on StorefrontUser { storefront { id } }")
        })
        .scopes(&[StorefrontUsersRead, StorefrontsRead], &[StorefrontUsersRead])
        .own_nested(),
        query_row("node", "user's storage", |cell| {
            nested(
                &cell.ann,
                "... on StorefrontUser { privateStorage { items { nodes { id } } } }",
            )
        })
        .scopes(&[StorefrontUsersRead, StorageRead], &[StorefrontUsersRead])
        .own_nested(),
        query_row("node", "merged into", |cell| {
            nested(&cell.tomb, "... on StorefrontUser { mergedInto { id } }")
        })
        .scopes(&[StorefrontUsersRead], &[])
        .public_callers(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null"; 4])
        .customers(["null"; 3]),
    ]
}

fn roots() -> Vec<Row> {
    vec![
        query_row("storefront", "", |cell| {
            format!("{{ storefront(by: {{ id: {:?} }}) {{ id }} }}", cell.storefront())
        })
        .scopes(&[StorefrontsRead], &[StorefrontUsersRead])
        .public_callers([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
        query_row("storefront", "users", |cell| {
            format!(
                "{{ storefront(by: {{ id: {:?} }}) {{ users(filter: {{ storefrontUserId: {{ eq: {:?} }} }}) \
                 {{ nodes {{ id }} }} }} }}",
                cell.storefront(),
                cell.ann_key
            )
        })
        .scopes(&[StorefrontsRead, StorefrontUsersRead], &[StorefrontsRead])
        .public_callers([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "else", NO, "ours"])
        .customers(["ours", "else", "null"]),
        query_row("storefronts", "", |_| "{ storefronts { nodes { id } } }".into())
            .scopes(&[StorefrontsRead], &[])
            .public_callers([NONE, "ours"])
            .backends([NO, "ours", "else"])
            .users(["ours", "ours", NO, "ours"])
            .customers(["ours", "ours", "else"]),
        query_row("storefrontUser", "", |cell| {
            format!("{{ storefrontUser(by: {{ id: {:?} }}) {{ id }} }}", cell.ann)
        })
        .scopes(&[StorefrontUsersRead], &[StorefrontUsersToken, StorageRead])
        .public_callers([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "null", NO, "ours"])
        .customers(["ours", "null", "null"]),
        query_row("storefrontUser", "by the store's id", |cell| {
            format!(
                "{{ storefrontUser(by: {{ external: {{ storefrontId: {:?}, storefrontUserId: {:?} }} }}) \
                 {{ id }} }}",
                cell.storefront(),
                cell.ann_key
            )
        })
        .scopes(&[StorefrontUsersRead], &[StorefrontUsersToken, StorageRead])
        .public_callers([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "null", NO, "ours"])
        .customers(["ours", "null", "null"]),
    ]
}
