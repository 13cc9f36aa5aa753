//! Tests of pages and their filters.

use bson::{Bson, doc};

use super::*;
use crate::platform::{crypto::Vault, secret::MasterKey};

fn key() -> CursorKey {
    let vault = Vault::new(&MasterKey::from_bytes([7; 32])).expect("a good key");
    vault.cursors().clone()
}

fn args(first: Option<i32>, last: Option<i32>, after: Option<&str>, before: Option<&str>) -> PageArgs {
    PageArgs {
        first,
        last,
        after: after.map(str::to_owned),
        before: before.map(str::to_owned),
    }
}

#[test]
fn a_wrong_combination_is_an_error_never_a_silent_clamp() {
    let order = || SortOrder::by_id("users");
    for (first, last) in [
        (Some(0), None),
        (Some(101), None),
        (Some(-1), None),
        (None, Some(0)),
        (Some(1), Some(1)),
    ] {
        assert!(
            args(first, last, None, None).check(&key(), order()).is_err(),
            "{first:?} {last:?}"
        );
    }
    assert_eq!(
        args(None, None, None, None)
            .check(&key(), order())
            .expect("fine")
            .limit(),
        26
    );
}

#[test]
fn a_cursor_belongs_to_its_list() {
    let order = SortOrder::by_id("users of a");
    let page = args(Some(1), None, None, None)
        .check(&key(), order.clone())
        .expect("fine");
    let slice = page.cut(vec!["x1", "x2"], |row| ((*row).into(), (*row).into()));
    assert!(slice.has_next && !slice.has_previous);
    let cursor = slice.rows[0].0.write().expect("short");
    let cursor = cursor.as_str();
    let next = args(Some(1), None, Some(cursor), None)
        .check(&key(), order.clone())
        .expect("its own");
    assert_eq!(next.filter(), doc! { "_id": { "$gt": "x1" } });
    assert!(
        args(Some(1), None, Some(cursor), None)
            .check(&key(), SortOrder::by_id("users of b"))
            .is_err()
    );
    assert!(
        args(Some(1), None, Some("!"), None)
            .check(&key(), order.clone())
            .is_err()
    );
    assert!(
        args(None, Some(1), Some(cursor), None)
            .check(&key(), order)
            .is_err(),
        "after goes with first"
    );
}

#[test]
fn rows_without_a_value_stand_before_all_others() {
    let order = |descending| SortOrder {
        name: "customers".to_owned(),
        field: "lastName",
        values: Values::Optional,
        descending,
    };
    let behind = |value: Bson, descending| {
        let page = args(Some(1), None, None, None)
            .check(&key(), order(descending))
            .expect("fine");
        let slice = page.cut(vec![()], |()| (value.clone(), "x1".into()));
        let cursor = slice.rows[0].0.write().expect("short");
        let next = args(Some(1), None, Some(&cursor), None);
        next.check(&key(), order(descending)).expect("its own").filter()
    };
    assert_eq!(
        behind(Bson::Null, false),
        doc! { "$or": [{ "lastName": { "$ne": null } }, { "lastName": null, "_id": { "$gt": "x1" } }] }
    );
    assert_eq!(
        behind(Bson::Null, true),
        doc! { "lastName": null, "_id": { "$lt": "x1" } }
    );
    assert_eq!(
        behind("Ng".into(), false),
        doc! {
            "lastName": { "$gte": "Ng" },
            "$or": [{ "lastName": { "$gt": "Ng" } }, { "lastName": "Ng", "_id": { "$gt": "x1" } }],
        }
    );
    assert_eq!(
        behind("Ng".into(), true),
        doc! {
            "lastName": { "$not": { "$gt": "Ng" } },
            "$or": [
                { "lastName": { "$lt": "Ng" } }, { "lastName": "Ng", "_id": { "$lt": "x1" } }, { "lastName": null },
            ],
        }
    );
}

#[test]
fn a_backward_page_keeps_the_lists_order() {
    let page = args(None, Some(2), None, None)
        .check(&key(), SortOrder::by_id("users"))
        .expect("fine");
    assert_eq!(page.sort(), doc! { "_id": -1 });
    let slice = page.cut(vec![3_i64, 2, 1], |row| ((*row).into(), (*row).into()));
    assert_eq!(slice.rows.iter().map(|row| row.1).collect::<Vec<_>>(), [2, 3]);
    assert!(slice.has_previous && !slice.has_next);
}

fn optional(field: &'static str) -> SortOrder {
    SortOrder {
        name: "customers of sto_1".to_owned(),
        field,
        values: Values::Optional,
        descending: false,
    }
}

fn cursor_of(order: &SortOrder, value: &Bson, id: &str) -> Result<String> {
    let page = args(Some(1), None, None, None).check(&key(), order.clone())?;
    let slice = page.cut(vec![()], |()| (value.clone(), id.into()));
    slice.rows[0].0.write()
}

