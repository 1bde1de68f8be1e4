//! Where requests go: through the same proxy for token and socket, past it on loopback, and to the path they are given.

use genesys_tail::simulator::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::support::program::{Finished, Running, bare_program, path_str, program, run, simulator, within_timeout};
use crate::support::proxy::{Proxy, ProxyMode};
use crate::support::raw_server::{FIN, RawServer, Response, TEXT, json_response, server_frame};
use crate::support::tls_proxy::{CertificateAuthority, TlsProxy};

const TALK: &str = "+0 customer Ada: one\n+0 close";

/// A name that only the proxy knows.
const HOST: &str = "api.example.test";

/// `ada:p@ss/word` as Basic authentication sends it.
const LOGIN: &str = "YWRhOnBAc3Mvd29yZA==";

/// The same in a URL.
const IN_URL: &str = "ada:p%40ss%2Fword";

/// A simulator behind TLS behind a proxy.
struct Scene {
    simulator: Simulator,
    authority: CertificateAuthority,
    proxy: Proxy,
}

impl Scene {
    async fn set(manner: ProxyMode) -> Self {
        let (simulator, authority) = (simulator(TALK, &[]).await, CertificateAuthority::new());
        let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
        Self { proxy: Proxy::start(manner, tls_proxy.address).await, simulator, authority }
    }

    /// The binary, which trusts the TLS proxy and is sent to a name it cannot resolve.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.simulator, &["-vv", "--cacert"]);
        command.arg(self.authority.pem_file()).args(args);
        command.env_remove("GENESYS_LOGIN_URL").env("GENESYS_API_URL", format!("https://{HOST}"));
        command
    }

    fn proxy_url(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}{}", self.proxy.address)
    }

    /// Runs without retries, and shows no secret.
    async fn run(&self, args: &[&str]) -> Finished {
        let finished = Running::start(self.command(args).args(["--max-retries", "0"])).finish().await;
        for secret in [IN_URL, "p@ss/word", LOGIN, self.simulator.client_secret()] {
            assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
        }
        finished
    }

    /// Whether token, socket and history came through.
    fn assert_served(&self, finished: &Finished) {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stdout.contains("[Customer] Ada: one"), "{}", finished.stdout);
        let log = self.simulator.request_log();
        assert_eq!((log.token_requests.len(), log.transcript_sockets.len()), (1, 1));
        assert!(log.count_requests("GET /api/v2/conversations/messages/") > 0, "what was said before is asked for");
    }

    /// Whether the proxy was asked for the one host, for socket and history, and for nothing else.
    fn assert_asked_for_the_api_alone(&self) {
        let asked = self.proxy.request_lines();
        assert!(!asked.is_empty() && asked.iter().all(|line| line == "CONNECT api.example.test:443 HTTP/1.1"));
    }
}

#[tokio::test]
async fn token_and_socket_go_through_the_proxy() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "--proxy"] {
        let scene = Scene::set(ProxyMode::Open).await;
        let url = scene.proxy_url("http", "");
        let finished = if name == "--proxy" {
            scene.run(&["--proxy", &url]).await
        } else {
            Running::start(scene.command(&[]).env(name, &url)).finish().await
        };
        scene.assert_served(&finished);
        scene.assert_asked_for_the_api_alone();
    }
}

