//! `GET /storage/{itemId}` with a signature: the content of an item, sent so that a browser can safely receive uploads
//! of untrusted users (STO-02).

mod disposition;
pub(super) mod range;

use std::ops::Range;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{Extensions, HeaderName, Method, StatusCode, header, request::Parts, response::Builder},
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;

use self::range::ByteRange;
use super::connection::Peer;
use super::fault::Fault;
use super::gateway::Gateway;
use super::request_id::RequestId;
use crate::error::Error;
use crate::platform::{
    id::{Id, StorageItemId},
    shares::Full,
};
use crate::storage::{StorageItem, link, store};

/// Content cannot run scripts, load resources or be framed, even if a browser displays it.
const POLICY: &str =
    "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers GET and HEAD.
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Path(item): Path<String>,
    request: Parts,
) -> Response {
    let id = RequestId::assigned(&request.extensions);
    let found = match find(&gateway, &item, request.uri.query().unwrap_or_default(), &id).await {
        Ok(found) => found,
        Err(fault) => return ([(header::CACHE_CONTROL, "no-store")], fault).into_response(),
    };
    let Ok(size) = u64::try_from(found.item.byte_size) else {
        tracing::error!(request_id = id.as_str(), "stored file has a negative size");
        return Fault::internal(id.as_str()).into_response();
    };
    let tag = format!("\"{}\"", found.item.sha256);
    let head = found.head(&tag);
    if range::is_known(&request.headers, &tag) {
        return empty(head.status(StatusCode::NOT_MODIFIED));
    }
    // Range is defined for GET only (RFC 9110 §14.2).
    let wanted = match request.method {
        Method::HEAD => ByteRange::Whole,
        _ => range::wanted(&request.headers, &tag, size),
    };
    let (head, bytes) = match wanted {
        ByteRange::Whole => (head, 0..size),
        ByteRange::Part { from, until } => {
            let part = format!("bytes {from}-{}/{size}", until - 1);
            let head = head.status(StatusCode::PARTIAL_CONTENT);
            (head.header(header::CONTENT_RANGE, part), from..until)
        }
        ByteRange::Nothing => {
            let head = head.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return empty(head.header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let content_type = disposition::content_type(&found.item.content_type);
    let head = head
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CONTENT_LENGTH, bytes.end - bytes.start);
    if request.method == Method::HEAD {
        return empty(head);
    }
    match body(&gateway, &found.item, bytes, &request.extensions).await {
        Ok(body) => built(head.body(body)),
        Err(fault) => fault.into_response(),
    }
}

/// Returns these bytes of an item's content as a stream.
async fn body(
    gateway: &Gateway,
    item: &StorageItem,
    bytes: Range<u64>,
    request: &Extensions,
) -> Result<Body, Fault> {
    let id = RequestId::assigned(request);
    let content = match gateway.app.blobs.open(item.blob_id).await {
        Ok(Some(content)) => content,
        Ok(None) => return Err(item_removed()),
        Err(error) => return Err(lookup_failed(error, &id)),
    };
    let share = gateway
        .downloads
        .take(Some(item.storage_id.clone()), content.weight());
    let share = share.map_err(|full| match full {
        Full::Each => Fault::too_many("Too many downloads of this owner's files are running."),
        Full::All => Fault::unavailable("Too many downloads are running; please try again shortly."),
    })?;
    // The connection is not idle while content is being sent.
    let connection = request.get::<Peer>().map(|peer| peer.connection.also());
    let held = (share, connection);
    let content = content.read(bytes.start, bytes.end).map_err(move |error| {
        let _held = &held;
        tracing::warn!(request_id = id.as_str(), error = ?error, "download interrupted");
        std::io::Error::other("the download was interrupted")
    });
    Ok(Body::from_stream(content))
}

fn item_removed() -> Fault {
    Fault::not_found("The item no longer exists.")
}

/// Returns the response for a failed lookup.
fn lookup_failed(error: Error, id: &RequestId) -> Fault {
    match error {
        Error::Unavailable(_) | Error::Timeout => {
            tracing::debug!(request_id = id.as_str(), error = ?error, "cannot read a stored file");
            Fault::unavailable("The database does not answer; please try again shortly.")
        }
        error => {
            tracing::error!(request_id = id.as_str(), error = ?error, "cannot read a stored file");
            Fault::internal(id.as_str())
        }
    }
}

struct Linked {
    item: StorageItem,
    /// Seconds until the link expires.
    valid_for: i64,
}

/// Returns the item that a signed link names.
async fn find(gateway: &Gateway, item: &str, query: &str, id: &RequestId) -> Result<Linked, Fault> {
    let (mut expires, mut signature) = (None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "expires" => expires = value.parse::<i64>().ok(),
            "signature" => signature = Some(value),
            _ => {}
        }
    }
    let refused = |message: &'static str| Fault::new(StatusCode::FORBIDDEN, "FORBIDDEN", message);
    let (Some(item), Some(expires), Some(signature)) = (StorageItemId::parse(item), expires, signature)
    else {
        return Err(refused(
            "This link is incomplete: use the item's url as the response contained it, with its parameters \"expires\" and \"signature\".",
        ));
    };
    let app = &gateway.app;
    let now = app.clock.now();
    if let Err(flaw) = link::verify(&app.vault, &item, expires, &signature, now) {
        return Err(refused(match flaw {
            link::LinkFlaw::Changed => {
                "This link was changed, or another gateway has signed it: use the item's url as the response contained it."
            }
            link::LinkFlaw::Expired => {
                "This link has expired; links are valid for ten minutes at most. Request the item's url again."
            }
        }));
    }
    match store::linked(&app.database, &item, now).await {
        Ok(Some(item)) => Ok(Linked {
            item,
            valid_for: expires - now.seconds(),
        }),
        Ok(None) => Err(item_removed()),
        Err(error) => Err(lookup_failed(error, id)),
    }
}

impl Linked {
    /// Returns the headers of every successful response. Content never changes, so its hash is a strong entity tag.
    fn head(&self, tag: &str) -> Builder {
        let disposition = disposition::disposition(&self.item.content_type, &self.item.name);
        Response::builder()
            .header(header::ETAG, tag)
            .header(header::ACCEPT_RANGES, "bytes")
            .header(
                header::CACHE_CONTROL,
                format!("private, max-age={}", self.valid_for.max(0)),
            )
            .header(header::CONTENT_DISPOSITION, disposition)
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin")
            .header(header::REFERRER_POLICY, "no-referrer")
    }
}

fn empty(head: Builder) -> Response {
    built(head.body(Body::empty()))
}

fn built(response: axum::http::Result<Response>) -> Response {
    response.expect("each header is made of ASCII that was checked or encoded")
}
