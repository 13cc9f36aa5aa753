//! Tests of the public interface: what is hashed, what verifies, and what is never hashed.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::task::Poll;

use futures_util::poll;
use tokio::sync::oneshot;

use super::threads::WAITING_PER_THREAD;
use super::*;
use crate::config::Argon2Config;

/// Uses about as little work as Argon2 allows.
fn passwords(memory_kib: u32) -> Passwords {
    let config = PasswordConfig {
        min_length: 7,
        argon2: Argon2Config {
            memory_kib,
            iterations: 1,
            parallelism: 1,
            threads: NonZeroUsize::MIN,
        },
    };
    Passwords::new(&config, Random::seeded(1)).expect("threads")
}

fn verified(matches: bool, outdated: bool) -> Verified {
    Verified { matches, outdated }
}

#[tokio::test]
async fn a_password_verifies_against_its_own_hash_only() {
    let passwords = passwords(64);
    let hashed = passwords.hash("change123".into()).await.expect("hashes");
    let stored = Some(&hashed);
    assert!(hashed.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));

    let right = passwords.verify("change123".into(), stored).await;
    assert_eq!(right.expect("verifies"), verified(true, false));
    for wrong in ["change124", "Change123", "change123 ", ""] {
        let refused = passwords.verify(wrong.into(), stored).await;
        assert_eq!(refused.expect("verifies"), verified(false, false), "{wrong}");
    }
}

#[tokio::test]
async fn the_same_password_never_has_the_same_hash() {
    let passwords = passwords(64);
    let one = passwords.hash("change123".into()).await.expect("hashes");
    let other = passwords.hash("change123".into()).await.expect("hashes");
    assert_ne!(one, other);
}

// TOK-03
#[tokio::test]
async fn whoever_finds_no_room_waits_a_moment_for_it_and_is_told_else() {
    let passwords = passwords(64);
    passwords.room().await.expect("nobody waits yet");
    let (release, held) = mpsc::channel::<()>();
    let (begun, begins) = oneshot::channel();
    let mut holding = Box::pin(passwords.threads.run(move |_| {
        let _test_is_over = begun.send(());
        let _released = held.recv();
    }));
    assert!(poll!(&mut holding).is_pending());
    begins.await.expect("the thread takes the work");
    let mut waiting: Vec<_> = (0..WAITING_PER_THREAD)
        .map(|_| Box::pin(passwords.threads.run(|_| ())))
        .collect();
    for waiter in &mut waiting {
        assert!(poll!(waiter).is_pending());
    }

    assert!(matches!(passwords.room().await, Err(Error::Rejected(_))));
    let all = u32::try_from(DELAYED).expect("few");
    let taken = passwords.delayed.try_acquire_many(all).expect("all free again");
    let at_once = poll!(Box::pin(passwords.room()));
    assert!(
        matches!(at_once, Poll::Ready(Err(Error::Rejected(_)))),
        "{at_once:?}"
    );
    drop(taken);

    let mut asking = Box::pin(passwords.room());
    assert!(poll!(&mut asking).is_pending());
    drop(release);
    holding.await.expect("done");
    for waiter in waiting {
        waiter.await.expect("done");
    }
    asking.await.expect("there is room by then");
}

// EPC-05
#[tokio::test]
async fn debug_shows_nothing_of_a_hash_and_documents_hold_it_as_a_text() {
    let hashed = passwords(64).hash("change123".into()).await.expect("hashes");
    assert_eq!(format!("{hashed:?}"), "Hashed(…)");
    let stored = bson::serialize_to_bson(&hashed).expect("serializes");
    assert_eq!(stored.as_str(), Some(&hashed));
    let read: Hashed = bson::deserialize_from_bson(stored).expect("reads");
    assert_eq!(read, hashed);
}

// EPC-08, CLY-03
#[tokio::test]
async fn no_password_matches_where_none_is_stored() {
    let refused = passwords(64).verify("change123".into(), None).await;
    assert_eq!(refused.expect("verifies"), verified(false, false));
}

#[tokio::test]
async fn raised_settings_make_a_stored_hash_outdated() {
    let before = passwords(64).hash("change123".into()).await.expect("hashes");
    let now = passwords(128);
    let stored = Some(&before);
    let right = now.verify("change123".into(), stored).await;
    assert_eq!(right.expect("verifies"), verified(true, true));
    let wrong = now.verify("change124".into(), stored).await;
    assert_eq!(wrong.expect("verifies"), verified(false, false));

    let lowered = passwords(32).verify("change123".into(), stored).await;
    assert_eq!(lowered.expect("verifies"), verified(true, false));
}

// SPR-13
#[tokio::test]
async fn a_password_that_is_too_long_is_never_hashed() {
    let passwords = passwords(64);
    let longest = "🦀".repeat(MAX_LENGTH);
    let hashed = passwords.hash(longest.as_str().into()).await.expect("hashes");
    let stored = Some(&hashed);
    let right = passwords.verify(longest.as_str().into(), stored).await;
    assert!(right.expect("verifies").matches);

    let longer = longest + "x";
    assert!(matches!(
        passwords.hash(longer.as_str().into()).await,
        Err(Error::Internal(_))
    ));
    // A hash of an overlong password, which only a direct call of the hasher can create, does not match it either.
    let memory = &mut hasher::HasherMemory::default();
    let forced = (passwords.hasher).hash(memory, &longer.as_str().into(), &[7; hasher::SALT]);
    let forced = forced.expect("the hasher knows no rules");
    let refused = passwords.verify(longer.as_str().into(), Some(&forced)).await;
    assert_eq!(refused.expect("verifies"), verified(false, false));
    // An overlong password is replaced by an empty one, which must not match the stored hash of an empty password.
    let empty = passwords.hash("".into()).await.expect("hashes");
    let refused = passwords.verify(longer.into(), Some(&empty)).await;
    assert!(!refused.expect("verifies").matches);
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_is_an_internal_error() {
    let stored = Hashed("change123".to_owned());
    let refused = passwords(64).verify("change123".into(), Some(&stored)).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
}
