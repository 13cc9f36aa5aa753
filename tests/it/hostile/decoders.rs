//! Each decoder of external input, with inputs that would overflow its stack or fill its memory (DEF-01).

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::{RequestBuilder, multipart::Form};
use serde_json::json;

use crate::kit::{self, Binary, Caller, LatencyProbe, Shop};

/// The nesting depth of the deep inputs.
const DEEP: usize = 10_000;
const MEBIBYTE: usize = 1024 * 1024;
/// The most that all attacks together may add to the process's memory: the memory limit of requests without a
/// credential.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

/// Returns BSON of this nesting depth, which would overflow the stack of the library that reads it.
fn bson(levels: usize) -> Vec<u8> {
    let head: Vec<u8> = (0..levels)
        .rev()
        .flat_map(|level| {
            let length = u32::try_from(5 + 8 * (level + 1)).expect("small").to_le_bytes();
            [&length[..], &[3, b'a', 0]].concat()
        })
        .collect();
    [&head[..], &[5, 0, 0, 0, 0], &vec![0; levels]].concat()
}

fn deep(open: &str, close: &str) -> String {
    open.repeat(DEEP) + &close.repeat(DEEP)
}

/// A name for failure messages, the request, and the expected statuses.
type Attack = (&'static str, RequestBuilder, &'static [u16]);

fn graphql(binary: &Binary, credential: Option<&str>, body: String) -> RequestBuilder {
    let request = binary.http.post(format!("{}/graphql", binary.url));
    let request = request.header("content-type", "application/json").body(body);
    match credential {
        Some(credential) => request.bearer_auth(credential),
        None => request,
    }
}

