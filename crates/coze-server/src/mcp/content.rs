//! What a tool gave, as the text that a model gets to read.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

/// The text of a result; an error when the tool calls it one.
pub(super) fn text(result: CallToolResult) -> Result<String, String> {
    let blocks: Vec<String> = result.content.into_iter().map(block).collect();
    let text = match (blocks.is_empty(), result.structured_content) {
        // Most tools that have a structure say the same in their text.
        (true, Some(value)) => value.to_string(),
        _ => blocks.join("\n"),
    };
    match result.is_error {
        Some(true) if text.is_empty() => Err("the tool failed and did not say why".to_owned()),
        Some(true) => Err(text),
        _ => Ok(text),
    }
}

/// A text as it is; of what a model cannot read, what it is.
fn block(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(it) => it.text,
        ContentBlock::Image(it) => format!("[image: {}, {}]", it.mime_type, size(&it.data)),
        ContentBlock::Audio(it) => format!("[audio: {}, {}]", it.mime_type, size(&it.data)),
        ContentBlock::ResourceLink(it) => format!("[{}: {}]", it.name, it.uri),
        ContentBlock::Resource(it) => match it.resource {
            ResourceContents::TextResourceContents { text, .. } => text,
            ResourceContents::BlobResourceContents { uri, blob, .. } => {
                format!("[{uri}, {}]", size(&blob))
            }
            _ => "[a resource of a kind that is not known]".to_owned(),
        },
        _ => "[content of a kind that is not known]".to_owned(),
    }
}

/// How large the content behind base64 is.
fn size(base64: &str) -> String {
    format!("{} bytes", base64.len() / 4 * 3)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(result: &Value, expected: Result<&str, &str>) {
        let parsed: CallToolResult = serde_json::from_value(result.clone()).unwrap();
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(text(parsed), expected, "{result}");
    }

    #[test]
    fn every_kind_of_content_becomes_text() {
        let said = |it: &str| json!({"type": "text", "text": it});
        check(&json!({"content": [said("a"), said("b")]}), Ok("a\nb"));
        check(
            &json!({"content": [said("a")], "structuredContent": {"b": 1}}),
            Ok("a"),
        );
        check(&json!({"structuredContent": {"b": 1}}), Ok(r#"{"b":1}"#));
        check(&json!({"content": []}), Ok(""));
        check(
            &json!({"content": [said("no such city")], "isError": true}),
            Err("no such city"),
        );
        check(
            &json!({"content": [], "isError": true}),
            Err("the tool failed and did not say why"),
        );
        check(
            &json!({"content": [
                {"type": "image", "data": "AAAA", "mimeType": "image/png"},
                {"type": "audio", "data": "AAAAAAAA", "mimeType": "audio/wav"},
                {"type": "resource_link", "name": "notes", "uri": "file:///notes.txt"},
                {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
                {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAAA"}},
            ]}),
            Ok(
                "[image: image/png, 3 bytes]\n[audio: audio/wav, 6 bytes]\n[notes: file:///notes.txt]\n\
                inside\n[file:///b, 3 bytes]",
            ),
        );
    }
}
