//! Who may change and remove datasets and their documents.

use serde_json::{Value, json};

use crate::harness::{Api, Setup, text};
use crate::knowledge::local;
use crate::people::{delete, post, put};

const TEAM: &str = "7500000000000004001";

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
  - { id: "7500000000000003003", name: carol }
spaces:
  - id: "7500000000000004001"
    name: team
    owner: alice
    members: [bob, { user: carol, role: admin }]
tokens:
  - { token: alice, user: alice }
  - { token: bob, user: bob }
  - { token: carol, user: carol }
"#;

async fn dataset(api: &Api, token: &str) -> String {
    let body = json!({"name": "rules", "space_id": TEAM, "format_type": 0});
    let reply = post(api, token, "/v1/datasets", body).await;
    text(&reply.data()["dataset_id"])
}

#[tokio::test]
async fn its_owner_changes_a_dataset_and_administrators_may_remove_it() {
    let api = Setup::with(YAML).start().await;
    let of_bob = dataset(&api, "bob").await;
    let path = format!("/v1/datasets/{of_bob}");
    for (token, code) in [("alice", 4101), ("carol", 4101), ("bob", 0)] {
        let reply = put(&api, token, &path, json!({"name": "new"})).await;
        assert_eq!(reply.code(), code, "{token}: {}", reply.text);
    }
    assert_eq!(delete(&api, "carol", &path, Value::Null).await.code(), 0);

    let of_alice = dataset(&api, "alice").await;
    let path = format!("/v1/datasets/{of_alice}");
    let refused = delete(&api, "bob", &path, Value::Null).await;
    assert_eq!(
        refused.refusal(),
        "200 4101 the dataset <id:1> can be removed by its owner and by administrators of its \
         workspace only"
    );
    let of_carol = dataset(&api, "carol").await;
    let path = format!("/v1/datasets/{of_carol}");
    assert_eq!(delete(&api, "alice", &path, Value::Null).await.code(), 0);
}

#[tokio::test]
async fn documents_are_removed_by_the_owner_of_their_dataset() {
    let api = Setup::with(YAML).start().await;
    let of_bob = dataset(&api, "bob").await;
    let create = "/open_api/knowledge/document/create";
    let body = json!({"dataset_id": of_bob, "chunk_strategy": {"chunk_type": 0},
        "document_bases": [local("a.txt", "txt", "text")]});
    // Members may add some.
    let made = post(&api, "alice", create, body).await;
    made.data();
    let ids = json!({"document_ids": [made.json["document_infos"][0]["document_id"]]});
    let path = "/open_api/knowledge/document/delete";
    let refused = post(&api, "alice", path, ids.clone()).await;
    assert_eq!(refused.code(), 4101, "{}", refused.text);
    assert_eq!(post(&api, "bob", path, ids).await.code(), 0);
}
