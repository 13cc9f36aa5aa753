//! The mail server is down, hangs, refuses mails and recovers: no mail is lost or sent twice, and an operator sees the
//! pending ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::future::join;
use serde_json::{Value, json};
use storefront_gateway::platform::job::JobState;
use storefront_gateway::platform::mail::Message;
use storefront_gateway::platform::secret::Secret;

use crate::customers::{OTHER_PASSWORD, PASSWORD, ada, credentials, person, redeem, setup};
use crate::kit::{self, Caller, Mail, MailServer, Mailbox, Setup, Shop};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Sets up a shop that sends its mails to this mailbox.
fn sending_to(mailbox: &Mailbox) -> Setup {
    setup().set("GATEWAY_SMTP_URL", &mailbox.url())
}

/// Starts a shop with ada, a mail server, and a clock that the test advances.
async fn shop_and_server() -> Option<(Shop, Mailbox)> {
    let mailbox = Mailbox::start().await?;
    let shop = sending_to(&mailbox).manual_clock().start().await;
    shop.open_account_page().await;
    ada(&shop, "ada@example.com").await;
    Some((shop, mailbox))
}

fn to(email: &str) -> Value {
    json!({ "email": email })
}

async fn forgets_password(shop: &Shop, email: &str) {
    shop.browser
        .mutate_ok("customerPasswordResetRequest", to(email))
        .await;
}

/// Returns the state, attempts and failure of each unsent mail, as `jobs list` (or, with a state, `jobs list --dead`)
/// shows them.
async fn listed(shop: &Shop, state: Option<JobState>) -> Vec<(JobState, i32, Option<String>)> {
    let app = Arc::clone(&shop.gateway.app);
    let listing = async move { app.queue.list(state).await.expect("listed") };
    let jobs = shop.gateway.inside(listing).await;
    let mails = jobs.into_iter().filter(|job| job.kind == "customer.mail");
    mails.map(|job| (job.state, job.attempts, job.failure)).collect()
}

fn failed(state: JobState, attempts: i32, failure: &str) -> Vec<(JobState, i32, Option<String>)> {
    vec![(state, attempts, Some(failure.to_owned()))]
}

/// Advances the clock and runs the jobs, so that unsent mails are retried.
async fn try_again(shop: &Shop) {
    shop.gateway.advance(2 * HOUR);
    shop.gateway.run_jobs().await;
}

/// Returns the mails that the server has accepted since the last call, once the gateway's jobs are done.
async fn taken(shop: &Shop, mailbox: &mut Mailbox) -> Vec<Mail> {
    // The server reports mails in order, so that this one is the last.
    let last = Message {
        to: Secret::from("nobody@example.com"),
        sender_name: None,
        subject: "The last one".to_owned(),
        text: Secret::from("-"),
        html: Secret::from("-"),
        message_id: "last".to_owned(),
        concerns: "nobody".to_owned(),
    };
    let app = Arc::clone(&shop.gateway.app);
    let sending = async move { app.mailer.send(last).await.expect("taken") };
    shop.gateway.inside(sending).await;
    let mut mails = Vec::new();
    loop {
        let mail = mailbox.next().await;
        if mail.to == "nobody@example.com" {
            return mails;
        }
        mails.push(mail);
    }
}

/// Asserts that ada has got one mail whose key works, and that the notice of the change arrives too.
async fn assert_the_mail_is_there_and_its_key_works(shop: &Shop, mailbox: &mut Mailbox) {
    let mails = taken(shop, mailbox).await;
    assert_eq!(mails.len(), 1, "once: {mails:#?}");
    assert_eq!(mails[0].to, "ada@example.com");
    let key = mails[0].parameter("key");
    let redemption = redeem(&key, OTHER_PASSWORD);
    shop.unauthenticated()
        .mutate_ok("customerPasswordReset", redemption)
        .await;
    let signing_in = credentials("ada@example.com", OTHER_PASSWORD);
    shop.browser.mutate_ok("customerTokenCreate", signing_in).await;
    shop.gateway.run_jobs().await;
    let notices = taken(shop, mailbox).await;
    assert_eq!(notices.len(), 1, "once: {notices:#?}");
    assert_ne!(notices[0].message_id, mails[0].message_id);
    assert_eq!(listed(shop, None).await, []);
}

