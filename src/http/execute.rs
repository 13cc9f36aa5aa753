//! Execution of a request: the guard, the executor, the deadline, the masking of errors.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::{
    Request, Response, Value, Variables,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::http::StatusCode;
use futures_util::{
    FutureExt,
    future::{BoxFuture, MaybeDone},
};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::answer::{Data, GraphqlResponse, NotExecuted, coded};
use super::fault::{Fault, internal_message};
use super::gateway::Gateway;
use super::mask;
use super::request::Params;
use crate::context::RequestContext;
use crate::error::Error;
use crate::guard::{Cost, Prepared};
use crate::platform::database::counting;
use crate::reach::principal::CredentialKind;
use crate::schema::Introspection;

/// The HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// For queries only (GraphQL over HTTP, "GET").
    Get,
    Post,
}

/// An operation that the guard has admitted.
pub(super) struct Admitted {
    prepared: Arc<Prepared>,
    document: ExecutableDocument,
    operation_name: Option<String>,
    variables: Variables,
    is_single: bool,
    /// Whether introspection answers a part of the operation.
    is_introspection: bool,
    cost: Cost,
    /// The operation's name.
    name: Option<String>,
}

/// Checks an operation with the guard.
///
/// # Errors
/// A refusal of the guard; a mutation by GET; variables whose values do not match their types.
pub(super) fn admit(gateway: &Gateway, params: Params, method: Method) -> Result<Admitted, NotExecuted> {
    let Params {
        query,
        operation_name,
        mut variables,
    } = params;
    let read = gateway.guard.read(&query)?;
    match (read.kind(operation_name.as_deref()), method) {
        (Some(OperationType::Subscription), _) => {
            let message = "This API has no subscriptions.";
            return Err(coded("GRAPHQL_VALIDATION_FAILED", message).into());
        }
        (Some(OperationType::Mutation), Method::Get) => {
            let message = "A mutation is sent by POST: GET is for queries only.";
            return Err(Fault::method("POST", message).into());
        }
        _ => {}
    }
    let prepared = gateway.guard.validate(read)?;
    let operation = prepared.operation(operation_name.as_deref())?;
    let cost = gateway.guard.admit(&operation, &variables)?;
    gateway.guard.coerce(&operation, &mut variables)?;
    let is_mutation = operation.kind == OperationType::Mutation;
    let is_single = !is_mutation && operation.is_single();
    let is_introspection = cost.introspection > 0 || operation.is_of_names();
    let name = operation.name.map(str::to_owned);
    let document = operation.to_run(&variables);
    Ok(Admitted {
        prepared,
        document,
        operation_name,
        variables,
        is_single,
        is_introspection,
        cost,
        name,
    })
}

/// The response of an operation before its errors are masked, or its panic.
type OperationEnd = Result<GraphqlResponse, Box<dyn Any + Send>>;

/// An operation that runs to its end even if its client disconnects, and that shutdown waits for. The caller that waits
/// for it polls it; if that caller is dropped, the operation gets a task of its own. So the common case needs neither a
/// task nor a switch between threads.
pub(super) struct RunningOperation {
    work: MaybeDone<BoxFuture<'static, OperationEnd>>,
    /// The operation's name.
    pub(super) name: Option<String>,
}

/// Starts an admitted operation as soon as there is capacity.
///
/// # Errors
/// An operation that only a backend, or only a caller with a credential, may send; 503 if there was no capacity until
/// the deadline.
pub(super) async fn start(
    gateway: &Arc<Gateway>,
    mut admitted: Admitted,
    mut context: RequestContext,
    deadline: Instant,
) -> Result<RunningOperation, NotExecuted> {
    let identity = context.principal.standing();
    if identity.is_none() {
        gateway.guard.check_for_nobody(&admitted.cost)?;
    }
    if identity.is_none_or(|identity| identity.kind() != CredentialKind::Integration) {
        admitted.cost.check_for_the_public()?;
    }
    context.is_single = admitted.is_single;
    let name = admitted.name.take();
    let room = match Arc::clone(&gateway.running).try_acquire_owned() {
        Ok(room) => room,
        Err(_none) => wait_for_room(gateway, deadline).await?,
    };
    let (for_work, counted) = (Arc::clone(gateway), gateway.app.tasks.token());
    let work = async move {
        let _ends = (room, counted);
        let document = Arc::clone(&admitted.prepared);
        let (response, commands) = counting(execute(&for_work, admitted, Arc::new(context))).await;
        GraphqlResponse {
            commands,
            document: Some(document),
            ..response
        }
    };
    let work = MaybeDone::Future(AssertUnwindSafe(work).catch_unwind().boxed());
    Ok(RunningOperation { work, name })
}

