//! Documents that are the same for all callers: the keys of access tokens, the metadata of the authorization server, the
//! schema, GraphiQL's files. Each response has an entity tag (RFC 9110 §8.8.3), so that clients can revalidate a cached
//! copy.

use std::borrow::Cow;
use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;

use super::compress;
use super::compress::{Coding, CompressedDocuments, Digest, ResponseContent};
use super::content::range::is_known;
use crate::platform::crypto::digest;

/// A public document.
#[derive(Clone, Debug)]
pub(super) struct PublishedDocument {
    pub(super) content: Bytes,
    /// SHA-256 of the content.
    pub(super) digest: Digest,
    /// The strong entity tag of the uncompressed content, quoted.
    pub(super) tag: String,
    pub(super) content_type: &'static str,
    pub(super) cache_control: Cow<'static, str>,
    /// Whether the content is long enough to be compressed, and gets shorter by it.
    pub(super) is_compressible: bool,
}

impl PublishedDocument {
    /// Makes the document of a text. A copy may be used for `max_age` without revalidation.
    pub(super) fn text(text: impl Into<Bytes>, content_type: &'static str, max_age: Duration) -> Self {
        let content = text.into();
        let digest = digest(&content);
        Self {
            digest,
            tag: format!("\"{}\"", BASE64URL_NOPAD.encode(&digest)),
            content_type,
            cache_control: match max_age.as_secs() {
                0 => "no-cache".into(),
                seconds => format!("public, max-age={seconds}").into(),
            },
            is_compressible: content.len() >= compress::LEAST,
            content,
        }
    }

    /// Responds with the document in the coding that the client prefers, or with 304 if the client has it. The compressed
    /// form of a document that never changes is kept in `kept`.
    pub(super) async fn respond(&self, headers: &HeaderMap, kept: Option<&CompressedDocuments>) -> Response {
        let plain = self.content.clone();
        let coding = Coding::accepted(headers).filter(|_| self.is_compressible);
        let is_known = is_known(headers, &self.tag);
        let content = match (coding, kept) {
            (Some(coding), Some(kept)) if !is_known => kept.content(plain, self.digest, coding).await,
            (Some(coding), None) if !is_known => compress::quickly(coding, plain).await,
            // A 304 carries the entity tag of the complete response (RFC 9110 §15.4.5).
            _ => ResponseContent { bytes: plain, coding },
        };
        // If-None-Match matches both forms of the tag (RFC 9110 §8.8.3.3).
        let strength = if content.coding.is_some() { "W/" } else { "" };
        let head = [
            (header::ETAG, format!("{strength}{}", self.tag)),
            (header::CACHE_CONTROL, self.cache_control.to_string()),
        ];
        let mut response = if is_known {
            (StatusCode::NOT_MODIFIED, head).into_response()
        } else {
            let coding = content
                .coding
                .map(|coding| [(header::CONTENT_ENCODING, coding.value())]);
            let content_type = [(header::CONTENT_TYPE, self.content_type)];
            (head, content_type, coding, content.bytes).into_response()
        };
        if self.is_compressible {
            compress::vary(response.headers_mut());
        }
        response
    }
}
