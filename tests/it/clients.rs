//! Third-party GraphQL tools: code generators, client libraries, linters, a browser. Each test runs a script of
//! `tests/clients` against its own gateway; where the tools are missing it is skipped with a message.

mod graphql_client;
mod origins;

use std::path::Path;

use storefront_gateway::http::graphiql::{Credentials, IS_OFFLINE};

use crate::erasure::on_behalf;
use crate::kit::{self, Scripts, Shop, Tool};

/// The path of the exported schema.
fn schema_file() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    file.to_str().expect("a path in UTF-8").to_owned()
}

/// The publishable key and the access token of a shop's browser and backend callers.
fn credentials(shop: &Shop) -> [&str; 2] {
    [&shop.browser, &shop.backend].map(|caller| caller.credential.as_deref().expect("a credential"))
}

#[tokio::test]
async fn graphql_codegen_generates_typescript_that_compiles_and_runs() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts
        .run("codegen.mjs", &[shop.gateway.url.as_str(), key])
        .await;
}

#[tokio::test]
async fn relay_compiles_paginates_and_refetches() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let (backend, _) = on_behalf(&shop).await;
    let token = backend.credential.as_deref().expect("a token");
    let schema = schema_file();
    scripts
        .run(
            "relay.mjs",
            &[shop.gateway.url.as_str(), token, shop.id(), &schema],
        )
        .await;
    // The erasure that the script requests is scheduled for the next day, so its job remains.
    shop.gateway.expect_jobs();
}

#[tokio::test]
async fn apollo_client_queries_paginates_mutates_and_uploads() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, secret] = credentials(&shop);
    scripts
        .run("apollo.mjs", &[shop.gateway.url.as_str(), key, secret, shop.id()])
        .await;
}

// DEF-04
#[tokio::test]
async fn node_fetch_receives_a_response_sent_before_the_request_was_read() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts
        .run("refusals.mjs", &[shop.gateway.url.as_str(), key])
        .await;
}

#[tokio::test]
async fn urql_paginates_and_normalizes_objects() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, secret] = credentials(&shop);
    scripts
        .run("urql.mjs", &[shop.gateway.url.as_str(), key, secret, shop.id()])
        .await;
}

// GQL-06
#[tokio::test]
async fn apollo_persisted_query_link_falls_back_to_the_full_document() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts
        .run("persisted.mjs", &[shop.gateway.url.as_str(), key])
        .await;
}

#[tokio::test]
async fn the_schema_passes_graphql_eslint() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    scripts.run("lint.mjs", &[schema_file()]).await;
}

#[tokio::test]
async fn graphql_inspector_finds_no_difference_between_exported_and_served_schema() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts
        .run("inspector.mjs", &[shop.gateway.url.as_str(), key, &schema_file()])
        .await;
}

#[tokio::test]
async fn graphql_over_http_passes_every_audit() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts.run("audits.mjs", &[shop.gateway.url.as_str(), key]).await;
}

// GQL-01, GQL-02
#[tokio::test]
async fn validation_agrees_with_graphql_js_on_five_thousand_requests() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let shop = kit::shop().await;
    let [key, _] = credentials(&shop);
    scripts
        .run(
            "verdicts.mjs",
            &[shop.gateway.url.as_str(), key, &schema_file(), "1", "5000"],
        )
        .await;
}

#[tokio::test]
async fn graphiql_runs_in_a_browser_without_other_servers() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    if !IS_OFFLINE {
        let why = "this build has no GraphiQL of its own (it was made without npm, or told to skip it)";
        return Tool::Chromium.is_missing(why);
    }
    let Some(browser) = kit::chromium() else {
        return Tool::Chromium.is_missing("Chromium is needed, on PATH or named by CHROMIUM");
    };
    let shop = kit::shop().await;
    let gateway = shop.gateway.graphiql_node(page(&shop)).await;
    let mut command = scripts.command("graphiql.mjs", &[&gateway.url]);
    command.env("CHROMIUM", browser);
    kit::succeeds(command).await;
}

/// The credentials that a page of the demo uses.
fn page(shop: &Shop) -> Credentials {
    let [key, secret] = credentials(shop).map(|credential| Some(credential.to_owned()));
    Credentials {
        public_url: shop.gateway.url.clone(),
        public_key: key,
        backend_secret: secret,
        storefront_id: Some(shop.id().to_owned()),
        customer: Some(("ada@example.com".to_owned(), "correct horse".to_owned())),
    }
}
