//! A TLS terminator in front of a simulator, with certificates of a test authority.

use std::net::SocketAddr;
use std::path::PathBuf;
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

/// A server certificate with its private key, as rustls uses it.
pub(crate) type ServerCertificate = Arc<ServerConfig>;

/// A certificate authority that no trust store contains.
pub(crate) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl CertificateAuthority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Returns the path of the authority's own certificate, for `--cacert`.
    pub(crate) fn pem_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Issues a valid certificate for a host name or an address.
    pub(crate) fn certificate(&self, name: &str) -> ServerCertificate {
        self.sign(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// Issues a certificate that expired at the end of 2020.
    pub(crate) fn expired_certificate(&self, name: &str) -> ServerCertificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 12, 31);
        self.sign(&params)
    }

    /// Issues a certificate that is valid from 2090 on.
    pub(crate) fn not_yet_valid_certificate(&self, name: &str) -> ServerCertificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2090, 1, 31);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> ServerCertificate {
        let key = KeyPair::generate().unwrap();
        server_config(params.signed_by(&key, &self.issuer).unwrap().der().clone(), &key)
    }
}

/// Returns a self-signed certificate. With `authority`, it has the CA flag that the usual tools set.
pub(crate) fn self_signed(name: &str, authority: bool) -> ServerCertificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    server_config(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerCertificate {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(versions.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

/// A running TLS terminator. It serves for as long as the runtime of the test runs.
pub(crate) struct TlsProxy {
    pub(crate) address: SocketAddr,
    certificate: Arc<Mutex<ServerCertificate>>,
    accepted_connections: Arc<Mutex<usize>>,
    close_connections: Arc<Notify>,
}

impl TlsProxy {
    /// Listens on loopback and forwards the decrypted bytes to the simulator.
    pub(crate) async fn start(simulator: &Simulator, certificate: ServerCertificate) -> Self {
        Self::in_front_of(simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap(), certificate).await
    }

    /// Listens on loopback and forwards the decrypted bytes to `upstream`.
    pub(crate) async fn in_front_of(upstream: SocketAddr, certificate: ServerCertificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            certificate: Arc::new(Mutex::new(certificate)),
            accepted_connections: Arc::default(),
            close_connections: Arc::default(),
        };
        let (current, accepted) = (Arc::clone(&proxy.certificate), Arc::clone(&proxy.accepted_connections));
        let close = Arc::clone(&proxy.close_connections);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                *accepted.lock().unwrap() += 1;
                let (certificate, close) = (Arc::clone(&current.lock().unwrap()), Arc::clone(&close));
                tokio::spawn(async move {
                    tokio::select! {
                        () = forward(tcp, certificate, upstream) => {}
                        () = close.notified() => {}
                    }
                });
            }
        });
        proxy
    }

    /// Presents this certificate to every later connection.
    pub(crate) fn set_certificate(&self, certificate: ServerCertificate) {
        *self.certificate.lock().unwrap() = certificate;
    }

    /// Closes every open connection, including idle ones in the client's pool.
    pub(crate) fn close_connections(&self) {
        self.close_connections.notify_waiters();
    }

    /// Returns the number of connections accepted so far.
    pub(crate) fn accepted_connections(&self) -> usize {
        *self.accepted_connections.lock().unwrap()
    }
}

async fn forward(tcp: TcpStream, certificate: ServerCertificate, upstream: SocketAddr) {
    let Ok(mut tls) = TlsAcceptor::from(certificate).accept(tcp).await else { return };
    let mut inner = TcpStream::connect(upstream).await.unwrap();
    // Either end may close the connection abruptly.
    let _ = copy_bidirectional(&mut tls, &mut inner).await;
}
