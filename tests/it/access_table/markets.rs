//! Customer groups and markets: their queries and mutations.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{
    CustomersRead, CustomersWrite, GroupsRead, GroupsWrite, StorefrontsRead,
};

use super::cell::Cell;
use super::row::{NO, NO_STOREFRONT, NONE, Row, asks, behind, does, node};

const NO_GROUP: &str = "user CUSTOMER_GROUP_NOT_FOUND";
const NO_MARKET: &str = "user MARKET_NOT_FOUND";

impl Row {
    /// A node that only members and backends see; `backend` is the outcome of a backend without the required scope.
    fn members_node(self, backend: &'static str) -> Self {
        self.anyone(["null"; 2])
            .backends([backend, "ours", "null"])
            .users(["null"; 4])
            .customers(["ours", "null", "null"])
    }

    /// A list that only backends and customers may query, each customer only their own.
    fn members_list(self) -> Self {
        self.anyone([NONE, NO])
            .backends([NO, "ours", "null"])
            .users([NO; 4])
            .customers(["ours", "else", "null"])
    }

    /// Only backends with the scope may; `theirs` is the outcome of another organization's backend.
    fn of_writers(self, theirs: &'static str) -> Self {
        self.scopes(&[GroupsWrite], &[GroupsRead, CustomersWrite])
            .anyone([NONE, NO])
            .backends([NO, "done", theirs])
            .no_persons()
    }
}

pub(super) fn queries() -> Vec<Row> {
    let mut rows = nodes();
    rows.extend(nodes_behind());
    rows.extend(behind_customers());
    rows.extend(lists());
    rows
}

fn nodes() -> Vec<Row> {
    vec![
        asks("node", "group", |cell| node(&cell.group, ""))
            .scopes(&[GroupsRead], &[GroupsWrite, CustomersRead, StorefrontsRead])
            .members_node("null"),
        asks("nodes", "group", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.group)
        })
        .scopes(&[GroupsRead], &[CustomersRead])
        .members_node("null"),
        asks("node", "private market", |cell| node(&cell.market, ""))
            .scopes(&[StorefrontsRead], &[GroupsRead, GroupsWrite])
            .members_node("null"),
        asks("nodes", "private market", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.market)
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .members_node("null"),
        asks("node", "public market", |cell| node(&cell.public_market, ""))
            .scopes(&[StorefrontsRead], &[GroupsRead])
            .anyone(["null", "else"])
            .backends(["null", "else", "null"])
            .users(["else", "else", "null", "else"])
            .customers(["else", "else", "null"]),
    ]
}

fn nodes_behind() -> Vec<Row> {
    vec![
        asks("node", "group's customers", |cell| {
            behind(&cell.group, "... on CustomerGroup { customers { nodes { id } } }")
        })
        .scopes(&[GroupsRead, CustomersRead], &[GroupsRead])
        .members_node(NO),
        asks("node", "group's markets", |cell| {
            behind(&cell.group, "... on CustomerGroup { markets { nodes { id } } }")
        })
        .scopes(&[GroupsRead, StorefrontsRead], &[GroupsRead])
        .members_node(NO),
        asks("node", "group's storefront", |cell| {
            behind(&cell.group, "... on CustomerGroup { storefront { id } }")
        })
        .scopes(&[GroupsRead, StorefrontsRead], &[GroupsRead])
        .members_node(NO),
        asks("node", "market's groups", |cell| {
            behind(&cell.market, "... on Market { groups { nodes { id } } }")
        })
        .scopes(&[StorefrontsRead, GroupsRead], &[StorefrontsRead])
        .members_node(NO),
        asks("node", "market's storefront", |cell| {
            behind(&cell.market, "... on Market { storefront { id } }")
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .members_node("null"),
    ]
}

fn behind_customers() -> Vec<Row> {
    let account = |row: Row, linked: &'static str| {
        row.anyone(["null"; 2])
            .backends([NO, "ours", "null"])
            .users(["null", "null", "null", linked])
            .customers(["ours", "null", "null"])
    };
    vec![
        account(
            asks("node", "customer's groups", |cell| {
                behind(&cell.account.id, "... on Customer { groups { nodes { id } } }")
            })
            .scopes(&[CustomersRead, GroupsRead], &[CustomersRead]),
            NO,
        ),
        account(
            asks("node", "customer's markets", |cell| {
                behind(&cell.account.id, "... on Customer { markets { nodes { id } } }")
            })
            .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead]),
            "else",
        ),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        asks("storefront", "groups", |cell| {
            of_storefront(cell, "customerGroups(first: 100)")
        })
        .scopes(&[StorefrontsRead, GroupsRead], &[StorefrontsRead])
        .members_list(),
        asks("storefront", "markets", |cell| {
            of_storefront(cell, "markets(first: 100)")
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .anyone([NONE, "else"])
        .backends([NO, "ours", "null"])
        .users(["else", "else", NO, "else"])
        .customers(["ours", "else", "null"]),
        asks("storefront", "customers of a group", |cell| {
            of_storefront(
                cell,
                &format!("customers(filter: {{ groupId: {:?} }})", cell.group),
            )
        })
        .scopes(
            &[StorefrontsRead, CustomersRead, GroupsRead],
            &[StorefrontsRead, CustomersRead],
        )
        .members_list(),
    ]
}

fn of_storefront(cell: &Cell, list: &str) -> String {
    let storefront = cell.storefront();
    format!("{{ storefront(by: {{ id: {storefront:?} }}) {{ {list} {{ nodes {{ id }} }} }} }}")
}

pub(super) fn mutations() -> Vec<Row> {
    vec![
        does("customerGroupCreate", "", |cell| {
            json!({ "storefrontId": cell.storefront(), "name": format!("new {}", cell.number) })
        })
        .of_writers(NO_STOREFRONT),
        does("customerGroupUpdate", "", |cell| {
            json!({ "id": cell.group, "name": format!("renamed {}", cell.number) })
        })
        .of_writers(NO_GROUP),
        does("customerGroupAddCustomers", "", |cell| {
            json!({ "id": cell.group, "customerIds": [cell.bare] })
        })
        .of_writers(NO_GROUP),
        does("customerGroupRemoveCustomers", "", |cell| {
            json!({ "id": cell.group, "customerIds": [cell.account.id] })
        })
        .of_writers(NO_GROUP),
        does("marketCreate", "", |cell| {
            json!({ "storefrontId": cell.storefront(), "name": format!("new {}", cell.number), "groupIds": [cell.group] })
        })
        .of_writers(NO_STOREFRONT),
        does("marketUpdate", "", |cell| json!({ "id": cell.market, "groupIds": [] })).of_writers(NO_MARKET),
        does("marketDelete", "", |cell| json!({ "id": cell.market })).of_writers(NO_MARKET),
        does("customerGroupDelete", "", |cell| json!({ "id": cell.group })).of_writers(NO_GROUP),
    ]
}
