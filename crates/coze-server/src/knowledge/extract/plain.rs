//! Text in whatever encoding it comes.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// The text behind bytes: by their mark, as UTF-8, or as the encoding of Chinese Windows.
pub(super) fn decode(bytes: &[u8]) -> Result<String, String> {
    decode_as(bytes, None)
}

/// The same for a web page, which may name its encoding near its beginning.
pub(super) fn decode_html(bytes: &[u8]) -> Result<String, String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let named = head.split_once("charset=").map(|(_, rest)| {
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.split(|it: char| !(it.is_alphanumeric() || matches!(it, '-' | '_')))
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    decode_as(bytes, named.as_deref())
}

fn decode_as(bytes: &[u8], named: Option<&str>) -> Result<String, String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return whole(encoding, &bytes[mark..]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return no_nul(text.to_owned());
    }
    let named = named.and_then(|name| Encoding::for_label(name.as_bytes()));
    // UTF-8 it is not, whatever the page says.
    let named = named.filter(|it| *it != UTF_8);
    for encoding in named.into_iter().chain([GB18030]) {
        if let Ok(text) = whole(encoding, bytes) {
            return Ok(text);
        }
    }
    // UTF-16 without a mark shows by the zero bytes of its spaces and line ends.
    let zeros = |first: usize| {
        bytes
            .iter()
            .skip(first)
            .step_by(2)
            .filter(|it| **it == 0)
            .count()
    };
    let (big, little) = (zeros(0), zeros(1));
    let guess = if big > little { UTF_16BE } else { UTF_16LE };
    if big.max(little) * 20 < bytes.len() {
        return Err("it is no text: none of UTF-8, UTF-16 and GB18030".to_owned());
    }
    whole(guess, bytes).map_err(|_| "it is no text: none of UTF-8, UTF-16 and GB18030".to_owned())
}

fn whole(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    match text {
        Some(text) => no_nul(text.into_owned()),
        None => Err(format!("it is not {}", encoding.name())),
    }
}

/// Text has no NUL; what has one is something else.
fn no_nul(text: String) -> Result<String, String> {
    match text.contains('\0') {
        true => Err("it is no text: it has zero bytes".to_owned()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encodings_that_people_have() {
        fn check(bytes: &[u8]) {
            assert_eq!(decode(bytes).unwrap(), "退货 ok", "{bytes:?}");
        }
        check("退货 ok".as_bytes());
        check(b"\xef\xbb\xbf\xe9\x80\x80\xe8\xb4\xa7 ok");
        check(&GB18030.encode("退货 ok").0);
        let utf_16: Vec<u8> = "退货 ok"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        check(&[b"\xff\xfe", utf_16.as_slice()].concat());
        assert!(decode(b"PK\x03\x04\0\0\0").is_err());
        assert!(decode(&[0xff; 64]).is_err());
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn a_page_may_name_its_encoding() {
        let page = b"<meta charset=\"windows-1252\"><p>caf\xe9</p>";
        assert!(decode_html(page).unwrap().contains("café"));
    }
}
