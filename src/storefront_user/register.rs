//! `storefrontUserRegister`: registers a storefront user with its private storage.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ID, InputObject};

use super::access_token::AccessToken;
use super::lifecycle::expiry_after_use;
use super::node::StorefrontUserNode;
use super::store::{self, NewUser, UNIQUE_EXTERNAL_ID, UserDocuments};
use super::{ID_FIELD, StorefrontUser, check_external_id, named_storefront, refusal};
use crate::app::App;
use crate::context::{RequestContext, limits::Amounts};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write, violated_index},
    throttle::Window,
};
use crate::reach::{Reach, StorefrontReach, principal::Policy, scope::Scope};

const MINUTE: Duration = Duration::from_secs(60);
/// Rate limits of anonymous users that browsers register (SFU-40).
const BY_BROWSERS: Amounts = Amounts {
    what: "anonymous user",
    client: &[Window::new(60, MINUTE)],
    site: &[Window::new(600, MINUTE)],
    storefront: &[Window::new(6000, MINUTE)],
};

/// Who may register storefront users.
const REGISTER: Policy = Policy::backend(Scope::StorefrontUsersWrite).and_public();

/// Input of `storefrontUserRegister`: the user to register.
#[derive(InputObject)]
pub struct StorefrontUserRegisterInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Id of the user in the online store: 1 to 256 characters, not blank, without control characters. It is stored
    /// verbatim and compared exactly.
    /// Required with an integration token or client secret (REQUIRED). Rejected with a publishable key (FORBIDDEN): the
    /// gateway generates an id that cannot be guessed.
    storefront_user_id: Option<String>,
    /// Whether the user is anonymous, and so temporary. With a publishable key only true is accepted (FORBIDDEN).
    is_anonymous: bool,
}

mutation! {
    /// Registers a storefront user together with its private storage and returns an access token for it.
    /// Requires a publishable key, which registers anonymous users only and may send this mutation once in a document,
    /// or an integration token or client secret with the scope `storefront_users:write`.
    /// User errors: STOREFRONT_USER_ALREADY_EXISTS (409) if the id exists, in which case the stored user does not
    /// change; RATE_LIMITED with `retryAfterSeconds`; REQUIRED, TOO_LONG, INVALID, FORBIDDEN, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    /// With a publishable key, at most 60 users a minute are registered from one client address, 600 from one IPv6 /48
    /// network and 6,000 in one storefront.
    StorefrontUserRegister.storefront_user_register = register(
        #[graphql(desc = "The user to register.")] input: StorefrontUserRegisterInput,
    ) -> StorefrontUserRegisterPayload;

    /// Payload of `storefrontUserRegister`.
    payload {
        /// The new user; null when there are user errors.
        storefront_user: StorefrontUserNode,
        /// Access token of the new user; null when there are user errors.
        token: AccessToken,
    }
}

async fn register(
    context: &Arc<RequestContext>,
    input: StorefrontUserRegisterInput,
) -> Result<StorefrontUserRegisterPayload> {
    let StorefrontUserRegisterInput {
        storefront_id,
        storefront_user_id,
        is_anonymous,
    } = input;
    let reach = context.reach_to_write(&REGISTER).await?;
    let mut faults = Faults::default();
    let storefront = named_storefront(context, &reach, storefront_id, &mut faults).await?;
    let external_id = faults.take(if reach.is_public() {
        generated_id(context, storefront_user_id.as_deref())
    } else {
        check_external_id(storefront_user_id.as_deref().unwrap_or_default(), ID_FIELD)
    });
    if reach.is_public() && !is_anonymous {
        let message = "A publishable key may register anonymous users only.";
        faults.push(UserError::new(UserErrorCode::Forbidden, ["isAnonymous"], message));
    }
    let (storefront, external_id) = faults.finish((storefront, external_id))?;
    if reach.is_public() {
        context.take(&storefront, &BY_BROWSERS).await?;
    }
    let user = register_user(&context.app, &storefront, external_id, is_anonymous).await?;
    let token = AccessToken::issue(context, &reach, &user)?;
    let node = StorefrontUserNode::in_payload(user, &reach);
    Ok(StorefrontUserRegisterPayload::of(node, token))
}

/// Returns a generated id for a user that a browser registers. It is as hard to guess as a token, because a backend
/// that knows the id and has the scope can access the user.
fn generated_id(context: &RequestContext, sent: Option<&str>) -> Result<String, UserError> {
    if sent.is_some() {
        let message = "A publishable key cannot set the id. Leave it out.";
        return Err(UserError::new(UserErrorCode::Forbidden, [ID_FIELD], message));
    }
    Ok(format!("anon-{}", context.app.random.token()))
}

/// Registers a user with this checked id in the online store, and its private storage (SFU-02). An anonymous user is
/// removed when it has not been used for the configured time.
///
/// # Errors
/// STOREFRONT_USER_ALREADY_EXISTS (409); the stored user does not change (SFU-14).
pub async fn register_user(
    app: &App,
    storefront: &StorefrontReach,
    external_id: String,
    is_anonymous: bool,
) -> Result<StorefrontUser> {
    let new = NewUser {
        external_id,
        expires_at: is_anonymous.then(|| expiry_after_use(app)),
        customer: None,
    };
    let registration = UserRegistration {
        app,
        reach: storefront.reach(),
        documents: store::documents(storefront, app.clock.now(), &app.random, new),
    };
    let written = app.database.run(&registration).await;
    written.map_err(|error| match violated_index(&error) {
        Some(UNIQUE_EXTERNAL_ID) => refusal::already_exists(ID_FIELD).into(),
        _ => error,
    })?;
    Ok(registration.documents.user)
}

/// The write that registers a user.
struct UserRegistration<'a> {
    app: &'a App,
    reach: &'a Reach,
    documents: UserDocuments,
}

impl Write for UserRegistration<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let UserDocuments { user, storage } = &self.documents;
        store::insert_in(&self.app.database, self.reach, tx, user, storage).await
    }
}
