//! A TCP forwarder whose connections can go mute, as after the switch of a VPN: they stay open and carry nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A running forwarder. It serves for as long as the runtime of the test runs.
pub(crate) struct MuteProxy {
    pub(crate) address: SocketAddr,
    /// The number of times that all connections went mute.
    mutes: watch::Sender<u32>,
    swallowed: Arc<Mutex<String>>,
}

impl MuteProxy {
    /// Listens on loopback and forwards to `upstream`, a URL on this machine.
    pub(crate) async fn start(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, mutes: watch::Sender::new(0), swallowed: Arc::default() };
        let (mutes, swallowed) = (proxy.mutes.clone(), Arc::clone(&proxy.swallowed));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(forward(tcp, upstream, mutes.subscribe(), Arc::clone(&swallowed)));
            }
        });
        proxy
    }

    /// Makes all present connections mute. Later ones work.
    pub(crate) fn mute(&self) {
        self.mutes.send_modify(|mutes| *mutes += 1);
    }

    /// Returns what the client has sent on mute connections.
    pub(crate) fn swallowed(&self) -> String {
        self.swallowed.lock().unwrap().clone()
    }
}

async fn forward(
    mut tcp: TcpStream,
    upstream: SocketAddr,
    mut mutes: watch::Receiver<u32>,
    swallowed: Arc<Mutex<String>>,
) {
    let mut inner = TcpStream::connect(upstream).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut tcp, &mut inner) => return,
        _ = mutes.changed() => {}
    }
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = tcp.read(&mut buffer).await {
        swallowed.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}
