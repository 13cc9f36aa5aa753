//! Builds the cost model from the SDL, with the cost of the full introspection query.

use async_graphql::parser;

use super::model::{CostModel, ModelError};
use super::{cost, introspection};

impl CostModel {
    /// Reads a schema. `credentials` names the mutations of which a document may contain one, once.
    ///
    /// # Errors
    /// The SDL does not parse, or lacks a mutation that `credentials` names.
    pub fn from_sdl(sdl: &str, credentials: &[&str]) -> Result<Self, ModelError> {
        let document = parser::parse_schema(sdl).map_err(ModelError::Sdl)?;
        let mut model = Self::named(&document);
        model.read_fields(&document);
        model.find_possible_types(&document);
        model.mark_credentials(credentials)?;
        introspection::add(&mut model, &document);
        model.full_introspection = cost::full_introspection(&model);
        Ok(model)
    }
}
