//! The table of settings as text: for `--help`, and for the operator's guide (docs/operators.md).

use std::fmt::Write as _;

use super::setting::{DefaultValue, ValueUnit};
use super::settings::SETTINGS;

/// The part of `--help` that lists every setting.
#[must_use]
pub fn settings_help() -> String {
    let mut help = String::from(
        "Settings are environment variables, or lines NAME=value of a file .env in the working directory. A variable\n\
         takes precedence over the file. An empty value counts as not set. Examples of values: 15m for a duration,\n\
         256KiB for a size. The values of a list are separated by commas. A setting that is a secret can be in a file\n\
         whose path is in the variable of the same name with _FILE behind it.\n",
    );
    for setting in SETTINGS.iter() {
        write!(
            help,
            "\n  {} ({})\n      {}\n      Default: {}\n",
            setting.name,
            kind(setting.unit),
            setting.meaning,
            setting.default
        )
        .expect("a String takes every write");
    }
    help
}

/// The operator's guide's table of settings, from its header to its last row.
#[must_use]
pub fn settings_markdown() -> String {
    let mut table = String::from("| variable | default | meaning |\n|---|---|---|\n");
    for setting in SETTINGS.iter() {
        let default = match setting.default {
            DefaultValue::Text(text) => format!("`{text}`"),
            DefaultValue::Described(words) => words.to_owned(),
        };
        writeln!(
            table,
            "| `{}` | {} | {} |",
            setting.name,
            default.replace('|', "\\|"),
            setting.meaning.replace('|', "\\|")
        )
        .expect("a String takes every write");
    }
    table
}

/// A word for what a value is made of.
fn kind(unit: ValueUnit) -> String {
    match unit {
        ValueUnit::Duration { .. } => "duration".to_owned(),
        ValueUnit::Size { .. } => "size".to_owned(),
        ValueUnit::Number { least, most } => format!("number, {least} to {most}"),
        ValueUnit::Switch => "on or off".to_owned(),
        ValueUnit::Choice(words) => words.join(" or "),
        ValueUnit::Form(_) => "text".to_owned(),
        ValueUnit::List(_) => "list".to_owned(),
    }
}
