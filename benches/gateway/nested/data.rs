//! What the lists show.

use bson::{Document, doc};
use futures_util::TryStreamExt;
use serde_json::json;

use super::PARENTS;
use crate::environment::Environment;
use crate::lists;

/// Gives customers, groups and markets what the lists show, directly in the database.
pub async fn fill(environment: &Environment) {
    let storefront = &environment.storefront;
    lists::crowd(environment, storefront, 2 * PARENTS as u64).await;
    let customers = environment.driver().collection::<Document>("customers");
    let customers = customers
        .find(doc! { "storefrontId": storefront })
        .projection(doc! { "userId": 1 });
    let customers: Vec<Document> = customers
        .await
        .expect("found")
        .try_collect()
        .await
        .expect("customers");
    let mutation = "mutation($group: CustomerGroupCreateInput!, $market: MarketCreateInput!,
            $note: CustomerNoteCreateInput!) {
        customerGroupCreate(input: $group) { customerGroup { id } }
        marketCreate(input: $market) { market { id } }
        customerNoteCreate(input: $note) { customerNote { id } } }";
    let input = json!({
        "group": { "storefrontId": storefront, "name": "template" },
        "market": { "storefrontId": storefront, "name": "template" },
        "note": { "customerId": id_of(&customers[0]), "text": "template" },
    });
    let url = &environment.gateway.app.public_url;
    environment.query(url, mutation, input).await;
    of_customers(environment, &customers).await;
    groups_and_markets(environment, &customers).await;
    // The crowd's users come first.
    let users = environment.driver().collection::<Document>("storefrontUsers");
    let first = users
        .find(doc! { "storefrontId": storefront })
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(PARENTS).expect("small"));
    let first: Vec<Document> = first.await.expect("found").try_collect().await.expect("users");
    for user in &first {
        environment.insert_items(id_of(user), 8).await;
    }
}

fn id_of(document: &Document) -> &str {
    document.get_str("_id").expect("an id")
}

/// Gives each customer notes, addresses and orders.
async fn of_customers(environment: &Environment, customers: &[Document]) {
    let children = |each: usize| {
        customers.iter().enumerate().flat_map(move |(number, customer)| {
            let owner = doc! { "customerId": customer.get("_id"), "userId": customer.get("userId") };
            (0..each).map(move |n| (format!("{number}-{n}"), owner.clone()))
        })
    };
    let notes = children(3).map(|(text, owner)| doc! { "customerId": owner.get("customerId"), "text": text });
    clones(environment, "customerNotes", notes).await;
    clones(environment, "addresses", children(2).map(|(_, owner)| owner)).await;
    let orders = children(2).map(|(number, mut owner)| {
        owner.insert("number", format!("nested {number}"));
        owner
    });
    clones(environment, "orders", orders).await;
}

/// Makes groups, markets that each of three groups opens, and adds each customer to three groups.
async fn groups_and_markets(environment: &Environment, customers: &[Document]) {
    let names = |kind: &'static str| (0..PARENTS).map(move |n| doc! { "name": name(kind, n) });
    let groups = clones(environment, "customerGroups", names("group")).await;
    let three = |first: usize, distances: [usize; 3]| {
        distances
            .map(|distance| groups[(first + distance) % PARENTS].as_str())
            .to_vec()
    };
    let markets = names("market").enumerate().map(|(n, mut market)| {
        market.insert("opensTo", three(n, [0, 1, 2]));
        market
    });
    clones(environment, "markets", markets).await;
    let all = environment.driver().collection::<Document>("customers");
    for (n, customer) in customers.iter().enumerate() {
        let update = doc! { "$set": { "groupIds": three(n, [0, 7, 20]) } };
        let updated = all.update_one(doc! { "_id": id_of(customer) }, update).await;
        assert_eq!(updated.expect("updated").matched_count, 1);
    }
}

/// The stored name of a group or a market.
fn name(kind: &str, number: usize) -> Document {
    let name = format!("{kind} {number}");
    doc! { "written": &name, "key": &name }
}

/// Inserts copies of one of the storefront's documents, each with these changes, and returns their ids.
async fn clones(
    environment: &Environment,
    collection: &str,
    changes: impl Iterator<Item = Document>,
) -> Vec<String> {
    let collection = environment.driver().collection::<Document>(collection);
    let found = collection.find_one(doc! { "storefrontId": &environment.storefront });
    let template = found.await.expect("found").expect("a template");
    // With the length of an id, and sorted behind the template's.
    let mut start = id_of(&template).to_owned();
    start.truncate(start.len() - 6);
    let copies = changes.enumerate().map(|(number, changes)| {
        let mut copy = template.clone();
        copy.insert("_id", format!("{start}z{number:05}"));
        copy.extend(changes);
        copy
    });
    let copies: Vec<Document> = copies.collect();
    let inserted = collection.insert_many(&copies).await;
    inserted.expect("inserted");
    copies.iter().map(|copy| id_of(copy).to_owned()).collect()
}
