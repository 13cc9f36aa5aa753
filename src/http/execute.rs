//! From the parameters to the answer: the guard, the executor, the deadline, the mask.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::task::{Poll, ready};

use async_graphql::{Request, Response, Variables, parser::types::OperationType};
use axum::http::StatusCode;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::answer::{Answer, Denied, coded};
use super::fault::Fault;
use super::gateway::{Gateway, OperationNames};
use super::mask::{self, Stage};
use super::request::Params;
use super::variables;
use crate::access::principal::{Kind, Principal};
use crate::context::RequestContext;
use crate::error::Error;
use crate::guard::{Cost, Prepared};
use crate::platform::database::counting;
use crate::schema::OnValid;

/// Errors of an invalid document that are listed.
const MOST_ERRORS: usize = 100;

/// Which methods an operation came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// For queries only (GraphQL over HTTP, "GET").
    Get,
    Post,
}

/// An operation that the guard has let in.
pub(super) struct Admitted {
    prepared: Arc<Prepared>,
    operation_name: Option<String>,
    variables: Variables,
    variables_fit: bool,
    /// Whether it is validated each time: a mutation, and what asks for the schema, which only the strict one tells.
    always_strict: bool,
    is_single: bool,
    cost: Cost,
    /// The operation's own name.
    name: Option<String>,
}

/// Asks the guard.
///
/// # Errors
/// What it refuses; a mutation by GET; a variable without its value.
pub(super) fn admit(gateway: &Gateway, params: Params, method: Method) -> Result<Admitted, Denied> {
    let Params {
        query,
        operation_name,
        variables,
    } = params;
    let prepared = gateway.guard.prepare(&query)?;
    let operation = prepared.operation(operation_name.as_deref())?;
    match (operation.kind, method) {
        (OperationType::Subscription, _) => {
            let message = "This API has no subscriptions.";
            return Err(coded("GRAPHQL_VALIDATION_FAILED", message).into());
        }
        (OperationType::Mutation, Method::Get) => {
            let message = "A mutation is sent by POST: GET is for queries only.";
            return Err(Fault::method("POST", message).into());
        }
        _ => {}
    }
    let cost = gateway.guard.admit(&operation, &variables)?;
    let variables_fit = variables::check(&prepared, operation.name, &variables)?;
    let is_mutation = operation.kind == OperationType::Mutation;
    let always_strict = is_mutation || cost.introspection > 0;
    let is_single = !is_mutation && operation.is_single();
    let name = operation.name.map(str::to_owned);
    Ok(Admitted {
        operation_name,
        variables,
        variables_fit,
        always_strict,
        is_single,
        cost,
        name,
        prepared,
    })
}

/// What came of an execution.
pub(super) struct Executed {
    response: Response,
    stage: Stage,
    /// Database commands that it took.
    commands: u32,
}

/// What an operation came to, or what it panicked with.
type Ended = Result<Executed, Box<dyn Any + Send>>;

#[expect(
    clippy::large_enum_variant,
    reason = "there is one a request, and it stays where it is"
)]
enum Work {
    Going(Pin<Box<dyn Future<Output = Ended> + Send>>),
    Ended(Ended),
    Taken,
}

/// An operation that comes to its end whatever becomes of its client, and that shutdown waits for. Whoever waits for it
/// drives it; when that one goes away, it gets a task of its own. So the usual case needs neither a task nor the way from
/// one thread to another and back.
pub(super) struct Running {
    work: Work,
    prepared: Arc<Prepared>,
    name: Option<String>,
}

/// Starts an admitted operation once there is room.
///
/// # Errors
/// What only a backend may send; 503 when there was no room until the deadline.
pub(super) async fn start(
    gateway: &Arc<Gateway>,
    mut admitted: Admitted,
    mut context: RequestContext,
    deadline: Instant,
) -> Result<Running, Denied> {
    let identity = context.principal.standing();
    if identity.is_none_or(|identity| identity.kind() != Kind::Integration) {
        admitted.cost.check_for_the_public()?;
    }
    context.is_single = admitted.is_single;
    let (prepared, name) = (Arc::clone(&admitted.prepared), admitted.name.take());
    let room = match Arc::clone(&gateway.running).try_acquire_owned() {
        Ok(room) => room,
        Err(_none) => wait_for_room(gateway, deadline).await?,
    };
    let (for_work, counted) = (Arc::clone(gateway), gateway.app.tasks.token());
    let work = async move {
        let _ends = (room, counted);
        let (mut executed, commands) = counting(execute(&for_work, admitted, Arc::new(context))).await;
        executed.commands = commands;
        executed
    };
    Ok(Running {
        work: Work::Going(Box::pin(AssertUnwindSafe(work).catch_unwind())),
        prepared,
        name,
    })
}

