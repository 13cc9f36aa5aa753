//! A customer with data in every field and collection that can hold some, and the search for the data afterwards.

use bson::{Bson, Document, RawDocumentBuf, doc};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::of;
use crate::custom_fields::{define, open, values};
use crate::customer_notes::note;
use crate::customers::{patched, setup, signed_in};
use crate::kit::{Caller, Shop};
use crate::markets::{group, join};
use crate::oidc;
use crate::orders::{by_default, in_storefront};

pub(super) const PASSWORD: &str = "kanarie-geheim-1";
/// All personal data of the customer, the password and the start of its hash.
pub(super) const CANARIES: [&str; 36] = [
    "kanarie.alt@zwitscher.example",
    "kanarie.post@zwitscher.example",
    "kanarie.neu@zwitscher.example",
    "kanarie.kauf@zwitscher.example",
    "kanarina",
    "zwitscherling",
    "1987-06-05",
    "kanarie-kasse-4711",
    "kanarienbrowser/5.0",
    "kanarie-spitzname",
    "kanarie-gast",
    "kanarie-zuhause",
    "kanarie-vorname",
    "kanarie-nachname",
    "kanarie-firma",
    "kanarie-strasse-1",
    "kanarie-strasse-2",
    "kanarie-strasse-3",
    "kanarie-plz",
    "kanarie-stadt",
    "kanarie-region",
    "kanarie-land",
    "+49 30 4711 0815",
    "kanarie-liefer-strasse",
    "kanarie-rechnung-strasse",
    "kanarie-bild",
    "kanarie-ordner",
    "kanarie-entwurf",
    "kanarie-inhalt",
    "mx",
    "diverse",
    "$argon2",
    "kanarie-geheim-1",
    "kanarie-gastbild",
    "kanarie-subjekt",
    "kanarie-notiz",
];

/// The customer with all data.
pub(super) struct FullCustomer {
    pub(super) shop: Shop,
    pub(super) id: Value,
    pub(super) caller: Caller,
    pub(super) refresh: String,
    pub(super) guest: Caller,
    pub(super) orders: Vec<Value>,
}

fn address() -> Value {
    json!({
        "label": "kanarie-zuhause", "salutation": "MX", "firstName": "kanarie-vorname", "lastName": "kanarie-nachname",
        "company": "kanarie-firma", "address1": "kanarie-strasse-1", "address2": "kanarie-strasse-2",
        "address3": "kanarie-strasse-3", "zipCode": "kanarie-plz", "city": "kanarie-stadt", "region": "kanarie-region",
        "iso2Code": "DE", "country": "kanarie-land", "phone": "+49 30 4711 0815",
    })
}

/// A full address, as in an order.
fn orders_address(street: &str) -> Value {
    let mut address = patched(address(), json!({ "address1": street }));
    address.as_object_mut().expect("an object").remove("label");
    address
}

impl FullCustomer {
    /// Creates the customer in a shop of its own.
    pub(super) async fn create() -> Self {
        let shop = setup()
            .set("GATEWAY_ANONYMIZATION_GRACE", "0s")
            .log("debug")
            .manual_clock()
            .start()
            .await;
        Self::create_in(shop).await
    }

    pub(super) async fn create_in(shop: Shop) -> Self {
        shop.open_account_page().await;
        let device = reqwest::Client::builder()
            .user_agent("KanarienBrowser/5.0")
            .build();
        let device = device.expect("a client");
        let browser = shop.browser.at_url(&shop.gateway.url, &device);
        define(&shop, "nickname", "STRING", open()).await;
        let guest = shop.guest("kanarie-gast").await;
        guest.upload("kanarie-gastbild.png", &crate::kit::png(1)).await;
        let payload = browser.mutate_ok("customerRegister", json!({
            "email": "Kanarie.Alt@zwitscher.example", "password": PASSWORD, "confirmPassword": PASSWORD,
            "acceptedTerms": true, "termsVersion": "7", "firstName": "Kanarina", "lastName": "Zwitscherling",
            "salutation": "MX", "gender": "DIVERSE", "dateOfBirth": "1987-06-05",
            "anonymousUserToken": guest.credential, "customFields": values(&[("nickname", json!("kanarie-spitzname"))])["customFields"],
        }));
        let payload = payload.await;
        let (caller, refresh) = signed_in(&shop, &payload);
        let caller = caller.at_url(&shop.gateway.url, &device);
        let id = payload["customer"]["id"].clone();
        let mut full_customer = Self {
            shop,
            id,
            caller,
            refresh,
            guest,
            orders: Vec::new(),
        };
        full_customer.fill().await;
        full_customer
    }

    /// Verifies the e-mail address, and signs in at a provider that also reports it as verified.
    async fn is_vouched_for(&self) {
        let shop = &self.shop;
        let alt = json!({ "email": "kanarie.alt@zwitscher.example" });
        shop.browser
            .mutate_ok("customerEmailVerificationRequest", alt)
            .await;
        shop.gateway.run_jobs().await;
        let token = shop.gateway.mails().all()[0].parameter("token");
        let token = json!({ "token": token });
        self.caller.mutate_ok("customerEmailVerify", token).await;
        let _op = oidc::open(shop).await;
        let message = r#"kanarie-subjekt {"email": "kanarie.alt@zwitscher.example"}"#;
        shop.browser
            .mutate_ok(oidc::WITH_OIDC, oidc::callback_input(message))
            .await;
    }

