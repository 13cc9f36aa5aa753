//! Rate limits: exact under any number of concurrent calls on any number of nodes.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::TryStreamExt;
use futures_util::future::{join, join_all};
use mongodb::IndexModel;
use storefront_gateway::error::{Error, Result, UserErrorCode};
use storefront_gateway::platform::clock::Clock;
use storefront_gateway::platform::throttle::{Attempt, Held, Limit, Throttle, Window};

use crate::kit::{Gateway, Setup};

const LOGIN: &[&str] = &["login", "sto_1", "ann@example.com", "192.0.2.1"];
const MAILS: &[&str] = &["mails", "sto_1", "ann@example.com"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const ONE_A_MINUTE_FIVE_AN_HOUR: &[Window] = &[Window::new(1, MINUTE), Window::new(5, HOUR)];

/// A gateway with a manual clock.
async fn gateway() -> Arc<Gateway> {
    Setup::new().manual_clock().gateway().await
}

/// The seconds to wait of a refusal; `None` if the call was admitted.
#[track_caller]
fn refused<T>(outcome: Result<T>) -> Option<i32> {
    match outcome {
        Ok(_) => None,
        Err(Error::Rejected(errors)) => {
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert_eq!(errors[0].code, UserErrorCode::RateLimited);
            Some(errors[0].retry_after_seconds.expect("a wait"))
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Runs work with a gateway's throttle on the gateway's threads.
async fn with<F>(gateway: &Gateway, work: impl FnOnce(Throttle) -> F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    gateway.inside(work(gateway.app.throttle.clone())).await
}

async fn attempt(gateway: &Gateway) -> Result<Attempt> {
    with(gateway, |throttle| async move { throttle.attempt(LOGIN).await }).await
}

/// A failing attempt; returns the seconds to wait if it is refused.
async fn fail(gateway: &Gateway) -> Option<i32> {
    refused(attempt(gateway).await)
}

async fn fail_times(gateway: &Gateway, times: usize) {
    for turn in 0..times {
        assert_eq!(fail(gateway).await, None, "try {turn}");
    }
}

async fn take(gateway: &Gateway, windows: &'static [Window]) -> Option<i32> {
    let limit = Limit { key: MAILS, windows };
    refused(with(gateway, |throttle| async move { throttle.take(&[limit]).await }).await)
}

/// Runs many calls concurrently, each in a task of its own, on these gateways in turn; returns how many were admitted.
async fn at_once<F>(gateways: &[&Gateway], times: usize, work: impl Fn(Throttle) -> F) -> usize
where
    F: Future<Output = Option<i32>> + Send + 'static,
{
    let nodes = gateways.iter().cycle().take(times);
    let tasks = nodes.map(|gateway| with(gateway, &work));
    let outcomes = join_all(tasks).await;
    outcomes.iter().filter(|refused| refused.is_none()).count()
}

// TOK-03
#[tokio::test]
async fn tok_03_waits_double_with_each_failure_and_expire() {
    let gateway = gateway().await;
    fail_times(&gateway, 5).await;
    for wait in [4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert_eq!(fail(&gateway).await, Some(wait));
        gateway.advance(Duration::from_secs(u64::try_from(wait).expect("positive")) - SECOND / 2);
        assert_eq!(fail(&gateway).await, Some(1), "half a second is rounded up");
        gateway.advance(SECOND / 2);
        assert_eq!(fail(&gateway).await, None, "refusals did not count");
    }
}

// TOK-03
#[tokio::test]
async fn tok_03_five_of_a_hundred_concurrent_guesses_pass() {
    let gateway = gateway().await;
    let guess = |throttle: Throttle| async move { refused(throttle.attempt(LOGIN).await) };
    assert_eq!(at_once(&[&gateway], 100, guess).await, 5);
    assert_eq!(fail(&gateway).await, Some(4), "the refused ones did not count");
    gateway.advance(4 * SECOND);
    assert_eq!(at_once(&[&gateway], 100, guess).await, 1);
    assert_eq!(fail(&gateway).await, Some(8));
}

// TOK-03
#[tokio::test]
async fn tok_03_two_nodes_share_the_limits() {
    let gateway = gateway().await;
    let node = gateway.another_node().await;
    let guess = |throttle: Throttle| async move { refused(throttle.attempt(LOGIN).await) };
    assert_eq!(at_once(&[&gateway, &node], 100, guess).await, 5);
    assert_eq!(fail(&node).await, fail(&gateway).await);
    let mail = |throttle: Throttle| async move {
        let windows = &[Window::new(20, MINUTE)];
        refused(throttle.take(&[Limit { key: MAILS, windows }]).await)
    };
    assert_eq!(at_once(&[&gateway, &node], 50, mail).await, 20);
}

// TOK-03
#[tokio::test]
async fn tok_03_a_success_resets_the_streak() {
    let gateway = gateway().await;
    fail_times(&gateway, 4).await;
    let right = attempt(&gateway).await.expect("admitted");
    gateway
        .inside(right.succeeded())
        .await
        .expect("the row has ended");
    assert_eq!(gateway.store.count("throttle", doc! {}).await, 0);
    fail_times(&gateway, 5).await;
    assert_eq!(fail(&gateway).await, Some(4));
}

#[tokio::test]
async fn a_withdrawn_attempt_restores_its_count_and_wait() {
    let gateway = gateway().await;
    fail_times(&gateway, 4).await;
    for _ in 0..3 {
        let fifth = attempt(&gateway).await.expect("admitted");
        assert_eq!(fail(&gateway).await, Some(4), "while it is running");
        gateway.inside(fifth.withdrawn()).await.expect("withdrawn");
    }
    assert_eq!(fail(&gateway).await, None);
    assert_eq!(fail(&gateway).await, Some(4), "the wait of another one");
    gateway.advance(4 * SECOND);
    let sixth = attempt(&gateway).await.expect("admitted");
    gateway.inside(sixth.withdrawn()).await.expect("withdrawn");
    assert_eq!(fail(&gateway).await, None);
    assert_eq!(fail(&gateway).await, Some(8));
}

#[tokio::test]
async fn an_attempt_withdrawn_late_does_not_affect_the_next_streak() {
    let gateway = gateway().await;
    let late = attempt(&gateway).await.expect("admitted");
    let right = attempt(&gateway).await.expect("admitted");
    gateway
        .inside(right.succeeded())
        .await
        .expect("the row has ended");
    gateway.advance(SECOND);
    fail_times(&gateway, 4).await;
    gateway
        .inside(late.withdrawn())
        .await
        .expect("nothing to withdraw");
    assert_eq!(fail(&gateway).await, None);
    assert_eq!(fail(&gateway).await, Some(4), "all five count");
}

#[tokio::test]
async fn a_day_without_a_failure_resets_the_streak() {
    let gateway = gateway().await;
    fail_times(&gateway, 4).await;
    gateway.advance(24 * HOUR);
    fail_times(&gateway, 5).await;
    assert_eq!(fail(&gateway).await, Some(4));
}

#[tokio::test]
async fn clock_skew_between_nodes_neither_tightens_nor_loosens_a_limit() {
    const TWO_AN_HOUR: &[Window] = &[Window::new(2, HOUR)];
    let gateway = gateway().await;
    let app = Arc::clone(&gateway.app);
    let ahead = Clock::manual(app.clock.now().after(SECOND));
    let ahead = Throttle::new(app.database.clone(), ahead, Arc::clone(&app.vault), true);
    let there = async move {
        let limit = Limit {
            key: MAILS,
            windows: TWO_AN_HOUR,
        };
        (
            refused(ahead.attempt(LOGIN).await),
            refused(ahead.take(&[limit]).await),
        )
    };
    assert_eq!(gateway.inside(there).await, (None, None));
    fail_times(&gateway, 4).await;
    assert_eq!(take(&gateway, TWO_AN_HOUR).await, None);
    gateway.advance(HOUR);
    assert_eq!(
        take(&gateway, TWO_AN_HOUR).await,
        Some(1),
        "an event of the node ahead"
    );
}

#[tokio::test]
async fn keys_are_limited_independently() {
    let gateway = gateway().await;
    fail_times(&gateway, 5).await;
    assert_eq!(fail(&gateway).await, Some(4));
    let others = with(&gateway, |throttle| async move {
        let elsewhere = ["login", "sto_1", "ann@example.com", "192.0.2.2"];
        let together = ["login", "sto_1", "ann@example.com192.0.2.1"];
        let windows = &[Window::new(1, MINUTE)];
        [
            refused(throttle.attempt(&elsewhere).await),
            refused(throttle.attempt(&together).await),
            refused(throttle.take(&[Limit { key: LOGIN, windows }]).await),
        ]
    });
    assert_eq!(others.await, [None; 3]);
}

#[tokio::test]
async fn fifty_concurrent_events_pass_exactly_up_to_the_limit() {
    let gateway = gateway().await;
    let mail = |throttle: Throttle| async move {
        let windows = &[Window::new(7, MINUTE), Window::new(30, HOUR)];
        refused(throttle.take(&[Limit { key: MAILS, windows }]).await)
    };
    for passed in [7, 7, 7, 7, 2, 0] {
        assert_eq!(at_once(&[&gateway], 50, mail).await, passed);
        gateway.advance(MINUTE);
    }
}

// SPR-86
#[tokio::test]
async fn spr_86_one_a_minute_and_five_in_any_hour() {
    let gateway = gateway().await;
    let windows = ONE_A_MINUTE_FIVE_AN_HOUR;
    for _ in 0..4 {
        assert_eq!(take(&gateway, windows).await, None);
        assert_eq!(take(&gateway, windows).await, Some(60));
        gateway.advance(MINUTE);
    }
    assert_eq!(take(&gateway, windows).await, None);
    assert_eq!(
        take(&gateway, windows).await,
        Some(56 * 60),
        "the hour's, the longer wait"
    );
    gateway.advance(56 * MINUTE - SECOND);
    assert_eq!(take(&gateway, windows).await, Some(1));
    gateway.advance(SECOND);
    assert_eq!(take(&gateway, windows).await, None);
    gateway.advance(MINUTE - SECOND);
    assert_eq!(take(&gateway, windows).await, Some(1), "the minute's");
}

#[tokio::test]
async fn no_sliding_minute_exceeds_the_limit_and_the_log_stays_short() {
    const MOST: usize = 100;
    const WINDOWS: &[Window] = &[Window::new(100, MINUTE)];
    let gateway = gateway().await;
    // Two calls each half second for more than two minutes: 240 a minute.
    let mut passed = Vec::new();
    for _ in 0..300 {
        let two = |throttle: Throttle| async move {
            let limits = [Limit {
                key: MAILS,
                windows: WINDOWS,
            }];
            let (one, other) = join(throttle.take(&limits), throttle.take(&limits)).await;
            usize::from(one.is_ok()) + usize::from(other.is_ok())
        };
        passed.push(with(&gateway, two).await);
        gateway.advance(SECOND / 2);
    }
    let busiest = passed
        .windows(120)
        .map(|minute| minute.iter().sum::<usize>())
        .max();
    assert_eq!(busiest, Some(MOST));
    assert!(
        passed.iter().sum::<usize>() >= 2 * MOST,
        "capacity is available again: {passed:?}"
    );
    let stored = gateway.store.documents("throttle", doc! {}).await;
    let slots = stored[0].get_array("events").expect("a log").len();
    assert!(slots <= 60, "{slots}");
}

// TOK-03
#[tokio::test]
async fn an_event_refused_by_one_limit_counts_against_no_other() {
    let gateway = gateway().await;
    let (client, all) = (&["client", "192.0.2.1"], &["storefront", "sto_1"]);
    let both = |throttle: Throttle| async move {
        let limits = [
            Limit {
                key: all,
                windows: &[Window::new(10, MINUTE)],
            },
            Limit {
                key: client,
                windows: &[Window::new(3, MINUTE)],
            },
        ];
        refused(throttle.take(&limits).await)
    };
    for turn in 0..20 {
        let refused = with(&gateway, both).await.is_some();
        assert_eq!(refused, turn >= 3, "turn {turn}");
    }
    let others = |throttle: Throttle| async move {
        refused(
            throttle
                .take(&[Limit {
                    key: all,
                    windows: &[Window::new(10, MINUTE)],
                }])
                .await,
        )
    };
    assert_eq!(at_once(&[&gateway], 50, others).await, 7);
}

#[tokio::test]
async fn take_quietly_returns_the_decision_without_an_error() {
    let gateway = gateway().await;
    let quietly = || {
        with(&gateway, |throttle| async move {
            let limit = Limit {
                key: MAILS,
                windows: ONE_A_MINUTE_FIVE_AN_HOUR,
            };
            throttle.take_quietly(&[limit]).await.expect("no refusal")
        })
    };
    assert!(quietly().await);
    assert!(!quietly().await);
    gateway.advance(MINUTE);
    assert!(quietly().await);
}

#[tokio::test]
async fn one_decision_costs_one_command() {
    let gateway = gateway().await;
    for _ in 0..6 {
        let (_, commands) = gateway.commands.during(fail(&gateway)).await;
        assert_eq!(commands, ["findAndModify throttle"]);
        let (_, commands) = gateway
            .commands
            .during(take(&gateway, ONE_A_MINUTE_FIVE_AN_HOUR))
            .await;
        assert_eq!(commands, ["findAndModify throttle"]);
    }
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let gateway = gateway().await;
    fail_times(&gateway, 5).await;
    assert_eq!(take(&gateway, ONE_A_MINUTE_FIVE_AN_HOUR).await, None);
    let before = gateway.store.documents("throttle", doc! {}).await;
    gateway.advance(SECOND);
    assert_eq!(fail(&gateway).await, Some(3));
    assert_eq!(take(&gateway, ONE_A_MINUTE_FIVE_AN_HOUR).await, Some(59));
    assert_eq!(gateway.store.documents("throttle", doc! {}).await, before);
}

// ERA-01
#[tokio::test]
async fn era_01_stored_counters_name_no_one_and_expire() {
    let gateway = gateway().await;
    fail_times(&gateway, 1).await;
    assert_eq!(take(&gateway, ONE_A_MINUTE_FIVE_AN_HOUR).await, None);
    let now = gateway.app.clock.now().millis();
    let stored = gateway.store.documents("throttle", doc! {}).await;
    assert_eq!(stored.len(), 2);
    let mut kept = Vec::new();
    for document in &stored {
        let text = document.to_string();
        for part in LOGIN.iter().chain(MAILS) {
            assert!(!text.contains(part), "{part} in {text}");
        }
        let expires = document.get_datetime("expiresAt").expect("a date");
        kept.push((expires.timestamp_millis() - now) / 1000);
    }
    kept.sort_unstable();
    assert_eq!(kept, [3600, 24 * 3600]);
    let listed = gateway.store.collection("throttle").list_indexes().await;
    let indexes: Vec<IndexModel> = listed.expect("listed").try_collect().await.expect("read");
    let expiry = indexes.into_iter().filter_map(|index| index.options);
    let expiry: Vec<Duration> = expiry.filter_map(|options| options.expire_after).collect();
    assert_eq!(expiry, [MINUTE], "after their date, by the database");
}

#[tokio::test]
async fn disabled_limits_pass_everything_and_write_nothing() {
    let off = Setup::new().manual_clock().set("GATEWAY_RATE_LIMITS", "off");
    let gateway = off.gateway().await;
    let work = async {
        fail_times(&gateway, 20).await;
        for _ in 0..20 {
            assert_eq!(take(&gateway, ONE_A_MINUTE_FIVE_AN_HOUR).await, None);
        }
        let right = attempt(&gateway).await.expect("admitted");
        gateway.inside(right.succeeded()).await.expect("nothing to do");
        let unmade = attempt(&gateway).await.expect("admitted");
        gateway.inside(unmade.withdrawn()).await.expect("nothing to do");
    };
    let ((), commands) = gateway.commands.during(work).await;
    assert_eq!(commands, [""; 0]);
    assert_eq!(gateway.store.count("throttle", doc! {}).await, 0);
}

const ACCOUNT: &[&str] = &["sto_1", "ann@example.com"];
const THREE_AN_HOUR: &[Window] = &[Window::new(3, HOUR)];

/// Starts an attempt by a client. It counts as failed unless it is marked as succeeded.
async fn guess_from(gateway: &Gateway, client: Option<&'static str>) -> Result<Held> {
    with(gateway, |throttle| async move {
        throttle.hold(ACCOUNT, client, THREE_AN_HOUR).await
    })
    .await
}

// TOK-03
#[tokio::test]
async fn tok_03_an_account_limit_passes_exactly_its_number_of_failures() {
    let gateway = gateway().await;
    let node = gateway.another_node().await;
    let guess =
        |throttle: Throttle| async move { refused(throttle.hold(ACCOUNT, None, THREE_AN_HOUR).await) };
    assert_eq!(at_once(&[&gateway, &node], 50, guess).await, 3);
    assert_eq!(refused(guess_from(&gateway, Some("192.0.2.1")).await), Some(3600));
    gateway.advance(HOUR - SECOND / 2);
    assert_eq!(refused(guess_from(&gateway, None).await), Some(1));
    gateway.advance(SECOND / 2);
    assert_eq!(at_once(&[&gateway, &node], 50, guess).await, 3);
}

// TOK-03
#[tokio::test]
async fn tok_03_an_account_limit_counts_only_failures_and_exempts_known_clients() {
    let gateway = gateway().await;
    for turn in 0..10 {
        let held = guess_from(&gateway, Some("192.0.2.1")).await.expect("admitted");
        assert_eq!(held.is_spared(), turn > 0);
        gateway.inside(held.succeeded()).await.expect("noted");
        let held = guess_from(&gateway, Some("192.0.2.2")).await.expect("admitted");
        assert!(!held.is_spared());
        gateway.inside(held.withdrawn()).await.expect("withdrawn");
    }
    for _ in 0..3 {
        assert_eq!(refused(guess_from(&gateway, Some("192.0.2.2")).await), None);
    }
    for client in [None, Some("192.0.2.2"), Some("192.0.2.3")] {
        assert_eq!(refused(guess_from(&gateway, client).await), Some(3600));
    }
    for _ in 0..20 {
        assert_eq!(refused(guess_from(&gateway, Some("192.0.2.1")).await), None);
    }
    let noted = with(&gateway, |throttle| async move {
        throttle.remember(ACCOUNT, "192.0.2.3").await
    });
    noted.await.expect("noted");
    assert_eq!(refused(guess_from(&gateway, Some("192.0.2.3")).await), None);
    assert_eq!(refused(guess_from(&gateway, Some("192.0.2.2")).await), Some(3600));
}

// TOK-03
#[tokio::test]
async fn tok_03_an_account_limit_costs_one_command_and_none_for_a_known_clients_success() {
    let gateway = gateway().await;
    let asked = guess_from(&gateway, Some("192.0.2.1"));
    let (held, commands) = gateway.commands.during(asked).await;
    assert_eq!(commands, ["findAndModify throttle"]);
    let noted = gateway.inside(held.expect("admitted").succeeded());
    let (noted, commands) = gateway.commands.during(noted).await;
    noted.expect("noted");
    assert_eq!(commands, ["findAndModify throttle"]);
    let held = guess_from(&gateway, Some("192.0.2.1")).await.expect("admitted");
    let (noted, commands) = gateway.commands.during(gateway.inside(held.succeeded())).await;
    noted.expect("nothing to note");
    assert!(commands.is_empty(), "{commands:?}");
    // A day later the success is recorded again, for another ninety days.
    gateway.advance(25 * HOUR);
    let held = guess_from(&gateway, Some("192.0.2.1")).await.expect("admitted");
    let (noted, commands) = gateway.commands.during(gateway.inside(held.succeeded())).await;
    noted.expect("noted");
    assert_eq!(commands, ["findAndModify throttle"]);
}
