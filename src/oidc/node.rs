//! GraphQL types of identity providers.

use std::sync::Arc;

use async_graphql::{Context, Description, Object};

use super::IdentityProvider;
use super::authorization_url::{AuthorizationParameters, authorization_url};
use super::store::ProvidersOf;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::StorefrontId;
use crate::reach::Confine;
use crate::storefront::node::READ;

/// An OpenID Connect identity provider that customers of a storefront can sign in with. Added by an operator.
/// Requires an integration token or client secret with the scope `storefronts:read`, or a publishable key, customer
/// token or storefront user token of the storefront.
#[derive(Clone, Description)]
pub struct IdentityProviderNode(Arc<IdentityProvider>);

#[Object(name = "IdentityProvider", use_type_description)]
impl IdentityProviderNode {
    /// Key, unique in the storefront; the `provider` of `customerTokenCreateWithOidc`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Display name, such as for the sign-in button.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the URL to send the browser to: authorization code flow with PKCE (S256).
    /// When the browser returns, compare `state`, then call `customerTokenCreateWithOidc`.
    /// Errors: BAD_USER_INPUT for an invalid argument, UNAVAILABLE if the provider has never responded.
    async fn authorization_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Redirect URI; must exactly match one of those that an operator allowed.")]
        redirect_uri: String,
        #[graphql(
            desc = "State, returned with the browser: 8 to 512 visible ASCII characters; use at least 22 random ones."
        )]
        state: String,
        #[graphql(
            desc = "Nonce, contained in the id token: same form as `state`; generate both for each sign-in."
        )]
        nonce: String,
        #[graphql(
            desc = "SHA-256 of the code verifier in base64url without padding (RFC 7636): 43 characters."
        )]
        code_challenge: String,
    ) -> Result<String> {
        let parameters = AuthorizationParameters {
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &code_challenge,
        };
        let app = &RequestContext::of(ctx)?.app;
        let url = authorization_url(app, &self.0, parameters).await?;
        Ok(url.into())
    }
}

/// Returns a storefront's providers, for its field, with one database command for all storefronts of a level.
///
/// # Errors
/// FORBIDDEN if the caller may not read storefronts.
pub async fn providers_of(
    context: &RequestContext,
    storefront: &StorefrontId,
) -> Result<Vec<IdentityProviderNode>> {
    let reach = context.reach(&READ)?;
    let make = || ProvidersOf {
        database: context.app.database.clone(),
        reach: reach.clone(),
    };
    let loader = context.loader(reach.scope(), make);
    let known = loader.load(storefront.clone()).await?;
    let known = known.iter().flat_map(|providers| providers.iter());
    Ok(known.cloned().map(IdentityProviderNode).collect())
}
