//! MP3 that is silent: frames without content, of the right number, behind a tag that says what is
//! said. Writing tones would take an encoder, which is larger than this server.

use super::MAKER;

/// The language and the empty description in front of a comment.
const COMMENT: &[u8] = b"\x03und\0";

/// So many milliseconds of silence.
pub(super) fn write(rate: u32, milliseconds: u64, text: &str) -> Vec<u8> {
    let layout = Layout::of(rate);
    let samples = milliseconds * u64::from(rate) / 1000;
    let frames = usize::try_from(samples.div_ceil(layout.samples)).unwrap_or(0);
    let mut frame = layout.header.to_vec();
    frame.resize(layout.length, 0);
    let mut file = tag(text);
    file.reserve(frames * layout.length);
    for _ in 0..frames {
        file.extend_from_slice(&frame);
    }
    file
}

/// One frame of the lowest bit rate: its header, its length, its samples.
struct Layout {
    header: [u8; 4],
    length: usize,
    samples: u64,
}

impl Layout {
    /// For a rate that the format knows; 24,000 Hz otherwise.
    fn of(rate: u32) -> Self {
        // Version 1, layer 3: 32 kbit/s; versions 2 and 2.5: 8 kbit/s. Each without a checksum.
        let (version, index) = match rate {
            44_100 => (0xfb, 0),
            48_000 => (0xfb, 1),
            32_000 => (0xfb, 2),
            22_050 => (0xf3, 0),
            16_000 => (0xf3, 2),
            8_000 => (0xe3, 2),
            _ => (0xf3, 1),
        };
        let (bytes, samples) = match version {
            0xfb => (144 * 32_000, 1152),
            _ => (72 * 8_000, 576),
        };
        let rate = if index == 1 && version == 0xf3 {
            24_000
        } else {
            rate
        };
        Self {
            // One channel.
            header: [0xff, version, 0x10 | index << 2, 0xc0],
            length: usize::try_from(bytes / rate.max(1)).unwrap_or(0),
            samples,
        }
    }
}

/// An ID3 tag of version 2.4.
fn tag(text: &str) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut frame = |name: &[u8], content: &[&[u8]]| {
        let content = content.concat();
        frames.extend_from_slice(name);
        frames.extend_from_slice(&seven_bits(content.len()));
        frames.extend_from_slice(&[0, 0]);
        frames.extend_from_slice(&content);
    };
    frame(b"TSSE", &[b"\x03", MAKER.as_bytes()]);
    frame(b"COMM", &[COMMENT, text.as_bytes()]);
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend_from_slice(&seven_bits(frames.len()));
    tag.extend_from_slice(&frames);
    tag
}

/// A length in four bytes of seven bits.
fn seven_bits(length: usize) -> [u8; 4] {
    let length = u32::try_from(length).unwrap_or(0);
    [21, 14, 7, 0].map(|shift| (length >> shift & 0x7f) as u8)
}

fn of_seven_bits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(4)
        .fold(0, |sum, it| sum << 7 | usize::from(it & 0x7f))
}

/// What our own speech says, and the milliseconds of the frames.
pub(super) fn read(bytes: &[u8]) -> Result<(Option<String>, u64), String> {
    let (text, mut rest) = match bytes.strip_prefix(b"ID3") {
        Some(tag) => {
            let length = of_seven_bits(tag.get(3..7).unwrap_or_default());
            let frames = tag.get(7..).unwrap_or_default();
            let (frames, rest) = frames.split_at(length.min(frames.len()));
            (transcript(frames), rest)
        }
        None => (None, bytes),
    };
    let mut microseconds = 0;
    let mut found = false;
    while let Some((length, time)) = frame(rest) {
        found = true;
        microseconds += time;
        rest = rest.get(length..).unwrap_or_default();
    }
    if found {
        Ok((text, microseconds / 1000))
    } else {
        Err("it has no frame of MP3 behind its tag".to_owned())
    }
}

fn transcript(frames: &[u8]) -> Option<String> {
    let mut rest = frames;
    let mut ours = false;
    while let (Some(name), Some(length)) = (rest.get(..4), rest.get(4..8)) {
        let length = of_seven_bits(length);
        let content = rest.get(10..10 + length)?;
        match name {
            b"TSSE" => ours = content.get(1..) == Some(MAKER.as_bytes()),
            b"COMM" if ours => {
                let text = content.strip_prefix(COMMENT)?;
                return String::from_utf8(text.to_vec()).ok();
            }
            _ => {}
        }
        rest = rest.get(10 + length..)?;
    }
    None
}

/// The length of the frame that begins here, and its time in microseconds.
fn frame(bytes: &[u8]) -> Option<(usize, u64)> {
    let [first, second, third, _] = *bytes.first_chunk::<4>()?;
    if first != 0xff || second & 0xe6 != 0xe2 {
        return None;
    }
    let version = second >> 3 & 3;
    let rates: [u32; 3] = [44_100, 48_000, 32_000];
    let rate = *rates.get(usize::from(third >> 2 & 3))?;
    let (rate, rates_of_bits, samples): (u32, [u32; 16], u64) = match version {
        3 => (
            rate,
            [
                0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
            ],
            1152,
        ),
        2 | 0 => (
            if version == 2 { rate / 2 } else { rate / 4 },
            [
                0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0,
            ],
            576,
        ),
        _ => return None,
    };
    let bits = *rates_of_bits.get(usize::from(third >> 4))?;
    if bits == 0 {
        return None;
    }
    let padding = u32::from(third >> 1 & 1);
    let length = u32::try_from(samples / 8).ok()? * bits * 1000 / rate + padding;
    let time = samples * 1_000_000 / u64::from(rate);
    Some((usize::try_from(length).ok()?, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_gives_frames_that_last_as_long_as_asked() {
        for rate in [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
            let file = write(rate, 1_000, "你好 hello");
            let (text, milliseconds) = read(&file).unwrap();
            assert_eq!(text.as_deref(), Some("你好 hello"), "{rate}");
            // Whole frames only: at most one more, 72 ms at 8,000 Hz.
            assert!(
                (1_000..1_080).contains(&milliseconds),
                "{rate}: {milliseconds}"
            );
        }
    }

    #[test]
    fn damage_is_told_and_never_a_panic() {
        let file = write(24_000, 50, "abc");
        for end in 0..file.len() {
            let _ = read(&file[..end]);
        }
        assert!(read(b"ID3\x04\0\0\0\0\0\x7f").is_err());
        assert!(read(&[0xff; 64]).is_err());
    }
}
