//! Registering customers: the customer, its storefront user with storage, the first session and what an anonymous shopper
//! brings along, together or not at all (CST-01, CST-02).

use std::sync::Arc;

use futures_util::FutureExt;

use super::credentials::{self, Beginner, Pair};
use super::custom_fields;
use super::email::Email;
use super::guest::{self, Brought, Receiver, Taken};
use super::limits;
use super::mail::{self, About, Granted};
use super::sign_in::SignedIn;
use super::unique::{self, Unique};
use super::vouched::{Newcomer, Voucher};
use super::{Customer, CustomerStatus, Gender, Salutation, TermsAcceptance, refusal, store};
use crate::access::{
    audit::{Action, Actor},
    password::Hashed,
    reach::{Reach, StorefrontReach},
    session::Session,
};
use crate::app::App;
use crate::context::RequestContext;
use crate::custom_field::assignment::{Assignment, applied};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    database::{Tx, violated_index},
    id::CustomerId,
    scalar::Date,
    secret::Secret,
};
use crate::storefront::Storefront;
use crate::storefront_user::{
    StorefrontUser,
    private_storage::PrivateStorage,
    store::{self as user_store, NewUser, UNIQUE_EXTERNAL_ID},
};

/// Numbers that are tried for one customer.
pub const MOST_NUMBERS: usize = 100;

/// What a new customer is to be; checked.
pub struct NewCustomer {
    /// The address.
    pub email: Email,
    /// Whether somebody who is believed says that it is theirs.
    pub is_email_verified: bool,
    /// The password, where one was chosen.
    pub password: Option<Secret>,
    /// First name; only whoever vouches for somebody may not know it.
    pub first_name: Option<String>,
    /// Last name; the same holds.
    pub last_name: Option<String>,
    /// Salutation.
    pub salutation: Option<Salutation>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Birth date.
    pub date_of_birth: Option<Date>,
    /// Chosen by a backend; else made up.
    pub shopper_reference: Option<String>,
    /// The terms that were accepted; none where they are the affair of whoever vouches.
    pub terms: Option<Terms>,
    /// Values of custom fields.
    pub custom_fields: Vec<Assignment>,
}

/// The terms that somebody accepts by registering.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which, as the store calls them.
    pub version: Option<String>,
}

/// What registering came to.
pub struct Registered {
    /// The new customer, signed in where it has a password; `None` where the storefront conceals whether there is one.
    pub new: Option<(Customer, Option<Pair>)>,
    /// What came over from an anonymous user.
    pub taken: Taken,
}

/// Everything that is written together.
struct Documents<'a> {
    customer: Customer,
    user: StorefrontUser,
    storage: PrivateStorage,
    session: Option<Session>,
    brought: Brought,
    /// Where the customer's values of custom fields come from.
    assignments: Vec<Assignment>,
    voucher: Option<&'a dyn Voucher>,
}

/// The storefront in which somebody is to be registered.
pub async fn storefront(app: &App, place: &StorefrontReach) -> Result<Storefront> {
    let storefronts = app.database.open::<Storefront>(place.reach());
    let storefront = storefronts.get(place.id()).await?;
    storefront.ok_or_else(|| Error::internal("the storefront of the caller does not exist"))
}

/// Whether somebody may register now, and whether what only one customer can have is free, before anything costs a hash.
/// Where the storefront conceals addresses, nobody's is looked up (SPR-10).
///
/// Without `is_good` the input has faults already, and it is looked at all the same, so that all are told at once. Then
/// too, whoever may learn that an address is taken has used up a registration: faults make asking no cheaper.
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

/// Registers a customer who was admitted. Where the storefront conceals addresses this is for its backends, whose customers
/// sign in at once; strangers register by [`super::concealed`].
///
/// # Errors
/// Where somebody was quicker, EMAIL_TAKEN (400) unless the storefront conceals that, SHOPPER_REFERENCE_TAKEN, or what is
/// wrong with a custom field by now; RATE_LIMITED, SAVE_FAILED (410).
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
    // Taken before it is known whose the address is, so that what is left of it does not tell.
    let granted = match conceals {
        true => Some(limits::mail(app, place.id(), &new.email.key, About::RegistrationAttempt).await?),
        false => None,
    };
    let signs_in = password_hash.is_some() && !conceals;
    let brought = brought_by_newcomer(app, place, anonymous_token).await?;
    let mut documents = Documents::new(app, place, &new, password_hash, brought);
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

/// What somebody who is no customer yet brings along.
async fn brought_by_newcomer(app: &App, place: &StorefrontReach, token: Option<&str>) -> Result<Brought> {
    let receiver = Receiver {
        house: &place.of_the_house(),
        storefront: place.id(),
        own: None,
    };
    guest::look(app, receiver, token).await
}

/// Registers somebody for whom somebody vouches, and signs them in. Nobody is told that an address is taken: whoever vouches
/// looks first.
///
/// # Errors
/// EMAIL_TAKEN (400) where somebody was quicker; what the voucher refuses; any other as it comes.
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
    let mut documents = Documents::new(app, place, &new, None, brought);
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

/// Mails whose address it is that somebody tried to register with it (SPR-10): at most as often as other mails.
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

/// Writes everything under the next free number, and says what came over.
async fn save(app: &App, house: &Reach, code: &str, documents: &mut Documents<'_>) -> Result<Taken> {
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
            // A backend has registered a user by this id; a number is never given twice, so the next one is tried.
            Err(error) if violated_index(&error) == Some(UNIQUE_EXTERNAL_ID) => {}
            outcome => return outcome.map_err(unique::taken),
        }
    }
    Err(Error::internal("no free number for a new customer was found"))
}

impl Documents<'_> {
    /// What is written for a new customer, but for its number and session.
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

    /// What is told where it is concealed whether there is a new customer: of the token that was brought along only what was
    /// known before anybody looked at the address.
    fn concealed(self) -> Registered {
        let taken = Taken {
            items: 0,
            warning: self.brought.warning,
        };
        Registered { new: None, taken }
    }
}

/// A new customer with its storefront user and storage, not stored yet and without a number.
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
    let (user, storage) = user_store::documents(place, now, &app.random, regular);
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

async fn write(app: &App, house: &Reach, tx: &mut Tx, documents: &Documents<'_>) -> Result<Taken> {
    let Documents {
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
    let by = Actor::from(house);
    app.audit.note_in(tx, &by, entries).await?;
    if let Some(voucher) = voucher {
        voucher.write(house, tx, customer).await?;
    }
    let taken = guest::take_over(app, (house, &by), tx, brought, customer).await?;
    custom_fields::hold(app, house, tx, customer, assignments).await?;
    Ok(taken)
}
