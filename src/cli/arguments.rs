//! What can be written on the command line.

mod identity_provider;
mod keys;

use std::ffi::OsString;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

pub(super) use self::identity_provider::{IdentityProviderCommand, NewIdentityProvider};
pub(super) use self::keys::{KeysCommand, TokenCommand};
use super::failure::Failure;
use crate::auth::client::ClientKind;
use crate::config::settings_help;
use crate::platform::id::{ApiClientId, CustomerId, Id, OrganizationId, StorefrontId};
use crate::reach::scope::Scope;
use crate::storefront::{IntegrationType, check_code, check_name};

/// An identity provider's secret on the command line, as earlier versions took it.
const CLIENT_SECRET: &str = "--client-secret";

/// Storefront Gateway: a GraphQL back end for online stores, with a MongoDB database.
///
/// Without a command, it runs `serve`; if no setting is set either, it runs `serve --demo`.
#[derive(Debug, Parser)]
#[command(
    name = "storefront-gateway",
    version,
    after_help = "Settings are environment variables GATEWAY_…; --help lists them all.",
    after_long_help = settings_help(),
    max_term_width = 120
)]
pub(super) struct Arguments {
    /// Prints the result as JSON: one object, or an array of objects
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the gateway: serves the API and runs background jobs
    Serve {
        /// Writes demo data into an empty database, and prints the credentials of the demo
        #[arg(long)]
        demo: bool,
    },
    /// Manages organizations, which own storefronts and API clients
    Organization {
        #[command(subcommand)]
        command: OrganizationCommand,
    },
    /// Manages members of organizations, on whose behalf integrations can request access tokens
    Member {
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// Manages storefronts: online stores
    Storefront {
        #[command(subcommand)]
        command: StorefrontCommand,
    },
    /// Manages API clients: publishable keys, and integrations with client secrets
    Client {
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Manages identity providers, at which customers of a storefront sign in by OpenID Connect
    IdentityProvider {
        #[command(subcommand)]
        command: IdentityProviderCommand,
    },
    /// Manages the keys that sign access tokens
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Issues access tokens, for development and tests
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Manages background jobs, such as mails to send
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Shows the audit trail: the changes to a customer's account, and who made them
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Checks settings, database, indexes, mail and signing keys, and prints a verdict for each
    Check,
    /// Asks the gateway that runs on this machine with the same settings whether it is ready; exit code 0 if it is
    Health,
    /// Writes demo data into an empty database, and prints the credentials of the demo
    Demo {
        /// Adds customers with addresses and orders to the first storefront until it has N of them, for tests at scale
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
        customers: Option<u64>,
    },
    /// Prints the GraphQL schema (SDL); requires neither settings nor a database
    Schema,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrganizationCommand {
    /// Creates an organization and prints its id
    Create {
        /// Display name
        #[arg(long, value_parser = check_name)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// Adds a member to an organization and prints the id of the member
    Add {
        /// Id of the organization (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: OrganizationId,
        /// Display name
        #[arg(long, value_parser = check_name)]
        name: String,
        /// E-mail address of the member
        #[arg(long, value_parser = email)]
        email: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum StorefrontCommand {
    /// Creates a storefront of an organization and prints its id
    Create {
        /// Id of the organization (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: OrganizationId,
        /// Display name, unique in the organization
        #[arg(long, value_parser = check_name)]
        name: String,
        /// Prefix of customer references: 1 to 16 capital letters and digits, unique in the organization
        #[arg(long, value_parser = check_code)]
        code: String,
        /// Software that the store runs
        #[arg(long, value_enum, ignore_case = true, default_value = "CUSTOM")]
        integration_type: IntegrationType,
        /// URL of the store's account page, to which links in mails lead
        #[arg(long, value_name = "URL", value_parser = account_url)]
        account_url: Option<String>,
        /// Responses do not reveal which e-mail addresses are registered
        #[arg(long)]
        conceal_emails: bool,
    },
    /// Lists storefronts, oldest first
    List {
        /// Lists only storefronts of the organization with this id (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: Option<OrganizationId>,
    },
    /// Changes properties of a storefront; properties without an option keep their values
    Update {
        /// Id of the storefront (sto_…)
        #[arg(value_parser = id::<StorefrontId>)]
        id: StorefrontId,
        #[command(flatten)]
        changes: StorefrontChangeArguments,
    },
}

/// At least one of these options is required.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(super) struct StorefrontChangeArguments {
    /// New display name
    #[arg(long, value_parser = check_name)]
    pub name: Option<String>,
    /// New software of the store
    #[arg(long, value_enum, ignore_case = true)]
    pub integration_type: Option<IntegrationType>,
    /// New URL of the account page; an empty value removes it
    #[arg(long, value_name = "URL", value_parser = new_account_url)]
    pub account_url: Option<NewAccountUrl>,
    /// Responses no longer reveal which e-mail addresses are registered
    #[arg(long, conflicts_with = "reveal_emails")]
    pub conceal_emails: bool,
    /// Responses may reveal which e-mail addresses are registered
    #[arg(long)]
    pub reveal_emails: bool,
}

/// An account page to set, or none to remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewAccountUrl(pub Option<String>);

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Creates an API client and prints its publishable key or client secret, once
    Create(NewClientArguments),
    /// Lists API clients, oldest first
    List {
        /// Lists only API clients of the organization with this id (org_…)
        #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
        organization: Option<OrganizationId>,
    },
    /// Revokes an API client: within 5 seconds, all copies of the gateway refuse its requests
    Revoke {
        /// Id of the API client (cli_…)
        #[arg(value_parser = id::<ApiClientId>)]
        id: ApiClientId,
    },
}

#[derive(Args, Debug)]
pub(super) struct NewClientArguments {
    /// Id of the organization (org_…)
    #[arg(long, value_name = "ID", value_parser = id::<OrganizationId>)]
    pub organization: OrganizationId,
    /// Id of a storefront (sto_…) that the client can use; without it, an integration can use all of the organization
    #[arg(long = "storefront", value_name = "ID", value_parser = id::<StorefrontId>)]
    pub storefronts: Vec<StorefrontId>,
    /// Kind of the client: public (has a publishable key) or integration (has a client secret)
    #[arg(long, value_enum)]
    pub kind: ClientKind,
    /// Display name
    #[arg(long, value_parser = check_name)]
    pub name: String,
    /// Scope of an integration, such as storage:read; can be repeated, or a list separated by commas
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = scope)]
    pub scopes: Vec<Scope>,
}

impl ValueEnum for ClientKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Public, Self::Integration]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Public => PossibleValue::new("public")
                .help("An API client of one storefront with a publishable key, for browsers and apps"),
            Self::Integration => {
                PossibleValue::new("integration").help("An API client with a client secret, for back ends")
            }
        })
    }
}

