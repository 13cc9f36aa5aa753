//! How a level of a query is read: documents by id, and pages and single children of many parents.

pub mod by_id;
pub mod direct;
pub mod leads;
pub mod related;
