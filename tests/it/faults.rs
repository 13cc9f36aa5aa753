//! Faults: the gateway dies at each step and at any moment, the database's primary is killed; what was acknowledged is
//! there exactly once, and nothing is half.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::future::{join, join_all};
use serde_json::Value;
use storefront_gateway::platform::mongod::replica_set::ReplicaSet;

use crate::kit::{self, Caller, Setup, Shop, Upload, faults, item_ids, mutation, png};

/// Nothing is half, and once the leases have lapsed nothing is left over.
async fn assert_recovered(shop: &Shop) {
    shop.gateway.store.assert_whole().await;
    shop.gateway.advance(Duration::from_secs(15 * 60));
    shop.gateway.run_jobs().await;
    let store = &shop.gateway.store;
    store.assert_whole().await;
    let items = store.count("storageItems", doc! {}).await;
    assert_eq!(
        store.count("content.files", doc! {}).await,
        items,
        "content without an item"
    );
    assert_eq!(store.count("unclaimedContent", doc! {}).await, 0);
    let chunks = store.database().collection::<bson::Document>("content.chunks");
    let contents = chunks.distinct("files_id", doc! {}).await.expect("read");
    assert_eq!(u64::try_from(contents.len()), Ok(items), "chunks without an item");
}

fn photo(number: u32) -> Upload<'static> {
    Upload {
        file_name: "cat.png",
        bytes: png(number),
        ..Upload::default()
    }
}

/// The same caller, at a gateway in another process.
struct Remote {
    url: String,
    http: reqwest::Client,
}

impl Remote {
    /// The payload of a mutation, if there was an answer with one.
    async fn change(&self, by: &Caller, field: &str, input: Value) -> Option<Value> {
        let by = by.elsewhere(&self.url, &self.http);
        let mut body = by
            .try_send(&mutation(field), serde_json::json!({ "input": input }))
            .await?;
        let payload = body["data"][field].take();
        payload.is_object().then_some(payload)
    }

    async fn upload(&self, by: &Caller, number: u32) -> Option<Value> {
        let by = by.elsewhere(&self.url, &self.http);
        let mut answer = by.try_send_file(photo(number)).await?;
        let payload = answer.body["data"]["storageItemUpload"].take();
        payload.is_object().then_some(payload)
    }
}

/// Whether a mutation was acknowledged.
fn done(payload: Option<&Value>) -> bool {
    payload.is_some_and(|payload| faults(payload).is_empty())
}

// ---- A gateway that dies at a step

const URI: &str = "TRIAL_URI";
const DATABASE: &str = "TRIAL_DATABASE";
const PUBLIC_URL: &str = "TRIAL_PUBLIC_URL";

/// No test of its own: the gateway that the next tests kill. It dies with SIGKILL right before the command whose number
/// it reads from its input.
#[tokio::test]
async fn child_gateway() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the test talks to its own child process"
    )]
    let var = |name: &str| std::env::var(name).ok();
    let (Some(uri), Some(database), Some(public_url)) = (var(URI), var(DATABASE), var(PUBLIC_URL)) else {
        // Run with the other tests, and not by one of them.
        return;
    };
    let gateway = Setup::new()
        .set("GATEWAY_PUBLIC_URL", &public_url)
        .on(&uri, &database)
        .gateway()
        .await;
    println!("ready {}", gateway.url);
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).expect("read") > 0 {
        gateway
            .commands
            .die_before(line.trim().parse().expect("a number"));
        println!("armed");
        line.clear();
    }
}

/// A gateway in a process of its own that dies before a certain command.
struct Dying {
    process: Child,
    input: ChildStdin,
    output: std::io::Lines<BufReader<std::process::ChildStdout>>,
    remote: Remote,
}

impl Dying {
    async fn start(shop: &Shop) -> Self {
        let module = module_path!()
            .split_once("::")
            .map_or("faults", |(_, module)| module);
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &format!("{module}::child_gateway"), "--nocapture"])
            .env(URI, kit::server_uri().await)
            .env(DATABASE, shop.gateway.store.database().name())
            .env(PUBLIC_URL, &shop.gateway.app.public_url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let input = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let ready = output
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("ready "));
        let ready = ready.expect("the child is ready");
        let url = ready.split_once("ready ").map_or("", |(_, url)| url).to_owned();
        let remote = Remote {
            url,
            http: reqwest::Client::new(),
        };
        Self {
            process,
            input,
            output,
            remote,
        }
    }

    fn arm(&mut self, command: u32) {
        writeln!(self.input, "{command}").expect("armed");
        let armed = self
            .output
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("armed"));
        assert!(armed, "the child is armed");
    }

    /// Ends it, if it has not died.
    fn end(mut self) {
        // It may be dead, which is what it is for.
        drop(self.process.kill());
        self.process.wait().expect("gone");
    }
}

/// More steps than any operation has.
const STEPS: u32 = 40;

