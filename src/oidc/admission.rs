//! Selects the account of a person whom a provider has authenticated: the linked one, one that can be linked, or a new
//! one (EPC-09).

use std::sync::Arc;

use bson::doc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::claims::Profile;
use super::exchange::AuthenticatedPerson;
use super::{IdentityProvider, MAX_IDENTITIES, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::customer::{
    Customer,
    anonymization::AnonymizationStatus,
    credentials::Beginner,
    email::Email,
    identity::LinkedIdentity,
    limits,
    mail::{About, Granted},
    refusal::save_failed,
    register::{self, account::NewCustomer, registration::Registration},
    sign_in::{SignIn, SignedIn, Voucher},
    store::by_email,
};
use crate::error::{Error, Result, UserErrorCode};
use crate::platform::{
    database::{Tx, violated_index},
    id::IdentityId,
};
use crate::reach::{HouseReach, StorefrontReach};

/// Of two concurrent first sign-ins one creates the account, and the other finds it in the next round. More rounds
/// indicate a fault.
const ROUNDS: usize = 5;

/// A person whom a provider has authenticated, and the sign-in for which their account is selected.
pub struct Admission<'a> {
    /// The app.
    pub app: &'a Arc<App>,
    /// The storefront.
    pub place: &'a StorefrontReach,
    /// The provider.
    pub provider: &'a IdentityProvider,
    /// The person.
    pub person: &'a AuthenticatedPerson,
    /// The token of the anonymous user whose private storage is merged into the customer's.
    pub anonymous_token: Option<&'a str>,
    /// The client and the device that start the session.
    pub beginner: &'a Beginner<'a>,
}

/// What the transaction of the sign-in writes about the identity.
struct IdentityLink<'a> {
    app: &'a App,
    provider: &'a IdentityProvider,
    subject: &'a str,
    is_email_proven: bool,
    /// Permission for the mail that informs the holder of an existing account about the new way to sign in.
    notice: Option<Granted>,
    /// The existing identity; `None` creates one.
    known: Option<IdentityId>,
    /// Whether nobody has proven ownership of the account's address before.
    is_first_proof: bool,
}

impl Voucher for IdentityLink<'_> {
    fn first_proof(&self) -> Option<&IdentityId> {
        self.known.as_ref().filter(|_| self.is_first_proof)
    }

    fn write<'t>(
        &'t self,
        reach: &'t HouseReach,
        tx: &'t mut Tx,
        customer: &'t Customer,
    ) -> BoxFuture<'t, Result<()>> {
        async move {
            let identities = self.app.database.open::<LinkedIdentity>(reach);
            if let Some(known) = &self.known {
                let proven = doc! { "$set": { "isEmailProven": self.is_email_proven } };
                let updated = identities.update_in(tx, doc! { "_id": known }, proven).await?;
                // The identity was removed meanwhile, with the account or the provider.
                return updated.map(drop).ok_or_else(|| refusal::account_is_gone().into());
            }
            // Updates the customer, so that of two concurrent transactions one is retried and counts the other's
            // identity. The sign-in itself may change nothing: two in the same millisecond write the same time.
            let customers = self.app.database.open::<Customer>(reach);
            let touch = doc! { "$inc": { "identityLinks": 1_i64 } };
            let named = doc! { "_id": &customer.id };
            customers.update_in(tx, named, touch).await?;
            let theirs = doc! { "storefrontId": &customer.storefront_id, "userId": &customer.user_id };
            if identities.find_in(tx, theirs).await?.len() >= MAX_IDENTITIES {
                return Err(refusal::too_many_identities().into());
            }
            let now = self.app.clock.now();
            let identity = LinkedIdentity {
                id: IdentityId::fresh(now, &self.app.random),
                storefront_id: customer.storefront_id.clone(),
                user_id: customer.user_id.clone(),
                customer_id: customer.id.clone(),
                provider_id: self.provider.id.clone(),
                subject: self.subject.to_owned(),
                is_email_proven: self.is_email_proven,
                created_at: now,
            };
            identities.insert_in(tx, reach, &identity).await?;
            if let Some(granted) = self.notice {
                granted
                    .enqueue_link(self.app, tx, &customer.id, &self.provider.name)
                    .await?;
            }
            let linked = customer.entry(Action::IdentityLinked).on(&self.provider.id);
            self.app
                .audit
                .note_in(tx, AuditActor::customer(&customer.id), [linked])
                .await
        }
        .boxed()
    }
}

/// Whether a concurrent request took the subject or the address between the lookup and the write.
fn is_concurrent_conflict(error: &Error) -> bool {
    match error {
        Error::Rejected(faults) => faults.iter().any(|fault| fault.code == UserErrorCode::EmailTaken),
        other => violated_index(other) == Some(store::UNIQUE_SUBJECT),
    }
}

