//! TLS in front of a simulator, with certificates of an authority that nobody else knows.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use genesys_tail::simulator::Simulator;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// What a front shows to a client.
pub(crate) type Certificate = Arc<ServerConfig>;

/// A certificate authority, known by a file.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// The file a client trusts it by.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a host or an address.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        self.sign(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// One that was good until the end of 2020.
    pub(crate) fn expired(&self, name: &str) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 12, 31);
        self.sign(&params)
    }

    /// One that will be good from 2090 on.
    pub(crate) fn early(&self, name: &str) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2090, 1, 31);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().unwrap();
        serving(params.signed_by(&key, &self.issuer).unwrap().der().clone(), &key)
    }
}

/// A certificate that nobody but itself has signed; as an authority's where one made it with the usual tools.
pub(crate) fn self_signed(name: &str, authority: bool) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    serving(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn serving(certificate: CertificateDer<'static>, key: &KeyPair) -> Certificate {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(versions.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

/// Where clients meet TLS. It serves for as long as the runtime of the test runs.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    shown: Arc<Mutex<Certificate>>,
    accepted: Arc<Mutex<usize>>,
    cut: Arc<Notify>,
}

impl Front {
    /// Listens on loopback, and passes on to the simulator what comes through TLS.
    pub(crate) async fn start(simulator: &Simulator, certificate: Certificate) -> Self {
        Self::before(simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap(), certificate).await
    }

    /// The same before anything else.
    pub(crate) async fn before(behind: SocketAddr, certificate: Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shown = Arc::new(Mutex::new(certificate));
        let front = Self { address, shown: Arc::clone(&shown), accepted: Arc::default(), cut: Arc::default() };
        let (accepted, cut) = (Arc::clone(&front.accepted), Arc::clone(&front.cut));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                *accepted.lock().unwrap() += 1;
                let (certificate, cut) = (Arc::clone(&shown.lock().unwrap()), Arc::clone(&cut));
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass_on(tcp, certificate, behind) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        front
    }

    /// Shows this to every connection from now on.
    pub(crate) fn show(&self, certificate: Certificate) {
        *self.shown.lock().unwrap() = certificate;
    }

    /// Cuts every connection, those too that a client keeps for later.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        *self.accepted.lock().unwrap()
    }
}

async fn pass_on(tcp: TcpStream, certificate: Certificate, behind: SocketAddr) {
    let Ok(mut tls) = TlsAcceptor::from(certificate).accept(tcp).await else { return };
    let mut inner = TcpStream::connect(behind).await.unwrap();
    // How it ends is for the two ends to say.
    let _ = copy_bidirectional(&mut tls, &mut inner).await;
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
