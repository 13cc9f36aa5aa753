//! Reads borrow sessions: what the database itself says of them.

use std::collections::BTreeSet;

use bson::Document;

use crate::kit::{self, profiled};

/// A read of one document, and a page.
const READS: [&str; 2] = [
    "{ storefront { name } }",
    "{ storefront { users(first: 2) { nodes { storefrontUserId } } } }",
];

/// The sessions of the reads outside of transactions among the commands.
fn sessions(notes: &[Document]) -> Vec<String> {
    let commands = notes
        .iter()
        .map(|note| note.get_document("command").expect("a command"));
    let reads = commands.filter(|command| !command.contains_key("txnNumber"));
    reads
        .map(|read| {
            let concern = read.get_document("readConcern").expect("a concern");
            assert_eq!(concern.get_str("level").ok(), Some("majority"));
            assert!(
                !concern.contains_key("afterClusterTime"),
                "it waits for what another's read has seen: {read}"
            );
            read.get_document("lsid").expect("a session").to_string()
        })
        .collect()
}

#[tokio::test]
async fn reads_one_after_the_other_share_a_session_and_wait_for_nothing_that_it_saw() {
    let shop = kit::shop().await;
    shop.ann("a").await;
    let work = async {
        for read in READS {
            shop.backend.ask(read).await;
        }
        shop.ann("b").await;
        for read in READS {
            shop.backend.ask(read).await;
        }
    };
    let ((), notes) = profiled(&shop, work).await;
    let finds: Vec<Document> = notes
        .into_iter()
        .filter(|note| {
            let of = note.get_str("ns").unwrap_or_default();
            of.ends_with(".storefronts") || of.ends_with(".storefrontUsers")
        })
        .collect();
    let sessions = sessions(&finds);
    assert!(sessions.len() >= 6, "{finds:#?}");
    let different: BTreeSet<&String> = sessions.iter().collect();
    assert_eq!(different.len(), 1, "{sessions:?}");
}
