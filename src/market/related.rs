//! Relations between customers, groups and markets: a customer is in groups, and groups open markets.

use bson::{Bson, doc};

use super::{CustomerGroup, Market};
use crate::customer::Customer;
use crate::read::related::{Leads, Listed};

impl Listed for CustomerGroup {}

impl Listed for Market {}

impl Leads<CustomerGroup> for Customer {
    const FIELD: &'static str = "_id";

    fn keys() -> Bson {
        // A missing list would match documents without the field.
        doc! { "$ifNull": ["$groupIds", []] }.into()
    }
}

impl Leads<Market> for Customer {
    const FIELD: &'static str = "opensTo";

    fn keys() -> Bson {
        doc! { "$concatArrays": [["$storefrontId"], { "$ifNull": ["$groupIds", []] }] }.into()
    }
}

impl Leads<Customer> for CustomerGroup {
    const FIELD: &'static str = "groupIds";

    fn keys() -> Bson {
        "$_id".into()
    }
}

impl Leads<Market> for CustomerGroup {
    const FIELD: &'static str = "opensTo";

    fn keys() -> Bson {
        "$_id".into()
    }
}

impl Leads<CustomerGroup> for Market {
    const FIELD: &'static str = "_id";

    fn keys() -> Bson {
        "$opensTo".into()
    }
}
