//! Takes settings one by one and collects every fault, so that an operator mends all of them in one go.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::nearest::nearest_name;
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
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
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
                let fault = unknown(name, table);
                reader.faults.push(fault);
            } else if !value.is_empty() {
                reader.given.insert(name, Zeroizing::new(value));
            }
        }
        reader
    }

    /// The row of a name, if there is such a setting.
    fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.table.iter().find(|setting| setting.name == name)
    }

    /// Whether anything is set at all.
    pub(super) fn any_set(&self) -> bool {
        !self.given.is_empty()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Whether none of these has a fault, so that a rule between them means something.
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
        let subject = match self.given.get(name) {
            Some(value) => shown(setting, value),
            None => "it".to_owned(),
        };
        self.faults.push(SettingFault {
            variable: name.to_owned(),
            message: format!(
                "{subject} {why}; allowed: {}; example: {}",
                setting.unit, setting.example
            ),
        });
    }

    /// `config` when nothing was wrong, else every fault: those of unknown names, then in the order of reading.
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

/// Whether Kubernetes gives a container such a variable for each Service ("Discovering services" in its
/// manual).
fn is_service_link(name: &str) -> bool {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name);
    bare == "PORT"
        || ["PORT_", "SERVICE_HOST", "SERVICE_PORT"]
            .iter()
            .any(|start| bare.starts_with(start))
}

/// The value as a message may repeat it: shortened, on one line, and not at all where it may hold a secret,
/// which any URL with a user name may.
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
