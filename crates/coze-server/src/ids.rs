//! 19-digit ids that grow with time, as Coze's do.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use coze_types::Id;

use crate::fail::Fail;

/// Makes ids: the Unix seconds in the upper 32 bits, milliseconds and a counter below.
///
/// Every id is larger than all before it, also when the clock stands still or goes back.
#[derive(Debug)]
pub(crate) struct Ids(AtomicI64);

impl Ids {
    /// `largest` is the largest id in use.
    pub(crate) fn new(largest: i64) -> Self {
        Self(AtomicI64::new(largest))
    }

    pub(crate) fn next(&self) -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
        let candidate = seconds << 32 | i64::from(now.subsec_millis()) << 22;
        let next = |last: i64| candidate.max(last + 1);
        // The closure always answers, so the update cannot fail.
        let update = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            });
        match update {
            Ok(last) | Err(last) => next(last),
        }
    }

    pub(crate) fn next_id(&self) -> Id {
        self.next().into()
    }
}

/// 128 bits that nobody can guess, in hexadecimal.
pub(crate) fn secret() -> Result<String, Fail> {
    let mut bytes = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        tracing::error!("the system gives no random numbers");
        Fail::internal()
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A log id in the vendor's form: the time, then hexadecimal digits.
pub(crate) fn log_id(number: i64) -> String {
    // SplitMix64, so that neighbours look unrelated; it hides nothing.
    let mut z = number.cast_unsigned().wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    format!("{}{:016X}", number >> 32, z ^ (z >> 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_19_digits_and_grow() {
        let ids = Ids::new(0);
        let mut last = 0;
        for _ in 0..10_000 {
            let id = ids.next();
            assert!(id > last);
            assert_eq!(id.to_string().len(), 19);
            last = id;
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_no_id_twice() {
        let ids = Ids::new(i64::MAX - 2);
        assert_eq!(ids.next(), i64::MAX - 1);
    }
}
