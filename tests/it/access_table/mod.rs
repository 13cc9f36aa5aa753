//! The access table: every root field, and the data reachable through others, × every kind of caller, with the expected
//! outcome. A root field without a row fails.

mod cell;
mod custom_fields;
mod customers;
mod erasure;
mod markets;
mod notes;
mod oidc;
mod orders;
mod payloads;
mod queries;
mod row;
mod users;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::scope::Scope;

use crate::customers::{setup, signed_in, with_password};
use crate::kit::{self, Caller, Shop};
use crate::oidc::open;
use cell::Cell;
use row::{Act, Row, Who};

/// A shop with the callers that are the same for all rows.
struct Table {
    shop: Shop,
    rival: Shop,
    /// A publishable key of the organization's other storefront.
    elsewhere: Caller,
    other_user: Caller,
    /// Credentials that are expired or revoked.
    ended: Vec<(&'static str, Caller)>,
    /// The number of persons so far, for unique names.
    persons: usize,
}

impl Table {
    async fn new() -> Self {
        let setup = setup()
            .set("GATEWAY_STOREFRONT_USER_TOKEN_TTL", "1s")
            .set("GATEWAY_ACCESS_TOKEN_TTL", "1s")
            .manual_clock();
        let shop = setup.start().await;
        open(&shop).await;
        let austria = shop.add_storefront("Prints AT", "AT").await;
        let elsewhere = shop.client(ClientKind::Public, Some(&austria.id), &[]).await;
        let mut table = Self {
            rival: shop.rival().await,
            other_user: shop.unauthenticated(),
            elsewhere: elsewhere.caller,
            ended: Vec::new(),
            persons: 0,
            shop,
        };
        table.ended = table.ended_credentials().await;
        table.other_user = table.shop.ann("other").await;
        table
    }

    async fn ended_credentials(&mut self) -> Vec<(&'static str, Caller)> {
        let browser = self.shop.browser.clone();
        let (user, customer) = (self.shop.ann("expired").await, self.customer(&browser).await);
        // Longer than the lifetime of the tokens plus the leeway.
        self.shop.gateway.advance(Duration::from_secs(7));
        let revoked = self.shop.client(ClientKind::Integration, None, Scope::ALL).await;
        let (app, id) = (self.shop.gateway.app.clone(), revoked.id.clone());
        let revoking = async move { app.access.clients.revoke(&id).await.expect("revoked") };
        assert!(self.shop.gateway.inside(revoking).await);
        let signed_out = self.customer(&browser).await;
        signed_out.mutate_ok("customerTokenRevoke", json!({})).await;
        vec![
            ("expired user", user),
            ("expired customer", customer),
            ("revoked backend", revoked.caller),
            ("signed-out customer", signed_out),
        ]
    }

    fn next(&mut self) -> usize {
        self.persons += 1;
        self.persons
    }

    /// Registers a new customer with this key.
    async fn customer(&mut self, browser: &Caller) -> Caller {
        let email = format!("customer{}@example.com", self.next());
        let payload = browser.mutate_ok("customerRegister", with_password(&email)).await;
        signed_in(&self.shop, &payload).0
    }

    /// The callers other than the persons of a cell. They are created per row, because some rows change them.
    async fn callers(&mut self, row: &Row) -> Callers {
        let (here, elsewhere) = (self.shop.browser.clone(), self.elsewhere.clone());
        Callers {
            unauthenticated: self.shop.unauthenticated(),
            with: self.shop.backend_with(row.with).await,
            without: self.shop.backend_with(row.without).await,
            other_customer: self.customer(&here).await,
            elsewhere: self.customer(&elsewhere).await,
        }
    }

    /// Runs one row for every kind of caller; returns the differences from the table.
    async fn check(&mut self, row: &Row, cells: &mut Cells) -> Vec<String> {
        assert_eq!(
            row.outcomes.len(),
            Who::COUNT,
            "{row}: an outcome for every caller"
        );
        let callers = self.callers(row).await;
        // The database is compared once for a query, after all callers have run it.
        let reads = matches!(row.act, Act::Query(_));
        for who in [Who::Unauthenticated, Who::Customer] {
            cells.of(self, who).await;
        }
        let untouched = self.shop.gateway.store.dump().await;
        let mut wrong = Vec::new();
        for (who, expected) in &row.outcomes {
            let cell = cells.of(self, *who).await;
            let caller = callers.caller(*who, self, cell);
            let (answer, changed) = if reads {
                (row.call(cell, caller).await, false)
            } else {
                let before = self.shop.gateway.store.dump().await;
                let answer = row.call(cell, caller).await;
                (answer, self.shop.gateway.store.dump().await != before)
            };
            let got = row.outcome(cell, &answer, changed);
            if got != *expected {
                wrong.push(format!("{row} × {who:?}: expected {expected}, got {got}"));
            }
            if changed {
                if got != "done" {
                    wrong.push(format!("{row} × {who:?}: something changed"));
                }
                cells.spend(*who);
            }
        }
        if reads && self.shop.gateway.store.dump().await != untouched {
            wrong.push(format!("{row}: something changed"));
        }
        wrong.extend(self.check_ended(row, cells).await);
        wrong
    }

