//! Computes upper bounds on the objects in the response to an operation, and on their fields.
//!
//! Every selection in the document is measured exactly once: the measure of a fragment is stored as a sum that each of
//! its spreads adds, in the order that [`super::shape`] determined. All arithmetic saturates.

use std::collections::HashMap;

use async_graphql::{
    Name, Variables,
    parser::{
        parse_query, parse_schema,
        types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
    },
};

use super::model::{CostModel, LIST, ModelError, Times, TypeId};
use super::refusal::{Refusal, grouped, up_to};
use super::sizes::Sizes;
use super::{GuardLimits, introspection, shape};

/// Upper bounds on the response to one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Objects; limited by `GATEWAY_MAX_COST`.
    pub objects: u64,
    /// Fields of these objects, including those with scalar values.
    pub fields: u64,
    /// Fields of introspection.
    pub introspection: u64,
    /// Credential mutations.
    pub credentials: u64,
    /// Registrations, of which only a backend may send several.
    pub registrations: u64,
}

impl Cost {
    /// Combines each number with the same number of another cost.
    fn with(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            objects: combine(self.objects, other.objects),
            fields: combine(self.fields, other.fields),
            introspection: combine(self.introspection, other.introspection),
            credentials: combine(self.credentials, other.credentials),
            registrations: combine(self.registrations, other.registrations),
        }
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn times(self, factor: u64) -> Self {
        self.with(self, |number, _| number.saturating_mul(factor))
    }

    fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// Refuses what only a backend may send.
    ///
    /// # Errors
    /// More than one registration.
    pub fn check_for_the_public(&self) -> Result<(), Refusal> {
        if self.registrations <= 1 {
            return Ok(());
        }
        Err(Refusal::limit(
            "A registration is allowed only once in a document. Send each in a separate request.",
        ))
    }

    /// Refuses what only a caller with a credential may request.
    pub(super) fn check_for_nobody(&self, model: &CostModel) -> Result<(), Refusal> {
        let allowance = introspection::ALLOWANCE_OF_NOBODY;
        if self.introspection <= model.introspection(allowance) {
            return Ok(());
        }
        Err(Refusal::limit(self.too_much_introspection(model, allowance)))
    }

    fn too_much_introspection(&self, model: &CostModel, allowance: u64) -> String {
        format!(
            "The introspection requests {} fields; the limit is {}. Request the types by name.",
            up_to(self.introspection),
            grouped(model.introspection(allowance))
        )
    }

    /// Refuses an operation that exceeds a limit.
    pub(super) fn check(&self, limits: &GuardLimits, model: &CostModel) -> Result<(), Refusal> {
        let problem = if self.objects > limits.cost {
            format!(
                "The query requests {} objects; the limit is {}. Request smaller pages.",
                up_to(self.objects),
                grouped(limits.cost)
            )
        } else if self.introspection > model.introspection(introspection::ALLOWANCE) {
            self.too_much_introspection(model, introspection::ALLOWANCE)
        } else if self.fields > limits.fields() {
            format!(
                "The query requests {} fields; the limit is {}. Request fewer fields or smaller pages.",
                up_to(self.fields),
                grouped(limits.fields())
            )
        } else if self.credentials > 1 {
            "A mutation that uses a password or a token is allowed only once in a document. Send each in a separate \
             request."
                .to_owned()
        } else {
            return Ok(());
        };
        Err(Refusal::limit(problem))
    }
}

/// The cost of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) cost: Cost,
    /// Whether a variable's value affected the cost. If not, the cost is the same for every request.
    pub(super) depends_on_variables: bool,
    /// Number of selections visited; each selection of the document is visited once.
    #[cfg(test)]
    pub(super) visits: usize,
}

/// Measures an operation of a document whose fragments are in order.
pub(super) fn measure(
    model: &CostModel,
    document: &ExecutableDocument,
    order: &shape::FragmentOrder,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Measure {
    let mut meter = Meter {
        model,
        sizes: Sizes::new(operation, variables),
        fragments: HashMap::with_capacity(order.len()),
        visits: 0,
    };
    for name in order {
        meter.fragment(document, name);
    }
    let root = match operation.ty {
        OperationType::Query => model.query,
        OperationType::Mutation => model.mutation,
        OperationType::Subscription => model.subscription,
    };
    let tally = meter.selections(&operation.selection_set.node, root);
    Measure {
        cost: tally.whole(LIST),
        depends_on_variables: meter.sizes.depend_on_variables(),
        #[cfg(test)]
        visits: meter.visits,
    }
}

impl CostModel {
    /// Reads a schema. `credentials` names the mutations of which a document may contain one, once.
    ///
    /// # Errors
    /// The SDL does not parse, or lacks a mutation that `credentials` names.
    pub fn from_sdl(sdl: &str, credentials: &[&str]) -> Result<Self, ModelError> {
        let document = parse_schema(sdl).map_err(ModelError::Sdl)?;
        let mut model = Self::named(&document);
        model.read_fields(&document);
        model.find_possible_types(&document);
        model.mark_credentials(credentials)?;
        introspection::add(&mut model, &document);
        model.full_introspection = full_introspection(&model);
        Ok(model)
    }
}

/// Returns the number of fields in the response to the full introspection query.
fn full_introspection(model: &CostModel) -> u64 {
    let document = parse_query(introspection::FULL_INTROSPECTION).expect("a constant that a test parses");
    let order = shape::check(&document, &GuardLimits::default()).expect("a constant that a test checks");
    let mut operations = document.operations.iter();
    let (_, operation) = operations.next().expect("a constant with one operation");
    let full = measure(model, &document, &order, &operation.node, &Variables::default());
    full.cost.introspection
}

struct Meter<'a> {
    model: &'a CostModel,
    sizes: Sizes<'a>,
    fragments: HashMap<&'a str, (Option<TypeId>, Tally)>,
    visits: usize,
}

