//! Customer groups and markets: their queries and mutations.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{
    CustomersRead, CustomersWrite, GroupsRead, GroupsWrite, StorefrontsRead,
};

use super::cell::Cell;
use super::row::{NO, NO_STOREFRONT, NONE, Row, mutation_row, nested, node, query_row};

const NO_GROUP: &str = "user CUSTOMER_GROUP_NOT_FOUND";
const NO_MARKET: &str = "user MARKET_NOT_FOUND";

impl Row {
    /// A node that only members and backends see; `backend` is the outcome of a backend without the required scope.
    fn members_node(self, backend: &'static str) -> Self {
        self.public_callers(["null"; 2])
            .backends([backend, "ours", "null"])
            .users(["null"; 4])
            .customers(["ours", "null", "null"])
    }

    /// A list that only backends and customers may query, each customer only their own.
    fn members_list(self) -> Self {
        self.public_callers([NONE, NO])
            .backends([NO, "ours", "null"])
            .users([NO; 4])
            .customers(["ours", "else", "null"])
    }

    /// Only backends with the scope may; `foreign` is the outcome of another organization's backend.
    fn of_writers(self, foreign: &'static str) -> Self {
        self.scopes(&[GroupsWrite], &[GroupsRead, CustomersWrite])
            .public_callers([NONE, NO])
            .backends([NO, "done", foreign])
            .no_persons()
    }
}

pub(super) fn queries() -> Vec<Row> {
    let mut rows = nodes();
    rows.extend(nested_nodes());
    rows.extend(nested_in_customers());
    rows.extend(lists());
    rows
}

fn nodes() -> Vec<Row> {
    vec![
        query_row("node", "group", |cell| node(&cell.group, ""))
            .scopes(&[GroupsRead], &[GroupsWrite, CustomersRead, StorefrontsRead])
            .members_node("null"),
        query_row("nodes", "group", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.group)
        })
        .scopes(&[GroupsRead], &[CustomersRead])
        .members_node("null"),
        query_row("node", "private market", |cell| node(&cell.market, ""))
            .scopes(&[StorefrontsRead], &[GroupsRead, GroupsWrite])
            .members_node("null"),
        query_row("nodes", "private market", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.market)
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .members_node("null"),
        query_row("node", "public market", |cell| node(&cell.public_market, ""))
            .scopes(&[StorefrontsRead], &[GroupsRead])
            .public_callers(["null", "else"])
            .backends(["null", "else", "null"])
            .users(["else", "else", "null", "else"])
            .customers(["else", "else", "null"]),
    ]
}

fn nested_nodes() -> Vec<Row> {
    vec![
        query_row("node", "group's customers", |cell| {
            nested(&cell.group, "... on CustomerGroup { customers { nodes { id } } }")
        })
        .scopes(&[GroupsRead, CustomersRead], &[GroupsRead])
        .members_node(NO),
        query_row("node", "group's markets", |cell| {
            nested(&cell.group, "... on CustomerGroup { markets { nodes { id } } }")
        })
        .scopes(&[GroupsRead, StorefrontsRead], &[GroupsRead])
        .members_node(NO),
        query_row("node", "group's storefront", |cell| {
            nested(&cell.group, "... on CustomerGroup { storefront { id } }")
        })
        .scopes(&[GroupsRead, StorefrontsRead], &[GroupsRead])
        .members_node(NO),
        query_row("node", "market's groups", |cell| {
            nested(&cell.market, "... on Market { groups { nodes { id } } }")
        })
        .scopes(&[StorefrontsRead, GroupsRead], &[StorefrontsRead])
        .members_node(NO),
        query_row("node", "market's storefront", |cell| {
            nested(&cell.market, "... on Market { storefront { id } }")
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .members_node("null"),
    ]
}

fn nested_in_customers() -> Vec<Row> {
    let account = |row: Row, linked: &'static str| {
        row.public_callers(["null"; 2])
            .backends([NO, "ours", "null"])
            .users(["null", "null", "null", linked])
            .customers(["ours", "null", "null"])
    };
    vec![
        account(
            query_row("node", "customer's groups", |cell| {
                nested(&cell.account.id, "... on Customer { groups { nodes { id } } }")
            })
            .scopes(&[CustomersRead, GroupsRead], &[CustomersRead]),
            NO,
        ),
        account(
            query_row("node", "customer's markets", |cell| {
                nested(&cell.account.id, "... on Customer { markets { nodes { id } } }")
            })
            .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead]),
            "else",
        ),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        query_row("storefront", "groups", |cell| {
            of_storefront(cell, "customerGroups(first: 100)")
        })
        .scopes(&[StorefrontsRead, GroupsRead], &[StorefrontsRead])
        .members_list(),
        query_row("storefront", "markets", |cell| {
            of_storefront(cell, "markets(first: 100)")
        })
        .scopes(&[StorefrontsRead], &[GroupsRead])
        .public_callers([NONE, "else"])
        .backends([NO, "ours", "null"])
        .users(["else", "else", NO, "else"])
        .customers(["ours", "else", "null"]),
        query_row("storefront", "customers of a group", |cell| {
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
        mutation_row("customerGroupCreate", "", |cell| {
            json!({ "storefrontId": cell.storefront(), "name": format!("new {}", cell.number) })
        })
        .of_writers(NO_STOREFRONT),
        mutation_row("customerGroupUpdate", "", |cell| {
            json!({ "id": cell.group, "name": format!("renamed {}", cell.number) })
        })
        .of_writers(NO_GROUP),
        mutation_row("customerGroupAddCustomers", "", |cell| {
            json!({ "id": cell.group, "customerIds": [cell.bare] })
        })
        .of_writers(NO_GROUP),
        mutation_row("customerGroupRemoveCustomers", "", |cell| {
            json!({ "id": cell.group, "customerIds": [cell.account.id] })
        })
        .of_writers(NO_GROUP),
        mutation_row("marketCreate", "", |cell| {
            json!({ "storefrontId": cell.storefront(), "name": format!("new {}", cell.number), "groupIds": [cell.group] })
        })
        .of_writers(NO_STOREFRONT),
        mutation_row("marketUpdate", "", |cell| json!({ "id": cell.market, "groupIds": [] })).of_writers(NO_MARKET),
        mutation_row("marketDelete", "", |cell| json!({ "id": cell.market })).of_writers(NO_MARKET),
        mutation_row("customerGroupDelete", "", |cell| json!({ "id": cell.group })).of_writers(NO_GROUP),
    ]
}
