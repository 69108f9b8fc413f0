//! MCP servers, shortcuts, suggestions and models of a `coze.yaml` that cannot be used: what is
//! said, and where.

use crate::config::refusal;

/// A `coze.yaml` that is refused at that place for that reason.
async fn check(yaml: &str, expected: &str) {
    let said = refusal(yaml).await;
    let said = said
        .replace("start: ", "")
        .replace("<folder>/coze.yaml:", "");
    assert_eq!(said, expected, "{yaml}");
}

#[tokio::test]
async fn mcp_servers() {
    for (server, expected) in [
        ("{}", "2:3: mcp: m: it needs a `command` or a `url`"),
        (
            "{ command: [a], url: \"http://a\" }",
            "2:27: mcp: m: it has a `command` already; give one of them",
        ),
        ("{ command: [] }", "2:8: mcp: m: it names no program"),
        (
            "{ command: [a] }",
            "2:8: mcp: m: it starts a program; set `allow_commands: true` if it may",
        ),
        (
            "{ url: \"ftp://a\" }",
            "2:13: mcp: m: \"ftp://a\" is no http:// or https:// address",
        ),
        (
            "{ url: \"http://a\", auth: { env: K, query: key } }",
            "2:25: mcp: m: an MCP server takes its key in a header, not in `query`",
        ),
        (
            "{ url: \"http://a\", pass_env: [K] }",
            "2:25: mcp: m: only a `command` has an environment",
        ),
        (
            "{ url: \"http://a\", env: { A: b } }",
            "2:25: mcp: m: only a `command` has an environment",
        ),
        (
            "{ url: \"http://a\", folder: b }",
            "2:33: mcp: m: only a `command` starts in a folder",
        ),
        (
            "{ url: \"http://a\", headers: { \"a b\": c } }",
            "2:25: mcp: m: one of them is no header that can be sent",
        ),
        (
            "{ url: \"http://a\", timeout_s: 0 }",
            "2:36: mcp: m: it must be at least 1",
        ),
        (
            "{ url: \"http://a\", space: nowhere }",
            "2:32: mcp: m: the workspace \"nowhere\" is not under `spaces` (there: local)",
        ),
    ] {
        check(&format!("mcp:\n  m: {server}\n"), expected).await;
    }
    check(
        "allow_commands: true\nmcp:\n  m: { command: [a], headers: { A: b } }\n",
        "3:22: mcp: m: only a `url` has headers",
    )
    .await;
    check(
        "allow_commands: true\nmcp:\n  m: { command: [a], auth: { env: K } }\n",
        "3:22: mcp: m: a program takes its key by `pass_env`",
    )
    .await;
    check(
        "bots: [ { id: 1, name: x, mcp: [gone] } ]\n",
        "1:33: bots: x: the MCP server \"gone\" is not under `mcp`",
    )
    .await;
    check(
        "bots: [ { id: 1, name: x, mcp: [m] } ]\nspaces: [ { id: 5, name: team } ]\nmcp:\n  m: { url: \"http://a\", space: team }\n",
        "1:33: bots: x: the MCP server \"m\" belongs to another workspace",
    )
    .await;
}

#[tokio::test]
async fn shortcuts() {
    for (shortcut, expected) in [
        (
            "{ id: 7, name: s, query_template: \"\" }",
            "5:41: bots: x: shortcuts: s: query_template: it is empty",
        ),
        (
            "{ id: 7, name: s, query_template: a, components: [ { name: a }, { name: a } ] }",
            "5:79: bots: x: shortcuts: s: components: a: the name stands twice",
        ),
        (
            "{ id: 7, name: s, query_template: a, components: [ { name: a, is_hide: true } ] }",
            "5:78: bots: x: shortcuts: s: components: a: what is not shown needs a `default_value`",
        ),
        (
            "{ id: 7, name: s, query_template: a, components: [ { name: a, type: select } ] }",
            "5:58: bots: x: shortcuts: s: components: a: they belong to `type: select`, which needs them",
        ),
        (
            "{ id: 7, name: s, query_template: a, components: [ { name: a, type: select, options: [b], default_value: c } ] }",
            "5:112: bots: x: shortcuts: s: components: a: it is none of the options",
        ),
        (
            "{ id: 7, name: s, query_template: a, components: [ { name: a, type: file, default_value: c } ] }",
            "5:96: bots: x: shortcuts: s: components: a: a file has none",
        ),
        (
            "{ id: 7, name: s, query_template: a, tool: { workflow: 12 } }",
            "5:62: bots: x: shortcuts: s: tool: the agent has no such workflow",
        ),
        (
            "{ id: 7, name: s, query_template: a, tool: { plugin: 12, tool: b } }",
            "5:60: bots: x: shortcuts: s: tool: the agent has no such plugin",
        ),
        (
            "{ id: 7, name: s, query_template: a, tool: { plugin: 12 } }",
            "5:44: bots: x: shortcuts: s: tool: it is {workflow}, or {plugin, tool}",
        ),
    ] {
        let yaml = format!("bots:\n- id: 1\n  name: x\n  shortcuts:\n    - {shortcut}\n");
        check(&yaml, expected).await;
    }
    check(
        "bots:\n- id: 1\n  name: x\n  shortcuts:\n    - { id: 7, name: s, query_template: a }\n    - { id: 7, name: t, query_template: a }\n",
        "6:13: bots: x: shortcuts: t: the id 7 stands twice",
    )
    .await;
}

#[tokio::test]
async fn suggestions_and_models() {
    check(
        "bots: [ { id: 1, name: x, suggest_reply: { reply_mode: customized } } ]\n",
        "1:27: bots: x: suggest_reply: `customized` needs a `customized_prompt`",
    )
    .await;
    check(
        "bots: [ { id: 1, name: x, suggest_reply: { reply_mode: enable, customized_prompt: y } } ]\n",
        "1:27: bots: x: suggest_reply: a `customized_prompt` goes with `reply_mode: customized` only",
    )
    .await;
    check(
        "models:\n  m: { provider: openai, base_url: \"http://a\", model: x, timeouts: { total_s: 0 } }\n",
        "2:79: models: m: timeouts: total_s: it must be at least 1",
    )
    .await;
    check(
        "models:\n  m: { provider: coze, bot_id: 1, token_env: T, base_url: \"nowhere\" }\n",
        "2:59: models: m: base_url: invalid argument: the base URL `nowhere` is not one (relative URL without a base); it looks like https://api.coze.cn",
    )
    .await;
    check(
        "models:\n  m: { provider: coze, bot_id: 1, token_env: T }\nbots:\n  - { id: 1, name: x, model: m, tools: [ { name: t } ] }\n",
        "4:33: bots: x: tools: a model of the provider coze is an agent with tools of its own, and takes no others",
    )
    .await;
}
