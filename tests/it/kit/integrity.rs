//! Invariants of an idle database, also after processes were killed.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Bson, Document, doc};

use super::mongo::{Store, number, text};

/// Documents by their ids.
pub(super) type Known = BTreeMap<String, Document>;

impl Store {
    /// Checks the invariants that hold at any time when nothing runs:
    ///
    /// * The counts of a storage equal its items; each item has its complete content and its storage; each storage has
    ///   an owner or a job that empties it; each user has at least one storage or, if merged, none.
    /// * There is no content without an item, unless the ledger of unclaimed content lists it.
    /// * Each customer has its own user; each session, mailed key and address has a customer; each customer with
    ///   addresses has both defaults among them and counts its placed orders.
    /// * Each value of a custom field has its definition and matches its type and options.
    /// * Each market is public or opens to existing groups; each customer's groups exist, or a job removes them.
    /// * Each identity has a customer.
    /// * The audit trail contains everything that was done, and each action once.
    pub(crate) async fn assert_consistent(&self) {
        self.assert_storages_are_consistent().await;
        self.assert_contents_are_consistent().await;
        self.assert_customers_are_consistent().await;
        self.assert_custom_fields_are_consistent().await;
        self.assert_groups_are_consistent().await;
        self.assert_erasures_are_consistent().await;
        self.assert_identities_have_owners().await;
        self.assert_audit_is_consistent().await;
    }

    /// ERA-03: a customer who is being erased is closed and has a job that continues; of an erased customer nothing is
    /// left.
    async fn assert_erasures_are_consistent(&self) {
        let open = self.open_jobs().await;
        let goes_on = |id: &str| {
            let named = |job: &Document| {
                job.get_document("payload")
                    .is_ok_and(|ids| text(ids, "customerId") == id)
            };
            open.iter()
                .any(|job| text(job, "kind") == "customer.erase" && named(job))
        };
        let begun = doc! { "anonymization.startedAt": { "$exists": true } };
        for customer in self.documents("customers", begun).await {
            let state = customer.get_document("anonymization").expect("a state");
            for field in [
                "email",
                "emailKey",
                "passwordHash",
                "firstName",
                "lastName",
                "customFields",
                "groupIds",
            ] {
                assert!(!customer.contains_key(field), "{field} is left: {customer}");
            }
            if state.contains_key("closing") {
                // The process crashed while it started the erasure; a recurring job resumes it.
                continue;
            }
            let (id, user) = (text(&customer, "_id"), text(&customer, "userId"));
            if text(state, "status") != "COMPLETED" || state.get_bool("isDeletion").is_ok_and(|is| is) {
                assert!(goes_on(id), "no job continues the erasure: {customer}");
                continue;
            }
            for (collection, left) in [
                ("addresses", doc! { "customerId": id }),
                ("orders", doc! { "userId": user, "personal": { "$exists": true } }),
                ("sessions", doc! { "userId": user }),
                ("dataExports", doc! { "userId": user }),
                ("storefrontUsers", doc! { "mergedInto": user }),
                (
                    "privateStorages",
                    doc! { "ownerId": user, "itemCount": { "$ne": 0 } },
                ),
            ] {
                assert_eq!(self.count(collection, left).await, 0, "{collection}: {customer}");
            }
        }
    }

    /// EPC-09. The provider may be missing: its removal deletes the identities in batches.
    async fn assert_identities_have_owners(&self) {
        let customers = self.known("customers").await;
        for identity in self.documents("identities", doc! {}).await {
            assert_has_owner(&identity, &customers);
        }
    }

