//! PDF files that have text in them; scanned ones have only pictures.
//!
//! The library that reads them trusts them: what is compressed is unpacked whole, and drawings may
//! contain drawings without end. So both are checked first, and each page is read on its own.

use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::read::ZlibDecoder;
use pdf_extract::{Document, Object, ObjectId, PlainTextOutput, output_doc_page};

use super::LONGEST;

/// Files with more pages are books, or traps.
const PAGES: usize = 5_000;
/// What all streams of a file may unpack to.
const UNPACKED: u64 = 4 * LONGEST as u64;
/// Compression in compression.
const LAYERS: u32 = 3;
/// An old compression, whose size cannot be told without unpacking, is read in small files only.
const OLD: usize = 1024 * 1024;
/// Drawings in drawings, and all of them on a page counted as often as they are drawn.
const DEPTH: usize = 32;
const DRAWN: u64 = 100_000;

pub(super) fn text(bytes: &[u8]) -> Result<String, String> {
    if !has(&bytes[..bytes.len().min(1024)], b"%PDF-") {
        return Err("it is no PDF file".to_owned());
    }
    if has(bytes, b"/Encrypt") {
        return Err("the file is encrypted; remove its password first".to_owned());
    }
    if bytes.len() > OLD && has(bytes, b"/LZWDecode") {
        return Err("it is large and compressed in an old way; save it anew".to_owned());
    }
    check_size(bytes)?;
    let broken = |why: &dyn std::fmt::Display| format!("the file cannot be read: {why}");
    let document = Document::load_mem(bytes).map_err(|error| broken(&error))?;
    let pages = document.get_pages();
    if pages.len() > PAGES {
        return Err(format!("it has more than {PAGES} pages"));
    }
    Forms::new(&document).check()?;
    let mut text = String::new();
    for number in pages.keys() {
        let mut page = String::new();
        // The library also panics where a page is not as it should be.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut output = PlainTextOutput::new(&mut page);
            output_doc_page(&document, &mut output, *number).map_err(|error| error.to_string())
        }));
        match read {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err(format!("page {number} cannot be read: {why}")),
            Err(_) => return Err(format!("page {number} is damaged")),
        }
        text.push_str(page.trim());
        text.push_str("\n\n");
        if text.len() > LONGEST {
            return Err(super::too_long());
        }
    }
    if text.trim().is_empty() {
        return Err(
            "it has no text, only pictures perhaps; text in pictures is not read".to_owned(),
        );
    }
    Ok(text)
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}

/// Unpacks every stream once, into nothing, and stops where it is too much.
fn check_size(bytes: &[u8]) -> Result<(), String> {
    let mut left = UNPACKED;
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, b"stream") {
        rest = &rest[at + b"stream".len()..];
        let begin = rest
            .iter()
            .take(2)
            .take_while(|it| matches!(it, b'\r' | b'\n'))
            .count();
        unpack(&rest[begin..], LAYERS, &mut left)?;
    }
    Ok(())
}

fn unpack(packed: &[u8], layers: u32, left: &mut u64) -> Result<(), String> {
    // The first byte of what this compression writes.
    if packed.first() != Some(&0x78) {
        return Ok(());
    }
    let mut unpacked = Vec::new();
    let mut reader = ZlibDecoder::new(packed).take(*left + 1);
    // Whatever comes before an error counts.
    let _ = reader.read_to_end(&mut unpacked);
    let length = unpacked.len() as u64;
    if length > *left {
        return Err("the file unpacks to far more than a document holds".to_owned());
    }
    *left -= length;
    match layers {
        0 if unpacked.first() == Some(&0x78) => {
            Err("the file is compressed too many times".to_owned())
        }
        0 => Ok(()),
        _ => unpack(&unpacked, layers - 1, left),
    }
}

/// The drawings of a file that other drawings and pages contain.
struct Forms<'a> {
    document: &'a Document,
    /// How many drawings it takes to draw one.
    known: HashMap<ObjectId, u64>,
}

impl<'a> Forms<'a> {
    fn new(document: &'a Document) -> Self {
        Self {
            document,
            known: HashMap::new(),
        }
    }

    fn check(mut self) -> Result<(), String> {
        let forms: Vec<ObjectId> = self.document.objects.keys().copied().collect();
        for id in forms {
            self.drawn(id, 0)?;
        }
        Ok(())
    }

    fn drawn(&mut self, id: ObjectId, depth: usize) -> Result<u64, String> {
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        let endless = || "its drawings contain each other, or too many of them".to_owned();
        if depth > DEPTH {
            return Err(endless());
        }
        let Ok(Object::Stream(form)) = self.document.get_object(id) else {
            return Ok(0);
        };
        if form.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            return Ok(0);
        }
        let content = form
            .decompressed_content()
            .unwrap_or_else(|_| form.content.clone());
        let times = memchr::memmem::find_iter(&content, b"Do").count() as u64;
        let mut most = 0;
        if times > 0 {
            // One that names no resources takes those of whoever draws it: itself among them.
            let children = self.children(form).ok_or_else(endless)?;
            for child in children {
                most = most.max(self.drawn(child, depth + 1)?);
            }
        }
        let all = 1 + times.saturating_mul(most);
        if all > DRAWN {
            return Err(endless());
        }
        self.known.insert(id, all);
        Ok(all)
    }

    fn children(&self, form: &pdf_extract::Stream) -> Option<Vec<ObjectId>> {
        let follow = |object: &'a Object| self.document.dereference(object).ok().map(|it| it.1);
        let resources = form.dict.get(b"Resources").ok()?;
        let resources = match resources {
            Object::Reference(id) => self.document.get_object(*id).ok()?,
            other => other,
        };
        let Ok(named) = resources.as_dict().ok()?.get(b"XObject") else {
            return Some(Vec::new());
        };
        let named = match named {
            Object::Reference(id) => follow(self.document.get_object(*id).ok()?)?,
            other => other,
        };
        let named = named.as_dict().ok()?.iter();
        Some(named.filter_map(|(_, it)| it.as_reference().ok()).collect())
    }
}