    async fn check_ended(&mut self, row: &Row, cells: &mut Cells) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, caller) in self.ended.clone() {
            // A backend's secret is not an access token.
            let counts_as_none = row.redeems && name != "revoked backend";
            let expected = if counts_as_none {
                row.outcome_without_credential()
            } else {
                "HTTP 401"
            };
            let cell = cells.of(self, Who::Unauthenticated).await;
            let store = &self.shop.gateway.store;
            let before = if counts_as_none {
                Some(store.dump().await)
            } else {
                None
            };
            let answer = row.call(cell, &caller).await;
            let changed = before.is_some() && Some(store.dump().await) != before;
            let got = row.outcome(cell, &answer, changed);
            if got != expected {
                wrong.push(format!("{row} × {name}: expected {expected}, got {got}"));
            }
            if changed {
                cells.spend(Who::Unauthenticated);
            }
        }
        wrong
    }
}

/// The callers other than the persons of a cell.
struct Callers {
    unauthenticated: Caller,
    with: Caller,
    without: Caller,
    other_customer: Caller,
    elsewhere: Caller,
}

impl Callers {
    fn caller<'a>(&'a self, who: Who, table: &'a Table, cell: &'a Cell) -> &'a Caller {
        match who {
            Who::Unauthenticated => &self.unauthenticated,
            Who::Public => &table.shop.browser,
            Who::Without => &self.without,
            Who::With => &self.with,
            Who::Rival => &table.rival.backend,
            Who::Owner | Who::Linked => &cell.owner,
            Who::Other => &table.other_user,
            Who::Merged => &cell.merged,
            Who::Customer => &cell.customer,
            Who::OtherCustomer => &self.other_customer,
            Who::CustomerElsewhere => &self.elsewhere,
        }
    }
}

/// The objects that a row acts on; created again after a mutation took effect.
#[derive(Default)]
struct Cells {
    /// The cell whose owner is a storefront user without an account.
    plain: Option<Cell>,
    /// The cell whose owner is a customer.
    customers: Option<Cell>,
}

impl Cells {
    fn place(&mut self, who: Who) -> &mut Option<Cell> {
        match who {
            Who::Customer | Who::Linked => &mut self.customers,
            _ => &mut self.plain,
        }
    }

    async fn of(&mut self, table: &mut Table, who: Who) -> &Cell {
        let is_customers = matches!(who, Who::Customer | Who::Linked);
        let place = self.place(who);
        if place.is_none() {
            let number = table.next();
            *place = Some(Cell::new(&table.shop, number, is_customers).await);
        }
        place.as_ref().expect("it was just made")
    }

    fn spend(&mut self, who: Who) {
        *self.place(who) = None;
    }
}

async fn check_all(rows: Vec<Row>) {
    let mut table = Table::new().await;
    table.shop.gateway.expect_jobs();
    let mut cells = Cells::default();
    let mut wrong = Vec::new();
    for row in &rows {
        wrong.extend(table.check(row, &mut cells).await);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// ERR-03, SFU-03, SFU-21
#[tokio::test]
async fn err_03_queries_match_the_table_for_each_caller() {
    check_all(queries::rows()).await;
}

// ERR-03, SPR-31
#[tokio::test]
async fn err_03_customer_queries_match_the_table_for_each_caller() {
    check_all(customers::queries()).await;
}

// ERR-03
#[tokio::test]
async fn err_03_order_operations_match_the_table_for_each_caller() {
    check_all(orders::rows()).await;
}

// ERR-03, SFU-03, SFU-21
#[tokio::test]
async fn err_03_user_and_item_mutations_match_the_table_for_each_caller() {
    check_all(users::mutations()).await;
}

// ERR-03, SPR-31, SPR-32
#[tokio::test]
async fn err_03_customer_mutations_match_the_table_for_each_caller() {
    check_all(customers::mutations()).await;
}

// ERR-03, EPC-30
#[tokio::test]
async fn err_03_custom_field_operations_match_the_table_for_each_caller() {
    check_all(custom_fields::rows()).await;
}

// ERR-03, CLY-15
#[tokio::test]
async fn err_03_group_and_market_queries_match_the_table_for_each_caller() {
    check_all(markets::queries()).await;
}

// ERR-03, CLY-15
#[tokio::test]
async fn err_03_group_and_market_mutations_match_the_table_for_each_caller() {
    check_all(markets::mutations()).await;
}

// ERR-03, NTE-01
#[tokio::test]
async fn err_03_note_operations_match_the_table_for_each_caller() {
    check_all(notes::queries()).await;
    check_all(notes::mutations()).await;
}

// ERR-03, CLY-17, SPR-92, EPC-04, EXP-01
#[tokio::test]
async fn err_03_erasure_mutations_match_the_table_for_each_caller() {
    check_all(erasure::mutations()).await;
}

// ERR-03, EPC-09
#[tokio::test]
async fn err_03_single_sign_on_matches_the_table_for_each_caller() {
    check_all(oidc::rows()).await;
}

/// Root fields without a row, with reasons. This list only shrinks.
const WITHOUT_A_ROW: [&str; 0] = [];

#[tokio::test]
async fn every_root_field_has_a_row() {
    let shop = kit::shop().await;
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }";
    let seen = shop.unauthenticated().query(query).await;
    let mut fields = BTreeSet::new();
    for root in ["queryType", "mutationType"] {
        let listed = seen["__schema"][root]["fields"].as_array().expect("fields");
        fields.extend(listed.iter().filter_map(|field| field["name"].as_str()));
    }
    let rows = [
        queries::rows(),
        customers::queries(),
        users::mutations(),
        customers::mutations(),
        orders::rows(),
        custom_fields::rows(),
        markets::mutations(),
        notes::mutations(),
        erasure::mutations(),
        oidc::rows(),
    ];
    let mut covered: BTreeSet<&str> = rows.iter().flatten().map(|row| row.field).collect();
    covered.extend(WITHOUT_A_ROW);
    assert_eq!(fields, covered);
}
