//! `/graphql`: GraphQL over HTTP. Checks method, media types, credential, body and guard, then executes, in this order.

use std::net::IpAddr;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{self, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use super::allowance::Allowance;
use super::answer::{GraphqlResponse, NotExecuted};
use super::authenticate;
use super::body::discard;
use super::buyer;
use super::call::{Call, refuse};
use super::client;
use super::execute;
use super::execute::Method;
use super::fault::Fault;
use super::frame::Note;
use super::gateway::Gateway;
use super::media::{ContentType, Media};
use super::memory::{ReservedMemory, exhausted};
use super::multipart;
use super::receive;
use super::redemption;
use super::request;
use super::request::{JsonPart, Params};
use super::request_id::RequestId;
use crate::platform::upload::Uploads;
use crate::reach::principal::Principal;

/// Answers `/graphql`: queries by GET; queries, mutations and uploads by POST.
pub(super) async fn respond(gateway: &Arc<Gateway>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = match parts.method {
        http::Method::GET | http::Method::HEAD => Method::Get,
        http::Method::POST => Method::Post,
        _ => {
            discard(body);
            let allowed = "GET, HEAD, POST, OPTIONS";
            return Fault::method(allowed, "GraphQL is sent by POST, or a query by GET.").into_response();
        }
    };
    let Some(media) = Media::negotiate(&parts.headers) else {
        discard(body);
        return Fault::not_acceptable().into_response();
    };
    let id = RequestId::assigned(&parts.extensions);
    let (principal, lapsed) =
        match authenticate::principal(&gateway.app.access, &parts.headers, id.as_str()).await {
            Ok(principal) => (principal, None),
            Err(refused) if refused.has_lapsed && redemption::may_follow(&parts) => {
                (Principal::Nobody, Some(refused.fault))
            }
            Err(refused) => {
                discard(body);
                return refuse(*refused.fault, Note::default(), media);
            }
        };
    let (held, buyer) = match prepared(gateway, &principal, &parts) {
        Ok(prepared) => prepared,
        Err(fault) => {
            discard(body);
            let fault = lapsed.map_or(fault, |lapsed| *lapsed);
            return refuse(fault, Note::of(&principal), media);
        }
    };
    let mut call = Call {
        note: Note::of(&principal),
        allowance: Allowance::of(&principal, gateway.app.config.http.max_body),
        gateway: Arc::clone(gateway),
        parts,
        id,
        principal,
        buyer,
        held,
    };
    let outcome = match (method, lapsed) {
        // Boxed, because it is rare and large: the future of an ordinary request is moved by each layer.
        (_, Some(refusal)) => Box::pin(in_spite_of(refusal, &mut call, body)).await,
        (Method::Get, None) => by_get(&mut call).await,
        (Method::Post, None) => by_post(&mut call, body).await,
    };
    call.finish(outcome, media).await
}

/// Returns the memory share of a request, and the shopper's address in it.
fn prepared(
    gateway: &Gateway,
    principal: &Principal,
    parts: &Parts,
) -> Result<(ReservedMemory, Option<IpAddr>), Fault> {
    let buyer = buyer::named(&parts.headers, principal)?;
    let address = client::of_request(&gateway.app.config.http, parts);
    let held = match principal {
        Principal::Nobody => gateway.memory.of_stranger(address, parts).map_err(exhausted)?,
        Principal::Known(_) => gateway.memory.of_known(address),
    };
    Ok((held, buyer))
}

async fn by_get(call: &mut Call) -> Result<GraphqlResponse, NotExecuted> {
    let params = request::from_query(call.parts.uri.query().unwrap_or_default(), &call.allowance.json)?;
    run(call, params, Method::Get).await
}

async fn by_post(call: &mut Call, body: Body) -> Result<GraphqlResponse, NotExecuted> {
    match ContentType::of(&call.parts.headers) {
        Some(known) if known.is_utf8_of("application/json") => {}
        // Boxed as above.
        Some(known) if known.essence == "multipart/form-data" => {
            return Box::pin(multipart::run(call, body)).await;
        }
        other => {
            discard(body);
            return Err(unsupported(other.as_ref()).into());
        }
    }
    let params = json_params(call, body).await?;
    run(call, params, Method::Post).await
}

/// Answers a request whose access token has expired or was revoked: as one without a credential if it only redeems a
/// token or a key (TOK-07), otherwise with the refusal, whatever else may be wrong with it.
async fn in_spite_of(
    refusal: Box<Fault>,
    call: &mut Call,
    body: Body,
) -> Result<GraphqlResponse, NotExecuted> {
    match json_params(call, body).await {
        Ok(params) if redemption::is_asked(&call.gateway.guard, &params) => {
            run(call, params, Method::Post).await
        }
        Ok(_) | Err(_) => Err(NotExecuted::Fault(*refusal)),
    }
}

/// Reads the parameters from a JSON body.
async fn json_params(call: &mut Call, body: Body) -> Result<Params, NotExecuted> {
    let body = receive::whole_body(&call.parts.headers, body, call.allowance.body, &mut call.held).await?;
    request::from_json(&body, JsonPart::Body, &call.allowance.json)
}

/// Returns a 415 that names the supported content types.
fn unsupported(sent: Option<&ContentType>) -> Fault {
    const SEND: &str = "Send a JSON object such as {\"query\": \"{ __typename }\"} with the header \"Content-Type: application/json\"";
    let Some(sent) = sent else {
        return Fault::unsupported(format!(
            "The header \"Content-Type\" is missing, or was sent twice. {SEND}."
        ));
    };
    Fault::unsupported(match sent.essence.as_str() {
        "application/json" => {
            "JSON must be UTF-8 (RFC 8259 §8.1). Send it as UTF-8, with the header \"Content-Type: \
             application/json\" and no other charset."
                .to_owned()
        }
        "application/graphql" => format!("A GraphQL document alone is not accepted. {SEND}."),
        "application/graphql+json" | "application/graphql-response+json" => {
            format!("This content type is not for requests (GraphQL over HTTP, \"Media Types\"). {SEND}.")
        }
        "application/x-www-form-urlencoded" | "text/plain" => format!(
            "This content type is not accepted, because pages of other sites can send it without a CORS preflight. \
             {SEND}, and files by multipart/form-data."
        ),
        _ => format!("This content type is not accepted. {SEND}, and files by multipart/form-data."),
    })
}

async fn run(call: &mut Call, params: Params, method: Method) -> Result<GraphqlResponse, NotExecuted> {
    let deadline = Instant::now() + call.gateway.app.config.http.request_timeout;
    let admitted = execute::admit(&call.gateway, params, method)?;
    let context = call.context(Uploads::default());
    let running = execute::start(&call.gateway, admitted, context, deadline).await?;
    Ok(call.answer(running, deadline).await)
}
