//! Queries of storefronts, storefront users and their items.

use storefront_gateway::reach::scope::Scope::{
    self, StorageRead, StorefrontUsersRead, StorefrontUsersToken, StorefrontsRead,
};

use super::row::{NO, NONE, Row, asks, behind, node};

impl Row {
    /// Null for everyone except the owner and a backend.
    fn own_node(self) -> Self {
        self.anyone(["null"; 2])
            .backends(["null", "ours", "null"])
            .own_persons()
    }

    /// The same for data behind the node, which a backend that sees the node may be forbidden to see.
    fn own_behind(self) -> Self {
        self.anyone(["null"; 2])
            .backends([NO, "ours", "null"])
            .own_persons()
    }

    fn own_persons(self) -> Self {
        self.users(["ours", "null", "null", "ours"])
            .customers(["ours", "null", "null"])
    }

    fn nobodys(self) -> Self {
        self.anyone(["null"; 2])
            .backends(["null"; 3])
            .users(["null"; 4])
            .customers(["null"; 3])
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = viewers();
    rows.extend(nodes());
    rows.extend(nodes_behind());
    rows.extend(roots());
    rows
}

fn viewers() -> Vec<Row> {
    vec![
        asks("viewer", "", |_| "{ viewer { organization { id } } }".into())
            .anyone(["null", "ours"])
            .backends(["ours", "ours", "else"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours"; 3]),
        asks("viewer", "storefront user", |_| {
            "{ viewer { storefrontUser { id } } }".into()
        })
        .anyone(["null", "else"])
        .backends(["else"; 3])
        .users(["ours", "else", "null", "ours"])
        .customers(["ours", "else", "else"]),
    ]
}

fn nodes() -> Vec<Row> {
    vec![
        asks("node", "storefront", |cell| node(cell.storefront(), ""))
            .scopes(&[StorefrontsRead], &[])
            .anyone(["null", "ours"])
            .backends(["null", "ours", "null"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours", "ours", "null"]),
        asks("node", "user", |cell| node(&cell.ann, ""))
            .scopes(&[StorefrontUsersRead], &[StorageRead])
            .own_node(),
        asks("node", "item", |cell| node(&cell.item, ""))
            .scopes(&[StorageRead], &[StorefrontUsersRead])
            .own_node(),
        asks("node", "organization", |cell| {
            node(&cell.shop.organization.to_string(), "")
        })
        .anyone(["null", "ours"])
        .backends(["ours", "ours", "null"])
        .users(["ours", "ours", "null", "ours"])
        .customers(["ours"; 3]),
        asks("node", "member", |_| node("mem_01h00000000000000000000000", "")).nobodys(),
        asks("node", "API client", |_| {
            node("cli_01h00000000000000000000000", "")
        })
        .nobodys(),
        asks("node", "malformed", |_| node("sfu_", ""))
            .scopes(Scope::ALL, &[])
            .nobodys(),
        asks("nodes", "user", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.ann)
        })
        .scopes(&[StorefrontUsersRead], &[])
        .own_node(),
        asks("nodes", "item", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.item)
        })
        .scopes(&[StorageRead], &[])
        .own_node(),
    ]
}

fn nodes_behind() -> Vec<Row> {
    vec![
        asks("node", "item's owner", |cell| {
            behind(&cell.item, "... on StorageItem { owner { id } }")
        })
        .scopes(&[StorageRead, StorefrontUsersRead], &[StorageRead])
        .own_behind(),
        asks("node", "user's storefront", |cell| {
            behind(&cell.ann, "... on StorefrontUser { storefront { id } }")
        })
        .scopes(&[StorefrontUsersRead, StorefrontsRead], &[StorefrontUsersRead])
        .own_behind(),
        asks("node", "user's storage", |cell| {
            behind(
                &cell.ann,
                "... on StorefrontUser { privateStorage { items { nodes { id } } } }",
            )
        })
        .scopes(&[StorefrontUsersRead, StorageRead], &[StorefrontUsersRead])
        .own_behind(),
        asks("node", "merged into", |cell| {
            behind(&cell.tomb, "... on StorefrontUser { mergedInto { id } }")
        })
        .scopes(&[StorefrontUsersRead], &[])
        .anyone(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null"; 4])
        .customers(["null"; 3]),
    ]
}

fn roots() -> Vec<Row> {
    vec![
        asks("storefront", "", |cell| {
            format!("{{ storefront(by: {{ id: {:?} }}) {{ id }} }}", cell.storefront())
        })
        .scopes(&[StorefrontsRead], &[StorefrontUsersRead])
        .anyone([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
        asks("storefront", "users", |cell| {
            format!(
                "{{ storefront(by: {{ id: {:?} }}) {{ users(filter: {{ storefrontUserId: {{ eq: {:?} }} }}) \
                 {{ nodes {{ id }} }} }} }}",
                cell.storefront(),
                cell.ann_key
            )
        })
        .scopes(&[StorefrontsRead, StorefrontUsersRead], &[StorefrontsRead])
        .anyone([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "else", NO, "ours"])
        .customers(["ours", "else", "null"]),
        asks("storefronts", "", |_| "{ storefronts { nodes { id } } }".into())
            .scopes(&[StorefrontsRead], &[])
            .anyone([NONE, "ours"])
            .backends([NO, "ours", "else"])
            .users(["ours", "ours", NO, "ours"])
            .customers(["ours", "ours", "else"]),
        asks("storefrontUser", "", |cell| {
            format!("{{ storefrontUser(by: {{ id: {:?} }}) {{ id }} }}", cell.ann)
        })
        .scopes(&[StorefrontUsersRead], &[StorefrontUsersToken, StorageRead])
        .anyone([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "null", NO, "ours"])
        .customers(["ours", "null", "null"]),
        asks("storefrontUser", "by the store's id", |cell| {
            format!(
                "{{ storefrontUser(by: {{ external: {{ storefrontId: {:?}, storefrontUserId: {:?} }} }}) \
                 {{ id }} }}",
                cell.storefront(),
                cell.ann_key
            )
        })
        .scopes(&[StorefrontUsersRead], &[StorefrontUsersToken, StorageRead])
        .anyone([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["ours", "null", NO, "ours"])
        .customers(["ours", "null", "null"]),
    ]
}
