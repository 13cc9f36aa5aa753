//! Operations that must succeed while a customer keeps writing on several devices: erasure, deletion, and everything
//! that revokes sessions.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::status;
use crate::addresses::home;
use crate::customers::{OTHER_PASSWORD, PASSWORD, ada, id_of, setup, signed_in};
use crate::kit::{Caller, Shop, Upload, eventually, faults, mutation, png};

/// More writes than one device reaches in a test: a device that gets here was not stopped.
const ENDLESS: usize = 3000;
/// The number of writes of each device before the operation starts.
const STEADY: usize = 3;

/// A customer's devices, which write in loops.
struct Devices {
    callers: Vec<Caller>,
    refresh: String,
    written: Vec<AtomicUsize>,
    is_stopped: AtomicBool,
}

impl Devices {
    /// Signs a customer in on three devices that write, and on one that does not.
    async fn of(shop: &Shop, email: &str) -> (Self, Caller) {
        let (own, _) = ada(shop, email).await;
        let id = id_of(&own).await;
        let mut callers = Vec::new();
        let mut refresh = String::new();
        for _ in 0..3 {
            let issued = shop
                .backend
                .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
                .await;
            let (caller, token) = signed_in(shop, &issued);
            callers.push(caller);
            refresh = token;
        }
        let devices = Self {
            callers,
            refresh,
            written: (0..4).map(|_| AtomicUsize::new(0)).collect(),
            is_stopped: AtomicBool::new(false),
        };
        (devices, own)
    }

