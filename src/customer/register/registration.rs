//! Registration of customers: the customer, its storefront user with storage, the first session and the merge of an
//! anonymous shopper, in one transaction (CST-01, CST-02).

use super::account::{AccountWrite, NewAccount, NewCustomer, run_numbered};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::session::Session;
use crate::custom_field::assignment::Assignment;
use crate::customer::credentials::{self, Beginner, TokenPair};
use crate::customer::guest::{self, GuestToMerge, MergedGuest};
use crate::customer::mail::{About, Granted};
use crate::customer::sign_in::{SignedIn, Voucher};
use crate::customer::{Customer, custom_fields, limits, refusal, store, unique};
use crate::error::{Error, Result};
use crate::password::Hashed;
use crate::platform::{
    database::{Tx, Write},
    id::CustomerId,
};
use crate::reach::{HouseReach, StorefrontReach};
use crate::storefront::Storefront;
use crate::storefront_user::store::UNIQUE_EXTERNAL_ID;

/// The registration of a customer whose input is checked.
pub struct Registration<'a> {
    /// The app.
    pub app: &'a App,
    /// The caller's reach into the storefront.
    pub place: &'a StorefrontReach,
    /// The storefront.
    pub storefront: &'a Storefront,
    /// The checked input.
    pub new: NewCustomer,
    /// The token of the anonymous user to merge.
    pub anonymous_token: Option<&'a str>,
    /// The client and the device of the first session.
    pub beginner: &'a Beginner<'a>,
}

/// The result of a registration.
pub struct Registered {
    /// The new customer; `None` if the storefront conceals whether it was created.
    pub customer: Option<Customer>,
    /// The tokens of the first session; `None` without a password, and whenever `customer` is `None`.
    pub pair: Option<TokenPair>,
    /// The result of merging an anonymous user.
    pub guest: MergedGuest,
}

impl<'a> Registration<'a> {
    /// Registers the customer. In a storefront that conceals registered addresses this is for its backends only, whose
    /// customers can sign in at once; registrations with a publishable key use [`super::concealed`].
    ///
    /// # Errors
    /// After a concurrent change: EMAIL_TAKEN (400) unless the storefront conceals it, SHOPPER_REFERENCE_TAKEN, or the
    /// errors of custom fields; RATE_LIMITED, SAVE_FAILED (410).
    pub async fn run(mut self) -> Result<Registered> {
        let app = self.app;
        let conceals = self.storefront.conceal_emails;
        let password_hash = match self.new.password.take() {
            Some(password) => Some(app.passwords.hash(password).await?),
            None => None,
        };
        // Counted before it is known whether the address is registered, so that the remaining amount does not reveal
        // it.
        let (account, about) = (&self.new.email.key, About::RegistrationAttempt);
        let granted = match conceals {
            true => Some(limits::mail(app, self.place.id(), account, about).await?),
            false => None,
        };
        let signs_in = password_hash.is_some() && !conceals;
        let mut insertion = self.insertion(password_hash).await?;
        let begun = signs_in.then(|| self.beginner.begin(app, &insertion.account.customer));
        let (session, refresh_token) = begun.unzip();
        insertion.session = session;
        let guest = match (self.save(&mut insertion).await, granted) {
            (Ok(guest), _) => guest,
            (Err(Error::Rejected(_)), Some(granted)) if self.owner().await?.is_some() => {
                self.notify_owner(granted).await?;
                return Ok(insertion.concealed());
            }
            (Err(error), _) => return Err(refusal::save_failed(error, 410)),
        };
        guest::forget(app, &insertion.guest).await;
        if conceals {
            return Ok(insertion.concealed());
        }
        let begun = insertion.session.as_ref().zip(refresh_token);
        let pair = begun.map(|(session, refresh_token)| credentials::pair(app, session, refresh_token));
        Ok(Registered {
            customer: Some(insertion.account.customer),
            pair: pair.transpose()?,
            guest,
        })
    }

