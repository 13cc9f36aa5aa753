//! Bounds the properties of a document that do not depend on the schema: depth, aliases, fragments, directives, cycles,
//! and its size with the fragments expanded.
//!
//! The library's validation and its own depth check walk through every operation with the fragments expanded, so that a
//! few hundred bytes can keep them busy for minutes, and a document whose executed operation is harmless can still
//! carry such an operation. Here each selection is visited twice, however often its fragment is spread: once to count,
//! once to add up. Recursion stays inside one definition, whose nesting the scan has bounded; fragments are processed
//! in an order in which each comes after those that it spreads.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};

use super::refusal::{Refusal, counted, grouped, up_to};
use super::{GuardLimits, introspection_limits};

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
            counts.add(&fragment.node.directives);
            counts.add_selections(&fragment.node.selection_set.node);
        }
        for (_, operation) in document.operations.iter() {
            counts.add(&operation.node.directives);
            for variable in &operation.node.variable_definitions {
                counts.add(&variable.node.directives);
            }
            counts.add_selections(&operation.node.selection_set.node);
        }
        counts
    }

    fn add(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
    }

    fn add_selections(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.add(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.add_selections(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    self.add_selections(&inline.node.selection_set.node);
                }
                Selection::FragmentSpread(_) => {}
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

/// Orders the fragments so that each comes after those that it spreads, in time proportional to their spreads.
fn fragment_order(document: &ExecutableDocument) -> Result<FragmentOrder, Refusal> {
    let mut spreads: HashMap<&str, Vec<&str>> = HashMap::with_capacity(document.fragments.len());
    let mut spread_by: HashMap<&str, Vec<&Name>> = HashMap::new();
    for (name, fragment) in &document.fragments {
        let mut names = Vec::new();
        collect_spreads(document, &fragment.node.selection_set.node, &mut names);
        for spread in &names {
            spread_by.entry(*spread).or_default().push(name);
        }
        spreads.insert(name, names);
    }
    let mut missing: HashMap<&str, usize> = (spreads.iter())
        .map(|(name, names)| (*name, names.len()))
        .collect();
    let mut order: FragmentOrder = (document.fragments.keys())
        .filter(|name| missing[name.as_str()] == 0)
        .cloned()
        .collect();
    let mut next = 0;
    while let Some(name) = order.get(next) {
        next += 1;
        for user in spread_by.remove(name.as_str()).unwrap_or_default() {
            let count = missing.entry(user).or_default();
            *count -= 1;
            if *count == 0 {
                order.push(user.clone());
            }
        }
    }
    if order.len() < document.fragments.len() {
        return Err(cycle(document, &spreads, &missing));
    }
    Ok(order)
}

/// Collects the names of the fragments that a selection set spreads. Unknown names are left out: validation reports
/// those.
fn collect_spreads<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, spreads: &mut Vec<&'a str>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                collect_spreads(document, &field.node.selection_set.node, spreads);
            }
            Selection::InlineFragment(inline) => {
                collect_spreads(document, &inline.node.selection_set.node, spreads);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if document.fragments.contains_key(name) {
                    spreads.push(name);
                }
            }
        }
    }
}

/// Makes the refusal for a cycle. Each remaining fragment spreads another remaining one, so that following the spreads
/// as often as there are fragments ends on the cycle.
fn cycle(
    document: &ExecutableDocument,
    spreads: &HashMap<&str, Vec<&str>>,
    missing: &HashMap<&str, usize>,
) -> Refusal {
    let mut at = missing
        .iter()
        .find(|(_, count)| **count > 0)
        .map(|(name, _)| *name);
    for _ in missing {
        let onward = at.and_then(|name| spreads.get(name)).into_iter().flatten();
        at = onward.copied().find(|name| missing[name] > 0).or(at);
    }
    let refusal =
        Refusal::validation("A fragment spreads itself, directly or through others. Remove this cycle.");
    match at.and_then(|name| document.fragments.get(name)) {
        Some(fragment) => refusal.at(fragment.pos),
        None => refusal,
    }
}

/// The extent of a selection set with its fragments expanded.
#[derive(Clone, Copy, Default)]
struct Extent {
    /// Nested fields.
    depth: usize,
    /// Nested selection sets, including those of fragments.
    levels: usize,
    /// Nested [`introspection_limits::LISTS`].
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
        extent.lists += usize::from(introspection_limits::LISTS.contains(&name));
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
        let problem = if self.introspection_depth > introspection_limits::MAX_DEPTH
            || self.introspection_lists > introspection_limits::MAX_LISTS
        {
            format!(
                "The introspection is deeper than {} fields or {} lists of types. Request the types by name.",
                introspection_limits::MAX_DEPTH,
                introspection_limits::MAX_LISTS
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
