//! Calls to addresses that callers and documents name: web pages of a dataset, tools of a plugin or
//! of an MCP server.
//!
//! Whoever names an address must not reach through this server what only this machine can reach.
//! So a name is looked up here, every address behind it is checked, and the connection goes to one
//! of those very addresses; each redirect is a new address and checked like the first. Addresses
//! that the owner of `coze.yaml` wrote there (models, embeddings) do not come this way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Request, Response, Url};

const CONNECT: Duration = Duration::from_secs(10);
/// Redirects that one call follows.
const REDIRECTS: usize = 5;

/// Sends requests to addresses that are not this machine's own; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    client: Client,
    guard: Guard,
}

/// Which addresses may be reached.
type Guard = fn(IpAddr) -> bool;

/// Why a call did not get its answer. The texts name the host, never the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("{url:?} is no address of the web: {why}")]
    Url { url: String, why: String },
    #[error(
        "{host} is the address {address} of a private network; set `allow_private_networks: true` \
         in coze.yaml if it may be reached"
    )]
    Private { host: String, address: IpAddr },
    #[error("{host} cannot be reached: {why}")]
    Unreachable { host: String, why: String },
    #[error("{host} took longer than {seconds} s")]
    Slow { host: String, seconds: u64 },
    #[error("{host} redirects more than {REDIRECTS} times")]
    Redirects { host: String },
    #[error("{host} answered with HTTP status {status}")]
    Status { host: String, status: u16 },
    #[error("{host} sent more than {limit} bytes")]
    TooLarge { host: String, limit: usize },
}

/// What an address holds.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// Where it came from in the end.
    pub(crate) url: Url,
    /// The `Content-Type`, or nothing.
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// What one answer may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Bytes of the body, after decompression.
    pub(crate) bytes: usize,
    /// From the first connection to the last byte.
    pub(crate) time: Duration,
}

impl Outbound {
    /// # Errors
    /// The system has no TLS that could be used.
    pub(crate) fn new(allow_private: bool) -> Result<Self, String> {
        Self::guarded(if allow_private { |_| true } else { is_public })
    }

    fn guarded(guard: Guard) -> Result<Self, String> {
        let client = Client::builder()
            .user_agent(concat!("coze-rs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up by itself, and nobody would check what it found.
            .no_proxy()
            .dns_resolver(Arc::new(Checked(guard)))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { client, guard })
    }

    /// The client itself, for a protocol that makes requests of its own: names that it looks up are
    /// checked, it follows no redirect, and each address given to it should have been
    /// [checked](Self::check).
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The address, if it is one that may be called. What is behind a name shows when it is
    /// called.
    pub(crate) fn check(&self, url: &str) -> Result<Url, OutboundError> {
        let bad = |why: String| OutboundError::Url {
            url: url.chars().take(200).collect(),
            why,
        };
        let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad("it must begin with http:// or https://".to_owned()));
        }
        self.check_literal(&parsed)?;
        Ok(parsed)
    }

    /// Addresses that are numbers are never looked up, so they are checked here.
    fn check_literal(&self, url: &Url) -> Result<(), OutboundError> {
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal {
            Ok(address) if !(self.guard)(address) => Err(OutboundError::Private {
                host: host.to_owned(),
                address,
            }),
            _ => Ok(()),
        }
    }

    /// Sends a request. GET and HEAD follow redirects; another host is sent no header of the
    /// caller's, so that no secret travels on. Other methods get the redirect as their answer.
    pub(crate) async fn send(
        &self,
        request: Request,
        time: Duration,
    ) -> Result<Response, OutboundError> {
        let host = host(request.url());
        match tokio::time::timeout(time, self.follow(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(slow(host, time)),
        }
    }

    async fn follow(&self, request: Request) -> Result<Response, OutboundError> {
        let first = host(request.url());
        let method = request.method().clone();
        let mut headers = request.headers().clone();
        let mut next = request;
        for _ in 0..=REDIRECTS {
            self.check(next.url().as_str())?;
            let url = next.url().clone();
            let response = self
                .client
                .execute(next)
                .await
                .map_err(|error| told(&url, &error))?;
            let Some(target) = redirect(&method, &response) else {
                return Ok(response);
            };
            let target = url.join(&target).map_err(|error| OutboundError::Url {
                url: target.chars().take(200).collect(),
                why: error.to_string(),
            })?;
            if target.origin() != url.origin() {
                headers = HeaderMap::new();
            }
            next = Request::new(method.clone(), target);
            *next.headers_mut() = headers.clone();
        }
        Err(OutboundError::Redirects { host: first })
    }

    /// Reads what an address holds.
    pub(crate) async fn get(&self, url: &str, budget: Budget) -> Result<Fetched, OutboundError> {
        let url = self.check(url)?;
        let host = host(&url);
        let work = async {
            let response = self.follow(Request::new(Method::GET, url)).await?;
            if !response.status().is_success() {
                return Err(OutboundError::Status {
                    host: self::host(response.url()),
                    status: response.status().as_u16(),
                });
            }
            let url = response.url().clone();
            let kind = response.headers().get(header::CONTENT_TYPE);
            let content_type = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
            Ok(Fetched {
                url,
                content_type: content_type.to_owned(),
                bytes: body(response, budget.bytes).await?,
            })
        };
        match tokio::time::timeout(budget.time, work).await {
            Ok(fetched) => fetched,
            Err(_) => Err(slow(host, budget.time)),
        }
    }
}

