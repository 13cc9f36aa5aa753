//! GraphQL types of private storage and its items.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, InputObject, Object};
use bson::doc;

use super::data_export::DataExport;
use super::quota::{Totals, quota_of};
use super::store::{CountsOf, ItemsOf, TotalsOf};
use super::{ItemKind, READ, StorageItem, data_export, link};
use crate::context::{GlobalNode, RequestContext};
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    filter::StringFilter,
    id::StorageItemId,
    page::{Connection, Count, PageArgs, Slice, SortOrder},
    scalar::{wire_bytes, wire_count},
};
use crate::reach::{
    Confine, Reach, StorageReach,
    seen::{Seen, Sight},
};
use crate::storefront_user::{
    self, StorefrontUser, node::StorefrontUserNode, private_storage::PrivateStorage,
};

/// Private storage of a storefront user, with the files that the user uploaded or designed.
/// Requires an integration token or client secret with the scope `storage:read`, or the token of this user or of its
/// customer.
#[derive(Description)]
pub struct PrivateStorageNode {
    owner: Seen<StorefrontUser>,
    reach: Reach,
}

impl PrivateStorageNode {
    /// Returns the storage of a user.
    ///
    /// # Errors
    /// FORBIDDEN if the caller may not read storage.
    pub fn of(context: &RequestContext, owner: &Seen<StorefrontUser>) -> Result<Self> {
        Ok(Self {
            reach: owner.sight().reach(&context.principal, &READ)?,
            owner: owner.clone(),
        })
    }

    async fn totals(&self, ctx: &Context<'_>) -> Result<Totals> {
        let context = RequestContext::of(ctx)?;
        let make = || TotalsOf {
            database: context.app.database.clone(),
            reach: self.reach.clone(),
        };
        let loader = context.loader(self.reach.scope(), make);
        let totals = loader.load(self.owner.id.clone()).await?;
        Ok(totals.map(|totals| *totals).unwrap_or_default())
    }
}

#[Object(name = "PrivateStorage", use_type_description)]
impl PrivateStorageNode {
    /// Whether the storage is removed at `expiresAt` unless it is used before: true for an anonymous user, false for a
    /// regular user.
    async fn is_temporary(&self) -> bool {
        self.owner.is_anonymous
    }

    /// Time at which the storage is removed unless it is used before; null for regular and merged users.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.owner.expires_at
    }

    /// Number of items.
    async fn item_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(wire_count(self.totals(ctx).await?.items))
    }

    /// Size of the content of all items, in bytes.
    async fn total_bytes(&self, ctx: &Context<'_>) -> Result<f64> {
        Ok(wire_bytes(self.totals(ctx).await?.bytes))
    }

    /// Largest size that the content of all items may have, in bytes.
    /// By default 1 GiB for a regular user and 100 MiB for an anonymous user. A merge may exceed it. The number of
    /// items is limited to one for each 4 KiB of the quota, or to 1,000 if that is more.
    async fn quota_bytes(&self, ctx: &Context<'_>) -> Result<f64> {
        let limits = &RequestContext::of(ctx)?.app.config.storage;
        Ok(wire_bytes(quota_of(&self.owner, limits)))
    }

    /// Items of the storage, oldest first.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter of the list.")] filter: Option<StorageItemFilter>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<StorageItemNode>> {
        let context = RequestContext::of(ctx)?;
        let owner = self.owner.id.clone();
        // Siblings have equal arguments and share a loader. The order's name, to which cursors are bound, therefore
        // contains the storefront and not the owner.
        let order = SortOrder::by_id(format!("items in {}", self.owner.storefront_id));
        let page = PageArgs::new(first, after, last, before).check(context.app.vault.cursors(), order)?;
        let condition = filter.unwrap_or_default().condition()?;
        let scope = format!("{} {} {condition}", self.reach.scope(), page.key());
        let (database, reach) = (context.app.database.clone(), self.reach.clone());
        let make = || ItemsOf {
            database: database.clone(),
            reach: reach.clone(),
            page,
            condition: condition.clone(),
        };
        let slice = context.loader(&scope, make).load(owner.clone()).await?;
        let slice = slice.map_or_else(Slice::empty, |slice| Slice::clone(&slice));
        let context = Arc::clone(context);
        let count: Count = Box::new(move || {
            let (context, owner) = (Arc::clone(&context), owner.clone());
            let counts = CountsOf {
                database: database.clone(),
                reach: reach.clone(),
                condition: condition.clone(),
            };
            let scope = format!("{} {condition}", reach.scope());
            Box::pin(async move {
                let count = context.loader(&scope, || counts).load(owner).await?;
                Ok(count.map_or(0, |count| *count))
            })
        });
        let node = |item| StorageItemNode::new(self.owner.beside(Arc::new(item)));
        Ok(Connection::new(slice.map(node), count))
    }
}

/// Filter of a list of items. All conditions must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StorageItemFilter {
    /// Kind of the item.
    pub kind: Option<ItemKind>,
    /// Folder of the item, compared exactly; empty for items without a folder.
    pub folder: Option<String>,
    /// Name of the item.
    pub name: Option<StringFilter>,
}

impl StorageItemFilter {
    fn condition(self) -> Result<bson::Document> {
        let Self { kind, folder, name } = self;
        let mut conditions = name.map_or_else(|| Ok(Vec::new()), |name| name.on("name"))?;
        if let Some(kind) = kind {
            conditions.push(doc! { "kind": bson::serialize_to_bson(&kind)? });
        }
        if let Some(folder) = folder {
            conditions.push(doc! { "folder": { "$eq": folder } });
        }
        if conditions.is_empty() {
            return Ok(doc! {});
        }
        Ok(doc! { "$and": conditions })
    }
}