// SPR-86
#[tokio::test]
async fn spr_86_a_reset_mail_is_retried_while_the_server_is_down() {
    let Some((shop, mut mailbox)) = shop_and_server().await else {
        return;
    };
    mailbox.kill().await;
    forgets_password(&shop, "ada@example.com").await;
    shop.gateway.run_jobs().await;
    let unreachable = "the mail was not sent: the mail server cannot be reached (connection refused)";
    assert_eq!(
        listed(&shop, None).await,
        failed(JobState::Waiting, 1, unreachable)
    );
    assert_eq!(
        listed(&shop, Some(JobState::Dead)).await,
        [],
        "it is not given up"
    );
    try_again(&shop).await;
    assert_eq!(
        listed(&shop, None).await,
        failed(JobState::Waiting, 2, unreachable)
    );

    mailbox.start_again().await;
    shop.gateway.advance(SECOND);
    shop.gateway.run_jobs().await;
    assert_eq!(taken(&shop, &mut mailbox).await.len(), 0, "its time has not come");
    try_again(&shop).await;
    assert_the_mail_is_there_and_its_key_works(&shop, &mut mailbox).await;
}

// SPR-86
#[tokio::test]
async fn spr_86_a_reset_mail_is_retried_while_the_server_hangs() {
    let Some((shop, mut mailbox)) = shop_and_server().await else {
        return;
    };
    mailbox.pause();
    forgets_password(&shop, "ada@example.com").await;
    join(shop.gateway.run_jobs(), async {
        let is_in_hand = async || listed(&shop, None).await == [(JobState::Running, 1, None)];
        kit::eventually("the mail is in hand", is_in_hand).await;
        mailbox.kill().await;
    })
    .await;
    let [(JobState::Waiting, 1, Some(failure))] = &listed(&shop, None).await[..] else {
        panic!("it is tried again: {:?}", listed(&shop, None).await)
    };
    assert!(failure.starts_with("the mail was not sent: "), "{failure}");

    mailbox.start_again().await;
    mailbox.pause();
    shop.gateway.advance(2 * HOUR);
    join(shop.gateway.run_jobs(), async {
        let is_in_hand = async || matches!(listed(&shop, None).await[..], [(JobState::Running, 2, _)]);
        kit::eventually("the mail is in hand", is_in_hand).await;
        mailbox.go_on();
    })
    .await;
    assert_the_mail_is_there_and_its_key_works(&shop, &mut mailbox).await;
}

// SPR-86
#[tokio::test]
async fn spr_86_a_failed_reset_mail_is_sent_when_an_operator_retries_it() {
    let Some((shop, mut mailbox)) = shop_and_server().await else {
        return;
    };
    mailbox.kill().await;
    // It accepts mails only after a login, and this gateway has no credentials for it.
    let closed = MailServer {
        login: true,
        ..MailServer::default()
    };
    mailbox.start_again_as(closed).await;
    forgets_password(&shop, "ada@example.com").await;
    shop.gateway.run_jobs().await;
    let refused = "the mail was not sent: the mail server refused the sender (530)";
    assert_eq!(listed(&shop, None).await, failed(JobState::Waiting, 1, refused));
    for _ in 0..20 {
        try_again(&shop).await;
    }
    let dead = failed(JobState::Dead, 12, refused);
    assert_eq!(listed(&shop, Some(JobState::Dead)).await, dead);

    mailbox.kill().await;
    mailbox.start_again_as(MailServer::default()).await;
    try_again(&shop).await;
    assert_eq!(listed(&shop, None).await, dead, "no operator has retried it yet");
    assert_eq!(taken(&shop, &mut mailbox).await.len(), 0);
    let app = Arc::clone(&shop.gateway.app);
    let retrying = async move {
        let dead = app.queue.list(Some(JobState::Dead)).await.expect("listed");
        app.queue.retry(&dead[0].id).await.expect("retried")
    };
    assert!(shop.gateway.inside(retrying).await);
    shop.gateway.run_jobs().await;
    assert_the_mail_is_there_and_its_key_works(&shop, &mut mailbox).await;
}

