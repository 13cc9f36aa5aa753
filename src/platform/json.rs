//! Bounds on JSON from outside, checked in one pass over its bytes before it is parsed: a megabyte of `[1,1,1,…]` would
//! become 36 MiB of values. [`flaw`] explains what is wrong with invalid JSON.

pub mod flaw;

use std::fmt;

/// Limits on the size of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Nesting depth of objects and lists.
    pub depth: usize,
    /// Number of values and member names, including objects and lists themselves.
    pub values: usize,
}

/// The bound that a text exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Nested deeper than this many levels.
    Depth(usize),
    /// More than this many values.
    Values(usize),
}

/// Completes a sentence whose subject is the text.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth(most) => write!(f, "nests objects and lists more than {most} levels deep"),
            Self::Values(most) => write!(f, "contains more than {most} values and names"),
        }
    }
}

/// Checks a text against bounds. Does not check whether it is JSON, which is left to the parser. Takes time
/// proportional to the text and no memory.
///
/// # Errors
/// The bound that is exceeded first.
pub fn check(json: &[u8], bounds: &Bounds) -> Result<(), Excess> {
    let mut bytes = json.iter();
    let (mut depth, mut values) = (0_usize, 0_usize);
    // Whether the previous byte belongs to a number or a word.
    let mut in_plain = false;
    while let Some(byte) = bytes.next() {
        in_plain = match byte {
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > bounds.depth {
                    return Err(Excess::Depth(bounds.depth));
                }
                false
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                false
            }
            b'"' => {
                values += 1;
                skip_string(&mut bytes);
                false
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => false,
            _ => {
                values += usize::from(!in_plain);
                true
            }
        };
        if values > bounds.values {
            return Err(Excess::Values(bounds.values));
        }
    }
    Ok(())
}

/// Advances past the end of the current string.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const BOUNDS: Bounds = Bounds { depth: 3, values: 10 };

    /// Returns the depth, and the number of values and names, of a parsed text.
    fn size(value: &Value) -> (usize, usize) {
        let inner: Vec<(usize, usize)> = match value {
            Value::Array(values) => values.iter().map(size).collect(),
            Value::Object(members) => members.values().map(size).collect(),
            _ => return (0, 1),
        };
        let names = value.as_object().map_or(0, serde_json::Map::len);
        let depth = inner.iter().map(|(depth, _)| depth).max().unwrap_or(&0);
        let values: usize = inner.iter().map(|(_, values)| values).sum();
        (depth + 1, 1 + names + values)
    }

    // DEF-01
    #[test]
    fn depth_and_values_are_bounded() {
        for good in [
            r#"[[[1]]]"#,
            r#"{"a":{"b":[1,2.5e3,true,null,"[[[[\"{{{{"]}}"#,
            "[1,1,1,1,1,1,1,1,1]",
            r#""\\""#,
            "",
        ] {
            assert_eq!(check(good.as_bytes(), &BOUNDS), Ok(()), "{good}");
        }
        for deep in ["[[[[", r#"{"a":[{"b":[1]}]}"#, r#"["\\",[[["#] {
            assert_eq!(check(deep.as_bytes(), &BOUNDS), Err(Excess::Depth(3)), "{deep}");
        }
        for many in ["[1,1,1,1,1,1,1,1,1,1]", r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#] {
            assert_eq!(check(many.as_bytes(), &BOUNDS), Err(Excess::Values(10)), "{many}");
        }
    }

    // DEF-01
    #[test]
    fn what_the_parser_makes_is_never_more_than_was_counted() {
        let (depth, values) = (16, 64);
        let bounds = Bounds { depth, values };
        let valid = r#"{"input":{"lines":[{"sku":"a\u0041\"","n":-1.5e3},null,true,[[]],{}]},"x":false}"#;
        crate::fuzz::each(3, &[valid.as_bytes()], |json| {
            if check(json, &bounds).is_ok()
                && let Ok(value) = serde_json::from_slice::<Value>(json)
            {
                let (depth, values) = size(&value);
                assert!(depth <= bounds.depth && values <= bounds.values, "{value}");
            }
        });
    }
}