#[tokio::test]
async fn the_proxy_is_given_its_credentials_and_nobody_else() {
    let scene = Scene::set(ProxyMode::RequiresLogin(LOGIN)).await;
    let finished = scene.run(&["--proxy", &scene.proxy_url("http", &format!("{IN_URL}@"))]).await;
    scene.assert_served(&finished);
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_final() {
    for login in ["", "ada:wrong-guess@"] {
        let scene = Scene::set(ProxyMode::RequiresLogin(LOGIN)).await;
        let finished = Running::start(&mut scene.command(&["--proxy", &scene.proxy_url("http", login)])).finish().await;
        assert_eq!((finished.code, scene.proxy.request_lines().len()), (Some(77), 1), "{}", finished.stderr);
        assert!(finished.stderr.contains("407"), "{}", finished.stderr);
        assert!(finished.stderr.contains("HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"), "{}", finished.stderr);
        assert!(!finished.stderr.contains("wrong-guess"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_tried_again() {
    for status in [403, 502, 503] {
        let scene = Scene::set(ProxyMode::Rejects(status)).await;
        let finished = scene.run(&["--proxy", &scene.proxy_url("http", &format!("{IN_URL}@"))]).await;
        assert_eq!((finished.code, scene.proxy.request_lines().len()), (Some(69), 1), "{}", finished.stderr);
        assert!(finished.stderr.contains("gave up after 1 attempt"), "{}", finished.stderr);
        let words = "the proxy does not pass us on to api.example.test: it refuses, or cannot reach that host\n  ask whoever runs";
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_tried_again() {
    let scene = Scene::set(ProxyMode::Open).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let finished = scene.run(&["--proxy", &format!("http://{IN_URL}@{nobody}")]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let words =
        "cannot reach the proxy before api.example.test: connection refused\n  check the address of the proxy (--proxy";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    let finished = scene.run(&["--proxy", &format!("socks5h://{nobody}")]).await;
    let words = "cannot reach the proxy before api.example.test: it does not answer\n";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

#[tokio::test]
async fn what_is_no_proxy_is_said_in_plain_words() {
    let scene = Scene::set(ProxyMode::Open).await;
    for (answer, scheme, words) in [
        (&b"SSH-2.0-x\r\n"[..], "http", "the proxy does not pass us on to api.example.test: it refuses"),
        (b"", "http", "the proxy does not pass us on to api.example.test: it hung up\n"),
        (b"", "socks5h", "the proxy does not pass us on to api.example.test: it hung up\n"),
        (b"SSH-2.0-x\r\n", "socks5h", "the proxy does not pass us on to api.example.test: it does not speak SOCKS5\n"),
        (b"SSH-2.0-x\r\n", "https", "cannot reach the proxy before api.example.test: what answers there does not"),
    ] {
        let stranger = speaks(answer).await;
        let finished = scene.run(&["--proxy", &format!("{scheme}://{stranger}")]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(69), ""), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{scheme} {answer:?}: {}", finished.stderr);
    }
}

/// The address of somebody who says this to everybody, whatever was asked, and hangs up when that was read.
async fn speaks(words: &'static [u8]) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = tcp.write_all(words).await;
            let _ = tcp.read(&mut asked).await;
            let _ = tcp.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn a_proxy_may_speak_tls_itself() {
    let scene = Scene::set(ProxyMode::Open).await;
    let tls_proxy = TlsProxy::in_front_of(scene.proxy.address, scene.authority.certificate("127.0.0.1")).await;
    let url = format!("https://{}", tls_proxy.address);
    scene.assert_served(&scene.run(&["--proxy", &url]).await);

    tls_proxy.set_certificate(scene.authority.expired_certificate("127.0.0.1"));
    let finished = scene.run(&["--proxy", &url]).await;
    assert_eq!(finished.code, Some(69), "{}", finished.stderr);
    let words = "the certificate of the proxy before api.example.test is refused: it expired on 2020-12-31";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

#[tokio::test]
async fn socks_is_spoken_too() {
    let scene = Scene::set(ProxyMode::Socks5).await;
    let finished = scene.run(&["--proxy", &scene.proxy_url("socks5h", "")]).await;
    scene.assert_served(&finished);
    assert_eq!(scene.proxy.request_lines()[0], "SOCKS api.example.test:443");
}

#[tokio::test]
async fn loopback_is_never_proxied() {
    let scene = Scene::set(ProxyMode::Rejects(502)).await;
    let url = scene.proxy_url("http", "");
    let port = scene.simulator.base_url().rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let mut command = program(&scene.simulator, &[]);
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
            command.env(name, &url);
        }
        command.env("GENESYS_API_URL", format!("http://{host}:{port}")).env_remove("GENESYS_LOGIN_URL");
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let finished = run(&scene.simulator, &["--proxy", &url]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let tls_proxy = TlsProxy::start(&scene.simulator, scene.authority.certificate("localhost")).await;
    let api = format!("https://localhost:{}", tls_proxy.address.port());
    let file = scene.authority.pem_file();
    let finished = run(&scene.simulator, &["--api-url", &api, "--proxy", &url, "--cacert", path_str(&file)]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(scene.proxy.request_lines(), [""; 0]);
}

/// `0.0.0.0` is not loopback by name, and leads to this machine all the same.
#[tokio::test]
async fn no_proxy_names_what_is_reached_directly() {
    for (no_proxy, direct) in [("0.0.0.0", true), ("*", true), ("example.test, 0.0.0.0", true), ("0.0.0.1", false)] {
        let scene = Scene::set(ProxyMode::Rejects(502)).await;
        let tls_proxy = TlsProxy::start(&scene.simulator, scene.authority.certificate("0.0.0.0")).await;
        let mut command = scene.command(&["--proxy", &scene.proxy_url("http", "")]);
        command.args(["--max-retries", "0"]).env("NO_PROXY", no_proxy);
        command.env("GENESYS_API_URL", format!("https://0.0.0.0:{}", tls_proxy.address.port()));
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(if direct { 0 } else { 69 }), "{no_proxy}: {}", finished.stderr);
        assert_eq!(scene.proxy.request_lines().is_empty(), direct, "{no_proxy}");
    }
}

#[tokio::test]
async fn one_end_on_loopback_takes_nothing_of_it_to_the_proxy() {
    let scene = Scene::set(ProxyMode::Open).await;
    let login = format!("{}/oauth/token", scene.simulator.base_url());
    let url = scene.proxy_url("http", "");
    let finished = scene.run(&["--login-url", &login, "--proxy", &url]).await;
    scene.assert_served(&finished);
    scene.assert_asked_for_the_api_alone();

    let scene = Scene::set(ProxyMode::Rejects(502)).await;
    let tls_proxy = TlsProxy::start(&scene.simulator, scene.authority.certificate("0.0.0.0")).await;
    let login = format!("{}/oauth/token", scene.simulator.base_url());
    let mut command = scene.command(&["--login-url", &login]);
    command.env("GENESYS_API_URL", format!("https://0.0.0.0:{}", tls_proxy.address.port()));
    for name in ["HTTP_PROXY", "http_proxy"] {
        command.env(name, scene.proxy_url("http", ""));
    }
    scene.assert_served(&Running::start(&mut command).finish().await);
    assert_eq!(scene.proxy.request_lines(), [""; 0]);
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing_and_a_path_is_kept() {
    let simulator = simulator(TALK, &[]).await;
    let (base, id) = (simulator.base_url(), simulator.first_conversation().id().to_owned());
    let to = |api: String, args: &[&str]| {
        let mut command = program(&simulator, args);
        command.env("GENESYS_API_URL", api).env_remove("GENESYS_LOGIN_URL");
        Running::start(&mut command).finish()
    };
    let finished = to(format!("{base}/"), &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    for api in [format!("{base}/gate"), format!("{base}/gate/")] {
        assert_eq!(to(api.clone(), &[]).await.code, Some(76));
        assert_eq!(to(api, &["--login-url", base]).await.code, Some(66));
    }
    let strays: Vec<_> = simulator.request_log().unrouted_requests.into_iter().map(|stray| stray.path).collect();
    let transcript = format!("/gate/api/v2/messaging/conversations/{id}/transcript");
    let published = format!("/gate/api/v2/conversations/{id}");
    assert_eq!(strays, ["/gate/oauth/token", &transcript, &published].repeat(2));
}

#[tokio::test]
async fn a_proxy_that_dies_in_the_middle_is_lived_through() {
    let simulator = simulator("", &["socket:replay"]).await;
    let authority = CertificateAuthority::new();
    let tls_proxy = TlsProxy::start(&simulator, authority.certificate(HOST)).await;
    let proxy = Proxy::start(ProxyMode::Open, tls_proxy.address).await;
    let scene = Scene { simulator, authority, proxy };
    let mut running = Running::start(&mut scene.command(&["--proxy", &scene.proxy_url("http", "")]));
    running.wait_for_stderr("connected to").await;
    let conversation = scene.simulator.first_conversation();
    conversation.play("customer Ada: one").await.unwrap();
    running.next_line().await;
    tls_proxy.close_connections();
    running.wait_for_stderr("retry 1 of 5").await;
    within_timeout(scene.simulator.wait_for(|log| log.transcript_sockets.len() == 2)).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains("Ada"), "nothing is said twice: {}", finished.stdout);
}

#[tokio::test]
async fn the_notification_socket_goes_through_the_proxy_too() {
    let authority = CertificateAuthority::new();
    let gone = r#"{"topicName":"v2.users.u1.conversations.messages","eventBody":{"id":"c1"}}"#;
    let socket = Response::WebSocket(server_frame(FIN | TEXT, gone.as_bytes()), None);
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
    for (manner, scheme, asked) in [
        (ProxyMode::RequiresLogin(LOGIN), format!("http://{IN_URL}@"), "CONNECT api.example.test:443 HTTP/1.1"),
        (ProxyMode::Socks5, "socks5h://".to_owned(), "SOCKS api.example.test:443"),
    ] {
        let proxy = Proxy::start(manner, tls_proxy.address).await;
        let mut command =
            bare_program(&["-c", "c1", "--source", "notifications", "--api-url", &format!("https://{HOST}")]);
        command.args(["--client-id", "id", "--cacert"]).arg(authority.pem_file());
        command.env("GENESYS_CLIENT_SECRET", "invented").env("HTTPS_PROXY", format!("{scheme}{}", proxy.address));
        let mut running = Running::start(&mut command);
        running.wait_for_stderr("connected to api.example.test (notifications)").await;
        assert!(proxy.request_lines().iter().all(|line| line == asked), "{:?}", proxy.request_lines());
        assert!(
            server.request_lines().iter().any(|line| line.starts_with("GET /socket")),
            "{:?}",
            server.request_lines()
        );
    }
}
