//! From the parameters to the answer: the guard, the executor in a task of its own, the deadline, the mask.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::{Request, Response, Variables, parser::types::OperationType};
use axum::http::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::answer::{Answer, Denied, coded};
use super::fault::Fault;
use super::gateway::{Gateway, OperationNames};
use super::mask::{self, Stage};
use super::request::Params;
use super::variables;
use crate::context::RequestContext;
use crate::error::Error;
use crate::guard::Prepared;
use crate::platform::database::counting;
use crate::schema::OnValid;

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
    is_mutation: bool,
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
    gateway.guard.admit(&operation, &variables)?;
    variables::check(&prepared, operation.name, &variables)?;
    let is_mutation = operation.kind == OperationType::Mutation;
    let name = operation.name.map(str::to_owned);
    Ok(Admitted {
        operation_name,
        variables,
        is_mutation,
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

/// An operation that runs in a task of its own: a client that goes away leaves no half of it, and shutdown waits for it.
pub(super) struct Running {
    task: JoinHandle<Executed>,
    ended: CancellationToken,
    prepared: Arc<Prepared>,
    name: Option<String>,
}

/// Starts an admitted operation once there is room.
///
/// # Errors
/// 503 when there was none until the deadline.
pub(super) async fn start(
    gateway: &Arc<Gateway>,
    mut admitted: Admitted,
    context: RequestContext,
    deadline: Instant,
) -> Result<Running, Denied> {
    let (prepared, name) = (Arc::clone(&admitted.prepared), admitted.name.take());
    let room = Arc::clone(&gateway.running).acquire_owned();
    let Ok(Ok(room)) = timeout_at(deadline, room).await else {
        return Err(Fault::unavailable("The gateway is busy; please try again shortly.").into());
    };
    let for_task = Arc::clone(gateway);
    let ended = CancellationToken::new();
    let on_end = ended.clone().drop_guard();
    // Boxed once: the task's wrappers would move a future of this size several times.
    let run = Box::pin(async move {
        let _ends = (on_end, room);
        let (mut executed, commands) = counting(execute(&for_task, admitted, Arc::new(context))).await;
        executed.commands = commands;
        executed
    });
    Ok(Running {
        task: gateway.app.tasks.spawn(run.in_current_span()),
        ended,
        prepared,
        name,
    })
}

impl Running {
    /// Waits for the answer. When it does not come in time the client is told so, and the work goes on.
    pub(super) async fn answer(&mut self, deadline: Instant, request_id: &str) -> Answer {
        match timeout_at(deadline, &mut self.task).await {
            Ok(Ok(executed)) => executed.into_answer(request_id),
            Ok(Err(panic)) => {
                // The panic hook has told the rest; a message made there may hold what was sent.
                tracing::error!(
                    request_id,
                    panicked = panic.is_panic(),
                    "an operation's task ended early"
                );
                let error = Error::internal("an operation's task ended early");
                let mut answer = Answer::failed(&error, StatusCode::INTERNAL_SERVER_ERROR);
                for error in &mut answer.errors {
                    error.message = super::fault::internal_message(request_id);
                }
                answer
            }
            Err(_elapsed) => Answer::timed_out(),
        }
    }

    /// The operation's label in log and metrics; `None` as long as its document was not found valid, because until then
    /// its name is any text.
    pub(super) fn label(&self, names: &OperationNames) -> Option<Arc<str>> {
        self.prepared
            .is_validated()
            .then(|| names.label(self.name.as_deref()))
    }

    /// Waits until the operation has come to its end, without taking its answer.
    pub(super) async fn finished(&self) {
        self.ended.cancelled().await;
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
        mask::mask(&mut errors, stage, request_id);
        Answer {
            data: (stage == Stage::Execution).then_some(data),
            errors,
            extensions,
            failure: None,
            commands,
        }
    }
}

/// Runs an operation. A query whose text was found valid before skips the validation.
async fn execute(gateway: &Gateway, admitted: Admitted, context: Arc<RequestContext>) -> Executed {
    let Admitted {
        prepared,
        operation_name,
        mut variables,
        is_mutation,
        ..
    } = admitted;
    let request = |variables| {
        let mut request = Request::new("").variables(variables).data(Arc::clone(&context));
        request.set_parsed_query(prepared.document().clone());
        request.operation_name = operation_name.clone();
        request
    };
    if prepared.is_validated() && !is_mutation {
        let again = (!variables.is_empty()).then(|| variables.clone());
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
            task: tokio::spawn(async { panic!("s3cret") }),
            ended: CancellationToken::new(),
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
