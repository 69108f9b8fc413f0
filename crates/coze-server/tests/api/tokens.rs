//! What tokens may do: users, spaces, permissions, ends; and the calls that make them.

use serde_json::json;

use crate::harness::{Api, Setup, load, text};
use crate::people::{get, post};
use crate::space::{DEMO_BOT, SCRIPTED_BOT};

const ALICE: &str = "7500000000000003001";
const TEAM: &str = "7500000000000004001";

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice, nick_name: Alice }
  - { id: "7500000000000003002", name: bob }
spaces:
  - { id: "7500000000000004001", name: team, owner: alice, members: [bob] }
tokens:
  - of-local
  - { token: of-alice, user: alice }
  - { token: of-bob, user: "7500000000000003002" }
  - { token: team-only, user: alice, spaces: [team] }
  - { token: chat-only, permissions: [chat, getChat] }
  - { token: old, expires: 2020-01-01 }
  - { token: young, expires: 2999-01-01 }
bots:
  - { id: "7500000000000000101", name: Ours, space: team }
"#;

async fn start() -> Api {
    Setup::with(YAML).start().await
}

#[tokio::test]
async fn a_token_belongs_to_its_user() {
    let api = start().await;
    for (token, name) in [
        ("of-local", "local"),
        ("of-alice", "alice"),
        ("of-bob", "bob"),
        ("team-only", "alice"),
        ("young", "local"),
    ] {
        let reply = get(&api, token, "/v1/users/me").await;
        assert_eq!(reply.data()["user_name"], name, "{token}");
    }
    let me = get(&api, "of-alice", "/v1/users/me").await;
    assert_eq!(me.data()["nick_name"], "Alice");
    assert_eq!(me.data()["user_id"], ALICE);
}

#[tokio::test]
async fn a_token_that_has_ended_is_refused() {
    let api = start().await;
    let reply = get(&api, "old", "/v1/users/me").await;
    assert_eq!((reply.http, reply.code()), (401, 4100));
    assert!(reply.msg().contains("expired"), "{}", reply.msg());
}

#[tokio::test]
async fn what_belongs_to_a_space_is_seen_by_its_members() {
    let api = start().await;
    let bot = format!("/v1/bots/{SCRIPTED_BOT}");
    for (token, code) in [
        ("of-alice", 0),
        ("of-bob", 0),
        ("team-only", 0),
        ("of-local", 4101),
    ] {
        let reply = get(&api, token, &bot).await;
        assert_eq!((reply.http, reply.code()), (200, code), "{token}");
    }
    // The built-in agent is the local user's.
    let demo = format!("/v1/bots/{DEMO_BOT}");
    assert_eq!(get(&api, "of-alice", &demo).await.code(), 4101);
    let list = format!("/v1/bots?workspace_id={TEAM}");
    assert_eq!(get(&api, "of-bob", &list).await.data()["total"], 1);
    assert_eq!(get(&api, "of-local", &list).await.code(), 4101);
}

#[tokio::test]
async fn a_token_that_is_limited_to_spaces_sees_no_others() {
    let api = start().await;
    let made = post(&api, "of-alice", "/v1/conversation/create", json!({})).await;
    let id = text(&made.data()["id"]);
    let path = format!("/v1/conversation/retrieve?conversation_id={id}");
    assert_eq!(get(&api, "of-alice", &path).await.code(), 0);
    assert_eq!(get(&api, "team-only", &path).await.code(), 4101);
    // What it makes goes where it can see it.
    let made = post(&api, "team-only", "/v1/conversation/create", json!({})).await;
    let id = text(&made.data()["id"]);
    let path = format!("/v1/conversation/retrieve?conversation_id={id}");
    assert_eq!(get(&api, "team-only", &path).await.code(), 0);
    assert_eq!(get(&api, "of-bob", &path).await.code(), 0);
    assert_eq!(get(&api, "of-local", &path).await.code(), 4101);
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let api = start().await;
    let chat = json!({
        "bot_id": DEMO_BOT, "user_id": "u",
        "additional_messages": [{"role": "user", "content": "hello", "content_type": "text"}],
    });
    let begun = post(&api, "chat-only", "/v3/chat", chat).await;
    let (conversation, chat) = (
        text(&begun.data()["conversation_id"]),
        text(&begun.data()["id"]),
    );
    let place = format!("conversation_id={conversation}&chat_id={chat}");
    let reply = get(&api, "chat-only", &format!("/v3/chat/retrieve?{place}")).await;
    assert_eq!(reply.code(), 0);
    let reply = get(&api, "chat-only", &format!("/v3/chat/message/list?{place}")).await;
    assert_eq!((reply.http, reply.code()), (200, 4101));
    assert_eq!(
        reply.msg(),
        "the token lacks the permission listMessage, which ListChatMessages needs"
    );
    let reply = post(&api, "chat-only", "/v1/conversation/create", json!({})).await;
    assert_eq!(reply.code(), 4101);
    // Some calls need a token and nothing else.
    assert_eq!(get(&api, "chat-only", "/v1/users/me").await.code(), 0);
}

