//! The gateway's own program, killed at any moment.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bson::doc;
use futures_util::future::{join, join_all};

use super::{Remote, assert_recovered, done};
use crate::kit::{self, Setup, Shop, item_ids};

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
