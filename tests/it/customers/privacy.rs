//! Personal data is stored only where it belongs: no log line, metric, job or error contains it.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use super::{credentials, patched, setup};
use crate::kit::{Caller, Shop, mutation};

const EMAIL: &str = "Kanarie.Post@zwitscher.example";
const EMAIL_KEY: &str = "kanarie.post@zwitscher.example";
const OTHER_EMAIL: &str = "kanarie.neu@zwitscher.example";
const FIRST_NAME: &str = "Kanarina";
const LAST_NAME: &str = "Zwitscherling";
const BIRTH_DATE: &str = "1987-06-05";
const PASSWORD: &str = "kanarie-geheim-1";
const NEW_PASSWORD: &str = "kanarie-geheim-2";
const WRONG_PASSWORD: &str = "kanarie-geraten-3";
const SHOPPER_REFERENCE: &str = "kanarie-kasse-4711";
const USER_AGENT: &str = "KanarienBrowser/5.0";
const TERMS: &str = "kanarie-agb-6";

/// Values that must be in the customer's documents.
const PROFILE: [&str; 8] = [
    EMAIL,
    EMAIL_KEY,
    OTHER_EMAIL,
    FIRST_NAME,
    LAST_NAME,
    BIRTH_DATE,
    SHOPPER_REFERENCE,
    TERMS,
];
/// Values that may not appear anywhere.
const PASSWORDS: [&str; 3] = [PASSWORD, NEW_PASSWORD, WRONG_PASSWORD];

/// A customer's flow through an account, and all responses on the way.
struct Journey {
    shop: Shop,
    device: reqwest::Client,
    /// Access and refresh tokens, and the token of the guest before the registration.
    tokens: Vec<String>,
    /// Complete responses, and the refusals among them.
    answers: Vec<String>,
    refusals: Vec<String>,
}

impl Journey {
    fn of(shop: &Shop) -> Self {
        let device = reqwest::Client::builder().user_agent(USER_AGENT).build();
        Self {
            shop: shop.clone(),
            device: device.expect("a client"),
            tokens: Vec::new(),
            answers: Vec::new(),
            refusals: Vec::new(),
        }
    }

    async fn send(&mut self, caller: &Caller, query: &str, variables: Value) -> Value {
        let caller = caller.at_url(&self.shop.gateway.url, &self.device);
        let body = caller.send(query, variables).await.body;
        self.answers.push(body.to_string());
        body
    }

    async fn mutate_ok(&mut self, caller: &Caller, field: &str, input: Value) -> Value {
        let mut body = self
            .send(caller, &mutation(field), json!({ "input": input }))
            .await;
        let payload = body["data"][field].take();
        assert_eq!(payload["userErrors"], json!([]), "{field}: {body}");
        payload
    }

    /// Signs in or refreshes; returns the caller with the new access token, and the refresh token.
    async fn signs_in(&mut self, caller: &Caller, field: &str, input: Value) -> (Caller, String) {
        let payload = self.mutate_ok(caller, field, input).await;
        let (caller, refresh) = super::signed_in(&self.shop, &payload);
        self.tokens.extend(caller.credential.clone());
        self.tokens.push(refresh.clone());
        (caller, refresh)
    }

    async fn user_errors(&mut self, caller: &Caller, query: &str, variables: Value) {
        let body = self.send(caller, query, variables).await;
        let faults = body["data"].as_object().into_iter().flatten();
        let faults = faults.filter_map(|(_, payload)| payload["userErrors"].as_array());
        let is_refused = body["errors"].is_array() || faults.flatten().count() > 0;
        assert!(is_refused, "{body}");
        self.refusals.push(body.to_string());
    }

    async fn refused_input(&mut self, caller: &Caller, field: &str, input: Value) {
        self.user_errors(caller, &mutation(field), json!({ "input": input }))
            .await;
    }
}

fn full_registration() -> Value {
    json!({
        "email": EMAIL, "password": PASSWORD, "confirmPassword": PASSWORD, "acceptedTerms": true,
        "termsVersion": TERMS, "firstName": FIRST_NAME, "lastName": LAST_NAME, "salutation": "PROF",
        "gender": "DIVERSE", "dateOfBirth": BIRTH_DATE,
    })
}