    /// CLY-15.
    async fn assert_groups_are_consistent(&self) {
        let groups = self.known("customerGroups").await;
        let storefronts = self.known("storefronts").await;
        let open = self.open_jobs().await;
        let forgotten = open.iter().filter_map(|job| job.get_document("payload").ok());
        let forgotten: BTreeSet<&str> = forgotten.filter_map(|ids| ids.get_str("groupId").ok()).collect();
        for group in groups.values() {
            assert!(storefronts.contains_key(text(group, "storefrontId")), "{group}");
        }
        for market in self.known("markets").await.values() {
            let storefront = text(market, "storefrontId");
            assert!(storefronts.contains_key(storefront), "{market}");
            let keys = texts(market, "opensTo");
            if keys == [storefront] {
                continue;
            }
            assert_each_once(&keys, market);
            for key in keys {
                let group = groups.get(key);
                let group = group.unwrap_or_else(|| panic!("its group does not exist: {market}"));
                assert_same(group, market, "storefrontId");
            }
        }
        for customer in self.known("customers").await.values() {
            if !customer.contains_key("groupIds") {
                continue;
            }
            let own = texts(customer, "groupIds");
            assert_each_once(&own, customer);
            for id in own {
                match groups.get(id) {
                    Some(group) => assert_same(group, customer, "storefrontId"),
                    None => assert!(forgotten.contains(id), "in a deleted group: {customer}"),
                }
            }
        }
    }

