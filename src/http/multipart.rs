//! Uploads by the GraphQL multipart request specification: the parameters come first, then the files, each of which is
//! passed to its resolver while it arrives.

mod map;
mod parts;
mod pump;
pub(super) mod rooms;

use std::time::Duration;

use async_graphql::Variables;
use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout};

use self::map::FileMap;
use self::parts::{PartFault, Parts, Pieces};
use self::pump::{First, Incoming, Interruption};
use self::rooms::UploadSlot;
use super::answer::{GraphqlResponse, NotExecuted};
use super::call::Call;
use super::client;
use super::execute::{self, Method};
use super::fault::Fault;
use super::memory::exhausted;
use super::pace::{Pace, STALL};
use super::receive::append;
use super::request;
use super::request::{JsonPart, Params};
use crate::error::Error;
use crate::platform::upload::{self, UploadSender, UploadStream, Uploads};
use crate::reach::principal::Principal;
use crate::storage::WRITE;

/// Headers that a cross-site form cannot send without a preflight request (CORS in the Fetch standard). The second is
/// sent by clients of Apollo Server.
const PREFLIGHT_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
];
/// Time limit for the parts before the files.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Time limit for receiving the rest of a body whose operation has ended, so that the client can read the response.
const DRAIN: Duration = Duration::from_secs(15);

/// Answers a multipart request.
pub(super) async fn run(call: &mut Call, body: Body) -> Result<GraphqlResponse, NotExecuted> {
    let boundary = boundary(call)?;
    let _room = admit(call)?;
    let mut parts = Parts::new(pieces(body), &boundary, call.allowance.body);
    let timeout_of_request = call.gateway.app.config.http.request_timeout;
    let reading = timeout(HEAD_TIME, read_head(call, &mut parts)).await;
    let (mut params, map) = reading.map_err(|_elapsed| Fault::too_slow())??;
    let (files, uploads) = wire(&map, &mut params.variables)?;
    let admitted = execute::admit(&call.gateway, params, Method::Post)?;
    let mut incoming = Incoming {
        files,
        stall: timeout_of_request,
        spare: call.gateway.app.config.storage.max_file,
    };
    // No operation runs for a request whose files are missing or have other names.
    let first = match pump::first(&mut parts, &mut incoming).await {
        Ok(First::File(head)) => Some(head),
        Ok(First::NoneExpected) => None,
        Ok(First::Missing { others }) => return Err(map.missing(others).into()),
        Err(fault) => return Err(reported(fault, call.allowance.body).into()),
    };
    let context = call.context(uploads);
    let begin_by = Instant::now() + timeout_of_request;
    let mut running = execute::start(&call.gateway, admitted, context, begin_by).await?;
    let mut pumping = std::pin::pin!(pump::pump(parts, first, incoming));
    let pumped = tokio::select! {
        pumped = &mut pumping => Some(pumped),
        () = running.finished() => None,
    };
    let deadline = Instant::now() + timeout_of_request;
    if matches!(pumped, Some(Err(Interruption::Stalled))) {
        return Ok(GraphqlResponse::timed_out());
    }
    let answer = call.answer(running, deadline).await;
    if pumped.is_none() {
        // The client may still be sending, and would not read the response before it has finished. If it sends too much
        // or too slowly, its connection is closed.
        let _drained = timeout(DRAIN, pumping).await;
    }
    Ok(answer)
}

/// Takes an upload place for a caller that may upload.
///
/// # Errors
/// UNAUTHENTICATED without a credential and FORBIDDEN for one that cannot write into storages, as the operation itself
/// would report; 429 or 503 if there is no free place.
fn admit(call: &Call) -> Result<UploadSlot, NotExecuted> {
    // Errors about the state of the person are reported by the operation.
    let refusal = call.principal.reach_to_write(&WRITE).err();
    let refusal = refusal.filter(|error| matches!(error, Error::Unauthenticated(_) | Error::Forbidden(_)));
    match (&call.principal, refusal) {
        (_, Some(error)) => Err(error.to_server_error().into()),
        (Principal::Known(identity), None) => {
            let address = client::of_request(&call.gateway.app.config.http, &call.parts);
            Ok(call.gateway.uploading.take(address, identity)?)
        }
        (Principal::Nobody, None) => Err(Error::internal("nobody may write into storages")
            .to_server_error()
            .into()),
    }
}