impl Admission<'_> {
    /// Signs the person in.
    ///
    /// # Errors
    /// IDENTITY_NOT_LINKED, TOO_MANY for the 21st identity of an account, CREDENTIALS_INVALID for an account that is
    /// erased or whose erasure has started, SAVE_FAILED (410); IDENTITY_PROVIDER_REJECTED if the provider does not
    /// return the profile.
    pub async fn run(&self) -> Result<SignedIn> {
        let mut profile = None;
        let mut round = 1;
        loop {
            match self.round(&mut profile).await {
                Err(error) if round < ROUNDS && is_concurrent_conflict(&error) => round += 1,
                outcome => return outcome.map_err(|error| save_failed(error, 410)),
            }
        }
    }

    /// The reach for the accounts and identities of the storefront, which the caller does not reach.
    fn reach(&self) -> HouseReach {
        HouseReach::within(self.place.id())
    }

    async fn round(&self, profile: &mut Option<Profile>) -> Result<SignedIn> {
        let (database, reach) = (&self.app.database, self.reach());
        let known = store::by_subject(database, &reach, self.provider, &self.person.subject);
        if let Some(known) = known.await? {
            return self.return_to(known).await;
        }
        let profile = match profile {
            Some(profile) => profile,
            None => profile.insert(self.person.profile(self.app, self.provider).await?),
        };
        // The response to an address that the provider has not verified must not disclose whether it is registered
        // (SPR-10).
        if !profile.is_email_verified && register::storefront(self.app, self.place).await?.conceal_emails {
            let message = "This storefront creates and links accounts only if the identity provider has verified the e-mail \
                           address.";
            return Err(refusal::not_linked(message).into());
        }
        let Some(email) = &profile.email else {
            let message =
                "The identity provider returned no valid e-mail address, which an account requires.";
            return Err(refusal::not_linked(message).into());
        };
        match by_email(database, &reach, email).await? {
            Some(customer) => self.link(customer, profile).await,
            None => self.register(email, profile).await,
        }
    }

    fn link_to(&self, known: Option<IdentityId>, is_email_proven: bool) -> IdentityLink<'_> {
        IdentityLink {
            app: self.app,
            provider: self.provider,
            subject: &self.person.subject,
            is_email_proven,
            notice: None,
            known,
            is_first_proof: false,
        }
    }

    /// Signs in to the account that the identity is linked to.
    async fn return_to(&self, known: LinkedIdentity) -> Result<SignedIn> {
        let customers = self.app.database.open::<Customer>(&self.reach());
        let customer = customers.get(&known.customer_id).await?;
        let customer = customer.ok_or_else(refusal::account_is_gone)?;
        if is_closed(&customer) {
            return Err(refusal::account_is_gone().into());
        }
        let mut is_email_proven = known.is_email_proven;
        if !customer.is_email_verified || !is_email_proven {
            let profile = self.person.profile(self.app, self.provider).await?;
            is_email_proven = proves(&profile, &customer);
            if !is_email_proven && customer.is_email_verified {
                let message = "The account's e-mail address was verified after this identity was linked, and the identity \
                               provider does not confirm that it belongs to this identity.";
                return Err(refusal::not_linked(message).into());
            }
        }
        let link = IdentityLink {
            is_first_proof: is_email_proven && !customer.is_email_verified,
            ..self.link_to(Some(known.id), is_email_proven)
        };
        self.sign_in(customer, link).await
    }

    /// Links the identity to the account that has the address, and signs in.
    async fn link(&self, customer: Customer, profile: &Profile) -> Result<SignedIn> {
        if is_closed(&customer) || !customer.is_email_verified || !proves(profile, &customer) {
            let message = "An account with this e-mail address exists, and this identity is not linked to it. An identity is \
                           linked only if both the gateway and the identity provider have verified the address.";
            return Err(refusal::not_linked(message).into());
        }
        let link = IdentityLink {
            notice: Some(limits::notice(self.app, &customer, About::IdentityLinked).await?),
            ..self.link_to(None, true)
        };
        self.sign_in(customer, link).await
    }

    async fn sign_in(&self, customer: Customer, link: IdentityLink<'_>) -> Result<SignedIn> {
        let sign_in = SignIn {
            voucher: Some(&link),
            anonymous_token: self.anonymous_token,
            ..SignIn::new(self.app, &customer, self.beginner)
        };
        sign_in.run().await
    }

    /// Registers a new account.
    async fn register(&self, email: &Email, profile: &Profile) -> Result<SignedIn> {
        let storefront = register::storefront(self.app, self.place).await?;
        let new = NewCustomer {
            email: email.clone(),
            is_email_verified: profile.is_email_verified,
            password: None,
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            salutation: None,
            gender: None,
            date_of_birth: None,
            shopper_reference: None,
            terms: None,
            custom_fields: Vec::new(),
        };
        let link = self.link_to(None, profile.is_email_verified);
        let registration = Registration {
            app: self.app,
            place: self.place,
            storefront: &storefront,
            new,
            anonymous_token: self.anonymous_token,
            beginner: self.beginner,
        };
        registration.run_vouched(&link).await
    }
}

/// Whether the provider confirms that this person owns the customer's address.
fn proves(profile: &Profile, customer: &Customer) -> bool {
    let key = profile.email.as_ref().map(|email| &email.key);
    profile.is_email_verified && key.is_some() && key == customer.email_key.as_ref()
}

/// Whether the account's erasure has started, which prevents sign-ins (ERA-02).
fn is_closed(customer: &Customer) -> bool {
    use AnonymizationStatus::{Cancelled, Completed, Failed, InProgress, Requested};
    match customer.erasure() {
        None | Some(Requested | Cancelled) => false,
        Some(InProgress | Completed | Failed) => true,
    }
}
