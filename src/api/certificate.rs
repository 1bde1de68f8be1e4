//! Rejected certificates: the reason in plain words, and a remedy.

use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use rustls::CertificateError as Rejection;
use rustls::pki_types::UnixTime;

const REMEDY_ISSUER: &str = "add the CA certificate of your company or network with --cacert FILE";
const REMEDY_ADD_ISSUER: &str = "add the CA certificate that issued the server's certificate to this file or folder";
const REMEDY_CLOCK: &str = "check the system clock; if it is right, the server needs a new certificate";
const REMEDY_NAME: &str = "check the region, API URL and login URL; a proxy or captive portal may have answered";
const REMEDY_OTHER: &str =
    "ask the operator of the server for a valid certificate; a proxy or captive portal may have answered";

/// A certificate that is not trusted. The text reads after the words "certificate rejected: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct CertificateError {
    reason: String,
    /// The next step.
    pub(crate) remedy: &'static str,
}

impl CertificateError {
    /// Returns the next step if the certificate is that of a proxy.
    pub(super) fn proxy_remedy(&self) -> &'static str {
        match self.remedy {
            REMEDY_NAME | REMEDY_OTHER => "check the address of the proxy (--proxy, HTTPS_PROXY) and its certificate",
            remedy => remedy,
        }
    }

    /// Adds to an unknown issuer where the user has put the trusted certificates.
    pub(super) fn with_trusted(self, settings: &str) -> Self {
        if self.remedy != REMEDY_ISSUER || settings.is_empty() {
            return self;
        }
        Self { reason: format!("{}, not in {settings}", self.reason), remedy: REMEDY_ADD_ISSUER }
    }

    /// Returns the certificate error that `error` itself is, if it is one. Ignores its causes.
    pub(crate) fn from_rustls(error: &(dyn StdError + 'static)) -> Option<Self> {
        let (reason, remedy) = match error.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(rejection) => (reason(rejection), remedy(rejection)),
            rustls::Error::NoCertificatesPresented => ("the server sent none".to_owned(), REMEDY_OTHER),
            _ => return None,
        };
        Some(Self { reason, remedy })
    }
}

fn reason(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Expired => "expired".to_owned(),
        Rejection::ExpiredContext { time, not_after } => with_dates("expired on", *not_after, *time),
        Rejection::NotValidYet => "not valid yet".to_owned(),
        Rejection::NotValidYetContext { time, not_before } => with_dates("not valid before", *not_before, *time),
        Rejection::UnknownIssuer => "unknown issuer".to_owned(),
        Rejection::NotValidForName | Rejection::NotValidForNameContext { .. } => {
            "issued for another host name".to_owned()
        }
        Rejection::Revoked => "revoked".to_owned(),
        Rejection::BadSignature => "invalid signature".to_owned(),
        Rejection::BadEncoding => "malformed".to_owned(),
        Rejection::InvalidPurpose | Rejection::InvalidPurposeContext { .. } => "not a server certificate".to_owned(),
        rejection if is_ca_certificate(rejection) => "self-signed, or the certificate of a CA".to_owned(),
        other => other.to_string(),
    }
}

fn remedy(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Expired | Rejection::ExpiredContext { .. } => REMEDY_CLOCK,
        Rejection::NotValidYet | Rejection::NotValidYetContext { .. } => REMEDY_CLOCK,
        Rejection::UnknownIssuer => REMEDY_ISSUER,
        Rejection::NotValidForName | Rejection::NotValidForNameContext { .. } => REMEDY_NAME,
        _ => REMEDY_OTHER,
    }
}

/// Returns whether the server shows the certificate of a CA as its own. webpki's error for this has no variant in rustls.
fn is_ca_certificate(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// Appends the date in the certificate and that of the local clock, which may be wrong. Includes the time of day if both
/// are on the same day.
fn with_dates(reason: &str, limit: UnixTime, now: UnixTime) -> String {
    let (limit, now) = (to_utc(limit), to_utc(now));
    let format = if limit.date_naive() == now.date_naive() { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d" };
    format!("{reason} {}, local clock {}", limit.format(format), now.format(format))
}

fn to_utc(time: UnixTime) -> DateTime<Utc> {
    let seconds = i64::try_from(time.as_secs()).ok();
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reason_and_remedy(rejection: Rejection) -> (String, &'static str) {
        let error = CertificateError::from_rustls(&rustls::Error::InvalidCertificate(rejection)).expect("an error");
        (error.to_string(), error.remedy)
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn a_date_is_shown_beside_that_of_the_local_clock() {
        let (day, hour) = (86_400, 3_600);
        let early = Rejection::NotValidYetContext { time: at(0), not_before: at(400 * day) };
        let expected = "not valid before 1971-02-05, local clock 1970-01-01";
        assert_eq!(reason_and_remedy(early), (expected.to_owned(), REMEDY_CLOCK));
        let late = Rejection::ExpiredContext { time: at(13 * hour), not_after: at(12 * hour) };
        let expected = "expired on 1970-01-01 12:00 UTC, local clock 1970-01-01 13:00 UTC";
        assert_eq!(reason_and_remedy(late), (expected.to_owned(), REMEDY_CLOCK));
    }

    #[test]
    fn a_date_beyond_the_calendar_is_shown_as_its_last_day() {
        let never = Rejection::NotValidYetContext { time: at(0), not_before: at(u64::MAX) };
        assert!(reason_and_remedy(never).0.starts_with("not valid before +"));
    }

    #[test]
    fn the_remedy_fits_the_reason() {
        assert_eq!(reason_and_remedy(Rejection::UnknownIssuer).1, REMEDY_ISSUER);
        assert_eq!(reason_and_remedy(Rejection::NotValidForName).1, REMEDY_NAME);
        assert_eq!(reason_and_remedy(Rejection::Expired).1, REMEDY_CLOCK);
        assert_eq!(reason_and_remedy(Rejection::Revoked).1, REMEDY_OTHER);
        let of_proxy = |remedy| CertificateError { reason: String::new(), remedy }.proxy_remedy();
        assert!(of_proxy(REMEDY_NAME).contains("address of the proxy"));
        assert_eq!(of_proxy(REMEDY_ISSUER), REMEDY_ISSUER);
    }

    #[test]
    fn an_unknown_issuer_names_the_file_of_the_user() {
        let error = |rejection| CertificateError::from_rustls(&rustls::Error::InvalidCertificate(rejection));
        let unknown = error(Rejection::UnknownIssuer).expect("an error").with_trusted("--cacert ca.pem");
        assert_eq!(unknown.to_string(), "unknown issuer, not in --cacert ca.pem");
        assert!(!unknown.remedy.contains("--cacert"), "it was given: {}", unknown.remedy);
        assert_eq!(error(Rejection::UnknownIssuer).expect("an error").with_trusted("").remedy, REMEDY_ISSUER);
        assert_eq!(error(Rejection::Expired).expect("an error").with_trusted("--cacert x").to_string(), "expired");
    }

    #[test]
    fn only_errors_about_certificates_are_certificate_errors() {
        assert!(CertificateError::from_rustls(&rustls::Error::NoCertificatesPresented).is_some());
        assert_eq!(CertificateError::from_rustls(&rustls::Error::HandshakeNotComplete), None);
        assert_eq!(CertificateError::from_rustls(&std::io::Error::other("odd")), None);
    }
}
