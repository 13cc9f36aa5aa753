//! The full result of introspection, as a graph whose leaves are JSON already.

use std::collections::HashMap;

use async_graphql::{ObjectType, Schema as GraphqlSchema, SubscriptionType};
use futures_util::FutureExt;
use serde_json::Value as Json;

use crate::guard::FULL_INTROSPECTION;

/// The types of introspection (GraphQL §4.2), except the enums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Schema,
    Type,
    Field,
    InputValue,
    EnumValue,
    Directive,
}

impl ObjectKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Type => "__Type",
            Self::Field => "__Field",
            Self::InputValue => "__InputValue",
            Self::EnumValue => "__EnumValue",
            Self::Directive => "__Directive",
        }
    }

    /// Returns the fields, and the kind of object that each leads to; `None`: a leaf.
    pub(super) const fn fields(self) -> &'static [(&'static str, Option<Self>)] {
        match self {
            Self::Schema => &[
                ("description", None),
                ("types", Some(Self::Type)),
                ("queryType", Some(Self::Type)),
                ("mutationType", Some(Self::Type)),
                ("subscriptionType", Some(Self::Type)),
                ("directives", Some(Self::Directive)),
            ],
            Self::Type => &[
                ("kind", None),
                ("name", None),
                ("description", None),
                ("fields", Some(Self::Field)),
                ("interfaces", Some(Self::Type)),
                ("possibleTypes", Some(Self::Type)),
                ("enumValues", Some(Self::EnumValue)),
                ("inputFields", Some(Self::InputValue)),
                ("ofType", Some(Self::Type)),
                ("specifiedByURL", None),
                ("isOneOf", None),
            ],
            Self::Field => &[
                ("name", None),
                ("description", None),
                ("args", Some(Self::InputValue)),
                ("type", Some(Self::Type)),
                ("isDeprecated", None),
                ("deprecationReason", None),
            ],
            Self::InputValue => &[
                ("name", None),
                ("description", None),
                ("type", Some(Self::Type)),
                ("defaultValue", None),
                ("isDeprecated", None),
                ("deprecationReason", None),
            ],
            Self::EnumValue => &[
                ("name", None),
                ("description", None),
                ("isDeprecated", None),
                ("deprecationReason", None),
            ],
            Self::Directive => &[
                ("name", None),
                ("description", None),
                ("isRepeatable", None),
                ("locations", None),
                ("args", Some(Self::InputValue)),
            ],
        }
    }
}

/// Index of an introspection object in [`Graph::objects`].
pub(super) type ObjectIndex = usize;

#[derive(Debug, Default)]
pub(super) struct Object {
    /// In the order of [`ObjectKind::fields`].
    pub(super) slots: Box<[IntrospectedValue]>,
    is_deprecated: bool,
}

/// The value of a field.
#[derive(Debug)]
pub(super) enum IntrospectedValue {
    /// JSON; also `null` in place of an object.
    Leaf(Box<str>),
    One(ObjectIndex),
    Many(Box<[ObjectIndex]>),
}

/// The full result of introspection.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) objects: Vec<Object>,
    pub(super) types: HashMap<String, ObjectIndex>,
    /// Lists and non-nulls around a type, by their notation.
    wrapped: HashMap<String, ObjectIndex>,
    pub(super) schema: ObjectIndex,
}

impl Graph {
    pub(super) fn of<Q, M, S>(schema: &GraphqlSchema<Q, M, S>) -> Self
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let response = schema.execute(FULL_INTROSPECTION).now_or_never();
        let response = response.expect("introspection waits for nothing");
        let data = response.data.into_json().expect("an answer is JSON");
        let schema = &data["__schema"];
        let mut graph = Self::default();
        let types = schema["types"].as_array().map(Vec::as_slice).unwrap_or_default();
        for named in types {
            let name = named["name"].as_str().unwrap_or_default().to_owned();
            graph.types.insert(name, graph.objects.len());
            graph.objects.push(Object::default());
        }
        for (at, named) in types.iter().enumerate() {
            graph.objects[at] = graph.filled(ObjectKind::Type, named);
        }
        graph.schema = graph.added(ObjectKind::Schema, schema);
        graph
    }

    fn added(&mut self, kind: ObjectKind, json: &Json) -> ObjectIndex {
        let object = self.filled(kind, json);
        self.objects.push(object);
        self.objects.len() - 1
    }

    fn filled(&mut self, kind: ObjectKind, json: &Json) -> Object {
        let slots = kind.fields().iter();
        let slots = slots.map(|(name, target)| self.slot(*target, &json[name]));
        Object {
            slots: slots.collect(),
            is_deprecated: json["isDeprecated"] == true,
        }
    }

    fn slot(&mut self, target: Option<ObjectKind>, json: &Json) -> IntrospectedValue {
        match (target, json) {
            (None, leaf) | (_, leaf @ Json::Null) => IntrospectedValue::Leaf(leaf.to_string().into()),
            (Some(kind), Json::Array(items)) => {
                IntrospectedValue::Many(items.iter().map(|item| self.object(kind, item)).collect())
            }
            (Some(kind), one) => IntrospectedValue::One(self.object(kind, one)),
        }
    }

    fn object(&mut self, kind: ObjectKind, json: &Json) -> ObjectIndex {
        if kind != ObjectKind::Type {
            return self.added(kind, json);
        }
        if let Some(named) = json["name"].as_str() {
            return self.types[named];
        }
        let written = json.to_string();
        if let Some(known) = self.wrapped.get(&written) {
            return *known;
        }
        let at = self.added(kind, json);
        self.wrapped.insert(written, at);
        at
    }

    /// Writes the fields of an object that a plan selects.
    pub(super) fn write(&self, at: ObjectIndex, plan: &[Planned], out: &mut String) {
        let object = &self.objects[at];
        out.push('{');
        for (index, planned) in plan.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&planned.key);
            match &planned.what {
                What::Json(json) => out.push_str(json),
                What::Slot(slot) => match &object.slots[*slot] {
                    IntrospectedValue::Leaf(json) => out.push_str(json),
                    IntrospectedValue::One(at) => self.write(*at, &planned.below, out),
                    IntrospectedValue::Many(items) => self.write_list(items, planned, out),
                },
            }
        }
        out.push('}');
    }

    fn write_list(&self, items: &[ObjectIndex], planned: &Planned, out: &mut String) {
        let shown = |at: &&ObjectIndex| planned.with_deprecated || !self.objects[**at].is_deprecated;
        out.push('[');
        for (index, at) in items.iter().filter(shown).enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.write(*at, &planned.below, out);
        }
        out.push(']');
    }
}

/// A selected field.
pub(super) struct Planned {
    /// The response key with its quotes and colon.
    pub(super) key: String,
    pub(super) what: What,
    pub(super) below: Vec<Planned>,
    pub(super) with_deprecated: bool,
}

pub(super) enum What {
    Slot(usize),
    Json(String),
}
