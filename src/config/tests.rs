//! The tree as a whole: defaults, rules between settings, faults together, and the table against all of it.

use std::time::Duration;

use super::*;
use crate::platform::secret::MasterKey;

/// 32 bytes whose base64 would be seen in a message.
const KEY: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyISE=";

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    Config::from_vars(
        vars.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn faults(vars: &[(&str, &str)]) -> Vec<String> {
    read(vars)
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

fn days(count: u64) -> Duration {
    minutes(count * 24 * 60)
}

#[test]
fn defaults_are_those_of_the_service() {
    let config = Config::from_vars([]).unwrap();
    assert!(!config.any_set);
    assert_eq!(config.data_dir.as_os_str(), ".storefront-gateway");
    assert!(matches!(
        config.database.server,
        DatabaseServer::Managed { mongod: None }
    ));
    assert_eq!(config.database.name, "storefront_gateway");
    assert_eq!(config.master_key, None);
    assert_eq!(config.anonymous_ttl, days(30));
    assert_eq!(config.anonymization_grace, days(1));
    assert!(config.rate_limits && config.jobs);
    assert!(config.mail.smtp.is_none());
    assert_eq!(config.mail.from.to_string(), "no-reply@localhost");
    assert_eq!(
        config.log,
        LogConfig {
            filter: "info".to_owned(),
            format: LogFormat::Text
        }
    );
    assert_eq!(
        config.telemetry,
        TelemetryConfig {
            traces_url: None,
            metrics_listen: None
        }
    );
    assert_eq!(
        config.tokens,
        TokenLifetimes {
            access: minutes(15),
            refresh: days(30),
            storefront_user: days(1),
            reset_key: minutes(60),
            email_token: days(1),
        }
    );
}

#[test]
fn default_limits_are_those_of_the_service() {
    let Config {
        http,
        guard,
        storage,
        passwords,
        ..
    } = Config::from_vars([]).unwrap();
    assert_eq!(http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        http.public_url("127.0.0.1:41233".parse().unwrap()).as_str(),
        "http://127.0.0.1:41233"
    );
    assert_eq!(
        (http.trusted_proxies.len(), http.cors_origins),
        (0, CorsOrigins::Any)
    );
    assert!(http.graphiql && http.introspection);
    assert_eq!(
        (http.max_body, http.request_timeout),
        (256 * 1_024, Duration::from_secs(15))
    );
    assert_eq!(
        guard,
        GuardLimits {
            max_tokens: 2_000,
            max_nesting: 32,
            max_depth: 15,
            max_cost: 5_000,
            max_aliases: 50,
            max_fragments: 50,
            max_directives: 50,
        }
    );
    assert_eq!((storage.max_file, storage.quota), (50 << 20, 1 << 30));
    for allowed in [
        "image/png",
        "image/svg+xml",
        "application/pdf",
        "application/json",
        "application/zip",
    ] {
        assert!(storage.allows(allowed), "{allowed}");
    }
    assert!(!storage.allows("text/html") && !storage.allows("application/javascript"));
    assert_eq!(passwords.min_length, 7);
    let Argon2Config {
        memory_kib,
        iterations,
        parallelism,
        threads,
    } = passwords.argon2;
    assert_eq!((memory_kib, iterations, parallelism), (19_456, 2, 1));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    assert_eq!(threads.get(), (cores / 2).max(1));
}

#[test]
fn what_is_set_is_what_holds() {
    let config = read(&[
        ("GATEWAY_MONGODB_URI", "mongodb://u:p@db/?replicaSet=rs0"),
        ("GATEWAY_MASTER_KEY", KEY),
        ("GATEWAY_PUBLIC_URL", "https://api.shop.example"),
        ("GATEWAY_LISTEN", "[::]:0"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("GATEWAY_ANONYMIZATION_GRACE", "0s"),
        ("GATEWAY_ARGON2_THREADS", "3"),
        ("GATEWAY_MAX_ALIASES", "0"),
        ("GATEWAY_INTROSPECTION", "off"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert!(
        matches!(&config.database.server, DatabaseServer::External { uri } if uri.expose().ends_with("rs0"))
    );
    assert_eq!(config.master_key, MasterKey::from_base64(KEY).ok());
    assert_eq!(
        config.http.public_url("[::1]:4000".parse().unwrap()).as_str(),
        "https://api.shop.example"
    );
    assert_eq!(config.http.listen.port(), 0);
    assert_eq!(config.http.trusted_proxies.len(), 1);
    assert_eq!(config.anonymization_grace, Duration::ZERO);
    assert_eq!(config.passwords.argon2.threads.get(), 3);
    assert_eq!(config.guard.max_aliases, 0);
    assert!(config.any_set && !config.http.introspection && config.http.graphiql);
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let vars: Vec<(&str, &str)> = SETTINGS.iter().map(|setting| (setting.name, "")).collect();
    let config = read(&vars).unwrap();
    assert!(!config.any_set);
    assert_eq!(
        format!("{config:?}"),
        format!("{:?}", Config::from_vars([]).unwrap())
    );
}

#[test]
fn all_faults_come_in_one_answer() {
    let error = read(&[
        ("GATEWAY_LISTEN", "8080"),
        ("GATEWAY_MAX_BODY", "256"),
        ("GATEWAY_ACCESS_TOKEN_TTL", "0s"),
        ("GATEWAY_JOBS", "yes"),
        ("GATEWAY_MAX_NESTING", "2000"),
        ("GATEWAY_COLOUR", "red"),
        ("GATEWAY_LOG", "info"),
    ])
    .unwrap_err();
    let text = error.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "GATEWAY_ACCESS_TOKEN_TTL: \"0s\" is shorter than 1s; allowed: a duration from 1s to 3650d; example: 15m",
            "GATEWAY_COLOUR: there is no such setting; `storefront-gateway --help` lists them all",
            "GATEWAY_JOBS: \"yes\" is neither on nor off; allowed: on or off; example: off",
            "GATEWAY_LISTEN: \"8080\" is not an IP address with a port; allowed: an IP address and a port, port 0 for a \
             free one; example: 0.0.0.0:8080",
            "GATEWAY_MAX_BODY: \"256\" has no unit; allowed: a size from 1B to 64MiB, in B, KiB, MiB, GiB, KB, MB or GB; \
             example: 256KiB",
            "GATEWAY_MAX_NESTING: \"2000\" is more than 48; allowed: a whole number from 1 to 48; example: 32",
        ]
    );
}

#[test]
fn a_wrong_value_stays_on_one_short_line() {
    let value = format!("a\nb{}", "ü".repeat(500));
    let faults = faults(&[("GATEWAY_LISTEN", &value)]);
    assert!(faults[0].starts_with("GATEWAY_LISTEN: \"a\\nbüü"), "{faults:?}");
    assert!(!faults[0].contains('\n') && faults[0].len() < 400, "{faults:?}");
}

#[test]
fn an_unknown_name_is_a_fault_even_when_empty() {
    assert_eq!(
        faults(&[("GATEWAY_LISTNE", "")]),
        ["GATEWAY_LISTNE: there is no such setting; did you mean GATEWAY_LISTEN?"]
    );
    assert_eq!(faults(&[("GATEWAY_", "x")]).len(), 1);
    let linked = faults(&[
        ("GATEWAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
    ]);
    assert!(
        linked.len() == 2 && linked.iter().all(|fault| fault.contains("enableServiceLinks")),
        "{linked:?}"
    );
    assert!(
        read(&[
            ("gateway_listen", "x"),
            ("MY_GATEWAY_LISTEN", "x"),
            ("GATEWAY", "x")
        ])
        .is_ok()
    );
}

#[test]
fn secrets_are_never_repeated() {
    let wrong = [
        ("GATEWAY_MONGODB_URI", "mongodb://ann:hunter2@"),
        ("GATEWAY_MONGODB_URI", "hunter2"),
        ("GATEWAY_MONGODB_URI", "mongodb://ann:hunter2@db/?replicaSet"),
        ("GATEWAY_MASTER_KEY", "hunter2"),
        ("GATEWAY_SMTP_URL", "smtp://ann:hunter2@mail.example?tls=hunter2"),
        ("GATEWAY_SMTP_URL", "hunter2"),
        ("GATEWAY_OTLP_ENDPOINT", "https://ann:hunter2@otlp.example"),
        ("GATEWAY_PUBLIC_URL", "https://ann:hunter2@api.example"),
        ("GATEWAY_CORS_ORIGINS", "https://ann:hunter2@api.example"),
        ("GATEWAY_LISTEN", "http://ann:hunter2@127.0.0.1:80"),
        ("GATEWAY_PASSWORD", "hunter2"),
    ];
    for var in wrong {
        let error = read(&[var]).unwrap_err();
        assert!(error.0.iter().any(|fault| fault.variable == var.0), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn secrets_are_mute_in_the_tree() {
    let config = read(&[
        ("GATEWAY_MONGODB_URI", "mongodb://ann:hunter2@db"),
        ("GATEWAY_MASTER_KEY", KEY),
        ("GATEWAY_SMTP_URL", "smtp://ann:hunter2@mail.example"),
    ])
    .unwrap();
    let text = format!("{config:?} {config:#?}");
    assert!(
        !text.contains("hunter2") && !text.contains("c2VjcmV0") && !text.contains("115, 101, 99"),
        "{text}"
    );
    assert!(text.contains("mail.example"), "the host is for messages");
}

#[test]
fn a_shared_database_needs_the_master_key() {
    let uri = ("GATEWAY_MONGODB_URI", "mongodb://db");
    let missing = faults(&[uri]);
    assert_eq!(missing.len(), 1);
    assert!(
        missing[0]
            .starts_with("GATEWAY_MASTER_KEY: it is not set, but is required with GATEWAY_MONGODB_URI;")
    );
    assert!(missing[0].contains("openssl rand -base64 32"));
    let wrong = faults(&[uri, ("GATEWAY_MASTER_KEY", "c2hvcnQ=")]);
    assert_eq!(wrong.len(), 1);
    assert!(
        wrong[0].contains("holds 5 bytes where 32 are needed"),
        "{wrong:?}"
    );
    assert!(
        read(&[("GATEWAY_MASTER_KEY", KEY)]).is_ok(),
        "a managed database may have a key of its own"
    );
}

#[test]
fn a_file_fits_into_the_quota() {
    assert!(read(&[("GATEWAY_STORAGE_MAX_FILE", "1GiB")]).is_ok());
    for (vars, blamed) in [
        (
            &[("GATEWAY_STORAGE_MAX_FILE", "2GiB")][..],
            "GATEWAY_STORAGE_MAX_FILE",
        ),
        (&[("GATEWAY_STORAGE_QUOTA", "10MiB")], "GATEWAY_STORAGE_QUOTA"),
        (
            &[
                ("GATEWAY_STORAGE_MAX_FILE", "11MB"),
                ("GATEWAY_STORAGE_QUOTA", "10MB"),
            ],
            "GATEWAY_STORAGE_MAX_FILE",
        ),
        // The other one is faulty, so its default says nothing about this one.
        (
            &[
                ("GATEWAY_STORAGE_MAX_FILE", "lots"),
                ("GATEWAY_STORAGE_QUOTA", "10MiB"),
            ],
            "GATEWAY_STORAGE_MAX_FILE",
        ),
    ] {
        let error = read(vars).unwrap_err();
        let names: Vec<&str> = error.0.iter().map(|fault| &*fault.variable).collect();
        assert_eq!(names, [blamed], "{error}");
    }
}

#[test]
fn argon2_has_memory_for_its_lanes() {
    assert!(read(&[("GATEWAY_ARGON2_MEMORY_KIB", "8")]).is_ok());
    assert!(
        read(&[
            ("GATEWAY_ARGON2_MEMORY_KIB", "32"),
            ("GATEWAY_ARGON2_PARALLELISM", "4")
        ])
        .is_ok()
    );
    let faults = faults(&[
        ("GATEWAY_ARGON2_MEMORY_KIB", "31"),
        ("GATEWAY_ARGON2_PARALLELISM", "4"),
    ]);
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].starts_with("GATEWAY_ARGON2_MEMORY_KIB: \"31\" is less than eight times"),
        "{faults:?}"
    );
}

#[test]
fn metrics_have_an_address_of_their_own() {
    let faults = faults(&[("GATEWAY_METRICS_LISTEN", "127.0.0.1:8080")]);
    assert!(
        faults[0].starts_with("GATEWAY_METRICS_LISTEN: \"127.0.0.1:8080\" is the API's own address"),
        "{faults:?}"
    );
    assert!(read(&[("GATEWAY_METRICS_LISTEN", "127.0.0.1:8081")]).is_ok());
    assert!(
        read(&[
            ("GATEWAY_METRICS_LISTEN", "127.0.0.1:0"),
            ("GATEWAY_LISTEN", "127.0.0.1:0")
        ])
        .is_ok()
    );
}

#[test]
fn every_setting_is_read_and_its_example_accepted() {
    for setting in SETTINGS {
        let read_alone = read(&[(setting.name, "\0")]);
        // A zero character is right nowhere, so a setting that takes it is one that nobody reads.
        let error = read_alone.expect_err(setting.name);
        assert!(
            error.0.iter().any(|fault| fault.variable == setting.name),
            "{error}"
        );

        let example = if setting.name == "GATEWAY_MASTER_KEY" {
            KEY
        } else {
            setting.example
        };
        let vars = [(setting.name, example), ("GATEWAY_MASTER_KEY", KEY)];
        assert!(
            read(&vars).is_ok(),
            "{}: {}",
            setting.name,
            read(&vars).unwrap_err()
        );
        if let DefaultValue::Text(default) = setting.default {
            assert!(
                read(&[(setting.name, default)]).is_ok(),
                "the default of {}",
                setting.name
            );
        }
    }
}

#[test]
fn bounds_themselves_are_accepted() {
    for setting in SETTINGS {
        let (least, most) = match setting.unit {
            Unit::Duration { least, most } | Unit::Size { least, most } => {
                (least.to_owned(), most.to_owned())
            }
            Unit::Number { least, most } => (least.to_string(), most.to_string()),
            Unit::Switch | Unit::Choice(_) | Unit::Form(_) | Unit::List(_) => continue,
        };
        for bound in [&*least, &*most] {
            // The quota is set along, so that the largest file fits.
            let vars = match setting.name {
                "GATEWAY_STORAGE_MAX_FILE" => {
                    vec![(setting.name, bound), ("GATEWAY_STORAGE_QUOTA", "1024GiB")]
                }
                "GATEWAY_STORAGE_QUOTA" => vec![(setting.name, bound), ("GATEWAY_STORAGE_MAX_FILE", "1B")],
                _ => vec![(setting.name, bound)],
            };
            assert!(
                read(&vars).is_ok(),
                "{} at {bound}: {}",
                setting.name,
                read(&vars).unwrap_err()
            );
        }
    }
}

#[test]
fn names_are_ours_and_stand_once() {
    let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert!(names.iter().all(|name| name.starts_with("GATEWAY_")));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len());
}

#[test]
fn help_and_readme_list_every_setting() {
    let (help, table) = (settings_help(), settings_markdown());
    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    for setting in SETTINGS {
        assert!(
            help.contains(&format!("\n  {} (", setting.name)),
            "{}",
            setting.name
        );
        assert!(
            table.contains(&format!("\n| `{}` | ", setting.name)),
            "{}",
            setting.name
        );
    }
    assert!(
        table
            .lines()
            .skip(2)
            .all(|row| row.matches(" | ").count() == 2 && row.starts_with('|')),
        "{table}"
    );
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    assert!(help.contains("GATEWAY_LISTEN (text)\n") && help.contains("      Default: 127.0.0.1:8080\n"));
}
