//! Uploads by the GraphQL multipart request specification: the parameters come first, then the files, each of which goes
//! to its resolver while it arrives.

mod map;
mod pump;

use std::time::Duration;

use async_graphql::Variables;
use axum::body::Body;
use axum::http::{HeaderName, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::time::{Instant, timeout};

use self::map::FileMap;
use self::pump::{Incoming, Pumped};
use super::allowance::Allowance;
use super::answer::{Answer, Denied};
use super::execute::{self, Method};
use super::fault::Fault;
use super::graphql::{Call, busy};
use super::request::{self, Params};
use crate::platform::upload::{self, UploadSender, UploadStream, Uploads};

/// A cross-site form cannot send it without asking first (the Fetch standard's CORS protocol).
pub(super) const PREFLIGHT_HEADER: HeaderName = HeaderName::from_static("graphql-require-preflight");
/// An upload is cut after this time without a byte.
const SILENCE: Duration = Duration::from_secs(15);
/// Time to receive what is left of a body whose operation has ended, so that the client can read its answer.
const DRAIN: Duration = Duration::from_secs(15);

/// Why a body's next piece does not come.
#[derive(Debug)]
enum BodyFault {
    Silent,
    Broken,
}

impl std::fmt::Display for BodyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Silent => "nothing came for too long",
            Self::Broken => "the connection ended",
        })
    }
}

impl std::error::Error for BodyFault {}

/// Answers a multipart request.
pub(super) async fn run(call: &mut Call, body: Body) -> Result<Answer, Denied> {
    let mut multipart = open(call, body)?;
    let timeout_of_request = call.gateway.app.config.http.request_timeout;
    let Ok(_room) = call.gateway.uploading.clone().try_acquire_owned() else {
        return Err(busy());
    };
    let (mut params, map) = read_head(&mut multipart, &call.allowance).await?;
    let (files, uploads) = wire(&map, &mut params.variables)?;
    let admitted = execute::admit(&call.gateway, params, Method::Post)?;
    let context = call.context(uploads);
    let begin_by = Instant::now() + timeout_of_request;
    let mut running = execute::start(&call.gateway, admitted, context, begin_by).await?;

    let incoming = Incoming {
        files,
        stall: timeout_of_request,
        spare: call.gateway.app.config.storage.max_file,
    };
    let mut pumping = std::pin::pin!(pump::pump(multipart, incoming));
    let pumped = tokio::select! {
        pumped = &mut pumping => Some(pumped),
        () = running.finished() => None,
    };
    let deadline = Instant::now() + timeout_of_request;
    match pumped {
        Some(Pumped::Stalled) => Ok(Answer::timed_out()),
        Some(Pumped::Whole | Pumped::Broken) => Ok(call.answer(running, deadline).await),
        None => {
            let answer = call.answer(running, deadline).await;
            // Its client may still be sending, and would not read the answer before it is done. One that sends too much
            // or too slowly finds its connection closed.
            let _drained = timeout(DRAIN, pumping).await;
            Ok(answer)
        }
    }
}

fn open(call: &Call, body: Body) -> Result<Multipart<'static>, Fault> {
    let headers = &call.parts.headers;
    if !headers.contains_key(PREFLIGHT_HEADER) {
        return Err(Fault::bad_request(
            "A multipart request needs the header \"GraphQL-Require-Preflight\" with any value, so that no other site's \
             form can send it.",
        ));
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(content_type) else {
        return Err(Fault::bad_request(
            "The Content-Type has no boundary (RFC 7578 §4.1).",
        ));
    };
    // Only one past the largest that is accepted, so that the limits are ours to tell.
    let constraints = Constraints::new().size_limit(SizeLimit::new());
    Ok(Multipart::with_constraints(pieces(body), boundary, constraints))
}

/// The body's pieces; silence ends them.
fn pieces(body: Body) -> BoxStream<'static, Result<Bytes, BodyFault>> {
    let stream = body.into_data_stream();
    futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(stream))),
            Ok(None) => None,
            Ok(Some(Err(_broken))) => Some((Err(BodyFault::Broken), None)),
            Err(_elapsed) => Some((Err(BodyFault::Silent), None)),
        }
    })
    .boxed()
}

/// The two parts that come first.
async fn read_head(
    multipart: &mut Multipart<'static>,
    allowance: &Allowance,
) -> Result<(Params, FileMap), Fault> {
    let limit = allowance.body;
    let operations = read_part(multipart, "operations", limit, 0).await?;
    let params = request::from_json(&operations, &allowance.json)?;
    let map = read_part(multipart, "map", limit, operations.len()).await?;
    Ok((params, FileMap::parse(&map)?))
}

/// A part of this name, which must be the next one. All such parts together have at most `limit` bytes.
async fn read_part(
    multipart: &mut Multipart<'static>,
    name: &'static str,
    limit: u64,
    before: usize,
) -> Result<BytesMut, Fault> {
    let mut part: Field<'_> = match multipart.next_field().await {
        Ok(Some(part)) if part.name() == Some(name) => part,
        Ok(_) => {
            return Err(Fault::bad_request(format!(
                "The part \"{name}\" is missing: send \"operations\", then \"map\", then the files.",
            )));
        }
        Err(error) => return Err(of_multer(&error)),
    };
    let mut text = BytesMut::new();
    while let Some(piece) = part.chunk().await.map_err(|error| of_multer(&error))? {
        let length = before + text.len() + piece.len();
        if u64::try_from(length).unwrap_or(u64::MAX) > limit {
            return Err(Fault::too_large(limit));
        }
        text.extend_from_slice(&piece);
    }
    Ok(text)
}

fn of_multer(error: &multer::Error) -> Fault {
    if is_silence(error) {
        return Fault::too_slow();
    }
    Fault::bad_request("The body is not multipart/form-data, or did not arrive whole (RFC 7578).")
}

fn is_silence(error: &multer::Error) -> bool {
    match error {
        multer::Error::StreamReadFailed(cause) => {
            matches!(cause.downcast_ref::<BodyFault>(), Some(BodyFault::Silent))
        }
        _ => false,
    }
}

/// Makes a channel for each file and puts its number where the variables have null for it.
fn wire(map: &FileMap, variables: &mut Variables) -> Result<(Vec<(String, UploadSender)>, Uploads), Fault> {
    let mut senders = Vec::with_capacity(map.files.len());
    let mut streams: Vec<UploadStream> = Vec::with_capacity(map.files.len());
    for (number, (part, paths)) in map.files.iter().enumerate() {
        for path in paths {
            path.replace(variables, number)?;
        }
        let (sender, stream) = upload::channel();
        senders.push((part.clone(), sender));
        streams.push(stream);
    }
    Ok((senders, Uploads::new(streams)))
}
