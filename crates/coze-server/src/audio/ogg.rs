//! Opus in Ogg that is silent: packets of silence, 20 ms each, behind a tag that says what is said.

use super::MAKER;

/// 20 ms of silence, as the description of Opus has it for one channel.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// Samples of a packet; Opus counts at 48,000 Hz whatever the rate of the sound was.
const PACKET: u64 = 960;
/// Packets of a page; a page holds 255 pieces.
const PAGE: usize = 50;
const COMMENT: &str = "COMMENT=";

/// So many milliseconds of silence.
pub(super) fn write(rate: u32, milliseconds: u64, text: &str) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend_from_slice(&0u16.to_le_bytes());
    head.extend_from_slice(&rate.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    let mut tags = b"OpusTags".to_vec();
    sized(&mut tags, MAKER.as_bytes());
    tags.extend_from_slice(&1u32.to_le_bytes());
    sized(&mut tags, format!("{COMMENT}{text}").as_bytes());

    let mut file = Vec::new();
    let mut pages = Pages(0);
    pages.write(&mut file, 2, 0, &[&head]);
    pages.write(&mut file, 0, 0, &[&tags]);
    let packets = usize::try_from((milliseconds * 48).div_ceil(PACKET)).unwrap_or(0);
    let mut done = 0;
    while done < packets {
        let count = PAGE.min(packets - done);
        done += count;
        let last = if done == packets { 4 } else { 0 };
        let packets: Vec<&[u8]> = vec![&SILENCE; count];
        pages.write(&mut file, last, done as u64 * PACKET, &packets);
    }
    file
}

fn sized(out: &mut Vec<u8>, content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(0);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(content);
}

/// Writes pages, and counts them.
struct Pages(u32);

impl Pages {
    /// `kind` has the bits for the first (2) and the last (4) page.
    fn write(&mut self, out: &mut Vec<u8>, kind: u8, position: u64, packets: &[&[u8]]) {
        let mut page = b"OggS\0".to_vec();
        page.push(kind);
        page.extend_from_slice(&position.to_le_bytes());
        page.extend_from_slice(&1u32.to_le_bytes());
        page.extend_from_slice(&self.0.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        self.0 += 1;
        let mut pieces = Vec::new();
        for packet in packets {
            pieces.extend(std::iter::repeat_n(255, packet.len() / 255));
            pieces.push((packet.len() % 255) as u8);
        }
        page.push(u8::try_from(pieces.len()).unwrap_or(u8::MAX));
        page.extend_from_slice(&pieces);
        packets.iter().for_each(|it| page.extend_from_slice(it));
        let sum = checksum(&page).to_le_bytes();
        if let Some(place) = page.get_mut(22..26) {
            place.copy_from_slice(&sum);
        }
        out.extend_from_slice(&page);
    }
}

/// The checksum of a page, whose own place is zero.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            let carry = sum >> 31 == 1;
            sum << 1 ^ if carry { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// What our own speech says, and the milliseconds, which the last page tells.
pub(super) fn read(bytes: &[u8]) -> Result<(Option<String>, u64), String> {
    let mut rest = bytes;
    let mut text = None;
    let mut rate = 48_000;
    let mut position = 0;
    while rest.starts_with(b"OggS") {
        let (content, at, length) = page(rest).ok_or("a page of it is cut short")?;
        if content.starts_with(b"OpusTags") {
            text = transcript(content);
        } else if content.starts_with(b"\x01vorbis") {
            let told = content.get(12..16).and_then(|it| it.try_into().ok());
            rate = told.map_or(rate, u32::from_le_bytes).max(1);
        }
        // A page on which no packet ends has no position.
        if at != u64::MAX {
            position = at;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok((text, position.saturating_mul(1000) / u64::from(rate)))
}

/// The content of a page, its position, and its whole length.
fn page(bytes: &[u8]) -> Option<(&[u8], u64, usize)> {
    let position = u64::from_le_bytes(bytes.get(6..14)?.try_into().ok()?);
    let pieces = usize::from(*bytes.get(26)?);
    let lengths = bytes.get(27..27 + pieces)?;
    let length: usize = lengths.iter().map(|it| usize::from(*it)).sum();
    let start = 27 + pieces;
    let content = bytes.get(start..start + length)?;
    Some((content, position, start + length))
}

fn transcript(tags: &[u8]) -> Option<String> {
    let take = |at: usize| {
        let length = u32::from_le_bytes(tags.get(at..at + 4)?.try_into().ok()?);
        let end = (at + 4).checked_add(usize::try_from(length).ok()?)?;
        Some((tags.get(at + 4..end)?, end))
    };
    let (maker, end) = take(8)?;
    if maker != MAKER.as_bytes() {
        return None;
    }
    let (comment, _) = take(end + 4)?;
    let text = comment.strip_prefix(COMMENT.as_bytes())?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["", "你好 hello", &"x".repeat(1024)] {
            let file = write(24_000, 1_990, text);
            let (found, milliseconds) = read(&file).unwrap();
            assert_eq!(found.as_deref(), Some(text));
            assert_eq!(milliseconds, 2_000);
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_format() {
        // The first page of a file that another program wrote would be somebody's data; this is the
        // check value of the polynomial without reflection, start and end at zero.
        assert_eq!(checksum(b"123456789"), 0x89a1_897f);
    }

    #[test]
    fn damage_is_told_and_never_a_panic() {
        let file = write(24_000, 50, "abc");
        for end in 0..file.len() {
            let _ = read(&file[..end]);
        }
    }
}
