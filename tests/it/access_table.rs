//! The access table: every root field, and what is reached through others, × every kind of caller, with the outcome
//! that service.md's "Who may do what" gives. A root field without a row fails.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use storefront_gateway::access::client::ClientKind;
use storefront_gateway::access::scope::Scope::{
    self, StorageRead, StorageWrite, StorefrontUsersRead, StorefrontUsersToken, StorefrontUsersWrite,
    StorefrontsRead,
};

use crate::kit::{self, Answer, Caller, Setup, Shop, Upload, png};

/// What one cell of the table acts on: made anew for each, because some cells take effect.
struct Cell {
    shop: Shop,
    number: usize,
    /// The owner of everything, by id and by token.
    ann: Value,
    owner: Caller,
    /// A guest that was merged into ann, and its token.
    tomb: Value,
    merged: Caller,
    item: Value,
}

impl Cell {
    async fn new(shop: &Shop, number: usize) -> Self {
        let (ann, tomb, guest) = (
            format!("ann {number}"),
            format!("tomb {number}"),
            format!("guest {number}"),
        );
        let owner = shop.ann(&ann).await;
        let merged = shop.guest(&tomb).await;
        shop.guest(&guest).await;
        shop.merge(&tomb, &ann).await;
        let item = owner.upload("cat.png", &png(1)).await;
        let id = |name: String| async move {
            let by = format!(
                "{{ external: {{ storefrontId: {:?}, storefrontUserId: {name:?} }} }}",
                shop.id()
            );
            let seen = shop
                .backend
                .ask(&format!("{{ storefrontUser(by: {by}) {{ id }} }}"))
                .await;
            seen["storefrontUser"]["id"].clone()
        };
        Self {
            shop: shop.clone(),
            number,
            ann: id(ann).await,
            owner,
            tomb: id(tomb).await,
            merged,
            item: item["id"].clone(),
        }
    }

    fn storefront(&self) -> Value {
        json!(self.shop.id())
    }

    /// The ids that only who may see them shall see.
    fn ids(&self) -> Vec<String> {
        let ids = [
            &self.ann,
            &self.tomb,
            &self.item,
            &self.storefront(),
            &json!(self.shop.organization.to_string()),
        ];
        ids.map(|id| id.as_str().unwrap_or_default().to_owned()).to_vec()
    }
}

/// What a row does.
enum Act {
    Query(fn(&Cell) -> String),
    Mutation(fn(&Cell) -> Value),
    Upload(fn(&Cell) -> Value),
}

/// Who calls, in the order of a row's outcomes.
const CALLERS: [&str; 8] = [
    "none", "public", "without", "with", "rival", "owner", "other", "merged",
];

