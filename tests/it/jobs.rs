//! Jobs: claimed by one node, retried, taken over after a crash, eventually marked as dead, and never lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};
use storefront_gateway::app::App;
use storefront_gateway::error::Error;
use storefront_gateway::platform::job::{JobFailure, JobKind, JobState, Run, Runner};
use tokio_util::task::TaskTracker;

use crate::kit::{self, Setup, Shop, number, text};

/// State that the trial jobs share with the test.
#[derive(Clone, Default)]
struct JobRuns(Arc<AtomicU32>);

impl JobRuns {
    fn runs(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

type Done = BoxFuture<'static, Result<(), JobFailure>>;

fn succeeds(job_runs: JobRuns, _: Document) -> Done {
    async move {
        job_runs.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    .boxed()
}

fn fails_twice(job_runs: JobRuns, _: Document) -> Done {
    async move {
        match job_runs.0.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(JobFailure::Retry(Error::internal("not yet"))),
            _ => Ok(()),
        }
    }
    .boxed()
}

fn fails(job_runs: JobRuns, _: Document) -> Done {
    async move {
        job_runs.0.fetch_add(1, Ordering::SeqCst);
        Err(JobFailure::Retry(Error::Timeout))
    }
    .boxed()
}

fn fails_permanently(job_runs: JobRuns, _: Document) -> Done {
    async move {
        job_runs.0.fetch_add(1, Ordering::SeqCst);
        Err(JobFailure::Fail(Error::Timeout))
    }
    .boxed()
}

fn panics_once(job_runs: JobRuns, _: Document) -> Done {
    async move {
        assert!(
            job_runs.0.fetch_add(1, Ordering::SeqCst) > 0,
            "as the test wants it"
        );
        Ok(())
    }
    .boxed()
}

fn runner(shop: &Shop, every: Option<Duration>, run: Run<JobRuns>) -> Runner<JobRuns> {
    let kind = JobKind {
        name: "trial",
        every,
        run,
    };
    Runner::new(shop.gateway.app.queue.clone(), vec![kind], TaskTracker::new())
}

async fn enqueue(shop: &Shop) -> String {
    let app = Arc::clone(&shop.gateway.app);
    let enqueuing = async move {
        let enqueue = |app: Arc<App>| async move {
            let work = app.database.transaction(&*app, |tx, app| {
                app.queue
                    .enqueue(tx, "trial", doc! { "id": "x" }, app.clock.now())
                    .boxed()
            });
            work.await.expect("enqueued")
        };
        enqueue(app).await
    };
    shop.gateway.inside(enqueuing).await
}

async fn drain(shop: &Shop, runner: &Runner<JobRuns>, job_runs: &JobRuns) {
    let (runner, job_runs) = (runner.clone(), job_runs.clone());
    shop.gateway
        .inside(async move { runner.drain(job_runs).await.expect("drained") })
        .await;
}

async fn job(shop: &Shop, id: &str) -> Document {
    let found = shop.gateway.store.documents("jobs", doc! { "_id": id }).await;
    found.into_iter().next().expect("the job is stored")
}

#[tokio::test]
async fn a_job_runs_once_and_is_kept_for_diagnosis() {
    let (shop, job_runs) = (kit::shop().await, JobRuns::default());
    let id = enqueue(&shop).await;
    let runner = runner(&shop, None, succeeds);
    drain(&shop, &runner, &job_runs).await;
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 1);
    let done = job(&shop, &id).await;
    assert_eq!(text(&done, "state"), "DONE");
    assert!(
        done.get_datetime("finishedAt").is_ok() && !done.contains_key("due"),
        "{done}"
    );
}

#[tokio::test]
async fn a_failed_job_is_retried_after_an_increasing_delay() {
    let shop = Setup::new().manual_clock().start().await;
    let (runner, job_runs) = (runner(&shop, None, fails_twice), JobRuns::default());
    let id = enqueue(&shop).await;
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 1, "not again at once");
    let failed = job(&shop, &id).await;
    assert_eq!(
        (text(&failed, "state"), text(&failed, "failure")),
        ("WAITING", "INTERNAL")
    );

    shop.gateway.advance(Duration::from_secs(3));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 2);
    shop.gateway.advance(Duration::from_secs(3));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 2, "the second wait is longer");
    shop.gateway.advance(Duration::from_secs(3));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 3);
    assert_eq!(text(&job(&shop, &id).await, "state"), "DONE");
}

