//! Proxies, `NO_PROXY` and path prefixes (CLI-45, CLI-67, CLI-73, CLI-74, CONN-14).

use genesys_tail::simulator::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::support::program::{
    Finished, Running, bare_program, path_str, program, refusing_socket, run, simulator, within_timeout,
};
use crate::support::proxy::{Proxy, ProxyMode};
use crate::support::raw_server::{FIN, RawServer, Response, TEXT, json_response, server_frame};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy};

const SCRIPT: &str = "+0 customer Ada: one\n+0 close";

/// A host name that only the proxy resolves.
const HOST: &str = "api.example.test";

/// `ada:p@ss/word` in Base64, as in Basic authentication.
const LOGIN_BASE64: &str = "YWRhOnBAc3Mvd29yZA==";

/// `ada:p@ss/word` percent-encoded, as in a URL.
const LOGIN_IN_URL: &str = "ada:p%40ss%2Fword";

/// A simulator behind a TLS terminator behind a proxy.
struct ProxiedSimulator {
    simulator: Simulator,
    authority: CertificateAuthority,
    proxy: Proxy,
}

impl ProxiedSimulator {
    async fn start(mode: ProxyMode) -> Self {
        let (simulator, authority) = (simulator(SCRIPT, &[]).await, CertificateAuthority::new());
        let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
        Self { proxy: Proxy::start(mode, tls_proxy.address).await, simulator, authority }
    }

    /// Returns a command that trusts the certificate and connects to [`HOST`].
    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.simulator, &["-vv", "--cacert"]);
        command.arg(self.authority.pem_file()).args(args);
        command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
        command
    }

    fn proxy_url(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}{}", self.proxy.address)
    }

    /// Runs without retries and asserts that stderr contains no secret.
    async fn run(&self, args: &[&str]) -> Finished {
        let finished = Running::start(self.command(args).args(["--max-retries", "0"])).finish().await;
        for secret in [LOGIN_IN_URL, "p@ss/word", LOGIN_BASE64, self.simulator.client_secret()] {
            assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
        }
        finished
    }

    /// Asserts that token, socket and history requests reached the simulator.
    fn assert_served(&self, finished: &Finished) {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stdout.contains("[Customer] Ada: one"), "{}", finished.stdout);
        let log = self.simulator.request_log();
        assert_eq!((log.token_requests.len(), log.transcript_sockets.len()), (1, 1));
        assert!(log.count_requests("GET /api/v2/conversations/messages/") > 0, "the history is requested");
    }

    /// Asserts that the proxy was used for the API host only.
    fn assert_only_the_api_host_was_proxied(&self) {
        let requests = self.proxy.request_lines();
        assert!(!requests.is_empty() && requests.iter().all(|line| line == "CONNECT api.example.test:443 HTTP/1.1"));
    }
}

#[tokio::test]
async fn token_and_socket_requests_use_the_proxy() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "--proxy"] {
        let proxied = ProxiedSimulator::start(ProxyMode::Open).await;
        let url = proxied.proxy_url("http", "");
        let finished = if name == "--proxy" {
            proxied.run(&["--proxy", &url]).await
        } else {
            Running::start(proxied.command(&[]).env(name, &url)).finish().await
        };
        proxied.assert_served(&finished);
        proxied.assert_only_the_api_host_was_proxied();
    }
}

#[tokio::test]
async fn proxy_credentials_are_sent_to_the_proxy_only() {
    let proxied = ProxiedSimulator::start(ProxyMode::RequiresLogin(LOGIN_BASE64)).await;
    let finished = proxied.run(&["--proxy", &proxied.proxy_url("http", &format!("{LOGIN_IN_URL}@"))]).await;
    proxied.assert_served(&finished);
}

