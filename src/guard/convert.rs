//! Converts the parser's document into the executor's: the same operations and fragments, each with its position in the
//! text.
//!
//! The parser silently drops some input that it does not understand, such as an argument without a value. Therefore the
//! tokens of the converted parts are counted and compared with those of the text.

use std::{cell::Cell, collections::HashMap};

use apollo_compiler::{Name, Node, ast, parser::SourceSpan};
use async_graphql::{
    Number, Positioned,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        FragmentSpread, InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type,
        TypeCondition, VariableDefinition,
    },
};
use async_graphql_value as executor;

use super::places::LinePositions;
use super::refusal::Refusal;

/// Converts a document. Of several definitions with the same name the first is taken; validation reports the duplicates
/// and any other problem of the document.
///
/// # Errors
/// The document has no operation, or has a number that is out of range.
pub(super) fn document(
    document: &ast::Document,
    tokens: &[usize],
    places: &LinePositions,
) -> Result<ExecutableDocument, Refusal> {
    let converter = Converter {
        places,
        tokens,
        counted: Cell::new(0),
    };
    let mut anonymous = None;
    let mut named = HashMap::new();
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                let convert = || converter.operation(operation);
                let converted = converter.whole(operation.location(), convert)?;
                match &operation.name {
                    Some(name) => {
                        named.entry(executor_name(name)).or_insert(converted);
                    }
                    None => {
                        anonymous.get_or_insert(converted);
                    }
                }
            }
            ast::Definition::FragmentDefinition(fragment) => {
                let convert = || converter.fragment(fragment);
                let converted = converter.whole(fragment.location(), convert)?;
                fragments
                    .entry(executor_name(&fragment.name))
                    .or_insert(converted);
            }
            // Not part of an executable document; validation reports it.
            _ => {}
        }
    }
    let operations = match anonymous {
        Some(only) => DocumentOperations::Single(only),
        None if named.is_empty() => {
            let message = "The document contains no operation. Add a query or a mutation.";
            return Err(Refusal::validation(message));
        }
        None => DocumentOperations::Multiple(named),
    };
    Ok(ExecutableDocument {
        operations,
        fragments,
    })
}

/// Converts a literal without variables; `None` if it has a variable or a number that is out of range.
pub(super) fn constant(value: &ast::Value) -> Option<executor::ConstValue> {
    let places = LinePositions::of("");
    let converter = Converter {
        places: &places,
        tokens: &[],
        counted: Cell::new(0),
    };
    let value = converter.value(value, None).ok()?;
    value.into_const()
}

/// Converts a name of the parser into one of the executor.
pub(super) fn executor_name(name: &Name) -> executor::Name {
    executor::Name::new(name.as_str())
}

struct Converter<'a> {
    places: &'a LinePositions,
    /// The byte at which each token of the text begins.
    tokens: &'a [usize],
    /// Number of tokens converted so far.
    counted: Cell<usize>,
}

