//! What can be written on the command line of identity providers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::id;
use crate::platform::id::{IdentityProviderId, StorefrontId};
use crate::sign_on::{check_issuer, check_key, check_redirect_uri};
use crate::storefront::check_name;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IdentityProviderCommand {
    /// Lets a storefront's customers sign in at a provider
    Add(Box<NewIdentityProvider>),
    /// Lists identity providers, oldest first
    List {
        /// Only this storefront's (sto_…)
        #[arg(long, value_name = "ID", value_parser = id::<StorefrontId>)]
        storefront: Option<StorefrontId>,
    },
    /// Removes a provider and what ties customers to it; their accounts and sessions stay
    Remove {
        /// The identity provider (idp_…)
        #[arg(value_parser = id::<IdentityProviderId>)]
        id: IdentityProviderId,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli) struct NewIdentityProvider {
    /// The storefront (sto_…)
    #[arg(long, value_name = "ID", value_parser = id::<StorefrontId>)]
    pub storefront: StorefrontId,
    /// What programs call it, unique in the storefront: a small letter, then small letters, digits, - and _
    #[arg(long, value_parser = check_key)]
    pub key: String,
    /// What people call it, on the button
    #[arg(long, value_parser = check_name)]
    pub name: String,
    /// Its issuer identifier, to the letter as it is in its id tokens: https, or http on a loopback address
    #[arg(long, value_name = "URL", value_parser = check_issuer)]
    pub issuer: String,
    /// What the provider calls this storefront's gateway
    #[arg(long, value_name = "ID", value_parser = visible)]
    pub client_id: String,
    /// A file with the secret that the provider gave with it, or - for standard input; leave it out for a public client
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// An address that the provider may send browsers back to, to the letter; may be repeated
    #[arg(long = "redirect-uri", value_name = "URL", required = true, value_parser = check_redirect_uri)]
    pub redirect_uris: Vec<String>,
}

fn visible(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("a client id is of visible ASCII characters".to_owned())
    }
}
