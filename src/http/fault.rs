//! Responses to requests that are refused before GraphQL is executed: wrong method, invalid JSON, invalid credential.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::media::Media;

/// A refused HTTP request. Its body has the form of a GraphQL response, so that every client can read it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The code for a client with too many concurrent requests.
const RATE_LIMITED: &str = "RATE_LIMITED";

/// Number of seconds after which such a client should retry.
const BUSY: u32 = 5;

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// 400 `BAD_USER_INPUT`: the request is malformed.
    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", message)
    }

    /// 415: the body has an unsupported content type, for instance one that a cross-site form can send.
    pub(super) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT", message)
    }

    /// 413, with the limit.
    pub(super) fn too_large(limit: u64) -> Self {
        let message = format!(
            "The request's body has more than {limit} bytes, which is the limit. Send several smaller requests, and files by \
             multipart/form-data, where they do not count."
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED", message)
    }

    /// 405 with the methods that are allowed (RFC 9110 §15.5.6).
    pub(super) fn method(allow: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", message)
            .with(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// 405 to which the router adds the methods that are allowed.
    pub(super) fn wrong_method(message: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", message)
    }

    /// 404.
    pub(super) fn not_found(message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 404 for a path without a route.
    pub(super) fn no_such_path() -> Self {
        Self::not_found(
            "There is nothing at this path. GraphQL is at /graphql (POST, or GET for queries), its schema at /schema.graphql, tokens \
             are at /oauth/token.",
        )
    }

    /// 406: the Accept header allows no media type of GraphQL's responses.
    pub(super) fn not_acceptable() -> Self {
        let message = "Responses are application/graphql-response+json or application/json, and the Accept header allows neither.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "BAD_USER_INPUT", message)
    }

    /// 408: the body did not arrive in time.
    pub(super) fn too_slow() -> Self {
        let message = "The request's body did not arrive in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 503: a required resource is not available at the moment.
    pub(super) fn unavailable(message: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 429 `RATE_LIMITED` with `retryAfterSeconds`, for a client that uses as much as one may.
    pub(super) fn too_many(message: &'static str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED, message)
            .with(header::RETRY_AFTER, HeaderValue::from(BUSY))
    }

    /// 500, which contains only the request id.
    pub(super) fn internal(request_id: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            internal_message(request_id),
        )
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Converts the fault into a response of this media type.
    pub(super) fn into_answer(self, media: Media) -> Response {
        let mut extensions = json!({ "code": self.code });
        if self.code == RATE_LIMITED {
            extensions["retryAfterSeconds"] = BUSY.into();
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media.content_type());
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        self.into_answer(Media::Json)
    }
}

/// Returns the message of an internal error: the request id and nothing else (ERR-02).
pub(super) fn internal_message(request_id: &str) -> String {
    format!("Something went wrong on our side. Request id: {request_id}")
}
