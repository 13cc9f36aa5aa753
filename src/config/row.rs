//! Settings with the type and the parser of their values, and the macro that declares structs of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::parse::{self, Parsed};
use super::setting::{DefaultValue, Setting, ValueUnit};

/// The longest lifetime: ten years, which is longer than needed and far from the limits of date arithmetic.
pub(super) const LONGEST: &str = "3650d";

/// Declares a struct of settings. A field is either a setting,
///
/// ```text
/// field: Type = "GATEWAY_NAME", row, "Meaning for an operator.";
/// ```
///
/// where `row` is a [`Row`] that one of the functions below returns, or a part that a function reads,
/// `field: Type => function;`. A word in brackets is the name of a constant, the slice of the settings that follow it;
/// [`SETTINGS`](super::SETTINGS) is made of these slices. `read` reads the fields in their order.
macro_rules! settings {
    (
        $(#[$struct_meta:meta])*
        $visibility:vis struct $Struct:ident {
            $([$slice:ident] $(
                $(#[$meta:meta])*
                $field:ident: $type:ty $(= $name:literal, $row:expr, $meaning:literal)? $(=> $read:expr)?;
            )*)*
        }
    ) => {
        $(#[$struct_meta])*
        $visibility struct $Struct {
            $($($(#[doc = $meaning])? $(#[$meta])* pub $field: $type,)*)*
        }

        impl $Struct {
            $(pub(super) const $slice: &'static [$crate::config::Setting] = &[$($({
                const ROW: super::row::Row<$type> = $row.named($name, $meaning);
                ROW.setting
            },)?)*];)*

            pub(super) fn read(reader: &mut super::reader::Reader) -> Self {
                Self {
                    $($($field: $({
                        const ROW: super::row::Row<$type> = $row.named($name, $meaning);
                        reader.take(&ROW)
                    })? $($read(reader))?,)*)*
                }
            }
        }
    };
}
pub(super) use settings;

/// A setting and how its value is read.
pub(super) struct Row<T> {
    pub(super) setting: Setting,
    parse: Parse<T>,
    /// Makes the default value, unless it is a text.
    unset: Option<fn() -> T>,
}

/// A parser and the bounds that it checks.
enum Parse<T> {
    Form(fn(&str) -> Parsed<T>),
    Between(fn(&str, &str, &str) -> Parsed<T>, &'static str, &'static str),
    Number(fn(&str, &RangeInclusive<u64>) -> Parsed<T>, u64, u64),
}

impl<T> Row<T> {
    const fn new(unit: ValueUnit, parse: Parse<T>) -> Self {
        Self {
            setting: Setting {
                name: "",
                default: DefaultValue::Text(""),
                unit,
                example: "",
                meaning: "",
                secret: false,
            },
            parse,
            unset: None,
        }
    }

    /// Sets what the macro takes from its field.
    pub(super) const fn named(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.setting.name = name;
        self.setting.meaning = meaning;
        self
    }

    /// Sets the default, which is the example too unless another one follows.
    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.setting.default = DefaultValue::Text(text);
        self.example(text)
    }

    /// Sets a default that is no fixed value, and its description.
    pub(super) const fn unset(mut self, words: &'static str, value: fn() -> T) -> Self {
        self.setting.default = DefaultValue::Described(words);
        self.unset = Some(value);
        self
    }

    /// Sets a value that is accepted.
    pub(super) const fn example(mut self, text: &'static str) -> Self {
        self.setting.example = text;
        self
    }

    /// Marks the value as one that may hold a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.setting.secret = true;
        self
    }

    pub(super) fn parse(&self, text: &str) -> Parsed<T> {
        match self.parse {
            Parse::Form(parse) => parse(text),
            Parse::Between(parse, least, most) => parse(text, least, most),
            Parse::Number(parse, least, most) => parse(text, &(least..=most)),
        }
    }

    /// Returns the value of a setting that is not set.
    pub(super) fn default_value(&self) -> T {
        let Setting { name, default, .. } = self.setting;
        match self.unset {
            Some(value) => value(),
            None => self
                .parse(&default.to_string())
                .unwrap_or_else(|why| unreachable!("the default of {name} {why}")),
        }
    }
}

impl<T> Row<Option<T>> {
    /// Sets that there is no value by default; the text says what happens instead.
    pub(super) const fn none(self, words: &'static str) -> Self {
        self.unset(words, || None)
    }
}

/// A value with a form of its own, which the text describes.
pub(super) const fn form<T>(parse: fn(&str) -> Parsed<T>, words: &'static str) -> Row<T> {
    Row::new(ValueUnit::Form(words), Parse::Form(parse))
}

/// Values separated by commas, whose form the text describes.
pub(super) const fn list<T>(parse: fn(&str) -> Parsed<T>, words: &'static str) -> Row<T> {
    Row::new(ValueUnit::List(words), Parse::Form(parse))
}

/// One of a few words.
pub(super) const fn choice<T>(parse: fn(&str) -> Parsed<T>, words: &'static [&'static str]) -> Row<T> {
    Row::new(ValueUnit::Choice(words), Parse::Form(parse))
}

/// A switch that is on by default.
pub(super) const fn switch() -> Row<bool> {
    Row::new(ValueUnit::Switch, Parse::Form(parse::switch))
        .default("on")
        .example("off")
}

/// A duration within bounds.
pub(super) const fn duration(
    default: &'static str,
    least: &'static str,
    most: &'static str,
) -> Row<Duration> {
    let parse = Parse::Between(parse::duration, least, most);
    Row::new(ValueUnit::Duration { least, most }, parse).default(default)
}

/// A lifetime of something stored in the database, where fractions of a second count.
pub(super) const fn lifetime(default: &'static str) -> Row<Duration> {
    duration(default, "1ms", LONGEST)
}

/// A lifetime of a JWT, whose times are whole seconds (RFC 7519 §2, as we write them).
pub(super) const fn jwt_lifetime(default: &'static str) -> Row<Duration> {
    duration(default, "1s", LONGEST)
}

/// A number of bytes, from one on.
pub(super) const fn size(default: &'static str, most: &'static str) -> Row<u64> {
    let parse = Parse::Between(parse::size_within, "1B", most);
    Row::new(ValueUnit::Size { least: "1B", most }, parse).default(default)
}

/// A whole number within bounds.
pub(super) const fn number<T: TryFrom<u64>>(default: &'static str, least: u64, most: u64) -> Row<T> {
    number_by(parse::number, least, most).default(default)
}

/// A whole number within bounds that `parse` converts into another type.
pub(super) const fn number_by<T>(
    parse: fn(&str, &RangeInclusive<u64>) -> Parsed<T>,
    least: u64,
    most: u64,
) -> Row<T> {
    let parse = Parse::Number(parse, least, most);
    Row::new(ValueUnit::Number { least, most }, parse)
}
