//! Checks of hosts, proxies, certificates and the clock (CHK-1, CHK-2).

use std::net::SocketAddr;

use chrono::{TimeDelta, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{SCRIPT, assert_well_formed, check, only_line};
use crate::support::program::{Finished, Running, path_str, program, refusing_socket, simulator};
use crate::support::proxy::{Proxy, ProxyMode};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy};

#[tokio::test]
async fn a_host_that_refuses_connections_is_69_and_stops_the_check() {
    let simulator = simulator(SCRIPT, &[]).await;
    let refusing = refusing_socket();
    let refusing_url = format!("http://{}", refusing.local_addr().unwrap());
    for (name, role) in [("GENESYS_API_URL", "fail  host (API): "), ("GENESYS_LOGIN_URL", "fail  host (sign-in): ")] {
        let mut command = program(&simulator, &["check"]);
        let finished = Running::start(command.env(name, &refusing_url)).finish().await;
        assert_well_formed(&simulator, &finished);
        assert_eq!(finished.code, Some(69), "{}", finished.stdout);
        let line = only_line(&finished, "fail");
        assert!(line.starts_with(role) && line.contains("connection refused; dependent checks skipped; "), "{line}");
        assert!(line.contains("; start the simulator (genesys-tail simulate), or correct the port"), "{line}");
        assert!(finished.stdout.contains("(API) is reachable") ^ (name == "GENESYS_API_URL"), "{}", finished.stdout);
    }
    assert_eq!(simulator.request_log().token_requests.len(), 0);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_69_after_the_connect_timeout() {
    let simulator = simulator(SCRIPT, &[]).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = program(&simulator, &["check", "--connect-timeout", "300ms"]);
    command.env("GENESYS_API_URL", format!("http://{}", silent.local_addr().unwrap()));
    let finished = Running::start(&mut command).finish().await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    assert!(only_line(&finished, "fail").contains("no response from 127.0.0.1:"), "{}", finished.stdout);
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_69_with_the_cacert_hint() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate("127.0.0.1")).await;
    let mut command = program(&simulator, &["check"]);
    command.env("GENESYS_API_URL", format!("https://{}", tls_proxy.address));
    let finished = Running::start(&mut command).finish().await;
    assert_well_formed(&simulator, &finished);
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    let line = only_line(&finished, "fail");
    assert!(line.starts_with("fail  certificate of 127.0.0.1:") && line.contains("--cacert"), "{line}");
    assert!(
        finished.stdout.contains(&format!("ok    host {} (API) is reachable\n", tls_proxy.address)),
        "{}",
        finished.stdout
    );
    assert_eq!(simulator.request_log().token_requests.len(), 0, "credentials are sent to trusted hosts only");

    let finished = Running::start(command.args(["--cacert", path_str(&authority.pem_file())])).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(&format!("ok    certificate of {} is trusted\n", tls_proxy.address)),
        "{}",
        finished.stdout
    );
}

/// A host name that only the proxy resolves.
const HOST: &str = "api.example.test";

