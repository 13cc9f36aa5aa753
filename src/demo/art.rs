//! The demo's pictures, painted on demand.

use crate::error::{Error, Result};

const WIDTH: u32 = 480;
const HEIGHT: u32 = 320;

type Colour = [u8; 3];

const NIGHT: Colour = [0x1d, 0x35, 0x57];
const ROSE: Colour = [0xe7, 0x6f, 0x51];
const GOLD: Colour = [0xe9, 0xc4, 0x6a];
const SEA: Colour = [0x2a, 0x9d, 0x8f];
const SAND: Colour = [0xf4, 0xf1, 0xde];

/// A sun over hills.
pub(super) fn sunset() -> Result<Vec<u8>> {
    paint(|x, y| {
        let hills = 210 + triangle(x, 160) / 3 + triangle(x + 50, 90) / 4;
        if y > hills {
            mix(SEA, NIGHT, share(y, HEIGHT))
        } else if distance_squared(x, y, 330, 150) < 48 * 48 {
            GOLD
        } else {
            mix(NIGHT, ROSE, share(y, 240))
        }
    })
}

/// Rows of waves.
pub(super) fn waves() -> Result<Vec<u8>> {
    paint(|x, y| {
        let row = (y + triangle(x, 64) / 2) / 24;
        mix(SAND, SEA, share(row * 24, HEIGHT + 32))
    })
}

/// Crossing stripes.
pub(super) fn tartan() -> Result<Vec<u8>> {
    paint(|x, y| {
        let stripe = |at: u32| at % 80 < 12 || (30..34).contains(&(at % 80));
        match (stripe(x), stripe(y)) {
            (true, true) => GOLD,
            (true, false) | (false, true) => mix(ROSE, NIGHT, 96),
            (false, false) => NIGHT,
        }
    })
}

/// Rings around two centres.
pub(super) fn rings() -> Result<Vec<u8>> {
    paint(|x, y| {
        let ring = |cx, cy| distance_squared(x, y, cx, cy).isqrt() / 14;
        if (ring(160, 160) + ring(320, 160)).is_multiple_of(2) {
            mix(GOLD, ROSE, share(x, WIDTH))
        } else {
            mix(NIGHT, SEA, share(y, HEIGHT))
        }
    })
}

/// Returns a PNG picture whose colours `at` returns by column and row.
fn paint(at: impl Fn(u32, u32) -> Colour) -> Result<Vec<u8>> {
    let pixels: Vec<u8> = (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
        .flat_map(|(x, y)| at(x, y))
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(Error::internal)?;
    writer.write_image_data(&pixels).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(file)
}

/// Returns the share of `part` in `whole`, from 0 to 255.
fn share(part: u32, whole: u32) -> u32 {
    (part * 255 / whole).min(255)
}

/// Returns the colour between two colours: the first for a `share` of 0, the second for a `share` of 255.
fn mix(from: Colour, to: Colour, share: u32) -> Colour {
    let between = |from: u8, to: u8| {
        let mixed = (u32::from(from) * (255 - share) + u32::from(to) * share) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    std::array::from_fn(|channel| between(from[channel], to[channel]))
}

/// A triangle wave between 0 and half of `period`.
fn triangle(at: u32, period: u32) -> u32 {
    let at = at % period;
    at.min(period - at)
}

fn distance_squared(x: u32, y: u32, other_x: u32, other_y: u32) -> u32 {
    x.abs_diff(other_x).pow(2) + y.abs_diff(other_y).pow(2)
}
