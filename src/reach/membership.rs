//! The customer groups that the caller is a member of, which decide the groups and markets that it reaches.

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Bson, Document, doc};

use super::principal::CredentialKind;
use super::tenant::{Tenant, TenantDocument};
use super::{Confine, Holder, Reach};
use crate::error::Result;
use crate::platform::{
    database::Database,
    id::{CustomerGroupId, StorefrontId},
    loader::{Batch, Loaders},
};

/// A document that lists the customer groups of a person.
pub trait MemberDocument: TenantDocument {
    /// The person's groups; some of them may have been deleted.
    fn groups(&self) -> &[CustomerGroupId];
}

/// A reach with the person's groups, as they were when the request first asked for them.
#[derive(Clone, Debug)]
pub struct GroupReach {
    reach: Reach,
    /// `None` for a backend, which reaches all groups of its storefronts.
    groups: Option<Arc<Vec<CustomerGroupId>>>,
}

impl Database {
    /// Reads the groups of the reach's customer, once per request. Other callers have no groups: a backend's reach
    /// stays unchanged, and a publishable key or a storefront user reaches what is open to everybody; neither costs a
    /// command.
    pub async fn with_groups<M: MemberDocument>(
        &self,
        reach: &Reach,
        loaders: &Loaders,
    ) -> Result<GroupReach> {
        let groups = match reach.identity().kind() {
            CredentialKind::Integration => None,
            CredentialKind::Public | CredentialKind::StorefrontUser => Some(Arc::default()),
            CredentialKind::Customer => {
                let own = loaders.get(reach.scope(), || OwnGroups::<M>(self.open(reach)));
                Some(own.load(()).await?.unwrap_or_default())
            }
        };
        let reach = reach.clone();
        Ok(GroupReach { reach, groups })
    }
}

/// Reads the groups of the only person whose document the reach covers.
struct OwnGroups<M: MemberDocument>(Tenant<M>);

impl<M: MemberDocument> Batch for OwnGroups<M> {
    type Key = ();
    type Value = Vec<CustomerGroupId>;

    async fn load(&self, _own: &[()]) -> Result<HashMap<(), Vec<CustomerGroupId>>> {
        let own = self.0.find_one(doc! {}).await?;
        Ok(own.map(|own| ((), own.groups().to_vec())).into_iter().collect())
    }
}

impl super::sealed::Sealed for GroupReach {}

impl Confine for GroupReach {
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document {
        let (Some(groups), Holder::Group(field) | Holder::Audience(field)) = (&self.groups, holder) else {
            return self.reach.confine(storefront, holder);
        };
        let mut keys: Vec<Bson> = groups.iter().map(Bson::from).collect();
        if matches!(holder, Holder::Audience(_)) {
            keys.extend(self.reach.storefronts().iter().map(Bson::from));
        }
        doc! { storefront: self.reach.storefront_condition(), field: { "$in": keys } }
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.reach.covers(storefront)
    }

    fn scope(&self) -> &str {
        self.reach.scope()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{clock::Timestamp, id::StorefrontUserId, random::Random};
    use crate::reach::principal::{Identity, Person};

    /// Returns a storefront, one of its groups, and the reach of one of its customers.
    fn customer() -> (StorefrontId, CustomerGroupId, Reach) {
        let (now, random) = (Timestamp::from_millis(1), Random::seeded(9));
        let storefront = StorefrontId::fresh(now, &random);
        let identity = Identity {
            storefronts: Arc::from([storefront.clone()]),
            person: Some(Person::of(StorefrontUserId::fresh(now, &random))),
            ..Identity::sample(CredentialKind::Customer)
        };
        let group = CustomerGroupId::fresh(now, &random);
        (storefront, group, Reach::renewed(identity))
    }

    // CLY-15
    #[test]
    fn a_customer_reaches_what_is_everybodys_and_what_their_groups_open() {
        let (storefront, group, reach) = customer();
        let of = |groups: Vec<CustomerGroupId>| GroupReach {
            reach: reach.clone(),
            groups: Some(Arc::new(groups)),
        };
        let (markets, groups) = (Holder::Audience("opensTo"), Holder::Group("_id"));
        let member = of(vec![group.clone()]);
        assert_eq!(
            member.confine("storefrontId", markets),
            doc! { "storefrontId": &storefront, "opensTo": { "$in": [&group, &storefront] } }
        );
        assert_eq!(
            member.confine("storefrontId", groups),
            doc! { "storefrontId": &storefront, "_id": { "$in": [&group] } }
        );
        let nobody = of(Vec::new());
        assert_eq!(
            nobody.confine("storefrontId", markets),
            doc! { "storefrontId": &storefront, "opensTo": { "$in": [&storefront] } }
        );
        // Every other condition is the same as without groups.
        let own = Holder::StorefrontUser("userId");
        assert_eq!(
            member.confine("storefrontId", own),
            reach.confine("storefrontId", own)
        );
    }

    // CLY-15
    #[test]
    fn a_reach_that_knows_no_groups_ends_at_what_is_everybodys() {
        let (storefront, _, reach) = customer();
        assert_eq!(
            reach.confine("storefrontId", Holder::Audience("opensTo")),
            doc! { "storefrontId": &storefront, "opensTo": &storefront }
        );
        let none: [&str; 0] = [];
        assert_eq!(
            reach.confine("storefrontId", Holder::Group("_id")),
            doc! { "storefrontId": &storefront, "_id": { "$in": none } }
        );
    }
}