/// Runs `check` behind a proxy, with `login` in the proxy URL. Returns the proxy's address, too.
async fn check_behind_proxy(mode: ProxyMode, login: &str) -> (Finished, String) {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
    let proxy = Proxy::start(mode, tls_proxy.address).await;
    let mut command: Command = program(&simulator, &["check", "--cacert", path_str(&authority.pem_file())]);
    command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
    let finished =
        Running::start(command.env("HTTPS_PROXY", format!("http://{login}{}", proxy.address))).finish().await;
    assert_well_formed(&simulator, &finished);
    (finished, proxy.address.to_string())
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn the_proxy_is_named_without_its_password() {
    let (finished, address) = check_behind_proxy(ProxyMode::Open, "ada:s3cret@").await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let line = format!("ok    host {HOST} (API, sign-in) is reachable through proxy http://{address}\n");
    assert!(finished.stdout.contains(&line), "{}", finished.stdout);
    assert!(!finished.stdout.contains("s3cret"), "{}", finished.stdout);
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_proxy_that_requires_a_password_is_77() {
    let (finished, address) = check_behind_proxy(ProxyMode::RequiresLogin("YWRhOnMzY3JldA=="), "").await;
    assert_eq!(finished.code, Some(77), "{}", finished.stdout);
    let line = only_line(&finished, "fail");
    assert!(line.contains("(407)") && line.contains(&address) && line.contains("USER:PASSWORD"), "{line}");
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_proxy_that_refuses_the_host_is_69_and_its_operator_is_the_contact() {
    let (finished, address) = check_behind_proxy(ProxyMode::Rejects(403), "").await;
    assert_eq!(finished.code, Some(69), "{}", finished.stdout);
    let line = only_line(&finished, "fail");
    assert!(line.contains(&address) && line.contains(&format!("did not connect to {HOST}: forbidden")), "{line}");
    assert!(line.contains("that it allows this host"), "{line}");
}

#[tokio::test]
async fn a_wrong_clock_is_a_warning() {
    for (hours, direction) in [(1, "behind"), (-1, "ahead of")] {
        let simulator = simulator(SCRIPT, &[]).await;
        let host = start_server_with_clock_offset(TimeDelta::hours(hours)).await;
        let mut command = program(&simulator, &["check"]);
        let finished = Running::start(command.env("GENESYS_API_URL", format!("http://{host}"))).finish().await;
        let warning = "warn  clock ";
        let line = finished.stdout.lines().find(|line| line.starts_with(warning)).unwrap_or_default();
        assert!(
            line.contains(&format!(
                " {direction} {host}, which affects certificates, --since and times; set the clock"
            )),
            "{}",
            finished.stdout
        );
        // The `Date` header has whole seconds, and some pass during the check.
        let about_an_hour = ["1 h ", "59 min "].iter().any(|hour| line[warning.len()..].starts_with(hour));
        assert!(about_an_hour, "{line}");
    }
}

/// Starts a server that answers 404 with a shifted `Date` header, and returns its address.
async fn start_server_with_clock_offset(offset: TimeDelta) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let date = (Utc::now() + offset).format("%a, %d %b %Y %H:%M:%S GMT");
    let head = format!("HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = tcp.read(&mut request).await;
            let _ = tcp.write_all(head.as_bytes()).await;
        }
    });
    address
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_certificate_outside_its_validity_names_both_dates_and_suggests_the_clock() {
    let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
    let tls_proxy = TlsProxy::start(&simulator, authority.not_yet_valid_certificate("127.0.0.1")).await;
    for (certificate, words) in [
        (authority.not_yet_valid_certificate("127.0.0.1"), "not valid before 2090-01-31, local clock 20"),
        (authority.expired_certificate("127.0.0.1"), "expired on 2020-12-31, local clock 20"),
    ] {
        tls_proxy.set_certificate(certificate);
        let mut command = program(&simulator, &["check", "--cacert", path_str(&authority.pem_file())]);
        command.env("GENESYS_API_URL", format!("https://{}", tls_proxy.address));
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(69), "{}", finished.stdout);
        let line = only_line(&finished, "fail");
        assert!(line.contains(words) && line.contains("; check the system clock"), "{line}");
    }
}

#[tokio::test]
async fn a_request_without_a_response_times_out_with_69() {
    for fault in ["rest:hang,after=1", "handshake:hang", "token:hang"] {
        let simulator = simulator(SCRIPT, &[fault]).await;
        let source = if fault.starts_with("rest") { "notifications" } else { "auto" };
        let finished = check(&simulator, &["--connect-timeout", "1s", "--source", source]).await;
        assert_eq!(finished.code, Some(69), "{fault}: {}", finished.stdout);
        assert!(only_line(&finished, "fail").contains("no response from 127.0.0.1:"), "{}", finished.stdout);
    }
}
