//! Bounds the properties of a document that do not depend on the schema: depth, aliases, fragments, directives, cycles,
//! and its size with the fragments expanded.
//!
//! The library's validation and its own depth check walk through every operation with the fragments expanded, so that a
//! few hundred bytes can keep them busy for minutes, and a document whose executed operation is harmless can still
//! carry such an operation. Here each selection is visited twice, however often its fragment is spread: once to count,
//! once to add up. Recursion stays inside one definition, whose nesting the scan has bounded; fragments are processed
//! in an order in which each comes after those that it spreads.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use super::refusal::{Refusal, counted, grouped, up_to};
use super::{GuardLimits, introspection};

/// The names of a document's fragments, each after those that it spreads.
pub(super) type FragmentOrder = Vec<Name>;

/// Checks a document against the limits that do not depend on the schema.
///
/// # Errors
/// A limit is exceeded, or a fragment spreads itself.
pub(super) fn check(document: &ExecutableDocument, limits: &GuardLimits) -> Result<FragmentOrder, Refusal> {
    ShapeCounts::of(document).check(limits)?;
    let order = fragment_order(document)?;
    let mut extents: HashMap<&str, Extent> = HashMap::with_capacity(order.len());
    for name in &order {
        let fragment = &document.fragments[name];
        let extent = Extent::of(&fragment.node.selection_set.node, &extents);
        extents.insert(name, extent);
    }
    let mut written_out = 0_u64;
    for (_, operation) in document.operations.iter() {
        let extent = Extent::of(&operation.node.selection_set.node, &extents);
        extent.check(limits, operation.pos)?;
        written_out = written_out.saturating_add(extent.selections);
    }
    if written_out > limits.written_out() {
        return Err(Refusal::limit(format!(
            "With its fragments expanded, the document contains {} selections; the limit is {}. Spread fewer \
             fragments.",
            up_to(written_out),
            grouped(limits.written_out())
        )));
    }
    Ok(order)
}

/// Counts in the text, each definition counted once.
#[derive(Default)]
struct ShapeCounts {
    aliases: usize,
    directives: usize,
    fragments: usize,
}

impl ShapeCounts {
    fn of(document: &ExecutableDocument) -> Self {
        let mut counts = Self {
            fragments: document.fragments.len(),
            ..Self::default()
        };
        for fragment in document.fragments.values() {
            counts.directives += fragment.node.directives.len();
            counts.add_selections(&fragment.node.selection_set.node);
        }
        for (_, operation) in document.operations.iter() {
            counts.directives += operation.node.directives.len();
            for variable in &operation.node.variable_definitions {
                counts.directives += variable.node.directives.len();
            }
            counts.add_selections(&operation.node.selection_set.node);
        }
        counts
    }

    fn add_selections(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.directives += selection.node.directives().len();
            if let Selection::Field(field) = &selection.node {
                self.aliases += usize::from(field.node.alias.is_some());
            }
            if let Some(inner) = inside(&selection.node) {
                self.add_selections(inner);
            }
        }
    }

    fn check(&self, limits: &GuardLimits) -> Result<(), Refusal> {
        let counts = [
            (self.aliases, limits.aliases, "alias", "aliases"),
            (self.fragments, limits.fragments, "fragment", "fragments"),
            (self.directives, limits.directives, "directive", "directives"),
        ];
        for (count, limit, one, many) in counts {
            if count > limit {
                return Err(Refusal::limit(format!(
                    "The document has {}; the limit is {}. Split it into several requests.",
                    counted(count as u64, one, many),
                    grouped(limit as u64)
                )));
            }
        }
        Ok(())
    }
}

