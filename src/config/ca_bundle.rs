//! Files of trusted certificates.

use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The mark that some editors of Windows put at the start of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The certificates of a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaBundle {
    /// The path of the file, for messages.
    pub(crate) path: PathBuf,
    /// At least one certificate in DER form. Each is known to be usable as a root.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// A file without usable certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableBundle {
    #[error("contains no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("is a DER certificate, not PEM")]
    Der,
    #[error("contains a damaged certificate")]
    Damaged,
}

impl CaBundle {
    /// Reads PEM certificates, and checks that each of them can be a root. Other sections, such as keys, are ignored.
    pub(crate) fn parse(path: PathBuf, pem: &[u8]) -> Result<Self, UnusableBundle> {
        let pem = pem.strip_prefix(BYTE_ORDER_MARK).unwrap_or(pem);
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).map(checked).collect();
        match certificates? {
            none if none.is_empty() && is_der(pem) => Err(UnusableBundle::Der),
            none if none.is_empty() => Err(UnusableBundle::NoCertificate),
            certificates => Ok(Self { path, certificates }),
        }
    }
}

fn is_der(bytes: &[u8]) -> bool {
    RootCertStore::empty().add(CertificateDer::from(bytes)).is_ok()
}

fn checked<E>(certificate: Result<CertificateDer<'_>, E>) -> Result<Vec<u8>, UnusableBundle> {
    let certificate = certificate.map_err(|_| UnusableBundle::Damaged)?;
    let bytes = certificate.to_vec();
    RootCertStore::empty().add(certificate).map_err(|_| UnusableBundle::Damaged)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_only_usable_certificates() {
        let parse =
            |pem: &str| CaBundle::parse("ca.pem".into(), pem.as_bytes()).map(|bundle| bundle.certificates.len());
        let key = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a certificate");
        let pem = key.cert.pem();
        assert_eq!(parse(&format!("# root\n{pem}{pem}")), Ok(2));
        assert_eq!(parse(&format!("{pem}{}", key.signing_key.serialize_pem())), Ok(1));
        for without in ["", "\u{feff}", &key.signing_key.serialize_pem()] {
            assert_eq!(parse(without), Err(UnusableBundle::NoCertificate), "{without}");
        }
        for damaged in ["AAAA", "!", ""] {
            let damaged = format!("-----BEGIN CERTIFICATE-----\n{damaged}\n-----END CERTIFICATE-----\n");
            assert_eq!(parse(&format!("{pem}{damaged}")), Err(UnusableBundle::Damaged), "{damaged}");
        }
    }

    #[test]
    fn a_der_certificate_is_recognised() {
        let certificate = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a certificate").cert;
        assert_eq!(CaBundle::parse("ca.der".into(), certificate.der()), Err(UnusableBundle::Der));
    }

    /// (R7)
    #[test]
    fn a_byte_order_mark_and_windows_line_breaks_are_accepted() {
        let pem = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a certificate").cert.pem();
        let plain = CaBundle::parse("ca.pem".into(), pem.as_bytes());
        let marked = format!("\u{feff}{}", pem.replace("\r\n", "\n").replace('\n', "\r\n"));
        assert_eq!(CaBundle::parse("ca.pem".into(), marked.as_bytes()), plain);
    }
}
