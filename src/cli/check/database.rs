//! Whether the database can be used: its version, that it is a replica set or a cluster, and that it takes writes.

use super::report::Finding;
use super::{DATABASE, explain};
use crate::app::App;
use crate::platform::inspect::Topology;

/// Main versions of MongoDB that the gateway is for.
const VERSIONS: std::ops::RangeInclusive<u32> = 6..=8;

pub(super) async fn check(app: &App) -> Finding {
    let server = match app.database.server().await {
        Ok(server) => server,
        Err(error) => return Finding::fail(DATABASE, explain(&error)),
    };
    let topology = match server.topology {
        Topology::ReplicaSet => "a replica set",
        Topology::Cluster => "a sharded cluster",
        Topology::Standalone => {
            return Finding::fail(
                DATABASE,
                "the MongoDB server is standalone and does not support transactions: make it a replica set, which \
                 can have a single node",
            );
        }
    };
    if let Err(error) = app.database.try_write().await {
        return Finding::fail(
            DATABASE,
            format!(
                "a test write was not acknowledged by a majority of the nodes: {}",
                explain(&error)
            ),
        );
    }
    let version = &server.version;
    let found = format!("MongoDB {version}, {topology}, acknowledges writes by majority");
    match version.split('.').next().and_then(|main| main.parse().ok()) {
        Some(main) if VERSIONS.contains(&main) => Finding::ok(DATABASE, found),
        Some(main) if main < *VERSIONS.start() => Finding::fail(
            DATABASE,
            format!("MongoDB {version} is too old: the gateway requires version 6 to 8"),
        ),
        _ => Finding::warn(
            DATABASE,
            format!("{found}; the gateway is tested with versions 6 to 8 only"),
        ),
    }
}