/// Returns attacks without a valid credential.
#[expect(clippy::too_many_lines, reason = "a table of attacks")]
fn without_credential(binary: &Binary) -> Vec<Attack> {
    let post = |body| graphql(binary, None, body);
    let with = |variables: &str| {
        post(format!(
            "{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":{variables}}}}}"
        ))
    };
    let bearer = |token: &str| post("{\"query\":\"{__typename}\"}".to_owned()).bearer_auth(token);
    let form = |path: &str, body: String| {
        let request = binary.http.post(format!("{}{path}", binary.url));
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let get = |path: &str| binary.http.get(format!("{}{path}", binary.url));
    let mutation = |field: &str, kind: &str, name: &str, text: &str| {
        let query = format!("mutation($i: {kind}!) {{ {field}(input: $i) {{ userErrors {{ code }} }} }}");
        let mut input = json!({ name: text });
        if name == "restorePasswordKey" {
            input["password"] = text.into();
            input["confirmPassword"] = text.into();
        }
        post(json!({ "query": query, "variables": { "i": input } }).to_string())
    };
    let long = "x".repeat(200 * 1024);
    let jwt = |payload: &str| format!("eyJhbGciOiJFUzI1NiJ9.{payload}.{}", "c".repeat(86));
    let item = "/storage/itm_01jdnz6v6m5qj4r9t8k3w2x1y0";
    vec![
        ("lists in variables", with(&deep("[", "]")), &[400]),
        (
            "objects in variables",
            with(&(deep("{\"a\":", "") + "1" + &"}".repeat(DEEP))),
            &[400],
        ),
        (
            "lists in an unknown parameter",
            post(format!(
                "{{\"query\":\"{{__typename}}\",\"x\":{}}}",
                deep("[", "]")
            )),
            &[200],
        ),
        (
            "1 MiB of values",
            with(&format!("[1{}]", ",1".repeat(MEBIBYTE / 2))),
            &[413],
        ),
        (
            "120,000 values",
            with(&format!("[1{}]", ",1".repeat(120_000))),
            &[400],
        ),
        ("a body of 1 MiB", post("{".repeat(MEBIBYTE)), &[413]),
        ("a body of lists", post("[".repeat(250 * 1024)), &[400]),
        (
            "a deep document",
            post(json!({ "query": deep("{a", "}") }).to_string()),
            &[200, 400],
        ),
        (
            "a deep document by GET",
            get(&format!("/graphql?query={}", "%7Ba".repeat(DEEP))),
            &[200, 400],
        ),
        (
            "deep variables by GET",
            get(&format!(
                "/graphql?query=%7B__typename%7D&variables=%7B%22a%22:{}",
                "%5B".repeat(DEEP)
            )),
            &[400],
        ),
        (
            "an id",
            post(
                json!({ "query": "query($i: ID!) { node(id: $i) { id } }", "variables": { "i": &long } })
                    .to_string(),
            ),
            &[200],
        ),
        ("a token of 4 KB", bearer(&jwt(&"b".repeat(3_500))), &[401]),
        ("a token of 60 KB", bearer(&jwt(&"b".repeat(60_000))), &[401]),
        (
            "a deep header of a token",
            bearer(&format!(
                "{}.e30.c",
                BASE64URL_NOPAD.encode("[".repeat(2_000).as_bytes())
            )),
            &[401],
        ),
        ("a key", bearer(&format!("pk_{}", "a".repeat(4_000))), &[401]),
        ("a secret", bearer(&format!("sk_{}", "a".repeat(4_000))), &[401]),
        (
            "a refresh token",
            mutation(
                "customerTokenRefresh",
                "CustomerTokenRefreshInput",
                "refreshToken",
                &format!("rt_{long}"),
            ),
            &[200],
        ),
        (
            "a reset key",
            mutation(
                "customerPasswordReset",
                "CustomerPasswordResetInput",
                "restorePasswordKey",
                &"x".repeat(80 * 1024),
            ),
            &[200],
        ),
        (
            "a form of 1 MiB",
            form("/oauth/token", "a".repeat(MEBIBYTE)),
            &[413],
        ),
        (
            "8,000 parameters",
            form("/oauth/token", "a=1&".repeat(4_000)),
            &[400],
        ),
        (
            "a form of escapes",
            form("/oauth/revoke", format!("token={}", "%41".repeat(5_000))),
            &[401],
        ),
        (
            "Basic",
            form("/oauth/token", "grant_type=client_credentials".to_owned())
                .basic_auth("a".repeat(3_000), Some("b".repeat(40_000))),
            &[401],
        ),
        (
            "a link",
            get(&format!(
                "{item}?expires={}&signature={}",
                "9".repeat(20_000),
                "A".repeat(20_000)
            )),
            &[403],
        ),
        (
            "a range",
            get(&format!("{item}?expires=1&signature=A"))
                .header("range", format!("bytes={}", "0-1,".repeat(10_000))),
            &[403],
        ),
        (
            "a host",
            get("/graphiql/config.json").header("host", "a".repeat(10_000)),
            &[200, 400, 404],
        ),
        (
            "conditions",
            get("/graphiql/none").header("if-none-match", "\"a\",".repeat(10_000)),
            &[404],
        ),
    ]
}

