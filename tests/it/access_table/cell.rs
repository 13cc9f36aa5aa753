//! The objects that a row acts on.

use serde_json::{Value, json};

use crate::custom_fields::{define, values};
use crate::customer_notes;
use crate::customers::{patched, person, signed_in, with_password};
use crate::kit::{Caller, Shop, png};
use crate::markets;
use crate::orders::by_default;

/// A storefront user with an item, a guest that was merged into it, another guest, and two customers. In a customer's
/// cell the storefront user is the one of the first customer.
pub(super) struct Cell {
    pub(super) shop: Shop,
    pub(super) number: usize,
    /// The owner of all objects: its id, its id in the store, its token.
    pub(super) ann: String,
    pub(super) ann_key: String,
    pub(super) owner: Caller,
    /// The id of a guest that was merged into ann, and its token.
    pub(super) tomb: String,
    pub(super) merged: Caller,
    pub(super) item: String,
    pub(super) guest_key: String,
    /// A customer with a password, with a token; the customer's account.
    pub(super) customer: Caller,
    pub(super) account: Account,
    pub(super) fields: Fields,
    /// The id of a customer without a password.
    pub(super) bare: String,
    /// A group with the customer with a password as a member, the private market that it opens, and a public market.
    pub(super) group: String,
    pub(super) market: String,
    pub(super) public_market: String,
    /// The id of a note about the customer with a password.
    pub(super) note: String,
}

/// A customer's account.
pub(super) struct Account {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) reference: String,
    /// The id of its storefront user.
    pub(super) user: String,
    pub(super) session: String,
    pub(super) refresh_token: String,
    /// One of its addresses.
    pub(super) address: String,
    /// One of its orders: its id, its number.
    pub(super) order: String,
    pub(super) order_number: String,
    shopper_reference: String,
}

impl Cell {
    pub(super) async fn new(shop: &Shop, number: usize, is_customers: bool) -> Self {
        let (customer, account) = register(shop, number).await;
        let fields = Fields::of(shop).await;
        let given = values(&[(PUBLIC, json!("public value")), (HIDDEN, json!(fields.hidden))]);
        let given = patched(given, json!({ "customerId": account.id }));
        shop.backend.mutate_ok("customerUpdate", given).await;
        let bare = shop
            .browser
            .mutate_ok("customerRegister", person(&format!("bare{number}@example.com")))
            .await;
        let (ann_key, owner) = if is_customers {
            let key = account.reference.clone();
            let token = shop.token(&key).await;
            (key, token)
        } else {
            let key = format!("ann {number}");
            let token = shop.ann(&key).await;
            (key, token)
        };
        let (tomb, guest_key) = (format!("tomb {number}"), format!("guest {number}"));
        let merged = shop.guest(&tomb).await;
        shop.guest(&guest_key).await;
        shop.merge(&tomb, &ann_key).await;
        let item = owner.upload("cat.png", &png(1)).await;
        let group = markets::group(shop, &format!("group {number}")).await;
        markets::join(shop, &group, &[&json!(account.id)]).await;
        let market = markets::market(shop, &format!("market {number}"), &[&group]).await;
        let public_market = markets::market(shop, &format!("public {number}"), &[]).await;
        let note = customer_notes::note(&shop.backend, &json!(account.id), "Prefers e-mail.").await;
        Self {
            shop: shop.clone(),
            number,
            ann: user_id(shop, &ann_key).await,
            ann_key,
            owner,
            tomb: user_id(shop, &tomb).await,
            merged,
            item: text(&item["id"]),
            guest_key,
            customer,
            account,
            fields,
            bare: text(&bare["customer"]["id"]),
            group: text(&group),
            market: text(&market),
            public_market: text(&public_market),
            note: text(&note),
        }
    }

    pub(super) fn storefront(&self) -> &str {
        self.shop.id()
    }