/// From registration to sign-out, with every kind of refusal on the way.
async fn run_journey(journey: &mut Journey) {
    let (browser, unauthenticated) = (journey.shop.browser.clone(), journey.shop.unauthenticated());
    let guest = journey.shop.guest("guest").await;
    journey.tokens.extend(guest.credential.clone());
    refused_registrations(journey, &browser).await;
    let brought = json!({ "anonymousUserToken": guest.credential });
    let input = patched(full_registration(), brought.clone());
    journey.signs_in(&browser, "customerRegister", input).await;
    // The address is taken.
    for input in [full_registration(), patched(full_registration(), brought)] {
        journey.refused_input(&browser, "customerRegister", input).await;
    }
    for (email, password) in [
        (EMAIL, WRONG_PASSWORD),
        (OTHER_EMAIL, PASSWORD),
        (PASSWORD, EMAIL),
    ] {
        let input = credentials(email, password);
        journey
            .refused_input(&browser, "customerTokenCreate", input)
            .await;
    }
    // With a warning about an invalid token.
    let signing_in = patched(
        credentials(EMAIL, PASSWORD),
        json!({ "anonymousUserToken": WRONG_PASSWORD }),
    );
    let (_, first) = journey
        .signs_in(&browser, "customerTokenCreate", signing_in)
        .await;
    let refresh = |token: &str| json!({ "refreshToken": token });
    let (ada, second) = journey
        .signs_in(&unauthenticated, "customerTokenRefresh", refresh(&first))
        .await;
    let (ada, third) = changes(journey, &ada).await;
    for used in [&first, &second] {
        journey
            .refused_input(&unauthenticated, "customerTokenRefresh", refresh(used))
            .await;
    }
    journey
        .mutate_ok(&unauthenticated, "customerTokenRevoke", refresh(&third))
        .await;
    journey
        .user_errors(&ada, "{ viewer { customer { email } } }", json!({}))
        .await;
    bad_documents(journey, &browser).await;
}

/// Changes the profile and the password, as the customer and as a backend; returns the customer's latest credentials.
async fn changes(journey: &mut Journey, ada: &Caller) -> (Caller, String) {
    let backend = journey.shop.backend.clone();
    let seen = journey
        .send(
            ada,
            "{ viewer { customer { id email sessions { userAgent } } } }",
            json!({}),
        )
        .await;
    let id = seen["data"]["viewer"]["customer"]["id"].clone();
    let change = json!({ "firstName": LAST_NAME, "lastName": FIRST_NAME, "dateOfBirth": BIRTH_DATE });
    journey.mutate_ok(ada, "customerUpdate", change).await;
    let forbidden = json!({ "email": OTHER_EMAIL, "shopperReference": SHOPPER_REFERENCE });
    journey
        .refused_input(ada, "customerUpdate", forbidden.clone())
        .await;
    let by_backend = patched(forbidden, json!({ "customerId": id }));
    journey.mutate_ok(&backend, "customerUpdate", by_backend).await;
    let new = |present: &str| json!({ "password": present, "newPassword": NEW_PASSWORD, "confirmPassword": NEW_PASSWORD });
    journey
        .refused_input(ada, "customerPasswordChange", new(WRONG_PASSWORD))
        .await;
    let (ada, third) = journey
        .signs_in(ada, "customerPasswordChange", new(PASSWORD))
        .await;
    (ada, third)
}

async fn refused_registrations(journey: &mut Journey, browser: &Caller) {
    for changes in [
        json!({ "email": format!("{EMAIL},{EMAIL}"), "firstName": format!("{FIRST_NAME}\u{0}"), "acceptedTerms": false }),
        json!({ "lastName": LAST_NAME.repeat(20), "confirmPassword": WRONG_PASSWORD }),
        json!({ "shopperReference": SHOPPER_REFERENCE, "termsVersion": TERMS.repeat(20) }),
        json!({ "anonymousUserToken": WRONG_PASSWORD, "dateOfBirth": "2987-06-05" }),
        // Values of the wrong type.
        json!({ "salutation": FIRST_NAME }),
        json!({ "dateOfBirth": format!("{BIRTH_DATE}x") }),
        json!({ "firstName": [FIRST_NAME] }),
        json!({ "nonsense": EMAIL }),
    ] {
        let input = patched(full_registration(), changes);
        journey.refused_input(browser, "customerRegister", input).await;
    }
}

