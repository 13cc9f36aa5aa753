//! The form of a mutation: what all of them have in common is written once, here.

use crate::error::{Error, Result, UserError};

/// A payload: nullable values, and the user errors that explain why they are null.
pub trait Payload: Sized {
    /// Returns the payload of a mutation that was rejected and changed nothing.
    fn rejected(user_errors: Vec<UserError>) -> Self;
}

/// Moves the user errors of an outcome into its payload. Any other error is passed on.
pub fn into_payload<P: Payload>(outcome: Result<P>) -> Result<P> {
    match outcome {
        Err(Error::Rejected(user_errors)) => Ok(P::rejected(user_errors)),
        other => other,
    }
}

/// Defines a payload with a constructor `of`, which takes the values of a mutation that took effect. Each field becomes
/// nullable, and `userErrors` is added.
macro_rules! payload {
    (
        $(#[$meta:meta])*
        $payload:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Default, async_graphql::SimpleObject)]
        pub struct $payload {
            $( $(#[$field_meta])* $field: Option<$type>, )*
            /// User errors; empty when the mutation took effect.
            user_errors: Vec<$crate::error::UserError>,
        }

        impl $payload {
            /// Returns the payload of a mutation that took effect.
            pub fn of($($field: $type),*) -> Self {
                Self { $($field: Some($field),)* user_errors: Vec::new() }
            }
        }

        impl $crate::mutation::Payload for $payload {
            fn rejected(user_errors: Vec<$crate::error::UserError>) -> Self {
                Self { $($field: None,)* user_errors }
            }
        }
    };
}

/// Defines a mutation: its documentation, its field and arguments, the function that does the work, and its payload. The
/// function gets the request's context and the arguments; the user errors that it returns are moved into the payload.
macro_rules! mutation {
    (
        $(#[$($meta:tt)*])*
        $object:ident.$field:ident = $act:ident(
            $( $(#[$($argument_meta:tt)*])* $argument:ident: $type:ty ),* $(,)?
        ) -> $payload:ident;
        $( $(#[$($payload_meta:tt)*])* payload { $($fields:tt)* } )?
    ) => {
        $( $crate::mutation::payload! {
            $(#[$($payload_meta)*])*
            $payload { $($fields)* }
        } )?

        #[doc = concat!("The mutation `", stringify!($object), "`.")]
        #[derive(Default)]
        pub struct $object;

        #[async_graphql::Object]
        impl $object {
            $(#[$($meta)*])*
            async fn $field(
                &self,
                ctx: &async_graphql::Context<'_>,
                $( $(#[$($argument_meta)*])* $argument: $type, )*
            ) -> $crate::error::Result<$payload> {
                let context = $crate::context::RequestContext::of(ctx)?;
                $crate::mutation::into_payload($act(context, $($argument),*).await)
            }
        }
    };
}

pub(crate) use {mutation, payload};
