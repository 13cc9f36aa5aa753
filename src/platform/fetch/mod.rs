//! Reading from other people's web servers: with limits on time, size and number, each request on a connection of its own,
//! and without following where an answer would like to lead.

mod documents;

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::json::{self, Bounds};
use super::secret::Secret;

pub use documents::Documents;

/// How much of a server's time and words is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the whole answer is there, connecting included.
    pub answer: Duration,
    /// Bytes of an answer.
    pub bytes: usize,
    /// Requests under way at once: a server that hangs holds up no more than these.
    pub at_once: usize,
}

impl Limits {
    /// The usual ones.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(5),
        bytes: 256 * 1024,
        at_once: 64,
    };
}

/// What the JSON of an answer may hold: more than any provider's document has.
const JSON: Bounds = Bounds {
    depth: 32,
    values: 10_000,
};

/// Why there is no answer that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// As many requests as there may be are under way.
    Busy,
    /// This machine's certificates of authorities cannot be read, so that nobody can be trusted.
    NoAuthorities,
    /// No connection, or it broke.
    Unreachable,
    /// No encryption came about: a certificate that nobody here trusts, perhaps.
    Tls,
    /// It took too long.
    Slow,
    /// It is too long.
    TooLarge,
    /// It has another status than 200, a redirection perhaps.
    Status,
    /// It is no JSON.
    NotJson,
}

impl Unread {
    /// The same in words, for the log.
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

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Where.
    pub url: &'a Url,
    /// The value of the header `Authorization`.
    pub authorization: Option<Secret>,
    /// A form to post; without one it is a GET.
    pub form: Option<Secret>,
}

impl<'a> Question<'a> {
    /// A GET without a credential.
    #[must_use]
    pub const fn get(url: &'a Url) -> Self {
        Self {
            url,
            authorization: None,
            form: None,
        }
    }

    fn into_request(self) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .uri(self.url.as_str())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "storefront-gateway");
        if let Some(credential) = self.authorization {
            let mut value = HeaderValue::from_str(credential.expose()).ok()?;
            // Left out of whatever the library logs.
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = match self.form {
            Some(form) => request
                .method(Method::POST)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::from(form.expose().to_owned())),
            None => request.body(Full::default()),
        };
        request.ok()
    }
}

/// What was answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The JSON of an answer that is one.
    ///
    /// # Errors
    /// [`Unread::Status`], [`Unread::TooLarge`], [`Unread::NotJson`].
    pub fn json(&self) -> Result<serde_json::Value, Unread> {
        if self.status != 200 {
            return Err(Unread::Status);
        }
        self.json_of_any_status()
    }

    /// The JSON of an answer, whatever its status.
    ///
    /// # Errors
    /// [`Unread::TooLarge`], [`Unread::NotJson`].
    pub fn json_of_any_status(&self) -> Result<serde_json::Value, Unread> {
        json::check(&self.body, &JSON).map_err(|_excess| Unread::TooLarge)?;
        serde_json::from_slice(&self.body).map_err(|_not_json| Unread::NotJson)
    }
}

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Asks web servers. Clones share the limits.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    limits: Limits,
    places: Semaphore,
    /// Made when it is first needed: a gateway without identity providers needs no certificates of authorities.
    client: OnceLock<Option<Https>>,
}

impl Fetcher {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            places: Semaphore::new(limits.at_once),
            client: OnceLock::new(),
        }))
    }

    /// Asks once; the answer's status is the caller's affair.
    ///
    /// # Errors
    /// Why there is no answer. Nothing of the question or the answer is in it.
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer, Unread> {
        let Inner {
            limits,
            places,
            client,
        } = &*self.0;
        let _place = places.try_acquire().map_err(|_none| Unread::Busy)?;
        let client = client.get_or_init(|| https(limits.connect));
        let client = client.as_ref().ok_or(Unread::NoAuthorities)?;
        let request = question.into_request().ok_or(Unread::Unreachable)?;
        let answering = async {
            let response = client.request(request).await;
            read(response.map_err(|error| unreachable(&error))?, limits.bytes).await
        };
        timeout(limits.answer, answering)
            .await
            .unwrap_or(Err(Unread::Slow))
    }
}

/// Why there is no connection.
fn unreachable(error: &(dyn StdError + 'static)) -> Unread {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        // What rustls finds wrong comes as an i/o error of this kind.
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return Unread::Tls;
        }
        // An i/o error passes over the one that it is made of.
        cause = match io.and_then(io::Error::get_ref) {
            Some(made_of) => Some(made_of),
            None => error.source(),
        };
    }
    Unread::Unreachable
}

async fn read(response: Response<Incoming>, most: usize) -> Result<Answer, Unread> {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), most).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => Unread::TooLarge,
        false => Unread::Unreachable,
    })?;
    Ok(Answer {
        status,
        body: body.to_bytes(),
    })
}

/// Trusts whom this machine trusts, `SSL_CERT_FILE` and `SSL_CERT_DIR` included.
fn https(connect: Duration) -> Option<Https> {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(connect));
    http.enforce_http(false);
    let tls = HttpsConnectorBuilder::new().with_native_roots();
    let tls = tls.inspect_err(|error| {
        tracing::error!(%error, "cannot read the CA certificates of this machine: install the package \
            ca-certificates, or set SSL_CERT_FILE");
    });
    let connector = tls.ok()?.https_or_http().enable_http1().wrap_connector(http);
    // No connection is kept: one that the server has closed meanwhile would cost a request that cannot be repeated.
    Some(
        Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector),
    )
}

#[cfg(test)]
mod tests;
