//! The types against bytes: our fixtures, and the vendor's captures where they lie beside us.
//!
//! Types that client and server share would agree on a misspelt field. So every fixture is decoded
//! and encoded again, and each key that got lost, and each that was added, is named.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coze_types::sse::{Decoder, Framing};
use coze_types::{Endpoint, RowVisitor, StreamEvent, Streams, status};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What can be done with the fixtures of a row, its types erased.
struct Row {
    request: fn(&[u8]) -> Result<Value, String>,
    reply: fn(&[u8]) -> Result<Value, String>,
    events: Option<ReadEvents>,
}

/// Reads a stream given in chunks, and writes each event again as a frame.
type ReadEvents = fn(&[&[u8]]) -> Result<Vec<String>, String>;

fn round_trip<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<Value, String> {
    let read: T = status::decode(body).map_err(|error| error.to_string())?;
    serde_json::to_value(&read).map_err(|error| error.to_string())
}

fn reply<E: Endpoint>(body: &[u8]) -> Result<Value, String> {
    let status = status::decode_status(body).map_err(|error| error.to_string())?;
    if !status.is_success() {
        return round_trip::<status::Status>(body);
    }
    let reply: E::Reply = status::decode(body).map_err(|error| error.to_string())?;
    let bytes = status::encode(&status, &reply).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn events<E: Streams>(chunks: &[&[u8]]) -> Result<Vec<String>, String> {
    events_as::<E::Event>(chunks, E::FRAMING)
}

fn events_as<T: StreamEvent>(chunks: &[&[u8]], framing: Framing) -> Result<Vec<String>, String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    let mut take = |decoder: &Decoder| {
        let event = T::from_frame(&decoder.frame()).map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        event
            .write(framing, &mut out)
            .map_err(|error| error.to_string())?;
        seen.push(String::from_utf8(out).map_err(|error| error.to_string())?);
        Ok::<_, String>(())
    };
    for chunk in chunks {
        decoder.push(chunk);
        while decoder.advance().map_err(|error| error.to_string())? {
            take(&decoder)?;
        }
    }
    if decoder.finish() {
        take(&decoder)?;
    }
    Ok(seen)
}

#[derive(Default)]
struct Rows(BTreeMap<&'static str, Row>);

impl RowVisitor for Rows {
    fn row<E: Endpoint>(&mut self) {
        let row = Row {
            request: round_trip::<E::Body>,
            reply: reply::<E>,
            events: None,
        };
        self.0.insert(E::INFO.name, row);
    }

    fn stream<E: Streams>(&mut self) {
        let row = Row {
            request: round_trip::<E::Body>,
            reply: reply::<E>,
            events: Some(events::<E>),
        };
        self.0.insert(E::INFO.name, row);
    }
}

fn rows() -> BTreeMap<&'static str, Row> {
    let mut rows = Rows::default();
    coze_types::visit(&mut rows);
    assert_eq!(rows.0.len(), coze_types::endpoints().count());
    rows.0
}

/// Keys and values that servers spell differently and that are written in the documented way.
const SPELLINGS: &[(&str, &str)] = &[
    ("creator_d", "creator_id"),
    ("log_id", "logid"),
    ("error_msg", "error_message"),
    ("version", "workflow_version"),
    ("page_index", "page_num"),
    ("Prologue", "prologue"),
    ("SuggestedQuestions", "suggested_questions"),
    ("OnboardingMode", "onboarding_mode"),
    ("CustomizedOnboardingPrompt", "customized_onboarding_prompt"),
    (
        "SuggestedQuestionsShowMode",
        "suggested_questions_show_mode",
    ),
    ("cancelled", "canceled"),
    ("required_action", "requires_action"),
];

