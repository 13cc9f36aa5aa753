//! Registration of customers: the customer, its storefront user with storage, the first session and the merge of an
//! anonymous shopper, in one transaction (CST-01, CST-02).

use std::sync::Arc;

use futures_util::FutureExt;

use super::credentials;
use super::credentials::{Beginner, TokenPair};
use super::custom_fields;
use super::email::Email;
use super::guest;
use super::guest::{Brought, MergedGuest, Receiver};
use super::limits;
use super::mail::{self, About, Granted};
use super::sign_in::SignedIn;
use super::unique::{self, Unique};
use super::vouched::{Newcomer, Voucher};
use super::{Customer, CustomerStatus, Gender, Salutation, TermsAcceptance, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::session::Session;
use crate::context::RequestContext;
use crate::custom_field::assignment::{Assignment, applied};
use crate::error::{Error, Result};
use crate::password::Hashed;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, violated_index},
    id::CustomerId,
    scalar::Date,
    secret::Secret,
};
use crate::reach::{Reach, StorefrontReach};
use crate::storefront::Storefront;
use crate::storefront_user::{
    StorefrontUser,
    private_storage::PrivateStorage,
    store::{self as user_store, NewUser, UNIQUE_EXTERNAL_ID, UserDocuments},
};

/// Maximum number of reference numbers that are tried for one customer.
pub const MOST_NUMBERS: usize = 100;

/// The checked input for a new customer.
pub struct NewCustomer {
    /// The e-mail address.
    pub email: Email,
    /// Whether a trusted party asserts that the address is verified.
    pub is_email_verified: bool,
    /// The password, if one was chosen.
    pub password: Option<Secret>,
    /// First name; may be missing only if an identity provider does not know it.
    pub first_name: Option<String>,
    /// Last name, under the same condition.
    pub last_name: Option<String>,
    /// Salutation.
    pub salutation: Option<Salutation>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Date of birth.
    pub date_of_birth: Option<Date>,
    /// Set by a backend; generated if missing.
    pub shopper_reference: Option<String>,
    /// The accepted terms; `None` for single sign-on, where accepting them is up to the party that vouches.
    pub terms: Option<Terms>,
    /// Values of custom fields.
    pub custom_fields: Vec<Assignment>,
}

/// The terms that are accepted by a registration.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Version of the terms, as the store names it.
    pub version: Option<String>,
}

/// The result of a registration.
pub struct Registered {
    /// The new customer, signed in if it has a password; `None` if the storefront conceals whether it was created.
    pub new: Option<(Customer, Option<TokenPair>)>,
    /// The result of merging an anonymous user.
    pub taken: MergedGuest,
}

/// The documents that are written in one transaction.
struct RegistrationDocuments<'a> {
    customer: Customer,
    user: StorefrontUser,
    storage: PrivateStorage,
    session: Option<Session>,
    brought: Brought,
    /// The new values of custom fields, to be checked again.
    assignments: Vec<Assignment>,
    voucher: Option<&'a dyn Voucher>,
}

/// Reads the storefront of a registration.
pub async fn storefront(app: &App, place: &StorefrontReach) -> Result<Storefront> {
    let storefronts = app.database.open::<Storefront>(place.reach());
    let storefront = storefronts.get(place.id()).await?;
    storefront.ok_or_else(|| Error::internal("the storefront of the caller does not exist"))
}

/// Checks the limits on registrations and whether the unique values are free, before any work is spent on a hash. If
/// the storefront conceals registered addresses, the address is not looked up (SPR-10).
///
/// If `is_good` is false, the input has errors already; it is checked nevertheless, so that all errors are reported at
/// once. A caller who can learn whether an address is taken uses up a registration in this case too, so that errors do
/// not make the lookup cheaper.
///
/// # Errors
/// RATE_LIMITED, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN.
pub async fn admit(
    context: &RequestContext,
    (place, storefront): (&StorefrontReach, &Storefront),
    mut unique: Unique,
    is_good: bool,
) -> Result<()> {
    unique.email = unique.email.filter(|_| !storefront.conceal_emails);
    if is_good || unique.email.is_some() {
        limits::registration(context, place).await?;
    }
    unique::check(&context.app, place, &unique, None).await
}

