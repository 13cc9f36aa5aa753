//! `GET /storage/{itemId}` with a signature: the content of an item, sent so that a browser can safely receive uploads
//! of untrusted users (STO-02).

mod disposition;
pub(super) mod range;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, response::Builder},
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
    RawQuery(query): RawQuery,
    method: Method,
    axum::Extension(id): axum::Extension<RequestId>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    let found = match find(&gateway, &item, query.as_deref().unwrap_or_default(), &id).await {
        Ok(found) => found,
        Err(fault) => {
            let mut response = fault.into_response();
            let no_store = HeaderValue::from_static("no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, no_store);
            return response;
        }
    };
    let Ok(size) = u64::try_from(found.item.byte_size) else {
        tracing::error!(request_id = id.as_str(), "stored file has a negative size");
        return Fault::internal(id.as_str()).into_response();
    };
    let tag = format!("\"{}\"", found.item.sha256);
    let head = found.head(&tag);
    if range::is_known(&headers, &tag) {
        return empty(head.status(StatusCode::NOT_MODIFIED));
    }
    // Range is defined for GET only (RFC 9110 §14.2).
    let wanted = match method {
        Method::HEAD => ByteRange::Whole,
        _ => range::wanted(&headers, &tag, size),
    };
    let (head, from, until) = match wanted {
        ByteRange::Whole => (head, 0, size),
        ByteRange::Part { from, until } => {
            let part = format!("bytes {from}-{}/{size}", until - 1);
            let head = head.status(StatusCode::PARTIAL_CONTENT);
            (head.header(header::CONTENT_RANGE, part), from, until)
        }
        ByteRange::Nothing => {
            let head = head.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return empty(head.header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let head = head
        .header(
            header::CONTENT_TYPE,
            disposition::content_type(&found.item.content_type),
        )
        .header(header::CONTENT_LENGTH, until - from);
    if method == Method::HEAD {
        return empty(head);
    }
    let peer = peer.map(|axum::Extension(peer)| peer);
    match body(&gateway, &found.item, (from, until), peer, &id).await {
        Ok(body) => built(head.body(body)),
        Err(fault) => fault.into_response(),
    }
}

/// Returns the bytes `from..until` of an item's content as a stream.
async fn body(
    gateway: &Gateway,
    item: &StorageItem,
    (from, until): (u64, u64),
    peer: Option<Peer>,
    id: &RequestId,
) -> Result<Body, Fault> {
    let content = match gateway.app.blobs.open(item.blob_id).await {
        Ok(Some(content)) => content,
        Ok(None) => return Err(Fault::not_found("The item is gone.")),
        Err(error) => return Err(not_found_out(error, id)),
    };
    let share = gateway
        .downloads
        .take(Some(item.storage_id.clone()), content.weight());
    let share = share.map_err(|full| match full {
        Full::Each => Fault::too_many("Too many downloads of this owner's files are under way."),
        Full::All => Fault::unavailable("Too many downloads are under way; please try again shortly."),
    })?;
    // The connection is not idle while content is being sent.
    let held = (share, peer.map(|peer| peer.connection.also()));
    let id = id.clone();
    let content = content.read(from, until).map_err(move |error| {
        let _held = &held;
        tracing::warn!(request_id = id.as_str(), error = ?error, "download interrupted");
        std::io::Error::other("the content broke off")
    });
    Ok(Body::from_stream(content))
}

/// Returns the response for a failed lookup.
fn not_found_out(error: Error, id: &RequestId) -> Fault {
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

/// An item that a link names.
struct Linked {
    item: StorageItem,
    /// Seconds until the link expires.
    lasts: i64,
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
            "This link is not whole: use the item's url as it was answered, with its parameters \"expires\" and \"signature\".",
        ));
    };
    let app = &gateway.app;
    let now = app.clock.now();
    if let Err(flaw) = link::verify(&app.vault, &item, expires, &signature, now) {
        return Err(refused(match flaw {
            link::LinkFlaw::Changed => {
                "This link was changed, or is not this gateway's: use the item's url as it was answered."
            }
            link::LinkFlaw::Expired => {
                "This link has expired; links are good for minutes. Ask for the item's url again."
            }
        }));
    }
    match store::linked(&app.database, &item, now).await {
        Ok(Some(item)) => Ok(Linked {
            item,
            lasts: expires - now.seconds(),
        }),
        Ok(None) => Err(Fault::not_found("The item is gone.")),
        Err(error) => Err(not_found_out(error, id)),
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
                format!("private, max-age={}", self.lasts.max(0)),
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
