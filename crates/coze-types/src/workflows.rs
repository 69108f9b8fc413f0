//! Workflows: running, streaming, resuming them, and reading what they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::chat::Usage;
use crate::chat_event::ChatEvent;
use crate::collaboration::{AddCollaboratorBody, CollaborationModeBody};
use crate::conversations::Conversation;
use crate::endpoint::endpoints;
use crate::messages::EnterMessage;
use crate::open_enum::open_enum;
use crate::paging::{Page, Paged};
use crate::sse::Framing;
use crate::workflow_event::WorkflowEvent;
use crate::{Data, Empty, Id, StreamOnly, Timestamp, de};

endpoints! { "workflows";
    /// Runs a workflow and waits for its result, or starts it in the background.
    ///
    /// The service cuts this call after 90 seconds without an answer; the workflow itself may take
    /// 10 minutes, in the background 24 hours. Errors: 4000 (parameters), 4200 (not published),
    /// 6003 (background runs need a paid plan). Source:
    /// <https://www.coze.cn/open/docs/developer_guides/workflow_run>
    RunWorkflow = POST "/v1/workflow/run" () "run" {
        query: Empty, body: Json RunWorkflowBody, reply: WorkflowResult
    }

    /// Goes on with an interrupted run that does not stream.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/resume_workflow>
    ResumeWorkflow = POST "/v1/workflows/resume" () "run" {
        query: Empty, body: Json ResumeWorkflowBody, reply: WorkflowResult
    }

    /// Runs a workflow and streams what its output nodes and its end say.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/workflow_stream_run>
    StreamRunWorkflow = POST "/v1/workflow/stream_run" () "run" {
        query: Empty, body: Json RunWorkflowBody, reply: StreamOnly,
        stream: Always WorkflowEvent, Framing::Numbered, |_row| {},
    }

    /// Goes on with an interrupted run and streams the rest; at most three times per run.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/workflow_resume>
    StreamResumeWorkflow = POST "/v1/workflow/stream_resume" () "run" {
        query: Empty, body: Json ResumeWorkflowBody, reply: StreamOnly,
        stream: Always WorkflowEvent, Framing::Numbered, |_row| {},
    }

    /// Runs a chatflow: a workflow that talks, with the events of a chat.
    ///
    /// To answer a question of the chatflow, call it again in the same conversation. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/workflow_chat>
    ChatWorkflow = POST "/v1/workflows/chat" () "run" {
        query: Empty, body: Json ChatWorkflowBody, reply: StreamOnly,
        stream: Always ChatEvent, Framing::Spaced, |_row| {},
    }

    /// Lists the workflows of a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_workflow_list>
    ListWorkflows = GET "/v1/workflows" () "listWorkflow" {
        query: ListWorkflowsQuery, body: None Empty, reply: Data<WorkflowList>
    }

    /// Reads what a workflow is, and on request its inputs and outputs.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_workflow_info>
    RetrieveWorkflow = GET "/v1/workflows/{workflow_id}" (workflow_id) "getMetaData" {
        query: RetrieveWorkflowQuery, body: None Empty, reply: Data<WorkflowInfo>
    }

    /// Lists the published versions of a workflow.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_workflow_version>
    ListWorkflowVersions = GET "/v1/workflows/{workflow_id}/versions" (workflow_id) "listVersion" {
        query: ListWorkflowVersionsQuery, body: None Empty, reply: Data<WorkflowVersionList>
    }

    /// Lets several people edit a workflow or a chatflow, or its owner alone.
    ///
    /// Workflows inside an app cannot be shared this way (4000). Before going back to one, all
    /// collaborators have to be removed. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/switch_workflow_develop_mode>
    SetWorkflowCollaborationMode = POST "/v1/workflows/{workflow_id}/collaboration_mode"
        (workflow_id) "Workflow.switchDevelopMode" {
        query: Empty, body: Json CollaborationModeBody, reply: Empty
    }

    /// Lets a member of the workspace edit a workflow; enterprise plans only.
    ///
    /// [`SetWorkflowCollaborationMode`] has to come first. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/add_workflow_collaborator>
    AddWorkflowCollaborator = POST "/v1/workflows/{workflow_id}/collaborators" (workflow_id)
        "Workflow.addCollaborator" {
        query: Empty, body: Json AddCollaboratorBody, reply: Empty
    }

    /// Takes the right to edit a workflow away from a user.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/remove_workflow_collaborator>
    RemoveWorkflowCollaborator = DELETE "/v1/workflows/{workflow_id}/collaborators/{user_id}"
        (workflow_id, user_id) "Workflow.removeCollaborator" {
        query: Empty, body: None Empty, reply: Empty
    }

    /// Creates a conversation for a chatflow, or finds the one of that name.
    ///
    /// Open-source server only; the vendor's chat SDK calls it there. Its source:
    /// <https://github.com/coze-dev/coze-studio>
    CreateWorkflowConversation = POST "/v1/workflow/conversation/create" () "" {
        query: Empty, body: Json CreateWorkflowConversationBody, reply: Data<Conversation>
    }
}