impl<'a> Meter<'a> {
    fn fragment(&mut self, document: &'a ExecutableDocument, name: &'a Name) {
        let fragment = &document.fragments[name].node;
        let on = self.model.type_id(&fragment.type_condition.node.on.node);
        let tally = self.selections(&fragment.selection_set.node, on);
        self.fragments.insert(name, (on, tally));
    }

    /// Measures a selection set on a type, recursively: the scan has bounded the depth.
    fn selections(&mut self, set: &SelectionSet, parent: Option<TypeId>) -> Tally {
        let mut tally = Tally::default();
        for selection in &set.items {
            self.visits += 1;
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, parent, &mut tally),
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = match condition {
                        Some(condition) => self.model.type_id(&condition.node.on.node),
                        None => parent,
                    };
                    let inner = self.selections(&inline.node.selection_set.node, on);
                    tally.absorb(self.model, parent, on, &inner);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some((on, inner)) = self.fragments.get(name) {
                        tally.absorb(self.model, parent, *on, inner);
                    }
                }
            }
        }
        tally
    }

    fn field(&mut self, field: &Field, parent: Option<TypeId>, tally: &mut Tally) {
        let known = parent.and_then(|parent| self.model.field(parent, &field.name.node));
        let itself = Cost {
            fields: 1,
            credentials: u64::from(known.is_some_and(|known| known.credential)),
            registrations: u64::from(known.is_some_and(|known| known.registration)),
            ..Cost::default()
        };
        let Some((known, target)) = known.and_then(|known| Some((known, known.target?))) else {
            tally.once = tally.once.plus(itself);
            return;
        };
        let (times, page) = match known.times {
            Times::Fixed(times) => (times, LIST),
            Times::Page => (1, self.sizes.page(field)),
            Times::Ids => (self.sizes.ids(field), LIST),
            Times::Item => (1, LIST),
        };
        let inner = self.selections(&field.selection_set.node, Some(target));
        let object = Cost {
            objects: u64::from(known.counts),
            ..Cost::default()
        };
        let answer = object.plus(inner.whole(page)).times(times);
        if known.times == Times::Item {
            tally.once = tally.once.plus(itself);
            tally.per_item = tally.per_item.plus(answer);
        } else if known.introspects {
            tally.once = tally.once.plus(Cost {
                introspection: answer.fields.saturating_add(1),
                ..Cost::default()
            });
        } else {
            tally.once = tally.once.plus(itself).plus(answer);
        }
    }
}

/// The cost of a selection set on one object.
#[derive(Default)]
struct Tally {
    /// Added once, for any type of the object.
    once: Cost,
    /// Added for each item, if the object is a page.
    per_item: Cost,
    /// Added for an object of one of these types; sorted, each type once.
    by_type: Vec<(TypeId, Cost)>,
}

impl Tally {
    /// Returns the maximum cost of the selections on a page with this many items.
    fn whole(&self, page: u64) -> Cost {
        let by_type = self.by_type.iter().map(|(_, cost)| *cost);
        let most = by_type.fold(Cost::default(), Cost::max);
        self.once.plus(most).plus(self.per_item.times(page))
    }

    /// Adds the cost of a fragment on `condition`, spread on an object of type `parent`.
    fn absorb(&mut self, model: &CostModel, parent: Option<TypeId>, condition: Option<TypeId>, inner: &Self) {
        let (Some(parent), Some(condition)) = (parent, condition) else {
            // The type is unknown, and validation will reject it. Until then everything counts.
            self.once = self.once.plus(inner.whole(LIST));
            return;
        };
        let possible = model.possible(condition);
        let holds = |id: &TypeId| possible.binary_search(id).is_ok();
        let objects = model.possible(parent);
        if parent == condition || objects.iter().all(holds) {
            self.once = self.once.plus(inner.once);
            self.per_item = self.per_item.plus(inner.per_item);
            for (id, cost) in &inner.by_type {
                if objects.binary_search(id).is_ok() {
                    self.add(*id, *cost);
                }
            }
        } else {
            let once = inner.once.plus(inner.per_item.times(LIST));
            for id in objects.iter().filter(|id| holds(id)) {
                let found = inner.by_type.binary_search_by_key(id, |(known, _)| *known);
                let own = found.map_or(Cost::default(), |at| inner.by_type[at].1);
                self.add(*id, once.plus(own));
            }
        }
    }

    fn add(&mut self, id: TypeId, cost: Cost) {
        match self.by_type.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(at) => self.by_type[at].1 = self.by_type[at].1.plus(cost),
            Err(at) => self.by_type.insert(at, (id, cost)),
        }
    }
}
