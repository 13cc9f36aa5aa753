//! Plans: what a selection writes for each document, and what it needs of the database.

use std::collections::HashMap;

use async_graphql::{
    Context, ContextSelectionSet, Name, Positioned,
    parser::types::{self, FragmentDefinition, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};
use bson::{Document, RawDocument};

use super::json;
use super::level::{ListBehind, Relation};
use super::{FieldSource, ObjectShape, ValueShape, WriteValue};
use crate::platform::crypto::CursorKey;
use crate::platform::database::Database;
use crate::platform::page::{Page, PageArgs};
use crate::reach::principal::Principal;

/// Everything that a plan depends on beside the selection.
pub struct Caller<'a> {
    /// The database.
    pub database: &'a Database,
    /// The caller.
    pub principal: &'a Principal,
    /// Authenticates cursors.
    pub cursors: &'a CursorKey,
    /// The storefront of the objects.
    pub storefront: &'a str,
}

/// What is written for a document.
pub struct ObjectPlan {
    /// Name of the GraphQL type.
    pub(super) name: &'static str,
    /// The fields in the order of the response.
    pub(super) steps: Vec<PlanStep<Written>>,
    /// The lists behind the document.
    pub(super) lists: Vec<ListPlan>,
    /// The stored fields that are read.
    needs: Vec<&'static str>,
}

/// A field of the response.
pub(super) struct PlanStep<W> {
    /// Its key as JSON, with the colon.
    pub(super) key: Vec<u8>,
    pub(super) what: W,
}

/// What is written for a field of an object.
pub(super) enum Written {
    TypeName,
    Stored {
        path: &'static str,
        value: ValuePlan,
    },
    Computed(fn(&RawDocument, &mut Vec<u8>) -> bool),
    /// The list with this number.
    List(usize),
}

/// How a stored value is written.
pub(super) enum ValuePlan {
    Leaf(WriteValue),
    Object(ObjectPlan),
    List(Box<ValuePlan>),
    Nullable(Box<ValuePlan>),
}

/// A list behind the objects of a plan.
pub(super) struct ListPlan {
    pub(super) relation: Relation,
    pub(super) page: Page,
    pub(super) connection: ConnectionPlan,
}

/// What is written for a page of a list.
pub struct ConnectionPlan {
    name: String,
    pub(super) steps: Vec<PlanStep<OfConnection>>,
    /// What is written for each row. Without it, the rows are only counted.
    pub(super) item: ObjectPlan,
    /// Whether cursors are written.
    has_cursors: bool,
}

/// What is written for a field of a connection.
pub(super) enum OfConnection {
    TypeName,
    Nodes,
    Edges(Vec<PlanStep<OfEdge>>),
    PageInfo(Vec<PlanStep<OfPageInfo>>),
}

/// What is written for a field of an edge.
pub(super) enum OfEdge {
    TypeName,
    Cursor,
    Node,
}

/// What is written for a field of `pageInfo`.
#[derive(Clone, Copy)]
pub(super) enum OfPageInfo {
    TypeName,
    HasNext,
    HasPrevious,
    Start,
    End,
}

impl ConnectionPlan {
    /// Makes the plan of a selection on a connection; `None` if the selection needs more than the documents.
    pub fn of(ctx: &ContextSelectionSet<'_>, item: &ObjectShape, caller: &Caller<'_>) -> Option<Self> {
        let planner = Planner {
            fragments: &ctx.query_env.fragments,
            variables: &ctx.query_env.variables,
            operation: &ctx.query_env.operation.node,
            caller: Some(caller),
        };
        planner.connection(&ctx.item.node, item)
    }

    /// The stored fields to read; `sort` is the field by which the list is sorted.
    pub(super) fn projection(&self, sort: &'static str) -> Document {
        let mut fields = self.item.projection();
        if self.has_cursors {
            fields.insert(sort, 1);
        }
        // The lists behind the objects need these.
        for list in &self.item.lists {
            fields.insert(list.relation.key, 1);
        }
        fields
    }

    pub(super) fn type_name(&self) -> &str {
        &self.name
    }
}