/// What is read past on purpose. This list may only shrink.
const DROPPED: &[(&str, &str)] = &[
    // SDKs send all keys of a message, empty, where only an entered message is expected.
    (".req.json", "additional_messages[0]."),
    (".req.json", "messages[0]."),
    // A field of the future; callers who need it use the raw call.
    ("RetrieveChat.quirk-unknown-status", ".data.priority"),
    // The body of an error is kept whole by the client.
    ("Envelope.debug-url", ".data"),
    ("RunWorkflow.failure", ".execute_id"),
    // An endpoint without payload that sends an empty one.
    ("CreateFeedback.quirk-empty-data", ".data"),
    // JSON text is accepted for an object, which is what is written.
    ("RunWorkflow.studio.req", ".parameters"),
    // Plain text in the place of JSON becomes an error event that carries it.
    ("StreamRunWorkflow.studio-error.sse", "error"),
];

fn respelt(name: &str) -> &str {
    SPELLINGS
        .iter()
        .find(|(other, _)| *other == name)
        .map_or(name, |(_, ours)| ours)
}

/// Names what `theirs` holds and `ours` does not. Null and missing are alike; numbers may have
/// become text and text numbers.
fn lost(theirs: &Value, ours: &Value, path: &str, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                let path = format!("{path}.{key}");
                match ours.get(key).or_else(|| ours.get(respelt(key))) {
                    Some(found) => lost(value, found, &path, out),
                    None if value.is_null() => {}
                    None => out.push(path),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                lost(theirs, ours, &format!("{path}[{index}]"), out);
            }
        }
        _ if scalar(theirs).is_some() && scalar(theirs) == scalar(ours) => {}
        // Null lists, texts, numbers and flags and objects are read as empty ones; so is the text
        // that some servers write for an empty list.
        (theirs, ours) if (theirs.is_null() || theirs == "") && is_empty(ours) => {}
        _ => out.push(format!("{path}: {theirs} became {ours}")),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(flag) => !flag,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            // Texts that hold JSON are compared as text, so only plain ones are respelt.
            let text = if text == "0" { "" } else { text };
            Some(respelt(text).to_owned())
        }
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(String::new()),
        // A float field writes 0.0 where a server wrote 0.
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map(|number| number.to_string())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn compare(theirs: &[u8], ours: &Value, what: &str, problems: &mut Vec<String>) {
    let theirs: Value = match serde_json::from_slice(theirs) {
        Ok(theirs) => theirs,
        // Text in the place of JSON.
        Err(_) => Value::String(String::from_utf8_lossy(theirs).into_owned()),
    };
    let mut keys = Vec::new();
    lost(&theirs, ours, "", &mut keys);
    problems.extend(keys.into_iter().map(|key| format!("{what}: lost {key}")));
    problems.retain(|problem| {
        !DROPPED
            .iter()
            .any(|(file, key)| problem.contains(file) && problem.contains(key))
    });
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files = Vec::new();
    for group in std::fs::read_dir(&root).unwrap() {
        let group = group.unwrap().path();
        if group.is_dir() {
            files.extend(
                std::fs::read_dir(group)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    files.sort();
    assert!(
        files.len() > 60,
        "only {} fixtures in {}",
        files.len(),
        root.display()
    );
    files
}

fn is_sse(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sse")
}

#[test]
fn fixtures_survive_a_round_trip() {
    let rows = rows();
    let mut seen = std::collections::BTreeSet::new();
    let mut problems = Vec::new();
    for path in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let row_name = name.split('.').next().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        if path.parent().unwrap().ends_with("errors") {
            let read = round_trip::<status::Status>(&bytes);
            match read {
                Ok(ours) => compare(&bytes, &ours, &name, &mut problems),
                Err(error) => problems.push(format!("{name}: {error}")),
            }
            let status = status::decode_status(&bytes).unwrap();
            assert!(!status.is_success(), "{name} is read as a success");
            continue;
        }
        let Some(row) = rows.get(row_name) else {
            problems.push(format!("{name}: there is no row {row_name}"));
            continue;
        };
        seen.insert(row_name.to_owned());
        if is_sse(&path) {
            let Some(events) = row.events else {
                problems.push(format!("{name}: {row_name} does not stream"));
                continue;
            };
            match events(&[&bytes]) {
                Err(error) => problems.push(format!("{name}: {error}")),
                Ok(written) => check_frames(&bytes, &written, &name, &mut problems),
            }
            continue;
        }
        let read = if name.ends_with(".req.json") {
            row.request
        } else {
            row.reply
        };
        match read(&bytes) {
            Ok(ours) => compare(&bytes, &ours, &name, &mut problems),
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    for name in rows.keys() {
        if !seen.contains(*name) {
            problems.push(format!("the row {name} has no fixture"));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// Every event must come back with the same name and, but for the dialect, the same data.
fn check_frames(bytes: &[u8], written: &[String], name: &str, problems: &mut Vec<String>) {
    let frames = |bytes: &[u8]| {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        let mut frames = Vec::new();
        let mut next = |decoder: &Decoder| {
            let frame = decoder.frame();
            let data = String::from_utf8(frame.data.unwrap_or_default().to_vec()).unwrap();
            let event = frame.event.map(std::borrow::Cow::into_owned);
            frames.push((frame.id.map(std::borrow::Cow::into_owned), event, data));
        };
        while decoder.advance().unwrap() {
            next(&decoder);
        }
        if decoder.finish() {
            next(&decoder);
        }
        frames
    };
    let theirs = frames(bytes);
    let ours = frames(written.concat().as_bytes());
    assert_eq!(theirs.len(), ours.len(), "{name}");
    for (theirs, ours) in theirs.into_iter().zip(ours) {
        let (event, data) = match theirs.1 {
            Some(event) => (event, theirs.2),
            None => {
                let wrapped: Value = serde_json::from_str(&theirs.2).unwrap();
                let event = wrapped["event"].as_str().unwrap().to_owned();
                (event, wrapped["data"].to_string())
            }
        };
        let spelt = event
            .replace("cancelled", "canceled")
            .replace("required_action", "requires_action");
        if Some(&spelt) != ours.1.as_ref() && event != "conversation.stream.done" {
            problems.push(format!("{name}: {event} became {:?}", ours.1));
            problems.retain(|problem| !DROPPED.iter().any(|(file, _)| problem.contains(file)));
        }
        if theirs.0.is_some() && ours.0.is_some() && theirs.0 != ours.0 {
            problems.push(format!("{name}: id {:?} became {:?}", theirs.0, ours.0));
        }
        if event == "done" || event == "conversation.stream.done" {
            continue;
        }
        let ours: Value = serde_json::from_str(&ours.2).unwrap();
        compare(
            data.as_bytes(),
            &ours,
            &format!("{name}: {event}"),
            problems,
        );
    }
}

#[test]
fn streams_are_read_alike_however_they_are_cut() {
    let rows = rows();
    let mut streams = 0;
    for path in fixtures().into_iter().filter(|path| is_sse(path)) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(events) = rows
            .get(name.split('.').next().unwrap())
            .and_then(|row| row.events)
        else {
            continue;
        };
        check_cuts(&std::fs::read(&path).unwrap(), &name, events);
        streams += 1;
    }
    assert!(streams >= 10, "only {streams} streams");
}

fn check_cuts(bytes: &[u8], name: &str, events: ReadEvents) {
    let whole = events(&[bytes]).unwrap_or_else(|error| panic!("{name}: {error}"));
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(events(&single).as_ref(), Ok(&whole), "{name}, byte by byte");
    // A long capture is cut at every byte of its beginning and its end, and here and there inside.
    let places = (0..bytes.len()).filter(|&cut| {
        bytes.len() < 8_000 || cut < 2_000 || cut + 2_000 > bytes.len() || cut % 977 == 0
    });
    for cut in places {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(
            events(&[head, tail]).as_ref(),
            Ok(&whole),
            "{name}, cut at {cut}"
        );
    }
}

/// A stream that ends too early must never look like a whole one: what was read is a beginning of
/// it, and the last frame is either whole or an error.
#[test]
fn a_stream_cut_off_anywhere_never_yields_what_was_not_sent() {
    let rows = rows();
    for path in fixtures().into_iter().filter(|path| is_sse(path)) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(events) = rows
            .get(name.split('.').next().unwrap())
            .and_then(|row| row.events)
        else {
            continue;
        };
        let bytes = std::fs::read(&path).unwrap();
        let whole = events(&[&bytes]).unwrap();
        // Each end reads the beginning again, so long streams are cut at their last 3,000 bytes.
        for end in bytes.len().saturating_sub(3_000)..bytes.len() {
            let Ok(seen) = events(&[&bytes[..end]]) else {
                continue;
            };
            assert!(seen.len() <= whole.len(), "{name}, ending at {end}");
            for (index, (seen_event, event)) in seen.iter().zip(&whole).enumerate() {
                // The last one may be an end mark, an error without its text, or an event that is
                // not known, whose data cannot be checked and becomes a string.
                let last = index + 1 == seen.len();
                let event_name = seen_event
                    .lines()
                    .find_map(|line| line.strip_prefix("event:"));
                let open = matches!(
                    event_name.map(str::trim),
                    Some("done" | "error" | "Error" | "Done" | "PING")
                ) || seen_event.contains("data:\"")
                    || seen_event.contains("data: \"");
                assert!(
                    seen_event == event || (last && open),
                    "{name}, ending at {end}: {seen_event}"
                );
            }
        }
    }
}

/// The vendor's captures are third-party data: read where they lie, never copied.
#[test]
fn the_captures_of_the_vendor_are_read_without_loss() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/coze-api/streams");
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: the vendor's captures are absent ({})",
            folder.display()
        );
        return;
    }
    let rows = rows();
    let mut problems = Vec::new();
    let captures = [
        ("chat_text_stream_resp.txt", "StartChat", 18),
        ("chat_audio_stream_resp.txt", "StartChat", 18),
        ("chat_failed_resp.txt", "StartChat", 1),
        ("chat_error_resp.txt", "StartChat", 1),
        ("chat_invalid_resp.txt", "StartChat", 1),
        ("workflow_run_stream_resp.txt", "StreamRunWorkflow", 9),
        (
            "workflow_run_invalid_stream_resp.txt",
            "StreamRunWorkflow",
            1,
        ),
        ("workflows_chat_stream_resp.txt", "ChatWorkflow", 9),
    ];
    for (file, row, count) in captures {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let events = rows[row].events.unwrap();
        let written = events(&[&bytes]).unwrap_or_else(|error| panic!("{file}: {error}"));
        let frames = bytes.windows(5).filter(|window| window == b"data:").count();
        assert_eq!(written.len(), frames, "{file} (about {count} expected)");
        check_frames(&bytes, &written, file, &mut problems);
        check_cuts(&bytes, file, events);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Our own framing writes the vendor's capture back byte for byte.
#[test]
fn a_capture_is_written_back_byte_for_byte() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/coze-api/streams/chat_text_stream_resp.txt");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!(
            "SKIPPED: the vendor's capture is absent ({})",
            path.display()
        );
        return;
    };
    let written = events::<coze_types::chat::StartChat>(&[&bytes])
        .unwrap()
        .concat();
    let theirs = String::from_utf8(bytes).unwrap();
    // Field order is not part of JSON; lines are compared as values, frames as text.
    for (theirs, ours) in theirs.lines().zip(written.lines()) {
        match theirs.strip_prefix("data:") {
            Some(data) => {
                let ours = ours.strip_prefix("data:").unwrap();
                let theirs: Value = serde_json::from_str(data).unwrap();
                assert_eq!(theirs, serde_json::from_str::<Value>(ours).unwrap());
            }
            None => assert_eq!(theirs, ours),
        }
    }
    assert_eq!(
        theirs.trim_end().lines().count(),
        written.trim_end().lines().count()
    );
}
