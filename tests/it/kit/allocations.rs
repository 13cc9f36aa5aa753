//! What a gateway allocates to answer a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use storefront_gateway::platform::clock::Clock;
use tokio::runtime::{Builder, Runtime};

use super::callers::Shop;

/// How often a request is sent before it is counted, so that caches are filled, and how often it is counted.
const BEFORE: usize = 3;
const COUNTED: usize = 5;

impl Shop {
    /// Returns how many allocations a node with one thread makes to answer each of these queries of the backend, together
    /// with those for its connection. Several answers are counted, and the lowest number is returned, because work in the
    /// background adds to some.
    pub(crate) async fn allocations(&self, queries: Vec<(String, Value)>) -> Vec<u64> {
        let config = self.gateway.config_of_another_node().await;
        let secret = self.backend.credential.clone().expect("a secret");
        let counting = move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            // A monitor would have the driver copy each command and each answer.
            let starting = super::gateway::start(config, Clock::system(), None, None);
            let running = runtime.block_on(starting);
            let count = |(query, variables): &(String, Value)| {
                let body = json!({ "query": query, "variables": variables }).to_string();
                for _ in 0..BEFORE {
                    answer(&runtime, running.address, &secret, &body);
                }
                let counted = (0..COUNTED).map(|_| {
                    let answered =
                        allocation_counter::measure(|| answer(&runtime, running.address, &secret, &body));
                    answered.count_total
                });
                counted.min().expect("counted")
            };
            let counts = queries.iter().map(count).collect();
            runtime.block_on(running.stop());
            counts
        };
        tokio::task::spawn_blocking(counting).await.expect("counted")
    }
}

/// Drives the gateway on this thread until it has answered a request that another thread sends.
fn answer(runtime: &Runtime, address: SocketAddr, secret: &str, body: &str) {
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {secret}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let sent = runtime.spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).expect("connected");
        connection.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains("{\"data\":{"), "{answer}");
    });
    runtime.block_on(sent).expect("answered");
}
