//! A ready-made space: agents, workflows and a conversation to look at and to talk to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coze_types::Empty;
use coze_types::conversations::{
    CreateConversation, CreateConversationBody, ListConversations, ListConversationsQuery,
};
use coze_types::messages::{ContentType, EnterMessage, MessageType, Role};

use crate::app::App;
use crate::auth::Grant;
use crate::call::Call;
use crate::config::{LOCAL_USER, Space};
use crate::fail::Fail;
use crate::ids::log_id;
use crate::routes::conversations;
use crate::store::StoreError;

/// A ready-made space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A bookshop: an agent with a script, tools, a workflow and documents to look things up in, one
    /// on the built-in model, two workflows, and a conversation.
    Demo,
}

const DEMO: &[(&str, &str)] = &[
    ("grade.json", include_str!("seed/demo/grade.json")),
    ("trip.json", include_str!("seed/demo/trip.json")),
    (
        "rules/returns.md",
        include_str!("seed/demo/rules/returns.md"),
    ),
    (
        "rules/members.md",
        include_str!("seed/demo/rules/members.md"),
    ),
    ("coze.yaml", include_str!("seed/demo/coze.yaml")),
];
/// The agent that the conversation is with.
const BOOKSHOP: &str = "7500000000000009001";
/// What its documents answer.
const QUESTION: &str = "怎么退货？";
/// What was said there; true is a question.
const TALK: &[(bool, &str)] = &[
    (true, "几点开门？"),
    (false, "每天早上九点到晚上九点。"),
    (true, "When do you open?"),
    (
        false,
        "From nine in the morning to nine in the evening, every day.",
    ),
];

impl Seed {
    /// An agent of it, and a question that the agent answers from its documents.
    #[must_use]
    pub fn question(self) -> (&'static str, &'static str) {
        let Self::Demo = self;
        (BOOKSHOP, QUESTION)
    }

    /// Puts its files into the data folder, where they can be read and changed, and reads them.
    /// Files that are there already stay as they are.
    pub(crate) fn space(self, data: &Path) -> Result<Space, String> {
        let Self::Demo = self;
        let folder = data.join("seed").join("demo");
        let io = |error| StoreError::io(&folder, error).to_string();
        std::fs::create_dir_all(folder.join("rules")).map_err(io)?;
        for (name, text) in DEMO {
            let path = folder.join(name);
            if !path.exists() {
                std::fs::write(&path, text).map_err(io)?;
            }
        }
        Space::load(&folder.join("coze.yaml")).map_err(|error| error.to_string())
    }
}

/// Adds what a seed has to what a file has, which goes first where both have the same.
pub(crate) fn add(space: &mut Space, seed: &Space) {
    for bot in &seed.bots {
        if !space.bots.iter().any(|it| it.id == bot.id) {
            space.bots.push(bot.clone());
        }
    }
    for (name, model) in &seed.models {
        let entry = space.models.entry(name.clone());
        entry.or_insert_with(|| model.clone());
    }
    for dataset in &seed.datasets {
        if !space.datasets.iter().any(|it| it.id == dataset.id) {
            let mut dataset = dataset.clone();
            dataset.folder = beside(seed, dataset.folder);
            space.datasets.push(dataset);
        }
    }
    for workflow in &seed.workflows {
        if !space.workflows.iter().any(|it| it.id == workflow.id) {
            let mut workflow = workflow.clone();
            workflow.file = beside(seed, workflow.file);
            space.workflows.push(workflow);
        }
    }
}

/// A file of the seed, for a space that lies elsewhere.
fn beside(seed: &Space, file: PathBuf) -> PathBuf {
    std::path::absolute(seed.folder.join(&file)).unwrap_or(file)
}

/// Puts the conversation there, unless the agent has one already.
pub(crate) async fn fill(app: &App) -> Result<(), Fail> {
    let caller = app
        .directory
        .caller(app, Arc::new(Grant::whole(LOCAL_USER)))
        .await?;
    let query = ListConversationsQuery {
        bot_id: BOOKSHOP.into(),
        ..ListConversationsQuery::default()
    };
    let list = Call {
        row: ListConversations {
            query,
            body: Empty {},
        },
        user: caller.clone(),
        log_id: log_id(app.ids.next()),
    };
    let there = conversations::list(app.clone(), list).await?;
    if !there.data.conversations.is_empty() {
        return Ok(());
    }
    let messages = TALK.iter().map(|(asked, text)| match asked {
        true => EnterMessage::user(*text),
        false => EnterMessage {
            role: Role::Assistant,
            kind: Some(MessageType::Answer),
            content: (*text).to_owned(),
            content_type: Some(ContentType::Text),
            ..EnterMessage::default()
        },
    });
    let body = CreateConversationBody {
        bot_id: Some(BOOKSHOP.into()),
        name: Some("逛书店 At the bookshop".to_owned()),
        messages: Some(messages.collect()),
        ..CreateConversationBody::default()
    };
    let create = Call {
        row: CreateConversation {
            query: Empty {},
            body,
        },
        user: caller,
        log_id: log_id(app.ids.next()),
    };
    conversations::create(app.clone(), create).await?;
    Ok(())
}