#[tokio::test]
async fn a_token_comes_from_a_variable() {
    // Set by cargo for every test.
    let token = std::env::var("CARGO_PKG_NAME").unwrap();
    let yaml = "tokens: [{ token_env: CARGO_PKG_NAME }]";
    let api = Setup::with(yaml).start().await;
    assert_eq!(get(&api, &token, "/v1/users/me").await.code(), 0);
    assert_eq!(get(&api, "other", "/v1/users/me").await.code(), 4100);

    let yaml = "tokens: [{ token_env: NO_SUCH_VARIABLE }]";
    let error = Setup::with(yaml).try_start().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "tokens: number 1: the environment variable NO_SUCH_VARIABLE is not set"
    );
}

#[test]
fn entries_that_do_not_fit_are_named() {
    fn check(yaml: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let error = load(folder.path(), yaml).unwrap_err().to_string();
        assert!(error.contains(expected), "{yaml}: {error}");
    }
    check(
        "tokens: [{}]",
        "tokens: number 1: give either `token` or `token_env`",
    );
    check(
        "tokens: [a, { token: b, user: eve }]",
        "tokens: number 2: the user \"eve\"",
    );
    check("tokens: [{ token: a, spaces: [x] }]", "the workspace \"x\"");
    check("tokens: [{ token: a, permissions: [chatt] }]", "\"chatt\"");
    check("tokens: [{ token: a, expires: soon }]", "2027-01-31");
    check("tokens: [{ token: a, color: red }]", "color");
    check("tokens: [\"\"]", "the token is empty");
    check(
        "users: [{ id: 1, name: local }]",
        "users: the name local stands twice",
    );
    check(
        "users: [{ id: 1, name: a }, { id: 1, name: b }]",
        "users: the id 1 stands twice",
    );
    check(
        "spaces: [{ id: 1, name: a, owner: eve }]",
        "spaces: a: the user \"eve\"",
    );
    check(
        "spaces: [{ id: 1, name: a, enterprise: x }]",
        "the enterprise \"x\"",
    );
    check(
        "bots: [{ id: 1, name: a, space: x }]",
        "the workspace \"x\"",
    );
    check(
        "enterprises: [{ id: a, seats: 0, members: [local] }]",
        "more members than seats",
    );
    check(
        "spaces: [{ id: 5, name: s }]\nworkflows: [{ id: 2, name: w, file: w.json, space: s }]\n\
         bots: [{ id: 1, name: a, workflows: [\"2\"] }]",
        "the workflow 2 belongs to another workspace",
    );
}

const CREATE: &str = "/api/permission_api/pat/create_personal_access_token_and_permission";
const LIST: &str = "/api/permission_api/pat/list_personal_access_tokens";
const RETRIEVE: &str = "/api/permission_api/pat/get_personal_access_token_and_permission";
const UPDATE: &str = "/api/permission_api/pat/update_personal_access_token_and_permission";
const DELETE: &str = "/api/permission_api/pat/delete_personal_access_token_and_permission";
const IMPERSONATE: &str = "/api/permission_api/coze_web_app/impersonate_coze_user";

