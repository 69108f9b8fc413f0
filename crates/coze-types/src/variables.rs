//! User variables: what an agent or an app remembers of each of its users.

use serde::{Deserialize, Serialize};
use serde_with::{StringWithSeparator, formats::CommaSeparator, serde_as, skip_serializing_none};

use crate::endpoint::endpoints;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "variables";
    /// Reads the variables of a user, those with default values included.
    ///
    /// Names that the agent or the app does not have are left out without a word. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/read_variable>
    RetrieveVariables = GET "/v1/variables" () "readVariable" {
        query: VariablesQuery, body: None Empty, reply: Data<VariableList>
    }

    /// Sets variables of a user.
    ///
    /// They have to exist in the agent or the app and be switched on; those of the system cannot be
    /// set. Source: <https://www.coze.cn/open/docs/developer_guides/update_variable>
    UpdateVariables = PUT "/v1/variables" () "updateVariable" {
        query: Empty, body: Json UpdateVariablesBody, reply: Empty
    }
}

/// Query of [`RetrieveVariables`].
#[serde_as]
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariablesQuery {
    /// The app; this or `bot_id` is required.
    pub app_id: Option<Id>,
    /// The agent; this or `app_id` is required.
    pub bot_id: Option<Id>,
    /// The channel: `1024` (API) or `999` (Chat SDK).
    pub connector_id: Option<Id>,
    /// The user; required: `user_id` of a chat, `ext.user_id` of a workflow run.
    pub connector_uid: String,
    /// The names; all variables by default. They travel as one text with commas between them.
    #[serde_as(as = "Option<StringWithSeparator<CommaSeparator, String>>")]
    #[serde(default)]
    pub keywords: Option<Vec<String>>,
}

/// Payload of [`RetrieveVariables`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableList {
    /// The variables.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<Variable>,
}

/// A variable of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The name.
    pub keyword: String,
    /// The value.
    #[serde(default, deserialize_with = "de::null_default")]
    pub value: String,
    /// When it was first set, in seconds; 0 when the value is the default.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last set, in seconds; 0 when the value is the default.
    #[serde(default)]
    pub update_time: Timestamp,
}

/// Body of [`UpdateVariables`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateVariablesBody {
    /// The app; this or `bot_id` is required.
    pub app_id: Option<Id>,
    /// The agent; this or `app_id` is required.
    pub bot_id: Option<Id>,
    /// The channel: `1024` (API, the default) or `999` (Chat SDK).
    pub connector_id: Option<Id>,
    /// The user: `user_id` of a chat, `ext.user_id` of a workflow run.
    pub connector_uid: String,
    /// What is set; at least one.
    #[serde(default, deserialize_with = "de::null_default")]
    pub data: Vec<VariableValue>,
}

/// A value to set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableValue {
    /// The name of the variable.
    pub keyword: String,
    /// The value.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_as_one_text() {
        fn check(keywords: Option<&[&str]>, json: &str) {
            let keywords = keywords.map(|names| names.iter().map(|&name| name.into()).collect());
            let query = VariablesQuery {
                connector_uid: "u".into(),
                keywords,
                ..VariablesQuery::default()
            };
            assert_eq!(serde_json::to_string(&query).unwrap(), json);
            assert_eq!(serde_json::from_str::<VariablesQuery>(json).unwrap(), query);
        }
        check(None, r#"{"connector_uid":"u"}"#);
        check(
            Some(&["city"]),
            r#"{"connector_uid":"u","keywords":"city"}"#,
        );
        check(
            Some(&["city", "名字"]),
            r#"{"connector_uid":"u","keywords":"city,名字"}"#,
        );
    }
}