/// Registers an admitted customer. In a storefront that conceals registered addresses this is for its backends only,
/// whose customers can sign in at once; registrations with a publishable key use [`super::concealed`].
///
/// # Errors
/// After a concurrent change: EMAIL_TAKEN (400) unless the storefront conceals it, SHOPPER_REFERENCE_TAKEN, or the
/// errors of custom fields; RATE_LIMITED, SAVE_FAILED (410).
pub async fn register(
    app: &Arc<App>,
    (place, storefront): (&StorefrontReach, &Storefront),
    mut new: NewCustomer,
    anonymous_token: Option<&str>,
    beginner: &Beginner<'_>,
) -> Result<Registered> {
    let house = place.of_the_house();
    let conceals = storefront.conceal_emails;
    let password_hash = match new.password.take() {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    // Counted before it is known whether the address is registered, so that the remaining amount does not reveal it.
    let granted = match conceals {
        true => Some(limits::mail(app, place.id(), &new.email.key, About::RegistrationAttempt).await?),
        false => None,
    };
    let signs_in = password_hash.is_some() && !conceals;
    let brought = brought_by_newcomer(app, place, anonymous_token).await?;
    let mut documents = RegistrationDocuments::new(app, place, &new, password_hash, brought);
    let begun = signs_in.then(|| beginner.begin(app, &documents.customer));
    let (session, refresh) = begun.unzip();
    documents.session = session;
    let taken = match save(app, &house, &storefront.code, &mut documents).await {
        Ok(taken) => taken,
        Err(Error::Rejected(_)) if conceals && is_taken(app, &house, &new.email).await? => {
            if let Some(granted) = granted {
                tell_owner(app, &house, &new.email, granted).await?;
            }
            return Ok(documents.concealed());
        }
        Err(error) => return Err(refusal::save_failed(error, 410)),
    };
    guest::forget(app, &documents.brought).await;
    if conceals {
        return Ok(documents.concealed());
    }
    let pair = match (&documents.session, refresh) {
        (Some(session), Some(refresh)) => Some(credentials::pair(app, session, refresh)?),
        _ => None,
    };
    Ok(Registered {
        new: Some((documents.customer, pair)),
        taken,
    })
}

/// Examines the token that a new customer presents.
async fn brought_by_newcomer(app: &App, place: &StorefrontReach, token: Option<&str>) -> Result<Brought> {
    let receiver = Receiver {
        house: &place.of_the_house(),
        storefront: place.id(),
        own: None,
    };
    guest::look(app, receiver, token).await
}

/// Registers a customer for whom a [`Voucher`] vouches, and signs them in. The owner of a taken address is not
/// notified: the caller looks the address up first.
///
/// # Errors
/// EMAIL_TAKEN (400) if a concurrent operation has taken the address; the errors of the voucher; any other unchanged.
pub async fn register_vouched(
    app: &Arc<App>,
    (place, storefront): (&StorefrontReach, &Storefront),
    newcomer: Newcomer<'_>,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let Newcomer {
        new,
        voucher,
        anonymous_token,
    } = newcomer;
    let brought = brought_by_newcomer(app, place, anonymous_token).await?;
    let mut documents = RegistrationDocuments::new(app, place, &new, None, brought);
    let (session, refresh) = beginner.begin(app, &documents.customer);
    documents.customer.last_login_at = Some(documents.customer.created_at);
    documents.voucher = Some(voucher);
    documents.session = Some(session.clone());
    let taken = save(app, &place.of_the_house(), &storefront.code, &mut documents).await?;
    guest::forget(app, &documents.brought).await;
    Ok(SignedIn {
        customer: documents.customer,
        pair: credentials::pair(app, &session, refresh)?,
        taken,
    })
}

async fn is_taken(app: &App, house: &Reach, email: &Email) -> Result<bool> {
    Ok(store::by_email(&app.database, house, email).await?.is_some())
}

/// Mails the owner of an address that somebody tried to register with it (SPR-10), within the limits on mails.
async fn tell_owner(app: &App, house: &Reach, email: &Email, granted: Granted) -> Result<()> {
    let Some(owner) = store::by_email(&app.database, house, email).await? else {
        return Ok(());
    };
    if !granted.is_granted() {
        return Ok(());
    }
    let context = (app, &owner);
    let told = app.database.transaction(context, |tx, (app, owner)| {
        mail::enqueue(app, tx, &owner.id, About::RegistrationAttempt, granted).boxed()
    });
    told.await
}

