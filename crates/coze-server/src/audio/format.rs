//! What a recording is: told by its first bytes, and read as far as this server can.

use super::{Sound, mp3, ogg, wav};

/// How a recording is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Wav,
    Mp3,
    Ogg,
    M4a,
    Aac,
    /// None of these, so raw samples if anything.
    Raw,
}

impl Kind {
    /// By the first bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'A',
                b'V',
                b'E',
                ..,
            ] => Self::Wav,
            [b'O', b'g', b'g', b'S', ..] => Self::Ogg,
            [b'I', b'D', b'3', ..] => Self::Mp3,
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::M4a,
            // Both begin with eleven or twelve bits; the layer tells them apart.
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Self::Aac,
            [0xff, second, third, ..] if second & 0xe6 == 0xe2 && third >> 4 != 15 => Self::Mp3,
            _ => Self::Raw,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Aac => "aac",
            Self::Raw => "pcm",
        }
    }
}

/// A recording that was read.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// What it says, when our own speech made it.
    pub(crate) text: Option<String>,
    pub(crate) milliseconds: u64,
    /// Its samples, where they are not compressed.
    pub(crate) sound: Option<Sound>,
}

impl Recording {
    /// Reads WAV, MP3 and Ogg; the error says what is wrong with the file.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let known = |(text, milliseconds)| Self {
            text,
            milliseconds,
            sound: None,
        };
        match Kind::of(bytes) {
            Kind::Wav => {
                let wav = wav::read(bytes)?;
                Ok(Self {
                    text: wav.text,
                    milliseconds: wav.sound.milliseconds(),
                    sound: Some(wav.sound),
                })
            }
            Kind::Mp3 => mp3::read(bytes).map(known),
            Kind::Ogg => ogg::read(bytes).map(known),
            other => Err(format!("{} cannot be read here", other.name())),
        }
    }

    /// Raw samples of 16 bits.
    pub(crate) fn raw(bytes: &[u8], rate: u32, channels: u16) -> Result<Self, String> {
        let sound = wav::read_pcm(bytes, rate, channels)?;
        Ok(Self {
            text: None,
            milliseconds: sound.milliseconds(),
            sound: Some(sound),
        })
    }
}
