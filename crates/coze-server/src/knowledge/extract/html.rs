//! Web pages: what a reader would read of them.

use html5gum::{Token, Tokenizer};

/// What stands in them is not for readers.
const SILENT: &[&[u8]] = &[
    b"script",
    b"style",
    b"noscript",
    b"template",
    b"svg",
    b"head",
    b"nav",
    b"iframe",
    b"select",
];
/// Ends a line.
const BLOCKS: &[&[u8]] = &[
    b"p",
    b"div",
    b"section",
    b"article",
    b"header",
    b"footer",
    b"main",
    b"aside",
    b"ul",
    b"ol",
    b"li",
    b"table",
    b"tr",
    b"blockquote",
    b"pre",
    b"form",
    b"figure",
    b"figcaption",
    b"dl",
    b"dt",
    b"dd",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"hr",
    b"br",
    b"address",
    b"details",
    b"summary",
];

/// The text of a page, a line for each block; headings as Markdown writes them.
pub(super) fn text(page: &str) -> String {
    let mut writer = Writer::default();
    // Elements that are silent may hold each other; the outermost one counts.
    let mut silent: Option<(Vec<u8>, u32)> = None;
    let mut raw: Option<Vec<u8>> = None;
    for Ok(token) in Tokenizer::new(page) {
        match token {
            Token::StartTag(tag) => {
                let name: &[u8] = &tag.name;
                if let Some(raw) = &raw
                    && raw.as_slice() != name
                {
                    continue;
                }
                match &mut silent {
                    Some((open, depth)) if open.as_slice() == name && !tag.self_closing => {
                        *depth += 1;
                    }
                    Some(_) => {}
                    None if SILENT.contains(&name) && !tag.self_closing => {
                        silent = Some((name.to_vec(), 1));
                        if matches!(name, b"script" | b"style" | b"iframe" | b"noscript") {
                            raw = Some(name.to_vec());
                        }
                    }
                    // A body begins even where the head was not ended.
                    None => writer.start(name),
                }
                if name == b"body" && silent.as_ref().is_some_and(|it| it.0 == b"head") {
                    silent = None;
                }
            }
            Token::EndTag(tag) => {
                let name: &[u8] = &tag.name;
                if raw.as_ref().is_some_and(|it| it.as_slice() == name) {
                    raw = None;
                }
                match &mut silent {
                    Some((open, depth)) if open.as_slice() == name => {
                        *depth -= 1;
                        if *depth == 0 {
                            silent = None;
                        }
                    }
                    Some(_) => {}
                    None => writer.end(name),
                }
            }
            Token::String(text) if silent.is_none() => {
                writer.text(&String::from_utf8_lossy(&text));
            }
            _ => {}
        }
    }
    writer.line();
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    line: String,
    level: usize,
    /// Inside of `pre`, where spaces and line ends are kept.
    kept: usize,
}

impl Writer {
    fn start(&mut self, name: &[u8]) {
        if BLOCKS.contains(&name) {
            self.line();
        }
        match name {
            [b'h', level @ b'1'..=b'6'] => self.level = usize::from(level - b'0'),
            b"pre" => self.kept += 1,
            b"li" => self.line.push_str("- "),
            b"td" | b"th" if !self.line.is_empty() => self.line.push('\t'),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        if BLOCKS.contains(&name) {
            self.line();
        }
        if name == b"pre" {
            self.kept = self.kept.saturating_sub(1);
        }
    }

    fn text(&mut self, text: &str) {
        if self.kept > 0 {
            self.line.push_str(text);
            return;
        }
        for character in text.chars() {
            let space = character.is_whitespace();
            if !space {
                self.line.push(character);
            } else if !self.line.is_empty() && !self.line.ends_with([' ', '\t']) {
                self.line.push(' ');
            }
        }
    }

    fn line(&mut self) {
        let line = match self.kept {
            0 => self.line.trim(),
            _ => self.line.trim_end(),
        };
        if !line.is_empty() && line != "-" {
            let heading = self.level > 0;
            if heading && !self.text.is_empty() {
                self.text.push('\n');
            }
            if heading {
                self.text.push_str(&"#".repeat(self.level));
                self.text.push(' ');
            }
            self.text.push_str(line);
            self.text.push('\n');
            self.level = 0;
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_like_a_text() {
        fn check(page: &str, expected: &str) {
            assert_eq!(text(page), expected, "{page}");
        }
        check(
            "<!doctype html><html><head><title>T</title><style>p{}</style></head><body>\
             <nav><a>Home</a></nav><h1>退货 &amp; more</h1><p>seven\n  days<br>or <b>ten</b></p>\
             <script>if (a < b) { '<p>no</p>' }</script><ul><li>one<li>two</ul>\
             <table><tr><th>tea<td>3</table></body></html>",
            "# 退货 & more\nseven days\nor ten\n- one\n- two\ntea\t3\n",
        );
        check("no tags at all", "no tags at all\n");
        check("<p>open <i>ended nowhere", "open ended nowhere\n");
        check("<head><title>T</title><body>text", "text\n");
        check("<pre>a\n  b</pre>", "a\n  b\n");
        check("a&nbsp;b &#36864; &lt;x&gt;", "a b 退 <x>\n");
        check("", "");
    }
}