/// Returns a value as it is written on the command line.
pub(super) fn word(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// Lists jobs that are not completed, oldest first
    List {
        /// Lists only jobs that failed permanently
        #[arg(long)]
        dead: bool,
    },
    /// Runs a waiting or permanently failed job as soon as possible
    Retry {
        /// Id of the job, from the output of `jobs list`
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Lists the changes to a customer's account, newest first, also of customers that no longer exist
    List {
        /// Id of the customer (cus_…)
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
                "{CLIENT_SECRET} is no longer supported, because other users of the machine can read command lines. \
                 Use {CLIENT_SECRET}-file PATH with a file that contains the client secret, or {CLIENT_SECRET}-file - \
                 to read it from standard input"
            ),
        ));
    }
    Ok(())
}

impl NewClientArguments {
    /// Checks that a publishable key has one storefront and no scope.
    fn check(&self) -> Result<(), &'static str> {
        match self.kind {
            ClientKind::Public if self.storefronts.len() != 1 => {
                Err("a client of the kind public has exactly one storefront: set one --storefront sto_…")
            }
            ClientKind::Public if !self.scopes.is_empty() => {
                Err("a client of the kind public has no scopes: omit --scope, or use --kind integration")
            }
            ClientKind::Public | ClientKind::Integration => Ok(()),
        }
    }
}

fn id<T: Id>(text: &str) -> Result<T, String> {
    T::parse(text).ok_or_else(|| {
        format!(
            "not a valid id: it must be {}_ followed by 26 characters",
            T::PREFIX
        )
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.text()).collect();
        format!("unknown scope; the scopes are {}", all.join(", "))
    })
}

fn email(text: &str) -> Result<String, String> {
    text.parse::<lettre::Address>()
        .map(|_address| text.to_owned())
        .map_err(|_cause| "not a valid e-mail address, such as ada@example.com".to_owned())
}

/// Checks an account page and removes the slash at its end. Links are made by adding a path, so it has no query.
fn account_url(text: &str) -> Result<String, String> {
    let is_valid = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let expected = "not a valid URL: it must be like https://shop.example/account, without user name, query and fragment";
    if is_valid {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(expected.to_owned())
    }
}

fn new_account_url(text: &str) -> Result<NewAccountUrl, String> {
    let url = (!text.is_empty()).then(|| account_url(text)).transpose();
    url.map(NewAccountUrl)
}

#[cfg(test)]
mod tests;
