//! Mails to customers. Each is a job that carries the customer's id and the subject. One-time keys are generated when
//! the mail is sent, so that they occur in the mail only.

use std::sync::Arc;

use bson::{Binary, Document, doc, spec::BinarySubtype};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::Customer;
use crate::app::App;
use crate::auth::one_time::Purpose;
use crate::error::{Error, Result};
use crate::notice::{Notice, Store};
use crate::platform::{
    database::Tx,
    id::{CustomerId, Id, JobId},
    job::{JobFailure, JobKind},
    mail::Message,
    secret::Secret,
};
use crate::reach::HouseReach;
use crate::storefront::Storefront;

const KIND: &str = "customer.mail";

/// Subject of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum About {
    /// A key to choose a new password.
    PasswordReset,
    /// A token to verify the address.
    EmailVerification,
    /// A token that confirms the new address, mailed to the new address.
    EmailChange,
    /// To the current address: a change of the address was requested.
    EmailChangeNotice,
    /// To the previous address: the store has replaced it (CST-08).
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// Somebody tried to register with the address.
    RegistrationAttempt,
    /// An identity provider was linked as a way to sign in.
    IdentityLinked,
}

/// The classes of mails that share limits per recipient; see [`limits::mail`](super::limits::mail).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A key to choose a new password.
    Reset,
    /// Mails that anybody but the owner of the address can cause.
    Request,
    /// Notices to the owner of an account.
    Notice,
}

impl About {
    /// The class with which it shares the limits of its recipient.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::PasswordReset => Class::Reset,
            Self::EmailVerification | Self::EmailChange | Self::RegistrationAttempt => Class::Request,
            Self::EmailChangeNotice | Self::EmailChanged | Self::PasswordChanged | Self::IdentityLinked => {
                Class::Notice
            }
        }
    }

    /// Name in the keys of limits.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset",
            Self::EmailVerification => "verification",
            Self::EmailChange => "change",
            Self::EmailChangeNotice => "change notice",
            Self::EmailChanged => "changed notice",
            Self::PasswordChanged => "password notice",
            Self::RegistrationAttempt => "registration",
            Self::IdentityLinked => "identity notice",
        }
    }
}

/// The result of the limits on a mail's recipient: whether the mail may be sent.
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

    /// Whether the mail may be sent.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        self.is_granted
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailPayload {
    customer_id: CustomerId,
    about: About,
    /// The mail's own id, the same when it is sent again.
    message_id: String,
    /// The recipient's address, if it is not the customer's at the time of sending; encrypted, with the mail's id as
    /// context.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<Binary>,
    /// Display name of the identity provider that the mail is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    provider: Option<String>,
}

impl MailPayload {
    fn new(app: &App, customer: &CustomerId, about: About) -> Self {
        Self {
            customer_id: customer.clone(),
            about,
            message_id: JobId::fresh(app.clock.now(), &app.random).to_string(),
            to: None,
            provider: None,
        }
    }

    async fn enqueue(&self, app: &App, tx: &mut Tx, granted: Granted) -> Result<()> {
        if granted.class != self.about.class() {
            return Err(Error::internal(
                "the limits of another class were checked for a mail",
            ));
        }
        if !granted.is_granted {
            return Ok(());
        }
        let payload = bson::serialize_to_document(self)?;
        app.queue.enqueue(tx, KIND, payload, app.clock.now()).await?;
        Ok(())
    }

    /// Decrypts the recipient's address.
    fn sealed_address(&self, app: &App) -> Result<Option<String>> {
        let Some(sealed) = &self.to else {
            return Ok(None);
        };
        let opened = app.vault.open(&self.message_id, &sealed.bytes)?;
        Ok(Some(String::from_utf8(opened).map_err(Error::internal)?))
    }
}

/// Queues a mail to be sent after the commit of the transaction, if the limits of its recipient allow it. They are
/// checked before the transaction, which may run more than once.
///
/// # Errors
/// [`Error::Internal`] for a `granted` of another class.
pub async fn enqueue(
    app: &App,
    tx: &mut Tx,
    customer: &CustomerId,
    about: About,
    granted: Granted,
) -> Result<()> {
    MailPayload::new(app, customer, about)
        .enqueue(app, tx, granted)
        .await
}