/// Returns attacks with a publishable key, which is public; uploads use the token of a user, because they need one.
#[expect(clippy::too_many_lines, reason = "a table of attacks")]
fn with_publishable_key(shop: &Shop, ann: &Caller, binary: &Binary) -> Vec<Attack> {
    let key = shop.browser.credential.as_deref().expect("a key");
    let token = ann.credential.as_deref().expect("a token");
    let post = |body| graphql(binary, Some(key), body);
    let ask = |query: &str, variables: serde_json::Value| {
        post(json!({ "query": query, "variables": variables }).to_string())
    };
    let page = |cursor: &str| {
        let query = "query($c: String) { storefront { a: markets(first: 1, after: $c) { nodes { id } } b: markets(last: 1, before: $c) { nodes { id } } } }";
        ask(query, json!({ "c": cursor }))
    };
    let bomb = |levels| BASE64URL_NOPAD.encode(&bson(levels));
    let part = |name: &'static str, text: String| {
        let request = binary
            .http
            .post(format!("{}/graphql", binary.url))
            .bearer_auth(token);
        let form = match name {
            "map" => Form::new().text("operations", "{\"query\":\"{__typename}\"}"),
            _ => Form::new(),
        };
        request
            .header("graphql-require-preflight", "1")
            .multipart(form.text(name, text))
    };
    let wide = |values: usize| json!({ "a": vec![1; values] });
    let name = "\u{10348}".repeat(40_000);
    let registers = json!({ "i": {
        "email": name, "firstName": name, "lastName": name, "password": name, "confirmPassword": name, "acceptedTerms": true,
        "dateOfBirth": "2000-01-01",
    } });
    let register =
        "mutation($i: CustomerRegisterInput!) { customerRegister(input: $i) { userErrors { code } } }";
    vec![
        ("a cursor of 1,500 levels", page(&bomb(1_500)), &[200]),
        ("a cursor of 10,000 levels", page(&bomb(DEEP)), &[200]),
        ("a cursor of 700 KB", page(&"A".repeat(700_000)), &[200]),
        (
            "half a million values",
            ask("{__typename}", wide(500_000)),
            &[400],
        ),
        (
            "lists in variables",
            post(format!(
                "{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":{}}}}}",
                deep("[", "]")
            )),
            &[400],
        ),
        ("texts of 160 KB", ask(register, registers), &[200]),
        (
            "a deep part of operations",
            part("operations", deep("[", "]")),
            &[400],
        ),
        (
            "wide operations",
            part(
                "operations",
                format!(
                    "{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":[1{}]}}}}",
                    ",1".repeat(500_000)
                ),
            ),
            &[400],
        ),
        ("a deep map", part("map", deep("{\"a\":", "")), &[400]),
        (
            "a wide map",
            part("map", format!("{{\"0\":[\"a\"{}]}}", ",\"a\"".repeat(200_000))),
            &[400],
        ),
    ]
}

async fn send_attack((name, request, statuses): Attack) {
    let answer = request.send().await;
    // The connection may be closed after a refusal before the whole request was sent, so that the response is lost.
    let Ok(answer) = answer else { return };
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map(|body| body.len()).unwrap_or_default();
    // 431: the head exceeds its limit, and no decoder reads it.
    assert!(status == 431 || statuses.contains(&status), "{name}: {status}");
    assert!(body < 64 * 1024, "{name}: an answer of {body} bytes");
}

// DEF-01
#[tokio::test]
async fn def_01_no_decoder_crashes_the_process_or_exhausts_its_memory() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let mut binary = Binary::start(&shop.gateway, &[("GATEWAY_GRAPHIQL", "off")]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    probe.read().await;
    // Built before, because the probe's requests run on this thread too.
    let attacks: Vec<Attack> = (0..3)
        .flat_map(|_| {
            without_credential(&binary)
                .into_iter()
                .chain(with_publishable_key(&shop, &ann, &binary))
        })
        .collect();
    binary.forget_peak();
    let before = binary.memory().resident;
    probe
        .assert_served_during(async {
            for attack in attacks {
                send_attack(attack).await;
            }
        })
        .await;
    assert!(binary.is_alive());
    let grown = binary.memory().peak.saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{} KiB more", grown / 1024);
    probe.read().await;
}

// DEF-01
#[tokio::test]
async fn def_01_requests_without_a_credential_use_little_processor_time() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[("GATEWAY_GRAPHIQL", "off")]).await;
    let rounds = 5;
    let mut requests = 0;
    let before = binary.processor_time();
    for _ in 0..rounds {
        for attack in without_credential(&binary) {
            send_attack(attack).await;
            requests += 1;
        }
    }
    let each = (binary.processor_time() - before) / requests;
    // 10 ms in a release build; an unoptimised one takes up to 30 times as long.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 10 });
    assert!(each <= most, "{each:?} each");
}
