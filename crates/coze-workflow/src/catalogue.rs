//! The node types of Coze: the number a canvas writes, the key that events show, the name that
//! exports use. Knowing a type here does not mean that the engine runs it.

use std::fmt;

use serde::{Serialize, Serializer};

/// `(number, display key, export name)`
const TYPES: &[(&str, &str, &str)] = &[
    ("1", "Start", "start"),
    ("2", "End", "end"),
    ("3", "LLM", "llm"),
    ("4", "Api", "plugin"),
    ("5", "Code", "code"),
    ("6", "Dataset", "knowledge"),
    ("8", "If", "condition"),
    ("9", "SubWorkflow", "subflow"),
    ("11", "Variable", "variable"),
    ("12", "Database", "database"),
    ("13", "Message", "output"),
    ("14", "Imageflow", "imageflow"),
    ("15", "Text", "text"),
    ("16", "ImageGenerate", "image_generate"),
    ("17", "ImageReference", "image_reference"),
    ("18", "Question", "question"),
    ("19", "Break", "break"),
    ("20", "LoopSetVariable", "loop_set_variable"),
    ("21", "Loop", "loop"),
    ("22", "Intent", "intent"),
    ("23", "ImageCanvas", "drawing_board"),
    ("24", "SceneVariable", "scene_variable"),
    ("25", "SceneChat", "scene_chat"),
    ("26", "LTM", "ltm"),
    ("27", "DatasetWrite", "dataset_write"),
    ("28", "Batch", "batch"),
    ("29", "Continue", "continue"),
    ("30", "Input", "input"),
    ("31", "Comment", "comment"),
    ("32", "VariableAggregator", "variable_merge"),
    ("34", "TriggerUpsert", "trigger_upsert"),
    ("35", "TriggerDelete", "trigger_delete"),
    ("36", "TriggerRead", "trigger_read"),
    ("37", "MessageList", "message_list"),
    ("38", "ClearConversationHistory", "conversation_clear"),
    ("39", "CreateConversation", "conversation_create"),
    ("40", "AssignVariable", "assign_variable"),
    ("42", "DatabaseUpdate", "update_database"),
    ("43", "DatabaseSelect", "select_database"),
    ("44", "DatabaseDelete", "delete_database"),
    ("45", "Http", "http"),
    ("46", "DatabaseInsert", "insert_database"),
    ("51", "ConversationUpdate", "conversation_update"),
    ("52", "ConversationDelete", "conversation_delete"),
    ("53", "ConversationList", "conversation_list"),
    ("54", "ConversationHistory", "conversation_history_list"),
    ("55", "CreateMessage", "message_create"),
    ("56", "EditMessage", "message_update"),
    ("57", "DeleteMessage", "message_delete"),
    ("58", "ToJSON", "to_json"),
    ("59", "FromJSON", "from_json"),
    ("60", "KnowledgeDelete", "dataset_delete"),
    ("63", "VideoAudioExtractor", "video_audio_extractor"),
    ("64", "VideoFrameExtractor", "video_frame_extractor"),
    ("65", "VideoGeneration", "video_generation"),
    ("66", "LTMWrite", "ltm_write"),
    ("67", "LTMRead", "ltm_read"),
    ("72", "AsyncTask", "async_task"),
    ("1000", "Lambda", "lambda"),
];

/// The type of a node, as its canvas writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeType(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Repr {
    Known(usize),
    Other(String),
}

impl NodeType {
    /// The type with this canvas number; a number nobody knows is kept as it is.
    pub fn from_number(number: &str) -> Self {
        let known = TYPES.iter().position(|(known, ..)| *known == number);
        Self(known.map_or_else(|| Repr::Other(number.to_owned()), Repr::Known))
    }

    fn entry(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        match &self.0 {
            Repr::Known(at) => TYPES.get(*at),
            Repr::Other(_) => None,
        }
    }

    /// What the canvas writes: `"8"`.
    pub fn number(&self) -> &str {
        match &self.0 {
            Repr::Known(_) => self.entry().map_or("", |entry| entry.0),
            Repr::Other(number) => number,
        }
    }

    /// What events show as `node_type`: `"If"`; the number for a type nobody knows.
    pub fn display_key(&self) -> &str {
        self.entry().map_or_else(|| self.number(), |entry| entry.1)
    }

    /// The name in exports: `"condition"`; the number for a type nobody knows.
    pub fn name(&self) -> &str {
        self.entry().map_or_else(|| self.number(), |entry| entry.2)
    }

    /// Is this a number from the catalogue?
    pub fn is_known(&self) -> bool {
        self.entry().is_some()
    }
}

impl fmt::Display for NodeType {
    /// `8 (condition)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some((number, _, name)) => write!(f, "{number} ({name})"),
            None => write!(f, "{:?} (unknown)", self.number()),
        }
    }
}

impl fmt::Debug for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NodeType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.display_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let http = NodeType::from_number("45");
        assert_eq!(
            (
                http.number(),
                http.display_key(),
                http.name(),
                http.to_string().as_str()
            ),
            ("45", "Http", "http", "45 (http)"),
        );
        let odd = NodeType::from_number("9999");
        assert_eq!(
            (odd.number(), odd.display_key(), odd.is_known()),
            ("9999", "9999", false)
        );
        assert_eq!(odd.to_string(), "\"9999\" (unknown)");
    }
}