#[tokio::test]
async fn a_personal_token_is_made_used_renamed_and_withdrawn() {
    let api = start().await;
    let body = json!({"name": "ci", "duration_day": "30"});
    let made = post(&api, "of-alice", CREATE, body).await.data().clone();
    let token = text(&made["token"]);
    assert!(token.starts_with("pat_"));
    let pat = &made["personal_access_token"];
    let id = text(&pat["id"]);
    assert_eq!(
        (&pat["name"], &pat["last_used_at"]),
        (&json!("ci"), &json!(-1))
    );
    let life = pat["expire_at"].as_i64().unwrap() - pat["created_at"].as_i64().unwrap();
    assert_eq!(life, 30 * 86_400);

    let me = get(&api, &token, "/v1/users/me").await;
    assert_eq!(me.data()["user_name"], "alice");
    let list = get(&api, "of-alice", LIST).await.data().clone();
    let listed = &list["personal_access_tokens"][0];
    assert_eq!(listed["id"], *id);
    assert_eq!(listed["creator_unique_name"], "alice");
    assert!(!list.to_string().contains(&token));

    let body = json!({"id": id, "name": "nightly"});
    assert_eq!(post(&api, "of-alice", UPDATE, body).await.code(), 0);
    let read = get(&api, &token, &format!("{RETRIEVE}?id={id}")).await;
    assert_eq!(read.data()["personal_access_token"]["name"], "nightly");

    // It is nobody else's.
    for (path, body) in [
        (UPDATE, json!({"id": id, "name": "mine"})),
        (DELETE, json!({"id": id})),
    ] {
        assert_eq!(post(&api, "of-bob", path, body).await.code(), 4200);
    }
    assert_eq!(
        get(&api, "of-bob", &format!("{RETRIEVE}?id={id}"))
            .await
            .code(),
        4200
    );
    let list = get(&api, "of-bob", LIST).await;
    assert_eq!(list.data()["personal_access_tokens"], json!([]));

    // It outlives the server, and not its withdrawal.
    let folder = api.stop().await;
    let api = Setup::with(YAML)
        .data(&folder.path().join("data"))
        .start()
        .await;
    assert_eq!(get(&api, &token, "/v1/users/me").await.code(), 0);
    assert_eq!(
        post(&api, "of-alice", DELETE, json!({"id": id}))
            .await
            .code(),
        0
    );
    let reply = get(&api, &token, "/v1/users/me").await;
    assert_eq!((reply.http, reply.code()), (401, 4100));
    // The data folder has no token as it is.
    let stopped = api.stop().await;
    drop(stopped);
    let database = std::fs::read(folder.path().join("data/coze.db")).unwrap();
    let found = database
        .windows(token.len())
        .any(|it| it == token.as_bytes());
    assert!(!found, "the database has the token's text");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_token_is_told() {
    let api = start().await;
    for (body, field) in [
        (json!({"name": "", "duration_day": "1"}), "name"),
        (
            json!({"name": "x".repeat(101), "duration_day": "1"}),
            "name",
        ),
        (json!({"name": "x", "duration_day": "2"}), "duration_day"),
        (json!({"name": "x", "expire_at": 5}), "expire_at"),
        (json!({"name": "x"}), "expire_at"),
    ] {
        let reply = post(&api, "of-alice", CREATE, body).await;
        assert_eq!(reply.code(), 4000);
        assert!(
            reply.msg().contains(&format!("{field}: ")),
            "{}",
            reply.msg()
        );
    }
    let reply = get(&api, "of-alice", &format!("{LIST}?search_option=mine")).await;
    assert_eq!(reply.code(), 4000);
}

#[tokio::test]
async fn a_narrow_token_makes_no_wide_one() {
    let api = start().await;
    let token = post(&api, "of-alice", IMPERSONATE, json!({})).await;
    let token = text(&token.data()["access_token"]);
    assert!(token.starts_with("czu_"));
    assert_eq!(get(&api, &token, "/v1/users/me").await.code(), 0);
    for narrow in [token.as_str(), "team-only", "chat-only"] {
        let body = json!({"name": "x", "duration_day": "permanent"});
        assert_eq!(post(&api, narrow, CREATE, body).await.code(), 4101);
        assert_eq!(get(&api, narrow, LIST).await.code(), 4101);
    }
}

/// A server without tokens lets everybody in, but nobody as somebody they are not.
#[tokio::test]
async fn an_open_server_knows_the_tokens_that_it_made() {
    let yaml = "users: [{ id: \"7500000000000003001\", name: alice }]";
    let api = Setup::with(yaml).start().await;
    let body = json!({"name": "x", "duration_day": "1"});
    let made = post(&api, "anything", CREATE, body).await.data().clone();
    let token = text(&made["token"]);
    let id = text(&made["personal_access_token"]["id"]);
    assert_eq!(get(&api, &token, "/v1/users/me").await.code(), 0);
    post(&api, "anything", DELETE, json!({"id": id}))
        .await
        .data();
    assert_eq!(get(&api, &token, "/v1/users/me").await.code(), 4100);
    assert_eq!(get(&api, "czu_unknown", "/v1/users/me").await.code(), 4100);
    assert_eq!(get(&api, "pat_unknown", "/v1/users/me").await.code(), 0);
}

/// Who is a member because the file says so is no member any more when it stops saying so.
#[tokio::test]
async fn the_file_takes_back_what_it_gave() {
    let api = start().await;
    let bot = format!("/v1/bots/{SCRIPTED_BOT}");
    assert_eq!(get(&api, "of-bob", &bot).await.code(), 0);
    let folder = api.stop().await;
    let yaml = YAML.replace(", members: [bob]", "");
    let api = Setup::with(&yaml)
        .data(&folder.path().join("data"))
        .start()
        .await;
    assert_eq!(get(&api, "of-bob", &bot).await.code(), 4101);
    assert_eq!(get(&api, "of-alice", &bot).await.code(), 0);
}
