//! The checks in order, and the cache of the documents that have passed them.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use apollo_compiler::ast::Document;
use async_graphql::{
    Name, Pos, Positioned, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection},
};
use moka::sync::Cache;

use super::cost::Cost;
use super::model::CostModel;
use super::parse::parse;
use super::places::LinePositions;
use super::refusal::{Refusal, alternatives};
use super::rules::{Declared, Rules};
use super::scan::scan;
use super::shape::FragmentOrder;
use super::{GuardLimits, absent, convert, cost, shape};

/// Memory of the document cache, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Maximum number of cached documents.
const CACHE_ENTRIES: u64 = 10_000;

/// Maximum number of operations that a message names.
const NAMES_LISTED: usize = 5;

/// Bytes that a parsed document takes for each of its tokens, besides its text and the names copied from it; 220 were
/// measured.
const BYTES_PER_TOKEN: usize = 256;

/// Decides which documents are executed, and caches the valid ones.
///
/// Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub struct Guard {
    limits: GuardLimits,
    model: Arc<CostModel>,
    rules: Arc<Rules>,
    kept: Cache<Arc<str>, Arc<Prepared>>,
}

impl Guard {
    /// Creates a guard for a schema, with an empty cache.
    ///
    /// Documents are looked up by their full text, so that no two can be confused, and hashed with a random key. A
    /// flood of new documents does not evict those in use: the cache admits by frequency.
    #[must_use]
    pub fn new(limits: GuardLimits, model: impl Into<Arc<CostModel>>, rules: impl Into<Arc<Rules>>) -> Self {
        let least = u32::try_from(CACHE_BYTES.div_ceil(CACHE_ENTRIES)).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(move |_: &Arc<str>, prepared: &Arc<Prepared>| prepared.bytes.max(least))
            .build();
        Self {
            limits,
            model: model.into(),
            rules: rules.into(),
            kept,
        }
    }

    /// Parses a document, or finds it in the cache.
    ///
    /// # Errors
    /// The text is not GraphQL, or exceeds a limit that does not depend on the operation and the variables.
    pub fn read(&self, text: &str) -> Result<Read, Refusal> {
        if let Some(prepared) = self.kept.get(text) {
            return Ok(Read(CacheEntry::Kept(prepared)));
        }
        let tokens = scan(text, &self.limits)?.tokens;
        let places = LinePositions::of(text);
        let parsed = parse(text, &places)?;
        let document = convert::document(&parsed, &tokens, &places)?;
        let order = shape::check(&document, &self.limits)?;
        let bytes = tokens
            .len()
            .saturating_mul(BYTES_PER_TOKEN)
            .saturating_add(2 * text.len());
        let prepared = Prepared {
            text: text.into(),
            costs: document.operations.iter().map(|_| OnceLock::new()).collect(),
            document,
            order,
            declared: Vec::new(),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        };
        Ok(Read(CacheEntry::New(Box::new(New {
            prepared,
            places,
            parsed,
        }))))
    }

