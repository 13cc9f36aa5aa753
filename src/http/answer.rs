//! A GraphQL response and its serialization.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::compress;
use super::compress::{Coding, ResponseContent};
use super::fault::Fault;
use super::gateway::Gateway;
use super::media::Media;
use super::secrets::Holding;
use crate::error::Error;
use crate::guard::{Prepared, Refusal, RefusalKind};
use crate::read::direct::write_result;

/// The data of a response.
#[derive(Debug)]
pub(super) enum Data {
    /// The results of resolvers.
    Values(Value),
    /// JSON that includes introspection results.
    Introspected(Box<RawValue>),
}

/// A response in the form that GraphQL defines.
#[derive(Debug, Default)]
pub(super) struct GraphqlResponse {
    /// `None`: nothing was executed, so that the response has no entry `data` (GraphQL §7.1).
    pub(super) data: Option<Data>,
    pub(super) errors: Vec<ServerError>,
    pub(super) extensions: BTreeMap<String, Value>,
    /// The status, if the whole request failed with a server error.
    pub(super) failure: Option<StatusCode>,
    /// Number of database commands, for the log.
    pub(super) commands: u32,
    /// The document. `None`: nothing was executed.
    pub(super) document: Option<Arc<Prepared>>,
}

impl GraphqlResponse {
    /// Makes the response of a request that was not executed because of these errors.
    fn refused(errors: impl Into<Vec<ServerError>>) -> Self {
        Self {
            errors: errors.into(),
            ..Self::default()
        }
    }

    /// Makes the response of a request that took too long; its execution continues.
    pub(super) fn timed_out() -> Self {
        Self::failed(&Error::Timeout, StatusCode::GATEWAY_TIMEOUT)
    }

    /// Makes the response of a request that failed with a server error.
    pub(super) fn failed(error: &Error, status: StatusCode) -> Self {
        Self {
            failure: Some(status),
            ..Self::refused([error.to_server_error()])
        }
    }

    /// Returns 200 if anything was executed, and 400 if not, unless the client accepts `application/json`, for which
    /// the status says nothing about the result (GraphQL over HTTP, "Status Codes").
    fn status(&self, media: Media) -> StatusCode {
        match (self.failure, &self.data, media) {
            (Some(failure), _, _) => failure,
            (None, None, Media::Answer) => StatusCode::BAD_REQUEST,
            (None, _, _) => StatusCode::OK,
        }
    }

    /// Returns the response as JSON.
    ///
    /// # Errors
    /// A value that has no JSON form; the schema's scalars produce none.
    fn json(&self) -> serde_json::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(512);
        let mut open = b'{';
        let mut key = |name: &str, out: &mut Vec<u8>| {
            out.push(std::mem::replace(&mut open, b','));
            out.extend_from_slice(name.as_bytes());
        };
        if let Some(data) = &self.data {
            key("\"data\":", &mut out);
            match data {
                Data::Values(value) => write_result(value, &mut out)?,
                Data::Introspected(json) => out.extend_from_slice(json.get().as_bytes()),
            }
        }
        if !self.errors.is_empty() {
            key("\"errors\":", &mut out);
            serde_json::to_writer(&mut out, &self.errors)?;
        }
        if !self.extensions.is_empty() {
            key("\"extensions\":", &mut out);
            serde_json::to_writer(&mut out, &self.extensions)?;
        }
        if out.is_empty() {
            out.push(b'{');
        }
        out.push(b'}');
        Ok(out)
    }

    /// Converts the response, serialized once, into this media type, compressed if the client accepts that.
    ///
    /// # Errors
    /// A value that has no JSON form; the schema's scalars produce none.
    pub(super) async fn into_response(
        self,
        gateway: &Gateway,
        headers: &HeaderMap,
        media: Media,
    ) -> Result<Response, serde_json::Error> {
        let json = self.json()?;
        let is_large = json.len() >= compress::LEAST;
        let content = if is_large {
            // Boxed, because it is rare and large: the future of an ordinary request is moved by each layer.
            Box::pin(coded_content(
                gateway,
                headers,
                json.into(),
                self.document.as_deref(),
            ))
            .await
        } else {
            ResponseContent::plain(json)
        };
        let mut response = Response::new(Body::from(content.bytes));
        *response.status_mut() = self.status(media);
        let headers = response.headers_mut();
        // Reserves space for the headers of the layers too.
        headers.reserve(12);
        headers.insert(header::CONTENT_TYPE, media.content_type());
        if is_large {
            compress::vary(headers);
        }
        if let Some(coding) = content.coding {
            headers.insert(header::CONTENT_ENCODING, coding.value());
        }
        Ok(response)
    }
}

