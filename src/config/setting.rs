//! What a setting is, and how it is described.

use std::fmt;

/// The prefix of all variables.
pub(super) const PREFIX: &str = "GATEWAY_";

/// One variable that the gateway reads.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable's full name.
    pub name: &'static str,
    /// What applies if it is not set.
    pub default: DefaultValue,
    /// The form of its value, with its bounds.
    pub unit: ValueUnit,
    /// A value that is accepted, shown when another was not.
    pub example: &'static str,
    /// What it decides, for an operator; one line.
    pub meaning: &'static str,
    /// Whether its value may hold a secret and is therefore never repeated in a message.
    pub secret: bool,
}

/// What applies for a setting that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// A value, written as an operator would.
    Text(&'static str),
    /// No fixed value; the text says what happens instead.
    Described(&'static str),
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Described(text) => f.write_str(text),
        }
    }
}

/// The form of a value. Bounds are included in what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueUnit {
    /// A duration such as `15m`, `24h` or `30d`.
    Duration {
        /// The shortest one.
        least: &'static str,
        /// The longest one.
        most: &'static str,
    },
    /// A number of bytes such as `256KiB`.
    Size {
        /// The smallest one.
        least: &'static str,
        /// The largest one.
        most: &'static str,
    },
    /// A whole number.
    Number {
        /// The smallest one.
        least: u64,
        /// The largest one.
        most: u64,
    },
    /// `on` or `off`.
    Switch,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A value with a form of its own, which the text describes.
    Form(&'static str),
    /// Values with a form of their own, separated by commas.
    List(&'static str),
}

/// Writes what is allowed, to follow "allowed:".
impl fmt::Display for ValueUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration { least, most } => write!(f, "a duration from {least} to {most}"),
            Self::Size { least, most } => write!(
                f,
                "a size from {least} to {most}, in B, KiB, MiB, GiB, KB, MB or GB"
            ),
            Self::Number { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Switch => f.write_str("on or off"),
            Self::Choice(words) => f.write_str(&words.join(" or ")),
            Self::Form(form) => f.write_str(form),
            Self::List(form) => write!(f, "{form}, separated by commas"),
        }
    }
}
