//! The way to the hosts: proxies, certificates, the clock, and nobody there.

use std::net::{SocketAddr, TcpListener as Port};

use chrono::{TimeDelta, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{TALK, assert_proper, check, only};
use crate::support::program::{Finished, Running, path_str, program, simulator};
use crate::support::proxy::{Proxy, ProxyMode};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy};

#[tokio::test]
async fn a_host_that_refuses_connections_is_69_and_the_rest_is_not_tried() {
    let simulator = simulator(TALK, &[]).await;
    let free = Port::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for (name, role) in
        [("GENESYS_API_URL", "api host: cannot reach"), ("GENESYS_LOGIN_URL", "login host: cannot reach")]
    {
        let mut command = program(&simulator, &["check"]);
        let finished = Running::start(command.env(name, &nobody)).finish().await;
        assert_proper(&simulator, &finished);
        assert_eq!(finished.code, Some(69), "{}", finished.stdout);
        let line = only(&finished, "fail");
        assert!(line.contains(role) && line.contains("connection refused; what needs it was not tried"), "{line}");
        assert!(line.contains("--proxy"), "{line}");
        assert!(finished.stdout.contains("ok    api host") ^ (name == "GENESYS_API_URL"), "{}", finished.stdout);
    }
    assert_eq!(simulator.request_log().token_requests.len(), 0);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_not_waited_for() {
    let simulator = simulator(TALK, &[]).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = program(&simulator, &["check", "--connect-timeout", "300ms"]);
    command.env("GENESYS_API_URL", format!("http://{}", silent.local_addr().unwrap()));
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    assert!(only(&finished, "fail").contains("no answer from 127.0.0.1:"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_explained() {
    let (simulator, authority) = (simulator(TALK, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command = program(&simulator, &["check"]);
    command.env("GENESYS_API_URL", format!("https://{}", tls_proxy.address));
    let finished = Running::start(&mut command).finish().await;
    assert_proper(&simulator, &finished);
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    let line = only(&finished, "fail");
    assert!(line.contains("is refused: its issuer is not known here") && line.contains("--cacert"), "{line}");
    assert!(
        finished.stdout.contains(&format!("ok    api host {} reachable\n", tls_proxy.address)),
        "{}",
        finished.stdout
    );
    assert_eq!(simulator.request_log().token_requests.len(), 0, "no credentials where something is wrong");

    let finished = Running::start(command.args(["--cacert", path_str(&authority.pem_file())])).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(&format!("ok    certificate of {} trusted\n", tls_proxy.address)),
        "{}",
        finished.stdout
    );
}

/// A name that only the proxy knows.
const HOST: &str = "api.example.test";

async fn behind_proxy(manner: ProxyMode, login: &str) -> (Finished, String) {
    let (simulator, authority) = (simulator(TALK, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
    let proxy = Proxy::start(manner, tls_proxy.address).await;
    let mut command: Command = program(&simulator, &["check", "--cacert", path_str(&authority.pem_file())]);
    command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
    let finished =
        Running::start(command.env("HTTPS_PROXY", format!("http://{login}{}", proxy.address))).finish().await;
    assert_proper(&simulator, &finished);
    (finished, proxy.address.to_string())
}

#[tokio::test]
async fn a_proxy_is_named_without_its_password() {
    let (finished, address) = behind_proxy(ProxyMode::Open, "ada:s3cret@").await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = format!("ok    api and login host {HOST} reachable through the proxy http://{address}\n");
    assert!(finished.stdout.contains(&line), "{}", finished.stdout);
    assert!(!finished.stdout.contains("s3cret"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_77() {
    let (finished, address) = behind_proxy(ProxyMode::RequiresLogin("YWRhOnMzY3JldA=="), "").await;
    assert_eq!(finished.code, Some(77), "{}", finished.stdout);
    let line = only(&finished, "fail");
    assert!(line.contains("(407)") && line.contains(&address) && line.contains("USER:PASSWORD"), "{line}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_69_and_those_to_ask_are_named() {
    let (finished, address) = behind_proxy(ProxyMode::Rejects(403), "").await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    let line = only(&finished, "fail");
    assert!(line.contains(&address) && line.contains(&format!("does not pass us on to {HOST}: it refuses")), "{line}");
    assert!(line.contains("; ask whoever runs the proxy"), "{line}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_warning() {
    for (hours, direction) in [(1, "behind"), (-1, "ahead of")] {
        let simulator = simulator(TALK, &[]).await;
        let host = whose_clock_is_off_by(TimeDelta::hours(hours)).await;
        let mut command = program(&simulator, &["check"]);
        let finished = Running::start(command.env("GENESYS_API_URL", format!("http://{host}"))).finish().await;
        let warning = "warn  the clock of this machine is ";
        let line = finished.stdout.lines().find(|line| line.starts_with(warning)).unwrap_or_default();
        assert!(line.contains(&format!(" {direction} that of {host}; set it (")), "{}", finished.stdout);
        // A date has whole seconds, and some may pass.
        let hour = ["1h ", "59m "].iter().any(|hour| line[warning.len()..].starts_with(hour));
        assert!(hour && line.contains("--since"), "{line}");
    }
}

/// The address of a server that has nothing to say but the time.
async fn whose_clock_is_off_by(delta: TimeDelta) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let date = (Utc::now() + delta).format("%a, %d %b %Y %H:%M:%S GMT");
    let head = format!("HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = tcp.read(&mut asked).await;
            let _ = tcp.write_all(head.as_bytes()).await;
        }
    });
    address
}

/// Where the clock is so wrong that no certificate is taken, both dates are told.
#[tokio::test]
async fn a_certificate_out_of_its_time_leads_to_the_clock() {
    let (simulator, authority) = (simulator(TALK, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.not_yet_valid_certificate("127.0.0.1")).await;
    for (certificate, words) in [
        (authority.not_yet_valid_certificate("127.0.0.1"), "it is not valid before 2090-01-31, and here it is 20"),
        (authority.expired_certificate("127.0.0.1"), "it expired on 2020-12-31, and here it is 20"),
    ] {
        tls_proxy.set_certificate(certificate);
        let mut command = program(&simulator, &["check", "--cacert", path_str(&authority.pem_file())]);
        command.env("GENESYS_API_URL", format!("https://{}", tls_proxy.address));
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(69), "{}", finished.stdout);
        let line = only(&finished, "fail");
        assert!(line.contains(words) && line.contains("; set the clock of this machine if it is wrong"), "{line}");
    }
}

#[tokio::test]
async fn everything_is_bounded() {
    for fault in ["rest:hang,after=1", "handshake:hang", "token:hang"] {
        let simulator = simulator(TALK, &[fault]).await;
        let source = if fault.starts_with("rest") { "notifications" } else { "auto" };
        let finished = check(&simulator, &["--connect-timeout", "1s", "--source", source]).await;
        assert_eq!(finished.code, Some(69), "{fault}: {}", finished.stdout);
        assert!(only(&finished, "fail").contains("no answer from 127.0.0.1:"), "{}", finished.stdout);
    }
}
