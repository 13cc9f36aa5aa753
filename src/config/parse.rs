//! Readers of the plain units: durations, sizes, numbers, switches, words and lists.
//!
//! Each answers what is wrong as the end of a sentence about the value ("has no unit"), so that the message
//! need not repeat a value that is secret.

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
            if text.bytes().all(|b| b.is_ascii_digit()) {
                "has no unit".to_owned()
            } else {
                "is not a duration".to_owned()
            }
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
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*bytes))
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

    #[test]
    fn switches() {
        assert_eq!(switch("on"), Ok(true));
        assert_eq!(switch("off"), Ok(false));
        for text in ["", "On", "true", "1", " on"] {
            assert_eq!(switch(text), Err("is neither on nor off".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn durations() {
        let read = |text| duration(text, "1ms", "3650d");
        assert_eq!(read("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(read("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(read("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(read("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(read("3650d"), Ok(Duration::from_secs(3_650 * 86_400)));
        assert_eq!(read("15"), Err("has no unit".to_owned()));
        assert_eq!(read("0s"), Err("is shorter than 1ms".to_owned()));
        assert_eq!(read("3651d"), Err("is longer than 3650d".to_owned()));
        for text in ["soon", "-5m", "m", "15 parsecs", "99999999999999999999d"] {
            assert_eq!(read(text), Err("is not a duration".to_owned()), "{text:?}");
        }
        assert_eq!(duration("0s", "0s", "1d"), Ok(Duration::ZERO));
    }

    #[test]
    fn sizes() {
        assert_eq!(size("0B"), Ok(0));
        assert_eq!(size("256KiB"), Ok(262_144));
        assert_eq!(size("50MiB"), Ok(52_428_800));
        assert_eq!(size("1GiB"), Ok(1_073_741_824));
        assert_eq!(size("3KB"), Ok(3_000));
        assert_eq!(size("3MB"), Ok(3_000_000));
        assert_eq!(size("3GB"), Ok(3_000_000_000));
        assert_eq!(size("1024"), Err("has no unit".to_owned()));
        for text in ["1kib", "1Kb", "1K", "1 KiB", "1.5MiB", "1KiB ", "1TiB", "1KiB1"] {
            assert_eq!(size(text), Err("has an unknown unit".to_owned()), "{text:?}");
        }
        for text in ["", "KiB", "-1KiB", "+1KiB", " 1KiB"] {
            assert_eq!(
                size(text),
                Err("does not begin with a whole number".to_owned()),
                "{text:?}"
            );
        }
        for text in ["18446744073709551616B", "18446744073709551615KiB"] {
            assert_eq!(size(text), Err("is too large".to_owned()), "{text:?}");
        }
        assert_eq!(size("18446744073709551615B"), Ok(u64::MAX));
    }

    #[test]
    fn sizes_have_bounds() {
        assert_eq!(size_within("1B", "1B", "1KiB"), Ok(1));
        assert_eq!(size_within("1KiB", "1B", "1KiB"), Ok(1_024));
        assert_eq!(size_within("0B", "1B", "1KiB"), Err("is less than 1B".to_owned()));
        assert_eq!(
            size_within("1025B", "1B", "1KiB"),
            Err("is more than 1KiB".to_owned())
        );
    }

    #[test]
    fn numbers() {
        let read = |text| number::<u32>(text, &(1..=128));
        assert_eq!(read("1"), Ok(1));
        assert_eq!(read("128"), Ok(128));
        assert_eq!(read("0"), Err("is less than 1".to_owned()));
        assert_eq!(read("129"), Err("is more than 128".to_owned()));
        assert_eq!(read("99999999999999999999"), Err("is more than 128".to_owned()));
        for text in ["", "+5", "-5", "5.0", "five", " 5"] {
            assert_eq!(read(text), Err("is not a whole number".to_owned()), "{text:?}");
        }
        assert_eq!(number::<u8>("300", &(1..=1_000)), Err("is too large".to_owned()));
    }

    #[test]
    fn lists() {
        let read = |text| {
            list(text, |entry| {
                if entry == "x" {
                    Err("is x".to_owned())
                } else {
                    Ok(entry.to_owned())
                }
            })
        };
        assert_eq!(read("a"), Ok(vec!["a".to_owned()]));
        assert_eq!(
            read("a, b ,c"),
            Ok(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()])
        );
        assert_eq!(read("a,x"), Err("is not valid: entry 2 is x".to_owned()));
        assert_eq!(read("a,,b"), Err("is not valid: entry 2 is empty".to_owned()));
        assert_eq!(read("a,"), Err("is not valid: entry 2 is empty".to_owned()));
    }
}
