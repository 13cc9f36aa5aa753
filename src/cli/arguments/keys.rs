//! What can be written on the command line of signing keys and tokens.

use clap::{Args, Subcommand};

use super::id;
use crate::platform::id::{CustomerId, StorefrontUserId};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// Makes a new signing key, published at once, in use after two minutes; older ones verify until their tokens end
    Rotate {
        /// Ends all older keys: their tokens are refused everywhere within 5 seconds, and the new key signs at once
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Issues an access token
    Issue {
        #[command(flatten)]
        whom: Whom,
    },
}

/// Exactly one person.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Whom {
    /// The storefront user (sfu_…) whom it stands for
    #[arg(long, value_name = "ID", value_parser = id::<StorefrontUserId>)]
    pub(in crate::cli) storefront_user: Option<StorefrontUserId>,
    /// The customer (cus_…) whom it signs in, as one more of that one's sessions
    #[arg(long, value_name = "ID", value_parser = id::<CustomerId>)]
    pub(in crate::cli) customer: Option<CustomerId>,
}
