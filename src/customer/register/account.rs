//! The documents of a new account: the customer, its storefront user and its private storage.

use crate::app::App;
use crate::custom_field::assignment::{Assignment, applied};
use crate::customer::{
    Customer, CustomerStatus, Gender, Salutation, TermsAcceptance, email::Email, store::next_number,
};
use crate::error::{Error, Result};
use crate::password::Hashed;
use crate::platform::{
    clock::Timestamp,
    database::{Tx, Write, violated_index},
    id::CustomerId,
    scalar::Date,
    secret::Secret,
};
use crate::reach::{HouseReach, StorefrontReach};
use crate::storefront_user::{
    self, StorefrontUser,
    private_storage::PrivateStorage,
    store::{NewUser, UserDocuments},
};

/// Maximum number of reference numbers that are tried for one customer.
const MAX_NUMBERS: usize = 100;

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

/// The documents of a new customer, which are not stored yet. They have no reference until
/// [`NewAccount::set_number`] is called.
pub struct NewAccount {
    /// The customer.
    pub customer: Customer,
    /// The customer's storefront user.
    pub user: StorefrontUser,
    /// The user's private storage.
    pub storage: PrivateStorage,
}

impl NewAccount {
    /// Creates the documents of a customer that is registered at `now`.
    #[must_use]
    pub fn new(
        app: &App,
        place: &StorefrontReach,
        now: Timestamp,
        new: &NewCustomer,
        password_hash: Option<Hashed>,
    ) -> Self {
        let id = CustomerId::fresh(now, &app.random);
        let regular = NewUser {
            external_id: String::new(),
            expires_at: None,
            customer: Some(id.clone()),
        };
        let UserDocuments { user, storage } =
            storefront_user::store::documents(place, now, &app.random, regular);
        let generated = || app.random.token();
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
            shopper_reference: Some(new.shopper_reference.clone().unwrap_or_else(generated)),
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
        Self {
            customer,
            user,
            storage,
        }
    }

    /// Sets the reference: the storefront's code and a number. It is also the user's id in the online store.
    pub fn set_number(&mut self, code: &str, number: i64) {
        self.customer.reference = format!("{code}--{number}");
        self.customer.reference_number = number;
        self.user.external_id.clone_from(&self.customer.reference);
    }

    /// Inserts the documents within a transaction.
    ///
    /// # Errors
    /// Violations of the unique indexes of users and customers; any other database error.
    pub async fn insert_in(&self, app: &App, reach: &HouseReach, tx: &mut Tx) -> Result<()> {
        storefront_user::store::insert_in(&app.database, reach, tx, &self.user, &self.storage).await?;
        let customers = app.database.open::<Customer>(reach);
        customers.insert_in(tx, reach, &self.customer).await
    }
}

/// A write that inserts a new account.
pub trait AccountWrite: Write {
    /// The unique indexes whose violation is not the caller's fault: the write is run again with another number.
    const RETRIED: &'static [&'static str];

    /// The account to number.
    fn account(&mut self) -> &mut NewAccount;
}

/// Runs a write with the next free number of the storefront with this code.
///
/// # Errors
/// The errors of the write, except violations of the indexes that it names.
pub async fn run_numbered<W: AccountWrite>(app: &App, code: &str, write: &mut W) -> Result<W::Output> {
    for _ in 0..MAX_NUMBERS {
        let number = next_number(&app.database, &write.account().customer.storefront_id).await?;
        write.account().set_number(code, number);
        match app.database.run(&*write).await {
            // Numbers are never reused, so the next one is tried.
            Err(error) if violated_index(&error).is_some_and(|index| W::RETRIED.contains(&index)) => {}
            outcome => return outcome,
        }
    }
    Err(Error::internal("no free number for a new customer was found"))
}
