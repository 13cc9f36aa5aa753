//! Customers concurrently register, refresh sessions, reset passwords and change addresses while the database's primary
//! is killed.

mod addresses;
mod registrations;
mod resets;
mod sessions;
mod workload;

use dev_mongod::replica_set::ReplicaSet;
use futures_util::future::{join, join_all};
use futures_util::join;

use self::workload::Workload;
use super::assert_recovered;
use super::three_nodes::{kill_primary, on_three_nodes};
use crate::customers::setup;
use crate::kit::{self, Shop};

/// Mutations that are sent all the time.
const ONGOING: [&str; 4] = [
    "customerRegister",
    "customerTokenRefresh",
    "customerAddressCreate",
    "customerAddressDelete",
];
/// Mutations limited by the number of prepared keys and customers, so that they begin shortly before the primary is
/// killed.
const FEW: [&str; 2] = ["customerPasswordReset", "customerPasswordResetRequest"];

// CST-01, CST-02, TOK-01, SPR-41, SPR-86, SPR-90, ADR-01
#[tokio::test]
async fn a_killed_primary_loses_no_acknowledged_customer_write() {
    on_three_nodes("customers", setup().manual_clock(), customers_lose_nothing).await;
}

async fn customers_lose_nothing(shop: &Shop, set: &mut ReplicaSet) {
    shop.open_account_page().await;
    let forgetful = resets::prepare(shop).await;
    let chains = sessions::prepare(shop).await;
    let books = addresses::prepare(shop).await;
    let workload = Workload::default();
    let all_have = |fields: &[&str], least: &dyn Fn(&str) -> usize| {
        fields
            .iter()
            .all(|field| workload.mutate_ok(field) >= least(field))
    };
    let resets = async {
        kit::eventually("work is under way", async || all_have(&ONGOING, &|_| 3)).await;
        resets::use_keys_and_ask_for_keys(shop, &workload, &forgetful).await
    };
    let killing = async {
        kit::eventually("some keys are used", async || all_have(&FEW, &|_| 5)).await;
        let killed = kill_primary(set).await;
        let before = ONGOING.map(|field| (field, workload.mutate_ok(field)));
        let more = |field: &str| {
            before
                .iter()
                .find(|(known, _)| *known == field)
                .map_or(0, |(_, done)| done + 3)
        };
        kit::eventually("the work continues", async || all_have(&ONGOING, &more)).await;
        workload.end();
        set.restart(killed).await.expect("started again");
    };
    let registrations = join_all((0..3).map(|lane| registrations::register(shop, &workload, lane)));
    let chains = join_all(chains.into_iter().map(|chain| chain.refresh(shop, &workload)));
    let books = join_all(books.into_iter().map(|book| book.mutate(&workload)));
    let work = async { join!(registrations, chains, books, resets) };
    let ((registrations, chains, books, resets), ()) = join(work, killing).await;

    assert!(workload.unanswered() > 0, "no request failed");
    let app = &shop.gateway.app;
    kit::eventually("all that was begun has ended", async || app.tasks.is_empty()).await;
    shop.gateway.store.assert_consistent().await;
    for chain in chains {
        chain.check(shop).await;
    }
    for book in &books {
        book.check(shop).await;
    }
    resets.check(shop, &forgetful).await;
    join_all(registrations.iter().flatten().map(|one| one.check(shop))).await;
    assert_recovered(shop).await;
}
