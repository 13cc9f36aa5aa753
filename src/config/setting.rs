//! What a setting is: the shape of a row in the table, and its words for a person.

use std::fmt;

/// One variable that the gateway reads.
#[derive(Debug)]
pub struct Setting {
    /// The variable's full name.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: DefaultValue,
    /// What its value is made of, with its bounds.
    pub unit: Unit,
    /// A value that is accepted, shown when another was not.
    pub example: &'static str,
    /// What it decides, for an operator; one line.
    pub meaning: &'static str,
    /// Whether its value may hold a secret and is therefore never repeated in a message.
    pub secret: bool,
}

/// What holds for a setting that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// A value, written as an operator would.
    Text(&'static str),
    /// No fixed value; the words say what happens instead.
    Described(&'static str),
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Described(text) => f.write_str(text),
        }
    }
}

/// What a value is made of. Bounds are included in what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
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
    /// A value with a form of its own, which the words describe.
    Form(&'static str),
    /// Values of a form of their own, with commas between them.
    List(&'static str),
}

/// Says what is allowed, to follow "allowed:".
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration { least, most } => write!(f, "a duration from {least} to {most}"),
            Self::Size { least, most } => {
                write!(
                    f,
                    "a size from {least} to {most}, in B, KiB, MiB, GiB, KB, MB or GB"
                )
            }
            Self::Number { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Switch => f.write_str("on or off"),
            Self::Choice(words) => f.write_str(&words.join(" or ")),
            Self::Form(form) => f.write_str(form),
            Self::List(form) => write!(f, "{form}, separated by commas"),
        }
    }
}

/// The longest lifetime. Ten years is longer than anybody means, and date arithmetic stays far from its end.
pub(super) const LONGEST: &str = "3650d";

/// A row; the arguments are the fields of [`Setting`].
pub(super) const fn setting(
    name: &'static str,
    default: DefaultValue,
    unit: Unit,
    example: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        unit,
        example,
        meaning,
        secret: false,
    }
}

/// A row whose value may hold a secret.
pub(super) const fn secret(
    name: &'static str,
    default: DefaultValue,
    unit: Unit,
    example: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        unit,
        example,
        meaning,
        secret: true,
    }
}

/// A lifetime of something that is kept in the database, where fractions of a second count.
pub(super) const fn lifetime(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    setting(
        name,
        DefaultValue::Text(default),
        Unit::Duration {
            least: "1ms",
            most: LONGEST,
        },
        default,
        meaning,
    )
}

/// A lifetime of a JWT, whose times are whole seconds (RFC 7519 §2, as we write them).
pub(super) const fn jwt_lifetime(
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    setting(
        name,
        DefaultValue::Text(default),
        Unit::Duration {
            least: "1s",
            most: LONGEST,
        },
        default,
        meaning,
    )
}

/// A number of bytes, from one on.
pub(super) const fn size(
    name: &'static str,
    default: &'static str,
    most: &'static str,
    meaning: &'static str,
) -> Setting {
    setting(
        name,
        DefaultValue::Text(default),
        Unit::Size { least: "1B", most },
        default,
        meaning,
    )
}

/// A whole number between bounds.
pub(super) const fn number(
    name: &'static str,
    default: &'static str,
    least: u64,
    most: u64,
    meaning: &'static str,
) -> Setting {
    setting(
        name,
        DefaultValue::Text(default),
        Unit::Number { least, most },
        default,
        meaning,
    )
}

/// A switch that is on unless it is put off.
pub(super) const fn switch(name: &'static str, meaning: &'static str) -> Setting {
    setting(name, DefaultValue::Text("on"), Unit::Switch, "off", meaning)
}
