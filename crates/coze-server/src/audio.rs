//! Sound without a network: speech is tones, one for each character, and what it says stands in
//! the file beside them, so that our own transcription can read it back.

mod format;
mod mp3;
mod ogg;
mod print;
mod speech;
mod voices;
mod wav;

pub(crate) use format::{Kind, Recording};
pub(crate) use print::{compare, fingerprint};
pub(crate) use speech::{Container, Manner};
pub(crate) use voices::{SYSTEM_VOICES, SystemVoice, Timbre, language_name, system_voice};

/// Samples of one channel, from -1 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sound {
    pub(crate) rate: u32,
    pub(crate) samples: Vec<f32>,
}

impl Sound {
    /// How long it is, in milliseconds.
    pub(crate) fn milliseconds(&self) -> u64 {
        let rate = u64::from(self.rate.max(1));
        (self.samples.len() as u64).saturating_mul(1000) / rate
    }
}

/// The note in the file that says what made it; without it a comment is nobody's transcript.
const MAKER: &str = "coze-rs";
