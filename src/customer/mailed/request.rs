//! Requests for a key that is mailed to an address, by anybody who knows the address. For an unknown address as much is
//! done: a key of a nonexistent customer is written, which nobody receives.

use std::sync::Arc;

use async_graphql::ID;

use super::keys::KeyMail;
use crate::app::App;
use crate::auth::one_time::{KeyHolder, Purpose, SEALED};
use crate::context::RequestContext;
use crate::customer::{
    email::{self, Email},
    limits,
    mail::{About, Granted},
    named::customer_to_change,
    refusal, store,
};
use crate::error::Result;
use crate::platform::{
    database::violated_index,
    id::{CustomerId, StorefrontUserId},
};
use crate::reach::{HouseReach, StorefrontReach, principal::Policy, scope::Scope};

/// Who may request a mail to any address.
pub const TO_ANY_ADDRESS: Policy = Policy::backend(Scope::CustomersWrite).and_public();

/// A kind of key that is requested by address.
pub struct RequestedKey {
    /// Who may request it; a customer only for the customer's own address.
    pub policy: Policy,
    /// The operation that the key authorizes.
    pub purpose: Purpose,
    /// Subject of the mail.
    pub about: About,
}

impl RequestedKey {
    /// Mails a key to this address, if a customer has it and the limits allow it.
    ///
    /// # Errors
    /// RATE_LIMITED, CUSTOMER_ANONYMIZED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    pub async fn request(
        &self,
        context: &Arc<RequestContext>,
        storefront_id: Option<&ID>,
        address: &str,
    ) -> Result<()> {
        let reach = context.reach_to_write(&self.policy).await?;
        let id = storefront_id.map(|id| id.as_str());
        let storefront = context.storefront_to_write(&reach, id, ["storefrontId"]).await?;
        context.take(&storefront, &limits::MAIL_REQUESTS).await?;
        let email = email::parse(address);
        let account = email.as_ref().map_or(address, |email| email.key.as_str());
        if reach.person().is_some() {
            // A customer may request a mail to its own address only, and must not learn whether another is registered
            // (CST-06).
            let own = customer_to_change(context, &reach, None).await?;
            if own.email_key.as_deref() != Some(account) {
                return Ok(());
            }
        }
        let granted = limits::mail(&context.app, storefront.id(), account, self.about).await?;
        if !granted.is_granted() {
            return Ok(());
        }
        self.prepare(&context.app, &storefront, email.as_ref(), granted)
            .await
    }

    /// # Errors
    /// SAVE_FAILED (410).
    async fn prepare(
        &self,
        app: &App,
        storefront: &StorefrontReach,
        email: Option<&Email>,
        granted: Granted,
    ) -> Result<()> {
        let reach = HouseReach::within(storefront.id());
        let known = match email {
            Some(email) => store::by_email(&app.database, &reach, email).await?,
            None => None,
        };
        let now = app.clock.now();
        let nobody = CustomerId::fresh(now, &app.random);
        let nobodys_user = StorefrontUserId::fresh(now, &app.random);
        let (customer, user) = match &known {
            Some(customer) => (&customer.id, &customer.user_id),
            None => (&nobody, &nobodys_user),
        };
        let address = known.as_ref().and_then(|customer| customer.email.as_deref());
        let key = KeyMail {
            app,
            holder: KeyHolder {
                organization: storefront.reach().identity().organization(),
                storefront: storefront.id(),
                user,
                customer,
            },
            purpose: self.purpose,
            address: address.unwrap_or_default(),
            about: self.about,
            recipient: customer,
            granted,
        };
        match app.database.run(&key).await {
            // The customer was erased meanwhile; treated like an unknown address.
            Err(error) if violated_index(&error) == Some(SEALED) => Ok(()),
            written => written.map_err(|error| refusal::save_failed(error, 410)),
        }
    }
}
