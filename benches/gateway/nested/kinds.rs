//! The lists that are measured.

/// A list behind the first 50 objects of another list of a storefront.
pub struct NestedList {
    /// The name of the row, and of the bare handler's path.
    pub name: &'static str,
    /// The fields of the query.
    pub query: &'static str,
    /// The collections.
    pub parents: &'static str,
    pub children: &'static str,
    pub link: Link,
    /// The stored field of the children that is shown.
    pub shown: &'static str,
    /// The field by which the children are sorted, in descending order; `_id`, in ascending order, without one.
    pub newest_by: Option<&'static str>,
    /// Most processor time of the gateway and of the database, as multiples of the bare handler's.
    pub bounds: [f64; 2],
}

/// How parents and children are related.
#[derive(Clone, Copy)]
pub enum Link {
    /// A field of the child has a value of one of these fields of the parent, or a list with one.
    Child {
        of_parent: &'static [&'static str],
        of_child: &'static str,
    },
    /// A field of the parent lists the ids of the children.
    Parent(&'static str),
    /// The children name the storage that the parent owns.
    Storage,
}

/// The child's field has the parent's id.
const fn by_id(of_child: &'static str) -> Link {
    Link::Child {
        of_parent: &["_id"],
        of_child,
    }
}

/// The lists. Items and the customers of groups are read by a lookup for each parent.
pub const LISTS: [NestedList; 9] = [
    NestedList {
        name: "addresses of customers",
        query: "customers(first: 50) { nodes { id list: addresses(first: 5) { nodes { id city } } } }",
        parents: "customers",
        children: "addresses",
        link: by_id("customerId"),
        shown: "city",
        newest_by: None,
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "orders of customers",
        query: "customers(first: 50) { nodes { id list: orders(first: 5) { nodes { id number } } } }",
        parents: "customers",
        children: "orders",
        link: Link::Child {
            of_parent: &["userId"],
            of_child: "userId",
        },
        shown: "number",
        newest_by: Some("placedAt"),
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "notes of customers",
        query: "customers(first: 50) { nodes { id list: notes(first: 5) { nodes { id text } } } }",
        parents: "customers",
        children: "customerNotes",
        link: by_id("customerId"),
        shown: "text",
        newest_by: Some("_id"),
        bounds: [1.3, 1.1],
    },
    NestedList {
        name: "groups of customers",
        query: "customers(first: 50) { nodes { id list: groups(first: 5) { nodes { id name } } } }",
        parents: "customers",
        children: "customerGroups",
        link: Link::Parent("groupIds"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "markets of customers",
        query: "customers(first: 50) { nodes { id list: markets(first: 5) { nodes { id name } } } }",
        parents: "customers",
        children: "markets",
        link: Link::Child {
            of_parent: &["storefrontId", "groupIds"],
            of_child: "opensTo",
        },
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "items of users",
        query: "users(first: 50) { nodes { id privateStorage { list: items(first: 5) { nodes { id name } } } } }",
        parents: "storefrontUsers",
        children: "storageItems",
        link: Link::Storage,
        shown: "name",
        newest_by: None,
        bounds: [4.0, 2.5],
    },
    NestedList {
        name: "customers of groups",
        query: "customerGroups(first: 50) { nodes { id list: customers(first: 5) { nodes { id email } } } }",
        parents: "customerGroups",
        children: "customers",
        link: by_id("groupIds"),
        shown: "email",
        newest_by: None,
        bounds: [6.0, 8.0],
    },
    NestedList {
        name: "markets of groups",
        query: "customerGroups(first: 50) { nodes { id list: markets(first: 5) { nodes { id name } } } }",
        parents: "customerGroups",
        children: "markets",
        link: by_id("opensTo"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
    NestedList {
        name: "groups of markets",
        query: "markets(first: 50) { nodes { id list: groups(first: 5) { nodes { id name } } } }",
        parents: "markets",
        children: "customerGroups",
        link: Link::Parent("opensTo"),
        shown: "name",
        newest_by: None,
        bounds: [6.0, 2.0],
    },
];
