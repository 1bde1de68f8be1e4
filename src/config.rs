//! stub
use secrecy::SecretString;
use std::time::Duration;
use url::Url;
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub api: Url,
    pub token: Url,
}
#[derive(Debug, Clone)]
pub struct Credentials {
    pub id: String,
    pub secret: SecretString,
}
#[derive(Debug, Clone)]
pub struct Proxy {
    pub url: Url,
    pub credentials: Option<(String, SecretString)>,
}
#[derive(Debug, Clone)]
pub struct Network {
    pub proxy: Option<Proxy>,
    pub no_proxy: Option<String>,
    pub cacert: Option<Vec<u8>>,
    pub ssl_cert_file: Option<Vec<u8>>,
    pub connect_timeout: Duration,
}
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    pub ping_interval: Duration,
    pub idle_timeout: Duration,
    pub max_frame_size: usize,
}
#[derive(Debug, Clone, Copy)]
pub enum Retries {
    Limited(u32),
    Unlimited,
}