struct Row {
    /// The root field.
    field: &'static str,
    what: &'static str,
    act: Act,
    /// The scopes of the backend that may, and of the one that lacks the one which counts.
    with: &'static [Scope],
    without: &'static [Scope],
    /// `ours`: sees it; `else`: an answer without anything of it; `null`; `done`: took effect; `user …`: a user error;
    /// else the code of the top-level error.
    outcomes: [&'static str; 8],
}

const NONE: &str = "UNAUTHENTICATED";
const NO: &str = "FORBIDDEN";
const MERGED: &str = "user STOREFRONT_USER_ALREADY_MERGED";

/// A query's row.
const fn asks(
    field: &'static str,
    what: &'static str,
    query: fn(&Cell) -> String,
    with: &'static [Scope],
    without: &'static [Scope],
    outcomes: [&'static str; 8],
) -> Row {
    Row {
        field,
        what,
        act: Act::Query(query),
        with,
        without,
        outcomes,
    }
}

/// The row of a mutation that only backends may call.
const fn backends(field: &'static str, input: fn(&Cell) -> Value, scope: &'static [Scope]) -> Row {
    Row {
        field,
        what: "",
        act: Act::Mutation(input),
        with: scope,
        without: &[],
        outcomes: [NONE, NO, NO, "done", "user STOREFRONT_NOT_FOUND", NO, NO, NO],
    }
}

/// The row of a mutation of an item.
const fn changes(field: &'static str, input: fn(&Cell) -> Value) -> Row {
    let not_found = "user STORAGE_ITEM_NOT_FOUND";
    Row {
        field,
        what: "",
        act: Act::Mutation(input),
        with: &[StorageWrite],
        without: &[StorageRead],
        outcomes: [NONE, NO, NO, "done", not_found, "done", not_found, MERGED],
    }
}

fn node(id: &Value, selection: &str) -> String {
    format!("{{ node(id: {id}) {{ id {selection} }} }}")
}

/// The same without the id itself, so that what is seen comes from behind it.
fn behind(id: &Value, selection: &str) -> String {
    format!("{{ node(id: {id}) {{ {selection} }} }}")
}

fn pair(cell: &Cell, regular: &str) -> Value {
    cell.shop.pair(&format!("guest {}", cell.number), regular)
}

#[expect(clippy::too_many_lines, reason = "one row after the other")]
fn queries() -> Vec<Row> {
    let every_viewer = ["null", "ours", "ours", "ours", "else", "ours", "ours", "null"];
    let own_storefront = ["null", "ours", "null", "ours", "null", "ours", "ours", "null"];
    let own = ["null", "null", "null", "ours", "null", "ours", "null", "null"];
    let nobody = ["null"; 8];
    let backend = ["null", "null", "null", "ours", "null", "null", "null", "null"];
    let denied = ["null", "null", NO, "ours", "null", "ours", "null", "null"];
    vec![
        asks(
            "viewer",
            "",
            |_| "{ viewer { organization { id } } }".into(),
            &[],
            &[],
            every_viewer,
        ),
        asks(
            "node",
            "storefront",
            |cell| node(&cell.storefront(), ""),
            &[StorefrontsRead],
            &[],
            own_storefront,
        ),
        asks(
            "node",
            "user",
            |cell| node(&cell.ann, ""),
            &[StorefrontUsersRead],
            &[StorageRead],
            own,
        ),
        asks(
            "node",
            "item",
            |cell| node(&cell.item, ""),
            &[StorageRead],
            &[StorefrontUsersRead],
            own,
        ),
        asks(
            "node",
            "organization",
            |cell| node(&json!(cell.shop.organization.to_string()), ""),
            &[],
            &[],
            ["null", "ours", "ours", "ours", "null", "ours", "ours", "null"],
        ),
        asks(
            "node",
            "member",
            |_| node(&json!("mem_01h00000000000000000000000"), ""),
            &[],
            &[],
            nobody,
        ),
        asks(
            "node",
            "API client",
            |_| node(&json!("cli_01h00000000000000000000000"), ""),
            &[],
            &[],
            nobody,
        ),
        asks(
            "node",
            "malformed",
            |_| node(&json!("sfu_"), ""),
            Scope::ALL,
            &[],
            nobody,
        ),
        asks(
            "node",
            "item's owner",
            |cell| behind(&cell.item, "... on StorageItem { owner { id } }"),
            &[StorageRead, StorefrontUsersRead],
            &[StorageRead],
            denied,
        ),
        asks(
            "node",
            "user's storefront",
            |cell| behind(&cell.ann, "... on StorefrontUser { storefront { id } }"),
            &[StorefrontUsersRead, StorefrontsRead],
            &[StorefrontUsersRead],
            denied,
        ),
        asks(
            "node",
            "user's storage",
            |cell| {
                behind(
                    &cell.ann,
                    "... on StorefrontUser { privateStorage { items { nodes { id } } } }",
                )
            },
            &[StorefrontUsersRead, StorageRead],
            &[StorefrontUsersRead],
            denied,
        ),
        asks(
            "node",
            "merged into",
            |cell| behind(&cell.tomb, "... on StorefrontUser { mergedInto { id } }"),
            &[StorefrontUsersRead],
            &[],
            backend,
        ),
        asks(
            "nodes",
            "user",
            |cell| format!("{{ nodes(ids: [{}]) {{ id }} }}", cell.ann),
            &[StorefrontUsersRead],
            &[],
            own,
        ),
        asks(
            "nodes",
            "item",
            |cell| format!("{{ nodes(ids: [{}]) {{ id }} }}", cell.item),
            &[StorageRead],
            &[],
            own,
        ),
        asks(
            "storefront",
            "",
            |cell| format!("{{ storefront(by: {{ id: {} }}) {{ id }} }}", cell.storefront()),
            &[StorefrontsRead],
            &[StorefrontUsersRead],
            [NONE, "ours", NO, "ours", "null", "ours", "ours", NO],
        ),
        asks(
            "storefront",
            "users",
            |cell| {
                let users = format!(
                    "users(filter: {{ storefrontUserId: {{ eq: \"ann {}\" }} }})",
                    cell.number
                );
                format!(
                    "{{ storefront(by: {{ id: {} }}) {{ {users} {{ nodes {{ id }} }} }} }}",
                    cell.storefront()
                )
            },
            &[StorefrontsRead, StorefrontUsersRead],
            &[StorefrontsRead],
            [NONE, NO, NO, "ours", "null", "ours", "else", NO],
        ),
        asks(
            "storefronts",
            "",
            |_| "{ storefronts { nodes { id } } }".into(),
            &[StorefrontsRead],
            &[],
            [NONE, "ours", NO, "ours", "else", "ours", "ours", NO],
        ),
        asks(
            "storefrontUser",
            "",
            |cell| format!("{{ storefrontUser(by: {{ id: {} }}) {{ id }} }}", cell.ann),
            &[StorefrontUsersRead],
            &[StorefrontUsersToken, StorageRead],
            [NONE, NO, NO, "ours", "null", "ours", "null", NO],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "one row after the other")]
fn mutations() -> Vec<Row> {
    vec![
        Row {
            field: "storefrontUserRegister",
            what: "as a backend",
            act: Act::Mutation(|cell| cell.shop.user(&format!("new {}", cell.number), false)),
            with: &[StorefrontUsersWrite],
            without: &[StorefrontUsersRead],
            outcomes: [
                NONE,
                "user FORBIDDEN",
                NO,
                "done",
                "user STOREFRONT_NOT_FOUND",
                NO,
                NO,
                NO,
            ],
        },
        Row {
            field: "storefrontUserRegister",
            what: "as a browser",
            act: Act::Mutation(|cell| json!({ "storefrontId": cell.storefront(), "isAnonymous": true })),
            with: &[StorefrontUsersWrite],
            without: &[StorefrontUsersRead],
            outcomes: [
                NONE,
                "done",
                NO,
                "user REQUIRED",
                "user STOREFRONT_NOT_FOUND",
                NO,
                NO,
                NO,
            ],
        },
        backends(
            "storefrontUserEnsure",
            |cell| cell.shop.user(&format!("new {}", cell.number), false),
            &[StorefrontUsersWrite],
        ),
        backends(
            "storefrontUserMergeAnonymous",
            |cell| pair(cell, &format!("ann {}", cell.number)),
            &[StorefrontUsersWrite],
        ),
        backends(
            "storefrontUserPromote",
            |cell| pair(cell, &format!("new {}", cell.number)),
            &[StorefrontUsersWrite],
        ),
        backends(
            "storefrontUserDelete",
            |cell| cell.shop.named(&format!("ann {}", cell.number)),
            &[StorefrontUsersWrite],
        ),
        backends(
            "storefrontUserTokenIssue",
            |cell| cell.shop.named(&format!("ann {}", cell.number)),
            &[StorefrontUsersToken],
        ),
        changes(
            "storageItemUpdate",
            |cell| json!({ "id": cell.item, "name": "renamed" }),
        ),
        changes("storageItemDelete", |cell| json!({ "id": cell.item })),
        Row {
            field: "storageItemUpload",
            what: "for somebody",
            act: Act::Upload(|cell| json!({ "owner": { "id": cell.ann } })),
            with: &[StorageWrite, StorefrontUsersRead],
            without: &[StorageRead, StorefrontUsersRead],
            outcomes: [
                NONE,
                NO,
                NO,
                "done",
                "user STOREFRONT_USER_NOT_FOUND",
                "user FORBIDDEN",
                "user FORBIDDEN",
                MERGED,
            ],
        },
        Row {
            field: "storageItemUpload",
            what: "for oneself",
            act: Act::Upload(|_| json!({})),
            with: &[StorageWrite],
            without: &[StorageRead],
            outcomes: [
                NONE,
                NO,
                NO,
                "user REQUIRED",
                "user REQUIRED",
                "done",
                "done",
                MERGED,
            ],
        },
    ]
}

async fn call(row: &Row, cell: &Cell, caller: &Caller) -> Answer {
    match row.act {
        Act::Query(query) => caller.send(&query(cell), json!({})).await,
        Act::Mutation(input) => {
            caller
                .send(&kit::mutation(row.field), json!({ "input": input(cell) }))
                .await
        }
        Act::Upload(input) => {
            let upload = Upload {
                file_name: "dog.png",
                bytes: png(2),
                input: input(cell),
            };
            caller.send_file(upload).await
        }
    }
}

fn outcome(row: &Row, cell: &Cell, answer: &Answer) -> String {
    if answer.status != 200 {
        return format!("HTTP {}", answer.status);
    }
    if let Some(code) = answer.codes().first() {
        return (*code).to_owned();
    }
    let seen = &answer.body["data"][row.field];
    let seen = if row.field == "nodes" { &seen[0] } else { seen };
    if let Some(code) = seen["userErrors"][0]["code"].as_str() {
        return format!("user {code}");
    }
    let text = seen.to_string();
    match &row.act {
        Act::Query(_) if seen.is_null() => "null".to_owned(),
        Act::Query(_) if cell.ids().iter().any(|id| text.contains(id)) => "ours".to_owned(),
        Act::Query(_) => "else".to_owned(),
        Act::Mutation(_) | Act::Upload(_) => "done".to_owned(),
    }
}

/// Everyone who calls beside the persons of a cell.
struct Callers {
    rival: Caller,
    other: Caller,
    expired: Caller,
    revoked: Caller,
}

impl Callers {
    async fn of(shop: &Shop) -> Self {
        let expired = shop.ann("expired").await;
        shop.gateway.advance(Duration::from_secs(7));
        let revoked = shop.client(ClientKind::Integration, None, Scope::ALL).await;
        let (app, id) = (shop.gateway.app.clone(), revoked.id.clone());
        let revoking = async move { app.access.clients.revoke(&id).await.expect("revoked") };
        assert!(shop.gateway.inside(revoking).await);
        Self {
            rival: shop.rival().await.backend,
            other: shop.ann("other").await,
            expired,
            revoked: revoked.caller,
        }
    }
}

async fn check(shop: &Shop, callers: &Callers, row: &Row, number: usize) -> Vec<String> {
    let (with, without) = (
        shop.backend_with(row.with).await,
        shop.backend_with(row.without).await,
    );
    let mut wrong = Vec::new();
    for (column, name) in CALLERS.iter().enumerate() {
        let cell = Cell::new(shop, number * CALLERS.len() + column).await;
        let caller = match *name {
            "none" => &shop.nobody(),
            "public" => &shop.browser,
            "without" => &without,
            "with" => &with,
            "rival" => &callers.rival,
            "owner" => &cell.owner,
            "other" => &callers.other,
            _ => &cell.merged,
        };
        // No scope makes a difference, where none is needed.
        let expected = row.outcomes[column];
        let before = shop.gateway.store.dump().await;
        let got = outcome(row, &cell, &call(row, &cell, caller).await);
        if got != expected {
            wrong.push(format!(
                "{} {} × {name}: expected {expected}, got {got}",
                row.field, row.what
            ));
        }
        if got != "done" && shop.gateway.store.dump().await != before {
            wrong.push(format!("{} {} × {name}: something changed", row.field, row.what));
        }
    }
    let cell = Cell::new(shop, number * CALLERS.len() + CALLERS.len() + 100_000).await;
    for (name, caller) in [("expired", &callers.expired), ("revoked", &callers.revoked)] {
        let got = outcome(row, &cell, &call(row, &cell, caller).await);
        if got != "HTTP 401" {
            wrong.push(format!(
                "{} {} × {name}: expected HTTP 401, got {got}",
                row.field, row.what
            ));
        }
    }
    wrong
}

async fn check_all(rows: Vec<Row>) {
    let setup = Setup::new()
        .set("GATEWAY_STOREFRONT_USER_TOKEN_TTL", "1s")
        .manual_clock();
    let shop = setup.start().await;
    let callers = Callers::of(&shop).await;
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        wrong.extend(check(&shop, &callers, row, number).await);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// ERR-03, SFU-03, SFU-21
#[tokio::test]
async fn err_03_every_query_gives_each_caller_what_the_table_says() {
    check_all(queries()).await;
}

// ERR-03, SFU-03, SFU-21
#[tokio::test]
async fn err_03_every_mutation_lets_each_caller_do_what_the_table_says() {
    check_all(mutations()).await;
}

/// Root fields without a row, and why. This list only shrinks.
const WITHOUT_A_ROW: [&str; 0] = [];

#[tokio::test]
async fn every_root_field_has_a_row() {
    let shop = kit::shop().await;
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }";
    let seen = shop.nobody().ask(query).await;
    let mut fields = BTreeSet::new();
    for root in ["queryType", "mutationType"] {
        let listed = seen["__schema"][root]["fields"].as_array().expect("fields");
        fields.extend(listed.iter().filter_map(|field| field["name"].as_str()));
    }
    let rows: Vec<Row> = queries().into_iter().chain(mutations()).collect();
    let mut covered: BTreeSet<&str> = rows.iter().map(|row| row.field).collect();
    covered.extend(WITHOUT_A_ROW);
    assert_eq!(fields, covered);
}
