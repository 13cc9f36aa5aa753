//! The cost of a response reveals nothing about an account: the number of hashes, the database commands and the bytes
//! are the same whether the account exists, has a password or not, is locked or not (EPC-08, CST-05, SPR-86, SPR-10).

use std::process::Command;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, ada, credentials, person, setup, with_password};
use crate::kit::{self, Shop, mutation};

const TURNS: u64 = 3;

/// A shop whose password hashes are counted.
struct Counted {
    shop: Shop,
    page: PrometheusHandle,
    /// The number of hashes so far.
    hashes: u64,
}

/// The cost and content of a response.
#[derive(Debug, PartialEq)]
struct Cost {
    /// Over [`TURNS`] calls.
    hashes: u64,
    /// Of the first call.
    commands: Vec<String>,
    /// Status and body of the first call.
    answer: (u16, Value),
}

impl Counted {
    async fn start() -> Self {
        let page = PrometheusBuilder::new().install_recorder();
        let shop = setup()
            .set("GATEWAY_RATE_LIMITS", "on")
            // One thread: a hash is counted before the next one begins.
            .set("GATEWAY_ARGON2_THREADS", "1")
            .manual_clock()
            .start()
            .await;
        shop.gateway.expect_jobs();
        let page = page.expect("the only test in this process");
        Self {
            shop,
            page,
            hashes: 0,
        }
    }

    fn counted(&self) -> u64 {
        let page = self.page.render();
        let count = page
            .lines()
            .find_map(|line| line.strip_prefix("gateway_password_hash_seconds_count "));
        count.map_or(0, |count| count.parse().expect("a number"))
    }

    /// Waits until this many more hashes are counted.
    async fn settle(&mut self, more: u64) {
        self.hashes += more;
        let expected = self.hashes;
        kit::eventually("the hashes are counted", async || self.counted() >= expected).await;
    }

    /// Calls a mutation with each of the inputs; returns the cost.
    async fn cost(&mut self, field: &str, inputs: [Value; 3]) -> Cost {
        let mut first = None;
        for input in inputs {
            let (gateway, variables) = (&self.shop.gateway, json!({ "input": input }));
            let query = mutation(field);
            let sent = self.shop.browser.send(&query, variables);
            let (answer, commands) = gateway.commands.during(sent).await;
            first.get_or_insert((commands, (answer.status, answer.body)));
        }
        // An additional hash: once it has run, all earlier ones are counted, while it may or may not be counted itself.
        let app = self.shop.gateway.app.clone();
        let extra = async move { app.passwords.verify(PASSWORD.into(), None).await.map(|_| ()) };
        self.shop.gateway.inside(extra).await.expect("verified");
        let since = self.counted() - self.hashes;
        assert!(
            since % TURNS <= 1,
            "{field}: {since} hashes, not as many for each call"
        );
        let hashes = since - since % TURNS;
        self.settle(hashes + 1).await;
        let (commands, answer) = first.expect("three calls");
        Cost {
            hashes,
            commands,
            answer,
        }
    }

    /// The cost of the same input three times.
    async fn cost_of(&mut self, field: &str, input: Value) -> Cost {
        self.cost(field, [input.clone(), input.clone(), input]).await
    }

    /// The cost of each input; asserts that all are equal.
    async fn equal_cost(&mut self, field: &str, inputs: Vec<Value>) -> Cost {
        let mut all = None;
        for input in inputs {
            let cost = self.cost_of(field, input.clone()).await;
            assert_eq!(*all.get_or_insert_with(|| clone(&cost)), cost, "{field}: {input}");
        }
        all.expect("inputs")
    }
}

fn clone(cost: &Cost) -> Cost {
    Cost {
        hashes: cost.hashes,
        commands: cost.commands.clone(),
        answer: cost.answer.clone(),
    }
}

const ALONE: &str = "TRIAL_ALONE";

