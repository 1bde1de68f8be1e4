//! Verification of certificates (CLI-46, CLI-75, CONN-6, CONN-23, SEC-2).

use tokio::process::Command;

use crate::support::program::{Running, bare_program, path_str, program, simulator};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy, self_signed};

const SCRIPT: &str = "+0 customer Ada: one\n+0 close";

/// Returns a command that connects to the simulator through TLS.
fn tls_command(tls_proxy: &TlsProxy, simulator: &genesys_tail::simulator::Simulator, args: &[&str]) -> Command {
    let mut command = program(simulator, args);
    command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{}", tls_proxy.address));
    command
}

#[tokio::test]
async fn an_unknown_authority_is_rejected_at_once_and_accepted_with_cacert() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let refused = Running::start(&mut tls_command(&tls_proxy, &simulator, &["-F"])).finish().await;
    assert_eq!((refused.code, tls_proxy.accepted_connections()), (Some(69), 1), "{}", refused.stderr);
    assert!(refused.stderr.contains("rejected: unknown issuer"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--cacert"), "{}", refused.stderr);
    assert_eq!(simulator.request_log().token_requests.len(), 0, "no credentials are sent to an untrusted server");

    let file = authority.pem_file();
    let trusted =
        Running::start(&mut tls_command(&tls_proxy, &simulator, &["--cacert", path_str(&file)])).finish().await;
    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);
    assert!(trusted.stdout.contains("[Customer] Ada: one"), "{}", trusted.stdout);
}

#[tokio::test]
async fn ssl_cert_file_replaces_the_system_roots_and_adds_to_cacert() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    let trusted = Running::start(command.env("SSL_CERT_FILE", authority.pem_file())).finish().await;
    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);

    let other = CertificateAuthority::new();
    let file = authority.pem_file();
    let mut command = tls_command(&tls_proxy, &simulator, &["--cacert", path_str(&file)]);
    let trusted = Running::start(command.env("SSL_CERT_FILE", other.pem_file())).finish().await;
    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);

    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    let missing_file = CertificateAuthority::new().pem_file();
    let missing = Running::start(command.env("SSL_CERT_FILE", &missing_file)).finish().await;
    assert_eq!(missing.code, Some(78), "the file is removed with its authority: {}", missing.stderr);
    assert!(missing.stderr.contains(path_str(&missing_file)), "{}", missing.stderr);
}

/// (R7, R12)
#[tokio::test]
async fn file_and_folder_replace_the_system_roots_together_and_a_damaged_file_is_named() {
    let (simulator, authority, other) =
        (simulator(SCRIPT, &[]).await, CertificateAuthority::new(), CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let folder = tempfile::tempdir().unwrap();
    let marked = folder.path().join("marked.pem");
    std::fs::write(&marked, format!("\u{feff}{}", std::fs::read_to_string(authority.pem_file()).unwrap())).unwrap();
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    command
        .env("SSL_CERT_FILE", other.pem_file())
        .env("SSL_CERT_DIR", std::env::join_paths([std::path::Path::new("/nowhere"), folder.path()]).unwrap());
    let both = Running::start(&mut command).finish().await;
    assert_eq!(both.code, Some(0), "{}", both.stderr);
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    let file = Running::start(command.env("SSL_CERT_FILE", &marked)).finish().await;
    assert_eq!(file.code, Some(0), "{}", file.stderr);
    let flag =
        Running::start(&mut tls_command(&tls_proxy, &simulator, &["--cacert", path_str(&marked)])).finish().await;
    assert_eq!(flag.code, Some(0), "{}", flag.stderr);

    std::fs::write(&marked, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    let damaged = Running::start(command.env("SSL_CERT_FILE", &marked)).finish().await;
    let message = format!(
        "error: cannot use SSL_CERT_FILE {}: contains a damaged certificate\n  tip: set SSL_CERT_FILE to",
        marked.display()
    );
    assert_eq!(damaged.code, Some(78), "{}", damaged.stderr);
    assert!(damaged.stderr.contains(&message), "{}", damaged.stderr);
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    command.env("SSL_CERT_FILE", other.pem_file()).env("SSL_CERT_DIR", folder.path());
    let ignored = Running::start(&mut command).finish().await;
    assert_eq!(ignored.code, Some(69), "{}", ignored.stderr);
    let warning = format!("SSL_CERT_DIR: {} contains a damaged certificate; it is ignored", marked.display());
    assert!(ignored.stderr.contains(&warning), "{}", ignored.stderr);
}

#[tokio::test]
async fn a_rejected_certificate_exits_69_at_once_with_the_reason() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.expired_certificate("127.0.0.1")).await;
    for (certificate, reason, remedy) in [
        (authority.expired_certificate("127.0.0.1"), "expired on 2020-12-31, local clock 20", "check the system clock"),
        (
            authority.not_yet_valid_certificate("127.0.0.1"),
            "not valid before 2090-01-31, local clock 20",
            "check the system clock",
        ),
        (authority.certificate("api.example.test"), "issued for another host name", "check the region"),
        (self_signed("127.0.0.1", false), "unknown issuer, not in --cacert /", "to this file"),
        (self_signed("127.0.0.1", true), "self-signed, or the certificate of a CA", "valid certificate"),
    ] {
        tls_proxy.set_certificate(certificate);
        let before = tls_proxy.accepted_connections();
        let file = authority.pem_file();
        let refused =
            Running::start(&mut tls_command(&tls_proxy, &simulator, &["--cacert", path_str(&file)])).finish().await;
        assert_eq!((refused.code, tls_proxy.accepted_connections() - before), (Some(69), 1), "{}", refused.stderr);
        assert!(refused.stderr.contains(reason) && refused.stderr.contains(remedy), "{}", refused.stderr);
        assert!(!refused.stderr.contains("retry"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn a_certificate_that_expires_after_the_first_connection_is_an_outage() {
    let (simulator, authority) = (simulator("", &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let file = authority.pem_file();
    let mut running = Running::start(&mut tls_command(&tls_proxy, &simulator, &["--cacert", path_str(&file)]));
    running.wait_for_stderr("connected").await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: one").await.unwrap();
    running.next_line().await;
    tls_proxy.set_certificate(authority.expired_certificate("127.0.0.1"));
    tls_proxy.close_connections();
    running.wait_for_stderr("expired on 2020-12-31").await;
}

#[tokio::test]
async fn a_tls_failure_other_than_the_certificate_is_retried() {
    let simulator = simulator(SCRIPT, &[]).await;
    let mut command = program(&simulator, &["--max-retries", "0"]);
    command.env("GENESYS_LOGIN_URL", simulator.base_url().replace("http", "https"));
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    assert!(finished.stderr.contains("gave up after 1 attempt"), "{}", finished.stderr);
}

#[tokio::test]
async fn no_flag_or_variable_of_other_tools_disables_verification() {
    for flag in ["-k", "--insecure", "--no-verify", "--no-check-certificate", "--danger-accept-invalid-certs"] {
        let refused = Running::start(&mut bare_program(&[flag, "-c", "c1"])).finish().await;
        assert_eq!(refused.code, Some(2), "{flag}: {}", refused.stderr);
    }
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command = tls_command(&tls_proxy, &simulator, &[]);
    for name in ["NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY", "SSL_VERIFY"] {
        command.env(name, "0");
    }
    let refused = Running::start(&mut command).finish().await;
    assert_eq!(refused.code, Some(69), "{}", refused.stderr);
}
