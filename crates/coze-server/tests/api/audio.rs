//! Voices, speech and transcriptions: what is made, kept and refused.

use insta::assert_snapshot;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, normal, text, within};

pub(crate) const ALTO: &str = "7500000000000000303";
pub(crate) const BASS: &str = "7500000000000000304";
const SMALL: &str = "7500000000000000306";

/// The kind and the bytes of speech.
pub(crate) async fn say(api: &Api, body: Value) -> (String, Vec<u8>) {
    let request = api.request(Method::POST, "/v1/audio/speech").json(&body);
    let response = within(request.send()).await.unwrap();
    assert_eq!(response.status(), 200, "{body}");
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(!response.headers()["x-tt-logid"].is_empty());
    (kind, within(response.bytes()).await.unwrap().to_vec())
}

pub(crate) async fn wav(api: &Api, voice: &str, input: &str) -> Vec<u8> {
    let body =
        json!({"input": input, "voice_id": voice, "response_format": "wav", "sample_rate": 16000});
    say(api, body).await.1
}

/// Sends a form: its fields, and the file if there is one.
pub(crate) async fn form(
    api: &Api,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    file: Option<&[u8]>,
) -> Reply {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    if let Some(bytes) = file {
        form = form.part("file", Part::bytes(bytes.to_vec()).file_name("a.bin"));
    }
    api.send(api.request(method, path).multipart(form)).await
}

async fn transcribe(api: &Api, file: &[u8]) -> Reply {
    form(
        api,
        Method::POST,
        "/v1/audio/transcriptions",
        &[],
        Some(file),
    )
    .await
}

#[tokio::test]
async fn speech_is_sound_of_the_kind_that_was_asked_for() {
    let api = Api::start().await;
    let body = |format: &str, rate: i64| json!({"input": "你好, hello!", "voice_id": ALTO, "response_format": format, "sample_rate": rate});
    for rate in [8000, 16000, 22050, 24000, 32000, 44100, 48000] {
        let (kind, wav) = say(&api, body("wav", rate)).await;
        assert_eq!(
            (kind.as_str(), &wav[..4], &wav[8..16]),
            ("audio/wav", &b"RIFF"[..], &b"WAVEfmt "[..])
        );
        assert_eq!(wav[24..28], u32::try_from(rate).unwrap().to_le_bytes());
        let length = u32::from_le_bytes(wav[40..44].try_into().unwrap()) as usize;
        let (kind, pcm) = say(&api, body("pcm", rate)).await;
        assert_eq!(kind, "audio/pcm");
        assert!(pcm == wav[44..44 + length], "{rate}");
        // It is no silence, and as loud as it can be nowhere.
        let peak = pcm
            .chunks(2)
            .map(|it| i16::from_le_bytes([it[0], it[1]]))
            .max()
            .unwrap();
        assert!((10_000..32_767).contains(&peak), "{peak}");
    }
    let (kind, mp3) = say(&api, body("mp3", 24000)).await;
    assert_eq!((kind.as_str(), &mp3[..3]), ("audio/mpeg", &b"ID3"[..]));
    for name in ["ogg_opus", "ogg", "opus"] {
        let (kind, ogg) = say(&api, body(name, 24000)).await;
        assert_eq!((kind.as_str(), &ogg[..4]), ("audio/ogg", &b"OggS"[..]));
    }
    // What the Go SDK sends for what was not set.
    let mut unset = json!({"input": "hello", "voice_id": ALTO});
    for field in [
        "response_format",
        "speed",
        "sample_rate",
        "loudness_rate",
        "emotion",
        "emotion_scale",
    ] {
        unset[field] = Value::Null;
    }
    assert_eq!(
        say(&api, unset).await,
        say(&api, json!({"input": "hello", "voice_id": ALTO})).await
    );
}

