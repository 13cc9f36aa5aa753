//! Each block of GraphQL is one document that the gateway accepts.

use storefront_gateway::guard::{Guard, GuardLimits};
use storefront_gateway::schema;

use super::blocks::{Block, Document};

/// Returns the blocks of GraphQL of all documents.
fn blocks() -> Vec<Block> {
    let documents = Document::all();
    let blocks = documents.iter().flat_map(Document::blocks);
    blocks.filter(|block| block.language == "graphql").collect()
}

/// Returns why the gateway refuses a document.
fn problems(text: &str) -> Vec<String> {
    let guard = Guard::new(GuardLimits::default(), schema::cost_model(), schema::rules(true));
    let refused = match guard.read(text) {
        Ok(read) => guard.validate(read).err().unwrap_or_default(),
        Err(refusal) => vec![refusal],
    };
    refused.iter().map(|refusal| format!("{refusal:?}")).collect()
}

#[test]
fn every_graphql_block_is_a_valid_document() {
    let blocks = blocks();
    assert!(blocks.len() > 3, "the blocks were not found");
    let mut against = Vec::new();
    for block in &blocks {
        against.extend(
            problems(&block.text)
                .iter()
                .map(|problem| format!("{block}: {problem}")),
        );
    }
    assert!(against.is_empty(), "{against:#?}");
    assert!(!problems("{ storefront { no } }").is_empty());
}
