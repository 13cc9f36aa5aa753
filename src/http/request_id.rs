//! The id of a request, in its log lines and its response.

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use data_encoding::HEXLOWER;

/// The header with the request id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request id: the client's own if it has a simple form, so that logs of client and gateway can be correlated.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap, fresh: impl FnOnce() -> [u8; 16]) -> Self {
        let own = headers.get(X_REQUEST_ID).filter(|value| {
            (1..=64).contains(&value.len())
                && (value.as_bytes().iter()).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        });
        Self(match own {
            Some(own) => own.clone(),
            None => HeaderValue::try_from(HEXLOWER.encode(&fresh()))
                .expect("hexadecimal digits are a header's value"),
        })
    }

    /// Returns the id that `frame` has assigned to the request.
    pub(super) fn assigned(extensions: &Extensions) -> Self {
        let unknown = || Self(HeaderValue::from_static("unknown"));
        extensions.get::<Self>().cloned().unwrap_or_else(unknown)
    }

    pub(super) fn as_str(&self) -> &str {
        // Only ASCII values are accepted.
        self.0.to_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_own_id_is_kept_if_it_is_plain() {
        let id = |own: &str| {
            let own = own.parse().expect("a header");
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, own)]);
            RequestId::of(&headers, || [0xab; 16]).as_str().to_owned()
        };
        assert_eq!(id("Abc-123"), "Abc-123");
        for other in ["", "a b", "a\"}", &"a".repeat(65)] {
            assert_eq!(id(other), "ab".repeat(16), "{other}");
        }
    }
}
