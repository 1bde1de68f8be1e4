//! A proxy that takes every name to one place, and remembers who asked for what.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy does with those who come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Lets everybody through.
    Open,
    /// Lets those through who send this behind `Basic`, and answers 407 to all others.
    Guarded(&'static str),
    /// Answers everybody with this status.
    Refusing(u16),
    /// Speaks SOCKS5 and lets everybody through.
    Socks,
}

/// A running proxy. It serves for as long as the runtime of the test runs.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Listens on loopback; whatever is asked for leads to `behind`.
    pub(crate) async fn start(manner: Manner, behind: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&proxy.asked);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serve(tcp, manner, behind, Arc::clone(&asked)));
            }
        });
        proxy
    }

    /// The first line of every request, or `SOCKS host:port`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut tcp: TcpStream, manner: Manner, behind: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    let (target, answer) = if let Manner::Socks = manner {
        (socks(&mut tcp).await, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec())
    } else {
        let head = head(&mut tcp).await;
        let answer = format!("HTTP/1.1 {} As It Is\r\n\r\n", verdict(manner, &head)).into_bytes();
        (head.lines().next().unwrap_or_default().to_owned(), answer)
    };
    asked.lock().unwrap().push(target);
    let through = answer.starts_with(b"HTTP/1.1 200") || matches!(manner, Manner::Socks);
    if tcp.write_all(&answer).await.is_ok() && through {
        let mut inner = TcpStream::connect(behind).await.unwrap();
        // How it ends is for the two ends to say.
        let _ = copy_bidirectional(&mut tcp, &mut inner).await;
    }
}

fn verdict(manner: Manner, head: &str) -> u16 {
    match manner {
        Manner::Refusing(status) => status,
        Manner::Guarded(basic) => {
            let wanted = format!("proxy-authorization: basic {}", basic.to_lowercase());
            if head.lines().any(|line| line.to_lowercase() == wanted) { 200 } else { 407 }
        }
        Manner::Open | Manner::Socks => 200,
    }
}

async fn head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// The greeting, and a request that names a host.
async fn socks(tcp: &mut TcpStream) -> String {
    let mut greeting = [0; 2];
    tcp.read_exact(&mut greeting).await.unwrap();
    tcp.read_exact(&mut vec![0; greeting[1].into()]).await.unwrap();
    tcp.write_all(b"\x05\x00").await.unwrap();
    let mut request = [0; 5];
    tcp.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..4], *b"\x05\x01\x00\x03", "it leaves the name to the proxy");
    let mut name = vec![0; request[4].into()];
    tcp.read_exact(&mut name).await.unwrap();
    format!("SOCKS {}:{}", String::from_utf8(name).unwrap(), tcp.read_u16().await.unwrap())
}