/// A file in a private storage, or the file of a `customerDataExport`.
/// A file in a private storage requires an integration token or client secret with the scope `storage:read`, or the
/// token of its owner or of the owner's customer. The file of a `customerDataExport` requires an integration token or
/// client secret with the scope `customers:read`, or the token of its customer, and is removed after a week.
#[derive(Clone, Description)]
pub struct StorageItemNode {
    document: Seen<StorageItem>,
    /// Time at which the item expires; only exports do.
    expires_at: Option<Timestamp>,
}

impl StorageItemNode {
    fn new(document: Seen<StorageItem>) -> Self {
        Self {
            document,
            expires_at: None,
        }
    }

    /// Returns the node of a data export.
    #[must_use]
    pub fn exported(export: &DataExport, sight: Sight) -> Self {
        Self {
            document: Seen::with(Arc::new(export.item()), sight),
            expires_at: Some(export.expires_at),
        }
    }

    /// Returns the node in the payload of a mutation that `reach` permitted.
    #[must_use]
    pub fn in_payload(document: StorageItem, reach: &Reach) -> Self {
        Self::new(Seen::in_payload(document, reach.clone()))
    }

    /// Returns the time until which a link that is created now is valid.
    fn link_expiry(&self, context: &RequestContext) -> Timestamp {
        let expiry = context.app.clock.now().after(link::LIFETIME);
        self.expires_at
            .map_or(expiry, |expires_at| expires_at.min(expiry))
    }
}

#[Object(name = "StorageItem", use_type_description)]
impl StorageItemNode {
    /// Global id. A merge keeps it.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Storefront user that owns the item.
    /// Requires the scope `storefront_users:read`, or the token of the owner or of its customer; otherwise FORBIDDEN.
    async fn owner(&self, ctx: &Context<'_>) -> Result<StorefrontUserNode> {
        let context = RequestContext::of(ctx)?;
        let sight = self.document.sight();
        let reach = sight.reach(&context.principal, &storefront_user::node::READ)?;
        let storage = &self.document.storage_id;
        let storage = context.by_id::<PrivateStorage>(&reach, storage).await?;
        if let Some(owner) = storage.and_then(|storage| storage.owner_id.clone())
            && let Some(owner) = context.by_id::<StorefrontUser>(&reach, &owner).await?
        {
            return Ok(StorefrontUserNode::seen(self.document.beside(owner)));
        }
        let message = "The item now has another owner, or is being removed.";
        Err(Error::Forbidden(message.to_owned()))
    }

    /// Display name. Several items may have the same name.
    async fn name(&self) -> &str {
        &self.document.name
    }

    /// Folder of the item; empty if it is in no folder.
    async fn folder(&self) -> &str {
        &self.document.folder
    }

    /// Kind of the item.
    async fn kind(&self) -> ItemKind {
        self.document.kind
    }

    /// Content type, detected from the content and not from the name.
    async fn content_type(&self) -> &str {
        &self.document.content_type
    }

    /// Size of the content, in bytes.
    async fn byte_size(&self) -> f64 {
        wire_bytes(self.document.byte_size)
    }

    /// SHA-256 hash of the content, in hexadecimal.
    async fn sha256(&self) -> &str {
        &self.document.sha256
    }

    /// Signed link to the content, valid for ten minutes.
    /// Any caller that has the link may read the content until then. The link supports GET, HEAD, `Range` and
    /// `If-None-Match`.
    async fn url(&self, ctx: &Context<'_>) -> Result<String> {
        let context = RequestContext::of(ctx)?;
        let (app, expiry) = (&context.app, self.link_expiry(context));
        Ok(link::sign(&app.vault, &app.public_url, &self.document.id, expiry))
    }

    /// Time at which the `url` of this response expires.
    async fn url_expires_at(&self, ctx: &Context<'_>) -> Result<Timestamp> {
        let expiry = self.link_expiry(RequestContext::of(ctx)?);
        Ok(Timestamp::from_millis(expiry.seconds() * 1000))
    }

    /// Time of the upload. A merge keeps it.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }

    /// Time at which the name or the folder was last changed; equal to `createdAt` before the first change.
    async fn updated_at(&self) -> Timestamp {
        self.document.updated_at
    }
}

/// Returns the reach into items.
///
/// # Errors
/// Any database error.
pub async fn item_reach(context: &RequestContext, reach: &Reach) -> Result<StorageReach> {
    context.storage_reach::<PrivateStorage>(reach).await
}

impl GlobalNode for StorageItemNode {
    type Id = StorageItemId;

    async fn find(context: &RequestContext, id: &StorageItemId) -> Result<Option<Self>> {
        if let Ok(reach) = context.reach(&READ) {
            let reach = item_reach(context, &reach).await?;
            let found = context.by_id::<StorageItem>(&reach, id).await?;
            if let Some(document) = found {
                return Ok(Some(StorageItemNode::new(Seen::by_policy(document))));
            }
        }
        let Ok(reach) = context.reach(&data_export::READ) else {
            return Ok(None);
        };
        let found = context.by_id::<DataExport>(&reach, id).await?;
        let now = context.app.clock.now();
        let found = found.filter(|export| export.is_valid_at(now));
        Ok(found.map(|export| StorageItemNode::exported(&export, Sight::Policy)))
    }
}
