//! Detection of the content type by the first bytes, never by the name.

use std::iter;

use file_format::FileFormat;
use memchr::memmem;
use serde::de::IgnoredAny;

/// Number of bytes that are examined, enough for every known signature.
pub const HEAD: usize = 8192;
/// Content type of JSON.
pub const JSON: &str = "application/json";
/// Content type of SVG.
pub const SVG: &str = "image/svg+xml";

/// Returns the content type of a file that starts with `head`; `whole` states that nothing follows.
#[must_use]
pub fn content_type(head: &[u8], whole: bool) -> String {
    let text = text_of(head, whole);
    if text.is_some_and(is_svg) {
        return SVG.to_owned();
    }
    if text.is_some_and(|text| is_json(text, whole)) {
        return JSON.to_owned();
    }
    let format = FileFormat::from_bytes(text.map_or(head, str::as_bytes));
    let content_type = match format {
        FileFormat::Zip => packed(head).unwrap_or("application/zip"),
        // Browsers know both kinds by this name only.
        FileFormat::Av1ImageFileFormatSequence => "image/avif",
        // A cursor file has at least one cursor.
        FileFormat::WindowsCursor if head.get(4..6) == Some(&[0, 0]) => "image/x-tga",
        FileFormat::ArbitraryBinaryData | FileFormat::Empty if text.is_some() => "text/plain",
        _ => format.media_type(),
    };
    content_type.to_owned()
}