async fn wait_for_room(gateway: &Gateway, deadline: Instant) -> Result<OwnedSemaphorePermit, Denied> {
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

impl Running {
    /// Waits for the answer. When it does not come in time the client is told so, and the work goes on.
    pub(super) async fn answer(&mut self, deadline: Instant, request_id: &str) -> Answer {
        if timeout_at(deadline, self.finished()).await.is_err() {
            return Answer::timed_out();
        }
        match std::mem::replace(&mut self.work, Work::Taken) {
            Work::Ended(Ok(executed)) => executed.into_answer(request_id),
            Work::Ended(Err(_)) | Work::Going(_) | Work::Taken => {
                // The panic hook has told the rest; a message made there may hold what was sent.
                tracing::error!(request_id, "an operation panicked");
                let error = Error::internal("an operation panicked");
                let mut answer = Answer::failed(&error, StatusCode::INTERNAL_SERVER_ERROR);
                for error in &mut answer.errors {
                    error.message = super::fault::internal_message(request_id);
                }
                answer
            }
        }
    }

    /// The operation's label in log and metrics; `None` as long as its document was not found valid, because until then
    /// its name is any text.
    pub(super) fn label(&self, names: &OperationNames, principal: &Principal) -> Option<Arc<str>> {
        self.prepared
            .is_validated()
            .then(|| names.label(principal, self.name.as_deref()))
    }

    /// The document that it is of.
    pub(super) fn document(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    /// Drives the operation to its end, without taking its answer.
    pub(super) async fn finished(&mut self) {
        poll_fn(|cx| {
            if let Work::Going(work) = &mut self.work {
                self.work = Work::Ended(ready!(work.as_mut().poll(cx)));
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A driver's future must not be dropped half-way, nor a mutation left half done.
        let Work::Going(work) = std::mem::replace(&mut self.work, Work::Taken) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work.map(|_nobody_waits| ()).in_current_span());
        }
    }
}

impl Executed {
    fn into_answer(self, request_id: &str) -> Answer {
        let Self {
            response,
            stage,
            commands,
        } = self;
        let Response {
            data,
            mut errors,
            extensions,
            ..
        } = response;
        if stage == Stage::Validation && errors.len() > MOST_ERRORS {
            errors.truncate(MOST_ERRORS);
            let message = format!("Only the first {MOST_ERRORS} errors of the document are listed.");
            errors.push(coded("GRAPHQL_VALIDATION_FAILED", message));
        }
        mask::mask(&mut errors, stage, request_id);
        Answer {
            data: (stage == Stage::Execution).then_some(data),
            errors,
            extensions,
            failure: None,
            commands,
            document: None,
        }
    }
}

/// Runs an operation. A query whose text was found valid before skips the validation.
async fn execute(gateway: &Gateway, admitted: Admitted, context: Arc<RequestContext>) -> Executed {
    let Admitted {
        prepared,
        operation_name,
        mut variables,
        variables_fit,
        always_strict,
        ..
    } = admitted;
    let request = |variables| {
        let mut request = Request::new("").variables(variables).data(Arc::clone(&context));
        request.set_parsed_query(prepared.document().clone());
        request.operation_name = operation_name.clone();
        request
    };
    if prepared.is_validated() && !always_strict {
        let again = (!variables_fit).then(|| variables.clone());
        let response = gateway.schema.execute_validated(request(variables)).await;
        match again {
            // Only strict validation looks at the values of variables before anything runs. A value that does not fit
            // gets its answer, so that a text is answered the same whether or not it was sent before.
            Some(again) if response.errors.iter().any(mask::is_bad_value) => variables = again,
            _ => {
                let stage = Stage::Execution;
                return Executed {
                    response,
                    stage,
                    commands: 0,
                };
            }
        }
    }
    Box::pin(execute_strictly(gateway, &prepared, request(variables))).await
}

/// Validates and runs. What is found valid is kept.
async fn execute_strictly(gateway: &Gateway, prepared: &Arc<Prepared>, request: Request) -> Executed {
    let valid = Arc::new(AtomicBool::new(false));
    let on_valid = {
        let (valid, prepared) = (Arc::clone(&valid), Arc::clone(prepared));
        let guard = gateway.guard.clone();
        OnValid(Box::new(move || {
            guard.keep(&prepared);
            valid.store(true, Ordering::Release);
        }))
    };
    let response = gateway.schema.execute(request, on_valid).await;
    let stage = if valid.load(Ordering::Acquire) {
        Stage::Execution
    } else {
        Stage::Validation
    };
    Executed {
        response,
        stage,
        commands: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{CostModel, Guard, Limits};

    #[tokio::test]
    async fn a_panic_in_a_resolver_says_the_request_id_only() {
        let model = CostModel::from_sdl("type Query { a: Int }", &[]).expect("a schema");
        let prepared = Guard::new(Limits::default(), model)
            .prepare("{ a }")
            .expect("good");
        let mut running = Running {
            work: Work::Going(Box::pin(
                AssertUnwindSafe(async { panic!("s3cret") }).catch_unwind(),
            )),
            prepared,
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
