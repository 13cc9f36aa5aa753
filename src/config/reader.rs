//! Takes settings one by one and collects all faults, so that an operator can correct them together.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::row::Row;
use super::setting::{PREFIX, Setting};

/// What the variables of the build begin with (`build.rs`), which a shell that starts a gateway may contain too.
const BUILD_PREFIX: &str = "GATEWAY_BUILD_";

/// A setting with an invalid value, or an unknown setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// The variable's name, or `.env` when the file itself cannot be read.
    pub variable: String,
    /// What is wrong, what is allowed and an example, in one line. Never the value of a secret.
    pub message: String,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}

/// All wrong settings of a start, never none. `Display` prints a line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<SettingFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigFaults {}

/// The variables that were given, and the faults found in them so far.
///
/// A faulty value is replaced by its default and reading goes on; [`Reader::finish`] then refuses the whole.
pub(super) struct Reader {
    /// All settings.
    table: &'static [Setting],
    given: BTreeMap<String, Zeroizing<String>>,
    /// The names of the settings that were read so far.
    taken: Vec<&'static str>,
    faults: Vec<SettingFault>,
}

impl Reader {
    /// Keeps our variables; an empty one counts as not set. Unknown names become faults here.
    pub(super) fn new(vars: impl IntoIterator<Item = (String, String)>, table: &'static [Setting]) -> Self {
        let mut reader = Self {
            table,
            given: BTreeMap::new(),
            taken: Vec::new(),
            faults: Vec::new(),
        };
        for (name, value) in vars {
            if !name.starts_with(PREFIX) || name.starts_with(BUILD_PREFIX) {
                continue;
            }
            if reader.setting(&name).is_none() {
                reader.faults.push(unknown(name, table));
            } else if !value.is_empty() {
                reader.given.insert(name, Zeroizing::new(value));
            }
        }
        reader
    }

    fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.table.iter().find(|setting| setting.name == name)
    }

    /// Returns whether anything is set.
    pub(super) fn any_set(&self) -> bool {
        !self.given.is_empty()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Returns whether none of these has a fault, so that a rule between them can be checked.
    pub(super) fn sound(&self, names: &[&str]) -> bool {
        self.faults.iter().all(|fault| !names.contains(&&*fault.variable))
    }

    /// Takes the value of a setting; of one that is not set or faulty, the default.
    pub(super) fn take<T>(&mut self, row: &Row<T>) -> T {
        let name = row.setting.name;
        self.taken.push(name);
        match self.given.get(name).map(|text| row.parse(text)) {
            Some(Ok(value)) => return value,
            Some(Err(why)) => self.refuse(name, &why),
            None => {}
        }
        row.default_value()
    }

    /// Records a fault of a setting: `why` follows the value, as in `"12" has no unit`.
    pub(super) fn refuse(&mut self, name: &'static str, why: &str) {
        let setting = self
            .setting(name)
            .unwrap_or_else(|| unreachable!("{name} is missing in the table"));
        let given = self.given.get(name);
        let subject = given.map_or_else(|| "it".to_owned(), |value| shown(setting, value));
        self.faults.push(SettingFault {
            variable: name.to_owned(),
            message: format!(
                "{subject} {why}; allowed: {}; example: {}",
                setting.unit, setting.example
            ),
        });
    }

    /// Returns `config` if there is no fault, otherwise all faults: those of unknown names, then in the order of reading.
    pub(super) fn finish<T>(mut self, config: T) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() {
            return Ok(config);
        }
        let taken = |fault: &SettingFault| self.taken.iter().position(|name| *name == fault.variable);
        self.faults.sort_by_key(taken);
        Err(ConfigFaults(self.faults))
    }
}

fn unknown(name: String, table: &[Setting]) -> SettingFault {
    let message = if is_service_link(&name) {
        "unknown setting; Kubernetes sets it for a Service named gateway: set enableServiceLinks: false in the pod, \
         or rename the Service"
            .to_owned()
    } else if let Some(nearest) = nearest_name(&name, table) {
        format!("unknown setting; did you mean {nearest}?")
    } else {
        "unknown setting; `storefront-gateway --help` lists all settings".to_owned()
    };
    SettingFault {
        variable: name,
        message,
    }
}

/// Returns whether Kubernetes sets such a variable for each Service ("Discovering services" in its manual).
fn is_service_link(name: &str) -> bool {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name);
    let starts = ["PORT_", "SERVICE_HOST", "SERVICE_PORT"];
    bare == "PORT" || starts.iter().any(|start| bare.starts_with(start))
}

/// Returns the value as a message may repeat it: shortened, on one line, and not at all if it may contain a secret, as
/// any URL with a user name may.
fn shown(setting: &Setting, value: &str) -> String {
    /// Characters that are repeated; enough to recognise a value.
    const LONGEST: usize = 60;
    if setting.secret || (value.contains("://") && value.contains('@')) {
        return "its value (not shown)".to_owned();
    }
    let start: String = value.chars().take(LONGEST).collect();
    let cut = if start.len() < value.len() { "…" } else { "" };
    format!("{start:?}{cut}")
}

/// Returns the known name that is most similar to `name`; `None` if none is similar.
///
/// Names are similar if at most a third of the longer one's letters (without the common prefix) differ, or if the words
/// of one are all in the other in the same order, as in `GATEWAY_ACCESS_TTL` for `GATEWAY_ACCESS_TOKEN_TTL`.
fn nearest_name(name: &str, table: &[Setting]) -> Option<&'static str> {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_uppercase();
    table
        .iter()
        .filter_map(|setting| {
            let known = setting.name.strip_prefix(PREFIX)?;
            let apart = strsim::osa_distance(&bare, known);
            let longer = bare.chars().count().max(known.len());
            let alike = apart * 3 <= longer || has_words_of(known, &bare) || has_words_of(&bare, known);
            alike.then_some((apart, setting.name))
        })
        .min_by_key(|(apart, _)| *apart)
        .map(|(_, known)| known)
}

/// Returns whether all words of `part` are words of `whole`, in the same order.
fn has_words_of(whole: &str, part: &str) -> bool {
    let mut words = whole.split('_');
    part.split('_').all(|word| words.any(|other| other == word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SETTINGS;

    #[test]
    fn a_misspelled_name_finds_the_right_one() {
        for (written, meant) in [
            ("GATEWAY_LISTNE", "GATEWAY_LISTEN"),
            ("GATEWAY_JOSB", "GATEWAY_JOBS"),
            ("GATEWAY_MONGO_URI", "GATEWAY_MONGODB_URI"),
            ("GATEWAY_SMTP", "GATEWAY_SMTP_URL"),
            ("GATEWAY_MAX_COSTS", "GATEWAY_MAX_COST"),
            ("GATEWAY_ACCESS_TTL", "GATEWAY_ACCESS_TOKEN_TTL"),
            ("GATEWAY_CORS_ORIGIN", "GATEWAY_CORS_ORIGINS"),
            ("GATEWAY_master_key", "GATEWAY_MASTER_KEY"),
            ("GATEWAY_LOG_LEVEL", "GATEWAY_LOG"),
        ] {
            assert_eq!(nearest_name(written, &SETTINGS), Some(meant), "{written}");
        }
    }

    #[test]
    fn nothing_is_suggested_without_a_similar_name() {
        for written in [
            "GATEWAY_",
            "GATEWAY_X",
            "GATEWAY_KUBERNETES_SERVICE_HOST",
            "GATEWAY_ü",
        ] {
            assert_eq!(nearest_name(written, &SETTINGS), None, "{written}");
        }
    }
}
