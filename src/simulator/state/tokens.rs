//! The tokens that were given out.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::time::Instant;

use crate::simulator::http::error_response;
use crate::simulator::http::oauth::bearer;
use crate::simulator::state::lock;

const TOKEN_LENGTH: usize = 86;

/// Every token given out, and until when it is good.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) lifetime: Duration,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    random: fastrand::Rng,
    expiries: HashMap<String, Instant>,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration, seed: u64) -> Self {
        let book = Book { random: fastrand::Rng::with_seed(seed), expiries: HashMap::new() };
        Self { lifetime, book: Mutex::new(book) }
    }

    pub(crate) fn issue(&self) -> String {
        let mut book = lock(&self.book);
        let token: String = std::iter::repeat_with(|| book.random.alphanumeric()).take(TOKEN_LENGTH).collect();
        book.expiries.insert(token.clone(), Instant::now() + self.lifetime);
        token
    }

    /// Until when a token is good; `None` when it no longer is, or never was.
    fn expiry(&self, token: &str) -> Option<Instant> {
        lock(&self.book).expiries.get(token).copied().filter(|expiry| *expiry > Instant::now())
    }

    /// The token of a request and until when it is good, or the answer to one without such a token.
    #[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(String, Instant), Response> {
        let Some(token) = bearer(headers) else {
            let words = "No authentication bearer token specified in authorization header.";
            return Err(error_response::rest(StatusCode::UNAUTHORIZED, "authentication.required", words));
        };
        let expiry = self.expiry(&token).ok_or_else(|| error_response::usual(StatusCode::UNAUTHORIZED))?;
        Ok((token, expiry))
    }

    pub(crate) fn revoke(&self) {
        lock(&self.book).expiries.clear();
    }
}