#[tokio::test]
async fn a_repeatedly_failing_job_is_dead_until_it_is_retried_manually() {
    let shop = Setup::new().manual_clock().start().await;
    let (failing, job_runs) = (runner(&shop, None, fails), JobRuns::default());
    let id = enqueue(&shop).await;
    for _ in 0..15 {
        drain(&shop, &failing, &job_runs).await;
        shop.gateway.advance(Duration::from_secs(2 * 3600));
    }
    assert_eq!(job_runs.runs(), 12);
    let app = Arc::clone(&shop.gateway.app);
    let dead = shop
        .gateway
        .inside(async move { app.queue.list(Some(JobState::Dead)).await.expect("listed") })
        .await;
    assert_eq!(
        dead.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(),
        [id.as_str()]
    );
    assert_eq!(dead[0].failure.as_deref(), Some("TIMEOUT"));

    let (app, again) = (Arc::clone(&shop.gateway.app), id.clone());
    let retried = async move { app.queue.retry(&again).await.expect("retried") };
    assert!(shop.gateway.inside(retried).await);
    drain(&shop, &runner(&shop, None, succeeds), &job_runs).await;
    assert_eq!(job_runs.runs(), 13);
    assert_eq!(text(&job(&shop, &id).await, "state"), "DONE");
}

#[tokio::test]
async fn a_permanently_failing_job_is_dead_immediately() {
    let (shop, job_runs) = (kit::shop().await, JobRuns::default());
    shop.gateway.expect_jobs();
    let id = enqueue(&shop).await;
    drain(&shop, &runner(&shop, None, fails_permanently), &job_runs).await;
    assert_eq!(
        (job_runs.runs(), text(&job(&shop, &id).await, "state")),
        (1, "DEAD")
    );
}

#[tokio::test]
async fn a_panic_counts_as_a_failure() {
    let shop = Setup::new().manual_clock().start().await;
    let (runner, job_runs) = (runner(&shop, None, panics_once), JobRuns::default());
    let id = enqueue(&shop).await;
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(text(&job(&shop, &id).await, "state"), "WAITING");
    shop.gateway.advance(Duration::from_secs(3));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(
        (job_runs.runs(), text(&job(&shop, &id).await, "state")),
        (2, "DONE")
    );
}

#[tokio::test]
async fn two_nodes_run_a_job_once() {
    let (shop, job_runs) = (kit::shop().await, JobRuns::default());
    let node = shop.gateway.another_node().await;
    for _ in 0..20 {
        enqueue(&shop).await;
    }
    let here = runner(&shop, None, succeeds);
    let kind = JobKind {
        name: "trial",
        every: None,
        run: succeeds,
    };
    let there = Runner::new(node.app.queue.clone(), vec![kind], TaskTracker::new());
    let (one, other) = (job_runs.clone(), job_runs.clone());
    let here = shop
        .gateway
        .inside(async move { here.drain(one).await.expect("drained") });
    let there = node.inside(async move { there.drain(other).await.expect("drained") });
    let (here, there) = tokio::join!(here, there);
    assert_eq!((job_runs.runs(), here + there), (20, 20));
}

#[tokio::test]
async fn an_expired_claim_is_taken_over_and_its_former_owner_cannot_finish_the_job() {
    let shop = Setup::new().manual_clock().start().await;
    let (runner, job_runs) = (runner(&shop, None, succeeds), JobRuns::default());
    let id = enqueue(&shop).await;
    // A node that claimed the job and crashed.
    let due = shop.gateway.app.clock.now().after(Duration::from_secs(60));
    let claim =
        doc! { "$set": { "state": "RUNNING", "claim": "theirs", "due": due }, "$inc": { "attempts": 1 } };
    let jobs = shop.gateway.store.collection("jobs");
    jobs.update_one(doc! { "_id": &id }, claim)
        .await
        .expect("claimed");

    shop.gateway.advance(Duration::from_secs(30));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 0, "its lease is valid");
    shop.gateway.advance(Duration::from_secs(31));
    drain(&shop, &runner, &job_runs).await;
    assert_eq!(job_runs.runs(), 1, "within two minutes");
    assert_eq!(number(&job(&shop, &id).await, "attempts"), 2);
}

#[tokio::test]
async fn a_recurring_job_runs_once_a_period_on_any_number_of_nodes() {
    let shop = Setup::new().manual_clock().start().await;
    let every = Some(Duration::from_secs(15));
    let (first, second, job_runs) = (
        runner(&shop, every, succeeds),
        runner(&shop, every, succeeds),
        JobRuns::default(),
    );
    for turn in 1..=3 {
        drain(&shop, &first, &job_runs).await;
        drain(&shop, &second, &job_runs).await;
        assert_eq!(job_runs.runs(), turn);
        shop.gateway.advance(Duration::from_secs(15));
    }
}

#[tokio::test]
async fn a_recurring_job_is_never_dead() {
    let shop = Setup::new().manual_clock().start().await;
    let every = Some(Duration::from_secs(15));
    let (failing, job_runs) = (runner(&shop, every, fails), JobRuns::default());
    for _ in 0..20 {
        drain(&shop, &failing, &job_runs).await;
        shop.gateway.advance(Duration::from_secs(2 * 3600));
    }
    assert_eq!(job_runs.runs(), 20);
    assert_eq!(text(&job(&shop, "trial").await, "state"), "WAITING");
}
