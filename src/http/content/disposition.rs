//! How a browser is told to treat content that a stranger has uploaded.

use std::fmt::Write;

/// Types that a browser shows without running anything.
const IMAGES: [&str; 6] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
];
/// Further types that are told; they are saved, never shown.
const TOLD: [&str; 6] = [
    "image/tiff",
    "image/heif",
    "image/svg+xml",
    "application/pdf",
    "application/json",
    "application/zip",
];

/// The type that is told; for what is on no list, one that a browser only saves.
pub(super) fn content_type(stored: &str) -> &'static str {
    IMAGES
        .into_iter()
        .chain(TOLD)
        .find(|known| *known == stored)
        .unwrap_or("application/octet-stream")
}

/// The Content-Disposition: raster images are shown, everything else is saved (RFC 6266). The name stands in ASCII for
/// old clients, and whole for all others (RFC 8187).
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
