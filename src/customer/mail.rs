//! Mails to customers. Each is a job that carries the customer's id and the subject. One-time keys are generated when
//! the mail is sent, so that they occur in the mail only.

use std::sync::Arc;
use std::time::Duration;

use bson::{Binary, Document, doc, spec::BinarySubtype};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::Customer;
use crate::app::App;
use crate::auth::one_time::Purpose;
use crate::domain::personal::Subject;
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
/// Interval at which a mail that is being sent is checked.
const SENDING_CHECK: Duration = Duration::from_millis(50);

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

/// The result of the limits on a mail's recipient. They are checked before the transaction that queues the mail, which
/// may run more than once.
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

    /// Queues a mail to be sent after the commit of the transaction, if the limits allow it.
    ///
    /// # Errors
    /// [`Error::Internal`] if the limits of another class were checked.
    pub async fn enqueue(self, app: &App, tx: &mut Tx, customer: &CustomerId, about: About) -> Result<()> {
        MailPayload::new(app, customer, about)
            .enqueue(app, tx, self)
            .await
    }

    /// As [`Granted::enqueue`], to this address, whatever address the customer has when the mail is sent.
    ///
    /// # Errors
    /// As [`Granted::enqueue`].
    pub async fn enqueue_to(
        self,
        app: &App,
        tx: &mut Tx,
        customer: &CustomerId,
        about: About,
        address: &str,
    ) -> Result<()> {
        let mut payload = MailPayload::new(app, customer, about);
        payload.to = Some(Binary {
            subtype: BinarySubtype::Generic,
            bytes: app.vault.seal(&payload.message_id, address.as_bytes())?,
        });
        payload.enqueue(app, tx, self).await
    }

    /// Queues a notice to a customer that an identity provider was linked.
    ///
    /// # Errors
    /// As [`Granted::enqueue`].
    pub async fn enqueue_link(
        self,
        app: &App,
        tx: &mut Tx,
        customer: &CustomerId,
        provider: &str,
    ) -> Result<()> {
        let mut payload = MailPayload::new(app, customer, About::IdentityLinked);
        payload.provider = Some(provider.to_owned());
        payload.enqueue(app, tx, self).await
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
        if granted.is_granted {
            let payload = bson::serialize_to_document(self)?;
            app.queue.enqueue(tx, KIND, payload, app.clock.now()).await?;
        }
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

/// The customers' part of an erasure: withdraws queued mails, waits for a mail that is being sent, and deletes mails that
/// were written to files.
///
/// # Errors
/// Any database error, or a file that cannot be deleted; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    let customer = subject.customer.as_str();
    async move {
        while app.queue.withdraw(KIND, "customerId", customer).await? {
            tokio::time::sleep(SENDING_CHECK).await;
        }
        app.mailer.forget(customer).await
    }
    .boxed()
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
        let customers = app.database.open::<Customer>(&reach);
        // The id is unknown, or the customer was deleted.
        let Some(customer) = customers.get(&payload.customer_id).await? else {
            return Ok(());
        };
        let storefronts = app.database.open::<Storefront>(&reach);
        let storefront = storefronts.get(&customer.storefront_id).await?;
        let storefront =
            storefront.ok_or_else(|| Error::internal("storefront not found for the customer of a mail"))?;
        if let Some(message) = letter(&app, &customer, &storefront, payload).await? {
            app.mailer.send(message).await?;
        }
        Ok(())
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
    let purpose = match payload.about {
        About::PasswordReset => Some(Purpose::PasswordReset),
        About::EmailVerification => Some(Purpose::EmailVerification),
        About::EmailChange => Some(Purpose::EmailChange),
        About::EmailChangeNotice
        | About::EmailChanged
        | About::PasswordChanged
        | About::RegistrationAttempt
        | About::IdentityLinked => None,
    };
    let ttl = purpose.map_or(app.config.tokens.email_token, |purpose| {
        key_lifetime(app, purpose)
    });
    let mut to = address.or_else(|| customer.email.clone());
    let mut secret = Secret::from("");
    if let Some(purpose) = purpose {
        let Some((key, mailed)) = app.one_time.cut(&customer.id, purpose, ttl).await? else {
            return Ok(None);
        };
        secret = mailed;
        if purpose == Purpose::EmailChange {
            to = Some(key.email);
        }
    }
    let Some(to) = to else {
        return Ok(None);
    };
    let notice = notice(
        payload.about,
        &secret,
        payload.provider.as_deref().unwrap_or_default(),
    );
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
        message_id: payload.message_id,
        concerns: customer.id.to_string(),
    }))
}

/// How long a mailed key is valid.
pub(super) fn key_lifetime(app: &App, purpose: Purpose) -> Duration {
    match purpose {
        Purpose::PasswordReset => app.config.tokens.reset_key,
        Purpose::EmailVerification | Purpose::EmailChange => app.config.tokens.email_token,
    }
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
