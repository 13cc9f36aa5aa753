//! Makes the executor's document of the parser's: the same operations and fragments, each with its place in the text.

use std::collections::HashMap;

use apollo_compiler::{Name, Node, ast, parser::SourceSpan};
use async_graphql::{
    Number, Positioned,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, FragmentSpread,
        InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type, TypeCondition,
        VariableDefinition,
    },
};
use async_graphql_value as executor;

use super::{places::Places, refusal::Refusal};

/// Converts a document. Of definitions with the same name the first is taken; that there are several, and whatever else is
/// wrong with the document, is for validation to say.
///
/// # Errors
/// The document holds no operation, or a number that has no value here.
pub(super) fn document(document: &ast::Document, places: &Places) -> Result<ExecutableDocument, Refusal> {
    let converter = Converter { places };
    let mut anonymous = None;
    let mut named = HashMap::new();
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                let converted = converter.operation(operation)?;
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
                let converted = converter.fragment(fragment)?;
                fragments.entry(executor_name(&fragment.name)).or_insert(converted);
            }
            // No part of an executable document, as validation says.
            _ => {}
        }
    }
    let operations = match anonymous {
        Some(only) => DocumentOperations::Single(only),
        None if named.is_empty() => {
            let message = "The document holds no operation. Add a query or a mutation.";
            return Err(Refusal::validation(message));
        }
        None => DocumentOperations::Multiple(named),
    };
    Ok(ExecutableDocument {
        operations,
        fragments,
    })
}

/// A literal without variables as the value that it stands for; `None` for one with a variable in it, or a number that
/// has no value here.
pub(super) fn constant(value: &ast::Value) -> Option<executor::ConstValue> {
    let places = Places::of("");
    let converter = Converter { places: &places };
    let value = converter.value(value, None).ok()?;
    value.into_const()
}

/// The executor's name of the parser's.
pub(super) fn executor_name(name: &Name) -> executor::Name {
    executor::Name::new(name.as_str())
}

struct Converter<'a> {
    places: &'a Places,
}

impl Converter<'_> {
    fn put<T>(&self, node: T, span: Option<SourceSpan>) -> Positioned<T> {
        Positioned::new(node, self.places.of_span(span))
    }

    fn name(&self, name: &Name) -> Positioned<executor::Name> {
        self.put(executor_name(name), name.location())
    }

    fn operation(&self, operation: &Node<ast::OperationDefinition>) -> Result<Positioned<OperationDefinition>, Refusal> {
        let variables = operation.variables.iter().map(|variable| self.variable(variable));
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

    fn variable(&self, variable: &Node<ast::VariableDefinition>) -> Result<Positioned<VariableDefinition>, Refusal> {
        let default = variable.default_value.as_ref().map(|value| {
            let converted = self.value(value, value.location())?;
            // The parser takes no variable there.
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

    fn fragment(&self, fragment: &Node<ast::FragmentDefinition>) -> Result<Positioned<FragmentDefinition>, Refusal> {
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
        let items = selections.iter().map(|selection| self.selection(selection));
        let set = SelectionSet {
            items: items.collect::<Result<_, _>>()?,
        };
        Ok(self.put(set, span))
    }

    fn selection(&self, selection: &ast::Selection) -> Result<Positioned<Selection>, Refusal> {
        Ok(match selection {
            ast::Selection::Field(field) => {
                let arguments = field.arguments.iter().map(|argument| self.argument(argument));
                let converted = Field {
                    alias: field.alias.as_ref().map(|alias| self.name(alias)),
                    name: self.name(&field.name),
                    arguments: arguments.collect::<Result<_, _>>()?,
                    directives: self.directives(&field.directives)?,
                    selection_set: self.selections(&field.selection_set, field.location())?,
                };
                let converted = self.put(converted, field.location());
                self.put(Selection::Field(converted), field.location())
            }
            ast::Selection::FragmentSpread(spread) => {
                let converted = FragmentSpread {
                    fragment_name: self.name(&spread.fragment_name),
                    directives: self.directives(&spread.directives)?,
                };
                let converted = self.put(converted, spread.location());
                self.put(Selection::FragmentSpread(converted), spread.location())
            }
            ast::Selection::InlineFragment(inline) => {
                let condition = inline.type_condition.as_ref();
                let converted = InlineFragment {
                    type_condition: condition.map(|on| self.condition(on)),
                    directives: self.directives(&inline.directives)?,
                    selection_set: self.selections(&inline.selection_set, inline.location())?,
                };
                let converted = self.put(converted, inline.location());
                self.put(Selection::InlineFragment(converted), inline.location())
            }
        })
    }

    fn directives(&self, directives: &ast::DirectiveList) -> Result<Vec<Positioned<Directive>>, Refusal> {
        let converted = directives.iter().map(|directive| {
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
        let span = argument.value.location();
        let value = self.value(&argument.value, span)?;
        Ok((self.name(&argument.name), self.put(value, span)))
    }

    fn value(&self, value: &ast::Value, span: Option<SourceSpan>) -> Result<executor::Value, Refusal> {
        use executor::Value;
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

    /// Whole numbers are exact up to 64 bits, others as exact as JSON's are in practice (RFC 8259 §6).
    fn number(&self, digits: &str, span: Option<SourceSpan>) -> Result<Number, Refusal> {
        let whole = digits.parse::<i64>().map(Number::from);
        let whole = whole.or_else(|_| digits.parse::<u64>().map(Number::from)).ok();
        let number = whole.or_else(|| digits.parse::<f64>().ok().and_then(Number::from_f64));
        number.ok_or_else(|| {
            Refusal::syntax(self.places.of_span(span), "this number is out of range")
        })
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