/// The body of an answer, up to a number of bytes after decompression.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Bytes, OutboundError> {
    let url = response.url().clone();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&url, &error))? {
        if bytes.len() + chunk.len() > limit {
            let host = host(&url);
            return Err(OutboundError::TooLarge { host, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn redirect(method: &Method, response: &Response) -> Option<String> {
    let follows = matches!(*method, Method::GET | Method::HEAD);
    if !follows || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.headers().get(header::LOCATION)?;
    Some(target.to_str().ok()?.to_owned())
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn slow(host: String, time: Duration) -> OutboundError {
    let seconds = time.as_secs();
    OutboundError::Slow { host, seconds }
}

/// The refusal that a failure was caused by, or the failure in its own words.
pub(crate) fn told(url: &Url, error: &reqwest::Error) -> OutboundError {
    let mut why = "the connection failed".to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<OutboundError>() {
            return refused.clone();
        }
        why = error.to_string();
        cause = error.source();
    }
    let host = host(url);
    if error.is_timeout() && error.is_connect() {
        return slow(host, CONNECT);
    }
    OutboundError::Unreachable { host, why }
}

/// Looks names up and hands on addresses that were all checked.
struct Checked(Guard);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            // One private address among public ones is a trick or a mistake.
            if let Some(bad) = found.iter().find(|it| !guard(it.ip())) {
                let address = bad.ip();
                return Err(OutboundError::Private { host, address }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        // Shared by customers of a provider; protocol assignments; 6to4 relays; benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && matches!(b, 18 | 19))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let [first, second] = high.to_be_bytes();
        let [third, fourth] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(first, second, third, fourth))
    };
    match (a, b, c, d, e, f) {
        // An IPv4 address in disguise: mapped, compatible (`::` and `::1` too), NAT64, 6to4.
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        (0x2002, ..) => v4(b, c),
        // Global addresses are 2000::/3, but for tunnels and documentation.
        (0x2001, 0 | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const BUDGET: Budget = Budget {
        bytes: 100,
        time: Duration::from_secs(5),
    };

    #[test]
    fn only_the_public_internet_is_public() {
        fn check(expected: bool, addresses: &str) {
            for address in addresses.split_whitespace() {
                assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
            }
        }
        check(
            true,
            "1.1.1.1 8.8.8.8 100.63.0.1 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 \
             2606:4700::1111 2400:3200::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1",
        );
        check(
            false,
            "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 \
             172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 \
             224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 \
             ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::1 2001::1 2001:db8::1 \
             fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 100::1 3fff::1",
        );
    }

    #[tokio::test]
    async fn private_addresses_are_refused_however_they_are_written() {
        let outbound = Outbound::new(false).unwrap();
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1:8443/",
            "http://user:word@127.0.0.1/",
            // Looked up, and refused before anything is connected.
            "http://localhost:1/",
        ] {
            let error = outbound.get(url, BUDGET).await.unwrap_err();
            let refused = matches!(error, OutboundError::Private { .. });
            assert!(refused, "{url}: {error:?}");
        }
        for url in ["ftp://example.com/", "file:///etc/passwd", "nothing", ""] {
            let error = outbound.get(url, BUDGET).await.unwrap_err();
            assert!(matches!(error, OutboundError::Url { .. }), "{url}");
        }
    }

    /// Answers each connection with the same bytes and gives what it was asked.
    async fn server(answer: String) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = connection.read(&mut request).await.unwrap_or(0);
                let _ = sender.send(String::from_utf8_lossy(&request[..length]).into_owned());
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        (address, asked)
    }

    fn reply(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    fn first_only(address: IpAddr) -> bool {
        address == IpAddr::V4(Ipv4Addr::LOCALHOST)
    }

    #[tokio::test]
    async fn each_redirect_is_checked_like_the_first_address() {
        let outbound = Outbound::guarded(first_only).unwrap();
        for target in ["http://127.0.0.2/", "//127.0.0.2:80/x", "http://[::1]/"] {
            let location = format!("location: {target}\r\n");
            let (address, _asked) = server(reply("302 Found", &location, "")).await;
            let error = outbound.get(&format!("http://{address}/"), BUDGET).await;
            let error = error.unwrap_err();
            let refused = matches!(error, OutboundError::Private { .. });
            assert!(refused, "{target}: {error:?}");
        }
        let (address, _asked) = server(reply("302 Found", "location: /again\r\n", "")).await;
        let error = outbound.get(&format!("http://{address}/"), BUDGET).await;
        let expected = OutboundError::Redirects {
            host: "127.0.0.1".into(),
        };
        assert_eq!(error.unwrap_err(), expected);
    }

    #[tokio::test]
    async fn another_host_is_sent_no_header_of_the_caller() {
        let outbound = Outbound::new(true).unwrap();
        let (second, mut asked) = server(reply("200 OK", "", "here")).await;
        let location = format!("location: http://{second}/two?x=1\r\n");
        let (first, _asked) = server(reply("307 Temporary Redirect", &location, "")).await;
        let url = Url::parse(&format!("http://{first}/one")).unwrap();
        let mut request = Request::new(Method::GET, url);
        let headers = request.headers_mut();
        headers.insert("authorization", "Bearer something".parse().unwrap());
        let answer = outbound.send(request, BUDGET.time).await.unwrap();
        assert_eq!(body(answer, 100).await.unwrap(), "here");
        let asked = asked.recv().await.unwrap();
        assert!(asked.starts_with("GET /two?x=1 "), "{asked}");
        assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
    }

    #[tokio::test]
    async fn what_is_too_large_too_slow_or_refused_says_so() {
        let outbound = Outbound::new(true).unwrap();
        let get = async |answer: String| {
            let (address, _asked) = server(answer).await;
            outbound.get(&format!("http://{address}/"), BUDGET).await
        };
        let fetched = get(reply("200 OK", "content-type: text/plain\r\n", "some")).await;
        let fetched = fetched.unwrap();
        assert_eq!(fetched.content_type, "text/plain");
        assert_eq!(fetched.bytes, "some");
        assert_eq!(fetched.url.path(), "/");
        let error = get(reply("200 OK", "", &"x".repeat(101)))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "127.0.0.1 sent more than 100 bytes");
        let error = get(reply("404 Not Found", "", "")).await.unwrap_err();
        let expected = "127.0.0.1 answered with HTTP status 404";
        assert_eq!(error.to_string(), expected);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let budget = Budget {
            time: Duration::from_millis(50),
            ..BUDGET
        };
        let error = outbound.get(&url, budget).await.unwrap_err();
        assert!(matches!(error, OutboundError::Slow { .. }), "{error:?}");
        drop(listener);
        let error = outbound.get(&url, BUDGET).await.unwrap_err();
        let unreachable = matches!(error, OutboundError::Unreachable { .. });
        assert!(unreachable, "{error:?}");
    }
}
