//! Currencies that have a code (ISO 4217).
//!
//! This module has its own table instead of using a crate: an order needs only the code and the number of decimals, and
//! the crates are years behind the amendments of the standard.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The currencies and funds of the standard's list of active codes that have a minor unit, by its number of decimals;
/// as of 1 January 2026 (amendment 180). Metals, bonds and the codes for tests and for no currency have no minor unit
/// and are not used for payments.
const BY_DECIMALS: [(u8, &[&str]); 4] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
            "XAF", "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND",
            "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY",
            "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD",
            "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
            "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
            "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR",
            "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
            "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
            "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD",
            "USN", "UYU", "UZS", "VED", "VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// A currency, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyCode {
    code: &'static str,
    decimals: u8,
}

impl CurrencyCode {
    /// Returns the currency with this code: three capital letters.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<Self> {
        BY_DECIMALS.iter().find_map(|(decimals, codes)| {
            let code = codes.iter().find(|code| **code == text)?;
            Some(Self {
                code,
                decimals: *decimals,
            })
        })
    }

    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Returns the maximum number of decimals of an amount: 2 for euros, which have cents.
    #[must_use]
    pub const fn decimals(self) -> u8 {
        self.decimals
    }

    fn of_wire(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse_text(text),
            // The literal form of APIs in which currencies are an enum.
            Value::Enum(name) => Self::parse_text(name),
            _ => None,
        }
    }
}

impl Serialize for CurrencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_text(&text).ok_or_else(|| D::Error::custom("not a currency"))
    }
}

/// A currency code of ISO 4217 in upper case: `EUR`.
/// The currencies and funds of the standard's list of active codes that have a minor unit are accepted.
#[Scalar(
    name = "CurrencyCode",
    specified_by_url = "https://www.iso.org/iso-4217-currency-codes.html"
)]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::of_wire(&value).ok_or_else(|| {
            InputValueError::custom("expected the code of an active currency of ISO 4217, such as EUR")
        })
    }

    fn is_valid(value: &Value) -> bool {
        Self::of_wire(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.code.to_owned())
    }
}

crate::read::direct::stored_enums!(CurrencyCode);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_active_code_is_there_once() {
        let codes: Vec<&str> = BY_DECIMALS
            .iter()
            .flat_map(|(_, codes)| *codes)
            .copied()
            .collect();
        assert_eq!(codes.len(), 165);
        assert_eq!(
            codes.iter().collect::<BTreeSet<_>>().len(),
            codes.len(),
            "none twice"
        );
        let has_form = |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(codes.iter().all(has_form));
        assert!(BY_DECIMALS.iter().all(|(_, codes)| codes.is_sorted()));
        for code in codes {
            let currency = CurrencyCode::parse_text(code).expect("it is there");
            assert_eq!(currency.code(), code);
            let stored = bson::serialize_to_bson(&currency).expect("stored");
            assert_eq!(stored, bson::Bson::from(code));
            assert_eq!(
                bson::deserialize_from_bson::<CurrencyCode>(stored).ok(),
                Some(currency)
            );
        }
    }

    #[test]
    fn each_has_its_decimals() {
        for (code, decimals) in [
            ("EUR", 2),
            ("USD", 2),
            ("JPY", 0),
            ("KRW", 0),
            ("ISK", 0),
            ("HUF", 2),
            ("KWD", 3),
            ("TND", 3),
            ("CLP", 0),
            ("CLF", 4),
            ("XCG", 2),
            ("ZWG", 2),
        ] {
            let found = CurrencyCode::parse_text(code).map(CurrencyCode::decimals);
            assert_eq!(found, Some(decimals), "{code}");
        }
    }

    #[test]
    fn what_is_no_active_currency_is_refused() {
        for bad in [
            "", "eur", "Eur", "EURO", " EUR", "EUR\u{0}", "€", "DEM", "HRK", "BGN", "ANG", "XXX", "XTS",
            "XAU", "ABC", "$gt",
        ] {
            assert_eq!(CurrencyCode::parse_text(bad), None, "{bad}");
        }
    }
}
