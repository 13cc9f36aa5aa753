//! What an anonymous shopper brings along to a registration or a sign-in (CST-02).
//!
//! Taking it over is a side task. Whatever is wrong with the token is a warning of the payload (ERR-04), and the customer is
//! registered or signed in all the same; the token is looked at only when nothing else is wrong. What is taken over is taken
//! over in the transaction that signs the customer in, so that it comes along exactly once, whenever somebody dies.

use bson::doc;

use super::{Customer, refusal as customer_refusal};
use crate::access::{audit::Actor, reach::Reach};
use crate::app::App;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{StorefrontId, StorefrontUserId},
};
use crate::storefront_user::{
    StorefrontUser,
    merge::{self, Attempt},
    refusal,
};

/// The input's field with the anonymous user's token.
const FIELD: &str = "anonymousUserToken";

/// What a token that was brought along stands for.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// The anonymous user, where there is something to take over.
    pub user: Option<StorefrontUser>,
    /// Why there is nothing to take over.
    pub warning: Option<UserError>,
}

impl From<std::result::Result<Option<StorefrontUser>, UserError>> for Brought {
    fn from(usable: std::result::Result<Option<StorefrontUser>, UserError>) -> Self {
        match usable {
            Ok(user) => Self { user, warning: None },
            Err(warning) => Self {
                user: None,
                warning: Some(warning),
            },
        }
    }
}

/// What came over to a customer.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Items.
    pub items: i64,
    /// Why there are none.
    pub warning: Option<UserError>,
}

/// For whom a token is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// The house's reach into the storefront.
    pub house: &'a Reach,
    /// The storefront.
    pub storefront: &'a StorefrontId,
    /// The customer's own storefront user; a new customer has none yet.
    pub own: Option<&'a StorefrontUserId>,
}

/// Looks at the token that somebody brings along: nothing without one, a warning for one that cannot be used.
///
/// # Errors
/// When the database does not answer.
pub async fn look(app: &App, receiver: Receiver<'_>, token: Option<&str>) -> Result<Brought> {
    let Some(token) = token else {
        return Ok(Brought::default());
    };
    let guest = app.access.guest_of(token).await?;
    let Some((id, _)) = guest.filter(|(_, storefront)| storefront == receiver.storefront) else {
        return Ok(Err(invalid()).into());
    };
    let found = app
        .database
        .open::<StorefrontUser>(receiver.house)
        .get(&id)
        .await?;
    Ok(usable(found, receiver.own, Some(app.clock.now())).into())
}

/// The anonymous user whose things can be taken over, of a token that stands for this one; `None` where the customer has them
/// already. Without a time nobody has expired.
fn usable(
    found: Option<StorefrontUser>,
    own: Option<&StorefrontUserId>,
    now: Option<Timestamp>,
) -> std::result::Result<Option<StorefrontUser>, UserError> {
    let Some(user) = found else {
        return Err(refusal::expired(FIELD));
    };
    let has_expired = user.expires_at.zip(now).is_some_and(|(at, now)| now >= at);
    match &user.merged_into {
        _ if !user.is_anonymous => Err(invalid()),
        Some(into) if Some(into) == own => Ok(None),
        Some(_) => Err(refusal::already_merged(FIELD)),
        None if has_expired => Err(refusal::expired(FIELD)),
        None => Ok(Some(user)),
    }
}

fn invalid() -> UserError {
    let message = "This is not the token of an anonymous user of this storefront.";
    UserError::new(UserErrorCode::AnonymousTokenInvalid, [FIELD], message)
}

/// Gives the customer's user what the anonymous one has, within the transaction that signs the customer in.
///
/// # Errors
/// CREDENTIALS_INVALID where the customer's erasure has begun; whatever the database fails with.
pub async fn take_over(
    app: &App,
    (reach, by): (&Reach, &Actor),
    tx: &mut Tx,
    brought: &Brought,
    customer: &Customer,
) -> Result<Taken> {
    let Some(guest) = &brought.user else {
        return Ok(Taken {
            items: 0,
            warning: brought.warning.clone(),
        });
    };
    let users = app.database.open::<StorefrontUser>(reach);
    let Some(own) = users.find_one_in(tx, doc! { "_id": &customer.user_id }).await? else {
        return Err(Error::internal("a customer has no storefront user"));
    };
    match merge::merge_in(app, (reach, by), tx, guest, &own).await {
        Ok(Attempt::Merged(merged)) => Ok(Taken {
            items: merged.items,
            warning: None,
        }),
        // Somebody was quicker; nothing was written.
        Ok(Attempt::TooLate(late)) => Ok(Taken {
            items: 0,
            warning: usable(late.anonymous, Some(&own.id), None).err(),
        }),
        Err(Error::Rejected(_)) => Err(customer_refusal::credentials_invalid().into()),
        Err(other) => Err(other),
    }
}

/// After a sign-in: the anonymous user's own token is good for nothing any more, on this node at once.
pub async fn forget(app: &App, brought: &Brought) {
    if let Some(user) = &brought.user {
        app.access.forget_person(&user.id).await;
    }
}
