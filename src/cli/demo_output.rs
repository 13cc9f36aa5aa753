//! `demo`, and what `serve --demo` shows of it.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::output::Output;
use crate::app::App;
use crate::config::LogFormat;
use crate::demo::{self, CUSTOMER_EMAIL, Demo};
use crate::http::graphiql::{Credentials, DemoPage, Hosts};

/// Path of the GraphQL endpoint.
const ENDPOINT: &str = "/graphql";

pub(super) async fn run(app: &Arc<App>, output: Output, customers: Option<u64>) -> Result<(), Failure> {
    let demo = demo::fill(app).await?.ok_or_else(|| {
        Failure::message(
            "the database is not empty and does not contain the demo, or the demo's API clients were revoked; nothing \
             was written. Set GATEWAY_MONGODB_DATABASE or GATEWAY_DATA_DIR to use an empty database",
        )
    })?;
    if let Some(many) = customers {
        demo::grow_crowd(app, &demo, many, &output.progress()).await?;
    }
    output.result(&as_json(&demo), || {
        format!(
            "The database contains the demo.\n\n{}\nNext: storefront-gateway serve --demo",
            credentials(&demo)
        )
    })
}

fn as_json(demo: &Demo) -> Value {
    let storefronts = demo.storefronts.iter();
    let clients: Map<String, Value> = storefronts
        .clone()
        .map(|storefront| (storefront.code.as_str(), &storefront.web.id))
        .chain([("backend", &demo.backend.id)])
        .map(|(name, id)| (name.to_owned(), json!(id)))
        .collect();
    let keys: Map<String, Value> = storefronts
        .clone()
        .map(|storefront| (storefront.code.clone(), storefront.web.key.expose().into()))
        .collect();
    let storefronts: Vec<Value> = storefronts
        .map(|storefront| json!({ "id": storefront.id, "code": storefront.code }))
        .collect();
    json!({
        "organization": demo.organization,
        "storefronts": storefronts,
        "clients": clients,
        "keys": keys,
        "secret": demo.backend.key.expose(),
        "customer": { "email": CUSTOMER_EMAIL, "password": demo.customer_password.expose() },
    })
}

/// The credentials for a person.
fn credentials(demo: &Demo) -> String {
    let mut text = format!("  Organization      {}\n", demo.organization);
    for storefront in &demo.storefronts {
        text.push_str(&format!(
            "  Storefront {:<6} {} ({})\n    publishable key {}\n    client          {}\n",
            storefront.code,
            storefront.id,
            storefront.name,
            storefront.web.key.expose(),
            storefront.web.id
        ));
    }
    text.push_str(&format!(
        "  Client secret     {}\n    client          {}\n  Customer          {CUSTOMER_EMAIL}, password {}\n",
        demo.backend.key.expose(),
        demo.backend.id,
        demo.customer_password.expose()
    ));
    text
}

/// GraphiQL's page. A demo's secret is on it only where nobody but this machine's users can open it, and its credentials
/// only for requests to the gateway's own hosts.
pub(super) fn page(public_url: &str, listen: SocketAddr, demo: Option<&Demo>) -> DemoPage {
    let first = demo.and_then(|demo| demo.storefronts.first());
    let public_key = first.map(|storefront| storefront.web.key.expose().to_owned());
    let secret = demo.filter(|_| listen.ip().is_loopback());
    let credentials = Credentials {
        public_url: public_url.to_owned(),
        public_key,
        backend_secret: secret.map(|demo| demo.backend.key.expose().to_owned()),
        storefront_id: first.map(|storefront| storefront.id.to_string()),
        customer: secret.map(|demo| {
            (
                CUSTOMER_EMAIL.to_owned(),
                demo.customer_password.expose().to_owned(),
            )
        }),
    };
    DemoPage::new(ENDPOINT, &credentials, Hosts::new(listen, public_url))
}

/// Shows on standard error where the demo is and how to get in: as a block for a person, or as one JSON object among the
/// log's lines.
pub(super) fn show(demo: &Demo, url: &str, listen: SocketAddr, graphiql: bool, format: LogFormat) {
    let text = match format {
        LogFormat::Text => block(demo, url, listen, graphiql),
        LogFormat::Json => format!(
            "{}\n",
            json!({ "demo": as_json(demo), "graphiql": graphiql.then_some(url) })
        ),
    };
    // A closed standard error is no failure.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn block(demo: &Demo, url: &str, listen: SocketAddr, graphiql: bool) -> String {
    let page = if graphiql {
        format!("  GraphiQL          {url}/\n")
    } else {
        String::new()
    };
    let warning = match (graphiql, listen.ip().is_loopback()) {
        (true, true) => {
            "  Everyone who opens GraphiQL receives the demo's publishable key and client secret: do not store \
             real data.\n"
        }
        (true, false) => {
            "  Other machines can reach this gateway. GraphiQL therefore contains the demo's publishable key, but not \
             its client secret.\n  Everyone who knows these credentials can use them: do not store real data.\n"
        }
        (false, _) => {
            "  Everyone who knows the demo's credentials can use them: do not store real data in this database.\n"
        }
    };
    format!(
        "\n{page}  GraphQL           {url}{ENDPOINT}\n{}\n  Commands that upload a photo as an anonymous \
         storefront user:\n\n{}\n{warning}\n",
        credentials(demo),
        upload(demo, url)
    )
}

/// Commands for a shell: an anonymous user, its token, and a file of its own (GraphQL multipart request specification).
fn upload(demo: &Demo, url: &str) -> String {
    let first = demo.storefronts.first();
    let key = first.map_or("", |storefront| storefront.web.key.expose());
    let register = json!({
        "query": "mutation { storefrontUserRegister(input: { isAnonymous: true }) { token { accessToken } } }"
    });
    let operations = json!({
        "query": "mutation ($file: Upload!) { storageItemUpload(input: { file: $file }) { storageItem { id name url } userErrors { code message } } }",
        "variables": { "file": null },
    });
    let map = json!({ "file": ["variables.file"] });
    format!(
        "TOKEN=$(curl -s {url}{ENDPOINT} -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n  \
         -d '{register}' \\\n  \
         | sed 's/.*\"accessToken\":\"\\([^\"]*\\)\".*/\\1/')\n\
         curl {url}{ENDPOINT} -H \"Authorization: Bearer $TOKEN\" -H 'GraphQL-Require-Preflight: 1' \\\n  \
         -F operations='{operations}' \\\n  \
         -F map='{map}' -F file=@photo.png\n"
    )
}