/// Input parameters: an object, for which JSON text is also read.
///
/// A file is a URL, or JSON text `{"file_id":"…"}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Parameters(pub Map<String, Value>);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected an object, or JSON text of an object")]
        enum Either {
            Object(Map<String, Value>),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Object(map) => Ok(Self(map)),
            Either::Text(text) if text.trim().is_empty() => Ok(Self::default()),
            Either::Text(text) => serde_json::from_str(&text)
                .map(Self)
                .map_err(serde::de::Error::custom),
        }
    }
}

/// Body of [`RunWorkflow`] and [`StreamRunWorkflow`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunWorkflowBody {
    /// The workflow; it must be published.
    pub workflow_id: Id,
    /// Its inputs.
    pub parameters: Option<Parameters>,
    /// The agent whose data it may use; not together with `app_id`.
    pub bot_id: Option<Id>,
    /// The app it belongs to.
    pub app_id: Option<Id>,
    /// `latitude`, `longitude`, `user_id`.
    pub ext: Option<BTreeMap<String, String>>,
    /// Runs in the background; [`RunWorkflow`] only, paid plans only.
    pub is_async: Option<bool>,
    /// The latest by default; workflows of the library only.
    #[serde(alias = "version")]
    pub workflow_version: Option<String>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// `DEBUG` runs the draft; open-source server only.
    pub execute_mode: Option<String>,
    /// Open-source server only.
    pub project_id: Option<Id>,
}

/// Body of [`ResumeWorkflow`] and [`StreamResumeWorkflow`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResumeWorkflowBody {
    /// The workflow.
    pub workflow_id: Id,
    /// [`InterruptData::event_id`].
    pub event_id: String,
    /// The answer: text, or JSON text for input nodes and files.
    pub resume_data: String,
    /// [`InterruptData::kind`].
    #[serde(deserialize_with = "de::int")]
    pub interrupt_type: i64,
    /// Open-source server only.
    pub ext: Option<BTreeMap<String, String>>,
    /// Open-source server only.
    pub connector_id: Option<Id>,
}

/// Reply of [`RunWorkflow`] and [`ResumeWorkflow`]: everything at the top level.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowResult {
    /// The result: JSON text, or plain text; missing while the run goes on or waits.
    pub data: Option<String>,
    /// The run.
    pub execute_id: Option<Id>,
    /// The page that shows the run; valid for 7 days.
    #[serde(default, deserialize_with = "de::null_default")]
    pub debug_url: String,
    /// Tokens.
    pub usage: Option<Usage>,
    /// All tokens.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub token: Option<i64>,
    /// Reserved.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub cost: Option<String>,
    /// The question that the run waits for, instead of `data`.
    pub interrupt_data: Option<InterruptData>,
}

