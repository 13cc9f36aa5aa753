//! The guides' examples of requests are sent, with `curl` as they are written, to a gateway.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::platform::id::Id as _;
use storefront_gateway::reach::scope::Scope;
use tempfile::TempDir;
use tokio::process::Command;

use super::blocks::{Block, Document};
use super::shell;
use crate::addresses::{customer, home};
use crate::kit::{self, LIMIT, Shop, Tool, png};

/// The sections with commands that send requests: document and heading, in the order of the documents.
pub(super) const JOURNEYS: [(&str, &str); 4] = [
    ("README.md", "First journey"),
    ("docs/backend.md", "OAuth"),
    ("docs/backend.md", "Requests for shoppers"),
    ("docs/frontend.md", "Register and sign in"),
];

/// A person who follows a guide: a shell in an empty folder.
struct Reader {
    folder: TempDir,
    /// Variables of the shell.
    variables: BTreeMap<String, String>,
    /// The last response.
    answer: Value,
}

impl Reader {
    /// Returns a reader who knows the address of the gateway, or none if the machine has no `curl`.
    fn of(shop: &Shop) -> Option<Self> {
        if !has_curl() {
            Tool::Curl.is_missing("curl is needed, on PATH");
            return None;
        }
        let variables = [("GATEWAY".to_owned(), shop.gateway.url.clone())];
        Some(Self {
            folder: TempDir::new().expect("a folder"),
            variables: variables.into(),
            answer: Value::Null,
        })
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Runs a block. Of variables that are not known yet, the comment names the field of the last response.
    async fn follow(&mut self, block: &Block) {
        for command in block.commands() {
            match command.words.first().and_then(|word| shell::variable(word)) {
                Some(name) if self.variables.contains_key(name) => {}
                Some(name) => {
                    let field = command.comment.unwrap_or_default();
                    let value = self.value(&field).to_owned();
                    self.set(name, &value);
                }
                None => self.run(&command.text).await,
            }
        }
    }

    /// Runs a command in a shell. Its response must be a success.
    async fn run(&mut self, command: &str) {
        let script = format!(
            "curl() {{ command curl --silent --show-error --fail-with-body --noproxy '*' \"$@\"; }}\n{command}"
        );
        let running = Command::new("sh")
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .envs(&self.variables)
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(LIMIT, running)
            .await
            .expect("it ends")
            .expect("it runs");
        let message = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{command}: {message}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.answer = if message.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&message).expect("JSON")
        };
        assert_successful(&self.answer);
    }

    /// Returns the text that the last response has under this name.
    fn value(&self, field: &str) -> &str {
        let found = find(&self.answer, field).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {field} in {}", self.answer))
    }
}

