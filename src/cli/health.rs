//! `health`: whether the gateway that runs on this machine is ready, for the health check of a container.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

/// How long the gateway may take to answer.
const LIMIT: Duration = Duration::from_secs(4);

pub(super) async fn run(config: &Config, output: Output) -> Result<(), Failure> {
    let address = on_this_machine(config.http.listen);
    let failure = |error: &dyn std::fmt::Display| {
        Failure::message(format!("the gateway at {address} does not answer: {error}"))
    };
    // The settings of the machine for proxies do not apply to the machine itself.
    let client = Client::builder().no_proxy().timeout(LIMIT).build();
    let client = client.map_err(|error| failure(&error))?;
    let asked = client.get(format!("http://{address}/health/ready")).send().await;
    let status = asked.map_err(|error| failure(&error.without_url()))?.status();
    if status != StatusCode::OK {
        return Err(Failure::message(format!(
            "the gateway at {address} is not ready: it answered {status}"
        )));
    }
    output.result(&json!({ "ready": true }), || "ready".to_owned())
}

/// An address at which a gateway that listens on all addresses can be reached.
fn on_this_machine(listen: SocketAddr) -> SocketAddr {
    let ip = match listen {
        SocketAddr::V4(address) if address.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other.ip(),
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_reached_at_the_machines_own() {
        let asked = |listen: &str| on_this_machine(listen.parse().expect("an address")).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("10.0.0.7:80"), "10.0.0.7:80");
    }
}
