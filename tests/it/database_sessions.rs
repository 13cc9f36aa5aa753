//! Reads reuse database sessions, according to the database profiler.

use std::collections::BTreeSet;

use bson::Document;

use crate::kit::{self, profiled};

/// Reads one document, and one page.
const READS: [&str; 2] = [
    "{ storefront { name } }",
    "{ storefront { users(first: 2) { nodes { storefrontUserId } } } }",
];

/// Whether a profiler entry is a read of a tenant's collection. Excluded are the gateway's own reads: the lookup of a
/// backend's status by its organization, every few seconds.
fn is_tenants(note: &&Document) -> bool {
    let of = note.get_str("ns").unwrap_or_default();
    let command = note.get_document("command").expect("a command");
    let by_organization = (command.get_document("filter")).is_ok_and(|by| by.contains_key("organizationId"));
    (of.ends_with(".storefronts") || of.ends_with(".storefrontUsers"))
        && !by_organization
        && !command.contains_key("txnNumber")
}

/// The session ids of the profiled reads.
fn sessions(notes: &[Document]) -> Vec<String> {
    let reads = notes.iter().filter(is_tenants);
    reads
        .map(|note| note.get_document("command").expect("a command"))
        .map(|read| {
            let concern = read.get_document("readConcern").expect("a concern");
            assert_eq!(concern.get_str("level").ok(), Some("majority"));
            assert!(
                !concern.contains_key("afterClusterTime"),
                "it waits for another session's reads: {read}"
            );
            read.get_document("lsid").expect("a session").to_string()
        })
        .collect()
}

#[tokio::test]
async fn consecutive_reads_share_a_database_session_without_causal_waits() {
    let shop = kit::shop().await;
    shop.ann("a").await;
    let work = async {
        for read in READS {
            shop.backend.query(read).await;
        }
        shop.ann("b").await;
        for read in READS {
            shop.backend.query(read).await;
        }
    };
    let ((), notes) = profiled(&shop, work).await;
    let sessions = sessions(&notes);
    assert!(sessions.len() >= 4, "{notes:#?}");
    let different: BTreeSet<&String> = sessions.iter().collect();
    assert_eq!(different.len(), 1, "{sessions:?}");
}
