//! Secrets that the server makes and recognises: random texts, and the hashes it keeps of them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coze_types::Secret;

use crate::fail::Fail;

/// What is kept of a secret. The secrets are random and long, so that one round is enough; looking
/// a hash up tells nothing about the text by the time it takes.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(text: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// A new secret: the prefix that tells its kind, then 32 random bytes.
pub(crate) fn secret(prefix: &str) -> Result<Secret, Fail> {
    let bytes = random::<32>()?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fail> {
    let mut bytes = [0; N];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers");
        return Err(Fail::internal());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (secret("pat_").unwrap(), secret("pat_").unwrap());
        assert!(one.expose().len() == 47 && one.expose().starts_with("pat_"));
        assert_ne!(one, other);
        assert_ne!(hash(one.expose()), hash(other.expose()));
    }
}
