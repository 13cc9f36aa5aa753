//! Detection of the content type by the first bytes, never by the name.

use serde::de::IgnoredAny;

/// Number of bytes that are examined, enough for every known signature.
pub const HEAD: usize = 8192;
/// Content type of JSON.
pub const JSON: &str = "application/json";
/// Content type of SVG.
pub const SVG: &str = "image/svg+xml";

/// Returns the content type of a file that starts with `head`; `whole` states that nothing follows.
#[must_use]
pub fn content_type(head: &[u8], whole: bool) -> &'static str {
    if let Some(text) = text_of(head, whole) {
        if is_svg(text) {
            return SVG;
        }
        if is_json(text, whole) {
            return JSON;
        }
    }
    match infer::get(head) {
        Some(kind) => kind.mime_type(),
        None if text_of(head, whole).is_some() => "text/plain",
        None => "application/octet-stream",
    }
}

/// Returns the head as text if it is UTF-8 without control characters; a character that is cut off at its end is
/// omitted.
fn text_of(head: &[u8], whole: bool) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if !whole && error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let printable = |character: char| !character.is_control() || character.is_ascii_whitespace();
    text.chars()
        .all(printable)
        .then(|| text.trim_start_matches('\u{feff}').trim_start())
}

/// Whether the root element is `svg`, after a declaration, comments and a document type.
fn is_svg(mut text: &str) -> bool {
    loop {
        text = text.trim_start();
        let end = if text.starts_with("<?") {
            "?>"
        } else if text.starts_with("<!--") {
            "-->"
        } else if text.starts_with("<!DOCTYPE") || text.starts_with("<!doctype") {
            // An internal subset has brackets and may contain `>`.
            if text
                .split('>')
                .next()
                .is_some_and(|declaration| declaration.contains('['))
            {
                "]>"
            } else {
                ">"
            }
        } else {
            break;
        };
        match text.split_once(end) {
            Some((_, rest)) => text = rest,
            None => return false,
        }
    }
    let Some(rest) = text.strip_prefix('<') else {
        return false;
    };
    let name = rest
        .split(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .next()
        .unwrap_or_default();
    name == "svg" || name.ends_with(":svg")
}

/// Whether the text is an object or a list that is valid JSON as far as it was read.
fn is_json(text: &str, whole: bool) -> bool {
    if !text.starts_with(['{', '[']) {
        return false;
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => true,
        Err(error) => !whole && error.is_eof(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SFU-04
    #[test]
    fn content_decides_and_not_the_name() {
        let png = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0];
        for (head, expected) in [
            (&png[..], "image/png"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0", "application/zip"),
            (
                b"<?xml version=\"1.0\"?>\n<!-- a --><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                SVG,
            ),
            (b"<!DOCTYPE svg [ <!ENTITY a \">\"> ]><svg/>", SVG),
            (b"\xef\xbb\xbf {\"a\": 1}", JSON),
            (b"[1, 2]", JSON),
            (b"{\"a\": ", "text/plain"),
            (b"<!DOCTYPE html><html></html>", "text/html"),
            (b"hello", "text/plain"),
            (b"\x00\x01\x02", "application/octet-stream"),
        ] {
            assert_eq!(
                content_type(head, true),
                expected,
                "{:?}",
                String::from_utf8_lossy(head)
            );
        }
    }

    #[test]
    fn a_head_that_is_cut_off_is_still_recognized() {
        assert_eq!(content_type(b"{\"name\": \"a lon", false), JSON);
        let cut = "{\"name\": \"ä".as_bytes();
        assert_eq!(content_type(&cut[..cut.len() - 1], false), JSON);
        assert_eq!(content_type(b"{\"name\": oops", false), "text/plain");
    }
}
