//! Invalid values and their messages.

use super::*;

#[test]
fn all_faults_come_in_one_answer() {
    let error = read(&vars(
        "GATEWAY_LISTEN=8080 GATEWAY_MAX_BODY=256 GATEWAY_ACCESS_TOKEN_TTL=0s GATEWAY_JOBS=yes \
         GATEWAY_MAX_NESTING=2000 GATEWAY_COLOUR=red GATEWAY_LOG=info",
    ))
    .unwrap_err();
    let text = error.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "GATEWAY_ACCESS_TOKEN_TTL: \"0s\" is shorter than 1s; allowed: a duration from 1s to 3650d; example: 15m",
            "GATEWAY_COLOUR: unknown setting; `storefront-gateway --help` lists all settings",
            "GATEWAY_JOBS: \"yes\" is neither on nor off; allowed: on or off; example: off",
            "GATEWAY_LISTEN: \"8080\" is not an IP address with a port; allowed: an IP address and a port \
             (port 0 selects a free port); example: 0.0.0.0:8080",
            "GATEWAY_MAX_BODY: \"256\" has no unit; allowed: a size from 1B to 64MiB, in B, KiB, MiB, GiB, KB, MB or GB; \
             example: 1MiB",
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
fn a_variable_of_the_build_is_no_setting() {
    let config = read(&[("GATEWAY_BUILD_GRAPHIQL", "off")]).unwrap();
    assert!(!config.any_set);
}

#[test]
fn an_unknown_name_is_a_fault_even_when_empty() {
    assert_eq!(
        faults(&[("GATEWAY_LISTNE", "")]),
        ["GATEWAY_LISTNE: unknown setting; did you mean GATEWAY_LISTEN?"]
    );
    assert_eq!(faults(&[("GATEWAY_", "x")]).len(), 1);
    let linked = faults(&vars(
        "GATEWAY_PORT_8080_TCP=tcp://10.0.0.1:8080 GATEWAY_SERVICE_HOST=10.0.0.1",
    ));
    assert!(
        linked.len() == 2 && linked.iter().all(|fault| fault.contains("enableServiceLinks")),
        "{linked:?}"
    );
    assert!(read(&vars("gateway_listen=x MY_GATEWAY_LISTEN=x GATEWAY=x")).is_ok());
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
    assert!(wrong[0].contains("has 5 bytes instead of 32"), "{wrong:?}");
    assert!(
        read(&[("GATEWAY_MASTER_KEY", KEY)]).is_ok(),
        "a managed database may have a key of its own"
    );
}

#[test]
fn a_file_fits_into_the_quota() {
    assert!(read(&[("GATEWAY_STORAGE_MAX_FILE", "1GiB")]).is_ok());
    for (text, named) in [
        ("GATEWAY_STORAGE_MAX_FILE=2GiB", "GATEWAY_STORAGE_MAX_FILE"),
        ("GATEWAY_STORAGE_QUOTA=10MiB", "GATEWAY_STORAGE_QUOTA"),
        (
            "GATEWAY_STORAGE_MAX_FILE=11MB GATEWAY_STORAGE_QUOTA=10MB",
            "GATEWAY_STORAGE_MAX_FILE",
        ),
        // The other one is invalid, so its default says nothing about this one.
        (
            "GATEWAY_STORAGE_MAX_FILE=lots GATEWAY_STORAGE_QUOTA=10MiB",
            "GATEWAY_STORAGE_MAX_FILE",
        ),
    ] {
        let error = read(&vars(text)).unwrap_err();
        let names: Vec<&str> = error.0.iter().map(|fault| &*fault.variable).collect();
        assert_eq!(names, [named], "{error}");
    }
}

#[test]
fn argon2_has_memory_for_its_lanes() {
    assert!(read(&vars("GATEWAY_ARGON2_MEMORY_KIB=8")).is_ok());
    assert!(read(&vars("GATEWAY_ARGON2_MEMORY_KIB=32 GATEWAY_ARGON2_PARALLELISM=4")).is_ok());
    let faults = faults(&vars("GATEWAY_ARGON2_MEMORY_KIB=31 GATEWAY_ARGON2_PARALLELISM=4"));
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
        faults[0].starts_with("GATEWAY_METRICS_LISTEN: \"127.0.0.1:8080\" is also the address of the API"),
        "{faults:?}"
    );
    assert!(read(&vars("GATEWAY_METRICS_LISTEN=127.0.0.1:8081")).is_ok());
    assert!(
        read(&vars(
            "GATEWAY_METRICS_LISTEN=127.0.0.1:0 GATEWAY_LISTEN=127.0.0.1:0"
        ))
        .is_ok()
    );
}
