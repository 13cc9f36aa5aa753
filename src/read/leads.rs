//! Lists of documents, and how parents lead to children.

use bson::Bson;

use crate::reach::tenant::TenantDocument;

/// A document that appears in lists.
pub trait Listed: TenantDocument {
    /// The position in a list: the value by which the list is sorted, and the id. The default is the order of creation.
    fn position(&self) -> (Bson, Bson) {
        let id: Bson = self.id().clone().into();
        (id.clone(), id)
    }
}

/// A parent of children, and how the children are found.
pub trait Leads<C: TenantDocument>: TenantDocument {
    /// The children's field that holds the parent's key. An index starts with the storefront and this field.
    const FIELD: &'static str;
    /// The parent's field with its key, if each child belongs to one parent only; then the children of many parents are
    /// read in the order of the index.
    const KEY: Option<&'static str> = None;
    /// Whether a storefront has so few children that those of many parents are read at once and kept in memory, although
    /// each can have several parents.
    const FEW: bool = false;
    /// The expression for the parent's key or list of keys.
    fn keys() -> Bson {
        Self::KEY.map_or(Bson::Null, |key| format!("${key}").into())
    }
    /// The parent's key or list of keys, as of this document.
    fn own_keys(&self) -> Vec<String>;
}

/// Returns the name of a list of children. Cursors are valid for the whole tenant: siblings have equal arguments and so
/// request the same page.
pub fn list_name<P: TenantDocument, C: TenantDocument>(storefront: &str) -> String {
    format!("{} of {} in {storefront}", C::COLLECTION, P::COLLECTION)
}
