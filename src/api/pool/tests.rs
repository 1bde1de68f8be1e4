use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use super::*;
use crate::config::{Endpoints, Network};

/// A server whose first connections end, and whose later ones answer each request.
struct Server {
    url: Url,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// The connections that end.
#[derive(Debug, Clone, Copy)]
struct ResponseEnd {
    /// The number of these connections. Their first requests are answered at the same time.
    connections: usize,
    /// The number of requests that each of them answers.
    answered: usize,
    end: End,
}

/// The behavior of a connection after its last response.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Reads the next request and closes.
    Close,
    /// Reads the next request and resets the connection.
    Reset,
    /// Reads and says nothing more.
    Mute,
}

impl Server {
    async fn start(ending: ResponseEnd) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
        let server = Self { url, connections: Arc::default(), requests: Arc::default() };
        let (connections, requests) = (Arc::clone(&server.connections), Arc::clone(&server.requests));
        tokio::spawn(async move {
            let barrier = Arc::new(Barrier::new(ending.connections));
            while let Ok((tcp, _)) = listener.accept().await {
                let is_ending = connections.fetch_add(1, Ordering::Relaxed) < ending.connections;
                let ending = is_ending.then(|| (ending, Arc::clone(&barrier)));
                tokio::spawn(serve(tcp, ending, Arc::clone(&requests)));
            }
        });
        server
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }
}

async fn serve(mut tcp: TcpStream, ending: Option<(ResponseEnd, Arc<Barrier>)>, requests: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    let mut served = 0;
    while tcp.read(&mut buffer).await.is_ok_and(|count| count > 0) {
        requests.fetch_add(1, Ordering::Relaxed);
        served += 1;
        if let Some((ending, barrier)) = &ending {
            if served > ending.answered {
                match ending.end {
                    End::Close => return,
                    End::Reset => return tcp.set_zero_linger().expect("an open socket"),
                    End::Mute => continue,
                }
            }
            if served == 1 {
                barrier.wait().await;
            }
        }
        let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    }
}

fn pool(server: &Server) -> Pool {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoints = Endpoints { api: server.url.clone(), token: server.url.clone() };
    Pool::new(ClientSetup::new(&Network::direct(), &endpoints).expect("valid settings")).expect("a client")
}

async fn post(pool: &Pool, server: &Server) -> reqwest::Result<String> {
    let (client, request) = pool.client().post(server.url.clone()).body("x").build_split();
    pool.execute(client, request?).await?.text().await
}

/// (R3)
#[tokio::test]
async fn a_request_that_fails_on_a_reused_connection_is_repeated_once_on_a_new_one() {
    for end in [End::Close, End::Reset] {
        let server = Server::start(ResponseEnd { connections: 1, answered: 1, end }).await;
        let pool = pool(&server);
        for _ in 0..3 {
            assert_eq!(post(&pool, &server).await.expect("a response"), "ok", "{end:?}");
        }
        assert_eq!(server.counts(), (2, 4), "{end:?}");
    }
}

#[tokio::test]
async fn a_request_that_fails_on_a_new_connection_is_not_repeated() {
    for end in [End::Close, End::Reset] {
        let server = Server::start(ResponseEnd { connections: 1, answered: 0, end }).await;
        post(&pool(&server), &server).await.expect_err("no response");
        assert_eq!(server.counts(), (1, 1), "{end:?}");
    }
}

#[tokio::test]
async fn a_request_is_not_repeated_on_another_connection_from_before() {
    for end in [End::Close, End::Reset] {
        let server = Server::start(ResponseEnd { connections: 2, answered: 1, end }).await;
        let pool = pool(&server);
        let (first, second) = tokio::join!(post(&pool, &server), post(&pool, &server));
        assert_eq!((first.expect("a response"), second.expect("a response")), ("ok".to_owned(), "ok".to_owned()));
        assert_eq!(post(&pool, &server).await.expect("a response on a new connection"), "ok", "{end:?}");
        assert_eq!(server.counts(), (3, 4), "{end:?}");
    }
}

/// (R3)
#[tokio::test]
async fn dropped_connections_are_not_used_again() {
    let server = Server::start(ResponseEnd { connections: 1, answered: 1, end: End::Mute }).await;
    let pool = pool(&server);
    post(&pool, &server).await.expect("a response");
    pool.drop_connections(Instant::now());
    post(&pool, &server).await.expect("a response on a new connection");
    pool.drop_connections(Instant::now() - std::time::Duration::from_secs(60));
    post(&pool, &server).await.expect("a response");
    assert_eq!(server.counts(), (2, 3), "connections that are younger than the silence are kept");
}
