//! The examples that log somebody in: what their user does in the browser is done here.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, redirect};
use tokio::runtime::Runtime;

/// Name, and the app that it logs in with.
pub(crate) const RUN: &[(&str, &str)] = &[
    ("oauth_device", "tv"),
    ("oauth_jwt", "service"),
    ("oauth_pkce", "desktop"),
    ("oauth_web", "web"),
];
/// What each of them prints in the end.
pub(crate) const GREETING: &str = "hello, Local user";
/// The secret of the web app.
pub(crate) const SECRET: &str = "of-the-web-app";
const PATIENCE: Duration = Duration::from_secs(60);

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {kind} KEY-----\n{text}\n-----END {kind} KEY-----\n")
}

/// What `coze.yaml` has to have for them. The keys of the service are made for this run: the public
/// one for the server, the private one in the file that an app's page offers.
pub(crate) fn apps(folder: &Path) -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let (private, public): (Pkcs8V1Der<'_>, PublicKeyX509Der<'_>) =
        (key.as_der().unwrap(), key.public_key().as_der().unwrap());
    let public_key = folder.join("service.pem");
    fs::write(&public_key, pem("PUBLIC", public.as_ref())).unwrap();
    let config = serde_json::json!({
        "client_type": "jwt", "client_id": "service", "public_key_id": "key-1",
        "private_key": pem("PRIVATE", private.as_ref()),
    });
    fs::write(folder.join("oauth.json"), config.to_string()).unwrap();
    let back = r#"redirect_uris: ["http://127.0.0.1:7000/callback"]"#;
    format!(
        "\noauth_apps:\n\
         \x20 - {{ client_id: web, client_type: web, client_secret: {SECRET}, {back} }}\n\
         \x20 - {{ client_id: desktop, client_type: pkce, {back} }}\n\
         \x20 - {{ client_id: tv, client_type: device, interval: 1 }}\n\
         \x20 - {{ client_id: service, client_type: jwt, public_keys: {{ key-1: '{}' }} }}\n",
        public_key.display()
    )
}

/// Runs one to its end, and does what it asks its user for. Gives everything that it printed, and
/// whether it succeeded.
pub(crate) fn run(command: &mut Command, runtime: &Runtime) -> (String, bool) {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let (out, mut typed) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    let mut said = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                if let Some(asked) = line.strip_prefix("open ") {
                    match asked.split_once(" and type ") {
                        Some((page, code)) => runtime.block_on(enter(page, code)),
                        None => {
                            let back = runtime.block_on(consent(asked));
                            writeln!(typed, "{back}").unwrap();
                        }
                    }
                }
                said.push_str(&line);
                said.push('\n');
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("it hangs: {said}");
            }
        }
    }
    let output = child.wait_with_output().unwrap();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    (said, output.status.success())
}

/// A browser that does not follow redirects.
fn browser() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.redirect(redirect::Policy::none()).build().unwrap()
}

/// A page and the cookie that it sets.
async fn page(url: &str) -> (String, String) {
    let response = browser().get(url).send().await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (response.text().await.unwrap(), cookie)
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Opens the address, says yes, and gives the address that the browser is led back to.
async fn consent(url: &str) -> String {
    let asked = browser().get(url).send().await.unwrap();
    assert_eq!(asked.status(), 302, "{url}");
    let base = url.split("/api/").next().unwrap();
    let location = asked.headers()[LOCATION].to_str().unwrap();
    let (page, cookie) = page(&format!("{base}{location}")).await;
    let (key, csrf) = (field(&page, "authorize_key"), field(&page, "csrf"));
    let form = [
        ("authorize_key", key.as_str()),
        ("csrf", csrf.as_str()),
        ("decision", "allow"),
    ];
    let decided = browser()
        .post(format!("{base}/api/permission/oauth2/consent"))
        .header(COOKIE, cookie)
        .form(&form);
    let decided = decided.send().await.unwrap();
    assert_eq!(decided.status(), 302);
    decided.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// Types the code of a device into the page, and says yes.
async fn enter(url: &str, code: &str) {
    let (page, cookie) = page(url).await;
    let csrf = field(&page, "csrf");
    let form = [
        ("user_code", code),
        ("csrf", csrf.as_str()),
        ("decision", "allow"),
    ];
    let entered = browser().post(url).header(COOKIE, cookie).form(&form);
    assert_eq!(entered.send().await.unwrap().status(), 200);
}