    /// Validates a parsed document, once. Only valid documents are cached, so that refused and invalid ones evict none.
    ///
    /// # Errors
    /// All problems of the document.
    pub fn validate(&self, read: Read) -> Result<Arc<Prepared>, Vec<Refusal>> {
        let New {
            mut prepared,
            places,
            parsed,
        } = match read.0 {
            CacheEntry::Kept(prepared) => return Ok(prepared),
            CacheEntry::New(new) => *new,
        };
        let mut declared = self.rules.validate(&parsed, &prepared.text, &places)?;
        let operations = prepared.document.operations.iter();
        let names: Vec<Option<&str>> = operations.map(|(name, _)| name.map(Name::as_str)).collect();
        declared.sort_by_key(|declared| names.iter().position(|name| *name == declared.operation()));
        prepared.declared = declared;
        let prepared = Arc::new(prepared);
        self.kept
            .insert(Arc::clone(&prepared.text), Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Checks the values of an operation's variables, and converts them into the form that the executor takes.
    ///
    /// # Errors
    /// All values that do not match their types.
    pub fn coerce(&self, operation: &Operation<'_>, variables: &mut Variables) -> Result<(), Vec<Refusal>> {
        self.rules.coerce(operation.declared, variables)
    }

    /// Decides whether an operation may run with these variables.
    ///
    /// # Errors
    /// The response may exceed the limits, or the operation has a second credential mutation.
    pub fn admit(&self, operation: &Operation<'_>, variables: &Variables) -> Result<Cost, Refusal> {
        let prepared = operation.prepared;
        let known = &prepared.costs[operation.index];
        let cost = match known.get() {
            Some(cost) => *cost,
            None => {
                let measure = cost::measure(
                    &self.model,
                    &prepared.document,
                    &prepared.order,
                    operation.definition,
                    variables,
                );
                if !measure.depends_on_variables {
                    known.get_or_init(|| measure.cost);
                }
                measure.cost
            }
        };
        cost.check(&self.limits, &self.model)?;
        Ok(cost)
    }

    /// Refuses what only a caller with a credential may request.
    ///
    /// # Errors
    /// Introspection beyond the allowance of callers without a credential.
    pub fn check_for_nobody(&self, cost: &Cost) -> Result<(), Refusal> {
        cost.check_for_nobody(&self.model)
    }
}

/// A document that is GraphQL and within the limits, but not validated yet.
#[derive(Debug)]
pub struct Read(CacheEntry);

#[derive(Debug)]
enum CacheEntry {
    Kept(Arc<Prepared>),
    New(Box<New>),
}

#[derive(Debug)]
struct New {
    /// The document, without the variables that its operations declare.
    prepared: Prepared,
    places: LinePositions,
    parsed: Document,
}

impl Read {
    /// Returns the kind of the operation that would run; `None` if the document has no such operation.
    #[must_use]
    pub fn kind(&self, operation: Option<&str>) -> Option<OperationType> {
        let document = match &self.0 {
            CacheEntry::Kept(prepared) => &prepared.document,
            CacheEntry::New(new) => &new.prepared.document,
        };
        let mut operations = document.operations.iter();
        let (_, found) = match operation {
            Some(name) => operations.find(|(own, _)| own.is_some_and(|own| own == name))?,
            None => operations.next()?,
        };
        Some(found.node.ty)
    }
}

/// A document that is valid and within the limits.
#[derive(Debug)]
pub struct Prepared {
    text: Arc<str>,
    document: ExecutableDocument,
    order: FragmentOrder,
    /// The cost of each operation, in the iteration order of the document, if no variable affects it.
    costs: Vec<OnceLock<Cost>>,
    /// The variables of each operation, in the same order, which validation determines.
    declared: Vec<Declared>,
    bytes: u32,
}

impl Prepared {
    /// Returns the document with all of its operations.
    #[must_use]
    pub fn document(&self) -> &ExecutableDocument {
        &self.document
    }

    /// Returns the operation to run: the one with that name, or the only one.
    ///
    /// # Errors
    /// The document has no operation with that name, or has several and no name was given (GraphQL §6.1).
    pub fn operation(&self, name: Option<&str>) -> Result<Operation<'_>, Refusal> {
        let mut operations = (self.document.operations.iter().zip(&self.declared).enumerate()).map(
            |(index, (own, declared))| {
                let (own_name, definition) = own;
                Operation {
                    kind: definition.node.ty,
                    name: own_name.map(Name::as_str),
                    prepared: self,
                    index,
                    declared,
                    definition: &definition.node,
                }
            },
        );
        let found = match name {
            Some(name) => operations.find(|operation| operation.name == Some(name)),
            None => {
                let only = operations.next();
                if operations.next().is_some() {
                    return Err(Refusal::bad_input(format!(
                        "The document contains several operations. Send the name of the one to run as \"operationName\": {}.",
                        self.names()
                    )));
                }
                only
            }
        };
        found.ok_or_else(|| match &self.document.operations {
            DocumentOperations::Single(_) => Refusal::bad_input(
                "The document's operation has no name. Leave \"operationName\" out, or name the operation.",
            ),
            DocumentOperations::Multiple(_) => Refusal::bad_input(format!(
                "The document has no operation of the name that was sent as \"operationName\". Send {}.",
                self.names()
            )),
        })
    }

    /// Returns the names of the first operations, in the order of the text, for messages.
    fn names(&self) -> String {
        let named = self.document.operations.iter();
        let mut named: Vec<(Pos, &str)> = named
            .filter_map(|(name, operation)| Some((operation.pos, name?.as_str())))
            .collect();
        named.sort_unstable();
        let named: Vec<&str> = named.into_iter().map(|(_, name)| name).collect();
        match named.get(..NAMES_LISTED) {
            Some(listed) if listed.len() < named.len() => format!("\"{}\", …", listed.join("\", \"")),
            _ => alternatives(&named),
        }
    }
}

/// Returns the value of a variable of an operation: the value sent, or its default; `None` for a variable without
/// either.
#[must_use]
pub fn value_of(operation: &OperationDefinition, variables: &Variables, name: &Name) -> Option<Value> {
    let sent = variables.get(name).cloned();
    sent.or_else(|| {
        let mut definitions = operation.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == *name)?;
        Some(definition.node.default_value.as_ref()?.node.clone())
    })
}

impl Operation<'_> {
    /// Returns the document for the library's executor (`Request::set_parsed_query`).
    ///
    /// An argument or a field of an input object whose variable has no value is removed (GraphQL §6.4.1, §3.10). The
    /// executor would take it for null, which clears the stored value.
    #[must_use]
    pub fn to_run(&self, variables: &Variables) -> ExecutableDocument {
        let mut document = self.prepared.document.clone();
        let absent: HashSet<&str> = self.declared.absent(variables).map(Name::as_str).collect();
        if !absent.is_empty() {
            absent::leave_out(&mut document, &absent);
        }
        document
    }

    /// Whether the operation selects one field, and of that only leaves.
    #[must_use]
    pub fn is_single(&self) -> bool {
        let items = &self.definition.selection_set.node.items;
        let [
            Positioned {
                node: Selection::Field(field),
                ..
            },
        ] = &items[..]
        else {
            return false;
        };
        let is_leaf = |selection: &Selection| matches!(selection, Selection::Field(field) if field.node.selection_set.node.items.is_empty());
        let behind = &field.node.selection_set.node.items;
        behind.iter().all(|selection| is_leaf(&selection.node))
    }

    /// Whether the operation is a query that selects nothing but the names of types, as clients do to see whether the API
    /// answers.
    #[must_use]
    pub fn is_of_names(&self) -> bool {
        let is_name = |selection: &Positioned<Selection>| {
            matches!(&selection.node, Selection::Field(field)
                if field.node.name.node == "__typename" && field.node.directives.is_empty())
        };
        let items = &self.definition.selection_set.node.items;
        self.kind == OperationType::Query && items.iter().all(is_name)
    }
}

/// One operation of a document.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The operation's name, as the client chose it.
    pub name: Option<&'a str>,
    prepared: &'a Prepared,
    index: usize,
    declared: &'a Declared,
    definition: &'a OperationDefinition,
}
