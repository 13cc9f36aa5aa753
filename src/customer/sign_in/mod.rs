//! Sign-in and sign-out of customers. However a customer was authenticated, the same write begins the session.

pub mod end;
pub mod issue;
pub mod password;
pub mod refresh;
pub mod revoke;
pub mod vouched;

use async_graphql::SimpleObject;
use bson::{Document, doc};

use super::credentials::{self, Beginner, CustomerToken, TokenPair};
use super::guest::{self, GuestToMerge, MergedGuest, Receiver};
use super::lockout;
use super::node::CustomerNode;
use super::vouched::Voucher;
use super::{Customer, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::session::{EndedSessions, Session};
use crate::error::{Result, UserError, payload};
use crate::mutation::Payload;
use crate::password::Hashed;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write},
    id::SessionId,
    scalar::wire_count,
};
use crate::reach::{Confine, HouseReach, Reach, principal::Policy, scope::Scope};

/// Who may sign a customer in with the customer's own credentials.
pub const SIGN_IN: Policy = Policy::backend(Scope::CustomersWrite).and_public();

/// Payload of `customerTokenCreate`, `customerTokenCreateWithOidc`, `customerTokenIssue` and `customerTokenRefresh`.
#[derive(Default, SimpleObject)]
pub struct CustomerTokenPayload {
    /// Tokens of the session; null when there are user errors.
    token: Option<CustomerToken>,
    /// The signed-in customer; null when there are user errors.
    customer: Option<CustomerNode>,
    /// Number of storage items merged from the anonymous user.
    merged_item_count: i32,
    /// Reasons for which `anonymousUserToken` was not used although the customer was signed in; usually empty.
    warnings: Vec<UserError>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

impl Payload for CustomerTokenPayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::default()
        }
    }
}

/// Returns the payload of a sign-in, with its user errors if it was rejected.
///
/// # Errors
/// Every other error of the sign-in.
pub fn token_payload(outcome: Result<CustomerTokenPayload>) -> Result<CustomerTokenPayload> {
    let (done, user_errors) = payload(outcome)?;
    Ok(done.unwrap_or(CustomerTokenPayload {
        user_errors,
        ..Default::default()
    }))
}

/// A customer who has just been signed in.
pub struct SignedIn {
    /// The customer.
    pub customer: Customer,
    /// The tokens of the session.
    pub pair: TokenPair,
    /// The result of merging an anonymous user.
    pub guest: MergedGuest,
}

impl SignedIn {
    /// Returns the payload, which shows the customer with this reach.
    #[must_use]
    pub fn shown(self, reach: &Reach) -> CustomerTokenPayload {
        let Self {
            customer,
            pair,
            guest,
        } = self;
        CustomerTokenPayload {
            token: Some(pair.into()),
            customer: Some(CustomerNode::in_payload(customer, reach)),
            merged_item_count: wire_count(guest.items),
            warnings: guest.warning.into_iter().collect(),
            user_errors: Vec::new(),
        }
    }
}

/// The sign-in of a customer who has been authenticated.
struct SignIn<'a, R> {
    app: &'a App,
    /// A reach that covers the customer.
    reach: &'a R,
    customer: &'a Customer,
    /// The actor and the action of the entry in the audit trail.
    actor: AuditActor,
    action: Action,
    /// Replaces the stored hash of the password.
    new_hash: Option<Hashed>,
    /// The party that vouches for the customer and writes its own documents with the session.
    voucher: Option<&'a dyn Voucher>,
    /// The token of the anonymous user to merge.
    anonymous_token: Option<&'a str>,
    beginner: &'a Beginner<'a>,
}