    async fn fill(&mut self) {
        let Self { shop, id, caller, .. } = &*self;
        let seen = shop.browser.clone();
        self.is_vouched_for().await;
        let change =
            json!({ "email": "Kanarie.Post@zwitscher.example", "shopperReference": "kanarie-kasse-4711" });
        shop.backend
            .mutate_ok("customerUpdate", patched(change, of(id)))
            .await;
        caller.mutate_ok("customerAddressCreate", address()).await;
        let crowd = group(shop, "Everybody").await;
        join(shop, &crowd, &[id]).await;
        for (name, bytes) in [
            ("kanarie-bild.png", crate::kit::png(2)),
            ("kanarie-entwurf.json", br#"{"text":"kanarie-inhalt"}"#.to_vec()),
        ] {
            let item = caller.upload(name, &bytes).await;
            let folder = json!({ "id": item["id"], "folder": "kanarie-ordner" });
            caller.mutate_ok("storageItemUpdate", folder).await;
        }
        let mut orders = Vec::new();
        for (number, given) in [
            ("K-1", json!({ "email": "kanarie.kauf@zwitscher.example" })),
            (
                "K-2",
                json!({
                    "shippingAddress": orders_address("kanarie-liefer-strasse"),
                    "billingAddress": orders_address("kanarie-rechnung-strasse"),
                }),
            ),
        ] {
            let input = patched(patched(by_default(number), of(id)), given);
            let payload = shop
                .backend
                .mutate_ok("orderRecord", in_storefront(shop, input))
                .await;
            orders.push(payload["order"]["id"].clone());
            // The second one has to be newer.
            shop.gateway.advance(std::time::Duration::from_secs(1));
        }
        // One-time keys and mails of each kind, some of them sent and some waiting.
        let post = json!({ "email": "kanarie.post@zwitscher.example" });
        seen.mutate_ok("customerPasswordResetRequest", post.clone()).await;
        shop.gateway.run_jobs().await;
        let change = json!({ "newEmail": "Kanarie.Neu@zwitscher.example", "password": PASSWORD });
        caller.mutate_ok("customerEmailChangeRequest", change).await;
        seen.mutate_ok("customerEmailVerificationRequest", post).await;
        note(&shop.backend, id, "kanarie-notiz").await;
        // An export file that contains all of the data.
        caller.mutate_ok("customerDataExport", json!({})).await;
        self.orders = orders;
    }

    /// Every canary that is in the database, the mail files or the log, with its place.
    pub(super) async fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |place: &str, bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            let canaries = CANARIES.iter().filter(|canary| is_in(&text, canary));
            found.extend(canaries.map(|canary| format!("{canary} in {place}")));
        };
        let database = self.shop.gateway.store.database();
        for name in self.shop.gateway.store.collections().await {
            let raw = database.collection::<RawDocumentBuf>(&name);
            let documents: Vec<RawDocumentBuf> = raw
                .find(doc! {})
                .await
                .expect("found")
                .try_collect()
                .await
                .expect("read");
            for document in &documents {
                look(&name, document.as_bytes());
            }
            for index in raw.list_index_names().await.expect("named") {
                let typed = database.collection::<Document>(&name);
                let keys = typed.find(doc! {}).hint(hint(&index)).return_key(true);
                let keys: Vec<Document> = keys.await.expect("found").try_collect().await.expect("read");
                for key in keys {
                    look(
                        &format!("{name}'s index {index}"),
                        &bson::serialize_to_vec(&key).expect("BSON"),
                    );
                }
            }
        }
        let mails = self.shop.gateway.app.config.data_dir.join("mail");
        for file in std::fs::read_dir(mails).into_iter().flatten().flatten() {
            look("a mail", &std::fs::read(file.path()).expect("read"));
            look("a mail's name", file.file_name().as_encoded_bytes());
        }
        look("the log", self.shop.gateway.logs.lines().join("\n").as_bytes());
        found.sort();
        found.dedup();
        found
    }
}

fn hint(index: &str) -> mongodb::options::Hint {
    mongodb::options::Hint::Name(index.to_owned())
}

/// Whether a text contains a canary; short ones count only as whole values.
fn is_in(text: &str, canary: &str) -> bool {
    match canary {
        "mx" | "diverse" => text.contains(&format!("\0{canary}\0")),
        _ => text.contains(canary),
    }
}

/// Collects the paths of all stored values.
pub(super) fn paths(prefix: &str, value: &Bson, into: &mut Vec<String>) {
    match value {
        Bson::Document(document) if !document.is_empty() => {
            for (name, value) in document {
                let path = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                paths(&path, value, into);
            }
        }
        Bson::Array(values) if !values.is_empty() => {
            for value in values {
                paths(prefix, value, into);
            }
        }
        _ => into.push(prefix.to_owned()),
    }
}
