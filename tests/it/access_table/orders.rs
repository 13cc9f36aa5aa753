//! Orders: queries, mutations, and the fields that lead to and from them.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{
    CustomersRead, CustomersWrite, OrdersRead, OrdersWrite, StorefrontUsersRead, StorefrontsRead,
};

use super::cell::order_of;
use super::row::{NO, NO_STOREFRONT, NONE, Row, mutation_row, nested, node, query_row};

impl Row {
    /// A lookup of an order: visible to its customer, refused for a storefront user's token.
    fn looked_up_order(self) -> Self {
        self.scopes(&[OrdersRead], &[OrdersWrite, CustomersRead])
            .public_callers([NONE, NO])
            .backends([NO, "ours", "null"])
            .users([NO; 4])
            .customers(["ours", "null", "null"])
    }

    /// A node that only the customer and backends see; `backend` is the outcome of a backend without all required
    /// scopes.
    fn order_node(self, backend: &'static str) -> Self {
        self.public_callers(["null"; 2])
            .backends([backend, "ours", "null"])
            .users(["null"; 4])
            .customers(["ours", "null", "null"])
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = lookups();
    rows.extend(nodes());
    rows.extend(mutations());
    rows
}

fn lookups() -> Vec<Row> {
    vec![
        query_row("order", "by id", |cell| {
            format!("{{ order(by: {{ id: {:?} }}) {{ id }} }}", cell.account.order)
        })
        .looked_up_order(),
        query_row("order", "by number", |cell| {
            format!(
                "{{ order(by: {{ number: {{ storefrontId: {:?}, number: {:?} }} }}) {{ id }} }}",
                cell.storefront(),
                cell.account.order_number
            )
        })
        .looked_up_order(),
        query_row("storefront", "orders", |cell| {
            format!(
                "{{ storefront(by: {{ id: {:?} }}) {{ orders(filter: {{ number: {{ eq: {:?} }} }}) {{ nodes {{ id }} }} }} }}",
                cell.storefront(),
                cell.account.order_number
            )
        })
        .scopes(&[StorefrontsRead, OrdersRead], &[StorefrontsRead, CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO, "ours", "null"])
        .users([NO; 4])
        .customers(["ours", "else", "null"]),
    ]
}

fn nodes() -> Vec<Row> {
    vec![
        query_row("node", "order", |cell| node(&cell.account.order, ""))
            .scopes(&[OrdersRead], &[CustomersRead])
            .order_node("null"),
        query_row("nodes", "order", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.account.order)
        })
        .scopes(&[OrdersRead], &[OrdersWrite])
        .order_node("null"),
        query_row("node", "order's customer", |cell| {
            nested(&cell.account.order, "... on Order { customer { id } }")
        })
        .scopes(&[OrdersRead, CustomersRead], &[OrdersRead, CustomersWrite])
        .order_node("else"),
        query_row("node", "order's storefront", |cell| {
            nested(&cell.account.order, "... on Order { storefront { id } }")
        })
        .scopes(&[OrdersRead, StorefrontsRead], &[OrdersRead])
        .order_node(NO),
        query_row("node", "customer's orders", |cell| {
            nested(&cell.account.id, "... on Customer { orders { nodes { id } } }")
        })
        .scopes(
            &[CustomersRead, OrdersRead],
            &[CustomersRead, StorefrontUsersRead],
        )
        .public_callers(["null"; 2])
        .backends([NO, "ours", "null"])
        .users(["null", "null", "null", NO])
        .customers(["ours", "null", "null"]),
    ]
}

fn mutations() -> Vec<Row> {
    vec![
        mutation_row("orderRecord", "", |cell| {
            let number = format!("new {}", cell.number);
            order_of(cell.storefront(), &json!(cell.account.id), &number)
        })
        .scopes(&[OrdersWrite], &[OrdersRead, CustomersWrite])
        .public_callers([NONE, NO])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        mutation_row("orderCancel", "", |cell| json!({ "id": cell.account.order }))
            .scopes(&[OrdersWrite], &[OrdersRead, CustomersWrite])
            .public_callers([NONE, NO])
            .backends([NO, "done", "user ORDER_NOT_FOUND"])
            .no_persons(),
    ]
}
