//! The certificates that replace those of the operating system (CLI-75).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::setup_error::SetupError;
use crate::config::{CaBundle, Network, UnusableBundle};
use crate::system::io_error;

/// Certificates in DER form, each once: a folder often holds links to its files and a file with all of them.
pub(super) type Roots = BTreeSet<Vec<u8>>;

/// Reads `SSL_CERT_FILE` and the folders of `SSL_CERT_DIR`. `None` if neither is set.
///
/// # Errors
///
/// If the file is unusable, or if the folders are without a certificate and there is no file.
pub(super) fn replacing_roots(network: &Network) -> Result<Option<Roots>, SetupError> {
    let mut roots = Roots::new();
    if let Some(path) = &network.ssl_cert_file {
        let unusable = |reason| SetupError::RootCertificates { variable: "SSL_CERT_FILE", path: path.clone(), reason };
        let pem = fs::read(path).map_err(|error| unusable(io_error::describe(&error)))?;
        let bundle = CaBundle::parse(path.clone(), &pem).map_err(|error| unusable(error.to_string()))?;
        roots.extend(bundle.certificates);
    }
    for folder in &network.ssl_cert_dirs {
        let read = read_folder(folder, &mut roots);
        let reason = read.err().map(|error| io_error::describe(&error));
        if roots.is_empty() {
            let reason = reason.unwrap_or_else(|| "no file in it contains a PEM certificate".to_owned());
            return Err(SetupError::RootCertificates { variable: "SSL_CERT_DIR", path: folder.clone(), reason });
        }
        if let Some(reason) = reason {
            tracing::warn!("SSL_CERT_DIR: cannot read {}: {reason}", folder.display());
        }
    }
    Ok((!roots.is_empty()).then_some(roots))
}

/// Adds the certificates of the files in a folder. Warns of a damaged one, and ignores files without certificates.
fn read_folder(folder: &Path, roots: &mut Roots) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        // The key of a server beside its certificate is unreadable.
        let Ok(pem) = fs::read(&path) else { continue };
        match CaBundle::parse(path.clone(), &pem) {
            Ok(bundle) => roots.extend(bundle.certificates),
            Err(UnusableBundle::NoCertificate | UnusableBundle::Der) => {}
            Err(error) => tracing::warn!("SSL_CERT_DIR: {} {error}; it is ignored", path.display()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> String {
        rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate").cert.pem()
    }

    /// (R12)
    #[test]
    fn file_and_folders_are_read_together_and_each_certificate_once() {
        let (first, second) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (a, b, c) = (certificate("a.test"), certificate("b.test"), certificate("c.test"));
        let write = |path: &Path, text: &str| fs::write(path, text).expect("a file");
        write(&first.path().join("a.pem"), &a);
        write(&first.path().join("all.crt"), &format!("{a}{b}"));
        fs::hard_link(first.path().join("a.pem"), first.path().join("0a1b2c3d.0")).expect("a link");
        write(&first.path().join("README"), "Certificates of the company.");
        write(&first.path().join("z.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        fs::create_dir(first.path().join("folder")).expect("a folder");
        let file = second.path().join("c.pem");
        write(&file, &format!("\u{feff}{c}"));
        let network = |file: Option<&Path>, folders: &[&Path]| Network {
            ssl_cert_file: file.map(Path::to_owned),
            ssl_cert_dirs: folders.iter().map(|&folder| folder.to_owned()).collect(),
            ..Network::direct()
        };
        let count = |network: &Network| replacing_roots(network).expect("usable certificates").map(|roots| roots.len());
        assert_eq!(count(&network(None, &[])), None);
        assert_eq!(count(&network(Some(&file), &[])), Some(1));
        assert_eq!(count(&network(None, &[first.path(), second.path()])), Some(3));
        assert_eq!(count(&network(Some(&file), &[first.path(), Path::new("/nowhere")])), Some(3));
        let error = |network: &Network| replacing_roots(network).expect_err("no certificate").to_string();
        assert!(error(&network(None, &[Path::new("/nowhere")])).starts_with("cannot use SSL_CERT_DIR /nowhere: "));
        let damaged = first.path().join("z.pem");
        let expected = format!("cannot use SSL_CERT_FILE {}: contains a damaged certificate", damaged.display());
        assert_eq!(error(&network(Some(&damaged), &[first.path()])), expected);
    }
}
