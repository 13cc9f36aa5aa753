//! The media types of GraphQL responses.

use axum::http::HeaderValue;

/// The media types of a response of /graphql (GraphQL over HTTP, "Media Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: a well-formed request gets 200, whatever the result of GraphQL.
    Json,
    /// `application/graphql-response+json`: the status depends on whether there is data.
    Answer,
}

impl Media {
    /// Returns the value of Content-Type.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Answer => "application/graphql-response+json; charset=utf-8",
        })
    }
}
