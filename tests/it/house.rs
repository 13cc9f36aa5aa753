//! Rules for the source code that the compiler does not check: which module may name which, and which files are
//! generated.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use storefront_gateway::{config, schema};

/// A source file: its path below a folder of the project, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below this folder of the project, sorted by path.
pub(crate) fn rust_files(top: &str) -> Vec<Source> {
    let top = root().join(top);
    let mut folders: Vec<PathBuf> = vec![top.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("node_modules") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                let path = path
                    .strip_prefix(&top)
                    .expect("below the folder")
                    .to_string_lossy()
                    .replace('\\', "/");
                files.push(Source { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The files of `src` without their tests.
fn sources() -> Vec<Source> {
    let sources = without_tests(rust_files("src"));
    assert!(sources.len() > 50, "src was not found");
    sources
}

/// The files of `src` and of all crates without their tests.
fn all_sources() -> Vec<Source> {
    let crates = without_tests(rust_files("crates"));
    assert!(!crates.is_empty(), "crates was not found");
    sources().into_iter().chain(crates).collect()
}

fn without_tests(mut sources: Vec<Source>) -> Vec<Source> {
    let is_test = |part: &str| part == "tests" || part == "tests.rs";
    sources.retain(|source| !source.path.split('/').any(is_test));
    for source in &mut sources {
        let text = source.text.split("\n#[cfg(test)]\nmod tests {").next();
        source.text = text.unwrap_or_default().to_owned();
    }
    sources
}

/// The layers from top to bottom; a file names only modules of its own layer or a lower one.
///
/// `cli` and `http` are in one layer; the domains have three levels of their own (see [`domain_level`]).
const LEVELS: &[&[&str]] = &[
    &["main", "lib"],
    &["cli", "demo", "http", "serve", "telemetry"],
    &["schema"],
    // The domains are between these layers.
    &["context"],
    &["app"],
    &["access"],
    &["guard", "notice", "platform"],
    &["error", "config"],
];

/// The domains; the stores of each domain name only the domains before it.
const DOMAINS: &[&str] = &[
    "storefront",
    "storefront_user",
    "storage",
    "custom_field",
    "customer",
    "address",
    "order",
    "market",
    "oidc",
    "erasure",
];

/// Permitted violations of the layering, with reasons. This list only shrinks.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "access/graphql.rs",
        "context",
        "graphql.rs files stand above the context, access's too",
    ),
    (
        "access/graphql.rs",
        "customer",
        "graphql.rs files name each other's nodes",
    ),
    (
        "access/graphql.rs",
        "storefront",
        "graphql.rs files name each other's nodes",
    ),
    (
        "access/graphql.rs",
        "storefront_user",
        "graphql.rs files name each other's nodes",
    ),
    (
        "config/backends.rs",
        "platform",
        "a secret setting has a secret's type",
    ),
    (
        "config/tree.rs",
        "platform",
        "a secret setting has a secret's type",
    ),
];

/// The modules of the crate that a file names in `use` lines and in paths.
fn named(source: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let code = source
        .text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            names.extend(group.split(',').map(first_segment));
        } else {
            names.insert(first_segment(rest));
        }
    }
    names.remove("");
    names
}

fn first_segment(path: &str) -> String {
    path.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

fn excepted(path: &str, name: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(file, module, _)| *file == path && *module == name)
}

/// Whether a file outside the domains may name this module.
fn house_may(from: &str, to: &str) -> bool {
    match (level(from), level(to)) {
        (Some(from), Some(to)) => from <= to,
        // Layers above the domains.
        (Some(from), None) => from < 3,
        (None, _) => false,
    }
}

#[test]
fn imports_go_down() {
    let mut against = Vec::new();
    for source in sources() {
        let from = module(&source.path).to_owned();
        for name in named(&source) {
            let known = level(&name).is_some() || DOMAINS.contains(&name.as_str());
            let may = match (DOMAINS.contains(&from.as_str()), DOMAINS.contains(&name.as_str())) {
                _ if name == from || !known => true,
                (false, _) => house_may(&from, &name),
                // Layers below the domains.
                (true, false) => level(&name) > Some(2),
                (true, true) => domain_may(&source.path, &from, &name),
            };
            if !may && !excepted(&source.path, &name) {
                against.push(format!("{} names crate::{name}", source.path));
            }
        }
    }
    assert!(against.is_empty(), "{against:#?}");
}

/// Whether a domain's file may name another domain: graphql.rs and mutations.rs may name each other's nodes; all other
/// references go in one direction.
fn domain_may(path: &str, from: &str, to: &str) -> bool {
    let wire = path.ends_with("/graphql.rs") || path.ends_with("/mutations.rs");
    let place = |domain: &str| DOMAINS.iter().position(|known| *known == domain);
    wire || place(to) < place(from)
}

