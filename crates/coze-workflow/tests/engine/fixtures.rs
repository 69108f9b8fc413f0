//! Real canvases, which live beside the repository and are never copied into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coze_workflow::{Event, Run, RunOptions, parse};
use serde_json::{Map, Value, json};

use crate::play::{answered, delta, gave, play_with, said, streaming};

fn root() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/coze-api/workflow-fixtures/coze-studio");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: {} (shared reference data) is absent",
        path.display()
    );
    None
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).expect("a directory");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn all_of_them_parse_and_begin() {
    let Some(root) = root() else { return };
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(
        found.len() >= 20,
        "only {} canvases in {}",
        found.len(),
        root.display()
    );
    let mut report = Vec::new();
    for path in found {
        let name = path
            .strip_prefix(&root)
            .expect("below the root")
            .display()
            .to_string();
        let json = std::fs::read(&path).expect("a file");
        let (plan, diagnostics) = parse(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut line = format!("{name}: {} nodes", plan.nodes().count());
        for diagnostic in &diagnostics {
            // Their titles stay where they are.
            assert!(!diagnostic.node_id.is_empty(), "{name}: {diagnostic}");
            let what = diagnostic
                .message
                .replace(", which this engine does not run yet", "");
            line.push_str(&format!(
                "; {}",
                what.replace(": a run that reaches it fails", "")
            ));
        }
        report.push(line);
        let (run, effects) = Run::start(Arc::new(plan), Map::new(), RunOptions::default());
        assert!(
            run.outcome().is_some() || !effects.is_empty(),
            "{name} does nothing"
        );
    }
    insta::assert_snapshot!(report.join("\n"), @r#"
    batch/batch_with_inner_interrupt.json: 3 nodes; it has type 28 (batch)
    batch/node_batches.json: 4 nodes; it is in batch mode; it is in batch mode
    database_curd.json: 6 nodes; it has type 42 (update_database); it has type 46 (insert_database); it has type 43 (select_database); it has type 44 (delete_database)
    entry_exit.json: 2 nodes
    exception/code_exception_branch.json: 4 nodes; it has type 5 (code)
    exception/llm_default_output_retry_timeout.json: 3 nodes
    httprequester/http_implicit_dependencies.json: 4 nodes; it has type 21 (loop); it has type 28 (batch); it has type 45 (http); it has type 5 (code); it has type 45 (http); it has type 5 (code)
    input_receiver.json: 3 nodes
    intent_detector_database_custom_sql.json: 4 nodes; it has type 22 (intent); it has type 12 (database)
    json/json_test.json: 4 nodes; it has type 58 (to_json); it has type 59 (from_json)
    knowledge.json: 5 nodes; it has type 40 (assign_variable)
    loop_selector_variable_assign_text_processor.json: 3 nodes; it has type 21 (loop); it has type 20 (loop_set_variable); it has type 19 (break); it has type 29 (continue)
    message/create_message.json: 4 nodes; it has type 55 (message_create); it has type 39 (conversation_create)
    parallel_interrupt.json: 5 nodes; it has type 18 (question) and extracts fields from the answer; it has type 18 (question) and extracts fields from the answer
    qa_with_structured_output.json: 3 nodes; it has type 18 (question) and extracts fields from the answer
    query_types/llm_intent_http_nodes.json: 5 nodes; it has type 5 (code); it has type 22 (intent); it has type 45 (http)
    sse/llm_emitter.json: 4 nodes
    start_node_default_values.json: 2 nodes
    subworkflow/bottom_workflow.json: 3 nodes; it has type 21 (loop); it has type 20 (loop_set_variable); it has type 19 (break); it has type 29 (continue); it has type 9 (subflow)
    subworkflow/middle_workflow.json: 3 nodes; it has type 9 (subflow)
    subworkflow/top_workflow.json: 6 nodes; it has type 9 (subflow)
    type_convert/mismatched_types.json: 3 nodes
    variable_aggregate/variable_aggregator.json: 3 nodes; it has type 32 (variable_merge)
    "#);
}

/// Plays one of them; `None` if it is not there.
fn play_fixture(name: &str, parameters: serde_json::Value, events: &[Event]) -> Option<String> {
    let json = std::fs::read(root()?.join(name)).expect("a file");
    let (plan, _) = parse(&json).expect("a canvas");
    Some(play_with(&Arc::new(plan), parameters, &streaming(), events))
}

#[test]
fn start_and_end() {
    let given = json!({"input": 3.5, "obj": {"field1": ["p", "q"]}, "arr": ["x"]});
    let Some(script) = play_fixture("entry_exit.json", given, &[]) else {
        return;
    };
    insta::assert_snapshot!(script, @r#"
    message 900001 #0 "_[\"p\",\"q\"]" finished end 0+0 tokens
    success answer {"output":"_[\"p\",\"q\"]"} 0+0 tokens
    "#);
}

#[test]
fn defaults() {
    let Some(script) = play_fixture("start_node_default_values.json", json!({}), &[]) else {
        return;
    };
    for part in [
        r#""str":"str","inter":100,"number":12.4,"bool":false,"#,
        r#""object":{"a":"1"},"array":["1","2"],"#,
    ] {
        assert!(script.contains(part), "{script}");
    }
    // The file is there, its name is cut off.
    assert!(script.contains("\"files\":\"http"), "{script}");
    assert!(!script.contains("x-wf-file_name"), "{script}");
}

#[test]
fn a_form() {
    let answer = r#"{"input": "i", "obj": {"field1": 1}, "inputArr": ["1.5", "x"]}"#;
    let Some(script) = play_fixture("input_receiver.json", json!({}), &[answered("1", answer)])
    else {
        return;
    };
    let tail: Vec<_> = script
        .lines()
        .skip_while(|line| !line.starts_with('>'))
        .collect();
    insta::assert_snapshot!(tail.join("\n"), @r#"
    > answer 1: {"input": "i", "obj": {"field1": 1}, "inputArr": ["1.5", "x"]}
    warn 154951 720712023: `inputArr[1]` must be a float, not "x"
    message 900001 #0 "{\"input\":\"i\",\"field1\":\"1\",\"inputArr\":[1.5]}" finished end 0+0 tokens
    success variables {"input":"i","field1":"1","inputArr":[1.5]} 0+0 tokens
    "#);
}

#[test]
fn a_streaming_output() {
    let events = [
        delta("156549", "Hel"),
        delta("156549", "lo"),
        said("156549", "Hello"),
    ];
    let Some(script) = play_fixture("sse/llm_emitter.json", json!({"input": "hi"}), &events) else {
        return;
    };
    let messages: Vec<_> = script
        .lines()
        .filter(|line| !line.starts_with("start"))
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    message 198540 #0 "emitter: "
    > 156549@0 says "Hel"
    message 198540 #1 "Hel"
    > 156549@0 says "lo"
    message 198540 #2 "lo"
    > 156549@0 finished
    message 198540 #3 "" finished
    message 900001 #0 "pure_output_for_subworkflow exit: Hello" finished end 10+5 tokens
    success answer {"output":"pure_output_for_subworkflow exit: Hello"} 10+5 tokens
    "#);
}

#[test]
fn conversions() {
    let given = json!({
        "input": "[1, \"2\", \"x\"]", "int_a": 1, "obj_str": "{\"s\": [1, \"two\"]}",
        "arr_str": ["{\"a\": 1}", "no"], "num_a": 3.9, "bool_a": true, "obj": {"b": 1, "a": 2},
    });
    let events = [said("172190", "done")];
    let Some(script) = play_fixture("type_convert/mismatched_types.json", given, &events) else {
        return;
    };
    let lines: Vec<_> = script
        .lines()
        .filter(|line| !line.starts_with("start"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    warn 900001 720712023: `int_a` must be a boolean, not 1
    warn 900001 720712023: `input[2]` must be an integer, not "x"
    warn 900001 720712023: `arr_str[1]` must be an object, not "no"
    warn 900001 720712023: `bool_a` must be a float, not true
    message 900001 #0 "false [1,2] {\"s\":[1,\"two\"]} [{\"a\":1}] 3 0 {\"a\":2,\"b\":1}\n" end
    > 172190@0 finished
    warn 900001 720712023: `arr_str[1]` must be an object, not "no"
    message 900001 #1 "done {\"a\":1} two" finished end 10+5 tokens
    success answer {"output":"false [1,2] {\"s\":[1,\"two\"]} [{\"a\":1}] 3 0 {\"a\":2,\"b\":1}\ndone {\"a\":1} two"} 10+5 tokens
    "#);
}

/// A document is written, then passages are looked up. The node in front of both, which sets a
/// variable, is not run by this engine: it is left out.
#[test]
fn knowledge() {
    let Some(root) = root() else { return };
    let json = std::fs::read(root.join("knowledge.json")).expect("a file");
    let mut canvas: Value = serde_json::from_slice(&json).expect("JSON");
    let left_out = "116428";
    let nodes = canvas["nodes"].as_array_mut().expect("nodes");
    nodes.retain(|node| node["id"] != left_out);
    let edges = canvas["edges"].as_array_mut().expect("edges");
    edges.retain(|edge| edge["targetNodeID"] != left_out);
    for edge in edges {
        if edge["sourceNodeID"] == left_out {
            edge["sourceNodeID"] = "100001".into();
        }
    }
    let (plan, diagnostics) = parse(canvas.to_string()).expect("a canvas");
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let passages = json!([
        {"documentId": "7", "output": "面馆在街角"}, {"documentId": "8", "output": "茶馆在河边"},
    ]);
    let events = [
        gave(
            "191672",
            json!({"documentId": "7", "fileName": "a.pdf", "fileUrl": "http://h/a.pdf"}),
        ),
        gave("102426", passages),
    ];
    let given = json!({"file": "http://h/a.pdf", "v1": "x"});
    let mut script = play_with(&Arc::new(plan), given, &RunOptions::default(), &events);
    // What the author asked, and where, stays where it is.
    let nodes = canvas["nodes"].as_array().expect("nodes");
    let inputs = |id: &str| {
        let node = nodes.iter().find(|node| node["id"] == id);
        node.expect("a node")["data"]["inputs"].clone()
    };
    let search = inputs("102426");
    let value = |input: &Value| input["input"]["value"]["content"].clone();
    let query = value(&search["inputParameters"][0]);
    script = script.replace(query.as_str().expect("a text"), "<query>");
    let datasets = value(&search["datasetParam"][0]);
    for (at, id) in datasets.as_array().expect("a list").iter().enumerate() {
        script = script.replace(id.as_str().expect("an id"), &format!("<dataset {at}>"));
    }
    insta::assert_snapshot!(script, @r#"
    start 191672@0 {"write_knowledge":{"file":"http://h/a.pdf","dataset":"<dataset 0>","chunking":{"separator":"\n","max_tokens":800,"overlap_percent":10}}}
    > 191672@0 finished
    start 102426@0 {"search_knowledge":{"query":"<query>","datasets":["<dataset 0>","<dataset 1>"],"top_k":5,"min_score":0.5,"strategy":1}}
    > 102426@0 finished
    message 900001 #0 "{\"success\":[{\"documentId\":\"7\",\"output\":\"面馆在街角\"},{\"documentId\":\"8\",\"output\":\"茶馆在河边\"}],\"v1\":\"\"}" finished end 0+0 tokens
    success variables {"success":[{"documentId":"7","output":"面馆在街角"},{"documentId":"8","output":"茶馆在河边"}],"v1":""} 0+0 tokens
    "#);
}
