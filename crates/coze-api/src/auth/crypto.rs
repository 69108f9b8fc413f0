//! What needs cryptography: random texts and the PKCE challenge. Natively the library is the one
//! that encrypts the connections; a browser has none to offer that answers at once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// 32 bytes from the system, as 43 characters that can stand in a URL.
pub(crate) fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    fill(&mut bytes).ok_or_else(|| Error::Invalid("the system gives no random numbers".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The challenge that belongs to a PKCE verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}

#[cfg(not(target_family = "wasm"))]
fn fill(bytes: &mut [u8]) -> Option<()> {
    aws_lc_rs::rand::fill(bytes).ok()
}

#[cfg(target_family = "wasm")]
fn fill(bytes: &mut [u8]) -> Option<()> {
    getrandom::fill(bytes).ok()
}

#[cfg(not(target_family = "wasm"))]
fn sha256(bytes: &[u8]) -> impl AsRef<[u8]> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)
}

#[cfg(target_family = "wasm")]
fn sha256(bytes: &[u8]) -> impl AsRef<[u8]> {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier), expected);
    }

    #[test]
    fn random_texts_are_long_enough_and_differ() {
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        // RFC 7636 asks for 43 to 128 of these characters.
        let fits = |char: char| char.is_ascii_alphanumeric() || "-._~".contains(char);
        assert!(one.len() == 43 && one.chars().all(fits), "{one}");
        assert_ne!(one, other);
    }
}
