//! `/graphql`: GraphQL over HTTP. Method, media types, credential, body, guard, execution, in this order.

use std::net::IpAddr;
use std::sync::Arc;

use axum::{
    extract::Request,
    http::{self, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use super::allowance::Allowance;
use super::answer::{Answer, Denied};
use super::authenticate;
use super::body::discard;
use super::buyer;
use super::client;
use super::execute::{self, Method, Running};
use super::fault::Fault;
use super::frame::{Note, RequestId};
use super::gateway::Gateway;
use super::media::{ContentType, Media};
use super::memory::{Held, exhausted};
use super::multipart;
use super::request::{self, Params};
use crate::access::principal::Principal;
use crate::context::RequestContext;
use crate::platform::{shares::Full, upload::Uploads};

/// What is known of a request while it is answered.
pub(super) struct Call {
    pub(super) gateway: Arc<Gateway>,
    pub(super) parts: Parts,
    pub(super) id: RequestId,
    pub(super) principal: Principal,
    /// The shopper's address that a backend names.
    pub(super) buyer: Option<IpAddr>,
    pub(super) note: Note,
    pub(super) allowance: Allowance,
    /// The memory that the request takes.
    held: Held,
}

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
    let media = match Media::negotiate(&parts.headers) {
        Ok(media) => media,
        Err(fault) => {
            discard(body);
            return fault.into_answer(Media::Json);
        }
    };
    let id = RequestId::assigned(&parts.extensions);
    let principal = match authenticate::principal(&gateway.app.access, &parts.headers, id.as_str()).await {
        Ok(principal) => principal,
        Err(fault) => {
            discard(body);
            return finish(Err(Denied::Fault(fault)), Note::default(), &id, media);
        }
    };
    let (held, buyer) = match prepared(gateway, &principal, &parts) {
        Ok(prepared) => prepared,
        Err(fault) => {
            discard(body);
            return finish(Err(Denied::Fault(fault)), Note::of(&principal), &id, media);
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
    let outcome = match method {
        Method::Get => by_get(&mut call).await,
        Method::Post => by_post(&mut call, body).await,
    };
    finish(outcome, call.note, &call.id, media)
}

/// The memory of a request, and the shopper that it names.
fn prepared(
    gateway: &Gateway,
    principal: &Principal,
    parts: &Parts,
) -> Result<(Held, Option<IpAddr>), Fault> {
    let buyer = buyer::named(&parts.headers, principal)?;
    let address = client::of_request(&gateway.app.config.http, parts);
    let held = match principal {
        Principal::Nobody => gateway.memory.of_stranger(address, parts).map_err(exhausted)?,
        Principal::Known(_) => gateway.memory.of_known(address),
    };
    Ok((held, buyer))
}

fn finish(outcome: Result<Answer, Denied>, mut note: Note, id: &RequestId, media: Media) -> Response {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(Denied::Answer(answer)) => *answer,
        Err(Denied::Fault(fault)) => {
            note.outcome = Some(fault.code.into());
            let mut response = fault.into_answer(media);
            response.extensions_mut().insert(note);
            return response;
        }
    };
    note.errors(&answer.errors);
    note.commands = answer.commands;
    let mut response = answer.into_response(media).unwrap_or_else(|error| {
        tracing::error!(request_id = id.as_str(), %error, "an answer could not be written");
        Fault::internal(id.as_str()).into_answer(media)
    });
    response.extensions_mut().insert(note);
    response
}

async fn by_get(call: &mut Call) -> Result<Answer, Denied> {
    let params = request::from_query(call.parts.uri.query().unwrap_or_default(), &call.allowance.json)?;
    run(call, params, Method::Get).await
}

async fn by_post(call: &mut Call, body: axum::body::Body) -> Result<Answer, Denied> {
    let content_type = ContentType::of(&call.parts.headers);
    match content_type.as_ref().map(|known| known.essence.as_str()) {
        Some("application/json") if content_type.as_ref().is_some_and(ContentType::is_utf8) => {}
        Some("application/json") => {
            discard(body);
            return Err(
                Fault::unsupported("JSON is sent as UTF-8 (RFC 8259 §8.1); leave the charset out.").into(),
            );
        }
        // Boxed, like everything that is rare and large: the future of a plain request is moved by each layer.
        Some("multipart/form-data") => return Box::pin(multipart::run(call, body)).await,
        _ => {
            discard(body);
            return Err(Fault::unsupported(
                "Send the header \"Content-Type: application/json\", or multipart/form-data for an upload.",
            )
            .into());
        }
    }
    let body = request::whole_body(&call.parts.headers, body, call.allowance.body, &mut call.held).await?;
    let params = request::from_json(&body, &call.allowance.json)?;
    drop(body);
    run(call, params, Method::Post).await
}

async fn run(call: &mut Call, params: Params, method: Method) -> Result<Answer, Denied> {
    let deadline = Instant::now() + call.gateway.app.config.http.request_timeout;
    let admitted = execute::admit(&call.gateway, params, method)?;
    let context = call.context(Uploads::default());
    let running = execute::start(&call.gateway, admitted, context, deadline).await?;
    Ok(call.answer(running, deadline).await)
}

impl Call {
    /// The resolvers' context.
    pub(super) fn context(&self, uploads: Uploads) -> RequestContext {
        let mut context = RequestContext::new(
            Arc::clone(&self.gateway.app),
            self.principal.clone(),
            self.id.as_str().to_owned(),
            uploads,
        );
        client::introduce(&mut context, &self.parts);
        context.buyer = self.buyer;
        context
    }

    /// The client's address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        client::of_request(&self.gateway.app.config.http, &self.parts)
    }

    /// Holds the memory for a body of at least so many bytes.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Full> {
        self.held.hold(bytes)
    }

    /// Waits for the answer, and notes the operation's name.
    pub(super) async fn answer(&mut self, mut running: Running, deadline: Instant) -> Answer {
        let answer = running.answer(deadline, self.id.as_str()).await;
        self.note.operation = Some(running.label(&self.gateway.names, &self.principal));
        answer
    }
}