const ID: &str = "cus_01JDNZ6V6M5QJ4R9T8K3W2X1Y0";

// DEF-01
#[test]
fn a_cursor_round_trips_and_is_at_most_1_kib() {
    let order = optional("lastName");
    let longest = "\u{10348}".repeat(MAX_TEXT / 4);
    for value in [
        Bson::Null,
        "".into(),
        "O’Hara\0".into(),
        longest.into(),
        Bson::DateTime(bson::DateTime::from_millis(i64::MIN)),
        Bson::Int64(i64::MAX),
    ] {
        let cursor = cursor_of(&order, &value, ID).expect("a cursor");
        assert!(cursor.len() <= MAX_CURSOR, "{} characters", cursor.len());
        let of = Signed {
            order: order.clone(),
            key: key(),
        };
        assert_eq!(
            Position::read(&cursor, &of),
            Some(Position(vec![value, ID.into()]))
        );
    }
    for value in [
        Bson::from("x".repeat(MAX_TEXT + 1)),
        Bson::Int32(1),
        doc! {}.into(),
    ] {
        assert!(cursor_of(&order, &value, ID).is_err());
    }
}

// DEF-01
#[test]
fn a_cursor_is_good_for_its_order_and_key_only() {
    let order = optional("lastName");
    let cursor = cursor_of(&order, &"Ng".into(), ID).expect("a cursor");
    let other_vault = Vault::new(&MasterKey::from_bytes([8; 32])).expect("a good key");
    let reads = |key: CursorKey, order: SortOrder| Position::read(&cursor, &Signed { order, key }).is_some();
    assert!(reads(key(), order.clone()));
    assert!(!reads(other_vault.cursors().clone(), order.clone()));
    assert!(!reads(key(), optional("emailKey")));
    let descending = true;
    assert!(!reads(
        key(),
        SortOrder {
            descending,
            ..order.clone()
        }
    ));
    let values = Values::Unique;
    assert!(!reads(
        key(),
        SortOrder {
            values,
            ..order.clone()
        }
    ));
    let name = "customers of sto_2".to_owned();
    assert!(!reads(key(), SortOrder { name, ..order }));
}

// DEF-01
#[test]
fn no_text_but_a_cursor_is_read_as_one() {
    let of = Signed {
        order: optional("lastName"),
        key: key(),
    };
    let valid = cursor_of(&of.order, &"Ng".into(), ID).expect("a cursor");
    // Built by hand: the library cannot write that many levels.
    let mut bson = vec![5, 0, 0, 0, 0];
    for _ in 0..1500 {
        let length = u32::try_from(bson.len() + 8).expect("small").to_le_bytes();
        bson = [&length, &[3, b'a', 0][..], &bson, &[0]].concat();
    }
    let bson = data_encoding::BASE64URL_NOPAD.encode(&bson);
    let mut with_tag: String = valid.chars().take(8).collect();
    with_tag.push_str(&bson);
    crate::fuzz::each_text(1, &[&valid, &bson, &with_tag], |text| {
        assert!(text == valid || Position::read(text, &of).is_none(), "{text}");
    });
}

// DEF-01
#[test]
fn authenticated_values_that_are_no_position_are_refused() {
    let of = Signed {
        order: optional("lastName"),
        key: key(),
    };
    let position = Position(vec!["Ng".into(), ID.into()]);
    let whole = Cursor {
        of: Arc::new(of.clone()),
        position,
    };
    let whole = whole.write().expect("a cursor");
    let bytes = data_encoding::BASE64URL_NOPAD
        .decode(whole.as_bytes())
        .expect("base64");
    let values = &bytes[crate::platform::crypto::TAG_LENGTH..];
    crate::fuzz::each(2, &[values], |values| {
        // Correctly signed, so that the decoder itself has to reject it.
        let mut bytes = of.key.tag(of.label().as_bytes(), values).to_vec();
        bytes.extend(values);
        let text = data_encoding::BASE64URL_NOPAD.encode(&bytes);
        if let Some(read) = Position::read(&text, &of) {
            let again = Cursor {
                of: Arc::new(of.clone()),
                position: read,
            };
            assert_eq!(again.write().ok(), Some(text));
        }
    });
}

// DEF-01, ERR-02
#[test]
fn a_wrong_cursor_is_refused_by_the_name_of_its_argument() {
    for (page, argument) in [
        (args(Some(1), None, Some("s3cret"), None), "\"after\""),
        (args(None, Some(1), None, Some("s3cret")), "\"before\""),
    ] {
        let refused = page.check(&key(), SortOrder::by_id("users"));
        let Err(Error::BadInput(message)) = refused else {
            panic!("must refuse")
        };
        assert!(
            message.contains(argument) && !message.contains("s3cret"),
            "{message}"
        );
    }
}