// SPR-86
#[tokio::test]
async fn spr_86_a_permanently_rejected_mail_fails_at_once_and_blocks_no_other() {
    let Some((shop, mut mailbox)) = shop_and_server().await else {
        return;
    };
    ada(&shop, "refused@example.com").await;
    forgets_password(&shop, "refused@example.com").await;
    forgets_password(&shop, "ada@example.com").await;
    shop.gateway.run_jobs().await;
    let refused = "the mail cannot be sent: the mail server refused the recipient (550)";
    assert_eq!(
        listed(&shop, Some(JobState::Dead)).await,
        failed(JobState::Dead, 1, refused)
    );
    let mails = taken(&shop, &mut mailbox).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "ada@example.com");
    shop.gateway.expect_jobs();
}

/// Requests mails of each kind, at two nodes in turn; returns the number of mails by address.
async fn twenty_mails(shop: &Shop, nodes: [&Arc<kit::Gateway>; 2]) -> BTreeMap<String, usize> {
    let at = |caller: &Caller, turn: usize| caller.at(nodes[turn % 2]);
    let mut people = Vec::new();
    for number in 0..10 {
        let address = format!("ada{number}@example.com");
        let (ada, _) = ada(shop, &address).await;
        people.push((ada, address));
    }
    shop.conceal_emails().await;
    let mut expected = BTreeMap::new();
    let mut note = |address: &str| *expected.entry(address.to_owned()).or_insert(0) += 1;
    for (turn, (ada, address)) in people.iter().enumerate() {
        let (ada, browser) = (at(ada, turn), at(&shop.browser, turn));
        match turn {
            0..=4 => {
                browser
                    .mutate_ok("customerPasswordResetRequest", to(address))
                    .await;
                browser
                    .mutate_ok("customerEmailVerificationRequest", to(address))
                    .await;
                note(address);
                note(address);
            }
            5..=7 => {
                let new = format!("new-{address}");
                let call = json!({ "newEmail": new, "password": PASSWORD });
                ada.mutate_ok("customerEmailChangeRequest", call).await;
                note(address);
                note(&new);
            }
            _ => {
                let change = json!({
                    "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
                });
                ada.mutate_ok("customerPasswordChange", change).await;
                note(address);
                browser.mutate_ok("customerRegister", person(address)).await;
                note(address);
            }
        }
    }
    expected
}

#[tokio::test]
async fn two_job_nodes_send_each_mail_once() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let shop = sending_to(&mailbox).set("GATEWAY_JOBS", "on").start().await;
    shop.open_account_page().await;
    let node = shop.gateway.another_node().await;
    mailbox.pause();
    let expected = twenty_mails(&shop, [&shop.gateway, &node]).await;
    // A node runs at most eight jobs at once: with more than eight running, both nodes have some.
    let in_hand = doc! { "kind": "customer.mail", "state": "RUNNING" };
    let both_are_busy = async || shop.gateway.store.count("jobs", in_hand.clone()).await > 8;
    kit::eventually("both nodes have mails in hand", both_are_busy).await;
    mailbox.go_on();
    let is_settled = async || shop.gateway.store.open_jobs().await.is_empty();
    kit::eventually("the mails are sent", is_settled).await;

    let mails = taken(&shop, &mut mailbox).await;
    let mut came = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for mail in &mails {
        *came.entry(mail.to.clone()).or_insert(0) += 1;
        *ids.entry(&mail.message_id).or_insert(0) += 1;
    }
    assert_eq!(came, expected);
    assert_eq!(ids.len(), 20, "each with an id of its own: {ids:#?}");
    shop.gateway.store.assert_consistent().await;
}
