//! The contents of the demo's files.

use serde_json::json;

use super::art;
use crate::error::Result;

/// A file whose content is generated on demand.
pub(super) struct File {
    pub(super) folder: &'static str,
    pub(super) name: &'static str,
    pub(super) make: fn() -> Result<Vec<u8>>,
}

pub(super) const SUNSET: File = file("photos", "sunset.png", art::sunset);
pub(super) const WAVES: File = file("photos", "waves.png", art::waves);
pub(super) const TARTAN: File = file("patterns", "tartan.png", art::tartan);
pub(super) const RINGS: File = file("patterns", "rings.png", art::rings);
pub(super) const MUG_DESIGN: File = file("designs", "mug.json", mug_design);
pub(super) const LOGO: File = file("", "logo.svg", logo);
pub(super) const PROOF: File = file("proofs", "proof.pdf", proof);

const fn file(folder: &'static str, name: &'static str, make: fn() -> Result<Vec<u8>>) -> File {
    File { folder, name, make }
}

/// A personalized product, as an editor in a store might save it.
fn mug_design() -> Result<Vec<u8>> {
    let design = json!({
        "product": "mug-330ml",
        "colour": "#1d3557",
        "layers": [
            { "kind": "image", "item": "sunset.png", "x": 12, "y": 8, "width": 180, "height": 90, "rotation": 0 },
            { "kind": "text", "text": "Good morning", "font": "Lobster", "size": 28, "x": 40, "y": 110 },
        ],
    });
    Ok(format!("{design:#}\n").into_bytes())
}

fn logo() -> Result<Vec<u8>> {
    let svg = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">"##,
        r##"<rect width="120" height="120" rx="24" fill="#1d3557"/>"##,
        r##"<circle cx="60" cy="52" r="26" fill="#e9c46a"/>"##,
        r##"<path d="M0 84 Q30 64 60 84 T120 84 V96 Q120 120 96 120 H24 Q0 120 0 96 Z" fill="#2a9d8f"/>"##,
        "</svg>\n"
    );
    Ok(svg.as_bytes().to_vec())
}

/// A page of A6 with a frame and a line of text. The cross-reference table is computed here, so that every reader opens
/// the file (ISO 32000-1 §7.5).
fn proof() -> Result<Vec<u8>> {
    let drawing =
        "0.11 0.21 0.34 RG 2 w 20 20 258 380 re S BT /F1 18 Tf 40 340 Td (Demo Prints: proof) Tj ET";
    let stream = format!("<< /Length {} >>\nstream\n{drawing}\nendstream", drawing.len());
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 298 420] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>",
        &stream,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = file.len();
    let size = objects.len() + 1;
    file.push_str(&table);
    file.push_str(&format!(
        "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    Ok(file.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sniff;

    #[test]
    fn each_content_is_what_its_name_says() {
        for (file, content_type) in [
            (SUNSET, "image/png"),
            (WAVES, "image/png"),
            (TARTAN, "image/png"),
            (RINGS, "image/png"),
            (MUG_DESIGN, sniff::JSON),
            (LOGO, "image/svg+xml"),
            (PROOF, "application/pdf"),
        ] {
            let bytes = (file.make)().expect("made");
            assert!(bytes.len() < 100_000, "{}: {} bytes", file.name, bytes.len());
            let head = &bytes[..bytes.len().min(sniff::HEAD)];
            assert_eq!(
                sniff::content_type(head, head.len() == bytes.len()),
                content_type,
                "{}",
                file.name
            );
        }
    }

    #[test]
    fn the_table_of_the_pdf_points_at_its_objects() {
        let file = String::from_utf8(proof().expect("made")).expect("text");
        let (_, table) = file.split_once("xref\n0 6\n").expect("a table");
        for (number, line) in table.lines().take(6).enumerate().skip(1) {
            let offset = line.split(' ').next().expect("an offset");
            let offset: usize = offset.parse().expect("a number");
            let object = file.get(offset..).expect("within");
            assert!(object.starts_with(&format!("{number} 0 obj")), "object {number}");
        }
    }
}
