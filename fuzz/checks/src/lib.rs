//! What must hold for any bytes at all. A check panics when it does not.
//!
//! The first bytes of an input choose what is done with the rest, so that a fuzzer can vary both.

mod envelope;
mod events;
mod sse;

pub use envelope::envelope;
pub use events::events;
pub use sse::sse;

/// Cuts bytes into chunks whose lengths are taken, in turn, from `lengths`; 0 stands for 256.
fn chunks<'a>(lengths: &'a [u8], mut bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut lengths = lengths.iter().cycle();
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let length = match lengths.next() {
            Some(0) => 256,
            Some(length) => usize::from(*length),
            None => bytes.len(),
        };
        let (chunk, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        Some(chunk)
    })
}

/// Splits the first `N` bytes off; fewer are filled up with zeros.
fn head<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let mut head = [0; N];
    let length = N.min(bytes.len());
    let (first, rest) = bytes.split_at(length);
    for (to, from) in head.iter_mut().zip(first) {
        *to = *from;
    }
    (head, rest)
}