#[test]
fn the_exceptions_are_needed() {
    let sources = sources();
    for (file, module, _) in EXCEPTIONS {
        let source = sources.iter().find(|source| source.path == *file);
        let source = source.unwrap_or_else(|| panic!("{file} is gone: take its line away"));
        assert!(
            named(source).contains(*module),
            "{file} no longer names {module}: take its line away"
        );
    }
}

/// The files that contain one of these words outside comments.
fn files_with(words: &[&str], within: impl Fn(&str) -> bool) -> Vec<String> {
    let contains = |source: &Source| {
        let mut code = source
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| words.iter().any(|word| line.contains(word)))
    };
    let found = sources()
        .into_iter()
        .filter(|source| within(&source.path) && contains(source));
    found.map(|source| source.path).collect()
}

#[test]
fn the_wire_knows_no_database() {
    let wire = |path: &str| path.ends_with("/graphql.rs") || path.ends_with("/mutations.rs");
    assert_eq!(files_with(&["mongodb::", "SystemReach"], wire), [""; 0]);
}

#[test]
fn stores_know_no_wire() {
    assert_eq!(
        files_with(&["async_graphql"], |path| path.ends_with("/store.rs")),
        [""; 0]
    );
}

#[test]
fn pure_rules_do_no_input_or_output() {
    let rules = |path: &str| {
        DOMAINS.iter().any(|domain| path == format!("{domain}/mod.rs")) || path == "storage/sniff.rs"
    };
    let found = files_with(&["mongodb::", "async fn", ".await", "Database"], rules);
    assert_eq!(found, [""; 0]);
}

#[test]
fn tenants_collections_are_opened_with_a_reach() {
    // The demo records in an internal collection that it has created its data.
    let house = ["platform/", "access/", "demo/mod.rs"];
    let elsewhere = |path: &str| !house.iter().any(|part| path.starts_with(part));
    assert_eq!(
        files_with(&[".house::<", ".house(", ".raw()"], elsewhere),
        [""; 0]
    );
}

#[test]
fn only_background_work_reaches_everything() {
    // Constructing one states that access is not decided by a request's principal; this list only shrinks.
    let allowed = [
        "access/reach.rs",
        "demo/mod.rs",
        "customer/mail.rs",
        "customer/migrations.rs",
        "erasure/begin.rs",
        "erasure/eraser.rs",
        "erasure/export.rs",
        "erasure/steps.rs",
        "market/store.rs",
        "storage/jobs.rs",
        "storage/store.rs",
        "storefront_user/lifecycle.rs",
    ];
    let makes = files_with(&["SystemReach::for_background_work"], |path| {
        !path.starts_with("cli/") && path != "cli.rs"
    });
    for path in makes {
        assert!(allowed.contains(&path.as_str()), "{path} makes a SystemReach");
    }
}

#[test]
fn one_file_knows_the_dataloader() {
    assert_eq!(files_with(&["dataloader::"], |_| true), ["platform/loader.rs"]);
}

#[test]
fn no_file_is_longer_than_it_can_be_read() {
    let long = |source: &Source| source.text.lines().count() > 400;
    let long: Vec<String> = all_sources()
        .into_iter()
        .filter(long)
        .map(|source| source.path)
        .collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn no_module_is_named_after_nothing() {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc"];
    for source in all_sources() {
        for part in source.path.trim_end_matches(".rs").split('/') {
            assert!(!vague.contains(&part), "{}", source.path);
        }
    }
}

#[test]
fn the_schema_file_is_what_the_code_says() {
    let stored = std::fs::read_to_string(root().join("schema.graphql")).expect("schema.graphql");
    let same = stored.trim_end() == schema::sdl().trim_end();
    assert!(same, "write it anew: cargo run -- schema > schema.graphql");
}

/// The quoted value of a line `key = "value"` in a file of the project.
fn value_in(file: &str, key: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).expect(file);
    let mut values = text
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("{file} has no {key}"));
    value.trim().trim_matches('"').to_owned()
}

#[test]
fn the_image_is_built_with_the_compiler_that_changes_are_checked_with() {
    let pinned = value_in("rust-toolchain.toml", "channel");
    let image = std::fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let builder = format!("\nFROM rust:{pinned}-");
    assert!(
        image.contains(&builder),
        "Dockerfile builds with another Rust than {pinned}"
    );
}

#[test]
fn the_readme_names_the_oldest_compiler() {
    let oldest = value_in("Cargo.toml", "rust-version");
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(
        readme.contains(&format!("You need Rust {oldest} or newer")),
        "{oldest}"
    );
}

#[test]
fn the_operators_guide_lists_the_settings_as_they_are() {
    let guide = std::fs::read_to_string(root().join("docs/operators.md")).expect("docs/operators.md");
    let table = config::settings_markdown();
    assert!(
        guide.contains(table.trim()),
        "the settings of docs/operators.md are not those of the code"
    );
}
