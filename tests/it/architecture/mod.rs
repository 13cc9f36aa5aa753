//! Rules for the source code that the compiler does not check: which module may name which, and which files are
//! generated.

mod code;
mod data_access;
mod imports;
mod signatures;

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
fn one_file_imports_the_dataloader() {
    assert_eq!(files_with(&["dataloader::"], |_| true), ["platform/loader.rs"]);
}

#[test]
fn no_source_file_exceeds_400_lines() {
    let long = |source: &Source| source.text.lines().count() > 400;
    let long: Vec<String> = all_sources()
        .into_iter()
        .filter(long)
        .map(|source| source.path)
        .collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn no_module_has_a_generic_name() {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc"];
    for source in all_sources() {
        for part in source.path.trim_end_matches(".rs").split('/') {
            assert!(!vague.contains(&part), "{}", source.path);
        }
    }
}

#[test]
fn the_schema_file_is_up_to_date() {
    let stored = std::fs::read_to_string(root().join("schema.graphql")).expect("schema.graphql");
    let same = stored.trim_end() == schema::sdl().trim_end();
    assert!(same, "generate it again: cargo run -- schema > schema.graphql");
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
fn the_image_is_built_with_a_supported_compiler() {
    let minor = |version: &str| {
        version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse::<u32>().ok())
    };
    let oldest = value_in("Cargo.toml", "rust-version");
    let image = std::fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    let builder = image.lines().find_map(|line| line.strip_prefix("FROM rust:"));
    let builder = builder.and_then(minor);
    assert!(builder.is_some() && builder >= minor(&oldest), "{builder:?}");
}

#[test]
fn the_readme_names_the_minimum_compiler_version() {
    let oldest = value_in("Cargo.toml", "rust-version");
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(
        readme.contains(&format!("You need Rust {oldest} or newer")),
        "{oldest}"
    );
}

#[test]
fn the_operators_guide_lists_the_current_settings() {
    let guide = std::fs::read_to_string(root().join("docs/operators.md")).expect("docs/operators.md");
    let table = config::settings_markdown();
    assert!(
        guide.contains(table.trim()),
        "the settings of docs/operators.md are not those of the code"
    );
}