    fn end(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    async fn are_steady(&self) {
        eventually("the devices write", async || {
            let written = self.written.iter();
            written
                .map(|written| written.load(Ordering::SeqCst))
                .all(|written| written >= STEADY)
        })
        .await;
    }

    /// Writes on all devices until each is signed out, refused or stopped; returns the reasons.
    async fn write(&self, shop: &Shop) -> Vec<String> {
        let unauthenticated = shop.unauthenticated();
        let token = std::sync::Mutex::new(self.refresh.clone());
        let mut loops: Vec<std::pin::Pin<Box<dyn Future<Output = String> + '_>>> = Vec::new();
        for (device, caller) in self.callers.iter().enumerate() {
            loops.push(Box::pin(
                self.repeat(device, move |turn| write_once(caller, device, turn)),
            ));
        }
        let refresh = |_turn| async {
            let used = token.lock().expect("a lock").clone();
            let mut body = sent(
                &unauthenticated,
                "customerTokenRefresh",
                json!({ "refreshToken": used }),
            )
            .await?;
            if let Some(next) = body["token"]["refreshToken"].take().as_str() {
                next.clone_into(&mut token.lock().expect("a lock"));
            }
            refused(&body)
        };
        loops.push(Box::pin(self.repeat(3, refresh)));
        join_all(loops).await
    }

    async fn repeat<F: Future<Output = Result<(), String>>>(
        &self,
        device: usize,
        mut write: impl FnMut(usize) -> F,
    ) -> String {
        for turn in 0..ENDLESS {
            if self.is_stopped.load(Ordering::SeqCst) {
                return "stopped".to_owned();
            }
            if let Err(why) = write(turn).await {
                return why;
            }
            self.written[device].fetch_add(1, Ordering::SeqCst);
        }
        "endless".to_owned()
    }
}

/// One write; the kinds of writes alternate.
async fn write_once(caller: &Caller, device: usize, turn: usize) -> Result<(), String> {
    match (device + turn) % 3 {
        0 => {
            let input = json!({ "firstName": format!("Ada {device} {turn}") });
            refused(&sent(caller, "customerUpdate", input).await?)
        }
        1 => refused(&sent(caller, "customerAddressCreate", home()).await?),
        _ => {
            let upload = Upload {
                file_name: "cat.png",
                bytes: png(u32::try_from(turn).unwrap_or_default()),
                input: json!({}),
            };
            let mut answer = caller.try_send_file(upload).await.ok_or("no answer")?;
            refused(&payload(&mut answer.body, "storageItemUpload")?)
        }
    }
}

async fn sent(caller: &Caller, field: &str, input: Value) -> Result<Value, String> {
    let body = caller.try_send(&mutation(field), json!({ "input": input })).await;
    payload(&mut body.ok_or("no answer")?, field)
}

fn payload(body: &mut Value, field: &str) -> Result<Value, String> {
    match body["errors"][0]["extensions"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(body["data"][field].take()),
    }
}

fn refused(payload: &Value) -> Result<(), String> {
    match faults(payload).first() {
        Some(fault) => Err(fault.split(' ').next().unwrap_or_default().to_owned()),
        None => Ok(()),
    }
}

// ERA-05, ERA-04
#[tokio::test]
async fn era_05_writes_of_the_customer_do_not_block_its_erasure() {
    let shop = setup().start().await;
    for round in 0..20 {
        let (devices, own) = Devices::of(&shop, &format!("ada{round}@example.com")).await;
        let id = id_of(&own).await;
        let erase = async {
            devices.are_steady().await;
            let field = if round % 2 == 0 {
                "customerAnonymize"
            } else {
                "customerDelete"
            };
            let erasing = own.mutate_ok(field, json!({ "password": PASSWORD }));
            let (_, commands) = shop.gateway.commands.during(erasing).await;
            devices.end();
            commands
        };
        let (stopped, commands) = join(devices.write(&shop), erase).await;
        for why in &stopped {
            let is_expected = [
                "CUSTOMER_ANONYMIZED",
                "UNAUTHENTICATED",
                "TOKEN_INVALID",
                "CUSTOMER_NOT_FOUND",
                "stopped",
            ];
            assert!(is_expected.contains(&why.as_str()), "round {round}: {stopped:?}");
        }
        // Sessions are deleted only by the transaction that closes the account: one attempt, or a few with retries.
        let ends = |command: &&String| *command == "delete sessions";
        let tries = commands.iter().filter(ends).count();
        assert!((1..=3).contains(&tries), "round {round}: {tries} tries");
        let expected = if round % 2 == 0 {
            json!("COMPLETED")
        } else {
            Value::Null
        };
        assert_eq!(status(&shop.backend, &id).await, expected, "round {round}");
    }
    shop.gateway.run_jobs().await;
    shop.gateway.store.assert_consistent().await;
}

// ERA-05, TOK-02
#[tokio::test]
async fn era_05_writes_of_the_customer_do_not_block_revocations_or_a_merge() {
    let shop = setup().start().await;
    shop.gateway.expect_jobs();
    for (round, way) in ["password", "all", "backend", "merge"]
        .iter()
        .cycle()
        .take(12)
        .enumerate()
    {
        let (devices, own) = Devices::of(&shop, &format!("ada{round}@example.com")).await;
        let id = id_of(&own).await;
        let guest = format!("guest {round}");
        shop.guest(&guest).await.upload("cat.png", &png(1)).await;
        let user = own
            .query("{ viewer { storefrontUser { storefrontUserId } } }")
            .await;
        let user = user["viewer"]["storefrontUser"]["storefrontUserId"].as_str();
        let user = user.expect("an id").to_owned();
        let act = async {
            devices.are_steady().await;
            match *way {
                "password" => {
                    let change = json!({
                        "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
                    });
                    own.mutate_ok("customerPasswordChange", change).await;
                }
                "all" => _ = own.mutate_ok("customerTokenRevoke", json!({ "all": true })).await,
                "backend" => {
                    let all = json!({ "all": true, "customerId": id });
                    shop.backend.mutate_ok("customerTokenRevoke", all).await;
                }
                _ => _ = shop.merge(&guest, &user).await,
            }
            devices.end();
        };
        let (stopped, ()) = join(devices.write(&shop), act).await;
        for why in &stopped {
            let is_expected = ["UNAUTHENTICATED", "TOKEN_INVALID", "stopped"];
            assert!(is_expected.contains(&why.as_str()), "{way}: {stopped:?}");
        }
    }
    shop.gateway.store.assert_consistent().await;
}
