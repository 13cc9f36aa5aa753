//! Customers: their queries and mutations.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{
    CustomersRead, CustomersToken, CustomersWrite, StorefrontUsersRead, StorefrontsRead,
};

use super::cell::{Cell, address};
use super::row::{NO, NONE, Row, mutation_row, nested, node, query_row};
use crate::customers::{OTHER_PASSWORD, PASSWORD, credentials, patched, person};

const NOT_FOUND: &str = "user CUSTOMER_NOT_FOUND";
const MISSING: &str = "user CUSTOMER_REFERENCE_MISSING";
const NOT_FROM_YOU: &str = "user FORBIDDEN";
const TOKEN_INVALID: &str = "user TOKEN_INVALID";
const NO_STOREFRONT: &str = "user STOREFRONT_NOT_FOUND";

impl Row {
    /// A lookup of a customer: visible to the customer and to its storefront user.
    fn looked_up(self) -> Self {
        self.scopes(&[CustomersRead], &[CustomersWrite, StorefrontUsersRead])
            .public_callers([NONE, NO])
            .backends([NO, "ours", "null"])
            .users(["null", "null", NO, "ours"])
            .customers(["ours", "null", "null"])
    }

    /// A node that only the customer, its storefront user and backends see. The arguments are the outcomes of a backend
    /// that may see the node but not the data behind it, and of the storefront user.
    fn account_node(self, [backend, linked]: [&'static str; 2]) -> Self {
        self.public_callers(["null"; 2])
            .backends([backend, "ours", "null"])
            .users(["null", "null", "null", linked])
            .customers(["ours", "null", "null"])
    }

    /// Only backends with the scope may act on a customer.
    fn of_backends(self) -> Self {
        self.public_callers([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .no_persons()
    }

    /// Backends may, and customers with their own account.
    fn own_account(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers(["done", NOT_FOUND, NOT_FOUND])
    }

    /// A backend has to name the customer; for a customer the mutation acts on the caller's own account.
    fn implicit_own_account(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, NO])
            .backends([NO, MISSING, MISSING])
            .users([NO; 4])
            .customers(["done"; 3])
    }

    /// Publishable keys and backends may, each within its own storefronts.
    fn publishable_key_or_backend(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, "done"])
            .backends([NO, "done", NO_STOREFRONT])
            .no_persons()
    }
}

pub(super) fn queries() -> Vec<Row> {
    let mut rows = lookups();
    rows.extend(nodes());
    rows.extend(nested_in_accounts());
    rows
}

fn lookups() -> Vec<Row> {
    vec![
        query_row("customer", "by id", |cell| {
            format!("{{ customer(by: {{ id: {:?} }}) {{ id }} }}", cell.account.id)
        })
        .looked_up(),
        query_row("customer", "by reference", |cell| {
            lookup_by_key(cell, "reference", &cell.account.reference)
        })
        .looked_up(),
        query_row("customer", "by e-mail address", |cell| {
            lookup_by_key(cell, "email", &cell.account.email)
        })
        .looked_up(),
        query_row("storefront", "customers", |cell| {
            format!(
                "{{ storefront(by: {{ id: {:?} }}) {{ customers(filter: {{ email: {{ eq: {:?} }} }}) \
                 {{ nodes {{ id }} }} }} }}",
                cell.storefront(),
                cell.account.email
            )
        })
        .scopes(&[StorefrontsRead, CustomersRead], &[StorefrontsRead])
        .public_callers([NONE, NO])
        .backends([NO, "ours", "null"])
        .users(["else", "else", NO, "ours"])
        .customers(["ours", "else", "null"]),
        query_row("viewer", "customer", |_| "{ viewer { customer { id } } }".into())
            .public_callers(["null", "else"])
            .backends(["else"; 3])
            .users(["else", "else", "null", "else"])
            .customers(["ours", "else", "else"]),
        query_row("viewer", "storefront user's customer", |_| {
            "{ viewer { storefrontUser { customer { id } } } }".into()
        })
        .public_callers(["null", "else"])
        .backends(["else"; 3])
        .users(["else", "else", "null", "ours"])
        .customers(["ours", "else", "else"]),
    ]
}

