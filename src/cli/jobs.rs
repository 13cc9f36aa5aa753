//! `jobs`.

use serde_json::{Value, json};

use super::arguments::JobsCommand;
use super::failure::Failure;
use super::output::Output;
use crate::app::App;
use crate::platform::{
    clock::Timestamp,
    job::{Job, JobState},
};

pub(super) async fn run(command: JobsCommand, app: &App, output: Output) -> Result<(), Failure> {
    match command {
        JobsCommand::List { dead } => list(dead, app, output).await,
        JobsCommand::Retry { id } => retry(&id, app, output).await,
    }
}

async fn list(dead: bool, app: &App, output: Output) -> Result<(), Failure> {
    let state = dead.then_some(JobState::Dead);
    let none = if dead {
        "No job has failed permanently."
    } else {
        "All jobs are completed."
    };
    output.list(
        &app.queue.list(state).await?,
        as_json,
        &["ID", "KIND", "STATE", "DUE", "ATTEMPTS", "FAILURE"],
        cells,
        none,
    )
}

async fn retry(id: &str, app: &App, output: Output) -> Result<(), Failure> {
    if !app.queue.retry(id).await? {
        return Err(Failure::message(format!(
            "no waiting or permanently failed job has the id {id}: `storefront-gateway jobs list` lists jobs that are \
             not completed"
        )));
    }
    output.result(&json!({ "id": id }), || {
        format!(
            "The job {id} is due now. A gateway that runs jobs (GATEWAY_JOBS=on) starts it within 5 seconds."
        )
    })
}

fn as_json(job: &Job) -> Value {
    let Job {
        id,
        kind,
        payload: _,
        state,
        due,
        claim: _,
        attempts,
        failure,
        created_at,
        finished_at: _,
    } = job;
    json!({
        "id": id,
        "kind": kind,
        "state": state_word(*state),
        "due": due.map(Timestamp::rfc3339),
        "attempts": attempts,
        "failure": failure,
        "createdAt": created_at.rfc3339(),
    })
}

fn cells(job: &Job) -> Vec<String> {
    vec![
        job.id.clone(),
        job.kind.clone(),
        state_word(job.state).to_owned(),
        job.due.map(Timestamp::rfc3339).unwrap_or_default(),
        job.attempts.to_string(),
        job.failure.clone().unwrap_or_default(),
    ]
}

fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Dead => "dead",
    }
}
