//! What can be written on the command line.

mod identity_provider;
mod keys;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

pub(super) use self::identity_provider::{IdentityProviderCommand, NewIdentityProvider};
pub(super) use self::keys::{KeysCommand, TokenCommand};
use super::failure::Failure;
use crate::access::{client::ClientKind, scope::Scope};
use crate::config::settings_help;
use crate::platform::id::{ApiClientId, CustomerId, Id, OrganizationId, StorefrontId};
use crate::storefront::{IntegrationType, check_code, check_name};

/// An identity provider's secret on the command line, as earlier versions took it.
const CLIENT_SECRET: &str = "--client-secret";

/// Storefront Gateway: a GraphQL API for the customers of online stores, on MongoDB.
///
/// Without a command it serves; when nothing is configured, as a demo.
#[derive(Debug, Parser)]
#[command(
    name = "storefront-gateway",
    version,
    after_help = "Settings are variables GATEWAY_…; --help lists them all.",
    after_long_help = settings_help(),
    max_term_width = 120
)]
pub(super) struct Arguments {
    /// Writes the result as JSON: one object, or a list of objects
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the gateway and its jobs
    Serve {
        /// Fills an empty database with a demo's data, and prints its credentials
        #[arg(long)]
        demo: bool,
    },
    /// Organizations, which own storefronts
    Organization {
        #[command(subcommand)]
        command: OrganizationCommand,
    },
    /// Members of organizations, who may own backend tokens
    Member {
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// Storefronts: online stores
    Storefront {
        #[command(subcommand)]
        command: StorefrontCommand,
    },
    /// API clients: publishable keys and backends' secrets
    Client {
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Identity providers, at which a storefront's customers sign in by OpenID Connect
    IdentityProvider {
        #[command(subcommand)]
        command: IdentityProviderCommand,
    },
    /// Keys that tokens are signed with
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Access tokens, for a developer at the console
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Background jobs
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// The audit trail: who did what to which customer
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Checks settings, database, indexes, mail and keys, each with a verdict
    Check,
    /// Fills an empty database with the demo's data, and prints its credentials
    Demo {
        /// Adds customers with addresses and orders to the first storefront until there are so many, to try out scale
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
        customers: Option<u64>,
    },
    /// Prints the GraphQL schema (SDL); needs neither settings nor a database
    Schema,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrganizationCommand {
    /// Makes an organization
    Create {
        /// Display name
        #[arg(long, value_parser = check_name)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// Adds a member to an organization
    Add {
        /// The organization (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: OrganizationId,
        /// Display name
        #[arg(long, value_parser = check_name)]
        name: String,
        /// E-mail address
        #[arg(long, value_parser = email)]
        email: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum StorefrontCommand {
    /// Adds a storefront to an organization
    Create {
        /// The organization (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: OrganizationId,
        /// Name, unique in the organization
        #[arg(long, value_parser = check_name)]
        name: String,
        /// 1 to 16 capital letters and digits, unique in the organization; prefix of customer references
        #[arg(long, value_parser = check_code)]
        code: String,
        /// What software the store runs
        #[arg(long, value_enum, ignore_case = true, default_value = "CUSTOM")]
        integration_type: IntegrationType,
        /// The store's account page, which mailed links lead to
        #[arg(long, value_name = "URL", value_parser = account_url)]
        account_url: Option<String>,
        /// Registration does not tell whether an e-mail address is taken
        #[arg(long)]
        conceal_emails: bool,
    },
    /// Lists storefronts, oldest first
    List {
        /// Only this organization's (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: Option<OrganizationId>,
    },
    /// Changes a storefront; what is not named stays
    Update {
        /// The storefront (sto_…)
        #[arg(value_parser = id::<StorefrontId>)]
        id: StorefrontId,
        #[command(flatten)]
        changes: StorefrontChanges,
    },
}

/// At least one of them must be named.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(super) struct StorefrontChanges {
    /// New name
    #[arg(long, value_parser = check_name)]
    pub name: Option<String>,
    /// New software
    #[arg(long, value_enum, ignore_case = true)]
    pub integration_type: Option<IntegrationType>,
    /// New account page; empty for none
    #[arg(long, value_name = "URL", value_parser = new_account_url)]
    pub account_url: Option<NewAccountUrl>,
    /// Registration no longer tells whether an e-mail address is taken
    #[arg(long, conflicts_with = "reveal_emails")]
    pub conceal_emails: bool,
    /// Registration tells whether an e-mail address is taken
    #[arg(long)]
    pub reveal_emails: bool,
}

/// An account page to set, or none to take it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewAccountUrl(pub Option<String>);

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Makes an API client and prints its key or secret, this once only
    Create(NewClient),
    /// Lists API clients, oldest first
    List {
        /// Only this organization's (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: Option<OrganizationId>,
    },
    /// Refuses a client from now on, everywhere within five seconds
    Revoke {
        /// The client (cli_…)
        #[arg(value_parser = id::<ApiClientId>)]
        id: ApiClientId,
    },
}

#[derive(Args, Debug)]
pub(super) struct NewClient {
    /// The organization (org_…)
    #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
    pub organization: OrganizationId,
    /// A storefront (sto_…) that it covers; a backend covers all when none is named
    #[arg(long = "storefront", value_name = "ID", value_parser = id::<StorefrontId>)]
    pub storefronts: Vec<StorefrontId>,
    /// What it is: public, a publishable key of one storefront; or integration, a backend with a secret
    #[arg(long, value_enum)]
    pub kind: Kind,
    /// Display name
    #[arg(long, value_parser = check_name)]
    pub name: String,
    /// What a backend may do, such as storage:read
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = scope)]
    pub scopes: Vec<Scope>,
}

/// What a client is, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A publishable key
    Public,
    /// A backend with a secret
    Integration,
}

impl From<Kind> for ClientKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Public => Self::Public,
            Kind::Integration => Self::Integration,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// Lists jobs that are not done, oldest first
    List {
        /// Only those that were given up
        #[arg(long)]
        dead: bool,
    },
    /// Gives a job another go, now
    Retry {
        /// The job's id, as `jobs list` shows it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Lists what was done to a customer, newest first, also to one who is gone
    List {
        /// The customer (cus_…)
        #[arg(long, value_name = "ID", value_parser = id::<CustomerId>)]
        customer: CustomerId,
    },
}

impl Arguments {
    /// Reads the arguments, the program's name among them, and checks the rules between them.
    pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let read = refuse_secrets(&arguments).and_then(|()| Self::try_parse_from(arguments));
        let read = read.and_then(Self::checked);
        read.map_err(|error| Failure::Usage(Box::new(error)))
    }