#[tokio::test]
async fn the_same_words_are_the_same_bytes_and_manners_differ() {
    let api = Api::start().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"input": "hello", "voice_id": ALTO, "response_format": "pcm"});
        body[field] = value;
        body
    };
    let plain = say(&api, with("speed", json!(1))).await.1;
    assert!(plain == say(&api, with("speed", json!(1.0))).await.1);
    assert_eq!(
        say(&api, with("speed", json!(2))).await.1.len() * 2,
        plain.len()
    );
    for (field, value) in [
        ("loudness_rate", json!(50)),
        ("emotion", json!("sad")),
        ("voice_id", json!(BASS)),
    ] {
        let other = say(&api, with(field, value)).await.1;
        assert!(other != plain && other.len() == plain.len(), "{field}");
    }
}

#[tokio::test]
async fn speech_that_cannot_be_made_is_refused_with_a_status_that_sdks_notice() {
    let api = Api::start().await;
    let good = json!({"input": "hello", "voice_id": ALTO});
    let mut seen = String::new();
    for (field, value) in [
        ("input", json!("")),
        ("input", json!(" \n")),
        ("input", json!("好".repeat(342))),
        ("voice_id", json!("")),
        ("voice_id", json!("12")),
        ("response_format", json!("m4a")),
        ("sample_rate", json!(11025)),
        ("speed", json!(0.4)),
        ("speed", json!("fast")),
        ("loudness_rate", json!(101)),
        ("emotion", json!("bored")),
        ("emotion_scale", json!(0.5)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = api.post("/v1/audio/speech", body).await;
        assert_ne!(reply.http, 200);
        seen += &format!("{field}: {}\n", reply.refusal());
    }
    assert_snapshot!(seen, @r#"
    input: 400 4000 Request parameter error: input: it is required
    input: 400 4000 Request parameter error: input: it is required
    input: 400 4000 Request parameter error: input: it has 1026 bytes; at most 1024 are allowed
    voice_id: 400 4000 Request parameter error: voice_id: it is required
    voice_id: 404 4200 the voice 12 does not exist
    response_format: 400 4000 Request parameter error: response_format: "m4a" is none of wav, pcm, ogg_opus, mp3
    sample_rate: 400 4000 Request parameter error: sample_rate: 11025 is none of 8000, 16000, 22050, 24000, 32000, 44100, 48000
    speed: 400 4000 Request parameter error: speed: 0.4 is not within 0.5 to 2
    speed: 400 4000 Request parameter error: speed: invalid type: string "fast", expected f64 at line 1 column 64
    loudness_rate: 400 4000 Request parameter error: loudness_rate: 101 is not within -50 to 100
    emotion: 400 4000 Request parameter error: emotion: the voice 7500000000000000303 does not know "bored"
    emotion_scale: 400 4000 Request parameter error: emotion_scale: 0.5 is not within 1 to 5
    "#);
    let slow = json!({"input": "a", "voice_id": SMALL, "speed": 0.2});
    say(&api, slow).await;
    let emotional = json!({"input": "a", "voice_id": SMALL, "emotion": "happy"});
    assert_eq!(api.post("/v1/audio/speech", emotional).await.code(), 4000);
}

#[tokio::test]
async fn what_was_spoken_here_is_written_down_again() {
    let api = Api::start().await;
    for format in ["wav", "mp3", "ogg_opus"] {
        let body = json!({"input": "今天 is sunny!", "voice_id": BASS, "response_format": format});
        let (_, sound) = say(&api, body).await;
        assert_eq!(
            *transcribe(&api, &sound).await.data(),
            json!({"text": "今天 is sunny!"}),
            "{format}"
        );
    }
    // A recording from elsewhere: 1.5 s of one channel at 8,000 Hz.
    let mut other = wav(&api, ALTO, "x").await[..44].to_vec();
    other[24..28].copy_from_slice(&8000u32.to_le_bytes());
    other[40..44].copy_from_slice(&24_000u32.to_le_bytes());
    other.resize(44 + 24_000, 1);
    let reply = transcribe(&api, &other).await;
    assert_eq!(
        reply.data()["text"],
        "这是一段 1.5 秒的录音，离线服务器听不懂内容。"
    );
    assert_eq!(transcribe(&api, &other).await.data(), reply.data());
}

#[tokio::test]
async fn recordings_that_are_refused() {
    let api = Api::start().await;
    let good = wav(&api, ALTO, "hello").await;
    let mut seen = String::new();
    for (what, file) in [
        ("none", None),
        ("empty", Some(&b""[..])),
        ("text", Some(&b"this is no sound"[..])),
        ("flac", Some(&b"fLaC and so on"[..])),
        ("cut", Some(&good[..30])),
        ("large", Some(&vec![b'x'; 11 * 1024 * 1024][..])),
    ] {
        let reply = form(&api, Method::POST, "/v1/audio/transcriptions", &[], file).await;
        seen += &format!("{what}: {}\n", reply.refusal());
    }
    let twice = Form::new()
        .part("file", Part::bytes(good.clone()).file_name("a"))
        .part("file", Part::bytes(good).file_name("b"));
    let request = api.request(Method::POST, "/v1/audio/transcriptions");
    seen += &format!(
        "two: {}\n",
        api.send(request.multipart(twice)).await.refusal()
    );
    let json = api.post("/v1/audio/transcriptions", json!({})).await;
    seen += &format!("JSON: {}\n", json.refusal());
    assert_snapshot!(seen, @r"
    none: 200 4000 Request parameter error: file: it is required
    empty: 200 4300 the file is empty
    text: 200 4303 the file is none of ogg, mp3, wav, as its first bytes show
    flac: 200 4303 the file is none of ogg, mp3, wav, as its first bytes show
    cut: 200 4304 the recording cannot be read: its format is cut short
    large: 413 4302 the file is larger than 10 MB
    two: 200 4301 more than one file; send one
    JSON: 200 4000 Request parameter error: body: it must be multipart/form-data (Invalid `boundary` for `multipart/form-data` request)
    ");
}

#[tokio::test]
async fn a_voice_is_cloned_listed_trained_and_speaks() {
    let api = Api::start().await;
    let clone = "/v1/audio/voices/clone";
    let recording = wav(&api, BASS, "read this aloud").await;
    let fields = [
        ("voice_name", "Ada"),
        ("audio_format", "wav"),
        ("language", "en"),
        ("text", "Read this, aloud."),
        ("preview_text", "I am Ada."),
        ("space_id", ""),
    ];
    let reply = form(&api, Method::POST, clone, &fields, Some(&recording)).await;
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"","data":{"voice_id":"<id:1>","name":"Ada","is_system_voice":false,"language_code":"en","language_name":"英语","preview_text":"I am Ada.","preview_audio":"<url>/local/sounds/<key>","available_training_times":9,"create_time":<time>,"update_time":<time>,"model_type":"big","state":"cloned"},"detail":{"logid":"<logid>"}}"#);
    let voice = reply.data().clone();
    let id = text(&voice["voice_id"]);
    let sample = text(&voice["preview_audio"]);
    let sample = within(reqwest::get(sample))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(transcribe(&api, &sample).await.data()["text"], "I am Ada.");
    let mine = say(
        &api,
        json!({"input": "hi", "voice_id": id, "response_format": "wav"}),
    )
    .await;
    assert!(
        mine != say(
            &api,
            json!({"input": "hi", "voice_id": ALTO, "response_format": "wav"})
        )
        .await
    );

    // All of a kind, in pages.
    let list = |query: &str| {
        let path = format!("/v1/audio/voices?{query}");
        let api = &api;
        async move { api.get(&path).await.data().clone() }
    };
    let all = list("").await;
    let names: Vec<_> = all["voice_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["name"]))
        .collect();
    assert_eq!(
        (names[0].as_str(), names.len(), &all["has_more"]),
        ("Ada", 7, &json!(false))
    );
    let mut paged = Vec::new();
    for page in 1.. {
        let some = list(&format!("page_num={page}&page_size=3")).await;
        paged.extend(
            some["voice_list"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| text(&it["name"])),
        );
        if some["has_more"] == false {
            break;
        }
    }
    assert_eq!(paged, names);
    assert_eq!(
        list("filter_system_voice=true").await["voice_list"],
        json!([voice])
    );
    assert_eq!(
        list("model_type=small").await["voice_list"][0]["voice_id"],
        SMALL
    );
    assert_eq!(list("voice_state=init").await["voice_list"], json!([]));
    for query in [
        "model_type=huge",
        "voice_state=gone",
        "page_num=0",
        "page_size=0",
    ] {
        assert_eq!(
            api.get(&format!("/v1/audio/voices?{query}")).await.code(),
            4000,
            "{query}"
        );
    }

    // Nine more times it can be trained.
    let again = [
        ("voice_name", "Ada 2"),
        ("audio_format", "wav"),
        ("voice_id", id.as_str()),
    ];
    for left in (0..9).rev() {
        let reply = form(&api, Method::POST, clone, &again, Some(&recording)).await;
        assert_eq!(reply.data()["available_training_times"], left);
        assert_eq!(reply.data()["preview_text"], "I am Ada.");
    }
    let reply = form(&api, Method::POST, clone, &again, Some(&recording)).await;
    assert!(reply.msg().contains("10 times"), "{}", reply.msg());
}

#[tokio::test]
async fn voices_that_cannot_be_cloned() {
    let api = Api::start().await;
    let recording = wav(&api, BASS, "read this aloud").await;
    let long = "x".repeat(129);
    let mut seen = String::new();
    for (field, value) in [
        ("voice_name", ""),
        ("voice_name", long.as_str()),
        ("audio_format", ""),
        ("audio_format", "flac"),
        ("audio_format", "mp3"),
        ("language", "xx"),
        ("text", "something else"),
        ("voice_id", "12"),
        ("voice_id", ALTO),
        ("space_id", "12"),
    ] {
        let mut fields = vec![("voice_name", "Ada"), ("audio_format", "wav")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let reply = form(
            &api,
            Method::POST,
            "/v1/audio/voices/clone",
            &fields,
            Some(&recording),
        )
        .await;
        seen += &format!("{field}: {}\n", reply.refusal());
    }
    let fields = [("voice_name", "Ada"), ("audio_format", "wav")];
    let reply = form(&api, Method::POST, "/v1/audio/voices/clone", &fields, None).await;
    seen += &format!("no file: {}\n", reply.refusal());
    assert_snapshot!(seen, @r#"
    voice_name: 200 4000 Request parameter error: request: missing field `voice_name` at line 1 column 22
    voice_name: 200 4000 Request parameter error: voice_name: it has 129 bytes; at most 128 are allowed
    audio_format: 200 4000 Request parameter error: request: missing field `audio_format` at line 1 column 20
    audio_format: 200 4000 Request parameter error: audio_format: "flac" is none of wav, mp3, ogg, m4a, aac, pcm
    audio_format: 200 4303 the file is no mp3: by its first bytes it is wav
    language: 200 4000 Request parameter error: language: "xx" is none of zh, en, ja, es, id, pt
    text: 200 1109 WERError: the recording does not say what `text` says
    voice_id: 200 4200 the voice 12 does not exist
    voice_id: 200 4000 Request parameter error: voice_id: it is a voice of the system, which cannot be trained
    space_id: 200 4101 the token has no access to the workspace 12: it belongs to a workspace that the token's user is no member of
    no file: 200 4000 Request parameter error: file: it is required
    "#);
    // Raw samples are whatever is none of the others.
    let fields = [("voice_name", "Ada"), ("audio_format", "pcm")];
    let raw = vec![7u8; 48_000];
    form(
        &api,
        Method::POST,
        "/v1/audio/voices/clone",
        &fields,
        Some(&raw),
    )
    .await
    .data();
}

#[tokio::test]
async fn sounds_need_their_key_and_everything_survives_a_restart() {
    let api = Api::start().await;
    assert_eq!(api.get("/local/sounds/nothing").await.code(), 4200);
    let group = api
        .post("/v1/audio/voiceprint_groups", json!({"name": "team"}))
        .await;
    let group = text(&group.data()["id"]);
    let folder = api.stop().await;
    let api = Setup::new().data(&folder.path().join("data")).start().await;
    let listed = api.get("/v1/audio/voiceprint_groups").await;
    assert_eq!(listed.data()["items"][0]["id"], *group);
}