/// (R8)
// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_proxy_that_asks_for_other_credentials_exits_77_without_a_retry_and_is_quoted() {
    const LOGIN: &str = "ada:wrong-guess@";
    let required = "error: the proxy requires a user name and password for api.example.test (407)\n  tip: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT";
    let refused = "error: the proxy refuses the user name and password for api.example.test (407)\n  tip: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT";
    let unsupported = |schemes| {
        format!(
            "error: the proxy requires the unsupported scheme {schemes} for api.example.test (407)\n  tip: use a proxy"
        )
    };
    for (headers, login, message) in [
        ("", "", required.to_owned()),
        ("", LOGIN, refused.to_owned()),
        ("Proxy-Authenticate: Basic realm=\"x\"\r\n", "", required.to_owned()),
        ("Proxy-Authenticate: Basic realm=\"x\"\r\n", LOGIN, refused.to_owned()),
        ("Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n", LOGIN, refused.to_owned()),
        ("Proxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\n", LOGIN, unsupported("Negotiate or NTLM")),
        ("Proxy-Authenticate: NTLM\r\n", "", unsupported("NTLM")),
        ("Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n", LOGIN, unsupported("Digest")),
    ] {
        let proxied = ProxiedSimulator::start(ProxyMode::Challenges(headers)).await;
        let finished =
            Running::start(&mut proxied.command(&["--proxy", &proxied.proxy_url("http", login)])).finish().await;
        assert_eq!(finished.code, Some(77), "{}", finished.stderr);
        assert!(finished.stderr.contains(&message), "{headers}: {}", finished.stderr);
        assert!(!finished.stderr.contains("wrong-guess") && !finished.stderr.contains("retry"), "{}", finished.stderr);
        assert_eq!(proxied.proxy.request_lines().len(), 2, "the second request asks for the schemes");
        assert_eq!(proxied.proxy.sent_logins(), usize::from(!login.is_empty()), "a login is not sent twice");
    }
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_proxy_that_rejects_the_host_is_retried() {
    for status in [403, 502, 503] {
        let proxied = ProxiedSimulator::start(ProxyMode::Rejects(status)).await;
        let finished = proxied.run(&["--proxy", &proxied.proxy_url("http", &format!("{LOGIN_IN_URL}@"))]).await;
        assert_eq!((finished.code, proxied.proxy.request_lines().len()), (Some(69), 1), "{}", finished.stderr);
        assert!(finished.stderr.contains("gave up after 1 attempt"), "{}", finished.stderr);
        let message = format!(
            "the proxy {} (--proxy) did not connect to api.example.test: forbidden, or not reachable from the proxy\n  tip: check scheme",
            proxied.proxy.address
        );
        assert!(finished.stderr.contains(&message), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn an_unreachable_proxy_is_retried() {
    let proxied = ProxiedSimulator::start(ProxyMode::Open).await;
    let refusing = refusing_socket();
    let unused = refusing.local_addr().unwrap();
    let finished = proxied.run(&["--proxy", &format!("http://{LOGIN_IN_URL}@{unused}")]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let message = format!(
        "cannot reach the proxy {unused} (--proxy) for api.example.test: connection refused\n  tip: check the address of the proxy (--proxy"
    );
    assert!(finished.stderr.contains(&message), "{}", finished.stderr);
    let finished = proxied.run(&["--proxy", &format!("socks5h://{unused}")]).await;
    let message = format!("cannot reach the proxy {unused} (--proxy) for api.example.test: connection failed\n");
    assert!(finished.stderr.contains(&message), "{}", finished.stderr);
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_server_that_is_not_a_proxy_is_reported() {
    let proxied = ProxiedSimulator::start(ProxyMode::Open).await;
    for (response, scheme, message) in [
        (&b"SSH-2.0-x\r\n"[..], "http", "(--proxy) did not connect to api.example.test: forbidden"),
        (b"", "http", "(--proxy) did not connect to api.example.test: connection closed\n"),
        (b"", "socks5h", "(--proxy) did not connect to api.example.test: connection closed\n"),
        (b"SSH-2.0-x\r\n", "socks5h", "(--proxy) did not connect to api.example.test: not a SOCKS5 proxy\n"),
        (b"SSH-2.0-x\r\n", "https", "(--proxy) for api.example.test: the server does not speak TLS"),
    ] {
        let address = fixed_response_server(response).await;
        let finished = proxied.run(&["--proxy", &format!("{scheme}://{address}")]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(69), ""), "{}", finished.stderr);
        assert!(finished.stderr.contains(message), "{scheme} {response:?}: {}", finished.stderr);
    }
}

/// Starts a server that sends these bytes on every connection, reads once and closes. Returns its address.
async fn fixed_response_server(response: &'static [u8]) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = tcp.write_all(response).await;
            let _ = tcp.read(&mut request).await;
            let _ = tcp.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn an_https_proxy_is_reached_over_tls() {
    let proxied = ProxiedSimulator::start(ProxyMode::Open).await;
    let tls_proxy = TlsProxy::in_front_of(proxied.proxy.address, proxied.authority.certificate("127.0.0.1")).await;
    let url = format!("https://{}", tls_proxy.address);
    proxied.assert_served(&proxied.run(&["--proxy", &url]).await);

    tls_proxy.set_certificate(proxied.authority.expired_certificate("127.0.0.1"));
    let finished = proxied.run(&["--proxy", &url]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let message = "certificate of the proxy for api.example.test rejected: expired on 2020-12-31";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_socks5h_proxy_is_used() {
    let proxied = ProxiedSimulator::start(ProxyMode::Socks5).await;
    let finished = proxied.run(&["--proxy", &proxied.proxy_url("socks5h", "")]).await;
    proxied.assert_served(&finished);
    assert_eq!(proxied.proxy.request_lines()[0], "SOCKS api.example.test:443");
}

#[tokio::test]
async fn loopback_is_never_proxied() {
    let proxied = ProxiedSimulator::start(ProxyMode::Rejects(502)).await;
    let url = proxied.proxy_url("http", "");
    let port = proxied.simulator.base_url().rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let mut command = program(&proxied.simulator, &[]);
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
            command.env(name, &url);
        }
        command.env("GENESYS_API_URL", format!("http://{host}:{port}")).env_remove("GENESYS_LOGIN_URL");
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let finished = run(&proxied.simulator, &["--proxy", &url]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let tls_proxy = TlsProxy::start(&proxied.simulator, proxied.authority.certificate("localhost")).await;
    let api = format!("https://localhost:{}", tls_proxy.address.port());
    let file = proxied.authority.pem_file();
    let finished = run(&proxied.simulator, &["--api-url", &api, "--proxy", &url, "--cacert", path_str(&file)]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(proxied.proxy.request_lines(), [""; 0]);
}

/// (R10)
#[tokio::test]
async fn hosts_in_no_proxy_are_reached_directly() {
    // `0.0.0.0` does not count as loopback, but connects to this machine.
    for (no_proxy, direct) in [
        ("0.0.0.0", true),
        ("*", true),
        ("example.test, 0.0.0.0", true),
        ("*.corp.test internal.test:443 [fd00::1] 0.0.0.0", true),
        ("http://corp.test,0.0.0.0/8", true),
        ("0.0.0.1", false),
        ("0.0.0.0:443", false),
    ] {
        let proxied = ProxiedSimulator::start(ProxyMode::Rejects(502)).await;
        let tls_proxy = TlsProxy::start(&proxied.simulator, proxied.authority.certificate("0.0.0.0")).await;
        let mut command = proxied.command(&["--proxy", &proxied.proxy_url("http", "")]);
        command.args(["--max-retries", "0"]).env("NO_PROXY", no_proxy);
        command.env("GENESYS_API_URL", format!("https://0.0.0.0:{}", tls_proxy.address.port()));
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(if direct { 0 } else { 69 }), "{no_proxy}: {}", finished.stderr);
        assert_eq!(proxied.proxy.request_lines().is_empty(), direct, "{no_proxy}");
        let warning = "NO_PROXY: 'http://corp.test' is not a host, address or network; it is ignored";
        assert_eq!(finished.stderr.contains(warning), no_proxy.contains("http:"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn requests_to_a_loopback_login_url_bypass_the_proxy() {
    let proxied = ProxiedSimulator::start(ProxyMode::Open).await;
    let login = format!("{}/oauth/token", proxied.simulator.base_url());
    let url = proxied.proxy_url("http", "");
    let finished = proxied.run(&["--login-url", &login, "--proxy", &url]).await;
    proxied.assert_served(&finished);
    proxied.assert_only_the_api_host_was_proxied();

    let proxied = ProxiedSimulator::start(ProxyMode::Rejects(502)).await;
    let tls_proxy = TlsProxy::start(&proxied.simulator, proxied.authority.certificate("0.0.0.0")).await;
    let login = format!("{}/oauth/token", proxied.simulator.base_url());
    let mut command = proxied.command(&["--login-url", &login]);
    command.env("GENESYS_API_URL", format!("https://0.0.0.0:{}", tls_proxy.address.port()));
    for name in ["HTTP_PROXY", "http_proxy"] {
        command.env(name, proxied.proxy_url("http", ""));
    }
    proxied.assert_served(&Running::start(&mut command).finish().await);
    assert_eq!(proxied.proxy.request_lines(), [""; 0]);
}

#[tokio::test]
async fn a_trailing_slash_is_ignored_and_a_path_prefix_is_kept() {
    let simulator = simulator(SCRIPT, &[]).await;
    let (base, id) = (simulator.base_url(), simulator.first_conversation().id().to_owned());
    let run_with_api_url = |api: String, args: &[&str]| {
        let mut command = program(&simulator, args);
        command.env("GENESYS_API_URL", api).env_remove("GENESYS_LOGIN_URL");
        Running::start(&mut command).finish()
    };
    let finished = run_with_api_url(format!("{base}/"), &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    for api in [format!("{base}/gate"), format!("{base}/gate/")] {
        assert_eq!(run_with_api_url(api.clone(), &[]).await.code, Some(76));
        assert_eq!(run_with_api_url(api, &["--login-url", base]).await.code, Some(66));
    }
    let unrouted: Vec<_> = simulator.request_log().unrouted_requests.into_iter().map(|request| request.path).collect();
    let transcript = format!("/gate/api/v2/messaging/conversations/{id}/transcript");
    let conversation = format!("/gate/api/v2/conversations/{id}");
    assert_eq!(unrouted, ["/gate/oauth/token", &transcript, &conversation].repeat(2));
}

// Fails in Wine 8, which checks no certificates against roots of a program.
#[tokio::test]
async fn a_connection_cut_behind_the_proxy_is_reopened_without_repeats() {
    let simulator = simulator("", &["socket:replay"]).await;
    let authority = CertificateAuthority::new();
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
    let proxy = Proxy::start(ProxyMode::Open, tls_proxy.address).await;
    let proxied = ProxiedSimulator { simulator, authority, proxy };
    let mut running = Running::start(&mut proxied.command(&["--proxy", &proxied.proxy_url("http", "")]));
    running.wait_for_stderr("connected to").await;
    let conversation = proxied.simulator.first_conversation();
    conversation.play("customer Ada: one").await.unwrap();
    running.next_line().await;
    tls_proxy.close_connections();
    running.wait_for_stderr("retry 1 of 5").await;
    within_timeout(proxied.simulator.wait_for(|log| log.transcript_sockets.len() == 2)).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains("Ada"), "no message is repeated: {}", finished.stdout);
}

#[tokio::test]
async fn the_notification_socket_uses_the_proxy() {
    let authority = CertificateAuthority::new();
    let foreign_event = r#"{"topicName":"v2.users.u1.conversations.messages","eventBody":{"id":"c1"}}"#;
    let socket = Response::WebSocket(server_frame(FIN | TEXT, foreign_event.as_bytes()), None);
    let server = RawServer::start(move |head| match head {
        head if head.starts_with("GET /socket") => socket.clone(),
        head if head.starts_with("GET /api/v2/conversations/") => {
            json_response(200, r#"{"id":"c1","participants":[{"id":"p","purpose":"customer","state":"connected"}]}"#)
        }
        head if head.contains("/subscriptions") => json_response(200, r#"{"entities":[]}"#),
        head if head.contains("/channels") => {
            json_response(200, r#"{"id":"ch-1","connectUri":"wss://api.example.test/socket"}"#)
        }
        _ => json_response(404, "{}"),
    })
    .await;
    let tls_proxy = TlsProxy::in_front_of(server.address, authority.certificate(HOST)).await;
    for (mode, scheme, expected_request) in [
        (
            ProxyMode::RequiresLogin(LOGIN_BASE64),
            format!("http://{LOGIN_IN_URL}@"),
            "CONNECT api.example.test:443 HTTP/1.1",
        ),
        (ProxyMode::Socks5, "socks5h://".to_owned(), "SOCKS api.example.test:443"),
    ] {
        let proxy = Proxy::start(mode, tls_proxy.address).await;
        let mut command =
            bare_program(&["-c", "c1", "--source", "notifications", "--api-url", &format!("https://{HOST}")]);
        command.args(["--client-id", "id", "--cacert"]).arg(authority.pem_file());
        command.env("GENESYS_CLIENT_SECRET", "invented").env("HTTPS_PROXY", format!("{scheme}{}", proxy.address));
        let mut running = Running::start(&mut command);
        running.wait_for_stderr("connected to api.example.test (notifications)").await;
        assert!(proxy.request_lines().iter().all(|line| line == expected_request), "{:?}", proxy.request_lines());
        assert!(
            server.request_lines().iter().any(|line| line.starts_with("GET /socket")),
            "{:?}",
            server.request_lines()
        );
    }
}
