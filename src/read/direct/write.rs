//! Writes documents as JSON, after a plan.

use bson::{Bson, RawDocument, raw::RawBsonRef};

use super::json;
use super::level::ChildRows;
use super::plan::{
    ConnectionPlan, ListPlan, ObjectPlan, OfConnection, OfEdge, OfPageInfo, PlanStep, ValuePlan, Written,
};
use crate::platform::page::{Cursor, Page};

/// The children of a list of a plan, and what is behind them in turn.
pub(super) struct ReadList<'a> {
    pub(super) children: &'a ChildRows,
    pub(super) rows: Vec<&'a RawDocument>,
    pub(super) next: Vec<ReadList<'a>>,
}

/// A page of rows, as the search returned them.
pub(super) struct PageRows<'a> {
    pub(super) page: &'a Page,
    pub(super) rows: &'a [&'a RawDocument],
    pub(super) behind: &'a [ReadList<'a>],
}

/// Writes a page; `None` if a document has not the form that the plan expects.
pub(super) fn connection(plan: &ConnectionPlan, rows: &PageRows<'_>, out: &mut Vec<u8>) -> Option<()> {
    let shown = &rows.rows[..rows.rows.len().min(rows.page.size())];
    let each = |out: &mut Vec<u8>, write: &mut dyn FnMut(&RawDocument, &mut Vec<u8>) -> Option<()>| {
        let mut list = Separated::begin(out, b'[');
        let mut item = |row: &RawDocument, out: &mut Vec<u8>| {
            list.next(out);
            write(row, out)
        };
        if rows.page.is_backward() {
            shown.iter().rev().try_for_each(|row| item(row, out))?;
        } else {
            shown.iter().try_for_each(|row| item(row, out))?;
        }
        out.push(b']');
        Some(())
    };
    object(&plan.steps, out, |what, out| match what {
        OfConnection::TypeName => json::write_text(plan.type_name(), out).then_some(()),
        OfConnection::Nodes => each(out, &mut |row, out| document(&plan.item, row, rows.behind, out)),
        OfConnection::Edges(steps) => each(out, &mut |row, out| {
            object(steps, out, |what, out| match what {
                OfEdge::TypeName => json::write_text(&format!("{}Edge", plan.item.name), out).then_some(()),
                OfEdge::Cursor => cursor(rows.page, row, out),
                OfEdge::Node => document(&plan.item, row, rows.behind, out),
            })
        }),
        OfConnection::PageInfo(steps) => page_info(steps, rows, shown, out),
    })
}

fn page_info(
    steps: &[PlanStep<OfPageInfo>],
    rows: &PageRows<'_>,
    shown: &[&RawDocument],
    out: &mut Vec<u8>,
) -> Option<()> {
    let neighbours = rows.page.neighbours(rows.rows.len());
    let ends = match (rows.page.is_backward(), shown.first(), shown.last()) {
        (false, first, last) => (first, last),
        (true, first, last) => (last, first),
    };
    let end = |row: Option<&&RawDocument>, out: &mut Vec<u8>| match row {
        Some(row) => cursor(rows.page, row, out),
        None => {
            out.extend_from_slice(b"null");
            Some(())
        }
    };
    let flag = |flag: bool, out: &mut Vec<u8>| out.extend_from_slice(if flag { b"true" } else { b"false" });
    object(steps, out, |what, out| {
        match what {
            OfPageInfo::TypeName => json::write_text("PageInfo", out).then_some(())?,
            OfPageInfo::HasNext => flag(neighbours.next, out),
            OfPageInfo::HasPrevious => flag(neighbours.previous, out),
            OfPageInfo::Start => end(ends.0, out)?,
            OfPageInfo::End => end(ends.1, out)?,
        }
        Some(())
    })
}

fn cursor(page: &Page, row: &RawDocument, out: &mut Vec<u8>) -> Option<()> {
    let cursor: Cursor = page.cursor(stored(row, page.sort_field())?, stored(row, "_id")?);
    json::write_text(&cursor.write().ok()?, out).then_some(())
}

/// The value of a field by which a list is sorted; null if it is absent.
fn stored(row: &RawDocument, field: &str) -> Option<Bson> {
    match row.get(field).ok()? {
        Some(value) => value.try_into().ok(),
        None => Some(Bson::Null),
    }
}

/// Writes an object; `value` writes what is behind a key.
fn object<W>(
    steps: &[PlanStep<W>],
    out: &mut Vec<u8>,
    mut value: impl FnMut(&W, &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let mut fields = Separated::begin(out, b'{');
    for step in steps {
        fields.next(out);
        out.extend_from_slice(&step.key);
        value(&step.what, out)?;
    }
    out.push(b'}');
    Some(())
}

pub(super) fn document(
    plan: &ObjectPlan,
    row: &RawDocument,
    behind: &[ReadList<'_>],
    out: &mut Vec<u8>,
) -> Option<()> {
    object(&plan.steps, out, |what, out| match what {
        Written::TypeName => json::write_text(plan.name, out).then_some(()),
        Written::Stored { path, value: plan } => value(plan, at(row, path)?, out),
        Written::Computed(write) => write(row, out).then_some(()),
        Written::List(number) => list(&plan.lists[*number], &behind[*number], row, out),
    })
}

fn list(plan: &ListPlan, behind: &ReadList<'_>, parent: &RawDocument, out: &mut Vec<u8>) -> Option<()> {
    let range = behind.children.of(parent.get_str(plan.relation.key).ok()?);
    let rows = PageRows {
        page: &plan.page,
        rows: &behind.rows[range],
        behind: &behind.next,
    };
    connection(&plan.connection, &rows, out)
}

/// The value behind names that are joined by dots; null if one is absent.
fn at<'a>(row: &'a RawDocument, path: &str) -> Option<RawBsonRef<'a>> {
    let mut names = path.split('.');
    let mut found = row.get(names.next()?).ok()?;
    for name in names {
        found = match found {
            Some(RawBsonRef::Document(part)) => part.get(name).ok()?,
            None | Some(RawBsonRef::Null) => None,
            Some(_) => return None,
        };
    }
    Some(found.unwrap_or(RawBsonRef::Null))
}

fn value(plan: &ValuePlan, stored: RawBsonRef<'_>, out: &mut Vec<u8>) -> Option<()> {
    match (plan, stored) {
        (ValuePlan::Nullable(_), RawBsonRef::Null) => {
            out.extend_from_slice(b"null");
            Some(())
        }
        (ValuePlan::Nullable(plan), stored) => value(plan, stored, out),
        (ValuePlan::Leaf(write), stored) => write(stored, out).then_some(()),
        (ValuePlan::Object(plan), RawBsonRef::Document(stored)) => document(plan, stored, &[], out),
        (ValuePlan::List(plan), RawBsonRef::Array(stored)) => {
            let mut items = Separated::begin(out, b'[');
            for item in stored {
                items.next(out);
                value(plan, item.ok()?, out)?;
            }
            out.push(b']');
            Some(())
        }
        (ValuePlan::Object(_) | ValuePlan::List(_), _) => None,
    }
}

/// Writes commas between the parts of a list or an object.
struct Separated {
    is_first: bool,
}

impl Separated {
    fn begin(out: &mut Vec<u8>, bracket: u8) -> Self {
        out.push(bracket);
        Self { is_first: true }
    }

    fn next(&mut self, out: &mut Vec<u8>) {
        if !self.is_first {
            out.push(b',');
        }
        self.is_first = false;
    }
}
