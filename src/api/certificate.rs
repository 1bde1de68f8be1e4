//! Why a certificate cannot be trusted, in words, and what to do about it.

use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use rustls::CertificateError as Trouble;
use rustls::pki_types::UnixTime;

const ISSUER: &str = "where a company inspects TLS, add its CA certificate with --cacert FILE";
const CLOCK: &str = "set the clock of this machine if it is wrong; otherwise that host needs a new certificate";
const NAME: &str = "check the region, --api-url and --login-url; something in between may answer in its place";
const OTHER: &str = "that host needs another certificate, unless something in between shows one of its own";

/// Why a certificate cannot be trusted. Reads after the word "refused".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct CertificateError {
    reason: String,
    /// What to do about it.
    pub(crate) mend: &'static str,
}

impl CertificateError {
    /// What this error has to do with a certificate, if anything. Its causes are not looked at.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let (reason, mend) = match error.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(trouble) => (reason(trouble), mend(trouble)),
            rustls::Error::NoCertificatesPresented => ("it sent none".to_owned(), OTHER),
            _ => return None,
        };
        Some(Self { reason, mend })
    }
}

fn reason(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Expired => "it has expired".to_owned(),
        Trouble::ExpiredContext { time, not_after } => dated("it expired on", *not_after, *time),
        Trouble::NotValidYet => "it is not valid yet".to_owned(),
        Trouble::NotValidYetContext { time, not_before } => dated("it is not valid before", *not_before, *time),
        Trouble::UnknownIssuer => "its issuer is not known here".to_owned(),
        Trouble::NotValidForName | Trouble::NotValidForNameContext { .. } => {
            "it was made out for another name".to_owned()
        }
        Trouble::Revoked => "it was revoked".to_owned(),
        Trouble::BadSignature => "its signature is wrong: it is not from whom it says".to_owned(),
        Trouble::BadEncoding => "it is damaged".to_owned(),
        Trouble::InvalidPurpose | Trouble::InvalidPurposeContext { .. } => "it is not one for servers".to_owned(),
        trouble if is_of_authority(trouble) => "it is self-signed, or one of an authority".to_owned(),
        other => other.to_string(),
    }
}

fn mend(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Expired | Trouble::ExpiredContext { .. } => CLOCK,
        Trouble::NotValidYet | Trouble::NotValidYetContext { .. } => CLOCK,
        Trouble::UnknownIssuer => ISSUER,
        Trouble::NotValidForName | Trouble::NotValidForNameContext { .. } => NAME,
        _ => OTHER,
    }
}

/// The checker's own words; they name no case that is better known than this one.
fn is_of_authority(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// A date in a certificate beside that of our clock, which may be the one that is wrong; with the time of day where the
/// two are the same.
fn dated(what: &str, limit: UnixTime, now: UnixTime) -> String {
    let (limit, now) = (time(limit), time(now));
    let format = if limit.date_naive() == now.date_naive() { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d" };
    format!("{what} {}, and here it is {}", limit.format(format), now.format(format))
}

fn time(time: UnixTime) -> DateTime<Utc> {
    let seconds = i64::try_from(time.as_secs()).ok();
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said(trouble: Trouble) -> (String, &'static str) {
        let distrust = CertificateError::of(&rustls::Error::InvalidCertificate(trouble)).expect("a certificate");
        (distrust.to_string(), distrust.mend)
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn a_date_is_told_beside_that_of_our_clock() {
        let (day, hour) = (86_400, 3_600);
        let early = Trouble::NotValidYetContext { time: at(0), not_before: at(400 * day) };
        assert_eq!(said(early), ("it is not valid before 1971-02-05, and here it is 1970-01-01".to_owned(), CLOCK));
        let late = Trouble::ExpiredContext { time: at(13 * hour), not_after: at(12 * hour) };
        let words = "it expired on 1970-01-01 12:00 UTC, and here it is 1970-01-01 13:00 UTC";
        assert_eq!(said(late), (words.to_owned(), CLOCK));
        let never = Trouble::NotValidYetContext { time: at(0), not_before: at(u64::MAX) };
        assert!(said(never).0.starts_with("it is not valid before +"), "no date is too late");
    }

    #[test]
    fn each_trouble_has_its_own_next_step() {
        assert_eq!(said(Trouble::UnknownIssuer).1, ISSUER);
        assert_eq!(said(Trouble::NotValidForName).1, NAME);
        assert_eq!(said(Trouble::Expired).1, CLOCK);
        assert_eq!(said(Trouble::Revoked).1, OTHER);
    }

    #[test]
    fn what_is_about_something_else_is_no_distrust() {
        assert!(CertificateError::of(&rustls::Error::NoCertificatesPresented).is_some());
        assert_eq!(CertificateError::of(&rustls::Error::HandshakeNotComplete), None);
        assert_eq!(CertificateError::of(&std::io::Error::other("odd")), None);
    }
}
