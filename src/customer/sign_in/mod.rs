//! Sign-in and sign-out of customers. However a customer was authenticated, the same write begins the session.

pub mod issue;
pub mod password;
pub mod refresh;
pub mod revoke;

use async_graphql::SimpleObject;
use bson::{Document, doc};
use futures_util::future::BoxFuture;

use super::credentials::{self, Beginner, CustomerToken, TokenPair};
use super::guest::{self, GuestToMerge, MergedGuest};
use super::lockout;
use super::node::CustomerNode;
use super::{Customer, refusal};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::session::{EndedSessions, Session};
use crate::error::{Result, UserError};
use crate::mutation::Payload;
use crate::password::Hashed;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write},
    id::{IdentityId, SessionId},
    scalar::wire_count,
};
use crate::reach::{HouseReach, Reach, principal::Policy, scope::Scope};

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
        CustomerTokenPayload {
            token: Some(self.pair.into()),
            customer: Some(CustomerNode::in_payload(self.customer, reach)),
            merged_item_count: wire_count(self.guest.items),
            warnings: self.guest.warning.into_iter().collect(),
            user_errors: Vec::new(),
        }
    }
}

/// A party that vouches for a customer, such as an identity provider. It writes its own documents in the transaction that
/// signs the customer in.
pub trait Voucher: Send + Sync {
    /// Writes its documents within the transaction, which may run more than once.
    fn write<'t>(
        &'t self,
        reach: &'t HouseReach,
        tx: &'t mut Tx,
        customer: &'t Customer,
    ) -> BoxFuture<'t, Result<()>>;

    /// The identity with which this sign-in is the first proof of the account's address, which ends every other earlier
    /// way to sign in (CST-06); `None` if it is no such proof.
    fn first_proof(&self) -> Option<&IdentityId>;
}

/// The sign-in of a customer who has been authenticated.
pub struct SignIn<'a> {
    /// The app.
    pub app: &'a App,
    /// The customer.
    pub customer: &'a Customer,
    /// Who signs the customer in, for the audit trail.
    pub actor: AuditActor,
    /// How the customer is signed in, for the audit trail.
    pub action: Action,
    /// Replaces the stored hash of the password.
    pub new_hash: Option<Hashed>,
    /// The party that vouches for the customer and writes its own documents with the session.
    pub voucher: Option<&'a dyn Voucher>,
    /// The token of the anonymous user to merge.
    pub anonymous_token: Option<&'a str>,
    /// The client and the device that start the session.
    pub beginner: &'a Beginner<'a>,
}

impl<'a> SignIn<'a> {
    /// A sign-in by the customer, without a new hash, a voucher and an anonymous user.
    #[must_use]
    pub fn new(app: &'a App, customer: &'a Customer, beginner: &'a Beginner<'a>) -> Self {
        Self {
            app,
            customer,
            actor: AuditActor::customer(&customer.id),
            action: Action::SignedIn,
            new_hash: None,
            voucher: None,
            anonymous_token: None,
            beginner,
        }
    }

    /// Begins a session.
    ///
    /// # Errors
    /// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher; any other unchanged.
    pub async fn run(self) -> Result<SignedIn> {
        let Self { app, customer, .. } = self;
        let (session, refresh_token) = self.beginner.begin(app, customer);
        let (storefront, own) = (&customer.storefront_id, Some(&customer.user_id));
        let guest = guest::find(app, storefront, own, self.anonymous_token).await?;
        let beginning = SessionBeginning {
            at: app.clock.now(),
            sign_in: self,
            session,
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
            pair: credentials::pair(app, &beginning.session, refresh_token)?,
            guest: stored.guest,
        })
    }
}

/// The write that begins a session and merges an anonymous user.
struct SessionBeginning<'a> {
    sign_in: SignIn<'a>,
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

impl Write for SessionBeginning<'_> {
    type Output = StoredSignIn;

    /// # Errors
    /// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher.
    async fn write(&self, tx: &mut Tx) -> Result<StoredSignIn> {
        let SignIn { app, actor, .. } = &self.sign_in;
        let known = self.sign_in.customer;
        let reach = HouseReach::within(&known.storefront_id);
        let customers = app.database.open::<Customer>(&reach);
        let updated = customers.update_in(tx, self.unchanged(), self.update()).await?;
        let customer = updated.ok_or_else(refusal::credentials_invalid)?;
        let mut entries = Vec::new();
        let mut locked_out = None;
        if let Some(identity) = self.first_proof() {
            entries.push(customer.entry(Action::EmailVerified));
            let lockout = lockout::lock_out_in(app, &reach, tx, known, Some(identity)).await?;
            entries.extend(lockout.entries);
            locked_out = Some(lockout.ended);
        }
        let ended = credentials::store_in(app, tx, &customer, &self.session).await?;
        entries.push(customer.entry(self.sign_in.action).on(&self.session.id));
        app.audit.note_in(tx, actor, entries).await?;
        if let Some(voucher) = self.sign_in.voucher {
            voucher.write(&reach, tx, &customer).await?;
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

impl SessionBeginning<'_> {
    /// The identity with which the sign-in is the first proof of the account's address.
    fn first_proof(&self) -> Option<&IdentityId> {
        self.sign_in.voucher.and_then(Voucher::first_proof)
    }

    /// The filter for the customer as it was authenticated. If the password was changed meanwhile, all sessions were
    /// ended, this one included.
    fn unchanged(&self) -> Document {
        let known = self.sign_in.customer;
        let mut unchanged = doc! { "_id": &known.id, "credentialEpoch": known.credential_epoch };
        if self.first_proof().is_some() {
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
        if self.first_proof().is_some() {
            set.extend(doc! { "isEmailVerified": true, "updatedAt": self.sign_in.app.clock.now() });
            return lockout::proven(self.sign_in.customer, set, true);
        }
        // Two sign-ins within one millisecond write the same `lastLoginAt`, which the database does not treat as a
        // change. The counter makes them conflict, so that the limit on sessions is exact.
        doc! { "$set": set, "$inc": { "signIns": 1_i64 } }
    }
}