/// Returns the content of a large response, in a coding that the client accepts.
async fn coded_content(
    gateway: &Gateway,
    headers: &HeaderMap,
    plain: Bytes,
    document: Option<&Prepared>,
) -> ResponseContent {
    let Some(coding) = Coding::accepted(headers) else {
        return ResponseContent::plain(plain);
    };
    // Without a document there are only errors, which contain no secret (ERR-02).
    match document.map(|document| Holding::of(document.document())) {
        Some(Holding::Secrets) => ResponseContent::plain(plain),
        Some(Holding::TheSchema) => gateway.recent.content(plain, coding).await,
        Some(Holding::Data) | None => compress::quickly(coding, plain).await,
    }
}

/// Why an operation is not executed.
#[derive(Debug)]
pub(super) enum NotExecuted {
    /// Reported as a GraphQL response.
    Answer(Box<GraphqlResponse>),
    /// Reported as an HTTP error.
    Fault(Fault),
}

impl From<Fault> for NotExecuted {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for NotExecuted {
    fn from(refusal: Refusal) -> Self {
        vec![refusal].into()
    }
}

impl From<Vec<Refusal>> for NotExecuted {
    fn from(refusals: Vec<Refusal>) -> Self {
        let errors: Vec<ServerError> = refusals.into_iter().map(wire).collect();
        Self::Answer(Box::new(GraphqlResponse::refused(errors)))
    }
}

impl From<ServerError> for NotExecuted {
    fn from(error: ServerError) -> Self {
        Self::Answer(Box::new(GraphqlResponse::refused([error])))
    }
}

/// Converts a refusal of the guard into an error of the response.
fn wire(refusal: Refusal) -> ServerError {
    let code = match refusal.kind {
        RefusalKind::Limit => "LIMIT_EXCEEDED",
        RefusalKind::Parse => "GRAPHQL_PARSE_FAILED",
        RefusalKind::Validation => "GRAPHQL_VALIDATION_FAILED",
        RefusalKind::BadInput => "BAD_USER_INPUT",
    };
    ServerError {
        locations: refusal.locations,
        ..coded(code, refusal.message)
    }
}

/// Makes an error with a code, for requests that are refused before execution.
pub(super) fn coded(code: &str, message: impl Into<String>) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    ServerError {
        extensions: Some(extensions),
        ..ServerError::new(message, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_of_data_where_the_client_asks_for_that() {
        let refused = GraphqlResponse::refused([coded("BAD_USER_INPUT", "no")]);
        assert_eq!(refused.status(Media::Json), 200);
        assert_eq!(refused.status(Media::Answer), 400);
        let ran = GraphqlResponse {
            data: Some(Data::Values(Value::Null)),
            ..GraphqlResponse::refused([coded("FORBIDDEN", "no")])
        };
        assert_eq!(ran.status(Media::Answer), 200);
        assert_eq!(GraphqlResponse::timed_out().status(Media::Json), 504);
    }

    #[test]
    fn what_did_not_run_has_no_data() {
        let refused = GraphqlResponse::refused([coded("BAD_USER_INPUT", "no")]);
        let json = refused.json().expect("serializes");
        assert_eq!(
            json,
            br#"{"errors":[{"message":"no","extensions":{"code":"BAD_USER_INPUT"}}]}"#
        );
    }
}
