//! The cost model of a schema: for each field, which objects it leads to and how many of them.
//!
//! Built once from the exported SDL, so that nothing has to be declared twice: a field that returns a `…Connection` and
//! takes `first` or `last` is a page, one that takes a list of `ids` returns as many objects as ids, any other list of
//! objects counts ten.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::{
    self,
    types::{
        BaseType, FieldDefinition, ServiceDocument, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
    },
};

/// The assumed length of a list, if nothing in the request determines it.
pub(super) const LIST: u64 = 10;

/// The number of a composite type (an object, an interface or a union) in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TypeId(u32);

/// How many objects a field returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// A fixed number: 1 for an object, [`LIST`] for a list.
    Fixed(u64),
    /// A page: its items are multiplied by `first` or `last`.
    Page,
    /// As many as the argument `ids` has entries.
    Ids,
    /// The items of a page, counted by the field that returns the page.
    Item,
}

#[derive(Clone, Debug)]
pub(super) struct FieldModel {
    /// None for a scalar or an enum.
    pub(super) target: Option<TypeId>,
    pub(super) times: Times,
    /// Whether the object itself counts. The objects that only structure a page (the connection, its edges' `node`, its
    /// `pageInfo`) do not count: the page counts its items.
    pub(super) counts: bool,
    /// Whether this is `__schema` or `__type`, which have a limit of their own.
    pub(super) introspects: bool,
    /// Whether this is a credential mutation, which a document may contain once.
    pub(super) credential: bool,
    /// Whether this is a registration, which a document may contain once unless the caller is a backend.
    pub(super) registration: bool,
}

#[derive(Debug, Default)]
struct TypeModel {
    fields: HashMap<Box<str>, FieldModel>,
    /// The object types that a value may have, sorted; for an object, itself.
    possible: Vec<TypeId>,
}

/// The cost model of a schema, with which documents are measured.
#[derive(Debug, Default)]
pub struct CostModel {
    ids: HashMap<Box<str>, TypeId>,
    types: Vec<TypeModel>,
    pub(super) query: Option<TypeId>,
    pub(super) mutation: Option<TypeId>,
    pub(super) subscription: Option<TypeId>,
    /// Fields in the response to the full introspection query.
    pub(super) full_introspection: u64,
}

/// An SDL that no model can be built from. The SDL is the program's own, so this is a bug of the program.
#[derive(Debug)]
pub enum ModelError {
    /// The SDL does not parse.
    Sdl(parser::Error),
    /// A mutation that the schema does not have was named as a credential mutation or as a registration.
    NoSuchMutation(String),
    /// The SDL is not a valid schema, for these reasons.
    Schema(String),
    /// A scalar that the schema does not have.
    NoSuchScalar(&'static str),
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sdl(_) => f.write_str("the schema's SDL could not be parsed"),
            Self::NoSuchMutation(name) => write!(f, "the schema has no mutation {name}"),
            Self::Schema(reasons) => write!(f, "the SDL is no schema: {reasons}"),
            Self::NoSuchScalar(name) => write!(f, "the schema has no scalar {name}"),
        }
    }
}

impl std::error::Error for ModelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let Self::Sdl(error) = self else {
            return None;
        };
        Some(error)
    }
}

impl CostModel {
    pub(super) fn type_id(&self, name: &str) -> Option<TypeId> {
        self.ids.get(name).copied()
    }

    pub(super) fn field(&self, parent: TypeId, name: &str) -> Option<&FieldModel> {
        self.of(parent).fields.get(name)
    }

    /// Returns the object types that a value of a type may have, sorted.
    pub(super) fn possible(&self, id: TypeId) -> &[TypeId] {
        &self.of(id).possible
    }

    /// Adds an object type, unless it exists, and returns its id.
    pub(super) fn add_type(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.type_id(name) {
            return id;
        }
        let id = TypeId(u32::try_from(self.types.len()).expect("a schema has few types"));
        self.types.push(TypeModel {
            fields: HashMap::new(),
            possible: vec![id],
        });
        self.ids.insert(name.into(), id);
        id
    }

    /// Adds a type that stands for another one in a specific position.
    pub(super) fn add_alias(&mut self, name: &str, of: TypeId) -> TypeId {
        let id = self.add_type(name);
        self.of_mut(id).possible = vec![of];
        id
    }

    pub(super) fn add_field(&mut self, parent: TypeId, name: &str, field: FieldModel) {
        self.of_mut(parent).fields.insert(name.into(), field);
    }

    fn of(&self, id: TypeId) -> &TypeModel {
        &self.types[id.0 as usize]
    }

    fn of_mut(&mut self, id: TypeId) -> &mut TypeModel {
        &mut self.types[id.0 as usize]
    }

