//! Word documents: an archive with the text as XML in it.

use std::io::{Cursor, Read};

use quick_xml::events::Event;
use zip::ZipArchive;

use super::LONGEST;

/// Files in an archive; more than any document has.
const ENTRIES: usize = 20_000;

/// The paragraphs of a document; headings as Markdown writes them, cells of tables behind tabs.
pub(super) fn text(bytes: &[u8]) -> Result<String, String> {
    check_size(bytes)?;
    let mut archive = open(bytes)?;
    let part = archive
        .by_name("word/document.xml")
        .map_err(|_| "it is no Word document: word/document.xml is not in it".to_owned())?;
    let mut xml = Vec::new();
    part.take(LONGEST as u64 + 1)
        .read_to_end(&mut xml)
        .map_err(|error| broken(&error))?;
    if xml.len() > LONGEST {
        return Err(super::too_long());
    }
    let xml = String::from_utf8(xml).map_err(|error| broken(&error))?;
    paragraphs(&xml)
}

/// Archives can be made that unpack to more than any disk has. What they say about themselves need
/// not be true, so everything is unpacked once, into nothing.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), String> {
    let mut archive = open(bytes)?;
    if archive.len() > ENTRIES {
        return Err(format!("the archive has more than {ENTRIES} files"));
    }
    let mut left = 2 * LONGEST as u64;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| broken(&error))?;
        let unpacked = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|error| broken(&error))?;
        if unpacked > left {
            return Err("the archive unpacks to far more than a document holds".to_owned());
        }
        left -= unpacked;
    }
    Ok(())
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, String> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> String {
    format!("the file cannot be read: {error}")
}

fn paragraphs(xml: &str) -> Result<String, String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut text = String::new();
    let mut line = String::new();
    let mut level = None;
    let mut in_text = false;
    let mut cells: u32 = 0;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Eof => break,
            Event::Start(tag) if tag.local_name().as_ref() == "t" => in_text = true,
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => in_text = false,
                "p" if cells > 0 => line.push(' '),
                "p" => end(&mut text, &mut line, level.take()),
                "tc" => {
                    cells = cells.saturating_sub(1);
                    line.truncate(line.trim_end().len());
                    line.push('\t');
                }
                "tr" if cells == 0 => end(&mut text, &mut line, None),
                _ => {}
            },
            Event::Text(piece) if in_text => line.push_str(&piece),
            Event::GeneralRef(name) if in_text => line.push_str(&reference(&name)),
            Event::CData(piece) if in_text => line.push_str(&piece),
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "tc" => cells += 1,
                "tab" => line.push('\t'),
                "br" | "cr" => line.push('\n'),
                "pStyle" | "outlineLvl" => {
                    let value = tag.attributes().flatten();
                    let mut value = value.filter(|it| it.key.local_name().as_ref() == "val");
                    let value = value.next().map(|it| it.value.into_owned());
                    level = level.or(heading(&value.unwrap_or_default()));
                }
                _ => {}
            },
            _ => {}
        }
    }
    end(&mut text, &mut line, level);
    Ok(text)
}

fn reference(name: &str) -> String {
    let numbered = name.strip_prefix('#').and_then(|number| {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        char::from_u32(code.ok()?)
    });
    match (name, numbered) {
        (_, Some(character)) => character.to_string(),
        ("amp", _) => "&".to_owned(),
        ("lt", _) => "<".to_owned(),
        ("gt", _) => ">".to_owned(),
        ("quot", _) => "\"".to_owned(),
        ("apos", _) => "'".to_owned(),
        _ => String::new(),
    }
}

/// The level of a style such as `Heading2`, of its number alone (as Chinese Word names it), or of
/// an outline, which counts from 0.
fn heading(value: &str) -> Option<usize> {
    let number = value
        .strip_prefix("Heading")
        .or(value.strip_prefix("heading "))?;
    number
        .trim()
        .parse()
        .ok()
        .filter(|level| (1..=6).contains(level))
}

fn end(text: &mut String, line: &mut String, level: Option<usize>) {
    let trimmed = line.trim();
    if !trimmed.is_empty() {
        if let Some(level) = level {
            text.push_str(&"#".repeat(level));
            text.push(' ');
        }
        text.push_str(trimmed);
        text.push_str("\n\n");
    }
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_headings_and_tables_are_read() {
        let xml = r#"<w:document xmlns:w="w"><w:body>
            <w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>退货</w:t></w:r></w:p>
            <w:p><w:r><w:t xml:space="preserve">seven </w:t></w:r><w:r><w:t>days &amp; more</w:t></w:r></w:p>
            <w:p/>
            <w:tbl><w:tr><w:tc><w:p><w:r><w:t>tea</w:t></w:r></w:p></w:tc>
            <w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
            </w:body></w:document>"#;
        let text = paragraphs(xml).unwrap();
        assert_eq!(text, "# 退货\n\nseven days & more\n\ntea\t3\n\n");
    }

    #[test]
    fn what_is_no_document_says_so() {
        assert!(text(b"no archive").unwrap_err().contains("cannot be read"));
        assert!(
            paragraphs("<a><b></a>")
                .unwrap_err()
                .contains("cannot be read")
        );
    }
}