impl Converter<'_> {
    fn put<T>(&self, node: T, span: Option<SourceSpan>) -> Positioned<T> {
        Positioned::new(node, self.places.of_span(span))
    }

    fn name(&self, name: &Name) -> Positioned<executor::Name> {
        self.count(1);
        self.put(executor_name(name), name.location())
    }

    fn count(&self, tokens: usize) {
        self.counted.set(self.counted.get() + tokens);
    }

    fn tokens_between(&self, from: usize, to: usize) -> usize {
        let until = |byte| self.tokens.partition_point(|begin| *begin < byte);
        until(to) - until(from)
    }

    /// Converts a part of the text, and fails if a token of it was not converted.
    fn whole<T>(
        &self,
        span: Option<SourceSpan>,
        convert: impl FnOnce() -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = self.counted.get();
        let converted = convert()?;
        let counted = self.counted.get() - before;
        let found = span.map_or(counted, |span| {
            self.tokens_between(span.offset(), span.end_offset())
        });
        if counted == found {
            return Ok(converted);
        }
        let problem =
            "an argument or a field of an input object in here lacks its name, its colon or its value";
        Err(Refusal::syntax(self.places.of_span(span), problem))
    }

    fn operation(
        &self,
        operation: &Node<ast::OperationDefinition>,
    ) -> Result<Positioned<OperationDefinition>, Refusal> {
        // An operation in short form begins with its selections.
        let (at, selections) = (operation.location(), operation.selection_set.first());
        let begins = at.zip(selections.and_then(ast::Selection::location));
        let is_short =
            begins.is_some_and(|(at, first)| self.tokens_between(at.offset(), first.offset()) == 1);
        let variables = &operation.variables;
        self.count(
            usize::from(!is_short) + usize::from(operation.name.is_some()) + around(variables.is_empty()),
        );
        let variables = variables.iter().map(|variable| self.variable(variable));
        let converted = OperationDefinition {
            ty: match operation.operation_type {
                ast::OperationType::Query => OperationType::Query,
                ast::OperationType::Mutation => OperationType::Mutation,
                ast::OperationType::Subscription => OperationType::Subscription,
            },
            variable_definitions: variables.collect::<Result<_, _>>()?,
            directives: self.directives(&operation.directives)?,
            selection_set: self.selections(&operation.selection_set, operation.location())?,
        };
        Ok(self.put(converted, operation.location()))
    }

    fn variable(
        &self,
        variable: &Node<ast::VariableDefinition>,
    ) -> Result<Positioned<VariableDefinition>, Refusal> {
        // A dollar sign and a colon.
        self.count(2 + type_tokens(&variable.ty));
        let default = variable.default_value.as_ref().map(|value| {
            self.count(1);
            let converted = self.value(value, value.location())?;
            // The parser accepts no variable here.
            let constant = converted.into_const().unwrap_or_default();
            Ok(self.put(constant, value.location()))
        });
        let converted = VariableDefinition {
            name: self.name(&variable.name),
            var_type: self.put(type_reference(&variable.ty), variable.ty.location()),
            directives: self.directives(&variable.directives)?,
            default_value: default.transpose()?,
        };
        Ok(self.put(converted, variable.location()))
    }

    fn fragment(
        &self,
        fragment: &Node<ast::FragmentDefinition>,
    ) -> Result<Positioned<FragmentDefinition>, Refusal> {
        // The keyword, the name, and "on".
        self.count(3);
        let converted = FragmentDefinition {
            type_condition: self.condition(&fragment.type_condition),
            directives: self.directives(&fragment.directives)?,
            selection_set: self.selections(&fragment.selection_set, fragment.location())?,
        };
        Ok(self.put(converted, fragment.location()))
    }

    fn condition(&self, on: &Name) -> Positioned<TypeCondition> {
        self.put(TypeCondition { on: self.name(on) }, on.location())
    }

    fn selections(
        &self,
        selections: &[ast::Selection],
        span: Option<SourceSpan>,
    ) -> Result<Positioned<SelectionSet>, Refusal> {
        self.count(around(selections.is_empty()));
        let items = selections
            .iter()
            .map(|selection| self.whole(selection.location(), || self.selection(selection)));
        let set = SelectionSet {
            items: items.collect::<Result<_, _>>()?,
        };
        Ok(self.put(set, span))
    }

    fn selection(&self, selection: &ast::Selection) -> Result<Positioned<Selection>, Refusal> {
        let span = selection.location();
        let converted = match selection {
            ast::Selection::Field(field) => {
                self.count(usize::from(field.alias.is_some()) + around(field.arguments.is_empty()));
                let arguments = field.arguments.iter().map(|argument| self.argument(argument));
                let converted = Field {
                    alias: field.alias.as_ref().map(|alias| self.name(alias)),
                    name: self.name(&field.name),
                    arguments: arguments.collect::<Result<_, _>>()?,
                    directives: self.directives(&field.directives)?,
                    selection_set: self.selections(&field.selection_set, span)?,
                };
                Selection::Field(self.put(converted, span))
            }
            ast::Selection::FragmentSpread(spread) => {
                self.count(1);
                let converted = FragmentSpread {
                    fragment_name: self.name(&spread.fragment_name),
                    directives: self.directives(&spread.directives)?,
                };
                Selection::FragmentSpread(self.put(converted, span))
            }
            ast::Selection::InlineFragment(inline) => {
                let condition = inline.type_condition.as_ref();
                self.count(1 + usize::from(condition.is_some()));
                let converted = InlineFragment {
                    type_condition: condition.map(|on| self.condition(on)),
                    directives: self.directives(&inline.directives)?,
                    selection_set: self.selections(&inline.selection_set, span)?,
                };
                Selection::InlineFragment(self.put(converted, span))
            }
        };
        Ok(self.put(converted, span))
    }

    fn directives(&self, directives: &ast::DirectiveList) -> Result<Vec<Positioned<Directive>>, Refusal> {
        let converted = directives.iter().map(|directive| {
            self.count(1 + around(directive.arguments.is_empty()));
            let arguments = directive.arguments.iter().map(|argument| self.argument(argument));
            let converted = Directive {
                name: self.name(&directive.name),
                arguments: arguments.collect::<Result<_, _>>()?,
            };
            Ok(self.put(converted, directive.location()))
        });
        converted.collect()
    }

    fn argument(
        &self,
        argument: &Node<ast::Argument>,
    ) -> Result<(Positioned<executor::Name>, Positioned<executor::Value>), Refusal> {
        self.count(1);
        let span = argument.value.location();
        let value = self.value(&argument.value, span)?;
        Ok((self.name(&argument.name), self.put(value, span)))
    }

    fn value(&self, value: &ast::Value, span: Option<SourceSpan>) -> Result<executor::Value, Refusal> {
        use executor::Value;
        self.count(match value {
            ast::Value::Variable(_) | ast::Value::List(_) => 2,
            // A name and a colon for each field.
            ast::Value::Object(fields) => 2 + 2 * fields.len(),
            _ => 1,
        });
        Ok(match value {
            ast::Value::Null => Value::Null,
            ast::Value::Enum(name) => Value::Enum(executor_name(name)),
            ast::Value::Variable(name) => Value::Variable(executor_name(name)),
            ast::Value::String(text) => Value::String(text.clone()),
            ast::Value::Boolean(flag) => Value::Boolean(*flag),
            ast::Value::Int(digits) => Value::Number(self.number(digits.as_str(), span)?),
            ast::Value::Float(digits) => Value::Number(self.number(digits.as_str(), span)?),
            ast::Value::List(items) => {
                let items = items.iter().map(|item| self.value(item, item.location()));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            ast::Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((executor_name(name), self.value(value, value.location())?)));
                Value::Object(fields.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Converts a number. Integers are exact up to 64 bits, others have the precision that JSON has in practice (RFC
    /// 8259 §6).
    fn number(&self, digits: &str, span: Option<SourceSpan>) -> Result<Number, Refusal> {
        let whole = digits.parse::<i64>().map(Number::from);
        let whole = whole.or_else(|_| digits.parse::<u64>().map(Number::from)).ok();
        let number = whole.or_else(|| digits.parse::<f64>().ok().and_then(Number::from_f64));
        number.ok_or_else(|| Refusal::syntax(self.places.of_span(span), "this number is out of range"))
    }
}

/// Returns the number of brackets around a list in the text; an empty list has none.
fn around(is_empty: bool) -> usize {
    if is_empty { 0 } else { 2 }
}

fn type_tokens(ty: &ast::Type) -> usize {
    match ty {
        ast::Type::Named(_) => 1,
        ast::Type::NonNullNamed(_) => 2,
        ast::Type::List(item) => 2 + type_tokens(item),
        ast::Type::NonNullList(item) => 3 + type_tokens(item),
    }
}

fn type_reference(ty: &ast::Type) -> Type {
    let (base, nullable) = match ty {
        ast::Type::Named(name) => (BaseType::Named(executor_name(name)), true),
        ast::Type::NonNullNamed(name) => (BaseType::Named(executor_name(name)), false),
        ast::Type::List(item) => (BaseType::List(Box::new(type_reference(item))), true),
        ast::Type::NonNullList(item) => (BaseType::List(Box::new(type_reference(item))), false),
    };
    Type { base, nullable }
}
