//! `cozectl workflow`

use serde_json::json;

use crate::fake::{Answer, Fake};
use crate::support::{Home, Ran, Server, fixture};

const CONFIG: &str = r#"
workflows:
  - { id: "7", name: greet, file: greet.json }
  - { id: "8", name: ask, file: ask.json }
"#;

fn reference(node: &str, name: &str) -> serde_json::Value {
    json!({"type": "string", "value": {"type": "ref", "content":
        {"source": "block-output", "blockID": node, "name": name}}})
}

/// Start, perhaps a question, and an end that speaks.
pub(crate) fn canvas(ask: bool) -> String {
    let start = json!({"id": "100001", "type": "1", "data": {
        "nodeMeta": {"title": "Start"}, "outputs": [{"name": "name", "type": "string"}]}});
    let question = json!({"id": "150001", "type": "18", "data": {
        "nodeMeta": {"title": "Ask"},
        "inputs": {"answer_type": "text", "option_type": "static", "extra_output": false, "limit": 3,
            "question": "{{name}}, where to?",
            "inputParameters": [{"name": "name", "input": reference("100001", "name")}],
            "options": [{"name": ""}], "llmParam": {}},
        "outputs": [{"name": "USER_RESPONSE", "type": "string", "required": true}]}});
    let (word, from) = if ask {
        ("USER_RESPONSE", "150001")
    } else {
        ("name", "100001")
    };
    let end = json!({"id": "900001", "type": "2", "data": {
        "nodeMeta": {"title": "End"},
        "inputs": {"terminatePlan": "useAnswerContent", "streamingOutput": true,
            "content": {"type": "string", "value": {"type": "literal", "content": "Hello, {{w}}!"}},
            "inputParameters": [{"name": "w", "input": reference(from, word)}]}}});
    let edge = |from: &str, to: &str| json!({"sourceNodeID": from, "targetNodeID": to});
    let canvas = if ask {
        json!({"nodes": [start, question, end],
            "edges": [edge("100001", "150001"), edge("150001", "900001")]})
    } else {
        json!({"nodes": [start, end], "edges": [edge("100001", "900001")]})
    };
    canvas.to_string()
}

fn home() -> Home {
    let home = Home::new();
    home.write("coze.yaml", CONFIG);
    home.write("greet.json", &canvas(false));
    home.write("ask.json", &canvas(true));
    home
}

#[test]
fn a_run_prints_its_result() {
    let server = Server::start_in(home(), &[]);
    server
        .run(&["workflow", "run", "7", "-p", "name=杭州"])
        .prints("Hello, 杭州!\n");
    server
        .run(&["workflow", "run", "7", "--params", "{\"name\":\"Ann\"}"])
        .prints("Hello, Ann!\n");
    let ran = server.run(&["workflow", "run", "7", "-p", "name=Ann", "--json"]);
    let object = ran.json();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        object["data"].as_str().unwrap().contains("Hello, Ann!"),
        "{ran}"
    );
    assert!(object["debug_url"].is_string(), "{ran}");
}

#[test]
fn a_stream_prints_as_it_arrives() {
    let server = Server::start_in(home(), &[]);
    server
        .run(&["workflow", "stream", "7", "-p", "name=Ann"])
        .prints("Hello, Ann!\n");
    let ran = server.run(&["workflow", "stream", "7", "-p", "name=Ann", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let events = ran.lines();
    assert_eq!(
        (&events[0]["id"], &events[0]["event"]),
        (&json!(0), &json!("Message")),
        "{ran}"
    );
    assert_eq!(events.last().unwrap()["event"], "Done");
}

#[test]
fn a_run_in_the_background() {
    let server = Server::start_in(home(), &[]);
    let arguments = ["workflow", "run", "7", "-p", "name=Ann", "--async"];
    let ran = server.run(&arguments);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stdout.trim().len(), 19, "{ran}");
    server
        .run(&[&arguments[..], &["--wait"]].concat())
        .prints("Hello, Ann!\n");
    let local = home();
    let arguments = [&arguments[..], &["--wait", "--local"]].concat();
    local.run(&arguments).prints("Hello, Ann!\n");
}

#[test]
fn a_local_run_can_be_resumed_by_another_process() {
    let home = home();
    for stream in [true, false] {
        let (verb, more) = if stream {
            ("stream", &[][..])
        } else {
            ("run", &["--no-stream"][..])
        };
        let ran = home.run(&["workflow", verb, "8", "-p", "name=Ann", "--local"]);
        let ran = ran.fails(
            1,
            &[
                "error: the workflow waits for an answer: Ann, where to?",
                "hint: answer with: cozectl workflow resume 8 ",
            ],
        );
        let event = ran
            .stderr
            .split("resume 8 ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let resume = [
            "workflow", "resume", "8", event, "--data", "Suzhou", "--local",
        ];
        let ran = home.run(&[&resume, more].concat());
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stdout.ends_with("Hello, Suzhou!\n"), "{ran}");
    }
}

