//! Checks the measurements that the other tests rely on.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use crate::kit::{self, Binary, LatencyProbe, Memory, Raw, RawAnswer};

#[tokio::test]
async fn the_kit_measures_memory_processor_time_and_latency() {
    let shop = kit::shop().await;
    let mut binary = Binary::with_descriptors(
        512,
        &shop.gateway,
        &[("GATEWAY_LOG", "warn,storefront_gateway=info")],
    )
    .await;
    let (memory, time): (Memory, _) = (binary.memory(), binary.processor_time());
    assert!(
        memory.resident > 1024 * 1024 && memory.peak >= memory.resident,
        "{memory:?}"
    );
    let probe = LatencyProbe::of(&shop, &binary);
    let answer: RawAnswer = probe
        .assert_served_during(async {
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
            let mut raw = Raw::connect_from(from, binary.address).await;
            assert!(
                raw.send("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                    .await
            );
            let answer = raw.answer().await.expect("an answer");
            raw.closed().await;
            answer
        })
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
    assert!(answer.header("x-request-id").is_some());
    assert!(binary.processor_time() > time, "200 reads take some");
    assert!((10..512).contains(&binary.descriptors()));
    assert!(binary.log().contains("serving at"));
    binary.forget_peak();
    let caller = binary.caller(&shop.backend);
    assert_eq!(
        caller.query("{ __typename }").await,
        json!({ "__typename": "Query" })
    );
    let stream = Raw::connect(binary.address).await.stream;
    assert!(Raw::on(stream).send("GET ").await);
    assert!(binary.is_alive());
    binary.kill();
    assert!(!binary.is_alive());
}