/// Returns the selections inside a selection, without those of a fragment that it spreads.
fn inside(selection: &Selection) -> Option<&SelectionSet> {
    match selection {
        Selection::Field(field) => Some(&field.node.selection_set.node),
        Selection::InlineFragment(inline) => Some(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => None,
    }
}

/// Orders the fragments so that each comes after those that it spreads, in time proportional to their spreads.
fn fragment_order(document: &ExecutableDocument) -> Result<FragmentOrder, Refusal> {
    let mut order = FragmentOrder::with_capacity(document.fragments.len());
    let (mut begun, mut complete) = (HashSet::new(), HashSet::new());
    for name in document.fragments.keys() {
        // The fragments on the way from `name`, each with its spreads that are not followed yet.
        let mut path = Vec::new();
        if begun.insert(name) {
            path.push((name, spreads(document, name)));
        }
        while let Some((last, spread)) = path.last_mut() {
            match spread.pop() {
                Some(next) if complete.contains(next) => {}
                Some(next) if begun.insert(next) => path.push((next, spreads(document, next))),
                Some(next) => {
                    let message = "A fragment spreads itself, directly or through others. Remove this cycle.";
                    return Err(Refusal::validation(message).at(document.fragments[next].pos));
                }
                None => {
                    complete.insert(*last);
                    order.push(Name::clone(last));
                    path.pop();
                }
            }
        }
    }
    Ok(order)
}

/// Returns the names of the fragments that a fragment spreads. Unknown names are left out: validation reports those.
fn spreads<'a>(document: &'a ExecutableDocument, name: &Name) -> Vec<&'a Name> {
    let mut names = Vec::new();
    let mut sets = vec![&document.fragments[name].node.selection_set.node];
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            sets.extend(inside(&selection.node));
            if let Selection::FragmentSpread(spread) = &selection.node {
                names.push(&spread.node.fragment_name.node);
            }
        }
    }
    names.retain(|name| document.fragments.contains_key(*name));
    names
}

/// The extent of a selection set with its fragments expanded.
#[derive(Clone, Copy, Default)]
struct Extent {
    /// Nested fields.
    depth: usize,
    /// Nested selection sets, including those of fragments.
    levels: usize,
    /// Nested [`introspection::LISTS`].
    lists: usize,
    /// The deepest introspection in it, and the maximum nesting of lists there.
    introspection_depth: usize,
    introspection_lists: usize,
    /// Total number of selections.
    selections: u64,
}

impl Extent {
    fn of(set: &SelectionSet, fragments: &HashMap<&str, Self>) -> Self {
        let mut whole = Self::default();
        for selection in &set.items {
            let part = match &selection.node {
                Selection::Field(field) => Self::of_field(&field.node, fragments),
                Selection::InlineFragment(inline) => Self::of(&inline.node.selection_set.node, fragments),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    fragments.get(name).copied().unwrap_or_default()
                }
            };
            whole.include(part);
        }
        whole.levels += 1;
        whole
    }

    fn of_field(field: &Field, fragments: &HashMap<&str, Self>) -> Self {
        let set = &field.selection_set.node;
        let mut extent = if set.items.is_empty() {
            Self::default()
        } else {
            Self::of(set, fragments)
        };
        let name = field.name.node.as_str();
        extent.depth += 1;
        extent.lists += usize::from(introspection::LISTS.contains(&name));
        if matches!(name, "__schema" | "__type") {
            extent.introspection_depth = extent.introspection_depth.max(extent.depth);
            extent.introspection_lists = extent.introspection_lists.max(extent.lists);
            extent.depth = 1;
            extent.lists = 0;
        }
        extent
    }

    fn include(&mut self, part: Self) {
        self.depth = self.depth.max(part.depth);
        self.levels = self.levels.max(part.levels);
        self.lists = self.lists.max(part.lists);
        self.introspection_depth = self.introspection_depth.max(part.introspection_depth);
        self.introspection_lists = self.introspection_lists.max(part.introspection_lists);
        self.selections = self.selections.saturating_add(part.selections).saturating_add(1);
    }

    fn check(&self, limits: &GuardLimits, operation: Pos) -> Result<(), Refusal> {
        let problem = if self.introspection_depth > introspection::MAX_DEPTH
            || self.introspection_lists > introspection::MAX_LISTS
        {
            format!(
                "The introspection is deeper than {} fields or {} lists of types. Request the types by name.",
                introspection::MAX_DEPTH,
                introspection::MAX_LISTS
            )
        } else if self.depth > limits.depth {
            format!(
                "The operation is {} fields deep; the limit is {}. Request the deeper objects in another request.",
                grouped(self.depth as u64),
                grouped(limits.depth as u64)
            )
        } else if self.levels > limits.nesting {
            format!(
                "With its fragments expanded, the operation nests {} selection sets; the limit is {}. Use fewer \
                 fragments inside one another.",
                grouped(self.levels as u64),
                grouped(limits.nesting as u64)
            )
        } else {
            return Ok(());
        };
        Err(Refusal::limit(problem).at(operation))
    }
}
