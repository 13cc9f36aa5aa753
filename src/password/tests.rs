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

async fn hash(passwords: &Passwords, password: &str) -> Hashed {
    passwords.hash(password.into()).await.expect("hashes")
}

async fn verify(passwords: &Passwords, password: &str, stored: Option<&Hashed>) -> Verified {
    let verified = passwords.verify(password.into(), stored).await;
    verified.expect("verifies")
}

#[tokio::test]
async fn a_password_verifies_against_its_own_hash_only() {
    let passwords = passwords(64);
    let hashed = hash(&passwords, "change123").await;
    let stored = Some(&hashed);
    assert!(hashed.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));

    assert_eq!(
        verify(&passwords, "change123", stored).await,
        verified(true, false)
    );
    for wrong in ["change124", "Change123", "change123 ", ""] {
        assert_eq!(
            verify(&passwords, wrong, stored).await,
            verified(false, false),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_same_password_never_has_the_same_hash() {
    let passwords = passwords(64);
    let one = hash(&passwords, "change123").await;
    assert_ne!(one, hash(&passwords, "change123").await);
}

// TOK-03
#[tokio::test]
async fn a_caller_that_finds_no_room_waits_a_moment_for_it_before_the_refusal() {
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
    let hashed = hash(&passwords(64), "change123").await;
    assert_eq!(format!("{hashed:?}"), "Hashed(…)");
    let stored = bson::serialize_to_bson(&hashed).expect("serializes");
    assert_eq!(stored.as_str(), Some(hashed.as_str()));
    let read: Hashed = bson::deserialize_from_bson(stored).expect("reads");
    assert_eq!(read, hashed);
}

// EPC-08, CLY-03
#[tokio::test]
async fn no_password_matches_where_none_is_stored() {
    assert_eq!(
        verify(&passwords(64), "change123", None).await,
        verified(false, false)
    );
}

#[tokio::test]
async fn raised_settings_make_a_stored_hash_outdated() {
    let before = hash(&passwords(64), "change123").await;
    let stored = Some(&before);
    let raised = passwords(128);
    assert_eq!(verify(&raised, "change123", stored).await, verified(true, true));
    assert_eq!(verify(&raised, "change124", stored).await, verified(false, false));
    assert_eq!(
        verify(&passwords(32), "change123", stored).await,
        verified(true, false)
    );
}

// SPR-13
#[tokio::test]
async fn a_password_that_is_too_long_is_never_hashed() {
    let passwords = passwords(64);
    let longest = "🦀".repeat(MAX_LENGTH);
    let hashed = hash(&passwords, &longest).await;
    assert!(verify(&passwords, &longest, Some(&hashed)).await.matches);

    let longer = longest + "x";
    let refused = passwords.hash(longer.as_str().into()).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    // A hash of an overlong password, which only a direct call of the hasher can create, does not match it either.
    let memory = &mut HasherMemory::default();
    let forced = (passwords.hasher).hash(memory, &longer.as_str().into(), &[7; hasher::SALT]);
    let forced = forced.expect("the hasher knows no rules");
    assert_eq!(
        verify(&passwords, &longer, Some(&forced)).await,
        verified(false, false)
    );
    // An overlong password is replaced by an empty one, which must not match the stored hash of an empty password.
    let empty = hash(&passwords, "").await;
    assert!(!verify(&passwords, &longer, Some(&empty)).await.matches);
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_is_an_internal_error() {
    let stored = Hashed("change123".to_owned());
    let refused = passwords(64).verify("change123".into(), Some(&stored)).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
}