    /// Makes a model that has the names of its composite types, and its root types.
    pub(super) fn named(document: &ServiceDocument) -> Self {
        let mut model = Self::default();
        let (mut query, mut mutation, mut subscription) = ("Query", "Mutation", "Subscription");
        for definition in &document.definitions {
            if let TypeSystemDefinition::Schema(schema) = definition {
                let roots = &schema.node;
                query = roots.query.as_ref().map_or(query, |name| &name.node);
                mutation = roots.mutation.as_ref().map_or(mutation, |name| &name.node);
                subscription = (roots.subscription.as_ref()).map_or(subscription, |name| &name.node);
            }
        }
        for definition in types(document).filter(|definition| is_composite(&definition.kind)) {
            model.add_type(&definition.name.node);
        }
        model.query = model.type_id(query);
        model.mutation = model.type_id(mutation);
        model.subscription = model.type_id(subscription);
        model
    }

    pub(super) fn read_fields(&mut self, document: &ServiceDocument) {
        for definition in types(document) {
            let Some(parent) = self.type_id(&definition.name.node) else {
                continue;
            };
            for field in fields(&definition.kind) {
                let model = self.read_field(&definition.name.node, field);
                self.add_field(parent, &field.name.node, model);
            }
        }
    }

    fn read_field(&self, parent: &str, field: &FieldDefinition) -> FieldModel {
        let (name, lists) = unwrapped(&field.ty.node);
        let takes = |argument: &str| {
            let mut arguments = field.arguments.iter();
            arguments.find(|candidate| candidate.node.name.node == argument)
        };
        let in_page = is_page(parent);
        let times = if in_page && matches!(field.name.node.as_str(), "nodes" | "edges") {
            Times::Item
        } else if is_page(name) && lists == 0 && (takes("first").or(takes("last"))).is_some() {
            Times::Page
        } else if lists > 0 && takes("ids").is_some_and(|ids| unwrapped(&ids.node.ty.node).1 > 0) {
            Times::Ids
        } else {
            Times::Fixed(LIST.saturating_pow(lists))
        };
        let item_of_edge = parent.ends_with("Edge") && field.name.node == "node";
        let page_info = in_page && field.name.node == "pageInfo";
        FieldModel {
            target: self.type_id(name),
            times,
            counts: !(item_of_edge || page_info || is_page(name)),
            introspects: false,
            credential: false,
            registration: false,
        }
    }

    pub(super) fn find_possible_types(&mut self, document: &ServiceDocument) {
        let mut possible: HashMap<TypeId, BTreeSet<TypeId>> = HashMap::new();
        for definition in types(document) {
            let Some(id) = self.type_id(&definition.name.node) else {
                continue;
            };
            match &definition.kind {
                TypeKind::Object(object) => {
                    let interfaces = object.implements.iter();
                    for interface in interfaces.filter_map(|name| self.type_id(&name.node)) {
                        possible.entry(interface).or_default().insert(id);
                    }
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter();
                    let members = members.filter_map(|name| self.type_id(&name.node));
                    possible.entry(id).or_default().extend(members);
                }
                TypeKind::Interface(_) => {
                    possible.entry(id).or_default();
                }
                TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => {}
            }
        }
        for (id, members) in possible {
            self.of_mut(id).possible = members.into_iter().collect();
        }
    }

    /// Returns the limit on introspection fields in one operation; `allowance` is in percent of the full query.
    pub(super) fn introspection(&self, allowance: u64) -> u64 {
        self.full_introspection.saturating_mul(allowance) / 100
    }

    /// Marks the mutations with these names as registrations, of which a document may contain one unless the caller is
    /// a backend.
    ///
    /// # Errors
    /// The schema lacks one of them.
    pub fn with_registrations(mut self, names: &[&str]) -> Result<Self, ModelError> {
        for name in names {
            self.mutation_field(name)?.registration = true;
        }
        Ok(self)
    }

    pub(super) fn mark_credentials(&mut self, names: &[&str]) -> Result<(), ModelError> {
        for name in names {
            self.mutation_field(name)?.credential = true;
        }
        Ok(())
    }

    fn mutation_field(&mut self, name: &str) -> Result<&mut FieldModel, ModelError> {
        self.mutation
            .and_then(|root| self.of_mut(root).fields.get_mut(name))
            .ok_or_else(|| ModelError::NoSuchMutation(name.to_owned()))
    }
}

/// Returns the type definitions of a schema, including extensions.
pub(super) fn types(document: &ServiceDocument) -> impl Iterator<Item = &TypeDefinition> {
    let definitions = document.definitions.iter();
    definitions.filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
    })
}

/// Returns the output fields of a type; empty if it has none.
pub(super) fn fields(kind: &TypeKind) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match kind {
        TypeKind::Object(object) => &object.fields[..],
        TypeKind::Interface(interface) => &interface.fields,
        TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) | TypeKind::InputObject(_) => &[],
    };
    fields.iter().map(|field| &field.node)
}

fn is_composite(kind: &TypeKind) -> bool {
    matches!(
        kind,
        TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)
    )
}

fn is_page(type_name: &str) -> bool {
    type_name.ends_with("Connection")
}

/// Returns the name of a type, and the number of lists around it.
fn unwrapped(mut ty: &Type) -> (&str, u32) {
    let mut lists = 0;
    loop {
        match &ty.base {
            BaseType::Named(name) => return (name, lists),
            BaseType::List(inner) => {
                ty = inner;
                lists += 1;
            }
        }
    }
}
