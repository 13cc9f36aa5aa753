//! Input coercion (GraphQL §3, "Input Coercion"): one algorithm checks the literals of a document and the values of
//! variables, so that both are treated alike.

use std::fmt;

use apollo_compiler::{
    Name,
    ast::Type,
    schema::{EnumType, ExtendedType, InputObjectType},
};
use async_graphql::Value as Constant;

use super::{
    Rules,
    nearest::{did_you_mean, nearest},
};

/// The form of a value, for the check.
pub(super) enum Shape<'v, V> {
    Null,
    Variable(&'v Name),
    Boolean,
    Int(Whole),
    Float,
    Text(&'v str),
    /// An enum literal, which has no quotes.
    Symbol(&'v str),
    /// A file of a multipart request.
    File,
    List(&'v [V]),
    Object(Vec<(&'v str, &'v V)>),
}

/// The size of an integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whole {
    /// 32 bits, the range of Int.
    Small,
    /// 64 bits.
    Large,
    /// More than 64 bits.
    Huge,
}

/// A literal, or the value of a variable.
pub(super) trait Input: Sized {
    /// Whether enum values are strings, because the notation of the values has no enum literals.
    const ENUMS_ARE_TEXTS: bool;

    fn shape(&self) -> Shape<'_, Self>;

    /// Returns the value, unless it contains a variable.
    fn constant(&self) -> Option<std::borrow::Cow<'_, Constant>>;
}

/// Receives the findings of the check.
pub(super) trait Findings<'v> {
    /// The values that are checked: literals, or values of variables.
    type Value: Input + 'v;

    /// A value does not match its type. The message is built only if needed, because there may be very many of them.
    fn misfit(&mut self, at: &'v Self::Value, message: impl FnOnce() -> String);

    /// A variable is used where a value of this kind is expected.
    fn variable(&mut self, at: &'v Self::Value, name: &'v Name, wanted: VariableType<'v>);
}

/// What a position requires of a variable (GraphQL §5.8.5).
#[derive(Clone, Copy)]
pub(super) enum VariableType<'v> {
    /// A value of this type; `has_default` if the position has a default value.
    Value { ty: &'v Type, has_default: bool },
    /// The only value of a one-of input object, which must not be null.
    OneOf { ty: &'v Type },
    /// Any value: inside a custom scalar.
    Anything,
}

/// The path to a value, from the argument or the variable that contains it.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Argument(&'p str),
    Variable(&'p str),
    /// A field of the input object at a path.
    Field(&'p Path<'p>, &'p str),
    /// An item of the list at a path.
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}

/// Properties of a position besides its type.
#[derive(Clone, Copy, Default)]
pub(super) struct PositionRules {
    /// Whether the position has a default value.
    pub(super) has_default: bool,
    /// Whether this is the only field of a one-of input object.
    pub(super) is_one_of: bool,
}

/// A check of values, which reports to `findings`.
pub(super) struct Check<'v, 'f, F> {
    pub(super) rules: &'v Rules,
    pub(super) findings: &'f mut F,
}

impl<'v, F: Findings<'v>> Check<'v, '_, F> {
    /// Checks a value against a type.
    pub(super) fn value(&mut self, value: &'v F::Value, ty: &'v Type, place: PositionRules, path: &Path<'_>) {
        match value.shape() {
            Shape::Variable(name) => self.findings.variable(value, name, wanted(ty, place)),
            Shape::Null if place.is_one_of => self.findings.misfit(value, || {
                format!("\"{path}\" must not be null: it is the only field that is sent.")
            }),
            Shape::Null if ty.is_non_null() => self.findings.misfit(value, || {
                format!("\"{path}\" must not be null: its type is \"{ty}\".")
            }),
            Shape::Null => {}
            Shape::List(items) if ty.is_list() => {
                for (index, item) in items.iter().enumerate() {
                    let path = &Path::Item(path, index);
                    self.value(item, ty.item_type(), PositionRules::default(), path);
                }
            }
            // A single value is coerced to a list of one item (§3.11).
            _ if ty.is_list() => self.value(value, ty.item_type(), PositionRules::default(), path),
            shape => self.named(value, shape, ty, path),
        }
    }

    fn named(&mut self, value: &'v F::Value, shape: Shape<'v, F::Value>, ty: &'v Type, path: &Path<'_>) {
        match self.rules.schema.types.get(ty.inner_named_type()) {
            Some(ExtendedType::Scalar(scalar)) if scalar.is_built_in() => {
                if let Some(form) = misfit_of_built_in(&scalar.name, &shape) {
                    let message = || format!("\"{path}\" takes {form}: its type is \"{ty}\".");
                    self.findings.misfit(value, message);
                }
            }
            Some(ExtendedType::Scalar(scalar)) => self.scalar(value, shape, &scalar.name, path),
            Some(ExtendedType::Enum(kind)) => self.enumeration(value, &shape, kind, path),
            Some(ExtendedType::InputObject(kind)) => match shape {
                Shape::Object(fields) => self.object(value, &fields, kind, path),
                _ => self.findings.misfit(value, || {
                    format!("\"{path}\" takes an object with the fields of \"{}\".", kind.name)
                }),
            },
            // Not an input type: validation rejects the definition of the variable.
            _ => {}
        }
    }

    fn scalar(&mut self, value: &'v F::Value, shape: Shape<'v, F::Value>, name: &Name, path: &Path<'_>) {
        let Some(constant) = value.constant() else {
            self.variables_inside(value, shape);
            return;
        };
        let mut scalars = self.rules.scalars.iter();
        let scalar = scalars.find(|scalar| scalar.name == name.as_str());
        if let Some(scalar) = scalar.filter(|scalar| !(scalar.is_valid)(&constant)) {
            let message = || format!("\"{path}\" takes {}: its type is \"{name}\".", scalar.form);
            self.findings.misfit(value, message);
        }
    }

    /// Reports the variables inside the value of a custom scalar.
    fn variables_inside(&mut self, value: &'v F::Value, shape: Shape<'v, F::Value>) {
        match shape {
            Shape::Variable(name) => self.findings.variable(value, name, VariableType::Anything),
            Shape::List(items) => (items.iter()).for_each(|item| self.variables_inside(item, item.shape())),
            Shape::Object(fields) => {
                (fields.iter()).for_each(|(_, item)| self.variables_inside(item, item.shape()));
            }
            _ => {}
        }
    }

    fn enumeration(
        &mut self,
        value: &'v F::Value,
        shape: &Shape<'v, F::Value>,
        kind: &'v EnumType,
        path: &Path<'_>,
    ) {
        let (written, is_kind) = match shape {
            Shape::Symbol(name) => (*name, true),
            Shape::Text(text) => (*text, F::Value::ENUMS_ARE_TEXTS),
            _ => ("", false),
        };
        let known = kind.values.contains_key(written);
        if known && is_kind {
            return;
        }
        let (name, rules) = (&kind.name, self.rules);
        self.findings.misfit(value, || {
            if known {
                format!("\"{path}\" takes a value of the enum \"{name}\", which is written without quotes.")
            } else if is_kind {
                let meant = rules.names_to_suggest(|| nearest(written, kind.values.keys().map(Name::as_str)));
                let meant = did_you_mean(&meant);
                format!("\"{path}\" has a value that the enum \"{name}\" does not have.{meant}")
            } else {
                format!("\"{path}\" takes a value of the enum \"{name}\".")
            }
        });
    }

    fn object(
        &mut self,
        value: &'v F::Value,
        fields: &[(&'v str, &'v F::Value)],
        kind: &'v InputObjectType,
        path: &Path<'_>,
    ) {
        let is_one_of = kind.directives.has("oneOf");
        for &(name, given) in fields {
            let Some(field) = kind.fields.get(name) else {
                let rules = self.rules;
                let message = || rules.unknown_field(name, kind, path);
                self.findings.misfit(given, message);
                continue;
            };
            let place = PositionRules {
                has_default: field.default_value.is_some(),
                is_one_of,
            };
            self.value(given, &field.ty, place, &Path::Field(path, name));
        }
        for (name, field) in &kind.fields {
            if field.is_required() && !fields.iter().any(|(given, _)| *given == name.as_str()) {
                self.findings.misfit(value, || {
                    format!("\"{path}\" lacks the field \"{name}\" of type \"{}\".", field.ty)
                });
            }
        }
        if is_one_of && fields.len() != 1 {
            self.findings.misfit(value, || {
                let names: Vec<&str> = kind.fields.keys().map(Name::as_str).collect();
                format!("\"{path}\" takes exactly one of the fields {}.", names.join(", "))
            });
        }
    }
}

impl Rules {
    /// Describes an unknown field of the input object at `path`. Its name is repeated only if it has the form of a name:
    /// in the values of variables it may be any text.
    fn unknown_field(&self, written: &str, kind: &InputObjectType, path: &Path<'_>) -> String {
        let name = &kind.name;
        if written.len() > LONGEST_NAME || !is_name(written) {
            return format!("\"{path}\" has a field that \"{name}\" does not have.");
        }
        let meant = self.names_to_suggest(|| nearest(written, kind.fields.keys().map(Name::as_str)));
        let meant = did_you_mean(&meant);
        format!("\"{path}.{written}\" is not a field of \"{name}\".{meant}")
    }
}

/// Maximum length of a name that a message repeats, in bytes.
const LONGEST_NAME: usize = 64;

fn is_name(text: &str) -> bool {
    let mut letters = text.bytes();
    let is_letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    letters.next().is_some_and(is_letter) && letters.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

fn wanted(ty: &Type, place: PositionRules) -> VariableType<'_> {
    if place.is_one_of {
        VariableType::OneOf { ty }
    } else {
        let has_default = place.has_default;
        VariableType::Value { ty, has_default }
    }
}

/// Returns the form that a built-in scalar requires, if the value does not have it (§3.5).
fn misfit_of_built_in<V>(name: &Name, shape: &Shape<'_, V>) -> Option<&'static str> {
    let (fits, form) = match name.as_str() {
        "Int" => (
            matches!(shape, Shape::Int(Whole::Small)),
            "a whole number from -2147483648 to 2147483647",
        ),
        "Float" => (matches!(shape, Shape::Int(_) | Shape::Float), "a number"),
        "Boolean" => (matches!(shape, Shape::Boolean), "true or false, without quotes"),
        "ID" => (
            matches!(shape, Shape::Text(_) | Shape::Int(Whole::Small | Whole::Large)),
            "an id, which is a text in quotes",
        ),
        _ => (matches!(shape, Shape::Text(_)), "a text in quotes"),
    };
    (!fits).then_some(form)
}
