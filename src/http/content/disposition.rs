//! The headers that control how a browser treats content that an untrusted user has uploaded.

use std::fmt::Write;

/// Types that a browser displays without running scripts.
const IMAGES: [&str; 7] = [
    "image/png",
    "image/apng",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
];
/// Further types that are declared; they are downloaded, never displayed.
const DECLARED: [&str; 9] = [
    "image/tiff",
    "image/heic",
    "image/heic-sequence",
    "image/heif",
    "image/heif-sequence",
    "image/svg+xml",
    "application/pdf",
    "application/json",
    "application/zip",
];

/// Returns the declared type; for a type in no list, one that a browser only downloads.
pub(super) fn content_type(stored: &str) -> &'static str {
    IMAGES
        .into_iter()
        .chain(DECLARED)
        .find(|known| *known == stored)
        .unwrap_or("application/octet-stream")
}

/// Returns the Content-Disposition: raster images are displayed, everything else is downloaded (RFC 6266). The name is
/// included in ASCII for old clients, and in full for all others (RFC 8187).
pub(super) fn disposition(stored_type: &str, name: &str) -> String {
    let kind = if IMAGES.contains(&stored_type) {
        "inline"
    } else {
        "attachment"
    };
    let plain: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' | '/' | '%' | ';' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    let mut text = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // STO-02
    #[test]
    fn only_raster_images_are_shown() {
        assert!(disposition("image/png", "a").starts_with("inline; "));
        for saved in [
            "image/svg+xml",
            "application/pdf",
            "text/html",
            "application/json",
        ] {
            assert!(disposition(saved, "a").starts_with("attachment; "), "{saved}");
        }
        assert_eq!(content_type("text/html"), "application/octet-stream");
        assert_eq!(content_type("image/png"), "image/png");
    }

    // STO-02
    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(
            disposition("application/zip", "a\"; b\\\r\nMöwe 50%.zip"),
            "attachment; filename=\"a__ b___M_we 50_.zip\"; \
             filename*=UTF-8''a%22%3B%20b%5C%0D%0AM%C3%B6we%2050%25.zip"
        );
    }
}
