//! The tests occupy the threads with their own work, so that no result depends on speed.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use futures_util::future::join_all;
use futures_util::poll;

use super::*;

/// Longer than any machine needs; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

fn threads(number: usize) -> Threads {
    Threads::start(NonZeroUsize::new(number).expect("some")).expect("threads")
}

/// Keeps a thread of `threads` busy until the sender is dropped; returns once it is busy.
async fn hold(threads: &Arc<Threads>) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    let (begun, begins) = oneshot::channel();
    let threads = Arc::clone(threads);
    tokio::spawn(async move {
        let work = move |_: &mut HasherMemory| {
            let _test_is_over = begun.send(());
            let _released = held.recv();
        };
        threads.run(work).await
    });
    begins.await.expect("the thread takes the work");
    release
}

fn rejection<T>(outcome: Result<T>) -> UserError {
    match outcome {
        Err(Error::Rejected(mut faults)) if faults.len() == 1 => faults.remove(0),
        Err(other) => panic!("must be rejected with one fault: {other:?}"),
        Ok(_) => panic!("must be rejected"),
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_again() {
    let threads = Arc::new(threads(1));
    let release = hold(&threads).await;
    let mut waiting: Vec<_> = (0..WAITING_PER_THREAD)
        .map(|number| Box::pin(threads.run(move |_| number)))
        .collect();
    threads.room().expect("nobody waits yet");
    for waiter in &mut waiting {
        assert!(poll!(waiter).is_pending());
    }

    let fault = rejection(threads.run(|_| ()).await);
    assert_eq!(fault.code, UserErrorCode::RateLimited);
    assert_eq!(fault.field, None);
    assert_eq!(fault.retry_after_seconds, Some(1), "no hash was measured yet");
    assert_eq!(rejection(threads.room()), fault);

    drop(release);
    let done: Vec<_> = join_all(waiting)
        .await
        .into_iter()
        .map(|outcome| outcome.expect("what was let in is done"))
        .collect();
    assert_eq!(done, (0..WAITING_PER_THREAD).collect::<Vec<_>>());
    threads.run(|_| ()).await.expect("there is room again");
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_not_begun() {
    let threads = Arc::new(threads(1));
    let release = hold(&threads).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let work = || {
        let runs = Arc::clone(&runs);
        move |_: &mut HasherMemory| runs.fetch_add(1, Ordering::SeqCst)
    };
    let mut gone = Box::pin(threads.run(work()));
    let mut stays = Box::pin(threads.run(work()));
    assert!(poll!(&mut gone).is_pending() && poll!(&mut stays).is_pending());

    drop(gone);
    drop(release);
    assert_eq!(stays.await.expect("done"), 0, "it is the first that ran");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn abandoned_work_leaves_its_room_to_others() {
    let threads = Arc::new(threads(1));
    let release = hold(&threads).await;
    for _caller in 0..WAITING_PER_THREAD {
        assert!(poll!(Box::pin(threads.run(|_| ()))).is_pending());
    }
    let mut waiter = Box::pin(threads.run(|_| ()));
    assert!(poll!(&mut waiter).is_pending(), "the queue holds nobody any more");
    drop(release);
    waiter.await.expect("done");
}

#[tokio::test]
async fn a_panic_costs_its_own_caller_only() {
    let threads = threads(1);
    let outcome: Result<()> = threads.run(|_| panic!("a fault on purpose")).await;
    assert!(matches!(outcome, Err(Error::Internal(_))));
    let next = tokio::time::timeout(PATIENCE, threads.run(|_| 5)).await;
    assert_eq!(next.expect("the thread goes on").expect("done"), 5);
}

#[tokio::test]
async fn all_threads_work_at_the_same_time_and_end_with_their_owner() {
    /// Notifies its test when the thread that holds it has ended.
    struct Farewell(#[expect(dead_code, reason = "its drop is what counts")] mpsc::Sender<()>);
    std::thread_local! {
        static FAREWELL: std::cell::RefCell<Option<Farewell>> = const { std::cell::RefCell::new(None) };
    }

    const THREADS: usize = 3;
    let threads = threads(THREADS);
    let together = Arc::new(Barrier::new(THREADS));
    let (sender, ended) = mpsc::channel();
    let meet = (0..THREADS).map(|_| {
        let (together, farewell) = (Arc::clone(&together), Farewell(sender.clone()));
        threads.run(move |_| {
            together.wait();
            FAREWELL.set(Some(farewell));
        })
    });
    let met = tokio::time::timeout(PATIENCE, join_all(meet)).await;
    for outcome in met.expect("each work has a thread of its own") {
        outcome.expect("done");
    }
    drop(sender);
    assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty), "they live on");

    drop(threads);
    assert_eq!(
        ended.recv_timeout(PATIENCE),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn the_wait_is_what_the_queue_takes_rounded_up() {
    let two = NonZeroUsize::new(2).expect("not zero");
    let millis = Duration::from_millis;
    for (waiting, mean, seconds) in [
        (32, Duration::ZERO, 1),
        (32, millis(30), 1),
        (32, millis(125), 2),
        (32, millis(126), 3),
        (usize::MAX, Duration::MAX, i32::MAX),
    ] {
        assert_eq!(wait_seconds(waiting, mean, two), seconds, "{waiting} of {mean:?}");
    }
}

#[test]
fn the_mean_follows_what_was_measured() {
    let mut state = QueueState::default();
    state.measure(Duration::from_millis(100));
    assert_eq!(state.mean, Some(Duration::from_millis(100)));
    for _hash in 0..100 {
        state.measure(Duration::from_millis(10));
    }
    let mean = state.mean.expect("measured");
    assert!(mean < Duration::from_millis(11), "{mean:?}");
}
