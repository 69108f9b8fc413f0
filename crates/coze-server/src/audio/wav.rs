//! WAV: the header, the samples, and the notes behind them.

use super::{MAKER, Sound};

/// What a WAV file holds.
#[derive(Debug, Default)]
pub(super) struct Wav {
    pub(super) sound: Sound,
    /// What our own speech says.
    pub(super) text: Option<String>,
}

/// 16 bits, one channel; what it says stands in a note behind the samples.
pub(super) fn write(rate: u32, samples: &[i16], text: &str) -> Vec<u8> {
    let mut notes = b"INFO".to_vec();
    chunk(&mut notes, *b"ISFT", MAKER.as_bytes());
    chunk(&mut notes, *b"ICMT", text.as_bytes());
    let mut format = Vec::with_capacity(16);
    format.extend_from_slice(&1u16.to_le_bytes());
    format.extend_from_slice(&1u16.to_le_bytes());
    format.extend_from_slice(&rate.to_le_bytes());
    format.extend_from_slice(&(rate * 2).to_le_bytes());
    format.extend_from_slice(&2u16.to_le_bytes());
    format.extend_from_slice(&16u16.to_le_bytes());
    let mut body = b"WAVE".to_vec();
    body.reserve(samples.len() * 2 + notes.len() + 64);
    chunk(&mut body, *b"fmt ", &format);
    chunk(&mut body, *b"data", &pcm(samples));
    // Behind the samples: simple readers expect these at byte 44.
    chunk(&mut body, *b"LIST", &notes);
    let mut file = Vec::with_capacity(body.len() + 8);
    chunk(&mut file, *b"RIFF", &body);
    file
}

/// The samples alone, little-endian.
pub(super) fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    out.extend_from_slice(&name);
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
}

/// Reads a file; the error says what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Wav, String> {
    let body = bytes.get(12..).ok_or("it ends within its header")?;
    let mut format: Option<Format> = None;
    let mut data: Option<&[u8]> = None;
    let mut wav = Wav::default();
    for (name, content) in Chunks(body) {
        match &name {
            b"fmt " => format = Some(Format::read(content)?),
            b"data" if data.is_none() => data = Some(content),
            b"LIST" => wav.text = wav.text.or(transcript(content)),
            _ => {}
        }
    }
    let format = format.ok_or("it has no chunk named fmt")?;
    let data = data.ok_or("it has no chunk named data")?;
    wav.sound = format.sound(data)?;
    Ok(wav)
}

/// Raw samples of 16 bits.
pub(super) fn read_pcm(bytes: &[u8], rate: u32, channels: u16) -> Result<Sound, String> {
    let format = Format {
        kind: 1,
        channels,
        rate,
        bits: 16,
    };
    format.sound(bytes)
}

/// The chunks of a file; one that is cut short gives what is there.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let content = rest.get(..length).unwrap_or(rest);
        // A chunk of odd length is followed by a byte that means nothing.
        self.0 = rest.get(length + length % 2..).unwrap_or_default();
        Some((*name, content))
    }
}

fn transcript(list: &[u8]) -> Option<String> {
    let notes = list.strip_prefix(b"INFO")?;
    let find = |wanted: &[u8; 4]| Chunks(notes).find(|(name, _)| name == wanted);
    let (_, maker) = find(b"ISFT")?;
    let (_, text) = find(b"ICMT")?;
    let ours = maker == MAKER.as_bytes();
    ours.then(|| String::from_utf8(text.to_vec()).ok())?
}

