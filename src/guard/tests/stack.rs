//! Checks that no document that passes the scan exhausts a worker's stack, not even in an unoptimised build.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, ValidationMode};

use super::{super::RefusalKind, *};

/// Stack size of a thread of tokio's runtime, in bytes.
const WORKER_STACK: usize = 2 * 1024 * 1024;

struct Query;

#[Object]
impl Query {
    async fn itself(&self) -> Query {
        Query
    }

    async fn echo(&self, value: Option<async_graphql::Json<serde_json::Value>>) -> bool {
        value.is_some()
    }
}

/// Runs on a thread with a worker's stack, less the part that a server uses before it calls the guard.
fn on_a_worker(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(WORKER_STACK - 512 * 1024);
    let running = thread.spawn(work).expect("a thread starts");
    running.join().expect("the work ends");
}

fn deepest() -> GuardLimits {
    GuardLimits {
        nesting: GuardLimits::SAFE_NESTING,
        depth: GuardLimits::SAFE_NESTING,
        ..GuardLimits::default()
    }
}

/// Documents as deep as an operator may allow.
fn deep_documents() -> Vec<String> {
    let depth = GuardLimits::SAFE_NESTING;
    let wrap = |open: &str, inner: &str, close: &str, times: usize| {
        open.repeat(times) + inner + &close.repeat(times)
    };
    vec![
        wrap("{itself", "", "}", depth).replace("itself}", "echo}"),
        wrap("{...", "{echo}", "}", depth - 1),
        wrap("{...on Query", "{echo}", "}", depth - 1),
        format!("{{echo(value:{})}}", wrap("[", "1", "]", depth - 2)),
        format!("{{echo(value:{})}}", wrap("{a:", "1", "}", depth - 2)),
        format!("query($a:Int={}){{echo}}", wrap("[", "1", "]", depth - 1)),
        format!("query($a:{}){{echo(value:$a)}}", wrap("[", "Int", "]", depth - 1)),
        format!("{{echo@skip(if:{})}}", wrap("[", "1", "]", depth - 2)),
        format!(
            "{{...A}}fragment A on Query{}",
            wrap("{...", "{echo}", "}", depth - 2)
        ),
    ]
}

#[test]
fn the_deepest_documents_are_parsed_measured_run_and_dropped() {
    on_a_worker(|| {
        let sdl = Schema::new(Query, EmptyMutation, EmptySubscription).sdl();
        let model = CostModel::from_sdl(&sdl, &[]).expect("the schema is sound");
        let rules = Rules::from_sdl(&sdl, &[], true).expect("the schema is sound");
        let guard = Guard::new(deepest(), model, rules);
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .limit_recursive_depth(GuardLimits::SAFE_NESTING)
            .validation_mode(ValidationMode::Fast)
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime starts");
        for text in deep_documents() {
            let prepared = match guard.prepare(&text) {
                Ok(prepared) => prepared,
                // Validation, too, recurses to the end first.
                Err(refusals) => {
                    let is_limit = |refusal: &Refusal| refusal.kind == RefusalKind::Limit;
                    assert!(!refusals.iter().any(is_limit), "{text}: {refusals:?}");
                    assert!(
                        !text.starts_with('{') || text.contains("@skip"),
                        "{text}: {refusals:?}"
                    );
                    continue;
                }
            };
            let operation = prepared.operation(None).expect("one operation");
            let none = Variables::default();
            guard.admit(&operation, &none).expect("it is cheap");
            let mut request = Request::new("");
            request.set_parsed_query(operation.to_run(&none));
            let response = runtime.block_on(schema.execute(request));
            assert!(response.is_ok(), "{text}: {response:?}");
        }
    });
}

#[test]
fn what_breaks_off_deep_inside_is_refused() {
    on_a_worker(|| {
        let guard = Guard::new(deepest(), model(), rules());
        let depth = GuardLimits::SAFE_NESTING;
        for (start, open) in [
            ("", "{a"),
            ("", "{..."),
            ("{a(b:", "["),
            ("{a(b:", "{c:"),
            ("query($a:", "["),
            ("query($a:I=", "["),
        ] {
            let opened = start.matches(['{', '(']).count();
            let text = start.to_owned() + &open.repeat(depth - opened);
            assert!(guard.prepare(&text).is_err(), "{text}");
            assert!(guard.prepare(&(text.clone() + "%")).is_err(), "{text}");
            assert!(guard.prepare(&(text + "\"\"\" [[[[")).is_err());
        }
    });
}
