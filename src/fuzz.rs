//! Inputs for tests of the decoders of external bytes: random bytes, mutated copies of valid inputs, and deep and long
//! inputs. All are derived from a seed, so that a failure can be reproduced.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Nesting depth of the deep inputs.
const DEEP: usize = 10_000;

/// Length of the long inputs, in bytes.
const LONG: usize = 1024 * 1024;

/// Bytes that have a meaning in one of the decoders.
const MEANINGFUL: &[u8] = b"{}[]()<>\"'\\/,:;=&%+-_.~*?#@! \t\r\n\x0019azAZeE\x7f\x80\xc3\xff";

/// Calls `check` with a few thousand inputs, all derived from `seed` and the valid inputs.
pub(crate) fn each(seed: u64, valid: &[&[u8]], mut check: impl FnMut(&[u8])) {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..1000 {
        check(&random(&mut rng));
    }
    for valid in valid {
        check(valid);
        for _ in 0..1000 {
            check(&changed(&mut rng, valid));
        }
    }
    for hostile in deep_and_long(valid) {
        check(&hostile);
    }
}

/// Does the same as [`each`] for decoders of text.
pub(crate) fn each_text(seed: u64, valid: &[&str], mut check: impl FnMut(&str)) {
    let valid: Vec<&[u8]> = valid.iter().map(|valid| valid.as_bytes()).collect();
    each(seed, &valid, |bytes| check(&String::from_utf8_lossy(bytes)));
}

fn random(rng: &mut StdRng) -> Vec<u8> {
    let length = rng.random_range(0..200);
    let plain = rng.random_bool(0.5);
    let byte = |_| {
        if plain {
            MEANINGFUL[rng.random_range(0..MEANINGFUL.len())]
        } else {
            rng.random()
        }
    };
    (0..length).map(byte).collect()
}

/// Returns a copy with a few bytes changed, removed, added or repeated.
fn changed(rng: &mut StdRng, valid: &[u8]) -> Vec<u8> {
    let mut copy = valid.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=copy.len());
        let byte = MEANINGFUL[rng.random_range(0..MEANINGFUL.len())];
        match rng.random_range(0..6) {
            0 if at < copy.len() => copy[at] = byte,
            1 if at < copy.len() => copy[at] ^= 1 << rng.random_range(0..8),
            2 if at < copy.len() => drop(copy.remove(at)),
            3 => copy.truncate(at),
            4 => {
                let piece = copy[at..].to_vec();
                copy.extend(piece);
            }
            _ => copy.insert(at, byte),
        }
    }
    copy
}

fn deep_and_long(valid: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (open, middle, close) in [
        ("[", "", "]"),
        ("[", "1", "]"),
        ("{\"a\":", "1", "}"),
        ("[{\"a\":", "1", "}]"),
        ("(", "", ")"),
        ("{a", "", "}"),
        ("\"", "", "\""),
        ("%25", "", ""),
        ("..", "", ""),
        ("--", "", ""),
    ] {
        let whole = open.repeat(DEEP) + middle + &close.repeat(DEEP);
        inputs.push(open.repeat(DEEP).into_bytes());
        inputs.push(whole.into_bytes());
    }
    inputs.extend(b"{[(\"a0 \xff".iter().map(|byte| vec![*byte; LONG]));
    for valid in valid.iter().filter(|valid| !valid.is_empty()) {
        inputs.push(valid.repeat(LONG / valid.len()));
        for at in [0, valid.len() / 2, valid.len()] {
            let (before, after) = valid.split_at(at);
            inputs.push([before, &vec![b'a'; LONG], after].concat());
            inputs.push([before, "[".repeat(DEEP).as_bytes(), after].concat());
        }
    }
    inputs
}