/// Returns the content type of a document that is a ZIP archive inside, by the entries in the head.
fn packed(head: &[u8]) -> Option<&str> {
    const OFFICE: [(&str, &str); 3] = [
        (
            "word/",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "xl/",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            "ppt/",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
    ];
    let (mut is_package, mut office) = (false, None);
    for (name, content) in entries(head) {
        match name {
            // OpenDocument and EPUB: the first entry is the content type.
            "mimetype" => {
                let own = std::str::from_utf8(content).ok()?.trim_end();
                let is_own = own.starts_with("application/vnd.")
                    || matches!(own, "application/epub+zip" | "image/openraster");
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-".contains(&byte);
                return (is_own && own.len() <= 100 && own.bytes().all(is_plain)).then_some(own);
            }
            "META-INF/MANIFEST.MF" => return Some("application/java-archive"),
            "AndroidManifest.xml" => return Some("application/vnd.android.package-archive"),
            "[Content_Types].xml" | "_rels/.rels" => is_package = true,
            _ => {
                let kind = OFFICE.iter().find(|(folder, _)| name.starts_with(folder));
                office = office.or(kind.map(|(_, kind)| *kind));
            }
        }
    }
    // A package of another kind, or one whose kind is not in the head.
    is_package.then(|| office.unwrap_or("application/vnd.openxmlformats-package"))
}

/// Returns the names and contents of the entries of a ZIP archive, as far as they are in the head (PKWARE's APPNOTE
/// §4.3.7). Names that are not UTF-8 are empty.
fn entries(head: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    const SIGNATURE: &[u8] = b"PK\x03\x04";
    let mut rest = head;
    iter::from_fn(move || {
        let header: &[u8; 30] = rest.first_chunk()?;
        let number = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let (size, name_end) = (number(18) | number(20) << 16, 30 + number(26));
        let name = rest.get(30..name_end).filter(|_| header.starts_with(SIGNATURE))?;
        let after = rest.get(name_end + number(28)..).unwrap_or_default();
        let has_size = header[6] & 8 == 0;
        let end = if has_size {
            Some(size)
        } else {
            memmem::find(after, SIGNATURE)
        };
        let (content, next) = after.split_at(end.unwrap_or(after.len()).min(after.len()));
        rest = next;
        Some((std::str::from_utf8(name).unwrap_or_default(), content))
    })
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
            let declaration = text.split('>').next().unwrap_or_default();
            if declaration.contains('[') { "]>" } else { ">" }
        } else {
            break;
        };
        let Some((_, rest)) = text.split_once(end) else {
            return false;
        };
        text = rest;
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
    let error = || serde_json::from_str::<IgnoredAny>(text).err();
    text.starts_with(['{', '[']) && error().is_none_or(|error| !whole && error.is_eof())
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
            assert_eq!(content_type(head, true), expected, "{}", head.escape_ascii());
        }
    }

    // SFU-04
    #[test]
    fn images_have_the_type_that_they_are() {
        for (head, expected) in [
            (&b"\0\0\0\x18ftypheic"[..], "image/heic"),
            (b"\0\0\0\x18ftyphevc", "image/heic-sequence"),
            (b"\0\0\0\x18ftypmif1", "image/heif"),
            (b"\0\0\0\x18ftypmsf1", "image/heif-sequence"),
            (b"\0\0\0\x18ftypavif", "image/avif"),
            (b"\0\0\0\x18ftypavis", "image/avif"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"\xff\xd8\xff\xf7\0\x0b", "image/jls"),
            (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpx ", "image/jpx"),
            (b"\0\0\0\x18ftypcrx ", "image/x-canon-cr3"),
            (b"II*\0\x10\0\0\0CR\x02\0", "image/x-canon-cr2"),
            (b"FUJIFILMCCD-RAW 0201", "image/x-fuji-raf"),
            (b"\0\0\x01\0\x01\0\x10\x10", "image/vnd.microsoft.icon"),
            (b"\0\0\x02\0\x01\0\x10\x10", "image/x-win-bitmap"),
            (b"\0\0\x02\0\0\0\0\0", "image/x-tga"),
            (b"qoif\0\0\0\x01", "image/x-qoi"),
            (b"\x76\x2f\x31\x01\x02\0\0\0", "image/x-exr"),
            (b"BM", "text/plain"),
            (b"BMW is a maker of cars.", "text/plain"),
        ] {
            assert_eq!(content_type(head, false), expected, "{}", head.escape_ascii());
        }
    }

    /// Returns an archive of stored entries, whose sizes follow them if `streamed`.
    fn archive(entries: &[(&str, &[u8])], streamed: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in entries {
            let size = u32::try_from(content.len()).unwrap().to_le_bytes();
            let stated = if streamed { [0; 4] } else { size };
            bytes.extend(b"PK\x03\x04\x14\0");
            bytes.extend([if streamed { 8 } else { 0 }, 0]);
            bytes.extend([0; 10]);
            bytes.extend([stated, stated].concat());
            bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend([0; 2]);
            bytes.extend(name.as_bytes());
            bytes.extend(*content);
            if streamed {
                bytes.extend([b"PK\x07\x08".to_vec(), vec![0; 4], size.to_vec(), size.to_vec()].concat());
            }
        }
        bytes
    }

    // SFU-04
    #[test]
    fn documents_in_archives_have_types_of_their_own() {
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let package = "application/vnd.openxmlformats-package";
        let (epub, jar) = ("application/epub+zip", "application/java-archive");
        let odt = "application/vnd.oasis.opendocument.text";
        let types: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
        let document: (&str, &[u8]) = ("word/document.xml", b"<document/>");
        let inner = archive(&[types, document], false);
        for (entries, expected) in [
            (&[types, document][..], docx),
            (&[document, ("_rels/.rels", b"<Relationships/>")], docx),
            (&[types, ("xl/workbook.xml", b"<workbook/>")], xlsx),
            (&[types, ("FixedDocSeq.fdseq", b"<a/>")], package),
            (&[("mimetype", epub.as_bytes()), ("a", b"")], epub),
            (&[("mimetype", odt.as_bytes())], odt),
            (&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0")], jar),
            (&[("mimetype", b"image/png")], "application/zip"),
            (&[("mimetype", b"application/vnd.\r\na")], "application/zip"),
            (&[document], "application/zip"),
            (&[("a.txt", b"a"), ("b.txt", b"b")], "application/zip"),
        ] {
            assert_eq!(content_type(&archive(entries, false), true), expected);
            let streamed = content_type(&archive(entries, true), true);
            // The content of a streamed entry has no known end.
            assert!(streamed == expected || entries[0].0 == "mimetype", "{streamed}");
        }
        // An archive of documents is no document.
        let outer = archive(&[("a.docx", &inner)], false);
        assert_eq!(content_type(&outer, true), "application/zip");
    }

    #[test]
    fn a_head_that_is_cut_off_is_still_recognized() {
        assert_eq!(content_type(b"{\"name\": \"a lon", false), JSON);
        let cut = "{\"name\": \"ä".as_bytes();
        assert_eq!(content_type(&cut[..cut.len() - 1], false), JSON);
        assert_eq!(content_type(b"{\"name\": oops", false), "text/plain");
    }
}
