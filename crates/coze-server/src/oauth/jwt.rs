//! JWTs by which a service proves itself (reference, section 2.7).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{OAuthApp, Refusal};

/// Clocks may differ by so many seconds.
const SKEW: i64 = 60;
/// A JWT may be valid for so long.
const LONGEST: i64 = 86_400;
/// Hosts of the service, which apps name that were not written for this server.
const HOSTS: &[&str] = &["api.coze.cn", "api.coze.com"];

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// What a JWT says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    aud: String,
    iat: i64,
    pub(super) exp: i64,
    #[serde(default)]
    pub(super) jti: String,
    #[serde(default)]
    pub(super) session_name: Option<String>,
    #[serde(default)]
    session_context: Value,
}

/// What is wrong with `session_context`, which says whose quota is used. Nothing has a price here, so
/// nothing is counted; what the service would not take is refused all the same.
fn misfit(context: &Value) -> Option<String> {
    let is_object = |it: &Value| it.is_object() || it.is_null();
    let info = &context["device_info"];
    if !is_object(context) || !is_object(info) {
        return Some("session_context is no object that has the object device_info".to_owned());
    }
    let mut names = ["device_id", "custom_consumer"].into_iter();
    let bad = names.find(|name| !(info[*name].is_string() || info[*name].is_null()))?;
    Some(format!("session_context.device_info.{bad} is no text"))
}

/// A JWT that was read, and is yet to be believed.
pub(super) struct Jwt<'a> {
    header: Header,
    pub(super) claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

pub(super) fn read(text: &str) -> Result<Jwt<'_>, Refusal> {
    let parsed = || {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Jwt {
            header: part(header)?,
            claims: part(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    };
    parsed().ok_or_else(|| Refusal::client("the JWT cannot be read; it needs iss, aud, iat, exp"))
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

impl Jwt<'_> {
    /// The app signed it, for this server, and it is valid now.
    pub(super) fn check(&self, app: &OAuthApp, host: &str, now: i64) -> Result<(), Refusal> {
        let bad = |why: &str| Err(Refusal::client(format!("the JWT is refused: {why}")));
        let claims = &self.claims;
        if self.header.alg != "RS256" {
            return bad("alg is not RS256");
        }
        let Some(key) = app.keys.get(&self.header.kid) else {
            return bad("kid is none of the app's public keys");
        };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        if key.verify(self.signed.as_bytes(), &self.signature).is_err() {
            return bad("the signature is not that of the key");
        }
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if claims.aud != host && claims.aud != name && !HOSTS.contains(&claims.aud.as_str()) {
            return bad("aud is not the host of this server");
        }
        if claims.exp <= now - SKEW {
            return bad("it has expired");
        }
        if claims.iat > now + SKEW {
            return bad("iat is in the future");
        }
        if claims.exp < claims.iat || claims.exp - claims.iat > LONGEST {
            return bad("exp is more than a day behind iat, or in front of it");
        }
        if claims.jti.is_empty() {
            return bad("jti is missing");
        }
        if let Some(why) = misfit(&claims.session_context) {
            return bad(&why);
        }
        Ok(())
    }
}
