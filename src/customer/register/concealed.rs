//! Registration in a storefront that conceals which addresses are registered (SPR-10): for the caller, a taken address
//! costs the same as a free one and reveals as little.
//!
//! In both cases a hash is computed, a number is used up, the same limits apply, the same kinds of commands are sent,
//! and one mail is sent: a free address receives a token that verifies it, the owner of a taken one a notice. A new
//! account can be signed in to once its address is verified. An anonymous user is left unchanged and merged at the
//! first sign-in.

use super::account::{AccountWrite, NewAccount, NewCustomer, run_numbered};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::one_time::{KeyHolder, Purpose};
use crate::custom_field::assignment::Assignment;
use crate::customer::{
    Customer, custom_fields,
    email::Email,
    limits,
    mail::{About, Granted},
    mailed::keys::KeyMail,
    refusal,
    store::{self, UNIQUE_EMAIL},
};
use crate::error::Result;
use crate::platform::{
    database::{Tx, Write},
    id::{CustomerId, OrganizationId, StorefrontUserId},
};
use crate::reach::{HouseReach, StorefrontReach};
use crate::storefront::Storefront;
use crate::storefront_user::store::UNIQUE_EXTERNAL_ID;

/// Number of indexes with an entry for a new storefront user.
const USER_INDEXES: usize = 3;
/// Number of indexes with an entry for a new storage.
const STORAGE_INDEXES: usize = 2;

/// Registers a customer whose input is checked, if the address is free. The response is the same in both cases.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted meanwhile, RATE_LIMITED,
/// SAVE_FAILED (410).
pub async fn register(
    app: &App,
    place: &StorefrontReach,
    storefront: &Storefront,
    mut new: NewCustomer,
) -> Result<()> {
    let hash = match new.password.take() {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let mut account = NewAccount::new(app, place, now, &new, hash);
    account.customer.awaits_proof = true;
    account.customer.last_login_at = None;
    // One limit for both kinds of mail.
    let granted = limits::mail(app, place.id(), &new.email.key, About::RegistrationAttempt).await?;
    let mut registration = ConcealedRegistration {
        app,
        actor: AuditActor::from(place.reach()),
        organization: place.reach().identity().organization(),
        email: new.email,
        account,
        assignments: new.custom_fields,
        decoy_customer: CustomerId::fresh(now, &app.random),
        decoy_user: StorefrontUserId::fresh(now, &app.random),
        granted,
    };
    let saved = run_numbered(app, &storefront.code, &mut registration).await;
    saved.map_err(|error| refusal::save_failed(error, 410))
}

/// The write that adds the account if the address is free, and otherwise writes as much.
struct ConcealedRegistration<'a> {
    app: &'a App,
    actor: AuditActor,
    organization: &'a OrganizationId,
    email: Email,
    account: NewAccount,
    assignments: Vec<Assignment>,
    /// The holder of a key that is prepared for no customer and sent to nobody: no customer has these ids.
    decoy_customer: CustomerId,
    decoy_user: StorefrontUserId,
    /// Whether the limits allow a mail to the address now.
    granted: Granted,
}

impl AccountWrite for ConcealedRegistration<'_> {
    // A backend has registered a user with this id, or a concurrent operation has taken the address.
    const RETRIED: &'static [&'static str] = &[UNIQUE_EXTERNAL_ID, UNIQUE_EMAIL];

    fn account(&mut self) -> &mut NewAccount {
        &mut self.account
    }
}

impl Write for ConcealedRegistration<'_> {
    type Output = ();

    /// # Errors
    /// Violations of unique indexes; CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was
    /// deleted meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, account, .. } = self;
        let customer = &account.customer;
        let reach = HouseReach::within(&customer.storefront_id);
        // Registrations with the same address wait for each other, whatever their result.
        let turn = format!("registration {} {}", customer.storefront_id, self.email.key);
        app.decoys.take_turn_in(tx, &turn).await?;
        let owner = store::by_email_in(&app.database, &reach, tx, &self.email).await?;
        let entry = match &owner {
            None => {
                account.insert_in(app, &reach, tx).await?;
                customer.entry(Action::Registered)
            }
            Some(owner) => {
                self.insert_decoys_in(tx).await?;
                owner.entry(Action::RegistrationAttempted)
            }
        };
        app.audit.note_in(tx, &self.actor, [entry]).await?;
        if self.granted.is_granted() {
            self.prepare_mail_in(tx, owner.as_ref()).await?;
        }
        custom_fields::hold(app, &reach, tx, customer, &self.assignments).await
    }
}

impl ConcealedRegistration<'_> {
    /// Writes as many documents and index entries as [`NewAccount::insert_in`].
    async fn insert_decoys_in(&self, tx: &mut Tx) -> Result<()> {
        let (decoys, account) = (&self.app.decoys, &self.account);
        decoys.insert_in(tx, &account.user, USER_INDEXES).await?;
        decoys.insert_in(tx, &account.storage, STORAGE_INDEXES).await?;
        decoys
            .insert_in(tx, &account.customer, store::FILLED_INDEXES)
            .await
    }

    /// Prepares the mail to the address and a key. The mail contains the key if the recipient's address is not verified
    /// yet; otherwise it is a notice, and nobody receives the key.
    async fn prepare_mail_in(&self, tx: &mut Tx, owner: Option<&Customer>) -> Result<()> {
        let (recipient, address) = match owner {
            None => (&self.account.customer, self.email.written.as_str()),
            // The owner has not verified the address yet: perhaps the first mail was lost.
            Some(owner) if owner.awaits_proof => (owner, owner.email.as_deref().unwrap_or_default()),
            Some(owner) => (owner, ""),
        };
        let (about, user, customer) = match recipient.awaits_proof {
            true => (About::EmailVerification, &recipient.user_id, &recipient.id),
            false => (About::RegistrationAttempt, &self.decoy_user, &self.decoy_customer),
        };
        let holder = KeyHolder {
            organization: self.organization,
            storefront: &recipient.storefront_id,
            user,
            customer,
        };
        let key = KeyMail {
            app: self.app,
            holder,
            purpose: Purpose::EmailVerification,
            address,
            about,
            recipient: &recipient.id,
            granted: self.granted,
        };
        key.write(tx).await
    }
}
