//! Redemption of a token that proves the ownership of an address: it verifies the account's address, or changes the
//! address of the account.
//!
//! The first proof of an address ends every earlier way to sign in (see [`lockout`]). A caller who also proves, by a
//! session or the password of the account, that the account is theirs keeps all of them.

use std::sync::Arc;

use bson::{Document, doc};

use super::keys::{invalid, is_bound_to, look_up};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::{
    one_time::{OneTimeKey, Purpose},
    session::EndedSessions,
};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    anonymization::open,
    email, lockout,
    node::CustomerNode,
    password::current::{self, check_current},
    refusal,
    unique::taken,
};
use crate::error::{Error, Result};
use crate::platform::{
    database::{Tx, Write},
    secret::Secret,
};
use crate::reach::Reach;

/// The input field with the token.
const FIELD: &str = "token";

/// Redeems a token that proves the ownership of an address.
///
/// # Errors
/// EMAIL_TOKEN_INVALID, also if a concurrent call has consumed it or the address has changed meanwhile;
/// EMAIL_TOKEN_EXPIRED, PASSWORD_INVALID (408), EMAIL_TAKEN (400), RATE_LIMITED, SAVE_FAILED (410).
pub async fn redeem(
    context: &Arc<RequestContext>,
    token: &str,
    password: Option<String>,
    purpose: Purpose,
) -> Result<CustomerNode> {
    let app = &context.app;
    let key = look_up(app, token, purpose, FIELD).await?;
    let proof = ownership_proof(context, &key, password.map(Secret::from)).await?;
    let reach = app.access.reach_of_key(&key);
    let redemption = Redemption {
        app,
        reach: &reach,
        key: &key,
        proof,
    };
    let written = app.database.run(&redemption).await.map_err(taken);
    let written = written.map_err(|error| refusal::save_failed(error, 410))?;
    let redeemed = written.ok_or_else(|| invalid(purpose, FIELD))?;
    if let Some(ended) = &redeemed.locked_out {
        app.access.forget_ended(ended).await;
    }
    Ok(CustomerNode::in_payload(redeemed.customer, &reach))
}

/// The proof of the account's ownership that the caller presents beside the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnershipProof {
    /// None: the caller is only known to read the mailbox.
    Nothing,
    /// A live session of the account.
    Session,
    /// The account's password, checked at this `credential_epoch` of the customer.
    Password { epoch: i64 },
}

/// Determines the caller's proof: the password, if one is sent, otherwise the request's own token.
///
/// # Errors
/// PASSWORD_INVALID (408) on `password`, without consuming the token; EMAIL_TOKEN_INVALID if the token's account was
/// deleted or erased or now has another address; RATE_LIMITED.
async fn ownership_proof(
    context: &RequestContext,
    key: &OneTimeKey,
    password: Option<Secret>,
) -> Result<OwnershipProof> {
    let app = &context.app;
    if let Some(password) = password {
        let customers = app.database.open::<Customer>(&app.access.reach_of_key(key));
        let customer = customers.get(&key.customer_id).await?;
        let customer = customer.filter(|customer| !customer.is_being_erased() && is_good_for(key, customer));
        let customer = customer.ok_or_else(|| invalid(key.purpose, FIELD))?;
        check_current(context, &customer, password).await?;
        return Ok(OwnershipProof::Password {
            epoch: customer.credential_epoch,
        });
    }
    let identity = context.principal.standing();
    let person = identity.and_then(|identity| identity.person());
    if let Some((customer, session)) = person.and_then(|person| person.customer.as_ref())
        && *customer == key.customer_id
        && app.access.sessions.find(session).await?.is_some()
    {
        return Ok(OwnershipProof::Session);
    }
    Ok(OwnershipProof::Nothing)
}

/// Whether the key can be redeemed for the customer: a verification must be of the customer's present address.
fn is_good_for(key: &OneTimeKey, customer: &Customer) -> bool {
    key.purpose == Purpose::EmailChange || is_bound_to(key, customer)
}

/// The write that redeems a token. Returns `None` if a concurrent call has consumed it, or the address has changed
/// meanwhile.
struct Redemption<'a> {
    app: &'a App,
    /// The reach of the token's holder.
    reach: &'a Reach,
    key: &'a OneTimeKey,
    proof: OwnershipProof,
}

/// What a [`Redemption`] has written.
struct Redeemed {
    customer: Customer,
    /// The sessions that ended because the caller did not prove that the account is theirs.
    locked_out: Option<EndedSessions>,
}

impl Write for Redemption<'_> {
    type Output = Option<Redeemed>;

    /// # Errors
    /// PASSWORD_INVALID (408) if the password has changed meanwhile; a violation of the index on addresses.
    async fn write(&self, tx: &mut Tx) -> Result<Option<Redeemed>> {
        let Self { app, reach, key, .. } = *self;
        if !app.one_time.use_up_in(tx, key).await? {
            return Ok(None);
        }
        let customers = app.database.open::<Customer>(reach);
        let found = customers.find_one_in(tx, open(doc! { "_id": &key.customer_id }));
        let Some(known) = found.await?.filter(|known| is_good_for(key, known)) else {
            return Ok(None);
        };
        if let OwnershipProof::Password { epoch } = self.proof
            && epoch != known.credential_epoch
        {
            return Err(current::invalid().into());
        }
        let is_change = key.purpose == Purpose::EmailChange;
        let locks_out = self.proof == OwnershipProof::Nothing && (is_change || !known.is_email_verified);
        let update = self.update(&known, locks_out)?;
        let Some(customer) = customers.update_in(tx, doc! { "_id": &known.id }, update).await? else {
            return Ok(None);
        };
        let action = if is_change {
            let void = [Purpose::PasswordReset, Purpose::EmailVerification];
            app.one_time.void_in(tx, &customer.id, &void).await?;
            Action::EmailChanged
        } else {
            Action::EmailVerified
        };
        let mut entries = vec![customer.entry(action)];
        let mut locked_out = None;
        if locks_out {
            let lockout = lockout::lock_out_in(app, reach, tx, &known, None).await?;
            entries.extend(lockout.entries);
            locked_out = Some(lockout.ended);
        }
        let actor = AuditActor::customer(&customer.id);
        app.audit.note_in(tx, actor, entries).await?;
        Ok(Some(Redeemed { customer, locked_out }))
    }
}

impl Redemption<'_> {
    /// The update of the customer.
    fn update(&self, known: &Customer, locks_out: bool) -> Result<Document> {
        let mut set = doc! { "isEmailVerified": true, "updatedAt": self.app.clock.now() };
        if self.key.purpose == Purpose::EmailChange {
            let invalid = || Error::internal("the new address of a pending e-mail change is not valid");
            let email = email::parse(&self.key.email).ok_or_else(invalid)?;
            set.extend(doc! { "email": email.written, "emailKey": email.key });
        }
        Ok(lockout::proven(known, set, locks_out))
    }
}
