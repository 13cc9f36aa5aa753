//! From the Authorization header to the principal: `Bearer` and nothing else (RFC 6750 §2.1).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::fault::Fault;
use crate::access::{authenticate::Access, principal::Principal};
use crate::error::Error;

/// Longest credential that is looked at; ours have less than a kilobyte.
const LONGEST: usize = 4096;

/// The principal of a request. No credential is nobody; a bad one is refused, never silently ignored.
///
/// # Errors
/// 401 for a bad credential, 503 when it cannot be looked up.
pub(super) async fn principal(
    access: &Access,
    headers: &HeaderMap,
    request_id: &str,
) -> Result<Principal, Fault> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Principal::Nobody);
    };
    if values.next().is_some() {
        return Err(invalid_token());
    }
    let Some(bearer) = bearer(value) else {
        return Err(invalid_token());
    };
    match access.authenticate(bearer).await {
        Ok(Ok(principal)) => Ok(principal),
        Ok(Err(_bad)) => Err(invalid_token()),
        Err(error @ (Error::Unavailable(_) | Error::Timeout)) => {
            tracing::debug!(request_id, error = ?error, "a credential could not be looked up");
            Err(Fault::unavailable(
                "The database does not answer; please try again shortly.",
            ))
        }
        Err(error) => {
            tracing::error!(request_id, error = ?error, "a credential could not be checked");
            Err(Fault::internal(request_id))
        }
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    let is_token = !credential.is_empty()
        && credential.len() <= LONGEST
        && credential
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    (scheme.eq_ignore_ascii_case("Bearer") && is_token).then_some(credential)
}

fn invalid_token() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "The credential is not valid: it may have expired or been revoked. Send \"Authorization: Bearer …\" \
         with a valid one, or no such header.",
    )
    .with(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer error=\"invalid_token\""),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_credentials_are_read() {
        let read = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(read("Bearer pk_1"), Some("pk_1".to_owned()));
        assert_eq!(read("bearer  a.b-c_d"), Some("a.b-c_d".to_owned()));
        for bad in [
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "pk_1",
            "Bearer a b",
            "Bearer a\"b",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
