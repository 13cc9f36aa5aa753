//! The root types as the domains' parts of them, and mutations that fail independently of each other (GQL-04).

use std::borrow::Cow;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
    resolver_utils::{resolve_container, resolve_container_serial},
};
use futures_util::FutureExt;

use crate::error::Error;

/// A root type whose fields fail independently: each of them is nullable, and one that fails with a top-level error is
/// null and does not affect the others of its document (GQL-04).
///
/// The library makes a field nullable if its resolver returns `Option<Result<T>>`, and nulls the parent of any other
/// that fails (GraphQL §6.4.4). This type does it for all fields of the root: no mutation can omit it, and a failure in
/// an argument, in a field of the payload or by a panic looks the same to the client as an error of the resolver.
#[derive(Default)]
pub struct Separately<T>(T);

impl<T: ObjectType> ContainerType for Separately<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        // Boxed: the future is as large as that of the largest mutation.
        let resolved = Box::pin(AssertUnwindSafe(self.0.resolve_field(ctx)).catch_unwind());
        let failed = match resolved.await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failed)) => failed,
            // The panic hook has logged the details.
            Err(_panic) => {
                let error = Error::internal("a mutation panicked").to_wire();
                ctx.set_error_path(error.into_server_error(ctx.item.pos))
            }
        };
        ctx.add_error(failed);
        Ok(Some(Value::Null))
    }
}

impl<T: ObjectType> OutputType for Separately<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(&*T::type_name()) {
            for field in fields.values_mut() {
                let nullable = field.ty.trim_end_matches('!').len();
                field.ty.truncate(nullable);
            }
        }
        name
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container_serial(ctx, self).await
    }
}

impl<T: ObjectType> ObjectType for Separately<T> {}

/// The fields that a domain adds to a root type. Their futures are boxed: merged objects nest in each other, and without a
/// box the future of a root field would nest as deep as there are operations, which the compiler refuses beyond a depth.
#[derive(Default)]
pub struct Part<T> {
    fields: T,
    /// The names of the fields.
    names: OnceLock<HashSet<String>>,
}

impl<T: ObjectType> Part<T> {
    /// Whether one of the fields has this name. A root type asks each of its parts, which must not cost a future.
    fn has(&self, name: &str) -> bool {
        let names = self.names.get_or_init(|| {
            let mut registry = Registry::default();
            T::create_type_info(&mut registry);
            match registry.types.remove(&*T::type_name()) {
                Some(MetaType::Object { fields, .. }) => fields.into_keys().collect(),
                _ => HashSet::new(),
            }
        });
        names.contains(name)
    }
}

impl<T: ObjectType> ContainerType for Part<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        if T::is_empty() || !self.has(&ctx.item.node.name.node) {
            return Ok(None);
        }
        Box::pin(self.fields.resolve_field(ctx)).await
    }
}

impl<T: ObjectType> OutputType for Part<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<T: ObjectType> ObjectType for Part<T> {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_graphql::{EmptySubscription, Object, Schema, SimpleObject};
    use serde_json::json;

    use super::*;
    use crate::error::Result;

    struct Query;

    #[Object]
    impl Query {
        async fn nothing(&self) -> Option<i32> {
            None
        }
    }

    #[derive(Default)]
    struct Writes(AtomicU32);

    #[derive(SimpleObject)]
    #[graphql(complex)]
    struct Payload {
        count: u32,
    }

    #[async_graphql::ComplexObject]
    impl Payload {
        async fn broken(&self) -> Result<u32> {
            Err(Error::internal("a field of a payload"))
        }
    }

    #[Object]
    impl Writes {
        async fn write(&self) -> Result<Payload> {
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(Payload { count })
        }

        async fn refuse(&self) -> Result<Payload> {
            Err(Error::Forbidden("no".to_owned()))
        }

        async fn panic(&self) -> Result<Payload> {
            panic!("s3cret")
        }
    }

    fn schema() -> Schema<Query, Separately<Writes>, EmptySubscription> {
        Schema::new(Query, Separately::default(), EmptySubscription)
    }

    // GQL-04
    #[test]
    fn every_field_is_nullable() {
        let sdl = schema().sdl();
        for field in ["write", "refuse", "panic"] {
            assert!(sdl.contains(&format!("\t{field}: Payload\n")), "{sdl}");
        }
    }

    // GQL-04
    #[tokio::test]
    async fn a_field_that_fails_is_null_and_the_others_are_as_without_it() {
        let document = "mutation { f: write { count } e: refuse { count } d: write { count } c: write { broken } \
                        b: panic { count } a: write { count } }";
        let answer = schema().execute(document).await;
        let data = serde_json::to_string(&answer.data).expect("JSON");
        let expected = r#"{"f":{"count":1},"e":null,"d":{"count":2},"c":null,"b":null,"a":{"count":4}}"#;
        assert_eq!(data, expected);
        let errors = serde_json::to_value(&answer.errors).expect("JSON");
        let reported = errors.as_array().expect("a list").iter().map(|error| {
            assert!(error["locations"][0]["line"].is_number(), "{error}");
            json!([error["path"], error["extensions"]["code"]])
        });
        let expected = [
            json!([["e"], "FORBIDDEN"]),
            json!([["c", "broken"], "INTERNAL"]),
            json!([["b"], "INTERNAL"]),
        ];
        assert_eq!(reported.collect::<Vec<_>>(), expected);
        assert!(!errors.to_string().contains("s3cret"));
    }
}