    async fn assert_storages_are_consistent(&self) {
        let items = self.documents("storageItems", doc! {}).await;
        let storages = self.known("privateStorages").await;
        let users = self.known("storefrontUsers").await;
        let mut inside: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for item in &items {
            let storage = text(item, "storageId");
            assert!(storages.contains_key(storage), "an item without storage: {item}");
            let (count, bytes) = inside.entry(storage).or_default();
            *count += 1;
            *bytes += number(item, "byteSize");
        }
        let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, storage) in &storages {
            let Ok(owner) = storage.get_str("ownerId") else {
                continue;
            };
            assert!(
                users.contains_key(owner),
                "the owner of a storage does not exist: {storage}"
            );
            *owned.entry(owner).or_default() += 1;
            let counted = (number(storage, "itemCount"), number(storage, "totalBytes"));
            let is = inside.get(id.as_str()).copied().unwrap_or_default();
            assert_eq!(counted, is, "{storage}");
        }
        for (id, user) in &users {
            let own = owned.get(id.as_str()).copied().unwrap_or_default();
            let merged = user.contains_key("mergedInto");
            let fits = if merged { own == 0 } else { own >= 1 };
            assert!(fits, "{user} has {own} storages");
        }
    }

    async fn assert_contents_are_consistent(&self) {
        let items = self.documents("storageItems", doc! {}).await;
        let files = self.documents("content.files", doc! {}).await;
        let lengths: BTreeMap<String, i64> = files
            .iter()
            .map(|file| (name(&file["_id"]), number(file, "length")))
            .collect();
        let mut known = BTreeSet::new();
        for (id, entry) in self.known("unclaimedContent").await {
            let given_up = entry.get_array("contents").into_iter().flatten();
            known.extend(given_up.map(name).chain([id]));
        }
        let exports = self.documents("dataExports", doc! {}).await;
        for item in items.iter().chain(&exports) {
            let content = name(&item["blobId"]);
            let length = lengths.get(&content);
            let length = length.unwrap_or_else(|| panic!("an item without content: {item}"));
            assert_eq!(*length, number(item, "byteSize"), "{item}");
            known.insert(content);
        }
        for file in lengths.keys() {
            assert!(known.contains(file), "content of no item: {file}");
        }
        let chunks = self.collection("content.chunks");
        for content in chunks.distinct("files_id", doc! {}).await.expect("read") {
            assert!(known.contains(&name(&content)), "chunks of no item: {content}");
        }
    }

    async fn assert_customers_are_consistent(&self) {
        let customers = self.known("customers").await;
        let users = self.known("storefrontUsers").await;
        let storefronts = self.known("storefronts").await;
        for (id, customer) in &customers {
            let user = users.get(text(customer, "userId"));
            let user = user.unwrap_or_else(|| panic!("a customer without a user: {customer}"));
            assert_eq!(
                user.get_str("customerId").ok(),
                Some(id.as_str()),
                "{customer} {user}"
            );
            assert_same(customer, user, "storefrontId");
            assert_eq!(text(customer, "reference"), text(user, "storefrontUserId"));
            let temporary = user.get_bool("isAnonymous").unwrap_or(true) || user.contains_key("expiresAt");
            assert!(!temporary && !user.contains_key("mergedInto"), "{user}");
            let reported = customer.contains_key("email");
            assert_eq!(reported, customer.contains_key("emailKey"), "{customer}");
            let status = match number(customer, "orderCount") {
                0 => "PROSPECT",
                1 => "ACQUIRED",
                _ => "REPEAT",
            };
            assert_eq!(text(customer, "status"), status, "{customer}");
        }
        for (id, user) in &users {
            let Ok(customer) = user.get_str("customerId") else {
                continue;
            };
            let customer = customers.get(customer);
            let customer = customer.unwrap_or_else(|| panic!("a user without its customer: {user}"));
            assert_eq!(text(customer, "userId"), id, "{customer} {user}");
        }
        self.assert_numbers_are_unique(&customers, &storefronts).await;
        self.assert_sessions_and_keys_have_owners(&customers, &storefronts)
            .await;
        self.assert_addresses_are_consistent(&customers).await;
        self.assert_orders_are_consistent(&customers, &storefronts).await;
    }

    /// CLY-10.
    async fn assert_orders_are_consistent(&self, customers: &Known, storefronts: &Known) {
        let mut placed: BTreeMap<&str, i64> = BTreeMap::new();
        let orders = self.known("orders").await;
        for order in orders.values() {
            assert!(storefronts.contains_key(text(order, "storefrontId")), "{order}");
            let is_placed = text(order, "status") == "PLACED";
            assert_eq!(is_placed, !order.contains_key("cancelledAt"), "{order}");
            let is_guests = !order.contains_key("customerId");
            assert_eq!(is_guests, !order.contains_key("userId"), "{order}");
            if is_guests {
                continue;
            }
            assert_has_owner(order, customers);
            *placed.entry(text(order, "customerId")).or_default() += i64::from(is_placed);
        }
        for (id, customer) in customers {
            let placed = placed.get(id.as_str()).copied().unwrap_or_default();
            // The deletion of a customer detaches the orders in batches.
            let erasure = customer.get_document("anonymization");
            if erasure.is_ok_and(|state| state.get_bool("isDeletion").is_ok_and(|is| is)) {
                continue;
            }
            assert_eq!(number(customer, "orderCount"), placed, "{customer}");
        }
    }

    /// SPR-17: no number is used twice, and none is above the counter.
    async fn assert_numbers_are_unique(&self, customers: &Known, storefronts: &Known) {
        let counters = self.known("counters").await;
        let mut given = BTreeSet::new();
        for customer in customers.values() {
            let (storefront, reference) = (text(customer, "storefrontId"), text(customer, "reference"));
            assert!(given.insert((storefront, reference)), "twice: {customer}");
            let (code, last) = reference.split_once("--").expect("a code and a number");
            assert_eq!(code, text(&storefronts[storefront], "code"), "{customer}");
            let counter = &counters[&format!("customers of {storefront}")];
            let last: i64 = last.parse().expect("a number");
            assert!(last <= number(counter, "last"), "{customer} {counter}");
        }
    }

    async fn assert_sessions_and_keys_have_owners(&self, customers: &Known, storefronts: &Known) {
        let sessions = self.documents("sessions", doc! {}).await;
        // A key requested for an unknown address has no customer; its hash is never set.
        let made = doc! { "hash": { "$exists": true } };
        let keys = self.documents("oneTimeKeys", made).await;
        for document in sessions.iter().chain(&keys) {
            assert_has_owner(document, customers);
            let storefront = &storefronts[text(document, "storefrontId")];
            assert_same(document, storefront, "organizationId");
        }
    }

    /// ADR-01, SPR-64.
    async fn assert_addresses_are_consistent(&self, customers: &Known) {
        let addresses = self.known("addresses").await;
        let mut theirs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (id, address) in &addresses {
            assert_has_owner(address, customers);
            let customer = text(address, "customerId");
            theirs.entry(customer).or_default().insert(id);
        }
        for (id, customer) in customers {
            let erasure = customer.get_document("anonymization");
            if erasure.is_ok_and(|state| state.contains_key("startedAt")) {
                continue;
            }
            for pointer in ["defaultShippingAddressId", "defaultBillingAddressId"] {
                match (customer.get_str(pointer).ok(), theirs.get(id.as_str())) {
                    (None, None) => {}
                    (Some(default), Some(theirs)) if theirs.contains(default) => {}
                    (default, theirs) => panic!("{pointer} is {default:?} among {theirs:?}: {customer}"),
                }
            }
        }
    }

    /// EPC-30.
    async fn assert_custom_fields_are_consistent(&self) {
        let fields = self.known("customFields").await;
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for field in fields.values() {
            *counts.entry(text(field, "storefrontId")).or_default() += 1;
        }
        let storefronts = self.known("storefronts").await;
        for (id, storefront) in &storefronts {
            let counted = counts.remove(id.as_str()).unwrap_or_default();
            assert_eq!(counted, number(storefront, "customFieldCount"), "{storefront}");
            let guards = self.count("customFieldGuards", doc! { "storefrontId": id }).await;
            assert!(
                guards == 16 || counted == 0 && guards == 0,
                "{guards} guards: {storefront}"
            );
        }
        assert!(counts.is_empty(), "fields of no storefront: {counts:?}");
        for customer in self.documents("customers", doc! {}).await {
            let mut seen = BTreeSet::new();
            for value in customer.get_array("customFields").into_iter().flatten() {
                let value = value.as_document().expect("a value");
                let field = fields.get(text(value, "f"));
                let field = field.unwrap_or_else(|| panic!("a value of no field: {customer}"));
                assert_same(&customer, field, "storefrontId");
                assert!(seen.insert(text(value, "f")), "twice: {customer}");
                assert!(fits(field, &value["v"]), "{field} {value}");
            }
        }
    }

    pub(super) async fn known(&self, collection: &str) -> Known {
        let documents = self.documents(collection, doc! {}).await;
        let named = documents
            .into_iter()
            .map(|document| (name(&document["_id"]), document));
        named.collect()
    }
}