#[cfg(unix)]
#[test]
fn the_command_that_a_hint_shows_goes_on_with_the_run() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("my files")).unwrap();
    home.write("my files/coze.yaml", CONFIG);
    home.write("my files/greet.json", &canvas(false));
    home.write("my files/ask.json", &canvas(true));
    let options = [
        "--local",
        "--config",
        "my files/coze.yaml",
        "--local-data",
        "my data",
    ];
    for verb in ["run", "stream"] {
        let ran = home.run(&[&["workflow", verb, "8", "-p", "name=Ann"], &options[..]].concat());
        let ran = ran.fails(1, &["waits for an answer: Ann, where to?"]);
        let command = ran.shown_command();
        assert!(
            command.ends_with(
                " --local --config 'my files/coze.yaml' --local-data 'my data' --data ANSWER"
            ),
            "{ran}"
        );
        let ran = home.paste(&command.replace("ANSWER", "Suzhou"));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stdout.ends_with("Hello, Suzhou!\n"), "{ran}");
    }
}

#[cfg(unix)]
#[test]
fn the_command_that_a_hint_shows_leads_to_the_same_server() {
    let server = Server::start_in(home(), &[]);
    let arguments = ["workflow", "run", "8", "-p", "name=Ann", "--base"];
    let ran = server
        .home
        .run(&[&arguments[..], &[server.url.as_str()]].concat());
    let ran = ran.fails(1, &["waits for an answer"]);
    let ran = server.home.paste(ran.shown_command());
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("Hello, ANSWER!"), "{ran}");
}

