//! Voiceprints: speakers are told apart, recordings are kept and go away.

use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

use crate::audio::{ALTO, BASS, form, say, wav};
use crate::harness::{Api, normal, text, within};

#[tokio::test]
async fn speakers_are_told_apart() {
    let api = Api::start().await;
    let groups = "/v1/audio/voiceprint_groups";
    let reply = api
        .post(groups, json!({"name": "team", "desc": "all of us"}))
        .await;
    let group = text(&reply.data()["id"]);
    let features = format!("{groups}/{group}/features");
    let mut ids = Vec::new();
    for (name, voice) in [("Alto", ALTO), ("Bass", BASS)] {
        let recording = wav(&api, voice, "the quick brown fox jumps").await;
        let fields = [("name", name), ("desc", "speaks")];
        let reply = form(&api, Method::POST, &features, &fields, Some(&recording)).await;
        ids.push(text(&reply.data()["id"]));
    }
    let listed = api.get(&features).await;
    assert_snapshot!(normal(&listed.text), @r#"{"code":0,"msg":"","data":{"items":[{"id":"<id:1>","group_id":"<id:2>","name":"Alto","audio_url":"<url>/local/sounds/<key>","created_at":<time>,"updated_at":<time>,"desc":"speaks","icon_url":"","user_info":{"id":"7500000000000000002","name":"local","nickname":"Local user","avatar_url":""}},{"id":"<id:3>","group_id":"<id:2>","name":"Bass","audio_url":"<url>/local/sounds/<key>","created_at":<time>,"updated_at":<time>,"desc":"speaks","icon_url":"","user_info":{"id":"7500000000000000002","name":"local","nickname":"Local user","avatar_url":""}}],"total":2},"detail":{"logid":"<logid>"}}"#);
    assert_snapshot!(normal(&api.get(&format!("{groups}?name=te")).await.text), @r#"{"code":0,"msg":"","data":{"items":[{"id":"<id:1>","name":"team","desc":"all of us","created_at":<time>,"updated_at":<time>,"icon_url":"","feature_count":2,"user_info":{"id":"7500000000000000002","name":"local","nickname":"Local user","avatar_url":""}}],"total":1},"detail":{"logid":"<logid>"}}"#);

    // Whoever says something else is still known by the voice.
    let identify = format!("{groups}/{group}/speaker_identify");
    for (voice, expected) in [(ALTO, "Alto"), (BASS, "Bass")] {
        let other = wav(&api, voice, "over the lazy dog again").await;
        let reply = form(&api, Method::POST, &identify, &[], Some(&other)).await;
        let scores = reply.data()["feature_score_list"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(
            (scores.len(), &scores[0]["feature_name"]),
            (2, &json!(expected)),
            "{scores:?}"
        );
        assert!(
            scores[0]["score"].as_f64() > scores[1]["score"].as_f64(),
            "{scores:?}"
        );
        let best = form(
            &api,
            Method::POST,
            &identify,
            &[("top_k", "1")],
            Some(&other),
        )
        .await;
        assert_eq!(best.data()["feature_score_list"], json!([scores[0]]));
    }
    // The recording itself is the likest of all, also as raw samples.
    let recording = wav(&api, ALTO, "the quick brown fox jumps").await;
    let audio_url = text(&listed.data()["items"][0]["audio_url"]);
    let kept = within(reqwest::get(audio_url))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(kept == recording);
    let length = u32::from_le_bytes(recording[40..44].try_into().unwrap()) as usize;
    let raw = &recording[44..44 + length];
    let fields = [("sample_rate", "16000"), ("channel", "1"), ("top_k", "1")];
    let reply = form(&api, Method::POST, &identify, &fields, Some(raw)).await;
    assert_eq!(reply.data()["feature_score_list"][0]["score"], 100.0);

    // A changed name and a changed recording.
    let alto = format!("{features}/{}", ids[0]);
    form(&api, Method::PUT, &alto, &[("name", "Anna")], None).await;
    let bass = wav(&api, BASS, "the quick brown fox jumps").await;
    form(&api, Method::PUT, &alto, &[], Some(&bass)).await;
    let reply = form(&api, Method::POST, &identify, &[], Some(&bass)).await;
    let scores = reply.data()["feature_score_list"].clone();
    assert_eq!(
        (&scores[0]["score"], &scores[1]["score"]),
        (&json!(100.0), &json!(100.0))
    );
    assert_eq!(scores[0]["feature_name"], "Anna");

    // Gone is gone, the recordings too.
    assert_eq!(kept_files(&api), 2);
    api.delete(&alto).await;
    assert_eq!(api.delete(&alto).await.code(), 4200);
    assert_eq!(kept_files(&api), 1);
    api.put(&format!("{groups}/{group}"), json!({"name": "crew"}))
        .await;
    let found = api.get(&format!("{groups}?group_id={group}")).await;
    let found = &found.data()["items"][0];
    assert_eq!(
        (&found["name"], &found["desc"], &found["feature_count"]),
        (&json!("crew"), &json!("all of us"), &json!(1))
    );
    api.delete(&format!("{groups}/{group}")).await;
    assert_eq!(kept_files(&api), 0);
    assert_eq!(api.get(&features).await.code(), 4200);
    assert_eq!(api.get(groups).await.data()["total"], 0);
}

fn kept_files(api: &Api) -> usize {
    std::fs::read_dir(api.folder.path().join("data/files"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn voiceprints_that_are_refused_leave_nothing() {
    let api = Api::start().await;
    let groups = "/v1/audio/voiceprint_groups";
    let mut seen = String::new();
    for body in [
        json!({}),
        json!({"name": "x".repeat(21)}),
        json!({"name": "a", "desc": "x".repeat(501)}),
    ] {
        seen += &format!("group: {}\n", api.post(groups, body).await.refusal());
    }
    let group = text(&api.post(groups, json!({"name": "team"})).await.data()["id"]);
    let features = format!("{groups}/{group}/features");
    let good = wav(&api, ALTO, "hello").await;
    let (_, mp3) = say(&api, json!({"input": "a", "voice_id": ALTO})).await;
    for (what, fields, file) in [
        ("no name", vec![], Some(&good[..])),
        ("no file", vec![("name", "a")], None),
        ("mp3", vec![("name", "a")], Some(&mp3[..])),
        ("cut", vec![("name", "a")], Some(&good[..40])),
        (
            "rate",
            vec![("name", "a"), ("sample_rate", "100")],
            Some(&b"raw "[..]),
        ),
        (
            "rate",
            vec![("name", "a"), ("sample_rate", "high")],
            Some(&b"raw "[..]),
        ),
        (
            "channel",
            vec![("name", "a"), ("channel", "9")],
            Some(&b"raw "[..]),
        ),
        (
            "large",
            vec![("name", "a")],
            Some(&vec![0; 5 * 1024 * 1024][..]),
        ),
    ] {
        let reply = form(&api, Method::POST, &features, &fields, file).await;
        seen += &format!("{what}: {}\n", reply.refusal());
    }
    let unknown = format!("{groups}/12/features");
    let reply = form(&api, Method::POST, &unknown, &[("name", "a")], Some(&good)).await;
    seen += &format!("unknown group: {}\n", reply.refusal());
    let reply = api.get(&format!("{groups}?user_id=12")).await;
    seen += &format!("other user: {}\n", reply.refusal());
    assert_eq!(kept_files(&api), 0);
    for index in 0..10 {
        let name = format!("voice {index}");
        form(
            &api,
            Method::POST,
            &features,
            &[("name", &name)],
            Some(&good),
        )
        .await
        .data();
    }
    let reply = form(&api, Method::POST, &features, &[("name", "a")], Some(&good)).await;
    seen += &format!("the eleventh: {}\n", reply.refusal());
    assert_eq!(kept_files(&api), 10);
    let identify = format!("{groups}/{group}/speaker_identify");
    let reply = form(
        &api,
        Method::POST,
        &identify,
        &[("top_k", "0")],
        Some(&good),
    )
    .await;
    seen += &format!("top_k: {}\n", reply.refusal());
    assert_snapshot!(seen, @r#"
    group: 200 4000 Request parameter error: request: missing field `name` at line 1 column 2
    group: 200 4000 Request parameter error: name: it has 21 characters; at most 20 are allowed
    group: 200 4000 Request parameter error: desc: it has 501 characters; at most 500 are allowed
    no name: 200 4000 Request parameter error: request: missing field `name` at line 1 column 2
    no file: 200 4000 Request parameter error: file: it is required
    mp3: 200 4303 the recording is mp3, not wav or pcm
    cut: 200 4304 the recording cannot be read: it has no chunk named data
    rate: 200 4000 Request parameter error: sample_rate: 100 is not within 8000 to 48000
    rate: 200 4000 Request parameter error: sample_rate: invalid value: string "high", expected an integer in text at line 1 column 32
    channel: 200 4000 Request parameter error: channel: 9 is not within 1 to 2
    large: 413 4302 the file is larger than 4 MB
    unknown group: 200 4200 the voiceprint group 12 does not exist
    other user: 200 4000 Request parameter error: user_id: it must be the user that the token belongs to
    the eleventh: 200 4000 Request parameter error: group_id: the group has 10 voiceprints, which is all it can hold
    top_k: 200 4000 Request parameter error: top_k: 0 is less than 1
    "#);
}
