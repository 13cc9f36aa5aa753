//! Public documents: the keys of access tokens, the metadata of the authorization server, the schema. Each response has
//! an entity tag (RFC 9110 §8.8.3), so that clients can revalidate a cached copy.

use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;

use super::compress;
use super::compress::{Coding, Digest, ResponseContent};
use super::content::range::is_known;
use crate::platform::crypto::digest;

/// A public document.
#[derive(Clone, Debug)]
pub(super) struct PublishedDocument {
    content: Bytes,
    digest: Digest,
}

impl PublishedDocument {
    pub(super) fn new(content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self {
            digest: digest(&content),
            content,
        }
    }

    /// Returns the digest of the content.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

pub(super) struct DocumentKind {
    pub(super) content_type: &'static str,
    /// How long a copy may be used without revalidation.
    pub(super) max_age: Duration,
}

/// Responds with a content in the coding that the client prefers, or with 304 if the client has it.
pub(super) async fn tagged<F>(
    headers: &HeaderMap,
    kind: &DocumentKind,
    published: &PublishedDocument,
    coded: impl FnOnce(Bytes, Coding) -> F,
) -> Response
where
    F: Future<Output = ResponseContent>,
{
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&published.digest));
    let cache = match kind.max_age.as_secs() {
        0 => "no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    let plain = published.content.clone();
    let is_large = plain.len() >= compress::LEAST;
    let coding = Coding::accepted(headers).filter(|_| is_large);
    let is_known = is_known(headers, &tag);
    let content = match coding {
        Some(coding) if !is_known => coded(plain, coding).await,
        // A 304 carries the entity tag of the complete response (RFC 9110 §15.4.5).
        Some(_) | None => ResponseContent { bytes: plain, coding },
    };
    let head = [
        (header::ETAG, compress::entity_tag(tag, content.coding)),
        (header::CACHE_CONTROL, cache),
    ];
    let mut response = if is_known {
        (StatusCode::NOT_MODIFIED, head).into_response()
    } else {
        let coding = content
            .coding
            .map(|coding| [(header::CONTENT_ENCODING, coding.value())]);
        let content_type = [(header::CONTENT_TYPE, kind.content_type)];
        (head, content_type, coding, content.bytes).into_response()
    };
    if is_large {
        compress::vary(response.headers_mut());
    }
    response
}
