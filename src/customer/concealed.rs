//! Registration in a storefront that conceals which addresses are registered (SPR-10): for the caller, a taken address
//! costs the same as a free one and reveals as little.
//!
//! In both cases a hash is computed, a number is used up, the same limits apply, the same kinds of commands are sent,
//! and one mail is sent: a free address receives a token that verifies it, the owner of a taken one a notice. A new
//! account can be signed in to once its address is verified. An anonymous user is left unchanged and merged at the
//! first sign-in.

use std::sync::Arc;

use futures_util::FutureExt;

use super::custom_fields;
use super::email::Email;
use super::mail::{About, Granted};
use super::registration::{self, MOST_NUMBERS, NewCustomer};
use super::store::{self, UNIQUE_EMAIL};
use super::{Customer, limits, mailed_keys, refusal};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::one_time::{KeyHolder, Purpose};
use crate::custom_field::assignment::Assignment;
use crate::error::{Error, Result};
use crate::platform::{
    database::{Tx, violated_index},
    id::{CustomerId, OrganizationId, StorefrontUserId},
};
use crate::reach::{Reach, StorefrontReach};
use crate::storefront::Storefront;
use crate::storefront_user::{
    StorefrontUser,
    private_storage::PrivateStorage,
    store::{self as user_store, UNIQUE_EXTERNAL_ID},
};

/// The documents that are written if the address is free.
struct Candidate {
    organization: OrganizationId,
    email: Email,
    customer: Customer,
    user: StorefrontUser,
    storage: PrivateStorage,
    assignments: Vec<Assignment>,
    /// Holder of a key that nobody receives.
    nobody: (CustomerId, StorefrontUserId),
    /// Whether the limits allow a mail to the address now.
    granted: Granted,
}

/// Registers an admitted customer if the address is free. The response is the same in both cases.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted meanwhile, RATE_LIMITED,
/// SAVE_FAILED (410).
pub async fn register(
    app: &Arc<App>,
    (place, storefront): (&StorefrontReach, &Storefront),
    mut new: NewCustomer,
) -> Result<()> {
    let hash = match new.password.take() {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let (customer, user, storage) = registration::account(app, place, now, &new, hash);
    // One limit for both kinds of mail.
    let granted = limits::mail(app, place.id(), &new.email.key, About::RegistrationAttempt).await?;
    let mut candidate = Candidate {
        organization: place.reach().identity().organization().clone(),
        customer: Customer {
            awaits_proof: true,
            last_login_at: None,
            ..customer
        },
        user,
        storage,
        assignments: new.custom_fields,
        email: new.email,
        nobody: (
            CustomerId::fresh(now, &app.random),
            StorefrontUserId::fresh(now, &app.random),
        ),
        granted,
    };
    let saved = save(app, &place.of_the_house(), &storefront.code, &mut candidate).await;
    saved.map_err(|error| refusal::save_failed(error, 410))
}

async fn save(app: &App, house: &Reach, code: &str, candidate: &mut Candidate) -> Result<()> {
    for _ in 0..MOST_NUMBERS {
        let number = store::next_number(&app.database, &candidate.customer.storefront_id).await?;
        candidate.customer.reference = format!("{code}--{number}");
        candidate.customer.reference_number = number;
        let reference = &candidate.customer.reference;
        candidate.user.external_id.clone_from(reference);
        let context = (app, house, &*candidate);
        let written = app.database.transaction(context, |tx, (app, house, candidate)| {
            write(app, house, tx, candidate).boxed()
        });
        match written.await {
            // A backend has registered a user with this id, or a concurrent operation has taken the address.
            Err(error) if matches!(violated_index(&error), Some(UNIQUE_EXTERNAL_ID | UNIQUE_EMAIL)) => {}
            outcome => return outcome,
        }
    }
    Err(Error::internal("no free number for a new customer was found"))
}

async fn write(app: &App, house: &Reach, tx: &mut Tx, candidate: &Candidate) -> Result<()> {
    let Candidate {
        organization,
        email,
        customer,
        assignments,
        nobody,
        granted,
        ..
    } = candidate;
    // Registrations with the same address wait for each other, whatever their result.
    let turn = format!("registration {} {}", customer.storefront_id, email.key);
    app.decoys.take_turn_in(tx, &turn).await?;
    let owner = store::by_email_in(&app.database, house, tx, email).await?;
    let entry = match &owner {
        None => {
            insert(app, house, tx, candidate).await?;
            customer.entry(Action::Registered)
        }
        Some(owner) => {
            insert_decoys(app, tx, candidate).await?;
            owner.entry(Action::RegistrationAttempted)
        }
    };
    app.audit.note_in(tx, AuditActor::from(house), [entry]).await?;
    if granted.is_granted() {
        let (whose, address) = match &owner {
            None => (customer, email.written.as_str()),
            // The owner has not verified the address yet: perhaps the first mail was lost.
            Some(owner) if owner.awaits_proof => (owner, owner.email.as_deref().unwrap_or_default()),
            Some(owner) => (owner, ""),
        };
        let about = match whose.awaits_proof {
            true => About::EmailVerification,
            false => About::RegistrationAttempt,
        };
        let holder = KeyHolder {
            organization,
            storefront: &whose.storefront_id,
            user: if whose.awaits_proof {
                &whose.user_id
            } else {
                &nobody.1
            },
            customer: if whose.awaits_proof { &whose.id } else { &nobody.0 },
        };
        let key = (Purpose::EmailVerification, address);
        mailed_keys::prepare_for(app, tx, holder, key, (about, &whose.id, *granted)).await?;
    }
    custom_fields::hold(app, house, tx, customer, assignments).await
}

async fn insert(app: &App, house: &Reach, tx: &mut Tx, candidate: &Candidate) -> Result<()> {
    let Candidate {
        customer,
        user,
        storage,
        ..
    } = candidate;
    user_store::insert_in(&app.database, house, tx, user, storage).await?;
    let customers = app.database.open::<Customer>(house);
    customers.insert_in(tx, house, customer).await
}

/// Writes as many documents and index entries as [`insert`].
async fn insert_decoys(app: &App, tx: &mut Tx, candidate: &Candidate) -> Result<()> {
    let Candidate {
        customer,
        user,
        storage,
        ..
    } = candidate;
    let decoys = &app.decoys;
    decoys.insert_in(tx, user, USER_INDEXES).await?;
    decoys.insert_in(tx, storage, STORAGE_INDEXES).await?;
    decoys.insert_in(tx, customer, store::FILLED_INDEXES).await
}

/// Number of indexes with an entry for a new storefront user.
const USER_INDEXES: usize = 3;
/// Number of indexes with an entry for a new storage.
const STORAGE_INDEXES: usize = 2;
