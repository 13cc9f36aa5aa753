//! What the guard knows of a schema: for each field, which objects it leads to and how many of them.
//!
//! Built once from the exported SDL, so that nothing has to be declared twice: a field that returns a `…Connection`
//! and takes `first` or `last` is a page, one that takes a list of `ids` answers as many objects as ids, any other
//! list of objects counts ten.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::{
    self,
    types::{
        BaseType, FieldDefinition, ServiceDocument, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
    },
};

use super::{cost, introspection};

/// What a list counts whose length nothing in the request tells.
pub(super) const LIST: u64 = 10;

/// The number of a composite type (an object, an interface or a union) in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TypeId(u32);

/// How many objects a field answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Always as many: 1 for an object, [`LIST`] for a list.
    Fixed(u64),
    /// A page: what its type holds for each item counts as often as `first` or `last` say.
    Page,
    /// As many as the argument `ids` has entries.
    Ids,
    /// The items of a page, counted by the field that answers the page.
    Item,
}

#[derive(Clone, Debug)]
pub(super) struct FieldModel {
    /// None for a scalar or an enum.
    pub(super) target: Option<TypeId>,
    pub(super) times: Times,
    /// Does the object itself count? What only holds a page together (the connection, its edges' `node`, its
    /// `pageInfo`) does not: the page counts its items.
    pub(super) counts: bool,
    /// `__schema` and `__type`, which draw on an allowance of their own.
    pub(super) introspects: bool,
    /// A credential mutation, which may stand once in a document.
    pub(super) credential: bool,
    /// A registration, which may stand once in a document that is no backend's.
    pub(super) registration: bool,
}

#[derive(Debug, Default)]
struct TypeModel {
    fields: HashMap<Box<str>, FieldModel>,
    /// The object types that a value may have, in order; for an object, itself.
    possible: Vec<TypeId>,
}

/// A schema that documents can be measured by.
#[derive(Debug)]
pub struct CostModel {
    ids: HashMap<Box<str>, TypeId>,
    types: Vec<TypeModel>,
    pub(super) query: Option<TypeId>,
    pub(super) mutation: Option<TypeId>,
    pub(super) subscription: Option<TypeId>,
    /// Fields that the full introspection query comes to.
    full_introspection: u64,
}

/// A schema that no model can be made of; it is the program's own, so that this is a fault of the program.
#[derive(Debug)]
pub enum ModelError {
    /// The SDL does not parse.
    Sdl(parser::Error),
    /// A name given as a credential mutation that the schema does not have.
    NoSuchMutation(String),
    /// The SDL is no schema, for these reasons.
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
        match self {
            Self::Sdl(error) => Some(error),
            Self::NoSuchMutation(_) | Self::Schema(_) | Self::NoSuchScalar(_) => None,
        }
    }
}

impl CostModel {
    /// Reads a schema. `credentials` names the mutations of which a document may run one, once.
    ///
    /// # Errors
    /// The SDL does not parse, or it lacks a mutation that `credentials` names.
    pub fn from_sdl(sdl: &str, credentials: &[&str]) -> Result<Self, ModelError> {
        let document = parser::parse_schema(sdl).map_err(ModelError::Sdl)?;
        let mut model = Self::named(&document);
        model.read_fields(&document);
        model.find_possible_types(&document);
        model.mark_credentials(credentials)?;
        introspection::add(&mut model, &document);
        model.full_introspection = cost::full_introspection(&model);
        Ok(model)
    }

    pub(super) fn type_id(&self, name: &str) -> Option<TypeId> {
        self.ids.get(name).copied()
    }

    pub(super) fn field(&self, parent: TypeId, name: &str) -> Option<&FieldModel> {
        self.of(parent).fields.get(name)
    }

    /// The object types that a value of a type may have, in order.
    pub(super) fn possible(&self, id: TypeId) -> &[TypeId] {
        &self.of(id).possible
    }

    /// Makes an object type known, once.
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

    /// Makes a type known that is another one in a certain place.
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

    /// A model that knows its composite types by name, and which of them are the roots.
    fn named(document: &ServiceDocument) -> Self {
        let mut model = Self {
            ids: HashMap::new(),
            types: Vec::new(),
            query: None,
            mutation: None,
            subscription: None,
            full_introspection: 0,
        };
        let (mut query, mut mutation, mut subscription) = ("Query", "Mutation", "Subscription");
        for definition in &document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let roots = &schema.node;
                    query = roots.query.as_ref().map_or(query, |name| &name.node);
                    mutation = roots.mutation.as_ref().map_or(mutation, |name| &name.node);
                    subscription = (roots.subscription.as_ref()).map_or(subscription, |name| &name.node);
                }
                TypeSystemDefinition::Type(definition) => {
                    if is_composite(&definition.node.kind) {
                        model.add_type(&definition.node.name.node);
                    }
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        model.query = model.type_id(query);
        model.mutation = model.type_id(mutation);
        model.subscription = model.type_id(subscription);
        model
    }

    fn read_fields(&mut self, document: &ServiceDocument) {
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

    fn find_possible_types(&mut self, document: &ServiceDocument) {
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

    /// Fields that introspection may answer in one operation, in hundredths of the full query's.
    pub(super) fn introspection(&self, allowance: u64) -> u64 {
        self.full_introspection.saturating_mul(allowance) / 100
    }

    /// The same schema, of whose mutations those with these names may stand once in a document that is no backend's.
    ///
    /// # Errors
    /// It lacks one of them.
    pub fn with_registrations(mut self, names: &[&str]) -> Result<Self, ModelError> {
        for name in names {
            self.mutation_field(name)?.registration = true;
        }
        Ok(self)
    }

    fn mark_credentials(&mut self, names: &[&str]) -> Result<(), ModelError> {
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

/// The type definitions of a schema, extensions among them.
pub(super) fn types(document: &ServiceDocument) -> impl Iterator<Item = &TypeDefinition> {
    document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(&definition.node),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        })
}

/// The output fields of a type; empty for one that has none.
pub(super) fn fields(kind: &TypeKind) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match kind {
        TypeKind::Object(object) => &object.fields[..],
        TypeKind::Interface(interface) => &interface.fields,
        TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) | TypeKind::InputObject(_) => &[],
    };
    fields.iter().map(|field| &field.node)
}

fn is_composite(kind: &TypeKind) -> bool {
    match kind {
        TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_) => true,
        TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => false,
    }
}

fn is_page(type_name: &str) -> bool {
    type_name.ends_with("Connection")
}

/// A type's name, and in how many lists it stands.
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