    /// Values that only authorized callers may see.
    pub(super) fn secrets(&self) -> [String; 16] {
        [
            &self.ann,
            &self.tomb,
            &self.item,
            self.storefront(),
            &self.shop.organization.to_string(),
            &self.account.id,
            &self.account.user,
            &self.account.session,
            &self.account.address,
            &self.account.order,
            &self.account.shopper_reference,
            &self.fields.public,
            &self.fields.hidden,
            &self.group,
            &self.market,
            &self.note,
        ]
        .map(str::to_owned)
    }
}

/// The keys of the shop's custom fields.
const PUBLIC: &str = "public";
const HIDDEN: &str = "hidden";
const SPARE: &str = "spare";

/// The ids of the shop's custom fields: one readable by all callers, one readable by backends only, whose id is also the
/// customer's value of it, and one without values.
pub(super) struct Fields {
    pub(super) public: String,
    pub(super) hidden: String,
    pub(super) spare: String,
}

impl Fields {
    async fn of(shop: &Shop) -> Self {
        let by = format!("by: {{ id: {:?} }}", shop.id());
        let query = format!("{{ storefront({by}) {{ customFieldDefinitions {{ id key }} }} }}");
        let seen = shop.backend.query(&query).await;
        let known = seen["storefront"]["customFieldDefinitions"]
            .as_array()
            .expect("fields");
        let find_or_define =
            async |key: &str, is_public: bool| match known.iter().find(|field| field["key"] == key) {
                Some(field) => text(&field["id"]),
                None => {
                    let rights = json!({ "isPublic": is_public, "isCustomerWritable": is_public });
                    text(&define(shop, key, "STRING", rights).await["id"])
                }
            };
        Self {
            public: find_or_define(PUBLIC, true).await,
            hidden: find_or_define(HIDDEN, false).await,
            spare: find_or_define(SPARE, false).await,
        }
    }
}

async fn register(shop: &Shop, number: usize) -> (Caller, Account) {
    let email = format!("ada{number}@example.com");
    let payload = shop
        .browser
        .mutate_ok("customerRegister", with_password(&email))
        .await;
    let (customer, refresh_token) = signed_in(shop, &payload);
    let id = text(&payload["customer"]["id"]);
    let address = customer.mutate_ok("customerAddressCreate", address()).await;
    let order_number = format!("order {number}");
    let recorded = order_of(shop.id(), &json!(id), &order_number);
    let order = shop.backend.mutate_ok("orderRecord", recorded).await;
    let selection = "reference shopperReference storefrontUser { id } sessions { id }";
    let seen = shop
        .backend
        .query(&format!("{{ customer(by: {{ id: {id:?} }}) {{ {selection} }} }}"))
        .await;
    let seen = &seen["customer"];
    let account = Account {
        id,
        email,
        reference: text(&seen["reference"]),
        user: text(&seen["storefrontUser"]["id"]),
        session: text(&seen["sessions"][0]["id"]),
        refresh_token,
        address: text(&address["address"]["id"]),
        order: text(&order["order"]["id"]),
        order_number,
        shopper_reference: text(&seen["shopperReference"]),
    };
    (customer, account)
}

/// Valid input that adds an address.
pub(super) fn address() -> Value {
    json!({ "firstName": "Ada", "lastName": "Lovelace", "address1": "12 St James's Square", "city": "London", "iso2Code": "GB" })
}

/// Valid input that records an order of a customer with an address.
pub(super) fn order_of(storefront: &str, customer: &Value, number: &str) -> Value {
    let input = json!({ "storefrontId": storefront, "customerId": customer });
    patched(by_default(number), input)
}

async fn user_id(shop: &Shop, key: &str) -> String {
    let query = "query ($by: StorefrontUserBy!) { storefrontUser(by: $by) { id } }";
    let by = json!({ "external": shop.named(key) });
    let seen = shop.backend.send(query, json!({ "by": by })).await.data();
    text(&seen["storefrontUser"]["id"])
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
