//! Customers: their queries and mutations.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{
    CustomersRead, CustomersToken, CustomersWrite, StorefrontUsersRead, StorefrontsRead,
};

use super::cell::{Cell, address};
use super::row::{NO, NONE, Row, asks, behind, does, node};
use crate::customers::{OTHER_PASSWORD, PASSWORD, but, credentials, person};

const NOT_FOUND: &str = "user CUSTOMER_NOT_FOUND";
const MISSING: &str = "user CUSTOMER_REFERENCE_MISSING";
const NOT_FROM_YOU: &str = "user FORBIDDEN";
const TOKEN_INVALID: &str = "user TOKEN_INVALID";
const NO_STOREFRONT: &str = "user STOREFRONT_NOT_FOUND";

impl Row {
    /// A lookup of a customer: visible to the customer and to its storefront user.
    fn looked_up(self) -> Self {
        self.scopes(&[CustomersRead], &[CustomersWrite, StorefrontUsersRead])
            .anyone([NONE, NO])
            .backends([NO, "ours", "null"])
            .users(["null", "null", NO, "ours"])
            .customers(["ours", "null", "null"])
    }

    /// A node that only the customer, its storefront user and backends see. The arguments are the outcomes of a backend
    /// that may see the node but not the data behind it, and of the storefront user.
    fn account_node(self, [backend, linked]: [&'static str; 2]) -> Self {
        self.anyone(["null"; 2])
            .backends([backend, "ours", "null"])
            .users(["null", "null", "null", linked])
            .customers(["ours", "null", "null"])
    }

    /// Only backends with the scope may act on a customer.
    fn of_backends(self) -> Self {
        self.anyone([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .no_persons()
    }

    /// Backends may, and customers with their own account.
    fn own_account(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers(["done", NOT_FOUND, NOT_FOUND])
    }

    /// A backend has to name the customer; for a customer the mutation acts on the caller's own account.
    fn oneself(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, NO])
            .backends([NO, MISSING, MISSING])
            .users([NO; 4])
            .customers(["done"; 3])
    }

    /// Publishable keys and backends may, each within its own storefronts.
    fn entrance(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, "done"])
            .backends([NO, "done", NO_STOREFRONT])
            .no_persons()
    }
}

pub(super) fn queries() -> Vec<Row> {
    let mut rows = lookups();
    rows.extend(nodes());
    rows.extend(behind_accounts());
    rows
}