/// A question of a run to its caller.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InterruptData {
    /// `<execute id>/<event id>`; opaque. Goes back with the answer.
    pub event_id: String,
    /// 2 question node, 5 input node, 6 local plugin, 7 OAuth plugin. Goes back as
    /// `interrupt_type`.
    #[serde(rename = "type", deserialize_with = "de::int")]
    pub kind: i64,
    /// `""`, or JSON text that holds the question.
    pub data: Option<String>,
    /// What is asked for.
    pub required_parameters: Option<BTreeMap<String, ParamSchema>>,
}

/// The declaration of a parameter.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParamSchema {
    /// `string`, `integer`, `number`, `boolean`, `array`, `object`, `image`, `file`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// It must be given.
    pub required: Option<bool>,
    /// What it means.
    pub description: Option<String>,
    /// Its default, as text.
    pub default_value: Option<String>,
    /// The elements of an array.
    pub items: Option<Box<ParamSchema>>,
    /// The fields of an object.
    pub properties: Option<BTreeMap<String, ParamSchema>>,
}

/// Body of [`ChatWorkflow`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatWorkflowBody {
    /// The chatflow; it must be published.
    pub workflow_id: Id,
    /// Up to 50, text only; the last one is the question.
    #[serde(default, deserialize_with = "de::null_default")]
    pub additional_messages: Vec<EnterMessage>,
    /// Further inputs. `USER_INPUT` is ignored; `CONVERSATION_NAME` chooses the conversation.
    pub parameters: Option<Parameters>,
    /// The app it belongs to; this or `bot_id`.
    pub app_id: Option<Id>,
    /// The agent whose data it may use; this or `app_id`.
    pub bot_id: Option<Id>,
    /// The conversation to go on with: in the body, unlike a chat's.
    pub conversation_id: Option<Id>,
    /// `latitude`, `longitude`, `user_id`.
    pub ext: Option<BTreeMap<String, String>>,
    /// The latest by default.
    #[serde(alias = "version")]
    pub workflow_version: Option<String>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// Sent by the vendor's chat SDK.
    pub enable_card: Option<bool>,
    /// `DEBUG` runs the draft; open-source server only.
    pub execute_mode: Option<String>,
    /// Whether the answer ends with suggestions; open-source server only.
    pub suggest_reply_info: Option<Value>,
}

/// Body of [`CreateWorkflowConversation`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateWorkflowConversationBody {
    /// The app that the chatflow belongs to.
    pub app_id: Option<Id>,
    /// The chatflow.
    pub workflow_id: Option<Id>,
    /// The name to find or make.
    pub conversation_name: Option<String>,
    /// Takes the conversation of that name if there is one.
    pub get_or_create: Option<bool>,
    /// Uses the draft of the app.
    pub draft_mode: Option<bool>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// Binds the conversation to an agent.
    pub bot_id: Option<Id>,
    /// Pairs given by the caller.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// The workspace.
    pub space_id: Option<Id>,
}

open_enum! {
    /// The kind of a workflow.
    WorkflowMode {
        /// It computes.
        Workflow = "workflow",
        /// It talks.
        Chatflow = "chatflow",
    }
}

open_enum! {
    /// Which versions of a resource are meant.
    PublishStatus {
        /// The published one.
        PublishedOnline = "published_online",
        /// Published, with a newer draft.
        PublishedDraft = "published_draft",
        /// Never published.
        UnpublishedDraft = "unpublished_draft",
        /// All.
        All = "all",
    }
}

impl Paged for ListWorkflows {
    type Item = WorkflowBasic;
    fn prepare(&mut self) {
        self.query.page_num.get_or_insert(1);
        self.query.page_size.get_or_insert(30);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let (list, query) = (page.data, &mut self.query);
        Page::numbered(&mut query.page_num, query.page_size, list.items).has_more(list.has_more)
    }
}