/// A mail to an address, whatever address the customer has when it is sent.
#[derive(Clone, Copy)]
pub struct AddressedMail<'a> {
    /// The customer whom the mail is about.
    pub customer: &'a CustomerId,
    /// Subject of the mail.
    pub about: About,
    /// The result of the limits on the mail.
    pub granted: Granted,
    /// The address of the recipient.
    pub address: &'a str,
}

impl AddressedMail<'_> {
    /// As [`enqueue`].
    ///
    /// # Errors
    /// As [`enqueue`].
    pub async fn enqueue(self, app: &App, tx: &mut Tx) -> Result<()> {
        let mut payload = MailPayload::new(app, self.customer, self.about);
        payload.to = Some(Binary {
            subtype: BinarySubtype::Generic,
            bytes: app.vault.seal(&payload.message_id, self.address.as_bytes())?,
        });
        payload.enqueue(app, tx, self.granted).await
    }
}

/// Queues a notice to a customer that an identity provider was linked.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_link(
    app: &App,
    tx: &mut Tx,
    customer: &CustomerId,
    provider: &str,
    granted: Granted,
) -> Result<()> {
    let mut payload = MailPayload::new(app, customer, About::IdentityLinked);
    payload.provider = Some(provider.to_owned());
    payload.enqueue(app, tx, granted).await
}

/// Withdraws the mails to a customer that are not sent yet. Returns whether one is being sent.
///
/// # Errors
/// Any database error.
pub async fn take_back(app: &App, customer: &CustomerId) -> Result<bool> {
    app.queue.withdraw(KIND, "customerId", customer.as_str()).await
}

/// Deletes the mails to a customer that were written as files.
///
/// # Errors
/// [`Error::Internal`] if a file cannot be deleted.
pub async fn forget_files(app: &App, customer: &CustomerId) -> Result<()> {
    app.mailer.forget(customer.as_str()).await
}

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[JobKind {
    name: KIND,
    every: None,
    run: |app, payload| send(app, payload),
}];

fn send(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let payload: MailPayload =
            bson::deserialize_from_document(payload).map_err(|error| JobFailure::Fail(error.into()))?;
        let reach = HouseReach::everywhere();
        let found = app
            .database
            .open::<Customer>(&reach)
            .get(&payload.customer_id)
            .await?;
        // The id is unknown, or the customer was deleted.
        let Some(customer) = found else {
            return Ok(());
        };
        let storefront = app
            .database
            .open::<Storefront>(&reach)
            .get(&customer.storefront_id)
            .await?;
        let storefront =
            storefront.ok_or_else(|| Error::internal("storefront not found for the customer of a mail"))?;
        match letter(&app, &customer, &storefront, payload).await? {
            Some(message) => Ok(app.mailer.send(message).await?),
            None => Ok(()),
        }
    }
    .boxed()
}

/// Composes the mail; `None` if there is no reason to send it any more.
async fn letter(
    app: &App,
    customer: &Customer,
    storefront: &Storefront,
    payload: MailPayload,
) -> Result<Option<Message>> {
    let address = payload.sealed_address(app)?;
    let MailPayload {
        about,
        message_id,
        provider,
        ..
    } = payload;
    let (reset, verify) = (app.config.tokens.reset_key, app.config.tokens.email_token);
    let cut = async |purpose, ttl| app.one_time.cut(&customer.id, purpose, ttl).await;
    let own = address.or_else(|| customer.email.clone());
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
        About::EmailChangeNotice
        | About::EmailChanged
        | About::PasswordChanged
        | About::RegistrationAttempt
        | About::IdentityLinked => (own, None, verify),
    };
    let Some(to) = to else {
        return Ok(None);
    };
    let none = Secret::from("");
    let secret = secret.as_ref().unwrap_or(&none);
    let notice = notice(about, secret, provider.as_deref().unwrap_or_default());
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

/// The content of the mail. `secret` is the key or token, for the kinds that contain one.
fn notice<'a>(about: About, secret: &'a Secret, provider: &'a str) -> Notice<'a> {
    match about {
        About::PasswordReset => Notice::PasswordReset { key: secret },
        About::EmailVerification => Notice::EmailVerification { token: secret },
        About::EmailChange => Notice::EmailChangeConfirmation { token: secret },
        About::EmailChangeNotice => Notice::EmailChangeNotice,
        About::EmailChanged => Notice::EmailChanged,
        About::PasswordChanged => Notice::PasswordChanged,
        About::RegistrationAttempt => Notice::RegistrationAttempt,
        About::IdentityLinked => Notice::IdentityLinked { provider },
    }
}
