//! What the plan includes, and quotas of end users.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, text};
use crate::people::{get, post, with};

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
  - { id: "7500000000000003003", name: carol }
enterprises:
  - { id: acme_1, members: [{ user: alice, role: admin }, bob, { user: carol, role: admin }] }
  - { id: other_1, members: [{ user: carol, role: admin }, { user: local, role: admin }] }
tokens:
  - of-local
  - { token: alice, user: alice }
  - { token: bob, user: bob }
  - { token: carol, user: carol }
"#;
const PATH: &str = "/v1/commerce/benefit/limitations";
const BENEFITS: &str = "/v1/commerce/benefit/benefits/get";

async fn start() -> Api {
    Setup::with(YAML).start().await
}

/// The body of a new quota.
fn quota(entity: &str, change: &Value) -> Value {
    let mut info = json!({
        "benefit_type": "resource_point", "active_mode": "absolute_time", "started_at": 0,
        "ended_at": 253_402_300_799_i64, "limit": 100,
    });
    for (key, value) in change.as_object().unwrap() {
        info[key] = value.clone();
    }
    json!({"entity_type": entity, "entity_id": "d-1", "benefit_info": info})
}

async fn list(api: &Api, token: &str, query: &str) -> Reply {
    get(api, token, &format!("{PATH}?{query}")).await
}

const DEVICE: &str = "entity_type=single_device&entity_id=d-1&benefit_type=resource_point";

#[tokio::test]
async fn a_plan_is_told_with_what_was_called() {
    let yaml = format!("{YAML}plan: {{ per_second: 50 }}\n");
    let api = Setup::with(&yaml).start().await;
    let level = |reply: &Reply| text(&reply.data()["basic_info"]["user_level"]);
    let plain = get(&api, "alice", BENEFITS).await;
    assert_eq!(
        plain.data(),
        &json!({"basic_info": {"user_level": "enterprise"}})
    );
    let both = format!("{BENEFITS}?benefit_type_list=api_run_qps,call_tool_limit&resource_id=chat");
    // Two calls in the same second at least once in some tries.
    let mut used = 0.0_f64;
    for _ in 0..50 {
        let reply = get(&api, "alice", &both).await;
        let rate = &reply.data()["benefit_info"][0];
        let counted = &rate["effective"]["item_info"];
        assert_eq!(
            (&rate["benefit_type"], &rate["resource_id"], &rate["extra"]),
            (&json!("api_run_qps"), &json!("chat"), &json!([]))
        );
        assert_eq!(
            (&counted["strategy"], &counted["total"]),
            (&json!("by_quota"), &json!(50.0))
        );
        assert_eq!(rate["basic"], rate["effective"]);
        let now = counted["used"].as_f64().unwrap();
        assert!(now >= 1.0, "{now}");
        used = used.max(now);
        let tools = &reply.data()["benefit_info"][1];
        assert_eq!(tools["benefit_type"], "call_tool_limit");
        assert_eq!(tools["basic"]["status"], "valid");
        assert_eq!(
            tools["basic"]["item_info"],
            json!({"strategy": "unlimit", "used": 0.0, "total": 1.0})
        );
        if used >= 2.0 {
            break;
        }
    }
    assert!(used >= 2.0, "{used}");

    for (query, field) in [
        ("benefit_type_list=api_run_qps", "resource_id"),
        ("benefit_type_list=resource_point", "benefit_type_list"),
        (
            "benefit_type_list=api_run_qps&resource_id=bot",
            "resource_id",
        ),
    ] {
        let reply = get(&api, "alice", &format!("{BENEFITS}?{query}")).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(field), "{}", reply.text);
    }

    // Without an enterprise it is the plan that counts.
    let api = Setup::with("plan: { total: 9 }\n").start().await;
    assert_eq!(level(&api.get(BENEFITS).await), "free");
    let api = Setup::with("{}").start().await;
    let reply = api.get(&both).await;
    assert_eq!(level(&reply), "pro_personal");
    let rate = &reply.data()["benefit_info"][0]["basic"]["item_info"];
    assert_eq!(
        rate,
        &json!({"strategy": "unlimit", "used": 0.0, "total": 1.0})
    );
}

