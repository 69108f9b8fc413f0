//! PDF files that have text in them; scanned ones have only pictures.

/// Files with more pages are books, or traps.
const PAGES: usize = 5_000;

pub(super) fn text(bytes: &[u8]) -> Result<String, String> {
    if !bytes.windows(5).take(1024).any(|it| it == b"%PDF-") {
        return Err("it is no PDF file".to_owned());
    }
    let pages = pdf_extract::extract_text_from_mem_by_pages(bytes).map_err(|error| {
        let error = error.to_string();
        match error.to_lowercase().contains("crypt") {
            true => "the file is encrypted; remove its password first".to_owned(),
            false => format!("the file cannot be read: {error}"),
        }
    })?;
    if pages.len() > PAGES {
        return Err(format!("it has more than {PAGES} pages"));
    }
    let text = pages.join("\n\n");
    if text.trim().is_empty() {
        return Err(
            "it has no text, only pictures perhaps; text in pictures is not read".to_owned(),
        );
    }
    Ok(text)
}