/// Returns the boundary of a request that has the required headers.
fn boundary(call: &Call) -> Result<String, Fault> {
    let headers = &call.parts.headers;
    if !PREFLIGHT_HEADERS
        .iter()
        .any(|header| headers.contains_key(header))
    {
        return Err(Fault::bad_request(
            "A multipart request needs the header \"GraphQL-Require-Preflight\" with any value, so that no other site's \
             form can send it.",
        ));
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    let boundary = content_type.and_then(|value| parts::boundary(value.to_str().ok()?));
    let missing = "The Content-Type has no boundary of 1 to 70 characters (RFC 7578 §4.1).";
    Ok(boundary.ok_or_else(|| Fault::bad_request(missing))?.to_owned())
}

/// Returns the body's pieces. A stall ends the stream, and so does a rate below a kibibyte per second.
fn pieces(body: Body) -> Pieces {
    let state = Some((body.into_data_stream(), Pace::default()));
    futures_util::stream::unfold(state, async |state| {
        let (mut stream, mut pace) = state?;
        let piece = match stream.next().now_or_never() {
            Some(piece) => piece,
            None => {
                pace.waits(Instant::now());
                let piece = timeout(STALL, stream.next()).await;
                let length = match &piece {
                    Ok(Some(Ok(piece))) => piece.len(),
                    _ => 0,
                };
                let now = Instant::now();
                pace.moved(now, length);
                match piece {
                    Ok(piece) if !pace.is_too_slow(now) => piece,
                    _ => return Some((Err(PartFault::Silent), None)),
                }
            }
        };
        match piece {
            Some(Ok(piece)) => Some((Ok(piece), Some((stream, pace)))),
            Some(Err(_broken)) => Some((Err(PartFault::Malformed), None)),
            None => None,
        }
    })
    .boxed()
}

/// Reads the two parts before the files.
async fn read_head(call: &mut Call, parts: &mut Parts) -> Result<(Params, FileMap), NotExecuted> {
    let operations = read_part(call, parts, "operations", 0).await?;
    let params = request::from_json(&operations, JsonPart::Part("operations"), &call.allowance.json)?;
    let map = read_part(call, parts, "map", operations.len()).await?;
    parts.lift_budget();
    Ok((params, FileMap::parse(&map)?))
}

/// Reads the next part, which must have this name.
async fn read_part(
    call: &mut Call,
    parts: &mut Parts,
    name: &'static str,
    before: usize,
) -> Result<Vec<u8>, Fault> {
    let limit = call.allowance.body;
    let reported = |fault| reported(fault, limit);
    let head = parts.next().await.map_err(reported)?;
    if head.is_none_or(|head| head.name.as_deref() != Some(name)) {
        return Err(Fault::bad_request(format!(
            "The part \"{name}\" is missing: send \"operations\", then \"map\", then the files.",
        )));
    }
    let mut text = Vec::new();
    while let Some(piece) = parts.chunk().await.map_err(reported)? {
        call.held
            .hold(before + text.len() + piece.len())
            .map_err(exhausted)?;
        append(&mut text, &piece);
    }
    Ok(text)
}

/// Converts a fault of the body into a response.
fn reported(fault: PartFault, limit: u64) -> Fault {
    let too_long = |message| Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED", message);
    match fault {
        PartFault::Silent => Fault::too_slow(),
        PartFault::Malformed => Fault::bad_request(
            "The body is not multipart/form-data, or did not arrive completely (RFC 7578).",
        ),
        PartFault::LongPreamble => too_long("At most 8 KiB may precede the first part."),
        PartFault::LongHead => too_long("The headers of a part may have at most 8 KiB."),
        PartFault::TooLarge => Fault::too_large(limit),
    }
}

/// Makes a channel for each file, and puts the file's number in place of null in the variables.
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