impl ObjectPlan {
    /// Makes the plan of a selection on an object; `None` if the selection needs more than the object's document.
    pub fn of(ctx: &Context<'_>, object: &ObjectShape) -> Option<Self> {
        let planner = Planner {
            fragments: &ctx.query_env.fragments,
            variables: &ctx.query_env.variables,
            operation: &ctx.query_env.operation.node,
            caller: None,
        };
        planner.object(&ctx.item.node.selection_set.node, object)
    }

    /// The stored fields to read.
    pub(super) fn projection(&self) -> Document {
        let mut fields: Document = self
            .needs
            .iter()
            .map(|field| ((*field).to_owned(), 1.into()))
            .collect();
        fields.insert("_id", 1);
        fields
    }
}

struct Planner<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a async_graphql::Variables,
    operation: &'a OperationDefinition,
    /// Without it, there are no lists behind objects.
    caller: Option<&'a Caller<'a>>,
}

impl<'a> Planner<'a> {
    /// The fields of a selection with its fragments, each once; `None` if two selections of one object would have to be
    /// merged. All types are objects, so that all fragments of a valid document apply.
    fn fields(&self, selection: &'a SelectionSet) -> Option<Vec<&'a types::Field>> {
        let mut fields: Vec<&'a types::Field> = Vec::new();
        let mut left: Vec<std::slice::Iter<'a, Positioned<Selection>>> = vec![selection.items.iter()];
        while let Some(level) = left.last_mut() {
            let Some(next) = level.next() else {
                left.pop();
                continue;
            };
            match &next.node {
                Selection::Field(field) => {
                    let key = field.node.response_key();
                    match fields.iter().find(|known| known.response_key() == key) {
                        None => fields.push(&field.node),
                        Some(known) if known.selection_set.node.items.is_empty() => {}
                        Some(_) => return None,
                    }
                }
                Selection::InlineFragment(fragment) => {
                    left.push(fragment.node.selection_set.node.items.iter());
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments.get(&spread.node.fragment_name.node)?;
                    left.push(fragment.node.selection_set.node.items.iter());
                }
            }
        }
        Some(fields)
    }

    /// Makes a step of each field.
    fn steps<W>(
        &self,
        selection: &'a SelectionSet,
        mut what: impl FnMut(&'a types::Field) -> Option<W>,
    ) -> Option<Vec<PlanStep<W>>> {
        let step = |field: &'a types::Field| {
            let mut key = serde_json::to_vec(field.response_key().node.as_str()).ok()?;
            key.push(b':');
            Some(PlanStep {
                key,
                what: what(field)?,
            })
        };
        self.fields(selection)?.into_iter().map(step).collect()
    }

    fn object(&self, selection: &'a SelectionSet, shape: &ObjectShape) -> Option<ObjectPlan> {
        let mut needs: Vec<&'static str> = Vec::new();
        let mut lists = Vec::new();
        let steps = self.steps(selection, |field| {
            let name = field.name.node.as_str();
            if name == "__typename" {
                return Some(Written::TypeName);
            }
            if let Some(list) = shape.lists.iter().find(|list| list.name() == name) {
                lists.push(self.list(field, *list)?);
                return Some(Written::List(lists.len() - 1));
            }
            if name == "id" {
                needs.push("_id");
                return Some(Written::Stored {
                    path: "_id",
                    value: ValuePlan::Leaf(json::plain),
                });
            }
            let mut declared = shape.fields.iter().flat_map(|fields| fields());
            let declared = declared.find(|declared| declared.is(name))?;
            Some(match &declared.source {
                FieldSource::Stored { path, shape } => {
                    let value = self.value(&field.selection_set.node, shape)?;
                    needs.push(path);
                    Written::Stored { path, value }
                }
                FieldSource::Computed { needs: stored, write } => {
                    needs.extend_from_slice(stored);
                    Written::Computed(*write)
                }
            })
        })?;
        Some(ObjectPlan {
            name: shape.name,
            steps,
            lists,
            needs: top_most(needs),
        })
    }

    fn value(&self, selection: &'a SelectionSet, shape: &ValueShape) -> Option<ValuePlan> {
        Some(match shape {
            ValueShape::Leaf(write) => ValuePlan::Leaf(*write),
            ValueShape::Object(object) => ValuePlan::Object(self.object(selection, object)?),
            ValueShape::List(item) => ValuePlan::List(Box::new(self.value(selection, item)?)),
            ValueShape::Nullable(value) => ValuePlan::Nullable(Box::new(self.value(selection, value)?)),
        })
    }

    fn list(&self, field: &'a types::Field, list: &dyn ListBehind) -> Option<ListPlan> {
        let caller = self.caller?;
        let relation = list.open(caller.database, caller.principal)?;
        let page = self.page_args(field)?;
        let page = page.check(caller.cursors, list.order(caller.storefront)).ok()?;
        let mut connection = self.connection(&field.selection_set.node, &list.item())?;
        connection.item.needs = top_most({
            let mut needs = std::mem::take(&mut connection.item.needs);
            needs.push(relation.field);
            needs
        });
        Some(ListPlan {
            relation,
            page,
            connection,
        })
    }

    /// The arguments of a list; `None` if they are not those of a page.
    fn page_args(&self, field: &types::Field) -> Option<PageArgs> {
        let mut args = PageArgs::default();
        for (name, value) in &field.arguments {
            let value = self.constant(&value.node)?;
            let number = || match &value {
                ConstValue::Null => Some(None),
                ConstValue::Number(number) => Some(Some(i32::try_from(number.as_i64()?).ok()?)),
                _ => None,
            };
            let text = || match &value {
                ConstValue::Null => Some(None),
                ConstValue::String(text) => Some(Some(text.clone())),
                _ => None,
            };
            match name.node.as_str() {
                "first" => args.first = number()?,
                "last" => args.last = number()?,
                "after" => args.after = text()?,
                "before" => args.before = text()?,
                _ => return None,
            }
        }
        Some(args)
    }

    fn constant(&self, value: &Value) -> Option<ConstValue> {
        let variable = |name: Name| {
            let declared = self.operation.variable_definitions.iter();
            let sent = self.variables.get(&name).cloned();
            let declared = || {
                declared
                    .map(|declared| &declared.node)
                    .find(|declared| declared.name.node == name)
            };
            sent.or_else(|| declared()?.default_value().cloned()).ok_or(())
        };
        value.clone().into_const_with(variable).ok()
    }

    fn connection(&self, selection: &'a SelectionSet, shape: &ObjectShape) -> Option<ConnectionPlan> {
        let mut item = None;
        let mut has_cursors = false;
        let steps = self.steps(selection, |field| {
            let selection = &field.selection_set.node;
            Some(match field.name.node.as_str() {
                "__typename" => OfConnection::TypeName,
                "nodes" if item.is_none() => {
                    item = Some(self.object(selection, shape)?);
                    OfConnection::Nodes
                }
                "edges" => OfConnection::Edges(self.steps(selection, |field| {
                    Some(match field.name.node.as_str() {
                        "__typename" => OfEdge::TypeName,
                        "cursor" => {
                            has_cursors = true;
                            OfEdge::Cursor
                        }
                        "node" if item.is_none() => {
                            item = Some(self.object(&field.selection_set.node, shape)?);
                            OfEdge::Node
                        }
                        _ => return None,
                    })
                })?),
                "pageInfo" => OfConnection::PageInfo(self.steps(selection, |field| {
                    let what = match field.name.node.as_str() {
                        "__typename" => OfPageInfo::TypeName,
                        "hasNextPage" => OfPageInfo::HasNext,
                        "hasPreviousPage" => OfPageInfo::HasPrevious,
                        "startCursor" => OfPageInfo::Start,
                        "endCursor" => OfPageInfo::End,
                        _ => return None,
                    };
                    has_cursors |= matches!(what, OfPageInfo::Start | OfPageInfo::End);
                    Some(what)
                })?),
                // totalCount counts what no page shows.
                _ => return None,
            })
        })?;
        let nothing = || ObjectPlan {
            name: shape.name,
            steps: Vec::new(),
            lists: Vec::new(),
            needs: Vec::new(),
        };
        Some(ConnectionPlan {
            name: format!("{}Connection", shape.name),
            steps,
            item: item.unwrap_or_else(nothing),
            has_cursors,
        })
    }
}

/// Each field once, and no field of which another one is a part: the database refuses a projection of both.
fn top_most(mut fields: Vec<&'static str>) -> Vec<&'static str> {
    fields.sort_unstable();
    fields.dedup();
    let is_within =
        |part: &str, whole: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    let all = fields.clone();
    fields.retain(|field| !all.iter().any(|whole| is_within(field, whole)));
    fields
}