async fn wait_for_room(gateway: &Gateway, deadline: Instant) -> Result<OwnedSemaphorePermit, NotExecuted> {
    let room = async {
        let _turn = gateway.waiting.try_acquire().ok()?;
        let room = Arc::clone(&gateway.running).acquire_owned();
        timeout_at(deadline, room).await.ok()?.ok()
    };
    match room.await {
        Some(room) => Ok(room),
        None => Err(Fault::unavailable("The gateway is busy; please try again shortly.").into()),
    }
}

impl RunningOperation {
    /// Waits for the response. At the deadline it returns a timeout error, and the operation continues.
    pub(super) async fn answer(&mut self, deadline: Instant, request_id: &str) -> GraphqlResponse {
        if timeout_at(deadline, self.finished()).await.is_err() {
            return GraphqlResponse::timed_out();
        }
        match Pin::new(&mut self.work).take_output() {
            Some(Ok(mut answer)) => {
                mask::mask(&mut answer.errors, request_id);
                answer
            }
            Some(Err(_)) | None => {
                // The panic hook has logged the details; a message built here could contain request data.
                tracing::error!(request_id, "GraphQL operation panicked");
                let error = Error::internal("an operation panicked");
                let mut answer = GraphqlResponse::failed(&error, StatusCode::INTERNAL_SERVER_ERROR);
                for error in &mut answer.errors {
                    error.message = internal_message(request_id);
                }
                answer
            }
        }
    }

    /// Runs the operation to its end, without taking its response.
    pub(super) async fn finished(&mut self) {
        (&mut self.work).await;
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        // A future of the database driver must not be dropped halfway, nor a mutation left incomplete.
        if let MaybeDone::Future(work) = std::mem::replace(&mut self.work, MaybeDone::Gone)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work.map(|_nobody_waits| ()).in_current_span());
        }
    }
}

/// Executes an operation. The errors are not masked yet.
async fn execute(gateway: &Gateway, admitted: Admitted, context: Arc<RequestContext>) -> GraphqlResponse {
    let Admitted {
        mut document,
        operation_name,
        variables,
        is_introspection,
        ..
    } = admitted;
    let reported =
        is_introspection.then(|| Introspection::of(&mut document, operation_name.as_deref(), &variables));
    if reported.as_ref().is_some_and(Introspection::is_all) {
        return joined(Response::default(), reported);
    }
    let mut request = Request::new("").variables(variables).data(context);
    request.set_parsed_query(document);
    request.operation_name = operation_name;
    joined(gateway.schema.execute(request).await, reported)
}

/// Joins the executed result with the introspection results.
fn joined(response: Response, reported: Option<Introspection>) -> GraphqlResponse {
    let mut errors = response.errors;
    let data = match reported.map(|reported| reported.joined(&response.data)) {
        None => Data::Values(response.data),
        Some(Ok(json)) => Data::Introspected(json),
        Some(Err(error)) => {
            errors.push(Error::internal(error).to_server_error());
            Data::Values(Value::Null)
        }
    };
    GraphqlResponse {
        data: Some(data),
        errors,
        extensions: response.extensions,
        ..GraphqlResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_resolver_says_the_request_id_only() {
        let mut running = RunningOperation {
            work: MaybeDone::Future(Box::pin(
                AssertUnwindSafe(async { panic!("s3cret") }).catch_unwind(),
            )),
            name: None,
        };
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        let answer = running.answer(deadline, "r1").await;
        assert!(answer.data.is_none());
        assert_eq!(
            answer.errors[0].message,
            "Something went wrong on our side. Request id: r1"
        );
        assert_eq!(mask::code_of(&answer.errors[0]), Some("INTERNAL"));
    }
}
