//! Identity providers on the wire.

use std::sync::Arc;

use async_graphql::{Context, Description, Object};

use super::authorization::{self, Wanted};
use super::discovery::{self, Age};
use super::store::ProvidersOf;
use super::{IdentityProvider as Document, exchange::Fault};
use crate::access::reach::Confine;
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::platform::id::StorefrontId;
use crate::storefront::graphql::READ;

/// An identity provider that the customers of a storefront can sign in with, by OpenID Connect. An operator adds it. Backend
/// (storefronts:read); everyone else with a credential: those of their own storefront.
#[derive(Clone, Description)]
pub struct IdentityProvider(Arc<Document>);

#[Object(use_type_description)]
impl IdentityProvider {
    /// What programs call it; unique in the storefront. `customerTokenCreateWithOidc` takes it as `provider`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// What people call it: for the button.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where to send the browser: authorization-code flow with PKCE S256. When it comes back, compare its state, then call
    /// `customerTokenCreateWithOidc`. BAD_USER_INPUT for arguments that cannot be; UNAVAILABLE while the provider has never
    /// answered.
    async fn authorization_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to come back to: to the letter one of those that an operator allowed.")]
        redirect_uri: String,
        #[graphql(
            desc = "What comes back with the browser, made up for this sign-in: 8 to 512 visible ASCII characters, best 22 \
                    or more random ones."
        )]
        state: String,
        #[graphql(
            desc = "What is in the id token, made up for this sign-in, with the same form as `state`."
        )]
        nonce: String,
        #[graphql(
            desc = "The SHA-256 of the code verifier in base64url without padding (RFC 7636): 43 characters."
        )]
        code_challenge: String,
    ) -> Result<String> {
        let wanted = Wanted {
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &code_challenge,
        };
        let faults = wanted.faults(&self.0);
        if !faults.is_empty() {
            return Err(Error::BadInput(faults.join(" ")));
        }
        let app = &RequestContext::of(ctx)?.app;
        let metadata = discovery::of(app, &self.0, Age::Any).await;
        let metadata = metadata.map_err(|fault| unavailable(fault, &self.0))?;
        Ok(authorization::url(&metadata.authorization_endpoint, &self.0, wanted).into())
    }
}

fn unavailable(fault: Fault, provider: &Document) -> Error {
    tracing::warn!(provider = %provider.id, reason = %fault, "an identity provider cannot be found out about");
    Error::UnavailableElsewhere(
        "The identity provider does not answer as it should; please try again shortly.",
    )
}

/// A storefront's providers, for its field: one command for all storefronts of a level.
///
/// # Errors
/// FORBIDDEN where the caller may not read storefronts.
pub async fn providers_of(
    context: &RequestContext,
    storefront: &StorefrontId,
) -> Result<Vec<IdentityProvider>> {
    let reach = context.reach(&READ)?;
    let make = || ProvidersOf {
        database: context.app.database.clone(),
        reach: reach.clone(),
    };
    let known = context
        .loader(reach.scope(), make)
        .load(storefront.clone())
        .await?;
    let known = known.iter().flat_map(|providers| providers.iter());
    Ok(known.cloned().map(IdentityProvider).collect())
}
