//! Database access for organizations and members, which belong to no storefront.

use std::collections::HashMap;

use bson::{Bson, doc};
use futures_util::TryStreamExt;
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::platform::{
    clock::{Clock, Timestamp},
    database::{Database, Index, IndexKind, encode},
    id::{MemberId, OrganizationId},
    loader::Batch,
    random::Random,
    stored::{Stored, all_free},
};

/// An organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Id.
    #[serde(rename = "_id")]
    pub id: OrganizationId,
    /// Display name.
    pub name: String,
    /// When an operator created it.
    pub created_at: Timestamp,
}

/// A member of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Id.
    #[serde(rename = "_id")]
    pub id: MemberId,
    /// The organization of the member.
    pub organization_id: OrganizationId,
    /// Display name.
    pub name: String,
    /// E-mail address, if the operator set one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// When an operator added the member.
    pub created_at: Timestamp,
}

const ORGANIZATIONS: &str = "organizations";
const MEMBERS: &str = "members";

/// Indexes of members.
pub const INDEXES: &[Index] = &[Index::new(
    MEMBERS,
    "organization",
    &[("organizationId", 1), ("_id", 1)],
    IndexKind::Plain,
)];

/// Stored fields.
pub const STORED: &[Stored] = &[
    Stored {
        collection: ORGANIZATIONS,
        fields: &all_free(["_id", "name", "createdAt"]),
    },
    Stored {
        collection: MEMBERS,
        fields: &all_free(["_id", "organizationId", "name", "email", "createdAt"]),
    },
];

/// Reads and writes organizations and members.
#[derive(Clone)]
pub struct Organizations {
    database: Database,
    clock: Clock,
    random: Random,
}

impl Organizations {
    /// Uses the organizations and members of this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random) -> Self {
        Self {
            database,
            clock,
            random,
        }
    }

    fn organizations(&self) -> Collection<Organization> {
        self.database.internal(ORGANIZATIONS)
    }

    fn members(&self) -> Collection<Member> {
        self.database.internal(MEMBERS)
    }

    /// Creates an organization.
    pub async fn create(&self, name: &str) -> Result<Organization> {
        let now = self.clock.now();
        let organization = Organization {
            id: OrganizationId::fresh(now, &self.random),
            name: name.to_owned(),
            created_at: now,
        };
        self.organizations().insert_one(&organization).await?;
        Ok(organization)
    }

    /// Returns the organization with this id.
    pub async fn find(&self, id: &OrganizationId) -> Result<Option<Organization>> {
        Ok(self.organizations().find_one(doc! { "_id": id }).await?)
    }

    /// Returns whether there is any organization; a database without one is empty.
    pub async fn any(&self) -> Result<bool> {
        Ok(self.organizations().find_one(doc! {}).await?.is_some())
    }

    /// Adds a member.
    pub async fn add_member(
        &self,
        organization: &OrganizationId,
        name: &str,
        email: Option<&str>,
    ) -> Result<Member> {
        let now = self.clock.now();
        let member = Member {
            id: MemberId::fresh(now, &self.random),
            organization_id: organization.clone(),
            name: name.to_owned(),
            email: email.map(str::to_owned),
            created_at: now,
        };
        self.members().insert_one(&member).await?;
        Ok(member)
    }

    /// Creates an organization and a member under given ids, unless they exist already. The demo can be interrupted at
    /// any point and continues at the next start.
    pub async fn ensure(&self, organization: &Organization, member: &Member) -> Result<()> {
        ensure(self.organizations(), organization).await?;
        ensure(self.members(), member).await
    }

    /// Returns the member of this organization with this id.
    pub async fn find_member(&self, organization: &OrganizationId, id: &MemberId) -> Result<Option<Member>> {
        let named = doc! { "_id": id, "organizationId": organization };
        Ok(self.members().find_one(named).await?)
    }
}

/// Inserts a document unless its id exists.
async fn ensure<T: Serialize + Send + Sync>(collection: Collection<T>, document: &T) -> Result<()> {
    let mut fields = encode(document)?;
    let named = doc! { "_id": fields.remove("_id") };
    let absent = doc! { "$setOnInsert": fields };
    collection.update_one(named, absent).upsert(true).await?;
    Ok(())
}

/// Reads members of an organization by their ids, one level of a query per batch.
pub struct MembersOf {
    /// The store to read from.
    pub organizations: Organizations,
    /// The organization of the members.
    pub organization: OrganizationId,
}

impl Batch for MembersOf {
    type Key = MemberId;
    type Value = Member;

    async fn load(&self, ids: &[MemberId]) -> Result<HashMap<MemberId, Member>> {
        let ids: Vec<Bson> = ids.iter().map(Bson::from).collect();
        let named = doc! { "_id": { "$in": ids }, "organizationId": &self.organization };
        let members = self.organizations.members().find(named).await?;
        let by_id = members.map_ok(|member| (member.id.clone(), member));
        Ok(by_id.try_collect().await?)
    }
}