fn lookups() -> Vec<Row> {
    vec![
        asks("customer", "by id", |cell| {
            format!("{{ customer(by: {{ id: {:?} }}) {{ id }} }}", cell.account.id)
        })
        .looked_up(),
        asks("customer", "by reference", |cell| {
            keyed(cell, "reference", &cell.account.reference)
        })
        .looked_up(),
        asks("customer", "by e-mail address", |cell| {
            keyed(cell, "email", &cell.account.email)
        })
        .looked_up(),
        asks("storefront", "customers", |cell| {
            format!(
                "{{ storefront(by: {{ id: {:?} }}) {{ customers(filter: {{ email: {{ eq: {:?} }} }}) \
                 {{ nodes {{ id }} }} }} }}",
                cell.storefront(),
                cell.account.email
            )
        })
        .scopes(&[StorefrontsRead, CustomersRead], &[StorefrontsRead])
        .anyone([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["else", "else", NO, "ours"])
        .customers(["ours", "else", "null"]),
        asks("viewer", "customer", |_| "{ viewer { customer { id } } }".into())
            .anyone(["null", "else"])
            .backends(["else"; 3])
            .users(["else", "else", "null", "else"])
            .customers(["ours", "else", "else"]),
        asks("viewer", "storefront user's customer", |_| {
            "{ viewer { storefrontUser { customer { id } } } }".into()
        })
        .anyone(["null", "else"])
        .backends(["else"; 3])
        .users(["else", "else", "null", "ours"])
        .customers(["ours", "else", "else"]),
    ]
}

fn keyed(cell: &Cell, key: &str, value: &str) -> String {
    let storefront = cell.storefront();
    format!("{{ customer(by: {{ {key}: {{ storefrontId: {storefront:?}, {key}: {value:?} }} }}) {{ id }} }}")
}

fn nodes() -> Vec<Row> {
    vec![
        asks("node", "customer", |cell| node(&cell.account.id, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "ours"]),
        asks("nodes", "customer", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.account.id)
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", "ours"]),
        asks("node", "address", |cell| node(&cell.account.address, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "ours"]),
        asks("node", "session", |cell| node(&cell.account.session, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "null"]),
    ]
}

fn behind_accounts() -> Vec<Row> {
    vec![
        asks("node", "user's customer", |cell| {
            behind(&cell.account.user, "... on StorefrontUser { customer { id } }")
        })
        .scopes(&[StorefrontUsersRead, CustomersRead], &[StorefrontUsersRead])
        .account_node(["else", "ours"]),
        asks("node", "customer's user", |cell| {
            behind(&cell.account.id, "... on Customer { storefrontUser { id } }")
        })
        .scopes(&[CustomersRead, StorefrontUsersRead], &[CustomersRead])
        .account_node([NO, "ours"]),
        asks("node", "customer's storefront", |cell| {
            behind(&cell.account.id, "... on Customer { storefront { id } }")
        })
        .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead])
        .account_node([NO, "ours"]),
        asks("node", "customer's addresses", |cell| {
            let addresses =
                "addresses { nodes { id } } defaultShippingAddress { id } defaultBillingAddress { id }";
            behind(&cell.account.id, &format!("... on Customer {{ {addresses} }}"))
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", "ours"]),
        asks("node", "customer's sessions", |cell| {
            behind(&cell.account.id, "... on Customer { sessions { id } }")
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", NO]),
        asks("node", "customer's shopper reference", |cell| {
            behind(&cell.account.id, "... on Customer { shopperReference }")
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .anyone(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

pub(super) fn mutations() -> Vec<Row> {
    let mut rows = entrances();
    rows.extend(tokens());
    rows.extend(profiles());
    rows.extend(passwords());
    rows.extend(mailed_keys());
    rows.extend(addresses());
    rows
}

/// Mailed keys: who may request the mails, and who may redeem the keys (every holder of one).
fn mailed_keys() -> Vec<Row> {
    let everyone = |row: Row, outcome: &'static str| {
        row.anyone([outcome; 2])
            .backends([outcome; 3])
            .users([outcome; 4])
            .customers([outcome; 3])
    };
    let email = |cell: &Cell| json!({ "storefrontId": cell.storefront(), "email": cell.account.email });
    let token = |_: &Cell| json!({ "token": "made up" });
    vec![
        does("customerPasswordResetRequest", "", email).entrance(),
        does("customerEmailVerificationRequest", "", email)
            .scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, "done"])
            .backends([NO, "done", NO_STOREFRONT])
            .users([NO; 4])
            .customers(["done", "no change", NO_STOREFRONT]),
        everyone(
            does(
                "customerPasswordReset",
                "",
                |_| json!({ "restorePasswordKey": "made up", "password": PASSWORD, "confirmPassword": PASSWORD }),
            )
            .redeeming(),
            "user RESET_KEY_INVALID",
        ),
        everyone(
            does("customerEmailVerify", "", token).redeeming(),
            "user EMAIL_TOKEN_INVALID"),
        everyone(
            does("customerEmailChangeConfirm", "", token).redeeming(),
            "user EMAIL_TOKEN_INVALID",
        ),
        does(
            "customerEmailChangeRequest",
            "",
            |cell| json!({ "newEmail": format!("y{}@example.com", cell.number), "password": PASSWORD }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NO])
        .backends([NO; 3])
        .users([NO; 4])
        .customers(["done"; 3]),
    ]
}

fn addresses() -> Vec<Row> {
    vec![
        does("customerAddressCreate", "for somebody", |cell| {
            but(address(), json!({ "customerId": cell.account.id }))
        })
        .own_account(),
        does("customerAddressCreate", "for oneself", |_| address()).oneself(),
        does(
            "customerAddressUpdate",
            "",
            |cell| json!({ "customerId": cell.account.id, "id": cell.account.address, "label": "home" }),
        )
        .own_account(),
        does(
            "customerAddressDelete",
            "",
            |cell| json!({ "customerId": cell.account.id, "id": cell.account.address }),
        )
        .own_account(),
        does(
            "customerAddressDelete",
            "of oneself",
            |cell| json!({ "id": cell.account.address }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NO])
        .backends([NO, MISSING, MISSING])
        .users([NO; 4])
        .customers(["done", "user ADDRESS_NOT_FOUND", "user ADDRESS_NOT_FOUND"]),
    ]
}

/// Input for a new customer in the cell's storefront.
fn newcomer(cell: &Cell) -> Value {
    let storefront = json!({ "storefrontId": cell.storefront() });
    but(person(&format!("new{}@example.com", cell.number)), storefront)
}

fn entrances() -> Vec<Row> {
    vec![
        does("customerRegister", "", newcomer).entrance(),
        does("customerRegister", "with a shopper reference", |cell| {
            but(
                newcomer(cell),
                json!({ "shopperReference": format!("shopper-{}", cell.number) }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NOT_FROM_YOU])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        does("customerTokenCreate", "", |cell| {
            but(
                credentials(&cell.account.email, PASSWORD),
                json!({ "storefrontId": cell.storefront() }),
            )
        })
        .entrance(),
    ]
}

fn tokens() -> Vec<Row> {
    vec![
        does(
            "customerTokenIssue",
            "",
            |cell| json!({ "customerId": cell.account.id }),
        )
        .scopes(&[CustomersToken], &[CustomersWrite, CustomersRead])
        .of_backends(),
        // Every caller may, except an API client other than the one that the token was issued to.
        does("customerTokenRefresh", "", refresh_token)
            .redeeming()
            .anyone(["done"; 2])
            .backends([TOKEN_INVALID; 3])
            .users(["done"; 4])
            .customers(["done"; 3]),
        does("customerTokenRevoke", "by refresh token", refresh_token)
            .redeeming()
            .anyone(["done"; 2])
            .backends(["no change"; 3])
            .users(["done"; 4])
            .customers(["done"; 3]),
        does(
            "customerTokenRevoke",
            "by session",
            |cell| json!({ "sessionId": cell.account.session }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NO])
        .backends([NO, "done", "no change"])
        .users([NO; 4])
        .customers(["done", "no change", "no change"]),
        does(
            "customerTokenRevoke",
            "all of somebody",
            |cell| json!({ "all": true, "customerId": cell.account.id }),
        )
        .own_account(),
        does("customerTokenRevoke", "all", |_| json!({ "all": true })).oneself(),
        does("customerTokenRevoke", "this session", |_| json!({}))
            .scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, NO])
            .backends([NO, "user REQUIRED", "user REQUIRED"])
            .users([NO; 4])
            .customers(["done"; 3]),
    ]
}

fn refresh_token(cell: &Cell) -> Value {
    json!({ "refreshToken": cell.account.refresh_token })
}

fn profiles() -> Vec<Row> {
    vec![
        does(
            "customerUpdate",
            "somebody",
            |cell| json!({ "customerId": cell.account.id, "firstName": "Grace" }),
        )
        .own_account(),
        does("customerUpdate", "oneself", |_| json!({ "firstName": "Grace" })).oneself(),
        does(
            "customerUpdate",
            "e-mail address",
            |cell| json!({ "customerId": cell.account.id, "email": format!("x{}@example.com", cell.number) }),
        )
        .backends_field(),
        does("customerUpdate", "shopper reference", |cell| {
            json!({ "customerId": cell.account.id, "shopperReference": format!("shopper-{}", cell.number) })
        })
        .backends_field(),
    ]
}

impl Row {
    /// A field of an account that only backends may send.
    fn backends_field(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers([NOT_FROM_YOU, NOT_FOUND, NOT_FOUND])
    }
}

fn passwords() -> Vec<Row> {
    vec![
        does("customerPasswordChange", "", |_| {
            json!({ "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NO])
        .backends([NO; 3])
        .users([NO; 4])
        .customers(["done"; 3]),
        does("customerPasswordSet", "", |cell| {
            json!({ "customerId": cell.bare, "newPassword": PASSWORD, "confirmPassword": PASSWORD })
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .of_backends(),
    ]
}
