//! Settings that the documentation and the files beside it name are settings of the gateway, and their examples are
//! read.

use storefront_gateway::config::{Config, SETTINGS, Setting};

use super::blocks::Document;

/// Files beside the documents that set variables of the gateway.
const FILES: [&str; 2] = ["Dockerfile", "docker-compose.yml"];

/// Returns the names in a text that begin as those of settings do. The beginning alone is not a name.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.filter(|word| word.starts_with("GATEWAY_") && *word != "GATEWAY_")
}

#[test]
fn documented_settings_exist() {
    let mut documents = Document::all();
    documents.extend(FILES.map(Document::read));
    let mut unknown = Vec::new();
    for document in &documents {
        for name in names(&document.text) {
            // Those of the build are read by build.rs.
            let is_builds = name.starts_with("GATEWAY_BUILD_");
            // The variable that names a file with a secret.
            let in_file = name.strip_suffix("_FILE");
            let is_setting =
                |setting: &Setting| setting.name == name || (setting.secret && Some(setting.name) == in_file);
            if !is_builds && !SETTINGS.iter().any(is_setting) {
                unknown.push(format!("{}: {name}", document.path));
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn documented_values_are_valid() {
    let mut count = 0;
    for document in Document::all() {
        for span in document.spans() {
            let example = span
                .split_once('=')
                .filter(|(name, _)| names(name).next() == Some(*name) && !name.starts_with("GATEWAY_BUILD_"));
            if let Some((name, value)) = example {
                count += 1;
                let read = Config::from_vars([(name.to_owned(), value.to_owned())]);
                assert!(read.is_ok(), "{}: {span}: {read:?}", document.path);
            }
        }
    }
    assert!(count > 1, "the examples were not found");
}
