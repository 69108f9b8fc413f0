//! A `coze.yaml` or a workflow that cannot be used: what, and where.

use insta::assert_snapshot;

use crate::canvas::{Canvas, END, START, literal, reference};
use crate::harness::{Setup, load};
use crate::space;

/// Why a file cannot be read, or why a server cannot start with it.
pub(crate) async fn refusal(yaml: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    refusal_in(folder.path(), yaml).await
}

async fn refusal_in(folder: &std::path::Path, yaml: &str) -> String {
    let hide = |text: String| {
        let text = text.replace(&folder.display().to_string(), "<folder>");
        // The keys that there are stand in docs/coze-yaml.md; there will be more of them.
        let (what, known) = text.split_once(", expected one of ").unwrap_or((&text, ""));
        assert!(known.is_empty() || known.contains(", "), "{text}");
        what.to_owned()
    };
    let space = match load(folder, yaml) {
        Ok(space) => space,
        Err(error) => return hide(error.to_string()),
    };
    let mut setup = Setup::new();
    setup.config.space = space;
    let error = setup.try_start().await.err().expect("it started");
    assert!(error.is_usage(), "{error}");
    hide(format!("start: {error}"))
}

#[tokio::test]
async fn slips_in_the_file_have_a_place() {
    // A typo in a key, of the file, of an agent and of a rule.
    assert_snapshot!(refusal("bots: []\nmodel: {}\n").await, @"<folder>/coze.yaml:2:1: unknown field `model`");
    assert_snapshot!(refusal("bots:\n  - id: \"1\"\n    nmae: x\n").await, @"<folder>/coze.yaml:3:5: unknown field `nmae`");
    assert_snapshot!(
        refusal("models:\n  m:\n    provider: offline\n    script:\n      - match: x\n        delta: [y]\n").await,
        @"<folder>/coze.yaml:6:9: unknown field `delta`"
    );
    // A missing key, a wrong type, a provider that there is not.
    assert_snapshot!(refusal("bots:\n  - id: \"1\"\n").await, @"<folder>/coze.yaml:2:5: missing field `name`");
    assert_snapshot!(refusal("bots:\n  - id: \"1\"\n    name: x\n    tools: none\n").await, @"<folder>/coze.yaml:4:12: expected sequence start");
    assert_snapshot!(refusal("models:\n  m:\n    provider: closedai\n").await, @"<folder>/coze.yaml:3:5: unknown variant `closedai`");
    assert_snapshot!(refusal("bots:\n  - id: bot-1\n    name: x\n").await, @r#"<folder>/coze.yaml:2:9: the id "bot-1" is not a number of at most 19 digits"#);
    // No YAML at all.
    assert_snapshot!(refusal("bots:\n  - id: \"1\n    name: x\n").await, @"<folder>/coze.yaml:2:9: unclosed quote");
    assert_snapshot!(refusal("bots:\n\t- id: 1\n").await, @"<folder>/coze.yaml:2:2: tabs disallowed within this context (block indentation)");
}

#[tokio::test]
async fn parts_that_do_not_fit_together() {
    assert_snapshot!(refusal("bots:\n  - { id: 1, name: x, model: gpt }\n").await, @r#"<folder>/coze.yaml:2:30: bots: x: the model "gpt" is not under `models` (there: none)"#);
    assert_snapshot!(
        refusal("bots:\n  - { id: 1, name: x, model: gtp }\nmodels:\n  gpt: { provider: offline }\n  b: { provider: offline }\n").await,
        @r#"<folder>/coze.yaml:2:30: bots: x: the model "gtp" is not under `models` (there: b, gpt)"#
    );
    assert_snapshot!(refusal("bots:\n  - { id: 1, name: x }\n  - { id: \"1\", name: y }\n").await, @"<folder>/coze.yaml:3:11: bots: the id 1 stands twice");
    assert_snapshot!(refusal("bots:\n  - { id: 1, name: x, workflows: [7] }\n").await, @"<folder>/coze.yaml:2:35: bots: x: the workflow 7 is not under `workflows`");
    assert_snapshot!(
        refusal("workflows:\n  - { id: 1, name: x, file: a }\n  - { id: 1, name: y, file: b }\n").await,
        @"<folder>/coze.yaml:3:11: workflows: the id 1 stands twice"
    );
}

#[tokio::test]
async fn what_shows_only_at_the_start() {
    assert_snapshot!(
        refusal("models:\n  m:\n    provider: offline\n    script: [ { match: \"a(b\" } ]\n").await,
        @r#"start: <folder>/coze.yaml:4:24: models: m: script: match "a(b": found open group without closing ')'"#
    );
    assert_snapshot!(refusal("bots:\n  - { id: 1, name: Ada, prompt: \"You are {{ name }.\" }\n").await, @"start: <folder>/coze.yaml:2:33: bots: Ada: prompt: syntax error: unexpected `}`, expected end of variable block (in <string>:1)");
    assert_snapshot!(refusal("bots:\n  - { id: 1, name: Ada, prompt: \"{% if x %}\" }\n").await, @"start: <folder>/coze.yaml:2:33: bots: Ada: prompt: syntax error: unexpected end of input, expected end of block (in <string>:1)");
    assert_snapshot!(
        refusal("models:\n  m: { provider: openai, base_url: \"not a url\", model: x }\n").await,
        @r#"start: <folder>/coze.yaml:2:36: models: m: base_url "not a url": relative URL without a base"#
    );
    assert_snapshot!(refusal("workflows:\n  - { id: 1, name: greet, file: absent.json }\n").await, @"start: <folder>/coze.yaml:2:33: workflows: greet: <folder>/absent.json: No such file or directory (os error 2)");
}

async fn workflow(canvas: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.json"), canvas).unwrap();
    refusal_in(
        folder.path(),
        "workflows:\n  - { id: 1, name: flow, file: w.json }\n",
    )
    .await
}

#[tokio::test]
async fn workflows_name_the_node() {
    assert_snapshot!(workflow("{").await, @"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: not JSON: EOF while parsing an object (line 1, column 1)");
    assert_snapshot!(workflow("<html>").await, @"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: not JSON: expected value (line 1, column 1)");
    assert_snapshot!(workflow("[]").await, @"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: not a workflow canvas: invalid length 0, expected struct WireCanvas with 2 elements (line 1, column 2)");
    let cycle = Canvas::default()
        .start(&[])
        .text("110001", "There", "x", &[])
        .text("110002", "Back", "x", &[])
        .end(&[("output", reference("110002", "output"))])
        .chain(&[START, "110001", "110002", "110001"])
        .chain(&["110002", END]);
    assert_snapshot!(workflow(&cycle.json()).await, @r#"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: error: node "There" (id 110001): these nodes form a cycle: node "There" (id 110001) -> node "Back" (id 110002): delete one of its edges"#);
    let empty = Canvas::default()
        .start(&[])
        .text(
            "110001",
            "Greeting",
            "Hello {{String1}}",
            &[("String1", reference("", ""))],
        )
        .end(&[("output", reference("110001", "output"))])
        .chain(&[START, "110001", END]);
    assert_snapshot!(workflow(&empty.json()).await, @r#"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: error: node "Greeting" (id 110001): `String1` refers to nothing: choose the node it comes from"#);
    let absent = Canvas::default()
        .start(&[])
        .end(&[("output", reference("170001", "output"))])
        .chain(&[START, END]);
    assert_snapshot!(workflow(&absent.json()).await, @r#"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: error: node "End" (id 900001): `output` refers to node 170001, which does not exist: choose another source"#);
    let endless = Canvas::default().start(&[]).chain(&[START, END]);
    assert_snapshot!(workflow(&endless.json()).await, @r#"start: <folder>/coze.yaml:2:32: workflows: flow: <folder>/w.json: error: node "Start" (id 100001): an edge from 100001 to 900001 ends nowhere: there is no node 900001: delete the edge"#);
    let fine = Canvas::default()
        .start(&[])
        .end(&[("output", literal("x"))])
        .chain(&[START, END]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.json"), fine.json()).unwrap();
    let yaml = "workflows:\n  - { id: 1, name: flow, file: w.json }\n";
    let mut setup = Setup::new();
    setup.config.space = load(folder.path(), yaml).unwrap();
    setup.start().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_and_one_that_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let error = coze_server::Space::load(&folder.path().join("coze.yaml"))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .starts_with(&folder.path().display().to_string()),
        "{error}"
    );
    assert!(
        matches!(error, coze_server::ConfigError::Io { .. }),
        "{error:?}"
    );
    // An empty file has the built-in agent, which a file may also replace.
    for (yaml, name) in [
        ("", "Demo"),
        ("# nothing yet\n", "Demo"),
        (
            "bots:\n  - { id: 7500000000000000001, name: Mine }\n",
            "Mine",
        ),
    ] {
        let api = Setup::with(yaml).start().await;
        let bot = api.get(&format!("/v1/bots/{}", space::DEMO_BOT)).await;
        assert_eq!(bot.data()["name"], name);
    }
}
