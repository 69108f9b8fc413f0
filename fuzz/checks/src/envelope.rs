//! Replies: any bytes, read as the reply of any row.

use coze_types::{Endpoint, RowVisitor, status};
use serde_json::Value;

use crate::head;

/// Reading never panics; a reply that can be read can be written, and what is written reads as the
/// same again. A body with a code other than 0 is never taken for a success.
///
/// # Panics
/// When that does not hold.
pub fn envelope(bytes: &[u8]) {
    let ([low, high], body) = head::<2>(bytes);
    judged(body);
    let count = coze_types::endpoints().count();
    let wanted = (usize::from(low) | usize::from(high) << 8) % count.max(1);
    coze_types::visit(&mut One {
        wanted,
        present: 0,
        body,
    });
}

/// The envelope says no exactly when its code, read by itself, is not 0.
fn judged(body: &[u8]) {
    let Ok(status) = status::decode_status(body) else {
        return;
    };
    let _ = (status.log_id(), status.text(), status.error_name());
    let code = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|body| body.get("code")?.as_i64());
    if let Some(code) = code {
        assert_eq!(status.code, code);
        assert!(code == 0 || !status.is_success());
    }
}

struct One<'a> {
    wanted: usize,
    present: usize,
    body: &'a [u8],
}

impl RowVisitor for One<'_> {
    fn row<E: Endpoint>(&mut self) {
        let is_wanted = self.present == self.wanted;
        self.present += 1;
        if !is_wanted {
            return;
        }
        stable::<E::Reply>(self.body, E::INFO.name);
        stable::<E::Body>(self.body, E::INFO.name);
    }
}

/// What was read, written and read again stays the same.
fn stable<T: serde_like::Both>(body: &[u8], name: &str) {
    let Ok(read) = status::decode::<T>(body) else {
        return;
    };
    let written = serde_json::to_vec(&read).unwrap_or_else(|error| {
        panic!("{name}: what was read cannot be written: {error}");
    });
    let again: T = status::decode(&written).unwrap_or_else(|error| {
        panic!("{name}: what was written cannot be read: {error}");
    });
    let value = |it: &T| serde_json::to_value(it).unwrap_or_default();
    assert_eq!(value(&read), value(&again), "{name}");
}

/// Short for the two traits of a type that goes both ways.
mod serde_like {
    pub(super) trait Both: serde::Serialize + serde::de::DeserializeOwned {}
    impl<T: serde::Serialize + serde::de::DeserializeOwned> Both for T {}
}
