//! A forward proxy that connects every target to one address and records the requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy)]
pub(crate) enum ProxyMode {
    /// Accepts every `CONNECT`.
    Open,
    /// Accepts a `CONNECT` with these `Basic` credentials and answers 407 to all others.
    RequiresLogin(&'static str),
    /// Answers every `CONNECT` with 407 and these header lines.
    Challenges(&'static str),
    /// Answers every `CONNECT` with this status.
    Rejects(u16),
    /// Accepts every SOCKS5 request.
    Socks5,
}

/// A running proxy. It serves for as long as the runtime of the test runs.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    request_lines: Arc<Mutex<Vec<String>>>,
    sent_logins: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens on loopback and connects every accepted request to `upstream`, regardless of its target.
    pub(crate) async fn start(mode: ProxyMode, upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            request_lines: Arc::default(),
            sent_logins: Arc::default(),
        };
        let (request_lines, sent_logins) = (Arc::clone(&proxy.request_lines), Arc::clone(&proxy.sent_logins));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serve(tcp, mode, upstream, Arc::clone(&request_lines), Arc::clone(&sent_logins)));
            }
        });
        proxy
    }

    /// Returns the first line of every request, or `SOCKS host:port`.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.request_lines.lock().unwrap().clone()
    }

    /// Returns the number of requests with credentials.
    pub(crate) fn sent_logins(&self) -> usize {
        self.sent_logins.load(Ordering::Relaxed)
    }
}

async fn serve(
    mut tcp: TcpStream,
    mode: ProxyMode,
    upstream: SocketAddr,
    request_lines: Arc<Mutex<Vec<String>>>,
    sent_logins: Arc<AtomicUsize>,
) {
    let (request_line, response) = if let ProxyMode::Socks5 = mode {
        (read_socks_request(&mut tcp).await, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec())
    } else {
        let head = read_head(&mut tcp).await;
        if head.to_ascii_lowercase().contains("proxy-authorization:") {
            sent_logins.fetch_add(1, Ordering::Relaxed);
        }
        let headers = if let ProxyMode::Challenges(headers) = mode { headers } else { "" };
        let response = format!("HTTP/1.1 {} As It Is\r\n{headers}\r\n", connect_status(mode, &head)).into_bytes();
        (head.lines().next().unwrap_or_default().to_owned(), response)
    };
    request_lines.lock().unwrap().push(request_line);
    let accepted = response.starts_with(b"HTTP/1.1 200") || matches!(mode, ProxyMode::Socks5);
    if tcp.write_all(&response).await.is_ok() && accepted {
        let mut inner = TcpStream::connect(upstream).await.unwrap();
        // Either end may close the connection abruptly.
        let _ = copy_bidirectional(&mut tcp, &mut inner).await;
    }
}

fn connect_status(mode: ProxyMode, head: &str) -> u16 {
    match mode {
        ProxyMode::Rejects(status) => status,
        ProxyMode::Challenges(_) => 407,
        ProxyMode::RequiresLogin(basic) => {
            let wanted = format!("proxy-authorization: basic {}", basic.to_lowercase());
            if head.lines().any(|line| line.to_lowercase() == wanted) { 200 } else { 407 }
        }
        ProxyMode::Open | ProxyMode::Socks5 => 200,
    }
}

async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Reads the SOCKS5 greeting and a `CONNECT` request with a host name.
async fn read_socks_request(tcp: &mut TcpStream) -> String {
    let mut greeting = [0; 2];
    tcp.read_exact(&mut greeting).await.unwrap();
    tcp.read_exact(&mut vec![0; greeting[1].into()]).await.unwrap();
    tcp.write_all(b"\x05\x00").await.unwrap();
    let mut request = [0; 5];
    tcp.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..4], *b"\x05\x01\x00\x03", "the proxy resolves the host name");
    let mut name = vec![0; request[4].into()];
    tcp.read_exact(&mut name).await.unwrap();
    format!("SOCKS {}:{}", String::from_utf8(name).unwrap(), tcp.read_u16().await.unwrap())
}
