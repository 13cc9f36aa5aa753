//! `customerEmailChangeRequest`: mails a token to the customer's new address and a notice to the current one (CST-04).

use std::sync::Arc;

use async_graphql::InputObject;
use bson::doc;

use super::keys::KeyMail;
use crate::app::App;
use crate::audit::Action;
use crate::auth::one_time::{KeyHolder, Purpose, SEALED};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    anonymization::open,
    email::{self, Email},
    limits,
    mail::{About, Granted},
    named::customer_to_change,
    password::current::check_current,
    refusal, store,
};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write, violated_index},
    secret::Secret,
};
use crate::reach::{HouseReach, Reach, principal::Policy};
use crate::storefront::Storefront;

/// Who may request a change of an address: its customer.
const OWN: Policy = Policy::customer_only();

/// Input of `customerEmailChangeRequest`: the new e-mail address.
#[derive(InputObject)]
pub struct CustomerEmailChangeRequestInput {
    /// New e-mail address.
    new_email: String,
    /// Current password; required if the customer has one.
    password: Option<String>,
}

mutation! {
    /// Requests a change of the e-mail address: mails a token to the new address and a notice to the current one.
    /// Requires a customer token, and `password` if the customer has one.
    /// User errors: EMAIL_INVALID, EMAIL_TAKEN (400), NO_CHANGES, PASSWORD_INVALID (408), REQUIRED, RATE_LIMITED,
    /// CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
    /// The address changes with `customerEmailChangeConfirm`. At most one request a minute and five an hour are
    /// accepted. If the storefront conceals registered e-mail addresses, EMAIL_TAKEN is returned by
    /// `customerEmailChangeConfirm` only.
    CustomerEmailChangeRequest.customer_email_change_request = request(
        #[graphql(desc = "The new e-mail address.")] input: CustomerEmailChangeRequestInput,
    ) -> CustomerEmailChangeRequestPayload;

    /// Payload of `customerEmailChangeRequest`.
    payload {}
}

async fn request(
    context: &Arc<RequestContext>,
    input: CustomerEmailChangeRequestInput,
) -> Result<CustomerEmailChangeRequestPayload> {
    let reach = context.reach_to_write(&OWN).await?;
    let mut faults = Faults::default();
    let new = faults.take(email::check(&input.new_email, "newEmail"));
    let customer = customer_to_change(context, &reach, None).await?;
    if let Some(new) = &new
        && customer.email_key.as_ref() == Some(&new.key)
    {
        let message = "The account has this address.";
        faults.push(UserError::new(UserErrorCode::NoChanges, ["newEmail"], message));
    }
    if customer.password_hash.is_some() {
        let password = Secret::from(input.password.unwrap_or_default());
        faults.absorb(check_current(context, &customer, password).await)?;
    }
    let new = faults.finish(new)?;
    // Checked last: with a session alone, without the password, nobody can look up whether an address is registered,
    // nor do so more often than mails are sent.
    limits::own_mail(&context.app, &customer.storefront_id, &customer.id, "change").await?;
    check_free(context, &reach, &customer, &new).await?;
    prepare(&context.app, &reach, &customer, &new).await?;
    Ok(CustomerEmailChangeRequestPayload::of())
}

/// Checks that no customer has the address. If the storefront conceals this, only the reader of the mail to that
/// address learns it, at the confirmation.
///
/// # Errors
/// EMAIL_TAKEN (400) on `newEmail`.
async fn check_free(context: &RequestContext, reach: &Reach, customer: &Customer, new: &Email) -> Result<()> {
    let storefront = context.by_id::<Storefront>(reach, &customer.storefront_id);
    let conceals = storefront.await?.is_some_and(|found| found.conceal_emails);
    let whole_storefront = HouseReach::within(&customer.storefront_id);
    let known = store::by_email(&context.app.database, &whole_storefront, new).await?;
    if known.is_some() && !conceals {
        return Err(refusal::email_taken("newEmail").into());
    }
    Ok(())
}

/// Prepares the change of the address.
///
/// # Errors
/// CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
async fn prepare(app: &App, reach: &Reach, customer: &Customer, new: &Email) -> Result<()> {
    // The new address may be anybody's, so its limits apply; the customer is not informed of them.
    let confirmation = limits::mail(app, &customer.storefront_id, &new.key, About::EmailChange).await?;
    let change = EmailChange {
        app,
        reach,
        customer,
        address: &new.written,
        confirmation,
        notice: limits::notice(app, customer, About::EmailChangeNotice).await?,
    };
    let written = app.database.run(&change).await;
    written.map_err(|error| match violated_index(&error) {
        Some(SEALED) => refusal::anonymized([]).into(),
        _ => refusal::save_failed(error, 410),
    })
}

/// The write that prepares the token for the new address, its mail, and the notice to the current address.
struct EmailChange<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: &'a Customer,
    /// The new address.
    address: &'a str,
    /// The result of the limits on the mail with the token.
    confirmation: Granted,
    /// The result of the limits on the notice.
    notice: Granted,
}

impl Write for EmailChange<'_> {
    type Output = ();

    /// # Errors
    /// [`Error::Unauthenticated`] if all sessions were ended meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self {
            app, reach, customer, ..
        } = *self;
        // If all sessions were ended meanwhile, this one has ended too, and its earlier requests are void.
        let filter = open(doc! { "_id": &customer.id, "credentialEpoch": customer.credential_epoch });
        let update = doc! { "$inc": { "emailChangeRequests": 1_i64 } };
        let customers = app.database.open::<Customer>(reach);
        let stored = customers.update_in(tx, filter, update).await?;
        let stored = stored
            .ok_or_else(|| Error::Unauthenticated("This session has ended; sign in again.".to_owned()))?;
        let key = KeyMail {
            app,
            holder: KeyHolder {
                organization: reach.identity().organization(),
                storefront: &customer.storefront_id,
                user: &customer.user_id,
                customer: &customer.id,
            },
            purpose: Purpose::EmailChange,
            address: self.address,
            about: About::EmailChange,
            recipient: &customer.id,
            granted: self.confirmation,
        };
        key.write(tx).await?;
        if let Some(current) = &stored.email {
            self.notice
                .enqueue_to(app, tx, &customer.id, About::EmailChangeNotice, current)
                .await?;
        }
        let entry = customer.entry(Action::EmailChangeRequested);
        app.audit.note_in(tx, reach, [entry]).await
    }
}