/// Sends documents with literal values, some of which do not even parse.
async fn bad_documents(journey: &mut Journey, browser: &Caller) {
    let sign_in = |email: &str, rest: &str| {
        format!(
            "mutation {{ customerTokenCreate(input: {{ email: {email}, password: {WRONG_PASSWORD:?}{rest} }}) \
             {{ userErrors {{ code message }} }} }}"
        )
    };
    for document in [
        sign_in(&format!("{EMAIL:?}"), ""),
        sign_in(&format!("{EMAIL:?}"), " ?"),
        sign_in(&format!("\"{EMAIL}"), ""),
        sign_in(&format!("[{EMAIL:?}, {{}}]"), ""),
        sign_in(&format!("{EMAIL:?}"), &format!(", nonsense: {LAST_NAME:?}")),
    ] {
        journey.user_errors(browser, &document, json!({})).await;
    }
    let unauthenticated_client = browser.with(Some(WRONG_PASSWORD));
    journey
        .user_errors(&unauthenticated_client, "{ viewer { kind } }", json!({}))
        .await;
}

/// A recorder of the gateway's metrics from now on.
fn metrics() -> PrometheusHandle {
    PrometheusBuilder::new()
        .install_recorder()
        .expect("the only test that reads metrics in this process")
}

fn assert_without(place: &str, text: &str, canaries: &[&str]) {
    for canary in canaries {
        // Regardless of case, whether escaped or not.
        let found = text.to_lowercase().contains(&canary.to_lowercase());
        assert!(!found, "{canary} is in {place}:\n{text}");
    }
}

/// Asserts the places of storage: the profile in the customer's document, the user agent in the session, and nothing
/// elsewhere.
async fn assert_stored_where_it_belongs(journey: &Journey, everything: &[&str]) {
    let dump = journey.shop.gateway.store.dump().await;
    assert!(dump["audit"].len() > 8, "the journey is audited");
    for (collection, documents) in dump {
        let text = format!("{documents:?}");
        let allowed: &[&str] = match collection.as_str() {
            "customers" => &PROFILE,
            "sessions" => &[USER_AGENT],
            _ => &[],
        };
        let canaries: Vec<&str> = everything
            .iter()
            .copied()
            .filter(|canary| !allowed.contains(canary))
            .collect();
        assert_without(&collection, &text, &canaries);
    }
}

// EPC-05, ERR-02
#[tokio::test]
async fn epc_05_personal_data_is_not_in_logs_metrics_jobs_or_errors() {
    let metrics = metrics();
    let shop = setup()
        .set("GATEWAY_RATE_LIMITS", "on")
        .set("GATEWAY_METRICS_LISTEN", "127.0.0.1:0")
        .log("debug")
        .manual_clock()
        .start()
        .await;
    let mut journey = Journey::of(&shop);
    run_journey(&mut journey).await;
    // Another device, whose session remains.
    let (_, token) = journey
        .signs_in(
            &shop.browser.clone(),
            "customerTokenCreate",
            credentials(OTHER_EMAIL, NEW_PASSWORD),
        )
        .await;
    shop.gateway.advance(Duration::from_secs(1));
    shop.gateway.run_jobs().await;

    let tokens: Vec<&str> = journey.tokens.iter().map(String::as_str).collect();
    assert!(tokens.contains(&token.as_str()) && tokens.len() > 8);
    let keys = [&shop.browser, &shop.backend].map(|caller| caller.credential.clone().unwrap_or_default());
    let mut everything = [&PROFILE[..], &PASSWORDS, &[USER_AGENT, "$argon2"], &tokens].concat();
    everything.extend(keys.iter().map(String::as_str));

    let log = shop.gateway.logs.lines().join("\n");
    assert!(
        log.contains("DEBUG") && log.contains("gateway::request"),
        "the log is read at debug"
    );
    assert_without("the log", &log, &everything);
    let page = metrics.render();
    let is_read = page.contains("gateway_logins_total") && page.contains("gateway_requests_total");
    assert!(is_read, "metrics are read: {page}");
    assert_without("the metrics", &page, &everything);
    for answer in &journey.refusals {
        assert_without("a refusal", answer, &everything);
    }
    for answer in &journey.answers {
        assert_without("an answer", answer, &PASSWORDS);
        assert_without("an answer", answer, &["$argon2"]);
    }
    // The hash belongs in the customer's document.
    everything.retain(|canary| *canary != "$argon2");
    assert_stored_where_it_belongs(&journey, &everything).await;
    assert!(
        !format!("{:?}", shop.gateway.store.documents("jobs", bson::doc! {}).await).contains("kanarie"),
        "in a job"
    );
}