fn lookup_by_key(cell: &Cell, key: &str, value: &str) -> String {
    let storefront = cell.storefront();
    format!("{{ customer(by: {{ {key}: {{ storefrontId: {storefront:?}, {key}: {value:?} }} }}) {{ id }} }}")
}

fn nodes() -> Vec<Row> {
    vec![
        query_row("node", "customer", |cell| node(&cell.account.id, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "ours"]),
        query_row("nodes", "customer", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.account.id)
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", "ours"]),
        query_row("node", "address", |cell| node(&cell.account.address, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "ours"]),
        query_row("node", "session", |cell| node(&cell.account.session, ""))
            .scopes(&[CustomersRead], &[StorefrontUsersRead])
            .account_node(["null", "null"]),
    ]
}

fn nested_in_accounts() -> Vec<Row> {
    vec![
        query_row("node", "user's customer", |cell| {
            nested(&cell.account.user, "... on StorefrontUser { customer { id } }")
        })
        .scopes(&[StorefrontUsersRead, CustomersRead], &[StorefrontUsersRead])
        .account_node(["else", "ours"]),
        query_row("node", "customer's user", |cell| {
            nested(&cell.account.id, "... on Customer { storefrontUser { id } }")
        })
        .scopes(&[CustomersRead, StorefrontUsersRead], &[CustomersRead])
        .account_node([NO, "ours"]),
        query_row("node", "customer's storefront", |cell| {
            nested(&cell.account.id, "... on Customer { storefront { id } }")
        })
        .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead])
        .account_node([NO, "ours"]),
        query_row("node", "customer's addresses", |cell| {
            let addresses =
                "addresses { nodes { id } } defaultShippingAddress { id } defaultBillingAddress { id }";
            nested(&cell.account.id, &format!("... on Customer {{ {addresses} }}"))
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", "ours"]),
        query_row("node", "customer's sessions", |cell| {
            nested(&cell.account.id, "... on Customer { sessions { id } }")
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .account_node(["null", NO]),
        query_row("node", "customer's shopper reference", |cell| {
            nested(&cell.account.id, "... on Customer { shopperReference }")
        })
        .scopes(&[CustomersRead], &[StorefrontUsersRead])
        .public_callers(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

pub(super) fn mutations() -> Vec<Row> {
    let mut rows = registration_and_sign_in();
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
        row.public_callers([outcome; 2])
            .backends([outcome; 3])
            .users([outcome; 4])
            .customers([outcome; 3])
    };
    let email = |cell: &Cell| json!({ "storefrontId": cell.storefront(), "email": cell.account.email });
    let token = |_: &Cell| json!({ "token": "made up" });
    vec![
        mutation_row("customerPasswordResetRequest", "", email).publishable_key_or_backend(),
        mutation_row("customerEmailVerificationRequest", "", email)
            .scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, "done"])
            .backends([NO, "done", NO_STOREFRONT])
            .users([NO; 4])
            .customers(["done", "no change", NO_STOREFRONT]),
        everyone(
            mutation_row(
                "customerPasswordReset",
                "",
                |_| json!({ "restorePasswordKey": "made up", "password": PASSWORD, "confirmPassword": PASSWORD }),
            )
            .redeeming(),
            "user RESET_KEY_INVALID",
        ),
        everyone(
            mutation_row("customerEmailVerify", "", token).redeeming(),
            "user EMAIL_TOKEN_INVALID"),
        everyone(
            mutation_row("customerEmailChangeConfirm", "", token).redeeming(),
            "user EMAIL_TOKEN_INVALID",
        ),
        mutation_row(
            "customerEmailChangeRequest",
            "",
            |cell| json!({ "newEmail": format!("y{}@example.com", cell.number), "password": PASSWORD }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO; 3])
        .users([NO; 4])
        .customers(["done"; 3]),
    ]
}

fn addresses() -> Vec<Row> {
    vec![
        mutation_row("customerAddressCreate", "for a customer", |cell| {
            patched(address(), json!({ "customerId": cell.account.id }))
        })
        .own_account(),
        mutation_row("customerAddressCreate", "for the caller", |_| address()).implicit_own_account(),
        mutation_row(
            "customerAddressUpdate",
            "",
            |cell| json!({ "customerId": cell.account.id, "id": cell.account.address, "label": "home" }),
        )
        .own_account(),
        mutation_row(
            "customerAddressDelete",
            "",
            |cell| json!({ "customerId": cell.account.id, "id": cell.account.address }),
        )
        .own_account(),
        mutation_row(
            "customerAddressDelete",
            "of the caller",
            |cell| json!({ "id": cell.account.address }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO, MISSING, MISSING])
        .users([NO; 4])
        .customers(["done", "user ADDRESS_NOT_FOUND", "user ADDRESS_NOT_FOUND"]),
    ]
}

/// Input for a new customer in the cell's storefront.
fn new_customer(cell: &Cell) -> Value {
    let storefront = json!({ "storefrontId": cell.storefront() });
    patched(person(&format!("new{}@example.com", cell.number)), storefront)
}

fn registration_and_sign_in() -> Vec<Row> {
    vec![
        mutation_row("customerRegister", "", new_customer).publishable_key_or_backend(),
        mutation_row("customerRegister", "with a shopper reference", |cell| {
            patched(
                new_customer(cell),
                json!({ "shopperReference": format!("shopper-{}", cell.number) }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NOT_FROM_YOU])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        mutation_row("customerTokenCreate", "", |cell| {
            patched(
                credentials(&cell.account.email, PASSWORD),
                json!({ "storefrontId": cell.storefront() }),
            )
        })
        .publishable_key_or_backend(),
    ]
}

fn tokens() -> Vec<Row> {
    vec![
        mutation_row(
            "customerTokenIssue",
            "",
            |cell| json!({ "customerId": cell.account.id }),
        )
        .scopes(&[CustomersToken], &[CustomersWrite, CustomersRead])
        .of_backends(),
        // Every caller may, except an API client other than the one that the token was issued to.
        mutation_row("customerTokenRefresh", "", refresh_token)
            .redeeming()
            .public_callers(["done"; 2])
            .backends([TOKEN_INVALID; 3])
            .users(["done"; 4])
            .customers(["done"; 3]),
        mutation_row("customerTokenRevoke", "by refresh token", refresh_token)
            .redeeming()
            .public_callers(["done"; 2])
            .backends(["no change"; 3])
            .users(["done"; 4])
            .customers(["done"; 3]),
        mutation_row(
            "customerTokenRevoke",
            "by session",
            |cell| json!({ "sessionId": cell.account.session }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO, "done", "no change"])
        .users([NO; 4])
        .customers(["done", "no change", "no change"]),
        mutation_row(
            "customerTokenRevoke",
            "all of a customer",
            |cell| json!({ "all": true, "customerId": cell.account.id }),
        )
        .own_account(),
        mutation_row("customerTokenRevoke", "all", |_| json!({ "all": true })).implicit_own_account(),
        mutation_row("customerTokenRevoke", "this session", |_| json!({}))
            .scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, NO])
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
        mutation_row(
            "customerUpdate",
            "a customer",
            |cell| json!({ "customerId": cell.account.id, "firstName": "Grace" }),
        )
        .own_account(),
        mutation_row("customerUpdate", "the caller", |_| json!({ "firstName": "Grace" })).implicit_own_account(),
        mutation_row(
            "customerUpdate",
            "e-mail address",
            |cell| json!({ "customerId": cell.account.id, "email": format!("x{}@example.com", cell.number) }),
        )
        .backends_field(),
        mutation_row("customerUpdate", "shopper reference", |cell| {
            json!({ "customerId": cell.account.id, "shopperReference": format!("shopper-{}", cell.number) })
        })
        .backends_field(),
    ]
}

impl Row {
    /// A field of an account that only backends may send.
    fn backends_field(self) -> Self {
        self.scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers([NOT_FROM_YOU, NOT_FOUND, NOT_FOUND])
    }
}

fn passwords() -> Vec<Row> {
    vec![
        mutation_row("customerPasswordChange", "", |_| {
            json!({ "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO; 3])
        .users([NO; 4])
        .customers(["done"; 3]),
        mutation_row("customerPasswordSet", "", |cell| {
            json!({ "customerId": cell.bare, "newPassword": PASSWORD, "confirmPassword": PASSWORD })
        })
        .scopes(&[CustomersWrite], &[CustomersRead])
        .of_backends(),
    ]
}
