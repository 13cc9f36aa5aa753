//! What can be written on the command line of signing keys and tokens.

use clap::{Args, Subcommand};

use super::id;
use crate::platform::id::{CustomerId, StorefrontUserId};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// Creates a signing key: published at once, used after 2 minutes; older keys verify tokens until these expire
    Rotate {
        /// Uses the new key at once and revokes all older keys: within 5 seconds, no copy accepts their tokens
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Issues an access token of a storefront user or customer, and prints it
    Issue {
        #[command(flatten)]
        owner: TokenOwner,
    },
}

/// Exactly one of these options is required.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct TokenOwner {
    /// Id of the storefront user (sfu_…) to whom the token belongs
    #[arg(long, value_name = "ID", value_parser = id::<StorefrontUserId>)]
    pub storefront_user: Option<StorefrontUserId>,
    /// Id of the customer (cus_…) to whom the token belongs; this begins a new session of the customer
    #[arg(long, value_name = "ID", value_parser = id::<CustomerId>)]
    pub customer: Option<CustomerId>,
}
