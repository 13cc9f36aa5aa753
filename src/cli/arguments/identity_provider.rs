//! What can be written on the command line of identity providers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::id;
use crate::oidc::{check_issuer, check_key, check_redirect_uri};
use crate::platform::id::{IdentityProviderId, StorefrontId};
use crate::storefront::check_name;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IdentityProviderCommand {
    /// Adds an identity provider at which customers of a storefront can sign in, and prints its id
    Add(Box<NewIdentityProvider>),
    /// Lists identity providers, oldest first
    List {
        /// Lists only identity providers of the storefront with this id (sto_…)
        #[arg(long, value_name = "ID", value_parser = id::<StorefrontId>)]
        storefront: Option<StorefrontId>,
    },
    /// Removes an identity provider and its links to customers; accounts and sessions remain
    Remove {
        /// Id of the identity provider (idp_…)
        #[arg(value_parser = id::<IdentityProviderId>)]
        id: IdentityProviderId,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli) struct NewIdentityProvider {
    /// Id of the storefront (sto_…)
    #[arg(long, value_name = "ID", value_parser = id::<StorefrontId>)]
    pub storefront: StorefrontId,
    /// Key for programs, unique in the storefront: a lower-case letter, then lower-case letters, digits, - and _
    #[arg(long, value_parser = check_key)]
    pub key: String,
    /// Display name, for example on a sign-in button
    #[arg(long, value_parser = check_name)]
    pub name: String,
    /// Issuer URL, exactly as in the id tokens of the provider: https, or http on a loopback address
    #[arg(long, value_name = "URL", value_parser = check_issuer)]
    pub issuer: String,
    /// Client id that the provider assigned to this gateway
    #[arg(long, value_name = "ID", value_parser = visible)]
    pub client_id: String,
    /// File with the client secret from the provider, or - for standard input; omit it if there is no client secret
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// URL to which the provider may redirect browsers after a sign-in, compared exactly; can be repeated
    #[arg(long = "redirect-uri", value_name = "URL", required = true, value_parser = check_redirect_uri)]
    pub redirect_uris: Vec<String>,
}

fn visible(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("not a valid client id: it must consist of visible ASCII characters".to_owned())
    }
}