// SFU-35
#[tokio::test]
async fn sfu_35_a_gateway_killed_at_each_step_of_a_merge_leaves_it_whole() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let mut steps = 0;
    for step in 1..=STEPS {
        let id = format!("guest {step}");
        shop.guest(&id).await.upload("cat.png", &png(step)).await;
        let mut child = Dying::start(&shop).await;
        // Its caches are warm: what is counted is the merge's.
        let warm = shop.pair("nobody", "nobody");
        child
            .remote
            .change(&shop.backend, "storefrontUserMergeAnonymous", warm)
            .await;
        child.arm(step);
        let merge = shop.pair(&id, "ann");
        let answer = child
            .remote
            .change(&shop.backend, "storefrontUserMergeAnonymous", merge)
            .await;
        child.end();
        shop.gateway.store.assert_whole().await;
        // Whoever was not told tries again.
        shop.merge(&id, "ann").await;
        assert_eq!(
            item_ids(&ann).await.len(),
            usize::try_from(step).expect("few"),
            "step {step}"
        );
        if done(answer.as_ref()) {
            steps = step;
            break;
        }
    }
    assert!((5..STEPS).contains(&steps), "the merge has {steps} steps");
    assert_recovered(&shop).await;
}

// STO-01
#[tokio::test]
async fn sto_01_a_gateway_killed_at_each_step_of_an_upload_leaves_nothing_half() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let mut steps = 0;
    for step in 1..=STEPS {
        let before = item_ids(&ann).await.len();
        let mut child = Dying::start(&shop).await;
        ann.elsewhere(&child.remote.url, &child.remote.http)
            .ask("{ viewer { kind } }")
            .await;
        child.arm(step);
        let answer = child.remote.upload(&ann, step).await;
        child.end();
        shop.gateway.store.assert_whole().await;
        let after = item_ids(&ann).await.len();
        if done(answer.as_ref()) {
            assert_eq!(after, before + 1, "acknowledged");
            steps = step;
            break;
        }
        assert!(after - before <= 1, "there, or not there");
    }
    assert!((8..STEPS).contains(&steps), "the upload has {steps} steps");
    assert_recovered(&shop).await;
}

// ---- The binary, killed at any moment

/// The gateway's own program, on the run's server.
struct Binary {
    process: Child,
    remote: Remote,
}

