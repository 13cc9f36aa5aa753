//! `customerPasswordReset`: resets the password with a mailed key and signs the customer in (SPR-90).

use std::sync::Arc;

use async_graphql::InputObject;
use bson::{Document, doc};

use super::keys;
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::{
    one_time::{OneTimeKey, Purpose},
    session::Session,
};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    anonymization::open,
    credentials::{self, Beginner, CustomerToken},
    identity, limits,
    mail::{About, Granted},
    node::CustomerNode,
    password::{ReplacedPassword, checked_password, new_password, replace_sessions_in},
    refusal,
};
use crate::error::{Faults, Result, UserError};
use crate::mutation::mutation;
use crate::password::{Hashed, PasswordField};
use crate::platform::database::{Tx, Write};
use crate::reach::Reach;

/// The input field with the key.
const KEY: &str = "restorePasswordKey";

/// The input field with the new password.
const PASSWORD: PasswordField = PasswordField {
    field: "password",
    legacy_code: Some(408),
};

/// Input of `customerPasswordReset`: the key and the new password.
#[derive(InputObject)]
pub struct CustomerPasswordResetInput {
    /// The Password Reset Key from the mail.
    restore_password_key: String,
    /// New password, by default 7 to 128 characters.
    password: String,
    /// Repetition of the new password.
    confirm_password: String,
}

mutation! {
    /// Resets the password with a key from a mail and signs the customer in.
    /// Requires no credential; any credential is accepted.
    /// User errors: RESET_KEY_INVALID (415), RESET_KEY_EXPIRED (415), PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT
    /// (408), PASSWORD_TOO_LONG (408), PASSWORD_TOO_COMMON (408), RATE_LIMITED, SAVE_FAILED (407).
    /// A key works once; a rejected password does not use it up. All other sessions are revoked, the e-mail address
    /// becomes verified, and a notice is mailed. If the address was unverified before, linked identities are removed.
    CustomerPasswordReset.customer_password_reset = reset(
        #[graphql(desc = "The key and the new password.")] input: CustomerPasswordResetInput,
    ) -> CustomerPasswordResetPayload;

    /// Payload of `customerPasswordReset`.
    payload {
        /// The signed-in customer; null when there are user errors.
        customer: CustomerNode,
        /// Tokens of a new session, which replace all earlier tokens; null when there are user errors.
        token: CustomerToken,
    }
}

async fn reset(
    context: &Arc<RequestContext>,
    input: CustomerPasswordResetInput,
) -> Result<CustomerPasswordResetPayload> {
    let app = &context.app;
    let mut faults = Faults::default();
    let redeemer = faults.absorb(Redeemer::find(app, &input.restore_password_key).await)?;
    let password = checked_password(
        context,
        &mut faults,
        input.password,
        Some(input.confirm_password),
        PASSWORD,
    );
    let (redeemer, password) = faults.finish((redeemer, Some(password)))?;
    let Redeemer { key, customer, reach } = redeemer;
    let hash = app.passwords.hash(password).await?;
    let (session, refresh_token) = Beginner::of_key(context, &key).begin(app, &customer);
    let reset = PasswordReset {
        app,
        reach: &reach,
        key: &key,
        hash,
        notice: limits::notice(app, &customer, About::PasswordChanged).await?,
        session,
    };
    let written = app.database.run_pressing(&reset).await;
    let written = written.map_err(|error| refusal::save_failed(error, 407))?;
    let ReplacedPassword { customer, ended } = written.ok_or_else(key_invalid)?;
    app.access.forget_ended(&ended).await;
    let pair = credentials::pair(app, &reset.session, refresh_token)?;
    limits::signed_in(context, &customer).await;
    Ok(CustomerPasswordResetPayload::of(
        CustomerNode::in_payload(customer, &reach),
        pair.into(),
    ))
}

fn key_invalid() -> UserError {
    keys::invalid(Purpose::PasswordReset, KEY)
}

/// A customer who may choose a new password with a key.
struct Redeemer {
    key: OneTimeKey,
    customer: Customer,
    /// The reach of the key's holder.
    reach: Reach,
}

impl Redeemer {
    /// Finds the customer who may choose a new password with this key.
    ///
    /// # Errors
    /// RESET_KEY_INVALID (415), also if the customer no longer has the address that the key was mailed to;
    /// RESET_KEY_EXPIRED (415).
    async fn find(app: &App, secret: &str) -> Result<Self> {
        let key = keys::look_up(app, secret, Purpose::PasswordReset, KEY).await?;
        let reach = app.access.reach_of_key(&key);
        let customers = app.database.open::<Customer>(&reach);
        let customer = customers.get(&key.customer_id).await?;
        let customer = customer.filter(|customer| keys::is_bound_to(&key, customer));
        let customer = customer.ok_or_else(key_invalid)?;
        Ok(Self { key, customer, reach })
    }
}

/// The write that sets a new password with a valid key. All sessions end, and a new one begins. Returns `None` if a
/// concurrent call has consumed the key, or the address has changed meanwhile.
struct PasswordReset<'a> {
    app: &'a App,
    reach: &'a Reach,
    key: &'a OneTimeKey,
    hash: Hashed,
    /// The result of the limits on the notice to the customer.
    notice: Granted,
    session: Session,
}

impl PasswordReset<'_> {
    /// Consumes the key and returns its customer; `None` if the key is no longer valid.
    async fn redeem_in(&self, tx: &mut Tx) -> Result<Option<Customer>> {
        let Self { app, reach, key, .. } = *self;
        if !app.one_time.use_up_in(tx, key).await? {
            return Ok(None);
        }
        let customers = app.database.open::<Customer>(reach);
        let named = open(doc! { "_id": &key.customer_id });
        let known = customers.find_one_in(tx, named).await?;
        // The key may have been mailed to an address that is no longer the account's.
        Ok(known.filter(|known| keys::is_bound_to(key, known)))
    }

    /// The update of the customer.
    fn update(&self) -> Document {
        let mut update = new_password(self.app, &self.hash);
        update.insert("$unset", doc! { "awaitsProof": "" });
        if let Ok(set) = update.get_document_mut("$set") {
            set.insert("isEmailVerified", true);
            set.insert("lastLoginAt", self.app.clock.now());
        }
        update
    }
}

impl Write for PasswordReset<'_> {
    type Output = Option<ReplacedPassword>;

    async fn write(&self, tx: &mut Tx) -> Result<Option<ReplacedPassword>> {
        let Self { app, reach, .. } = *self;
        let Some(known) = self.redeem_in(tx).await? else {
            return Ok(None);
        };
        let named = doc! { "_id": &known.id };
        let customers = app.database.open::<Customer>(reach);
        let Some(customer) = customers.update_in(tx, named, self.update()).await? else {
            return Ok(None);
        };
        let unlinked = match known.is_email_verified {
            true => Vec::new(),
            // First proof of the address: earlier registrants of the account lose every way to sign in (CST-06).
            false => identity::unlink_all_in(&app.database, reach, tx, &customer, None).await?,
        };
        app.one_time.void_in(tx, &customer.id, &Purpose::ALL).await?;
        let ended = replace_sessions_in(app, tx, &customer, &self.session).await?;
        self.notice
            .enqueue(app, tx, &customer.id, About::PasswordChanged)
            .await?;
        let entries = [
            customer.entry(Action::PasswordReset),
            customer.entry(Action::SignedIn).on(&self.session.id),
        ];
        let actor = AuditActor::customer(&customer.id);
        let entries = entries.into_iter().chain(unlinked);
        app.audit.note_in(tx, actor, entries).await?;
        Ok(Some(ReplacedPassword { customer, ended }))
    }
}