/// Query of [`ListWorkflows`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListWorkflowsQuery {
    /// The workspace; required.
    pub workspace_id: Id,
    /// From 1. The service insists on it, so 1 is sent where none is given.
    #[serialize_always]
    #[serde(
        default,
        deserialize_with = "de::int_opt",
        serialize_with = "first_page"
    )]
    pub page_num: Option<i64>,
    /// 1 to 30; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// Both by default.
    pub workflow_mode: Option<WorkflowMode>,
    /// Only those of this app.
    pub app_id: Option<Id>,
    /// The published ones by default.
    pub publish_status: Option<PublishStatus>,
}

fn first_page<S: Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(number.unwrap_or(1))
}

/// Payload of [`ListWorkflows`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowList {
    /// The workflows of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<WorkflowBasic>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// What a workflow is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowBasic {
    /// The id.
    pub workflow_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workflow_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its picture.
    pub icon_url: Option<String>,
    /// The app it belongs to; `"0"` is none.
    pub app_id: Option<Id>,
    /// When it was made, in seconds; lists send it as text.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, in seconds; lists send it as text.
    pub updated_at: Option<Timestamp>,
    /// Who made it.
    pub creator: Option<Creator>,
}

/// Who made a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creator {
    /// The user's id.
    pub id: Id,
    /// The user's name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
}

/// Query of [`RetrieveWorkflow`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetrieveWorkflowQuery {
    /// Adds inputs and outputs; false by default.
    pub include_input_output: Option<bool>,
    /// Sent by the vendor's chat SDK.
    pub connector_id: Option<Id>,
    /// Sent by the vendor's chat SDK.
    pub is_debug: Option<bool>,
    /// Sent by the vendor's chat SDK.
    pub caller: Option<String>,
}

/// Payload of [`RetrieveWorkflow`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowInfo {
    /// What it is.
    pub workflow_detail: Option<WorkflowBasic>,
    /// What it takes.
    pub input: Option<WorkflowInput>,
    /// What it gives.
    pub output: Option<WorkflowOutput>,
    /// The role of a chatflow: name, picture, opening; for the vendor's chat SDK.
    pub role: Option<Value>,
}

/// What a workflow takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowInput {
    /// The parameters by name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub parameters: BTreeMap<String, ParamSchema>,
}

/// What a workflow gives.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowOutput {
    /// `return_variables` or `use_answer_content`.
    #[serde(default, deserialize_with = "de::null_default")]
    pub terminate_plan: String,
    /// The template of the answer.
    pub content: Option<String>,
    /// The results by name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub parameters: BTreeMap<String, ParamSchema>,
}

impl Paged for ListWorkflowVersions {
    type Item = WorkflowVersion;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(30);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let list = page.data;
        let token = &mut self.query.page_token;
        Page::by_token(token, list.items, list.has_more, list.next_page_token)
    }
}

/// Query of [`ListWorkflowVersions`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListWorkflowVersionsQuery {
    /// The published ones by default.
    pub publish_status: Option<PublishStatus>,
    /// 1 to 30; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// From the page before.
    pub page_token: Option<String>,
    /// Adds inputs and outputs; false by default.
    pub include_input_output: Option<bool>,
}

/// Payload of [`ListWorkflowVersions`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowVersionList {
    /// The versions of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<WorkflowVersion>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
    /// Asks for the next page.
    pub next_page_token: Option<String>,
}

/// A version of a workflow.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowVersion {
    /// Such as `v0.0.5`.
    pub version: String,
    /// What changed.
    pub description: Option<String>,
    /// When it was made, in seconds, as text.
    #[serde(serialize_with = "crate::id::time_as_text")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed, in seconds, as text.
    #[serde(serialize_with = "crate::id::time_as_text")]
    pub updated_at: Option<Timestamp>,
    /// The workflow.
    pub workflow_id: Option<Id>,
    /// Who made it.
    pub creator: Option<Creator>,
    /// What it takes.
    pub input: Option<WorkflowInput>,
    /// What it gives.
    pub output: Option<WorkflowOutput>,
}