#[test]
fn the_answer_can_come_from_stdin() {
    let fake = Fake::start(|_| Answer::events(&fixture("workflows/StreamResumeWorkflow.text.sse")));
    let arguments = ["workflow", "resume", "1", "2/3", "--data", "-"];
    let home = Home::new();
    let mut command = home.client(&fake.url, &arguments);
    let ran = Ran::of(command.write_stdin("杭州\n"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let body = fake.wait_for("POST /v1/workflow/stream_resume").json();
    assert_eq!(body["resume_data"], "杭州");
}

/// The canvas of the question, with one change.
fn broken(change: impl FnOnce(&mut serde_json::Value)) -> Home {
    let home = home();
    let mut canvas = serde_json::from_str(&canvas(true)).unwrap();
    change(&mut canvas);
    home.write("ask.json", &canvas.to_string());
    home
}

#[test]
fn a_canvas_that_cannot_run_is_named_with_its_node() {
    let cycle = broken(|canvas| {
        let edges = canvas["edges"].as_array_mut().unwrap();
        edges.push(json!({"sourceNodeID": "150001", "targetNodeID": "150001"}));
    });
    let empty = broken(|canvas| {
        let nodes = canvas["nodes"].as_array_mut().unwrap();
        nodes[2]["data"]["inputs"]["inputParameters"][0]["input"] = reference("", "");
    });
    for (home, node) in [(cycle, "150001"), (empty, "900001")] {
        for arguments in [
            &["serve", "--port", "0"][..],
            &["workflow", "run", "8", "--local"],
        ] {
            let ran = home.run(arguments);
            ran.fails(
                2,
                &[
                    "error: the server cannot start: coze.yaml:",
                    ": workflows: ask: ask.json: ",
                    node,
                    "\nhint: ",
                ],
            );
            let ran = home.run(&[&["--lang", "zh"], arguments].concat());
            ran.fails(
                2,
                &["error: 服务无法启动：配置的内容有误：", "\nhint: 请改正"],
            );
        }
    }
}

#[test]
fn a_question_is_data_for_a_program() {
    let fake =
        Fake::start(|_| Answer::events(&fixture("workflows/StreamRunWorkflow.interrupt.sse")));
    let home = Home::new();
    let ran = home.run_client(&fake.url, &["workflow", "run", "1", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let event = "7551210455020896290/7551210499012673570";
    assert_eq!(ran.json()["interrupt_data"]["event_id"], event);
    let hint = format!("cozectl workflow resume 1 {event} --type 2 --no-stream --data ANSWER");
    let ran = home.run_client(&fake.url, &["workflow", "run", "1"]);
    ran.fails(1, &["请问你想去哪个城市？", &hint]);
    let ran = home.run_client(&fake.url, &["workflow", "stream", "1"]);
    let hint = format!("cozectl workflow resume 1 {event} --type 2 --data ANSWER");
    ran.fails(1, &["waits for an answer: 请问你想去哪个城市？", &hint]);
    assert_eq!(ran.stdout, "请问你想去哪个城市？\n");
    let ran = home.run_client(&fake.url, &["workflow", "stream", "1", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.lines()[1]["event"], "Interrupt");
}

#[test]
fn the_answer_reaches_the_server() {
    let arguments = [
        "workflow", "resume", "1", "2/3", "--type", "5", "--data", "-3",
    ];
    for (more, path) in [
        (&[][..], "POST /v1/workflow/stream_resume"),
        (&["--no-stream"], "POST /v1/workflow/stream_resume"),
        (&["--async"], "POST /v1/workflows/resume"),
    ] {
        let fake = Fake::start(|request| match request.line.as_str() {
            "POST /v1/workflows/resume" => Answer::json(
                &String::from_utf8(fixture("workflows/ResumeWorkflow.sync.res.json")).unwrap(),
            ),
            _ => Answer::events(&fixture("workflows/StreamResumeWorkflow.text.sse")),
        });
        let ran = Home::new().run_client(&fake.url, &[&arguments, more].concat());
        assert_eq!(ran.code, Some(0), "{ran}");
        let body = fake.wait_for(path).json();
        assert_eq!(body["workflow_id"], "1");
        assert_eq!(body["event_id"], "2/3");
        assert_eq!(body["interrupt_type"], 5);
        assert_eq!(body["resume_data"], "-3");
    }
}

#[test]
fn a_run_that_fails_keeps_what_it_said() {
    let name = "workflows/StreamRunWorkflow.error-midway.sse";
    let fake = Fake::always("200 OK", "text/event-stream", fixture(name));
    let ran = Home::new().run_client(&fake.url, &["workflow", "stream", "1"]);
    ran.fails(
        1,
        &[
            "(code 720701013)",
            "\nhint: ",
            "\ndebug: https://",
            "\nlogid: fake-log-id",
        ],
    );
    assert_eq!(ran.stdout, "明天\n", "{ran}");
    let ran = Home::new().run_client(&fake.url, &["workflow", "stream", "1", "--json"]);
    ran.fails(1, &["720701013"]);
    assert_eq!(
        ran.lines().last().unwrap()["data"]["error_code"],
        720_701_013
    );
}

#[test]
fn a_stream_that_is_cut_loses_nothing_that_arrived() {
    let name = "workflows/StreamRunWorkflow.truncated.sse";
    let fake = Fake::always("200 OK", "text/event-stream", fixture(name));
    let ran = Home::new().run_client(&fake.url, &["workflow", "stream", "1"]);
    ran.fails(3, &["the stream was cut before its last event", "\nhint: "]);
    assert!(!ran.stdout.is_empty(), "{ran}");
    // A run has no result then, and what had arrived is none.
    let ran = Home::new().run_client(&fake.url, &["workflow", "run", "1"]);
    ran.fails(
        3,
        &[
            "明天有小\n",
            "the run of workflow 1 cannot be followed",
            "\nhint: what had arrived was printed; the run may go on at the server",
        ],
    );
    assert_eq!(ran.stdout, "", "{ran}");
}

#[test]
fn a_run_that_lasts_longer_than_its_deadline_is_named() {
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /v1/workflow/run" => Answer::json("{\"msg\":\"\",\"execute_id\":\"88\"}"),
        _ => Answer::json(
            "{\"code\":0,\"data\":[{\"execute_id\":\"88\",\"execute_status\":\"Running\"}]}",
        ),
    });
    let arguments = [
        "workflow",
        "run",
        "74",
        "--async",
        "--wait",
        "--deadline",
        "1",
    ];
    let ran = Home::new().run_client(&fake.url, &arguments);
    ran.fails(
        3,
        &[
            "run 88 of workflow 74 is still Running",
            "cozectl api GET /v1/workflows/74/run_histories/88",
        ],
    );
}

#[test]
fn a_question_of_a_run_in_the_background_is_answered_there() {
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /v1/workflow/run" => Answer::json("{\"msg\":\"\",\"execute_id\":\"88\"}"),
        _ => Answer::json(
            "{\"code\":0,\"data\":[{\"execute_id\":\"88\",\"execute_status\":\"Running\",\"run_mode\":2,\
             \"interrupt_data\":{\"event_id\":\"88/99\",\"type\":2,\"data\":\"where to?\"}}]}",
        ),
    });
    let arguments = ["workflow", "run", "74", "--async", "--wait"];
    let ran = Home::new().run_client(&fake.url, &arguments);
    ran.fails(
        1,
        &[
            "where to?",
            "cozectl workflow resume 74 88/99 --type 2 --async --data ANSWER",
        ],
    );
}

#[test]
fn the_options_reach_the_server() {
    let fake = Fake::start(|_| Answer::events(&fixture("workflows/StreamRunWorkflow.full.sse")));
    let ran = Home::new().run_client(
        &fake.url,
        &[
            "workflow",
            "run",
            "1",
            "-p",
            "n=3",
            "-p",
            "id=7500000000000000001",
            "-p",
            "t=你",
            "--bot",
            "5",
            "--ext",
            "user_id=u",
            "--workflow-version",
            "v0.0.2",
        ],
    );
    ran.prints("{\"output\":\"建议带伞。\"}\n");
    let body = fake.wait_for("POST /v1/workflow/stream_run").json();
    assert_eq!(
        body["parameters"],
        json!({"n": 3, "id": "7500000000000000001", "t": "你"})
    );
    assert_eq!(body["bot_id"], "5");
    assert_eq!(body["ext"], json!({"user_id": "u"}));
    assert_eq!(body["workflow_version"], "v0.0.2");
}