#[tokio::test]
async fn quotas_are_made_listed_and_changed() {
    let api = start().await;
    let made = post(&api, "alice", PATH, quota("single_device", &json!({}))).await;
    let id = text(&made.data()["benefit_info"]["benefit_id"]);
    let whole = json!({
        "benefit_id": id, "benefit_type": "resource_point", "active_mode": "absolute_time",
        "started_at": 0, "ended_at": 253_402_300_799_i64, "limit": 100, "status": "valid",
        "trigger_unit": "never", "trigger_time": 1, "entity_type": "single_device",
        "entity_id": "d-1",
    });
    assert_eq!(made.data()["benefit_info"], whole);
    assert_eq!(
        list(&api, "alice", DEVICE).await.data(),
        &json!({"benefit_infos": [whole], "has_more": false})
    );
    let change = json!({"limit": 5, "trigger_unit": "day", "trigger_time": 2, "status": "frozen"});
    let path = format!("{PATH}/{id}");
    let changed = with(&api, "alice", Method::PUT, &path, Some(change)).await;
    assert_eq!(changed.data()["benefit_info"]["limit"], 5);
    // Only those that hold are listed unless asked otherwise.
    let none = list(&api, "alice", DEVICE).await;
    assert_eq!(none.data()["benefit_infos"], json!([]));

    let api = api.again(Setup::with(YAML)).await;
    let frozen = list(&api, "alice", &format!("{DEVICE}&status=frozen")).await;
    let it = &frozen.data()["benefit_infos"][0];
    assert_eq!(
        (&it["benefit_id"], &it["trigger_unit"], &it["trigger_time"]),
        (&json!(id), &json!("day"), &json!(2))
    );
    // What is counted once for all has no time.
    let change = json!({"trigger_unit": "never", "trigger_time": 9, "status": "valid"});
    let changed = with(&api, "alice", Method::PUT, &path, Some(change)).await;
    assert_eq!(changed.data()["benefit_info"]["trigger_time"], 1);

    // Pages.
    for _ in 0..4 {
        let body = quota("single_device", &json!({}));
        post(&api, "alice", PATH, body).await.data();
    }
    let (mut ids, mut token) = (Vec::new(), String::new());
    loop {
        let query = format!("{DEVICE}&page_size=2&page_token={token}");
        let page = list(&api, "alice", &query).await;
        let items = page.data()["benefit_infos"].as_array().unwrap();
        ids.extend(items.iter().map(|it| text(&it["benefit_id"])));
        if page.data()["has_more"] != true {
            break;
        }
        token = text(&page.data()["page_token"]);
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!((ids.len(), &ids), (5, &sorted));
    assert_eq!(ids[0], id);
}

#[tokio::test]
async fn all_devices_have_one_quota_of_each_kind() {
    let api = start().await;
    let all = |change: Value| quota("enterprise_all_devices", &change);
    let day = json!({"trigger_unit": "day"});
    let first = post(&api, "alice", PATH, all(json!({}))).await;
    let once = text(&first.data()["benefit_info"]["benefit_id"]);
    // There is no device that it is for.
    assert_eq!(first.data()["benefit_info"]["entity_id"], Value::Null);
    let reply = post(&api, "alice", PATH, all(json!({}))).await;
    assert_eq!(reply.code(), 4000);
    assert!(reply.msg().contains(&once), "{}", reply.text);
    post(&api, "alice", PATH, all(day.clone())).await.data();
    let hour = all(json!({"trigger_unit": "hour"}));
    assert_eq!(post(&api, "alice", PATH, hour).await.code(), 4000);
    // Neither becomes what the other is.
    let path = format!("{PATH}/{once}");
    let changed = with(&api, "alice", Method::PUT, &path, Some(day)).await;
    assert_eq!(changed.code(), 4000, "{}", changed.text);
    let voice = json!({"benefit_type": "voice_unified_duration_system"});
    post(&api, "alice", PATH, all(voice)).await.data();
    let consumers = quota("enterprise_all_custom_consumers", &json!({}));
    post(&api, "alice", PATH, consumers).await.data();
}

#[tokio::test]
async fn what_is_wrong_says_why() {
    let api = start().await;
    let device = |change: Value| quota("single_device", &change);
    let mut nobody = device(json!({}));
    nobody["entity_id"] = Value::Null;
    for (body, why) in [
        (quota("everybody", &json!({})), "entity_type"),
        (quota("", &json!({})), "entity_type"),
        (json!({"entity_type": "single_device"}), "benefit_info"),
        (nobody, "entity_id"),
        (
            device(json!({"benefit_type": "api_run_qps"})),
            "benefit_info.benefit_type",
        ),
        (
            device(json!({"active_mode": "relative_time"})),
            "benefit_info.active_mode",
        ),
        (device(json!({"status": "expired"})), "benefit_info.status"),
        (
            device(json!({"trigger_unit": "week"})),
            "benefit_info.trigger_unit",
        ),
        (
            device(json!({"trigger_unit": "day", "trigger_time": 0})),
            "benefit_info.trigger_time",
        ),
        (device(json!({"limit": 0})), "benefit_info.limit"),
        (device(json!({"limit": -1})), "benefit_info.limit"),
        (device(json!({"started_at": -1})), "benefit_info.started_at"),
        (device(json!({"ended_at": 0})), "benefit_info.ended_at"),
    ] {
        let reply = post(&api, "alice", PATH, body).await;
        assert_eq!(reply.code(), 4000, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
    for (query, why) in [
        ("benefit_type=resource_point".to_owned(), "entity_type"),
        (
            "entity_type=single_device&benefit_type=resource_point".to_owned(),
            "entity_id",
        ),
        (
            "entity_type=enterprise_all_devices".to_owned(),
            "benefit_type",
        ),
        (
            "entity_type=enterprise_all_devices&benefit_type=call_tool_limit".to_owned(),
            "benefit_type",
        ),
        (format!("{DEVICE}&status=expired"), "status"),
        (format!("{DEVICE}&page_size=0"), "page_size"),
        (format!("{DEVICE}&page_token=x"), "page_token"),
    ] {
        let reply = list(&api, "alice", &query).await;
        assert_eq!(reply.code(), 4000, "{query}: {}", reply.text);
        assert!(reply.msg().contains(why), "{query}: {}", reply.text);
    }
    let made = post(&api, "alice", PATH, device(json!({}))).await;
    let id = text(&made.data()["benefit_info"]["benefit_id"]);
    let path = format!("{PATH}/{id}");
    for (body, why) in [
        (json!({"limit": 0}), "limit"),
        (json!({"ended_at": 0}), "ended_at"),
        (json!({"status": "gone"}), "status"),
        (json!({"trigger_unit": "year"}), "trigger_unit"),
        (json!({"active_mode": "relative"}), "active_mode"),
    ] {
        let reply = with(&api, "alice", Method::PUT, &path, Some(body)).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    let unknown = format!("{PATH}/12");
    // A member, one who administrates two, the administrator of another, and one that is none.
    for (token, path, code, why) in [
        ("bob", path.as_str(), 4101, "no administrator"),
        ("carol", path.as_str(), 4101, "acme_1, other_1"),
        ("of-local", path.as_str(), 4101, "another enterprise"),
        ("alice", unknown.as_str(), 4200, "quota 12"),
    ] {
        let body = json!({"limit": 1});
        let reply = with(&api, token, Method::PUT, path, Some(body)).await;
        assert_eq!(reply.code(), code, "{token}: {}", reply.text);
        assert!(reply.msg().contains(why), "{token}: {}", reply.text);
    }
    for token in ["bob", "carol"] {
        let body = device(json!({}));
        assert_eq!(post(&api, token, PATH, body).await.code(), 4101);
        assert_eq!(list(&api, token, DEVICE).await.code(), 4101);
    }
    // Another enterprise sees nothing of it.
    let theirs = list(&api, "of-local", DEVICE).await;
    assert_eq!(theirs.data()["benefit_infos"], json!([]));
}