/// Whether a field accepts a value.
fn fits(field: &Document, value: &Bson) -> bool {
    match (text(field, "type"), value) {
        ("STRING" | "DATE", Bson::String(_))
        | ("INTEGER", Bson::Int64(_))
        | ("FLOAT", Bson::Double(_))
        | ("BOOLEAN", Bson::Boolean(_))
        | ("DATE_TIME", Bson::DateTime(_)) => true,
        ("SELECT", option) => field
            .get_array("options")
            .is_ok_and(|options| options.contains(option)),
        _ => false,
    }
}

/// Returns an id as a string.
fn name(id: &Bson) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn texts<'a>(document: &'a Document, field: &str) -> Vec<&'a str> {
    let texts = document.get_array(field).expect("a list").iter();
    texts.map(|text| text.as_str().expect("a text")).collect()
}

#[track_caller]
fn assert_each_once(keys: &[&str], document: &Document) {
    let once: BTreeSet<&&str> = keys.iter().collect();
    assert_eq!(once.len(), keys.len(), "twice: {document}");
}

#[track_caller]
fn assert_same(one: &Document, other: &Document, field: &str) {
    assert_eq!(text(one, field), text(other, field), "{field}: {one} {other}");
}

/// Asserts that a customer exists with the document's storefront and storefront user.
#[track_caller]
fn assert_has_owner(document: &Document, customers: &Known) {
    let customer = customers.get(text(document, "customerId"));
    let customer = customer.unwrap_or_else(|| panic!("no owner: {document}"));
    assert_same(document, customer, "storefrontId");
    assert_same(document, customer, "userId");
}
