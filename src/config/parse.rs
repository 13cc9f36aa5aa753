//! Parsers of durations, sizes, numbers, switches and lists.
//!
//! An error is the end of a sentence about the value ("has no unit"), so that a message need not repeat a secret value.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What was read, or what is wrong with the text.
pub(super) type Parsed<T> = Result<T, String>;

/// `on` or `off`.
pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("is neither on nor off".to_owned()),
    }
}

/// A duration as the `humantime` crate reads it (`15m`, `24h`, `1h 30m`), within bounds written the same way.
pub(super) fn duration(text: &str, least: &str, most: &str) -> Parsed<Duration> {
    let read = |text| {
        humantime::parse_duration(text).map_err(|_cause| {
            let is_number = text.bytes().all(|b| b.is_ascii_digit());
            let fault = if is_number {
                "has no unit"
            } else {
                "is not a duration"
            };
            fault.to_owned()
        })
    };
    let (value, least_value, most_value) = (read(text)?, read(least)?, read(most)?);
    if value < least_value {
        Err(format!("is shorter than {least}"))
    } else if value > most_value {
        Err(format!("is longer than {most}"))
    } else {
        Ok(value)
    }
}

/// Units of a size and their bytes. Case matters: `Mb` would be bits.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A whole number of bytes with its unit right behind it, as in `256KiB`.
pub(super) fn size(text: &str) -> Parsed<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err("does not begin with a whole number".to_owned());
    }
    if unit.is_empty() {
        return Err("has no unit".to_owned());
    }
    let Some((_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err("has an unknown unit".to_owned());
    };
    let size = number.parse::<u64>().ok();
    size.and_then(|number| number.checked_mul(*bytes))
        .ok_or_else(|| "is too large".to_owned())
}

/// A [`size`] within bounds written the same way.
pub(super) fn size_within(text: &str, least: &str, most: &str) -> Parsed<u64> {
    let value = size(text)?;
    if value < size(least)? {
        Err(format!("is less than {least}"))
    } else if value > size(most)? {
        Err(format!("is more than {most}"))
    } else {
        Ok(value)
    }
}

/// A whole number within bounds that `T` can hold.
pub(super) fn number<T: TryFrom<u64>>(text: &str, bounds: &RangeInclusive<u64>) -> Parsed<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is not a whole number".to_owned());
    }
    let value = text.parse::<u64>().unwrap_or(u64::MAX);
    if value < *bounds.start() {
        return Err(format!("is less than {}", bounds.start()));
    }
    if value > *bounds.end() {
        return Err(format!("is more than {}", bounds.end()));
    }
    T::try_from(value).map_err(|_cause| "is too large".to_owned())
}

/// Values with commas between them, blanks around each ignored.
pub(super) fn list<T>(text: &str, entry: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    text.split(',')
        .enumerate()
        .map(|(index, text)| {
            let text = text.trim();
            let result = if text.is_empty() {
                Err("is empty".to_owned())
            } else {
                entry(text)
            };
            result.map_err(|why| format!("is not valid: entry {} {why}", index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault<T>(text: &str) -> Parsed<T> {
        Err(text.to_owned())
    }

    #[test]
    fn switches() {
        assert_eq!(switch("on"), Ok(true));
        assert_eq!(switch("off"), Ok(false));
        for text in ["", "On", "true", "1", " on"] {
            assert_eq!(switch(text), fault("is neither on nor off"), "{text:?}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("15m", Ok(Duration::from_secs(900))),
            ("30d", Ok(Duration::from_secs(30 * 86_400))),
            ("1h 30m", Ok(Duration::from_secs(5_400))),
            ("1ms", Ok(Duration::from_millis(1))),
            ("3650d", Ok(Duration::from_secs(3_650 * 86_400))),
            ("15", fault("has no unit")),
            ("0s", fault("is shorter than 1ms")),
            ("3651d", fault("is longer than 3650d")),
            ("soon", fault("is not a duration")),
            ("-5m", fault("is not a duration")),
            ("m", fault("is not a duration")),
            ("15 parsecs", fault("is not a duration")),
            ("99999999999999999999d", fault("is not a duration")),
        ] {
            assert_eq!(duration(text, "1ms", "3650d"), expected, "{text:?}");
        }
        assert_eq!(duration("0s", "0s", "1d"), Ok(Duration::ZERO));
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", 0),
            ("256KiB", 262_144),
            ("50MiB", 52_428_800),
            ("1GiB", 1_073_741_824),
            ("3KB", 3_000),
            ("3MB", 3_000_000),
            ("3GB", 3_000_000_000),
            ("18446744073709551615B", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text:?}");
        }
        assert_eq!(size("1024"), fault("has no unit"));
        for text in ["1kib", "1Kb", "1K", "1 KiB", "1.5MiB", "1KiB ", "1TiB", "1KiB1"] {
            assert_eq!(size(text), fault("has an unknown unit"), "{text:?}");
        }
        for text in ["", "KiB", "-1KiB", "+1KiB", " 1KiB"] {
            assert_eq!(
                size(text),
                fault("does not begin with a whole number"),
                "{text:?}"
            );
        }
        for text in ["18446744073709551616B", "18446744073709551615KiB"] {
            assert_eq!(size(text), fault("is too large"), "{text:?}");
        }
    }

    #[test]
    fn sizes_have_bounds() {
        let read = |text| size_within(text, "1B", "1KiB");
        assert_eq!((read("1B"), read("1KiB")), (Ok(1), Ok(1_024)));
        assert_eq!(read("0B"), fault("is less than 1B"));
        assert_eq!(read("1025B"), fault("is more than 1KiB"));
    }

    #[test]
    fn numbers() {
        let read = |text| number::<u32>(text, &(1..=128));
        assert_eq!((read("1"), read("128")), (Ok(1), Ok(128)));
        assert_eq!(read("0"), fault("is less than 1"));
        assert_eq!(read("129"), fault("is more than 128"));
        assert_eq!(read("99999999999999999999"), fault("is more than 128"));
        for text in ["", "+5", "-5", "5.0", "five", " 5"] {
            assert_eq!(read(text), fault("is not a whole number"), "{text:?}");
        }
        assert_eq!(number::<u8>("300", &(1..=1_000)), fault("is too large"));
    }

    #[test]
    fn lists() {
        let read = |text| {
            let entry = |entry: &str| {
                if entry == "x" {
                    fault("is x")
                } else {
                    Ok(entry.to_owned())
                }
            };
            list(text, entry).map(|entries| entries.join("+"))
        };
        assert_eq!(read("a"), Ok("a".to_owned()));
        assert_eq!(read("a, b ,c"), Ok("a+b+c".to_owned()));
        assert_eq!(read("a,x"), fault("is not valid: entry 2 is x"));
        for text in ["a,,b", "a,"] {
            assert_eq!(read(text), fault("is not valid: entry 2 is empty"));
        }
    }
}