impl<R: Confine> SignIn<'_, R> {
    /// Begins a session.
    ///
    /// # Errors
    /// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher; any other unchanged.
    async fn run(self) -> Result<SignedIn> {
        let app = self.app;
        let begun = self.beginner.begin(app, self.customer);
        let receiver = Receiver {
            storefront: &self.customer.storefront_id,
            own: Some(&self.customer.user_id),
        };
        let guest = guest::find(app, receiver, self.anonymous_token).await?;
        let beginning = SessionBeginning {
            at: app.clock.now(),
            sign_in: self,
            session: begun.session,
            guest,
        };
        let stored = app.database.run(&beginning).await?;
        app.access.forget_sessions(&stored.ended).await;
        if let Some(ended) = &stored.locked_out {
            app.access.forget_ended(ended).await;
        }
        guest::forget(app, &beginning.guest).await;
        Ok(SignedIn {
            customer: stored.customer,
            pair: credentials::pair(app, &beginning.session, begun.refresh_token)?,
            guest: stored.guest,
        })
    }
}

/// The write that begins a session and merges an anonymous user.
struct SessionBeginning<'a, R> {
    sign_in: SignIn<'a, R>,
    session: Session,
    guest: GuestToMerge,
    at: Timestamp,
}

/// What a [`SessionBeginning`] has written.
struct StoredSignIn {
    customer: Customer,
    /// Sessions that ended because the customer had too many.
    ended: Vec<SessionId>,
    /// The sessions that ended because the address was proven for the first time.
    locked_out: Option<EndedSessions>,
    guest: MergedGuest,
}

impl<R: Confine> Write for SessionBeginning<'_, R> {
    type Output = StoredSignIn;

    /// # Errors
    /// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher.
    async fn write(&self, tx: &mut Tx) -> Result<StoredSignIn> {
        let SignIn {
            app,
            reach,
            customer: known,
            voucher,
            ..
        } = self.sign_in;
        let actor = &self.sign_in.actor;
        let proof = voucher.and_then(Voucher::first_proof);
        let (filter, update) = (self.unchanged(), self.update());
        let Some(customer) = store::update_in(&app.database, reach, tx, filter, update).await? else {
            return Err(refusal::credentials_invalid().into());
        };
        let mut entries = Vec::new();
        let mut locked_out = None;
        if let Some(identity) = proof {
            entries.push(customer.entry(Action::EmailVerified));
            let lockout = lockout::lock_out_in(app, reach, tx, known, Some(identity)).await?;
            entries.extend(lockout.entries);
            locked_out = Some(lockout.ended);
        }
        let ended = credentials::store_in(app, tx, &customer, &self.session).await?;
        entries.push(customer.entry(self.sign_in.action).on(&self.session.id));
        app.audit.note_in(tx, actor, entries).await?;
        if let Some(voucher) = voucher {
            let whole_storefront = HouseReach::within(&customer.storefront_id);
            voucher.write(&whole_storefront, tx, &customer).await?;
        }
        let guest = guest::merge_in(app, actor, tx, &self.guest, &customer).await?;
        Ok(StoredSignIn {
            customer,
            ended,
            locked_out,
            guest,
        })
    }
}

impl<R: Confine> SessionBeginning<'_, R> {
    /// Whether the sign-in is the first proof of the account's address.
    fn is_first_proof(&self) -> bool {
        let proof = self.sign_in.voucher.and_then(Voucher::first_proof);
        proof.is_some()
    }

    /// The filter for the customer as it was authenticated. If the password was changed meanwhile, all sessions were
    /// ended, this one included.
    fn unchanged(&self) -> Document {
        let known = self.sign_in.customer;
        let mut unchanged = doc! { "_id": &known.id, "credentialEpoch": known.credential_epoch };
        if self.is_first_proof() {
            unchanged.insert("isEmailVerified", false);
        }
        unchanged
    }

    /// The update of the customer.
    fn update(&self) -> Document {
        let mut set = Document::new();
        if let Some(hash) = &self.sign_in.new_hash {
            set.insert("passwordHash", hash.as_str());
        }
        set.insert("lastLoginAt", self.at);
        if self.is_first_proof() {
            set.extend(doc! { "isEmailVerified": true, "updatedAt": self.sign_in.app.clock.now() });
            return lockout::proven(self.sign_in.customer, set, true);
        }
        // Two sign-ins within one millisecond write the same `lastLoginAt`, which the database does not treat as a
        // change. The counter makes them conflict, so that the limit on sessions is exact.
        doc! { "$set": set, "$inc": { "signIns": 1_i64 } }
    }
}