fn has_curl() -> bool {
    let version = std::process::Command::new("curl").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Returns the blocks of a section.
fn section((file, section): (&str, &str)) -> Vec<Block> {
    let mut blocks = Document::read(file).blocks();
    blocks.retain(|block| block.section == section);
    blocks
}

/// Returns the first value with this name, at any depth.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields
            .get(name)
            .or_else(|| fields.values().find_map(|field| find(field, name))),
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

/// Asserts that a response has no errors, of the request or of a mutation.
fn assert_successful(answer: &Value) {
    assert!(answer.get("errors").is_none(), "{answer:#}");
    let payloads = answer["data"].as_object().into_iter().flatten();
    for (field, payload) in payloads {
        let faults = payload.get("userErrors").unwrap_or(&Value::Null);
        assert!(faults.is_null() || *faults == json!([]), "{field}: {answer:#}");
    }
}

/// Returns a block with values in place of what it shortens; each must be in it.
fn with_values(mut block: Block, values: &[(&str, &str)]) -> Block {
    for (short, value) in values {
        assert!(block.text.contains(short), "{block} has no {short}");
        block.text = block.text.replace(short, value);
    }
    block
}

#[tokio::test]
async fn the_readmes_first_steps_work() {
    let shop = kit::shop().await;
    let Some(mut reader) = Reader::of(&shop) else {
        return;
    };
    let [key, secret] = [&shop.browser, &shop.backend].map(|caller| caller.credential.as_deref());
    reader.set("PUBLIC_KEY", key.expect("a key"));
    reader.set("SECRET", secret.expect("a secret"));
    reader.set("STOREFRONT", shop.id());
    let photo = reader.folder.path().join("photo.png");
    std::fs::write(photo, png(1)).expect("written");
    let mut seen = Value::Null;
    for block in section(JOURNEYS[0]) {
        if block.language == "graphql" {
            // "A query with that token returns the photo."
            let person = shop.unauthenticated().with(Some(reader.value("accessToken")));
            seen = person.query(&block.text).await;
        } else {
            reader.follow(&block).await;
        }
    }
    assert_eq!(find(&seen, "itemCount"), Some(&json!(1)), "{seen}");
    assert_eq!(find(&seen, "name"), Some(&json!("photo.png")), "{seen}");
    // The anonymous user's token was revoked by the merge, and its storage is emptied by a job.
    shop.gateway.run_jobs().await;
}

#[tokio::test]
async fn a_back_end_obtains_an_access_token() {
    let shop = kit::shop().await;
    let Some(mut reader) = Reader::of(&shop) else {
        return;
    };
    let client = shop.client(ClientKind::Integration, None, Scope::ALL).await;
    for block in section(JOURNEYS[1]) {
        let values = [("cli_…", client.id.as_str()), ("sk_…", client.secret())];
        reader.follow(&with_values(block, &values)).await;
    }
    assert_eq!(reader.value("scope"), "storage:read");
    let token = shop.unauthenticated().with(Some(reader.value("access_token")));
    // A token that is not valid is refused.
    token.query("{ __typename }").await;
}

#[tokio::test]
async fn a_back_end_sends_the_address_of_a_buyer() {
    let shop = kit::shop().await;
    let Some(mut reader) = Reader::of(&shop) else {
        return;
    };
    reader.set("SECRET", shop.backend.credential.as_deref().expect("a secret"));
    for block in section(JOURNEYS[2]) {
        let body = r#"-d '{"query": "{ storefront { name } }"}'"#;
        reader.follow(&with_values(block, &[("-d …", body)])).await;
    }
    assert_eq!(reader.value("name"), shop.storefront.name);
}

#[tokio::test]
async fn a_customer_registers_signs_in_refreshes_and_signs_out() {
    let shop = kit::shop().await;
    let Some(mut reader) = Reader::of(&shop) else {
        return;
    };
    let key = shop.browser.credential.as_deref().expect("a key");
    for block in section(JOURNEYS[3]) {
        if block.language == "graphql" {
            let answer = shop.browser.send(&block.text, json!({})).await;
            assert_successful(&answer.body);
            assert!(
                find(&answer.body, "refreshToken").is_some_and(Value::is_string),
                "{answer:?}"
            );
            continue;
        }
        for command in block.commands() {
            let refresh_token = find(&reader.answer, "refresh_token").and_then(Value::as_str);
            let refresh_token = refresh_token.unwrap_or_default();
            let command = command.text.replace("pk_…", key).replace("rt_…", refresh_token);
            reader.run(&command).await;
        }
    }
    // The last command, which signs out, returns nothing.
    assert_eq!(reader.answer.get("access_token"), None);
    shop.gateway.run_jobs().await;
}

#[tokio::test]
async fn the_back_end_guide_records_an_order_and_lists_markets() {
    let shop = kit::shop().await;
    let (id, ada) = customer(&shop, "ada@example.com").await;
    ada.mutate_ok("customerAddressCreate", home()).await;
    for block in section(("docs/backend.md", "Orders")) {
        let id = id.as_str().expect("an id");
        let block = with_values(block, &[("sto_…", shop.id()), ("cus_…", id)]);
        let answer = shop.backend.send(&block.text, json!({})).await;
        assert_successful(&answer.body);
        assert_eq!(find(&answer.body, "orderCount"), Some(&json!(1)), "{answer:?}");
    }
    let market = json!({ "storefrontId": shop.id(), "name": "Everyone" });
    shop.backend.mutate_ok("marketCreate", market).await;
    for block in section(("docs/backend.md", "Customer groups and markets")) {
        let listed = ada.query(&block.text).await;
        let expected = json!([{ "name": "Everyone", "isPrivate": false }]);
        assert_eq!(find(&listed, "nodes"), Some(&expected));
    }
}
