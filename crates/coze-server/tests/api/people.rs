//! Workspaces, enterprises, organizations, and who belongs to them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, client, text};

pub(crate) const ALICE: &str = "7500000000000003001";
const BOB: &str = "7500000000000003002";
const CAROL: &str = "7500000000000003003";
const LOCAL: &str = "7500000000000000002";
const TEAM: &str = "7500000000000004001";
const PLANT: &str = "7500000000000004002";
const ACME: &str = "acme_1";

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
  - { id: "7500000000000003003", name: carol }
  - { id: "7500000000000003004", name: dave }
enterprises:
  - { id: acme_1, name: Acme, seats: 3, members: [{ user: alice, role: admin }, bob] }
  - { id: other_1, members: [carol] }
spaces:
  - { id: "7500000000000004001", name: team, owner: alice, members: [bob] }
  - { id: "7500000000000004002", name: plant, owner: bob, enterprise: acme_1 }
tokens:
  - of-local
  - { token: alice, user: alice }
  - { token: bob, user: bob }
  - { token: carol, user: carol }
  - { token: dave, user: dave }
  - { token: team-only, user: alice, spaces: [team] }
"#;

pub(crate) async fn with(
    api: &Api,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let request = client().request(method, format!("{}{path}", api.url()));
    let request = request.bearer_auth(token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    api.send(request).await
}

pub(crate) async fn get(api: &Api, token: &str, path: &str) -> Reply {
    with(api, token, Method::GET, path, None).await
}

pub(crate) async fn post(api: &Api, token: &str, path: &str, body: Value) -> Reply {
    with(api, token, Method::POST, path, Some(body)).await
}

pub(crate) async fn put(api: &Api, token: &str, path: &str, body: Value) -> Reply {
    with(api, token, Method::PUT, path, Some(body)).await
}

pub(crate) async fn delete(api: &Api, token: &str, path: &str, body: Value) -> Reply {
    with(api, token, Method::DELETE, path, Some(body)).await
}

async fn start() -> Api {
    Setup::with(YAML).start().await
}

/// The item of that user.
fn of(list: &Value, user: &str) -> Value {
    let mut items = list["items"].as_array().unwrap().iter();
    items.find(|it| it["user_id"] == user).unwrap().clone()
}

fn names(reply: &Reply) -> Vec<String> {
    let spaces = reply.data()["workspaces"].as_array().unwrap();
    spaces.iter().map(|it| text(&it["name"])).collect()
}

#[tokio::test]
async fn the_workspaces_of_each_user() {
    let api = start().await;
    let list = get(&api, "of-local", "/v1/workspaces").await;
    assert_eq!(
        list.data()["workspaces"],
        json!([{
            "id": "7500000000000000003", "name": "Local space", "icon_url": "", "description": "",
            "role_type": "owner", "workspace_type": "personal", "enterprise_id": "",
            "owner_uid": LOCAL, "admin_uids": [], "joined_status": "joined",
        }])
    );
    assert_eq!(list.data()["total_count"], 1);
    let list = get(&api, "bob", "/v1/workspaces").await;
    assert_eq!(names(&list).len(), 3);
    let page = get(&api, "bob", "/v1/workspaces?page_num=2&page_size=2").await;
    assert_eq!(
        (names(&page).len(), &page.data()["total_count"]),
        (1, &json!(3))
    );
    let list = get(&api, "bob", "/v1/workspaces?enterprise_id=acme_1").await;
    assert_eq!(names(&list), ["plant"]);
    let list = get(&api, "team-only", "/v1/workspaces").await;
    assert_eq!(names(&list), ["team"]);

    // Of another user, in an organization that one manages.
    let organizations = get(&api, "alice", "/v1/enterprises/acme_1/organizations").await;
    let organization = text(&organizations.data()["items"][0]["organization_id"]);
    let of_bob = format!("/v1/workspaces?user_id={BOB}&coze_account_id={organization}");
    assert_eq!(names(&get(&api, "alice", &of_bob).await), ["plant"]);
    assert_eq!(get(&api, "carol", &of_bob).await.code(), 4101);
    let own = format!("/v1/workspaces?user_id={BOB}&coze_account_id={BOB}");
    assert_eq!(names(&get(&api, "bob", &own).await).len(), 2);
    assert_eq!(get(&api, "carol", &own).await.code(), 4101);
    for (query, code) in [
        (format!("user_id={BOB}"), 4000),
        (format!("coze_account_id={BOB}"), 4000),
        (
            format!("user_id={BOB}&coze_account_id=1&enterprise_id=acme_1"),
            4000,
        ),
        ("enterprise_id=other_1".to_owned(), 4101),
        ("enterprise_id=none".to_owned(), 4200),
        (format!("user_id={BOB}&coze_account_id=1"), 4200),
        ("page_num=0".to_owned(), 4000),
    ] {
        let reply = get(&api, "alice", &format!("/v1/workspaces?{query}")).await;
        assert_eq!(reply.code(), code, "{query}: {}", reply.msg());
    }
}

#[tokio::test]
async fn a_workspace_is_made_changed_and_shared() {
    let api = start().await;
    let body = json!({"name": "lab", "description": "for tests"});
    let made = post(&api, "carol", "/v1/workspaces", body).await;
    let id = text(&made.data()["id"]);
    let path = format!("/v1/workspaces/{id}");
    let members = format!("{path}/members");

    // Nobody else sees it.
    assert_eq!(
        put(&api, "bob", &path, json!({"name": "x"})).await.code(),
        4101
    );
    assert_eq!(get(&api, "bob", &members).await.code(), 4101);
    assert_eq!(
        put(&api, "carol", &path, json!({"name": "Lab"}))
            .await
            .code(),
        0
    );
    let list = get(&api, "carol", "/v1/workspaces").await;
    let lab = &list.data()["workspaces"][1];
    assert_eq!(
        (&lab["name"], &lab["description"]),
        (&json!("Lab"), &json!("for tests"))
    );

    let users = json!({"users": [
        {"user_id": BOB, "role_type": "admin"},
        {"user_id": "77", "role_type": "member"},
        {"user_id": CAROL, "role_type": "member"},
    ]});
    let added = post(&api, "carol", &members, users).await;
    assert_eq!(
        added.data(),
        &json!({
            "added_success_user_ids": [], "invited_success_user_ids": [BOB],
            "not_exist_user_ids": ["77"], "already_joined_user_ids": [CAROL],
            "already_invited_user_ids": [],
        })
    );
    // From this moment on; an admin may change it, a member may not.
    assert_eq!(
        put(&api, "bob", &path, json!({"description": "x"}))
            .await
            .code(),
        0
    );
    let users = json!({"users": [{"user_id": ALICE, "role_type": "member"}]});
    post(&api, "bob", &members, users).await.data();
    assert_eq!(
        put(&api, "alice", &path, json!({"name": "x"})).await.code(),
        4101
    );
    let list = get(&api, "alice", &members).await;
    assert_eq!(list.data()["total_count"], 3);
    assert_eq!(
        of(list.data(), CAROL),
        json!({
            "user_id": CAROL, "role_type": "owner", "user_nickname": "carol",
            "user_unique_name": "carol", "avatar_url": "",
        })
    );
    let removed = json!({"user_ids": [ALICE, CAROL, "77"]});
    let removed = delete(&api, "bob", &members, removed).await;
    assert_eq!(
        removed.data(),
        &json!({
            "removed_success_user_ids": [ALICE], "not_in_workspace_user_ids": ["77"],
            "owner_not_support_remove_user_ids": [CAROL],
        })
    );
    assert_eq!(get(&api, "alice", &members).await.code(), 4101);
    assert_eq!(
        post(
            &api,
            "team-only",
            "/v1/workspaces",
            json!({"name": "x", "description": "x"})
        )
        .await
        .code(),
        4101
    );
}

#[tokio::test]
async fn what_a_workspace_cannot_be() {
    let api = start().await;
    for (body, field) in [
        (json!({"name": "", "description": "x"}), "name"),
        (json!({"name": "x".repeat(51), "description": "x"}), "name"),
        (json!({"name": "x", "description": ""}), "description"),
        (
            json!({"name": "x", "description": "x".repeat(2001)}),
            "description",
        ),
        (
            json!({"name": "x", "description": "x", "owner_uid": BOB}),
            "owner_uid",
        ),
    ] {
        let reply = post(&api, "alice", "/v1/workspaces", body).await;
        assert_eq!(reply.code(), 4000);
        assert!(reply.msg().contains(field), "{}", reply.msg());
    }
    let body = json!({"name": "x", "description": "x", "icon_file_id": "5"});
    assert_eq!(
        post(&api, "alice", "/v1/workspaces", body).await.code(),
        4200
    );
    let body = json!({"name": "x", "description": "x", "coze_account_id": "5"});
    assert_eq!(
        post(&api, "alice", "/v1/workspaces", body).await.code(),
        4200
    );
    let members = format!("/v1/workspaces/{TEAM}/members");
    let many: Vec<_> = (0..21)
        .map(|it| json!({"user_id": it, "role_type": "member"}))
        .collect();
    for users in [
        json!([]),
        json!(many),
        json!([{"user_id": BOB, "role_type": "owner"}]),
    ] {
        let reply = post(&api, "alice", &members, json!({"users": users})).await;
        assert_eq!(reply.code(), 4000, "{}", reply.msg());
    }
    for users in [json!([]), json!(["1", "2", "3", "4", "5", "6"])] {
        let reply = delete(&api, "alice", &members, json!({"user_ids": users})).await;
        assert_eq!(reply.code(), 4000, "{}", reply.msg());
    }
    let own = "/v1/workspaces/7500000000000000003/members";
    let users = json!({"users": [{"user_id": BOB, "role_type": "member"}]});
    assert_eq!(post(&api, "of-local", own, users).await.code(), 4000);
    assert_eq!(
        get(&api, "alice", "/v1/workspaces/5/members").await.code(),
        4200
    );
}

#[tokio::test]
async fn people_of_an_enterprise() {
    let api = start().await;
    let members = format!("/v1/enterprises/{ACME}/members");
    let user = |id: &str, role: &str| json!({"users": [{"user_id": id, "role": role}]});
    for (token, path, body, code) in [
        (
            "bob",
            members.as_str(),
            user(CAROL, "enterprise_member"),
            4101,
        ),
        ("carol", &members, user(CAROL, "enterprise_member"), 4101),
        (
            "alice",
            "/v1/enterprises/none/members",
            user(CAROL, "enterprise_member"),
            4200,
        ),
        ("alice", &members, user("77", "enterprise_member"), 4200),
        ("alice", &members, user(BOB, "enterprise_member"), 4000),
        ("alice", &members, user(CAROL, "king"), 4000),
        ("alice", &members, json!({"users": []}), 4000),
        ("alice", &members, user(CAROL, "enterprise_member"), 0),
        (
            "alice",
            &members,
            user(LOCAL, "enterprise_member"),
            777_074_011,
        ),
    ] {
        let reply = post(&api, token, path, body.clone()).await;
        assert_eq!(reply.code(), code, "{token} {path} {body}: {}", reply.msg());
    }
    let of = |id: &str| format!("{members}/{id}");
    let admin = json!({"role": "enterprise_admin"});
    let member = json!({"role": "enterprise_member"});
    assert_eq!(
        put(&api, "alice", &of(ALICE), member.clone()).await.code(),
        4000
    );
    assert_eq!(
        put(&api, "alice", &of(LOCAL), admin.clone()).await.code(),
        4200
    );
    assert_eq!(
        put(&api, "carol", &of(CAROL), admin.clone()).await.code(),
        4101
    );
    assert_eq!(put(&api, "alice", &of(CAROL), admin).await.code(), 0);
    assert_eq!(put(&api, "carol", &of(ALICE), member).await.code(), 0);

    // What bob owns there goes to carol.
    let to = |id: &str| json!({"receiver_user_id": id});
    assert_eq!(
        delete(&api, "carol", &of(BOB), to(ALICE)).await.code(),
        4000
    );
    assert_eq!(
        delete(&api, "carol", &of(CAROL), to(ALICE)).await.code(),
        4000
    );
    let plant = format!("/v1/workspaces/{PLANT}/members");
    assert_eq!(get(&api, "carol", &plant).await.code(), 4101);
    assert_eq!(delete(&api, "carol", &of(BOB), to(CAROL)).await.code(), 0);
    assert_eq!(get(&api, "bob", &plant).await.code(), 4101);
    let list = get(&api, "carol", &plant).await;
    assert_eq!(list.data()["items"][0]["role_type"], "owner");
    assert_eq!(list.data()["total_count"], 1);
}

#[tokio::test]
async fn organizations_and_their_people() {
    let api = start().await;
    let organizations = format!("/v1/enterprises/{ACME}/organizations");
    let body = json!({"name": "Labs", "super_admin_user_id": BOB});
    assert_eq!(
        post(&api, "bob", &organizations, body.clone()).await.code(),
        4101
    );
    let made = post(&api, "alice", &organizations, body).await;
    let id = text(&made.data()["organization_id"]);
    let list = get(&api, "bob", &organizations).await.data().clone();
    assert_eq!(list["total_count"], 2);
    assert_eq!(list["items"][0]["is_default_organization"], true);
    assert_eq!(
        list["items"][1],
        json!({
            "organization_id": id, "organization_name": "Labs", "organization_icon_url": "",
            "is_default_organization": false,
        })
    );
    assert_eq!(get(&api, "carol", &organizations).await.code(), 4101);
    for body in [
        json!({"name": "x".repeat(31), "super_admin_user_id": BOB}),
        json!({"name": "x", "super_admin_user_id": CAROL}),
        json!({"name": "x", "super_admin_user_id": BOB, "description": "x".repeat(101)}),
    ] {
        assert_eq!(post(&api, "alice", &organizations, body).await.code(), 4000);
    }

    let path = format!("/v1/organizations/{id}");
    assert_eq!(
        put(&api, "bob", &path, json!({"name": "Lab"})).await.code(),
        0
    );
    assert_eq!(
        put(&api, "carol", &path, json!({"name": "x"})).await.code(),
        4101
    );
    assert_eq!(
        put(&api, "bob", "/v1/organizations/5", json!({}))
            .await
            .code(),
        4200
    );

    let members = format!("{path}/members");
    let people = |id: &str, role: &str| json!({"organization_people": [{"user_id": id, "organization_role_type": role}]});
    for (token, body, code) in [
        ("carol", people(CAROL, "organization_guest"), 4101),
        ("bob", people(CAROL, "organization_member"), 4000),
        ("bob", people(CAROL, "boss"), 4000),
        ("bob", json!({"organization_people": []}), 4000),
        ("bob", people("77", "organization_guest"), 4200),
        ("bob", people(CAROL, "organization_guest"), 0),
        ("bob", people(CAROL, "organization_guest"), 4000),
        ("bob", people(ALICE, "organization_member"), 0),
        ("carol", people(LOCAL, "organization_guest"), 4101),
    ] {
        let reply = post(&api, token, &members, body.clone()).await;
        assert_eq!(reply.code(), code, "{token} {body}: {}", reply.msg());
    }
    let list = get(&api, "carol", &members).await.data().clone();
    assert_eq!(list["total_count"], 3);
    assert_eq!(of(&list, CAROL)["people_type"], "guest");
    assert_eq!(of(&list, ALICE)["people_type"], "employee");
    let bob = of(&list, BOB);
    assert_eq!(bob["organization_role_type"], "organization_super_admin");
    assert_eq!(get(&api, "dave", &members).await.code(), 4101);

    let of = |id: &str| format!("{members}/{id}");
    let role = |role: &str| json!({"organization_role_type": role});
    for (user, role, code) in [
        (BOB, role("organization_member"), 4000),
        (ALICE, role("organization_guest"), 4000),
        (LOCAL, role("organization_member"), 4200),
        (ALICE, role("organization_super_admin"), 0),
    ] {
        let reply = put(&api, "bob", &of(user), role.clone()).await;
        assert_eq!(reply.code(), code, "{user} {role}: {}", reply.msg());
    }
    // A workspace of the organization goes to whom its owner hands it.
    let body = json!({"name": "bench", "description": "x", "coze_account_id": id});
    let made = post(&api, "bob", "/v1/workspaces", body).await;
    let bench = format!("/v1/workspaces/{}/members", text(&made.data()["id"]));
    let to = |id: &str| json!({"receiver_user_id": id});
    assert_eq!(
        delete(&api, "alice", &of(BOB), to(CAROL)).await.code(),
        4000
    );
    assert_eq!(delete(&api, "alice", &of(BOB), to(ALICE)).await.code(), 0);
    assert_eq!(get(&api, "bob", &bench).await.code(), 4101);
    assert_eq!(get(&api, "alice", &bench).await.data()["total_count"], 1);
    assert_eq!(
        delete(&api, "alice", &of(ALICE), to(CAROL)).await.code(),
        4000
    );
}