    /// Registers a customer for whom a [`Voucher`] vouches, and signs them in. The password is ignored. The owner of a
    /// taken address is not notified: the caller looks the address up first.
    ///
    /// # Errors
    /// EMAIL_TAKEN (400) if a concurrent operation has taken the address; the errors of the voucher; any other
    /// unchanged.
    pub async fn run_vouched(self, voucher: &dyn Voucher) -> Result<SignedIn> {
        let app = self.app;
        let mut insertion = self.insertion(None).await?;
        let (session, refresh_token) = self.beginner.begin(app, &insertion.account.customer);
        let customer = &mut insertion.account.customer;
        customer.last_login_at = Some(customer.created_at);
        insertion.voucher = Some(voucher);
        insertion.session = Some(session.clone());
        let guest = self.save(&mut insertion).await?;
        guest::forget(app, &insertion.guest).await;
        Ok(SignedIn {
            customer: insertion.account.customer,
            pair: credentials::pair(app, &session, refresh_token)?,
            guest,
        })
    }

    /// Prepares the write, without a number, a session and a voucher.
    async fn insertion(&self, password_hash: Option<Hashed>) -> Result<AccountInsertion<'a>> {
        let Self { app, place, new, .. } = self;
        let guest = guest::find(app, place.id(), None, self.anonymous_token).await?;
        Ok(AccountInsertion {
            app,
            actor: AuditActor::from(place.reach()),
            account: NewAccount::new(app, place, app.clock.now(), new, password_hash),
            session: None,
            guest,
            assignments: new.custom_fields.clone(),
            voucher: None,
        })
    }

    async fn save(&self, insertion: &mut AccountInsertion<'_>) -> Result<MergedGuest> {
        let saved = run_numbered(self.app, &self.storefront.code, insertion).await;
        saved.map_err(unique::taken)
    }

    /// The customer who has the address.
    async fn owner(&self) -> Result<Option<Customer>> {
        let reach = HouseReach::within(self.place.id());
        store::by_email(&self.app.database, &reach, &self.new.email).await
    }

    /// Notifies the owner of the address by mail that a registration with it was attempted (SPR-10), within the limits
    /// on mails.
    async fn notify_owner(&self, granted: Granted) -> Result<()> {
        if let Some(owner) = self.owner().await?
            && granted.is_granted()
        {
            let (app, owner) = (self.app, owner.id);
            let notice = AttemptNotice { app, owner, granted };
            app.database.run(&notice).await?;
        }
        Ok(())
    }
}

/// The write that adds an account, its first session and the merge of an anonymous user. Returns the result of the
/// merge.
struct AccountInsertion<'a> {
    app: &'a App,
    actor: AuditActor,
    account: NewAccount,
    session: Option<Session>,
    guest: GuestToMerge,
    /// The new values of custom fields, to be checked again.
    assignments: Vec<Assignment>,
    voucher: Option<&'a dyn Voucher>,
}

impl AccountInsertion<'_> {
    /// The result if the storefront conceals whether the customer was created. The warning about the anonymous user's
    /// token is the one from before the address was looked up.
    fn concealed(self) -> Registered {
        Registered {
            customer: None,
            pair: None,
            guest: MergedGuest::warned(self.guest.err()),
        }
    }
}

impl AccountWrite for AccountInsertion<'_> {
    // A backend has registered a user with this id.
    const RETRIED: &'static [&'static str] = &[UNIQUE_EXTERNAL_ID];

    fn account(&mut self) -> &mut NewAccount {
        &mut self.account
    }
}

impl Write for AccountInsertion<'_> {
    type Output = MergedGuest;

    /// # Errors
    /// Violations of unique indexes; the errors of the voucher; CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID
    /// if a field or an option was deleted meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<MergedGuest> {
        let Self { app, account, .. } = self;
        let customer = &account.customer;
        let reach = HouseReach::within(&customer.storefront_id);
        account.insert_in(app, &reach, tx).await?;
        let mut entries = vec![customer.entry(Action::Registered)];
        if let Some(session) = &self.session {
            credentials::store_in(app, tx, customer, session).await?;
            entries.push(customer.entry(Action::SignedIn).on(&session.id));
        }
        app.audit.note_in(tx, &self.actor, entries).await?;
        if let Some(voucher) = self.voucher {
            voucher.write(&reach, tx, customer).await?;
        }
        let merged = guest::merge_in(app, &self.actor, tx, &self.guest, customer).await?;
        custom_fields::hold(app, &reach, tx, customer, &self.assignments).await?;
        Ok(merged)
    }
}

/// The write that queues the notice of an attempted registration to the owner of the address.
struct AttemptNotice<'a> {
    app: &'a App,
    owner: CustomerId,
    granted: Granted,
}

impl Write for AttemptNotice<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, owner, granted } = self;
        granted.enqueue(app, tx, owner, About::RegistrationAttempt).await
    }
}
