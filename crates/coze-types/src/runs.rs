//! Run histories: what became of a workflow run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::chat::Usage;
use crate::endpoint::endpoints;
use crate::open_enum::{open_enum, open_int_enum};
use crate::workflows::InterruptData;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "runs";
    /// Reads the state and the result of a run; the list has exactly one item.
    ///
    /// Results of the end node are kept for 7 days, of output nodes for 24 hours; above 1 MB they
    /// may be cut. Source: <https://www.coze.cn/open/docs/developer_guides/workflow_history>
    RetrieveRunHistory = GET "/v1/workflows/{workflow_id}/run_histories/{execute_id}"
        (workflow_id, execute_id) "listRunHistory" {
        query: Empty, body: None Empty, reply: Data<Vec<RunHistory>>
    }

    /// Reads the state and the result of a run, where the open-source server keeps them.
    ///
    /// Open-source server only: the hosted service has [`RetrieveRunHistory`]. Its source:
    /// <https://github.com/coze-dev/coze-studio>
    RetrieveStudioRunHistory = GET "/v1/workflow/get_run_history" () "" {
        query: StudioRunHistoryQuery, body: None Empty, reply: Data<Vec<StudioRunHistory>>
    }

    /// Reads the whole output of an output node of a run.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_node_execute_history_response>
    RetrieveNodeHistory =
        GET "/v1/workflows/{workflow_id}/run_histories/{execute_id}/execute_nodes/{node_execute_uuid}"
        (workflow_id, execute_id, node_execute_uuid) "listRunHistory" {
        query: Empty, body: None Empty, reply: Data<NodeOutput>
    }
}

/// Query of [`RetrieveStudioRunHistory`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudioRunHistoryQuery {
    /// The workflow; required.
    pub workflow_id: Id,
    /// The run.
    pub execute_id: Option<Id>,
}

open_int_enum! {
    /// How a run was started.
    RunMode {
        /// Its caller waited for the result.
        Sync = 0,
        /// It was streamed.
        Stream = 1,
        /// In the background.
        Async = 2,
    }
}

open_enum! {
    /// The state of a run.
    ExecuteStatus {
        /// It runs, or waits for an answer.
        Running = "Running",
        /// It is done.
        Success = "Success",
        /// It failed.
        Fail = "Fail",
        /// It was cancelled; open-source server only.
        Cancel = "Cancel",
    }
}

/// What became of a run.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunHistory {
    /// The run.
    pub execute_id: Id,
    /// The state.
    pub execute_status: ExecuteStatus,
    /// The agent it ran for; `"0"` is none.
    #[serde(default, deserialize_with = "de::null_default")]
    pub bot_id: Id,
    /// The channel; `1024` is the API.
    #[serde(default, deserialize_with = "de::null_default")]
    pub connector_id: Id,
    /// The user: `ext.user_id` or the token's owner.
    #[serde(default, deserialize_with = "de::null_default")]
    pub connector_uid: String,
    /// How it was started.
    #[serde(default, deserialize_with = "de::null_default")]
    pub run_mode: RunMode,
    /// The log id.
    #[serde(default, alias = "log_id", deserialize_with = "de::null_default")]
    pub logid: String,
    /// When it began, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// JSON text: `Output` holds the end's result, the titles of output nodes what they said.
    #[serde(default, deserialize_with = "de::null_default")]
    pub output: String,
    /// `""` when fine. Text at the hosted service, a number at the open-source server.
    #[serde(default, deserialize_with = "code_text")]
    pub error_code: String,
    /// Why it failed.
    #[serde(default, alias = "error_msg", deserialize_with = "de::null_default")]
    pub error_message: String,
    /// The page that shows the run; valid for 7 days.
    #[serde(default, deserialize_with = "de::null_default")]
    pub debug_url: String,
    /// Output nodes by title.
    pub node_execute_status: Option<BTreeMap<String, NodeStatus>>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// All tokens, as text.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub token: Option<String>,
    /// Reserved.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub cost: Option<String>,
    /// `output` was cut.
    pub is_output_trimmed: Option<bool>,
    /// The question that the run waits for.
    pub interrupt_data: Option<InterruptData>,
    /// The inputs, as JSON text; open-source server only.
    pub input: Option<String>,
    /// Open-source server only.
    pub cost_unit: Option<String>,
    /// Open-source server only.
    pub ext: Option<serde_json::Value>,
}

fn code_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = de::text_opt(deserializer)?.unwrap_or_default();
    Ok(if text == "0" { String::new() } else { text })
}

/// What became of a run, in the words of the open-source server.
///
/// It has other names for `logid` and `error_message`, and numbers for ids, tokens and error codes;
/// those of the hosted service are read as well.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudioRunHistory {
    /// The run.
    #[serde(serialize_with = "number")]
    pub execute_id: Id,
    /// The state.
    pub execute_status: ExecuteStatus,
    /// The agent it ran for; 0 is none.
    #[serde(
        default,
        deserialize_with = "de::null_default",
        serialize_with = "number"
    )]
    pub bot_id: Id,
    /// The channel; 1024 is the API.
    #[serde(
        default,
        deserialize_with = "de::null_default",
        serialize_with = "number"
    )]
    pub connector_id: Id,
    /// The user: `ext.user_id` or the token's owner.
    #[serde(default, deserialize_with = "de::null_default")]
    pub connector_uid: String,
    /// How it was started.
    #[serde(default, deserialize_with = "de::null_default")]
    pub run_mode: RunMode,
    /// The log id.
    #[serde(default, alias = "logid", deserialize_with = "de::null_default")]
    pub log_id: String,
    /// When it began, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The page that shows the run.
    #[serde(default, deserialize_with = "de::null_default")]
    pub debug_url: String,
    /// The inputs, as JSON text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub input: String,
    /// JSON text: `Output` holds the end's result, the titles of output nodes what they said.
    #[serde(default, deserialize_with = "de::null_default")]
    pub output: String,
    /// All tokens.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub token: Option<i64>,
    /// What the run cost.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub cost: Option<String>,
    /// What the cost is counted in.
    pub cost_unit: Option<String>,
    /// Pairs of the caller.
    pub ext: Option<BTreeMap<String, String>>,
    /// Missing or 0 when fine.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub error_code: Option<i64>,
    /// Why it failed.
    #[serde(default, alias = "error_message")]
    pub error_msg: Option<String>,
}

/// Writes an id as the number that it is; what is none stays text.
fn number<S: serde::Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
    match id.as_str().parse::<i64>() {
        Ok(number) => serializer.serialize_i64(number),
        Err(_) => serializer.serialize_str(id.as_str()),
    }
}

/// What became of an output node.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The node.
    pub node_id: String,
    /// It is done.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_finish: bool,
    /// The turn of the loop that it stands in.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub loop_index: Option<i64>,
    /// The item of the batch that it stands in.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub batch_index: Option<i64>,
    /// When it last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The run of the sub-workflow that it stands in.
    pub sub_execute_id: Option<Id>,
    /// Asks [`RetrieveNodeHistory`] for the whole output.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_execute_uuid: String,
}

/// Payload of [`RetrieveNodeHistory`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeOutput {
    /// It is done.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_finish: bool,
    /// What it said.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_output: String,
}
