//! Mails to customers. Each is a job that carries the customer's id and what the mail is about; keys are made when it is
//! sent, so that they stand in the mail and nowhere else.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::Customer;
use crate::access::{one_time::Purpose, reach::SystemReach};
use crate::app::App;
use crate::error::{Error, Result};
use crate::notice::{Notice, Store};
use crate::platform::{
    database::Tx,
    id::{CustomerId, Id, JobId},
    job::{Failure, Kind},
    mail::Message,
    secret::Secret,
};
use crate::storefront::Storefront;

const KIND: &str = "customer.mail";

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum About {
    /// A key to choose a new password.
    PasswordReset,
    /// A token to verify the address.
    EmailVerification,
    /// A token to take the new address, mailed to that one.
    EmailChange,
    /// To the address so far: it is to be another one.
    EmailChangeNotice,
    /// The password is another one now.
    PasswordChanged,
    /// Somebody tried to register with the address.
    RegistrationAttempt,
}

/// Which mails share the limits of a recipient; see [`limits::mail`](super::limits::mail).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A key to choose a new password.
    Reset,
    /// What somebody who is no owner of the address can cause.
    Request,
    /// What an account's owner must learn.
    Notice,
}

impl About {
    /// Which mails it shares its recipient's limits with.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::PasswordReset => Class::Reset,
            Self::EmailVerification | Self::EmailChange | Self::RegistrationAttempt => Class::Request,
            Self::EmailChangeNotice | Self::PasswordChanged => Class::Notice,
        }
    }

    /// Its name in the keys of limits.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset",
            Self::EmailVerification => "verification",
            Self::EmailChange => "change",
            Self::EmailChangeNotice => "change notice",
            Self::PasswordChanged => "password notice",
            Self::RegistrationAttempt => "registration",
        }
    }
}

/// What the limits of a mail's recipient say: the mail has a place, or it is one too many and is not sent.
#[derive(Clone, Copy, Debug)]
#[must_use = "without it no mail is sent"]
pub struct Granted {
    class: Class,
    is_granted: bool,
}

impl Granted {
    pub(super) const fn new(class: Class, is_granted: bool) -> Self {
        Self { class, is_granted }
    }

    /// Whether the mail has a place.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        self.is_granted
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    customer_id: CustomerId,
    about: About,
    /// The mail's own id, the same whenever it is sent again.
    message_id: String,
}

/// Sends a mail once the transaction is through, where its recipient's limits leave a place. The place is taken before the
/// transaction, which may run more than once.
///
/// # Errors
/// [`Error::Internal`] for a place of another class.
pub async fn enqueue(
    app: &App,
    tx: &mut Tx,
    customer: &CustomerId,
    about: About,
    granted: Granted,
) -> Result<()> {
    if granted.class != about.class() {
        return Err(Error::internal("a mail has a place of another class"));
    }
    if !granted.is_granted {
        return Ok(());
    }
    let payload = Payload {
        customer_id: customer.clone(),
        about,
        message_id: JobId::fresh(app.clock.now(), &app.random).to_string(),
    };
    let payload = bson::serialize_to_document(&payload)?;
    app.queue.enqueue(tx, KIND, payload, app.clock.now()).await?;
    Ok(())
}

/// Takes the mails to a customer back that are not sent yet; whether one is being sent.
pub async fn take_back(app: &App, customer: &CustomerId) -> Result<bool> {
    app.queue.withdraw(KIND, ("customerId", customer.as_str())).await
}

/// Removes the mails to a customer that were written as files.
pub async fn forget_files(app: &App, customer: &CustomerId) -> Result<()> {
    app.mailer.forget(customer.as_str()).await
}

/// The jobs of this domain.
#[must_use]
pub fn jobs() -> Vec<Kind<Arc<App>>> {
    vec![Kind {
        name: KIND,
        every: None,
        run: |app, payload| send(app, payload),
    }]
}

fn send(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), Failure>> {
    async move {
        let payload: Payload =
            bson::deserialize_from_document(payload).map_err(|error| Failure::Fail(error.into()))?;
        let system = SystemReach::for_background_work();
        let found = app
            .database
            .open::<Customer>(&system)
            .get(&payload.customer_id)
            .await?;
        // Nobody has this id, or not any more: there is nobody to write to.
        let Some(customer) = found else {
            return Ok(());
        };
        let storefront = app
            .database
            .open::<Storefront>(&system)
            .get(&customer.storefront_id)
            .await?;
        let storefront = storefront.ok_or_else(|| Error::internal("a customer's storefront is gone"))?;
        match letter(&app, &customer, &storefront, payload).await? {
            Some(message) => Ok(app.mailer.send(message).await?),
            None => Ok(()),
        }
    }
    .boxed()
}

/// The mail; `None` when there is no reason to send it any more.
async fn letter(
    app: &App,
    customer: &Customer,
    storefront: &Storefront,
    Payload {
        about, message_id, ..
    }: Payload,
) -> Result<Option<Message>> {
    let (reset, verify) = (app.config.tokens.reset_key, app.config.tokens.email_token);
    let cut = async |purpose, ttl| app.one_time.cut(&customer.id, purpose, ttl).await;
    let own = customer.email.clone();
    let (to, secret, ttl) = match about {
        About::PasswordReset => match cut(Purpose::PasswordReset, reset).await? {
            Some((_, key)) => (own, Some(key), reset),
            None => return Ok(None),
        },
        About::EmailVerification => match cut(Purpose::EmailVerification, verify).await? {
            Some((_, key)) => (own, Some(key), verify),
            None => return Ok(None),
        },
        About::EmailChange => match cut(Purpose::EmailChange, verify).await? {
            Some((key, secret)) => (Some(key.email), Some(secret), verify),
            None => return Ok(None),
        },
        About::EmailChangeNotice | About::PasswordChanged | About::RegistrationAttempt => (own, None, verify),
    };
    let Some(to) = to else {
        return Ok(None);
    };
    let none = Secret::from("");
    let secret = secret.as_ref().unwrap_or(&none);
    let notice = match about {
        About::PasswordReset => Notice::PasswordReset { key: secret },
        About::EmailVerification => Notice::EmailVerification { token: secret },
        About::EmailChange => Notice::EmailChangeConfirmation { token: secret },
        About::EmailChangeNotice => Notice::EmailChangeNotice,
        About::PasswordChanged => Notice::PasswordChanged,
        About::RegistrationAttempt => Notice::RegistrationAttempt,
    };
    let store = Store {
        name: &storefront.name,
        account_url: storefront.account_url.as_deref(),
    };
    let rendered = notice.render(&store, ttl);
    Ok(Some(Message {
        to: Secret::from(to),
        sender_name: Some(storefront.name.clone()),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        message_id,
        concerns: customer.id.to_string(),
    }))
}
