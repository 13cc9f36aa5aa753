//! A shop on a replica set of three database servers, some of which are killed.

use std::sync::Arc;

use dev_mongod::replica_set::ReplicaSet;

use crate::kit::{self, Setup, Shop};

/// Runs `work` with a shop on three database servers. `purpose` names their directory.
pub(super) async fn on_three_nodes(
    purpose: &str,
    setup: Setup,
    work: impl AsyncFnOnce(&Shop, &mut ReplicaSet),
) {
    let binary = kit::find_server().await;
    let mut set = ReplicaSet::start(3, &kit::scratch(purpose), binary)
        .await
        .expect("started");
    // Shorter than the gateway's default, so that tests without a primary are faster.
    let uri = format!("{}&serverSelectionTimeoutMS=6000", set.uri());
    let shop = setup.on(&uri, "trial").start().await;
    work(&shop, &mut set).await;
    // The gateway stops before its database does.
    let gateway = Arc::clone(&shop.gateway);
    drop(shop);
    assert_eq!(Arc::strong_count(&gateway), 1, "no further handles");
    drop(gateway);
    set.stop().await;
}

/// Kills the primary and returns its number once another one is elected.
pub(super) async fn kill_primary(set: &mut ReplicaSet) -> usize {
    let primary = set.primary().await.expect("a primary");
    set.kill(primary).await;
    set.primary().await.expect("another primary");
    primary
}
