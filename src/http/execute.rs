//! Execution of a request: the guard, the executor, the deadline, the masking of errors.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use async_graphql::{
    Request, Response, ServerError, Value, Variables,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::http::StatusCode;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::answer::{Data, GraphqlResponse, NotExecuted, coded};
use super::fault::Fault;
use super::gateway::{Gateway, OperationNames};
use super::mask;
use super::request::Params;
use crate::context::RequestContext;
use crate::error::Error;
use crate::guard::{Cost, Prepared};
use crate::platform::database::counting;
use crate::reach::principal::{CredentialKind, Principal};
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
    let name = operation.name.map(str::to_owned);
    let document = operation.to_run(&variables);
    Ok(Admitted {
        prepared,
        document,
        operation_name,
        variables,
        is_single,
        cost,
        name,
    })
}

/// The result of an execution.
pub(super) struct Executed {
    document: Arc<Prepared>,
    outcome: UnmaskedResponse,
    /// Number of database commands.
    commands: u32,
}

/// A response before its errors are masked.
struct UnmaskedResponse {
    data: Data,
    errors: Vec<ServerError>,
    extensions: BTreeMap<String, Value>,
}

impl UnmaskedResponse {
    /// Joins the executed result with the introspection results.
    fn of(response: Response, reported: Option<Introspection>) -> Self {
        let Response {
            data,
            mut errors,
            extensions,
            ..
        } = response;
        let data = match reported.map(|reported| reported.joined(&data)) {
            None => Data::Values(data),
            Some(Ok(json)) => Data::Introspected(json),
            Some(Err(error)) => {
                errors.push(Error::internal(error).to_server_error());
                Data::Values(Value::Null)
            }
        };
        Self {
            data,
            errors,
            extensions,
        }
    }
}

/// The result of an operation, or its panic.
type OperationEnd = Result<Executed, Box<dyn Any + Send>>;

enum OperationWork {
    Going(Pin<Box<dyn Future<Output = OperationEnd> + Send>>),
    Ended(OperationEnd),
    Taken,
}

/// An operation that runs to its end even if its client disconnects, and that shutdown waits for. The caller that waits
/// for it polls it; if that caller is dropped, the operation gets a task of its own. So the common case needs neither a
/// task nor a switch between threads.
pub(super) struct RunningOperation {
    work: OperationWork,
    name: Option<String>,
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
        let (outcome, commands) = counting(execute(&for_work, admitted, Arc::new(context))).await;
        Executed {
            document,
            outcome,
            commands,
        }
    };
    Ok(RunningOperation {
        work: OperationWork::Going(Box::pin(AssertUnwindSafe(work).catch_unwind())),
        name,
    })
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
        match std::mem::replace(&mut self.work, OperationWork::Taken) {
            OperationWork::Ended(Ok(executed)) => executed.into_answer(request_id),
            OperationWork::Ended(Err(_)) | OperationWork::Going(_) | OperationWork::Taken => {
                // The panic hook has logged the details; a message built here could contain request data.
                tracing::error!(request_id, "GraphQL operation panicked");
                let error = Error::internal("an operation panicked");
                let mut answer = GraphqlResponse::failed(&error, StatusCode::INTERNAL_SERVER_ERROR);
                for error in &mut answer.errors {
                    error.message = super::fault::internal_message(request_id);
                }
                answer
            }
        }
    }

    /// Returns the operation's label in log and metrics.
    pub(super) fn label(&self, names: &OperationNames, principal: &Principal) -> Arc<str> {
        names.label(principal, self.name.as_deref())
    }

    /// Runs the operation to its end, without taking its response.
    pub(super) async fn finished(&mut self) {
        poll_fn(|cx| {
            if let OperationWork::Going(work) = &mut self.work {
                self.work = OperationWork::Ended(ready!(work.as_mut().poll(cx)));
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        // A future of the database driver must not be dropped halfway, nor a mutation left incomplete.
        let OperationWork::Going(work) = std::mem::replace(&mut self.work, OperationWork::Taken) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work.map(|_nobody_waits| ()).in_current_span());
        }
    }
}

impl Executed {
    fn into_answer(self, request_id: &str) -> GraphqlResponse {
        let Self {
            document,
            outcome,
            commands,
        } = self;
        let UnmaskedResponse {
            data,
            mut errors,
            extensions,
        } = outcome;
        mask::mask(&mut errors, request_id);
        GraphqlResponse {
            data: Some(data),
            errors,
            extensions,
            failure: None,
            commands,
            document: Some(document),
        }
    }
}

/// Executes an operation.
async fn execute(gateway: &Gateway, admitted: Admitted, context: Arc<RequestContext>) -> UnmaskedResponse {
    let Admitted {
        mut document,
        operation_name,
        variables,
        cost,
        ..
    } = admitted;
    let reported = (cost.introspection > 0)
        .then(|| Introspection::of(&mut document, operation_name.as_deref(), &variables));
    if reported.as_ref().is_some_and(Introspection::is_all) {
        return UnmaskedResponse::of(Response::default(), reported);
    }
    let mut request = Request::new("").variables(variables).data(context);
    request.set_parsed_query(document);
    request.operation_name = operation_name;
    UnmaskedResponse::of(gateway.schema.execute(request).await, reported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_resolver_says_the_request_id_only() {
        let mut running = RunningOperation {
            work: OperationWork::Going(Box::pin(
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
