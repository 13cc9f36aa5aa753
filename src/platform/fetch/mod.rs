//! Requests to other web servers, with limits on time, size and number. Each request uses its own connection, and
//! redirects are not followed.

mod documents;

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Response, redirect};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::json::{self, Bounds};
use super::secret::Secret;

pub use documents::Documents;

/// Limits of a request to another server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time to establish the connection.
    pub connect: Duration,
    /// Time to receive the whole response, including the time to connect.
    pub answer: Duration,
    /// Bytes of a response.
    pub bytes: usize,
    /// Concurrent requests: a server that hangs blocks at most these.
    pub at_once: usize,
}

impl Limits {
    /// The default limits.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(5),
        bytes: 256 * 1024,
        at_once: 64,
    };
}

/// Bounds on the JSON of a response: more than any provider's document needs.
const JSON: Bounds = Bounds {
    depth: 32,
    values: 10_000,
};

/// Why there is no usable response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The maximum of concurrent requests is reached.
    Busy,
    /// This machine's root certificates cannot be read, so that no server can be trusted.
    NoAuthorities,
    /// The connection failed or broke.
    Unreachable,
    /// TLS failed, for example because of an untrusted certificate.
    Tls,
    /// The response took too long.
    Slow,
    /// The response is too large.
    TooLarge,
    /// The response has another status than 200, for example a redirect.
    Status,
    /// The response is not JSON.
    NotJson,
}

impl Unread {
    /// Returns the reason as text for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Busy => "too many requests to other servers are running",
            Self::NoAuthorities => "cannot read the CA certificates of this machine",
            Self::Unreachable => "the connection failed or was interrupted",
            Self::Tls => "TLS failed; this machine may not trust the certificate",
            Self::Slow => "no response in time",
            Self::TooLarge => "the response is too long",
            Self::Status => "the response has an HTTP status other than 200",
            Self::NotJson => "the response is not JSON",
        }
    }
}

/// A request to another server.
#[derive(Debug)]
pub struct Question<'a> {
    /// The URL.
    pub url: &'a Url,
    /// The value of the `Authorization` header.
    pub authorization: Option<Secret>,
    /// A form to POST; the request is a GET if it is absent.
    pub form: Option<Secret>,
}

impl<'a> Question<'a> {
    /// Creates a GET request without a credential.
    #[must_use]
    pub const fn get(url: &'a Url) -> Self {
        Self {
            url,
            authorization: None,
            form: None,
        }
    }

    /// Not built by reqwest's builder, which would send a user name in a URL as a credential.
    fn into_request(self) -> Option<Request> {
        let mut request = Request::new(Method::GET, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(credential) = self.authorization {
            let mut value = HeaderValue::from_str(credential.expose()).ok()?;
            // Keeps the value out of the library's logs.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(form) = self.form {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form_type);
            *request.method_mut() = Method::POST;
            *request.body_mut() = Some(form.expose().to_owned().into());
        }
        Some(request)
    }
}

/// The response of another server.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Parses the JSON of a response with status 200.
    ///
    /// # Errors
    /// [`Unread::Status`], [`Unread::TooLarge`], [`Unread::NotJson`].
    pub fn json(&self) -> Result<serde_json::Value, Unread> {
        if self.status != 200 {
            return Err(Unread::Status);
        }
        self.json_of_any_status()
    }

    /// Parses the JSON of a response of any status.
    ///
    /// # Errors
    /// [`Unread::TooLarge`], [`Unread::NotJson`].
    pub fn json_of_any_status(&self) -> Result<serde_json::Value, Unread> {
        json::check(&self.body, &JSON).map_err(|_excess| Unread::TooLarge)?;
        serde_json::from_slice(&self.body).map_err(|_not_json| Unread::NotJson)
    }
}

/// Sends requests to other web servers. Clones share the limits.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    limits: Limits,
    places: Semaphore,
    /// Created on first use: a gateway without identity providers needs no root certificates.
    client: OnceLock<Option<Client>>,
}

impl Fetcher {
    /// Creates a fetcher with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            places: Semaphore::new(limits.at_once),
            client: OnceLock::new(),
        }))
    }

    /// Sends one request; the caller checks the status of the response.
    ///
    /// # Errors
    /// Why there is no response. The reason contains nothing of the request or the response.
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer, Unread> {
        let limits = &self.0.limits;
        let _place = self.0.places.try_acquire().map_err(|_none| Unread::Busy)?;
        let client = self.0.client.get_or_init(|| new_client(limits.connect));
        let client = client.as_ref().ok_or(Unread::NoAuthorities)?;
        let request = question.into_request().ok_or(Unread::Unreachable)?;
        let answering = async {
            let response = client.execute(request).await;
            read(response.map_err(|error| unreachable(&error))?, limits.bytes).await
        };
        timeout(limits.answer, answering)
            .await
            .unwrap_or(Err(Unread::Slow))
    }
}

/// Classifies an error of the connection.
fn unreachable(error: &(dyn StdError + 'static)) -> Unread {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        // rustls reports TLS errors as I/O errors of this kind.
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return Unread::Tls;
        }
        // The `source` of an I/O error skips the error that it wraps.
        cause = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    Unread::Unreachable
}

async fn read(mut response: Response, most: usize) -> Result<Answer, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_broken| Unread::Unreachable)? {
        if chunk.len() > most - body.len() {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status().as_u16(),
        body,
    })
}

/// Creates a client that trusts the root certificates of this machine, including `SSL_CERT_FILE` and `SSL_CERT_DIR`.
fn new_client(connect: Duration) -> Option<Client> {
    let client = Client::builder()
        .user_agent("storefront-gateway")
        .connect_timeout(connect)
        .redirect(redirect::Policy::none())
        .no_proxy()
        // Connections are not pooled: if the server has closed one meanwhile, a request that cannot be repeated would
        // fail.
        .pool_max_idle_per_host(0)
        .build();
    let client = client.inspect_err(|error| {
        tracing::error!(cause = ?error, "cannot read the CA certificates of this machine: install the package \
            ca-certificates, or set SSL_CERT_FILE");
    });
    client.ok()
}

#[cfg(test)]
mod tests;
