//! Encrypted connections: trusted ones, and those that are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::types::conversations::CreateConversation;
use coze_api::{Coze, CozeBuilder, Error, RetryPolicy, TransportKind};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::server::{Server, json, soon};
use crate::shown::{failure, shown, watch};

const ME: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

/// A server with a certificate that nobody has signed but itself.
pub(crate) struct Encrypted {
    pub(crate) port: u16,
    /// Its certificate.
    pub(crate) pem: String,
    connections: Arc<AtomicUsize>,
}

impl Encrypted {
    /// For the host of this name, valid until this year.
    pub(crate) async fn start(name: &str, until: i32) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move { answer(&acceptor, socket).await });
            }
        });
        Self {
            port,
            pem,
            connections,
        }
    }

    fn builder(&self) -> CozeBuilder {
        hasty(&format!("https://localhost:{}", self.port))
    }
}

async fn answer(acceptor: &TlsAcceptor, socket: TcpStream) -> std::io::Result<()> {
    let mut socket = acceptor.accept(socket).await?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(socket.read_u8().await?);
    }
    let length = ME.len();
    let kind = "content-type: application/json";
    let head = format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all((head + ME).as_bytes()).await?;
    socket.shutdown().await
}

fn hasty(url: &str) -> CozeBuilder {
    watch();
    let builder = Coze::builder().token("pat_secret").base_url(url);
    builder.retry(RetryPolicy {
        first_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    })
}

/// The error's kind and text. Nothing was sent, so nothing can have begun.
fn kind(error: &Error) -> (TransportKind, String) {
    let Error::Transport(lost) = error else {
        panic!("{error:?}")
    };
    assert!(!error.may_have_begun(), "{error}");
    (lost.kind, shown(error))
}

#[tokio::test]
async fn a_stranger_is_not_trusted_until_its_certificate_is() {
    let server = Encrypted::start("localhost", 2100).await;
    let coze = server.builder().build().unwrap();
    let error = failure(soon(coze.me()).await);
    let (kind, text) = kind(&error);
    assert_eq!(kind, TransportKind::Tls, "{text}");
    assert!(text.contains("certificate"), "{text}");
    assert!(!error.is_retryable());
    let connections = server.connections.load(Ordering::SeqCst);
    assert_eq!(connections, 1, "it is not repeated");

    let builder = server.builder().root_certificates(&server.pem).unwrap();
    let coze = builder.build().unwrap();
    assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
}

#[tokio::test]
async fn a_certificate_is_good_for_its_name_and_its_time_only() {
    for (name, until, word) in [
        ("other.test", 2100, "not valid for"),
        ("localhost", 2001, "expired"),
    ] {
        let server = Encrypted::start(name, until).await;
        let builder = server.builder().root_certificates(&server.pem).unwrap();
        let error = failure(soon(builder.build().unwrap().me()).await);
        let (kind, text) = kind(&error);
        assert_eq!(kind, TransportKind::Tls, "{text}");
        assert!(text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_told_as_such() {
    let server = Server::always(json(ME)).await;
    let coze = hasty(&server.url().replace("http:", "https:"))
        .build()
        .unwrap();
    // Whatever it answers to what it cannot read.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            // Until the client has seen it.
            let _ = socket.read(&mut [0; 4096]).await;
        }
    });
    let plain = hasty(&format!("https://localhost:{port}")).build().unwrap();
    let error = failure(soon(plain.me()).await);
    let (kind, text) = kind(&error);
    assert_eq!(kind, TransportKind::Tls, "{text}");
    assert!(!error.is_retryable());
    drop((server, coze));
}

#[tokio::test]
async fn a_handshake_that_is_cut_or_never_answered_can_be_tried_again() {
    for silent in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = socket.read(&mut [0; 4096]).await;
                if silent {
                    held.push(socket);
                }
            }
        });
        let coze = hasty(&format!("https://localhost:{port}"))
            .connect_timeout(Duration::from_millis(200))
            .build()
            .unwrap();
        // Also what must not happen twice: it has not been sent.
        let error = failure(soon(coze.send(CreateConversation::default())).await);
        let (kind, text) = kind(&error);
        let expected = if silent {
            TransportKind::Timeout
        } else {
            TransportKind::Connect
        };
        assert_eq!(kind, expected, "{text}");
        assert!(error.is_retryable());
        assert_eq!(connections.load(Ordering::SeqCst), 4);
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
    ] {
        let refused = Coze::builder().root_certificates(pem);
        assert!(matches!(refused, Err(Error::Invalid(_))), "{pem}");
    }
}