impl Binary {
    async fn start(shop: &Shop) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_storefront-gateway"))
            .arg("serve")
            .current_dir(kit::scratch("binary"))
            .env_clear()
            .env("GATEWAY_MONGODB_URI", kit::server_uri().await)
            .env("GATEWAY_MONGODB_DATABASE", shop.gateway.store.database().name())
            .env("GATEWAY_MASTER_KEY", kit::master_key())
            .env("GATEWAY_PUBLIC_URL", &shop.gateway.app.public_url)
            .env("GATEWAY_LISTEN", "127.0.0.1:0")
            .env("GATEWAY_LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut log = BufReader::new(process.stderr.take().expect("piped"))
            .lines()
            .map_while(Result::ok);
        let line = log.find(|line| line.contains("serving at http://"));
        let line = line.expect("the start line names the address");
        let url = line.split_once("serving at ").map_or("", |(_, rest)| rest);
        let url: String = url.chars().take_while(|c| !"\" ,}".contains(*c)).collect();
        // Nobody reads the rest; the pipe must not fill up.
        std::thread::spawn(move || log.for_each(drop));
        let http = reqwest::Client::new();
        let ready = format!("{url}/health/ready");
        kit::eventually("the binary is ready", || async {
            http.get(&ready)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        Self {
            process,
            remote: Remote { url, http },
        }
    }
}

#[tokio::test]
async fn a_gateway_killed_at_any_moment_loses_nothing_acknowledged() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let (mut uploaded, mut merged) = (0, 0);
    for round in 0..12 {
        let mut binary = Binary::start(&shop).await;
        let guests = join_all((0..4).map(|number| {
            let shop = &shop;
            async move {
                let id = format!("guest {round} {number}");
                (shop.guest(&id).await, id)
            }
        }))
        .await;
        let remote = &binary.remote;
        let lives = join_all(guests.iter().map(|(guest, id)| async {
            let first = done(remote.upload(guest, 1).await.as_ref());
            let merge = shop.pair(id, "ann");
            let merge = remote.change(&shop.backend, "storefrontUserMergeAnonymous", merge);
            let (second, merge) = join(remote.upload(guest, 2), merge).await;
            (
                usize::from(first) + usize::from(done(second.as_ref())),
                done(merge.as_ref()),
            )
        }));
        let process = &mut binary.process;
        let (lives, ()) = join(lives, async {
            // Any moment of the few hundred milliseconds that this takes; another one each round.
            tokio::time::sleep(Duration::from_millis(15 * round + 1)).await;
            process.kill().expect("killed");
        })
        .await;
        binary.process.wait().expect("gone");
        uploaded += lives.iter().map(|(uploads, _)| uploads).sum::<usize>();
        merged += lives.iter().filter(|(_, merged)| *merged).count();
        shop.gateway.store.assert_whole().await;
        for (_, id) in &guests {
            shop.merge(id, "ann").await;
        }
    }
    let items = item_ids(&ann).await.len();
    assert!(
        items >= uploaded,
        "{items} items of {uploaded} acknowledged uploads, {merged} merges"
    );
    let tombs = shop
        .gateway
        .store
        .count("storefrontUsers", doc! { "mergedInto": { "$exists": true } })
        .await;
    assert_eq!(tombs, 48);
    assert_recovered(&shop).await;
}

// ---- The primary, killed

/// What was acknowledged while the primary went away.
#[derive(Default)]
struct Acknowledged {
    registered: Vec<String>,
    uploaded: usize,
    merged: Vec<String>,
}

/// One customer's journey after another, each step tried until it is acknowledged or refused as done before.
async fn journeys(shop: &Shop, lane: usize, count: usize) -> Acknowledged {
    let mut seen = Acknowledged::default();
    for number in 0..count {
        let id = format!("guest {lane} {number}");
        let register = mutation("storefrontUserRegister");
        let input = serde_json::json!({ "input": shop.user(&id, true) });
        let answer = shop.backend.try_send(&register, input).await;
        let payload = answer
            .as_ref()
            .map(|answer| &answer["data"]["storefrontUserRegister"]);
        let payload = payload.filter(|payload| payload.is_object());
        if !done(payload) {
            continue;
        }
        seen.registered.push(id.clone());
        let guest = shop
            .nobody()
            .with(payload.and_then(|payload| payload["token"]["accessToken"].as_str()));
        for photo_number in 0..2 {
            let answer = guest.try_send_file(photo(photo_number)).await;
            let payload = answer
                .as_ref()
                .map(|answer| &answer.body["data"]["storageItemUpload"]);
            seen.uploaded += usize::from(done(payload.filter(|payload| payload.is_object())));
        }
        let merge = serde_json::json!({ "input": shop.pair(&id, "ann") });
        let answer = shop
            .backend
            .try_send(&mutation("storefrontUserMergeAnonymous"), merge)
            .await;
        let payload = answer
            .as_ref()
            .map(|answer| &answer["data"]["storefrontUserMergeAnonymous"]);
        if done(payload.filter(|payload| payload.is_object())) {
            seen.merged.push(id);
        }
    }
    seen
}

#[tokio::test]
async fn a_killed_primary_loses_nothing_acknowledged_and_leaves_nothing_half() {
    let binary = kit::find_server().await;
    let mut set = ReplicaSet::start(3, &kit::scratch("replica-set"), binary)
        .await
        .expect("started");
    let setup = Setup::new().set("GATEWAY_RATE_LIMITS", "off").manual_clock();
    let shop = setup.on(&set.uri(), "trial").start().await;
    let ann = shop.ann("ann").await;
    let work = join_all((0..6).map(|lane| journeys(&shop, lane, 12)));
    let store = &shop.gateway.store;
    let (seen, ()) = join(work, async {
        // In the middle of it.
        kit::eventually("some work is done", || async {
            store.count("storageItems", doc! {}).await >= 20
        })
        .await;
        let primary = set.primary().await.expect("a primary");
        set.kill(primary).await;
        set.primary().await.expect("another primary");
        set.restart(primary).await.expect("started again");
    })
    .await;
    let registered: Vec<&String> = seen.iter().flat_map(|seen| &seen.registered).collect();
    let uploaded: usize = seen.iter().map(|seen| seen.uploaded).sum();
    assert!(registered.len() > 20, "{} of 72 journeys began", registered.len());
    for id in registered {
        let found = store
            .count("storefrontUsers", doc! { "storefrontUserId": id })
            .await;
        assert_eq!(found, 1, "{id}");
    }
    for id in seen.iter().flat_map(|seen| &seen.merged) {
        let merged = doc! { "storefrontUserId": id, "mergedInto": { "$exists": true } };
        assert_eq!(store.count("storefrontUsers", merged).await, 1, "{id}");
    }
    let items = store.count("storageItems", doc! {}).await;
    assert!(
        items >= u64::try_from(uploaded).expect("few"),
        "{items} items of {uploaded} acknowledged"
    );
    shop.gateway.store.assert_whole().await;
    for user in store
        .documents("storefrontUsers", doc! { "isAnonymous": true })
        .await
    {
        shop.merge(kit::text(&user, "storefrontUserId"), "ann").await;
    }
    let everything = u64::try_from(count_items(&ann).await).expect("few");
    assert_eq!(everything, items, "all is ann's");
    assert_recovered(&shop).await;
    let gateway = Arc::clone(&shop.gateway);
    drop((shop, ann));
    // The gateway stops before its database goes.
    drop(gateway);
    set.stop().await;
}

async fn count_items(person: &Caller) -> i64 {
    let query = "{ viewer { storefrontUser { privateStorage { itemCount } } } }";
    let seen = person.ask(query).await;
    seen["viewer"]["storefrontUser"]["privateStorage"]["itemCount"]
        .as_i64()
        .unwrap_or_default()
}
