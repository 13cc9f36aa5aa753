use super::*;

/// Returns the parts of a body that arrives in these pieces: names, file names and contents.
async fn read(pieces: Vec<Vec<u8>>, budget: u64) -> Result<Vec<(PartHead, Vec<u8>)>, PartFault> {
    let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
    let stream = futures_util::stream::iter(pieces).boxed();
    let mut parts = Parts::new(stream, "x", budget);
    let mut found = Vec::new();
    while let Some(head) = parts.next().await? {
        let mut content = Vec::new();
        while let Some(piece) = parts.chunk().await? {
            assert!(!piece.is_empty());
            content.extend_from_slice(&piece);
        }
        found.push((PartHead { length: 0, ..head }, content));
    }
    assert!(parts.finish(1024).await);
    Ok(found)
}

fn cut(body: &[u8], size: usize) -> Vec<Vec<u8>> {
    body.chunks(size).map(<[u8]>::to_vec).collect()
}

// DEF-02
#[tokio::test]
async fn parts_are_the_same_however_the_body_is_cut() {
    let head = |name: &str, file_name: Option<&str>| PartHead {
        name: Some(name.to_owned()),
        file_name: file_name.map(str::to_owned),
        length: 0,
    };
    // A delimiter is followed by a line break or by two dashes. A text that only begins like one ends the part
    // nevertheless (RFC 2046 §5.1.1); a writer avoids that by its choice of the boundary.
    let good = b"preamble\r\n--x \t\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--y\r\n-\r\r\n\r\n--x\r\n\
        content-type: image/png\r\nCONTENT-DISPOSITION: form-data; filename=\"b\\\";name=c.png\" ; name=b\r\n\r\n\r\n--x--\r\nepilogue";
    for size in 1..good.len() + 1 {
        let found = read(cut(good, size), 1 << 20).await.expect("parts");
        let expected = vec![
            (head("a", None), b"one\r\n--y\r\n-\r\r\n".to_vec()),
            (head("b", Some("b\";name=c.png")), Vec::new()),
        ];
        assert_eq!(found, expected, "pieces of {size}");
    }
    let begins_like_one = String::from_utf8_lossy(good).replace("--y\r\n-\r", "--y\r\n--x-\r");
    let refused = read(cut(begins_like_one.as_bytes(), 7), 1 << 20).await;
    assert_eq!(refused, Err(PartFault::Malformed));
}

// DEF-02
#[tokio::test]
async fn nothing_but_content_is_long() {
    let (long, fits) = ("a".repeat(9 * 1024), "a".repeat(7 * 1024));
    for size in [1, 1000, 1 << 20] {
        let preamble = |preamble: &str| format!("{preamble}\r\n--x\r\n\r\n\r\n--x--").into_bytes();
        let head = |value: &str| format!("--x\r\na: {value}\r\n\r\n\r\n--x--").into_bytes();
        let content = format!("--x\r\n\r\n{}\r\n--x--", "a".repeat(200_000)).into_bytes();
        for (body, budget, expected) in [
            (preamble(&long), 1 << 20, Err(PartFault::LongPreamble)),
            (head(&long), 1 << 20, Err(PartFault::LongHead)),
            (preamble(&fits), 1 << 20, Ok(1)),
            (head(&fits), 1 << 20, Ok(1)),
            (head(&fits), 4096, Err(PartFault::TooLarge)),
            (content, 1 << 20, Ok(1)),
        ] {
            let parts = read(cut(&body, size), budget).await;
            assert_eq!(parts.map(|parts| parts.len()), expected, "{size} {budget}");
        }
    }
}

// DEF-02
#[tokio::test]
async fn what_is_not_multipart_is_refused() {
    for body in [
        "",
        "x",
        "--x",
        "--x\r\n",
        "--x\r\na: b\r\n\r\n",
        "--x\r\na: b\r\n\r\ncontent",
        "--x\r\nno colon\r\n\r\n\r\n--x--",
        "--xyz\r\n\r\n\r\n--x--",
        "--x\r\n\u{e9}\r\n\r\n\r\n--x--",
    ] {
        assert!(read(cut(body.as_bytes(), 3), 1 << 20).await.is_err(), "{body:?}");
    }
    assert_eq!(read(cut(b"--x--", 2), 1 << 20).await, Ok(vec![]));
}

#[test]
fn a_boundary_is_found_in_its_content_type() {
    for (content_type, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        (
            "multipart/form-data; charset=utf-8; Boundary=\"a b;c\"; x=y",
            Some("a b;c"),
        ),
        ("multipart/form-data;boundary= abc ", Some("abc")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"abc", None),
    ] {
        assert_eq!(boundary(content_type), expected, "{content_type}");
    }
    assert_eq!(
        boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))),
        None
    );
}
