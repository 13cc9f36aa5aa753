//! The baseline: the same reads by a bare axum handler with the driver, without GraphQL, access control or limits.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use bson::{Document, RawArray, RawBsonRef, RawDocumentBuf, doc};
use futures_util::TryStreamExt;
use mongodb::Database;
use serde::{Deserialize, Serialize};
use storefront_gateway::storefront_user::StorefrontUser;
use tokio::net::TcpListener;

use crate::environment::DATABASE;
use crate::nested::{LISTS, Link, NestedList, PARENTS, SHOWN};

#[derive(Deserialize)]
struct Asked {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    storefront_user_id: String,
    is_anonymous: bool,
    created_at: String,
}

/// A parent and its children.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NestedAnswer {
    pub id: String,
    pub children: Vec<ChildAnswer>,
}

/// A child and what is shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildAnswer {
    pub id: String,
    pub shown: String,
}

/// Prints the server's address and serves until the process is killed.
pub async fn serve(uri: &str) {
    let client = mongodb::Client::with_uri_str(uri).await.expect("a client");
    let router = Router::new()
        .route("/point", post(point))
        .route("/nested/{list}", post(nested))
        .with_state(client.database(DATABASE));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("http://{}", listener.local_addr().expect("bound"));
    axum::serve(listener, router).await.expect("served");
}

async fn point(State(database): State<Database>, Json(asked): Json<Asked>) -> Json<Option<Answer>> {
    let users = database.collection::<StorefrontUser>("storefrontUsers");
    let found = users.find_one(doc! { "_id": asked.id }).await.expect("found");
    Json(found.map(|user| Answer {
        id: user.id.to_string(),
        storefront_user_id: user.external_id,
        is_anonymous: user.is_anonymous,
        created_at: user.created_at.rfc3339(),
    }))
}

/// Answers with the first parents of a list and the first children of each.
async fn nested(
    State(database): State<Database>,
    Path(name): Path<String>,
    Json(asked): Json<Asked>,
) -> Json<Vec<NestedAnswer>> {
    let list = LISTS.iter().find(|list| list.name.replace(' ', "-") == name);
    let list = list.expect("one of the lists");
    let of_parent: &[&str] = match &list.link {
        Link::Child { of_parent, .. } => of_parent,
        Link::Parent(ids) => &[*ids],
        Link::Storage => &["_id"],
    };
    let all = database.collection::<RawDocumentBuf>(list.parents);
    let found = all
        .find(doc! { "storefrontId": &asked.id })
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(PARENTS).expect("small"))
        .projection(
            of_parent
                .iter()
                .map(|field| ((*field).to_owned(), 1.into()))
                .collect::<Document>(),
        );
    let parents: Vec<RawDocumentBuf> = found.await.expect("found").try_collect().await.expect("parents");
    let keys = parents
        .iter()
        .map(|parent| of_parent.iter().flat_map(|field| texts(parent, field)).collect());
    let mut keys: Vec<Vec<String>> = keys.collect();
    let of_child = match list.link {
        Link::Child { of_child, .. } => of_child,
        Link::Parent(_) => "_id",
        Link::Storage => {
            keys = storages(&database, &keys.concat()).await;
            "storageId"
        }
    };
    let filter = doc! { "storefrontId": &asked.id, of_child: { "$in": keys.concat() } };
    let children = children(&database, list, filter, of_child).await;
    let mut by_key: HashMap<&str, Vec<&ChildAnswer>> = HashMap::new();
    for (keys, child) in &children {
        for key in keys {
            by_key.entry(key).or_default().push(child);
        }
    }
    let answer = parents.iter().zip(&keys).map(|(parent, keys)| {
        let mut children: Vec<ChildAnswer> = keys
            .iter()
            .flat_map(|key| by_key.get(key.as_str()).into_iter().flatten())
            .map(|child| ChildAnswer::clone(child))
            .collect();
        if keys.len() > 1 {
            children.sort_by(|one, other| one.id.cmp(&other.id));
            children.dedup();
        }
        children.truncate(SHOWN);
        let id = parent.get_str("_id").expect("an id").to_owned();
        NestedAnswer { id, children }
    });
    Json(answer.collect())
}

/// Children in the order of the list, each with the keys by which its parents name it.
async fn children(
    database: &Database,
    list: &NestedList,
    filter: Document,
    key: &str,
) -> Vec<(Vec<String>, ChildAnswer)> {
    let sort = match list.newest_by {
        Some(field) => doc! { field: -1, "_id": -1 },
        None => doc! { "_id": 1 },
    };
    let all = database.collection::<RawDocumentBuf>(list.children);
    let found = all
        .find(filter)
        .sort(sort)
        .projection(doc! { key: 1, list.shown: 1 })
        .batch_size(10_000);
    let child = |child: RawDocumentBuf| {
        let text = |field: &str| match child.get(field).expect("BSON") {
            // Names of groups and markets are stored with the form in which they are compared.
            Some(RawBsonRef::Document(name)) => name.get_str("written").expect("a name").to_owned(),
            text => text.and_then(RawBsonRef::as_str).expect("a text").to_owned(),
        };
        let answer = ChildAnswer {
            id: text("_id"),
            shown: text(list.shown),
        };
        (texts(&child, key), answer)
    };
    let found = found.await.expect("found");
    found.map_ok(child).try_collect().await.expect("children")
}

/// The storages of these users, in this order.
async fn storages(database: &Database, users: &[String]) -> Vec<Vec<String>> {
    let all = database.collection::<RawDocumentBuf>("privateStorages");
    let found = all
        .find(doc! { "ownerId": { "$in": users } })
        .projection(doc! { "ownerId": 1 });
    let found: Vec<RawDocumentBuf> = found.await.expect("found").try_collect().await.expect("storages");
    let of: HashMap<&str, &str> = found
        .iter()
        .map(|storage| {
            (
                storage.get_str("ownerId").expect("an owner"),
                storage.get_str("_id").expect("an id"),
            )
        })
        .collect();
    users
        .iter()
        .map(|user| vec![of[user.as_str()].to_owned()])
        .collect()
}

/// The text in a field, or the texts of the list in it.
fn texts(document: &RawDocumentBuf, field: &str) -> Vec<String> {
    let of_list = |list: &RawArray| {
        list.into_iter()
            .map(|text| text.expect("BSON").as_str().expect("a text").to_owned())
            .collect()
    };
    match document.get(field).expect("BSON") {
        Some(RawBsonRef::String(text)) => vec![text.to_owned()],
        Some(RawBsonRef::Array(list)) => of_list(list),
        _ => Vec::new(),
    }
}