/// Writes all documents with the next free number, and returns the result of the merge.
async fn save(
    app: &App,
    house: &Reach,
    code: &str,
    documents: &mut RegistrationDocuments<'_>,
) -> Result<MergedGuest> {
    for _ in 0..MOST_NUMBERS {
        let number = store::next_number(&app.database, &documents.customer.storefront_id).await?;
        documents.customer.reference = format!("{code}--{number}");
        documents.customer.reference_number = number;
        documents
            .user
            .external_id
            .clone_from(&documents.customer.reference);
        let context = (app, house, &*documents);
        let written = app.database.transaction(context, |tx, (app, house, documents)| {
            write(app, house, tx, documents).boxed()
        });
        match written.await {
            // A backend has registered a user with this id. Numbers are never reused, so the next one is tried.
            Err(error) if violated_index(&error) == Some(UNIQUE_EXTERNAL_ID) => {}
            outcome => return outcome.map_err(unique::taken),
        }
    }
    Err(Error::internal("no free number for a new customer was found"))
}

impl RegistrationDocuments<'_> {
    /// The documents of a new customer, without its number and session.
    fn new(
        app: &App,
        place: &StorefrontReach,
        new: &NewCustomer,
        password_hash: Option<Hashed>,
        brought: Brought,
    ) -> Self {
        let (customer, user, storage) = account(app, place, app.clock.now(), new, password_hash);
        Self {
            customer,
            user,
            storage,
            session: None,
            brought,
            assignments: new.custom_fields.clone(),
            voucher: None,
        }
    }

    /// The result if the storefront conceals whether the customer was created. The warning about the anonymous user's
    /// token is the one from before the address was looked up.
    fn concealed(self) -> Registered {
        let taken = MergedGuest {
            items: 0,
            warning: self.brought.warning,
        };
        Registered { new: None, taken }
    }
}

/// Creates a customer with its storefront user and storage, without storing them and without a number.
#[must_use]
pub fn account(
    app: &App,
    place: &StorefrontReach,
    now: Timestamp,
    new: &NewCustomer,
    password_hash: Option<Hashed>,
) -> (Customer, StorefrontUser, PrivateStorage) {
    let id = CustomerId::fresh(now, &app.random);
    let regular = NewUser {
        external_id: String::new(),
        expires_at: None,
        customer: Some(id.clone()),
    };
    let UserDocuments { user, storage } = user_store::documents(place, now, &app.random, regular);
    let made_up = || app.random.token();
    let customer = Customer {
        id,
        storefront_id: place.id().clone(),
        user_id: user.id.clone(),
        reference: String::new(),
        reference_number: 0,
        email: Some(new.email.written.clone()),
        email_key: Some(new.email.key.clone()),
        is_email_verified: new.is_email_verified,
        awaits_proof: false,
        credential_epoch: 0,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        salutation: new.salutation,
        gender: new.gender,
        date_of_birth: new.date_of_birth,
        shopper_reference: Some(new.shopper_reference.clone().unwrap_or_else(made_up)),
        order_count: 0,
        status: CustomerStatus::of(0),
        terms: new.terms.as_ref().map(|terms| TermsAcceptance {
            accepted_at: now,
            version: terms.version.clone(),
        }),
        default_shipping_address_id: None,
        default_billing_address_id: None,
        custom_fields: applied(&[], &new.custom_fields),
        group_ids: Vec::new(),
        anonymization: None,
        last_login_at: password_hash.is_some().then_some(now),
        password_hash,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    (customer, user, storage)
}

async fn write(
    app: &App,
    house: &Reach,
    tx: &mut Tx,
    documents: &RegistrationDocuments<'_>,
) -> Result<MergedGuest> {
    let RegistrationDocuments {
        customer,
        user,
        storage,
        session,
        brought,
        assignments,
        voucher,
    } = documents;
    user_store::insert_in(&app.database, house, tx, user, storage).await?;
    app.database
        .open::<Customer>(house)
        .insert_in(tx, house, customer)
        .await?;
    let mut entries = vec![customer.entry(Action::Registered)];
    if let Some(session) = session {
        credentials::store_in(app, tx, customer, session).await?;
        entries.push(customer.entry(Action::SignedIn).on(&session.id));
    }
    let by = AuditActor::from(house);
    app.audit.note_in(tx, &by, entries).await?;
    if let Some(voucher) = voucher {
        voucher.write(house, tx, customer).await?;
    }
    let taken = guest::take_over(app, (house, &by), tx, brought, customer).await?;
    custom_fields::hold(app, house, tx, customer, assignments).await?;
    Ok(taken)
}