/// Whether this process runs the test alone, so that no other test hashes; otherwise the test is run again in a child
/// process that does.
fn alone(test: &str) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the test talks to its own child process"
    )]
    if std::env::var(ALONE).is_ok() {
        return true;
    }
    let (_, module) = module_path!().split_once("::").expect("a module of the crate");
    let run = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("{module}::{test}"), "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("started");
    let reported = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output = reported(&run.stdout);
    assert!(
        run.status.success() && output.contains("1 passed"),
        "{output}{}",
        reported(&run.stderr)
    );
    false
}

// EPC-08, TOK-03
#[tokio::test]
async fn epc_08_a_refused_sign_in_costs_the_same_for_every_account_state() {
    if !alone("epc_08_a_refused_sign_in_costs_the_same_for_every_account_state") {
        return;
    }
    let mut counted = Counted::start().await;
    ada(&counted.shop, "ada@example.com").await;
    counted.settle(1).await;
    let bare = person("bare@example.com");
    counted.shop.browser.mutate_ok("customerRegister", bare).await;
    let tries = |password: &str| {
        ["ada@example.com", "bare@example.com", "nobody@example.com"]
            .map(|email| credentials(email, password))
            .to_vec()
    };
    let cost = counted
        .equal_cost("customerTokenCreate", tries(OTHER_PASSWORD))
        .await;
    assert_eq!(cost.hashes, TURNS);
    insta::assert_json_snapshot!(cost.commands, @r#"
    [
      "findAndModify throttle",
      "findAndModify throttle",
      "findAndModify throttle",
      "findAndModify throttle",
      "find customers"
    ]
    "#);
    // A text that is too long for a password costs the same. The failures so far have expired.
    counted.shop.gateway.advance(Duration::from_secs(24 * 3600));
    let long = counted
        .equal_cost("customerTokenCreate", tries(&"x".repeat(200)))
        .await;
    assert_eq!(long.hashes, TURNS);
    for input in [tries(OTHER_PASSWORD), tries(OTHER_PASSWORD)].concat() {
        let reported = counted
            .shop
            .browser
            .user_errors("customerTokenCreate", input)
            .await;
        assert_eq!(reported, ["CREDENTIALS_INVALID"]);
    }
    counted.settle(6).await;
    // Now each account has five failures.
    let locked = counted.equal_cost("customerTokenCreate", tries(PASSWORD)).await;
    assert_eq!(locked.hashes, 0, "a try that waits is not looked at");
    let reported = &locked.answer.1["data"]["customerTokenCreate"]["userErrors"][0];
    assert_eq!(reported["code"], "RATE_LIMITED");
    insta::assert_json_snapshot!(locked.commands, @r#"
    [
      "findAndModify throttle",
      "findAndModify throttle",
      "findAndModify throttle"
    ]
    "#);
}

// SPR-86, CST-05
#[tokio::test]
async fn cst_05_a_mail_request_costs_the_same_for_every_account_state() {
    if !alone("cst_05_a_mail_request_costs_the_same_for_every_account_state") {
        return;
    }
    let mut counted = Counted::start().await;
    ada(&counted.shop, "ada@example.com").await;
    counted.settle(1).await;
    let bare = person("bare@example.com");
    counted.shop.browser.mutate_ok("customerRegister", bare).await;
    let inputs = || {
        ["ada@example.com", "bare@example.com", "nobody@example.com"]
            .map(|email| json!({ "email": email }))
            .to_vec()
    };
    for field in ["customerPasswordResetRequest", "customerEmailVerificationRequest"] {
        // Only the first request of each address sends a mail; further ones within a minute do not.
        let first = counted.equal_cost(field, inputs()).await;
        assert_eq!(first.hashes, 0);
        let (limits, mailed) = first.commands.split_at(first.commands.len() - 4);
        // A reset has a limit of its own; a verification has one for its kind and one for all mails that public calls can
        // cause.
        let more = usize::from(field == "customerEmailVerificationRequest");
        assert_eq!(limits, vec!["findAndModify throttle"; 3 + more]);
        assert_eq!(
            mailed,
            [
                "find customers",
                "update oneTimeKeys",
                "insert jobs",
                "commitTransaction"
            ]
        );
        let limited = counted.equal_cost(field, inputs()).await;
        assert_eq!(limited.answer, first.answer);
        assert!(
            limited.commands.len() < first.commands.len(),
            "no mail is written"
        );
    }
}

/// The commands, with each inserted document counted as a decoy.
fn kinds(cost: &Cost) -> Vec<String> {
    let kind = |name: &String| match name.split_once(' ') {
        Some(("insert", "storefrontUsers" | "privateStorages" | "customers")) => "insert decoys".to_owned(),
        _ => name.clone(),
    };
    cost.commands.iter().map(kind).collect()
}

/// Compares sign-ins to an account that awaits its proof, to one that does not, and to no account.
async fn assert_sign_ins_cost_the_same(counted: &mut Counted) {
    // The password of the new registration, the password of an account, and one without an account.
    counted.shop.gateway.advance(Duration::from_secs(24 * 3600));
    let tries = vec![
        credentials("with1@example.com", PASSWORD),
        credentials("ada@example.com", OTHER_PASSWORD),
        credentials("nobody@example.com", PASSWORD),
    ];
    let cost = counted.equal_cost("customerTokenCreate", tries).await;
    assert_eq!(cost.hashes, TURNS);
}

// SPR-10
#[tokio::test]
async fn spr_10_a_concealed_registration_costs_the_same_for_taken_and_free_addresses() {
    if !alone("spr_10_a_concealed_registration_costs_the_same_for_taken_and_free_addresses") {
        return;
    }
    let mut counted = Counted::start().await;
    ada(&counted.shop, "ada@example.com").await;
    counted.settle(1).await;
    counted.shop.conceal_emails().await;
    for (kind, hashes) in [("with", TURNS), ("without", 0)] {
        let input = |email: &str| match kind {
            "with" => with_password(email),
            _ => person(email),
        };
        counted.shop.gateway.advance(Duration::from_secs(3600));
        let free = [1, 2, 3].map(|turn| input(&format!("{kind}{turn}@example.com")));
        let free = counted.cost("customerRegister", free).await;
        let taken = counted
            .cost_of("customerRegister", input("ADA@example.com"))
            .await;
        assert_eq!((free.hashes, taken.hashes), (hashes, hashes), "{kind}");
        assert_eq!(free.answer, taken.answer, "{kind}");
        assert_eq!(kinds(&free), kinds(&taken), "{kind}");
        let reported = &free.answer.1["data"]["customerRegister"];
        let nothing = json!({
            "customer": null, "token": null, "mergedItemCount": 0, "warnings": [], "userErrors": [],
        });
        assert_eq!(*reported, nothing);
        // Within the minute neither is sent a mail.
        let again = counted
            .cost_of("customerRegister", input(&format!("{kind}1@example.com")))
            .await;
        let limited = counted
            .cost_of("customerRegister", input("ADA@example.com"))
            .await;
        assert_eq!(kinds(&again), kinds(&limited), "{kind}");
        assert_eq!(again.answer, free.answer, "{kind}");
        if kind == "with" {
            insta::assert_json_snapshot!(kinds(&free), @r#"
            [
              "find storefronts",
              "findAndModify throttle",
              "findAndModify throttle",
              "findAndModify throttle",
              "findAndModify throttle",
              "findAndModify counters",
              "update decoys",
              "find customers",
              "insert decoys",
              "insert decoys",
              "insert decoys",
              "insert audit",
              "update oneTimeKeys",
              "insert jobs",
              "commitTransaction"
            ]
            "#);
        }
    }
    assert_sign_ins_cost_the_same(&mut counted).await;
}
