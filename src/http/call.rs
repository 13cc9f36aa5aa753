//! The state of a request to /graphql while it is answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::response::Response;
use tokio::time::Instant;

use super::allowance::Allowance;
use super::answer::{GraphqlResponse, NotExecuted};
use super::client;
use super::execute::RunningOperation;
use super::fault::Fault;
use super::frame::Note;
use super::gateway::Gateway;
use super::media::Media;
use super::memory::ReservedMemory;
use super::request_id::RequestId;
use crate::context::RequestContext;
use crate::platform::upload::Uploads;
use crate::reach::principal::Principal;

/// The state of a request while it is answered.
pub(super) struct Call {
    pub(super) gateway: Arc<Gateway>,
    pub(super) parts: Parts,
    pub(super) id: RequestId,
    pub(super) principal: Principal,
    /// The shopper's address that a backend sends.
    pub(super) buyer: Option<IpAddr>,
    pub(super) note: Note,
    pub(super) allowance: Allowance,
    /// The memory that the request uses.
    pub(super) held: ReservedMemory,
}

impl Call {
    /// Returns the context for the resolvers.
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

    /// Waits for the response, and records the operation's name.
    pub(super) async fn answer(
        &mut self,
        mut running: RunningOperation,
        deadline: Instant,
    ) -> GraphqlResponse {
        let answer = running.answer(deadline, self.id.as_str()).await;
        let name = running.name.as_deref();
        self.note.operation = Some(self.gateway.names.label(&self.principal, name));
        answer
    }

    /// Serializes the response.
    pub(super) async fn finish(
        mut self,
        outcome: Result<GraphqlResponse, NotExecuted>,
        media: Media,
    ) -> Response {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(NotExecuted::Answer(answer)) => *answer,
            Err(NotExecuted::Fault(fault)) => return refuse(fault, self.note, media),
        };
        self.note.errors(&answer.errors);
        self.note.commands = answer.commands;
        let serialized = answer.into_response(&self.gateway, &self.parts.headers, media);
        let mut response = serialized.await.unwrap_or_else(|error| {
            tracing::error!(request_id = self.id.as_str(), %error, "cannot serialize a response");
            Fault::internal(self.id.as_str()).into_answer(media)
        });
        response.extensions_mut().insert(self.note);
        response
    }
}

pub(super) fn refuse(fault: Fault, mut note: Note, media: Media) -> Response {
    note.outcome = Some(fault.code.into());
    let mut response = fault.into_answer(media);
    response.extensions_mut().insert(note);
    response
}
