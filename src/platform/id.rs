//! Ids: a prefix that names the type, `_`, and 26 characters that are time-ordered and unguessable (ULID: 48 bits
//! of milliseconds, 80 random bits, Crockford's base 32).

use std::sync::{Mutex, PoisonError};

use ulid::Ulid;

use super::{clock::Timestamp, random::Random};

/// Length of an id's part after the prefix.
const BODY: usize = 26;

/// A typed id. Its text is the document's `_id` and the GraphQL `ID`.
pub trait Id: Sized + Clone + Eq + std::hash::Hash + Send + Sync + 'static {
    /// The three letters before the `_`.
    const PREFIX: &'static str;

    /// Parses text that has this type's form; `None` for anything else, so that a malformed id is treated as not found.
    fn parse(text: &str) -> Option<Self>;

    /// Returns the text of the id.
    fn as_str(&self) -> &str;
}

/// Returns whether `text` is `prefix_` followed by 26 lower-case characters of the alphabet.
#[must_use]
pub fn has_form(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|body| {
            body.len() == BODY
                && Ulid::from_string(body).is_ok()
                && !body.bytes().any(|b| b.is_ascii_uppercase())
        })
}

/// Returns the text of a new id. Ids created in a later millisecond sort later.
#[must_use]
pub fn fresh(prefix: &str, now: Timestamp, random: &Random) -> String {
    written(prefix, drawn(now, random))
}

fn drawn(now: Timestamp, random: &Random) -> Ulid {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    Ulid::from_parts(millis, random.u128())
}

fn written(prefix: &str, ulid: Ulid) -> String {
    let mut text = format!("{prefix}_{ulid}");
    text.make_ascii_lowercase();
    text
}

/// Creates ids that are strictly increasing, also within a millisecond. Ids of several nodes are ordered by the
/// millisecond only.
#[derive(Debug, Default)]
pub struct Succession(Mutex<Ulid>);

impl Succession {
    pub(crate) fn next(&self, prefix: &str, now: Timestamp, random: &Random) -> String {
        let drawn = drawn(now, random);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // If the clock is set back, the ids keep the last timestamp until it has caught up.
        *last = match last.increment() {
            Some(next) if last.timestamp_ms() >= drawn.timestamp_ms() => next,
            _ => drawn,
        };
        written(prefix, *last)
    }
}

/// Defines types of ids with their prefixes. A domain defines its own ids with it, unless other domains' documents hold
/// them too.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Creates a new id with the time `now`.
            #[must_use]
            pub fn fresh(
                now: $crate::platform::clock::Timestamp,
                random: &$crate::platform::random::Random,
            ) -> Self {
                Self($crate::platform::id::fresh($prefix, now, random))
            }

            /// Creates the next id of a succession, with the time `now`.
            #[must_use]
            pub fn next(
                ids: &$crate::platform::id::Succession,
                now: $crate::platform::clock::Timestamp,
                random: &$crate::platform::random::Random,
            ) -> Self {
                Self(ids.next($prefix, now, random))
            }
        }

        impl $crate::platform::id::Id for $name {
            const PREFIX: &'static str = $prefix;
            fn parse(text: &str) -> Option<Self> {
                $crate::platform::id::has_form(text, $prefix).then(|| Self(text.to_owned()))
            }
            fn as_str(&self) -> &str { &self.0 }
        }

        // Only the text: an id is not personal data, and its prefix names the type.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
        impl From<$name> for bson::Bson {
            fn from(id: $name) -> Self { Self::String(id.0) }
        }
    )*};
}

pub(crate) use ids;

// `node(id:)` dispatches on the prefixes.
ids! {
    /// An organization, which owns storefronts.
    OrganizationId = "org";
    /// A member of an organization, who may own backend tokens.
    MemberId = "mem";
    /// A storefront.
    StorefrontId = "sto";
    /// An API client: a publishable key or a client secret.
    ApiClientId = "cli";
    /// A storefront user.
    StorefrontUserId = "sfu";
    /// A private storage.
    StorageId = "stg";
    /// An item of a private storage.
    StorageItemId = "itm";
    /// A customer.
    CustomerId = "cus";
    /// A customer's session.
    SessionId = "ses";
    /// A customer's address.
    AddressId = "adr";
    /// An order.
    OrderId = "ord";
    /// A custom field's definition.
    CustomFieldId = "cfd";
    /// A guard of a storefront's custom fields.
    CustomFieldGuardId = "cfg";
    /// A customer group.
    CustomerGroupId = "grp";
    /// A market.
    MarketId = "mkt";
    /// An identity provider.
    IdentityProviderId = "idp";
    /// The link between an identity provider's subject and a customer.
    IdentityId = "idn";
    /// A job.
    JobId = "job";
    /// An entry of the audit trail.
    AuditEntryId = "aud";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_keep_their_form() {
        let random = Random::seeded(7);
        let early = StorefrontId::fresh(Timestamp::from_millis(1_000), &random);
        let late = StorefrontId::fresh(Timestamp::from_millis(1_001), &random);
        assert!(early < late);
        assert_eq!(StorefrontId::parse(early.as_str()), Some(early.clone()));
        let other_type = StorefrontUserId::parse(early.as_str());
        assert_eq!(other_type, None);
        assert_eq!(StorefrontId::parse(&early.as_str().to_uppercase()), None);
        assert_eq!(StorefrontId::parse("sto_$gt"), None);
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader() {
        let id = StorefrontId::fresh(Timestamp::from_millis(1_000), &Random::seeded(7));
        crate::fuzz::each_text(16, &[id.as_str()], |text| {
            if let Some(read) = StorefrontId::parse(text) {
                assert_eq!(read.as_str(), text);
            }
        });
    }

    #[test]
    fn ids_in_succession_keep_their_order_within_a_millisecond() {
        let (random, ids) = (Random::seeded(7), Succession::default());
        let at = [1_000, 1_000, 1_000, 1_001, 999, 1_002];
        let made = at.map(|millis| AuditEntryId::next(&ids, Timestamp::from_millis(millis), &random));
        assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
        let later = AuditEntryId::fresh(Timestamp::from_millis(1_003), &random);
        assert!(made[5] < later && made[2] > AuditEntryId::fresh(Timestamp::from_millis(999), &random));
    }
}
