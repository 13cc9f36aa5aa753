//! The GraphQL node of notes, and the notes of a customer.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::{CustomerNote, CustomerNoteId, READ};
use crate::context::{GlobalNode, RequestContext, behind::Behind};
use crate::customer::Customer;
use crate::error::Result;
use crate::organization::actor::ActorNode;
use crate::platform::{
    clock::Timestamp,
    page::{Connection, PageArgs, SortOrder},
};
use crate::reach::{Reach, seen::Seen};
use crate::read::direct::{DirectObject, ObjectShape, fields, level::ListOf};

/// A note of the store's staff about a customer.
/// Requires an integration token or client secret with the scope `customers:read`.
#[derive(Clone, Description)]
pub struct CustomerNoteNode {
    note: Arc<CustomerNote>,
    /// The caller's reach, for the name of the author.
    reach: Reach,
}

impl CustomerNoteNode {
    /// The node of a note that a back end reads or has written with this reach.
    #[must_use]
    pub fn new(note: Arc<CustomerNote>, reach: Reach) -> Self {
        Self { note, reach }
    }
}

fields! {
    /// The fields of a note that its document contains.
    CustomerNoteFields of CustomerNote {
        /// Text of the note, which may have several lines.
        text: &str = "text" => |note| &note.text;

        /// Time at which the note was written.
        created_at: Timestamp = "createdAt" => |note| note.created_at;
    }
}

/// The list of the notes about a customer.
pub const NOTES: ListOf<Customer, CustomerNote> = ListOf {
    name: "notes",
    item: CustomerNoteNode::OBJECT,
    policy: READ,
    order: newest_first,
    of: PhantomData,
};

impl DirectObject for CustomerNoteNode {
    const OBJECT: ObjectShape = ObjectShape {
        name: "CustomerNote",
        fields: &[CustomerNoteFields::stored],
        lists: &[],
    };
}

#[Object(name = "CustomerNote", use_type_description)]
impl CustomerNoteNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.note.id)
    }

    #[graphql(flatten)]
    async fn stored(&self) -> CustomerNoteFields<'_> {
        CustomerNoteFields(&self.note)
    }

    /// Author of the note: the owner of the integration token, otherwise the API client.
    async fn author(&self, ctx: &Context<'_>) -> Result<ActorNode> {
        ActorNode::of(RequestContext::of(ctx)?, &self.reach, &self.note.author).await
    }
}

impl GlobalNode for CustomerNoteNode {
    type Id = CustomerNoteId;

    async fn find(context: &RequestContext, id: &CustomerNoteId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let found = context.by_id::<CustomerNote>(&reach, id).await?;
        Ok(found.map(|note| Self::new(note, reach)))
    }
}

/// Returns a page of a customer's notes, the newest first; `None` for callers that may not read notes, so that a customer
/// does not learn whether there are any. One command reads the notes of all customers of a level.
///
/// # Errors
/// `BAD_USER_INPUT` for invalid page arguments.
pub async fn notes_of_customer(
    context: &Arc<RequestContext>,
    customer: &Seen<Customer>,
    page: &PageArgs,
) -> Result<Option<Connection<CustomerNoteNode>>> {
    let Ok(reach) = context.reach(&READ) else {
        return Ok(None);
    };
    let behind = Behind {
        context,
        parent: &**customer,
    };
    let node = |note: Arc<CustomerNote>| CustomerNoteNode::new(note, reach.clone());
    let notes = behind.list_by(&reach, &reach, page, newest_first, node).await?;
    Ok(Some(notes))
}

fn newest_first(name: String) -> SortOrder {
    SortOrder {
        descending: true,
        ..SortOrder::by_id(name)
    }
}