    fn checked(self) -> Result<Self, clap::Error> {
        if let Some(Command::Client {
            command: ClientCommand::Create(new),
        }) = &self.command
            && let Err(wrong) = new.check()
        {
            let mut command = Self::command();
            return Err(command.error(ErrorKind::WrongNumberOfValues, wrong));
        }
        Ok(self)
    }
}

/// Refuses the argument that took a secret in earlier versions, and does not repeat it.
fn refuse_secrets(arguments: &[OsString]) -> Result<(), clap::Error> {
    let is_secret = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == CLIENT_SECRET || argument.starts_with(&format!("{CLIENT_SECRET}="))
    };
    if arguments.iter().any(is_secret) {
        return Err(Arguments::command().error(
            ErrorKind::UnknownArgument,
            format!(
                "{CLIENT_SECRET} is not taken any more, because other users of the machine can read command lines. Use \
                 {CLIENT_SECRET}-file PATH with a file that holds the secret, or {CLIENT_SECRET}-file - to have it read \
                 from standard input"
            ),
        ));
    }
    Ok(())
}

impl NewClient {
    /// A publishable key stands for one storefront and has no scope.
    fn check(&self) -> Result<(), &'static str> {
        match self.kind {
            Kind::Public if self.storefronts.len() != 1 => {
                Err("a public client covers exactly one storefront: name it with --storefront sto_…")
            }
            Kind::Public if !self.scopes.is_empty() => {
                Err("a public client has no scopes: leave --scope out, or choose --kind integration")
            }
            Kind::Public | Kind::Integration => Ok(()),
        }
    }
}

fn id<T: Id>(text: &str) -> Result<T, String> {
    T::parse(text).ok_or_else(|| format!("an id of this kind is {}_ and 26 characters", T::PREFIX))
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.text()).collect();
        format!("the scopes are {}", all.join(", "))
    })
}

fn email(text: &str) -> Result<String, String> {
    text.parse::<lettre::Address>()
        .map(|_address| text.to_owned())
        .map_err(|_cause| "this is no e-mail address, such as ada@example.com".to_owned())
}

/// An account page: links are made by adding a path, so that it ends without a slash and has no query.
fn account_url(text: &str) -> Result<String, String> {
    let sound = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if sound {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(
            "this is no address of a page, such as https://shop.example/account, without query and fragment"
                .to_owned(),
        )
    }
}

fn new_account_url(text: &str) -> Result<NewAccountUrl, String> {
    if text.is_empty() {
        Ok(NewAccountUrl(None))
    } else {
        account_url(text).map(|url| NewAccountUrl(Some(url)))
    }
}

#[cfg(test)]
mod tests;