struct Format {
    kind: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

impl Format {
    fn read(content: &[u8]) -> Result<Self, String> {
        let short = |at: usize| {
            let bytes = content.get(at..at + 2)?;
            Some(u16::from_le_bytes(bytes.try_into().ok()?))
        };
        let long = |at: usize| {
            let bytes = content.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let found = (|| {
            // The extensible form says the kind at the beginning of its identifier.
            let kind = match short(0)? {
                0xfffe => short(24)?,
                kind => kind,
            };
            Some(Self {
                kind,
                channels: short(2)?,
                rate: long(4)?,
                bits: short(14)?,
            })
        })();
        let format = found.ok_or("its format is cut short")?;
        if format.channels == 0 || format.rate == 0 {
            return Err("it has no channels or no sample rate".to_owned());
        }
        Ok(format)
    }

    /// The channels mixed into one.
    fn sound(&self, data: &[u8]) -> Result<Sound, String> {
        let sample: fn(&[u8]) -> f32 = match (self.kind, self.bits) {
            (1, 8) => |it| (f32::from(byte(it, 0)) - 128.0) / 128.0,
            (1, 16) => |it| f32::from(i16::from_le_bytes([byte(it, 0), byte(it, 1)])) / 32_768.0,
            // The lowest bits of the longer ones cannot be heard.
            (1, 24) => |it| f32::from(i16::from_le_bytes([byte(it, 1), byte(it, 2)])) / 32_768.0,
            (1, 32) => |it| f32::from(i16::from_le_bytes([byte(it, 2), byte(it, 3)])) / 32_768.0,
            (3, 32) => {
                |it| f32::from_le_bytes([byte(it, 0), byte(it, 1), byte(it, 2), byte(it, 3)])
            }
            (kind, bits) => {
                return Err(format!(
                    "its samples (format {kind}, {bits} bits) are not PCM of 8, 16, 24 or 32 bits"
                ));
            }
        };
        let width = usize::from(self.bits / 8);
        let channels = usize::from(self.channels.max(1));
        let samples = data.chunks_exact(width * channels).map(|frame| {
            let sum: f32 = frame.chunks_exact(width).map(sample).sum();
            let mean = sum / f32::from(self.channels.max(1));
            if mean.is_finite() { mean } else { 0.0 }
        });
        let samples: Vec<f32> = samples.collect();
        if samples.is_empty() {
            return Err("it holds no samples".to_owned());
        }
        Ok(Sound {
            rate: self.rate,
            samples,
        })
    }
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let samples = [0, 16_384, -16_384, i16::MAX, i16::MIN];
        let file = write(22_050, &samples, "héllo 你好");
        // As the format's description has it, byte by byte.
        assert_eq!(file[..4], *b"RIFF");
        assert_eq!(
            u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize,
            file.len() - 8
        );
        assert_eq!(file[8..16], *b"WAVEfmt ");
        assert_eq!(file[36..40], *b"data");
        assert_eq!(file[40..44], 10u32.to_le_bytes());
        assert_eq!(file[44..48], [0, 0, 0, 0x40]);
        let wav = read(&file).unwrap();
        assert_eq!(wav.text.as_deref(), Some("héllo 你好"));
        assert_eq!(wav.sound.rate, 22_050);
        assert_eq!(wav.sound.samples[..3], [0.0, 0.5, -0.5]);
    }

    #[test]
    fn damage_is_told_and_never_a_panic() {
        let file = write(8_000, &[1; 100], "abc");
        for end in 0..file.len() {
            let _ = read(&file[..end]);
        }
        for (at, byte) in [(20, 7), (34, 12), (22, 0)] {
            let mut damaged = file.clone();
            damaged[at] = byte;
            assert!(read(&damaged).is_err(), "{at}");
        }
        assert_eq!(read(b"RIFF").unwrap_err(), "it ends within its header");
    }

    #[test]
    fn a_comment_of_somebody_else_is_no_transcript() {
        let mut file = write(8_000, &[1; 4], "abc");
        let at = file.windows(7).position(|it| it == MAKER.as_bytes());
        file[at.unwrap()] = b'x';
        assert_eq!(read(&file).unwrap().text, None);
    }

    #[test]
    fn channels_are_mixed() {
        let bytes: Vec<u8> = [16_384i16, 0, -16_384, 0]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        let sound = read_pcm(&bytes, 16_000, 2).unwrap();
        assert_eq!(sound.samples, [0.25, -0.25]);
    }
}
