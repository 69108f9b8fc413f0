//! What a token lets its bearer do.

use std::collections::BTreeSet;

use coze_types::{Endpoint, Info, auth};
use serde::{Deserialize, Serialize};

use crate::config::{LOCAL_USER, Space, TokenConfig};
use crate::fail::Fail;

/// The permission of apps that talk to agents for others. Its page lists no calls; these are those
/// that a conversation with an agent needs.
const BOT_CHAT: &str = "Connector.botChat";
const BOT_CHAT_CALLS: &[&str] = &[
    "chat",
    "getChat",
    "cancelChat",
    "submitToolChat",
    "createConversation",
    "retrieveConversation",
    "listConversation",
    "editConversation",
    "createMessage",
    "listMessage",
    "retrieveMessage",
    "modifyMessage",
    "deleteMessage",
    "feedback",
    "uploadFile",
    "retrieveFile",
];

/// Whom a token belongs to, and what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) user: i64,
    /// When it ends, in Unix seconds.
    pub(crate) expires: Option<i64>,
    /// An app has it, not the user themselves.
    pub(crate) delegated: bool,
    pub(crate) limits: Limits,
}

/// What a token is limited to; `None` does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Permissions, as rows name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) permissions: Option<BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spaces: Option<BTreeSet<i64>>,
    /// The agents that may be talked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bots: Option<BTreeSet<String>>,
    /// The workflows that may be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflows: Option<BTreeSet<String>>,
    /// The business user whose conversations these are; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) session: String,
    /// The enterprise that it administrates, whoever its user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enterprise: Option<String>,
}

impl Grant {
    /// Everything that a user may do.
    pub(crate) fn whole(user: i64) -> Self {
        Self {
            user,
            ..Self::default()
        }
    }

    pub(crate) fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// It lets do everything that its user may.
    pub(crate) fn is_whole(&self) -> bool {
        !self.delegated && self.limits == Limits::default()
    }

    /// The call is one that the token may make.
    pub(crate) fn check(&self, row: &Info) -> Result<(), Fail> {
        if makes_tokens(row) && !self.is_whole() {
            let why = "only a token of the user that is not limited may make or change tokens";
            return Err(Fail::new(4101, why));
        }
        let Some(permissions) = &self.limits.permissions else {
            return Ok(());
        };
        let missing = needed(row).find(|name| !carries(permissions, name));
        match missing {
            None => Ok(()),
            Some(name) => Err(Fail::new(
                4101,
                format!(
                    "the token lacks the permission {name}, which {} needs",
                    row.name
                ),
            )),
        }
    }
}

impl Limits {
    pub(crate) fn allow_space(&self, space: i64) -> bool {
        self.spaces.as_ref().is_none_or(|it| it.contains(&space))
    }
}

/// The permissions that a row names.
fn needed(row: &Info) -> impl Iterator<Item = &'static str> {
    row.permission.split(" + ").filter(|name| !name.is_empty())
}

pub(crate) fn carries(permissions: &BTreeSet<String>, name: &str) -> bool {
    permissions.contains(name) || (permissions.contains(BOT_CHAT) && BOT_CHAT_CALLS.contains(&name))
}

/// Names of permissions, all of which some row needs.
pub(crate) fn permissions(names: &[String]) -> Result<BTreeSet<String>, String> {
    for name in names {
        let known = || {
            coze_types::endpoints()
                .flat_map(needed)
                .any(|it| it == name)
        };
        if name != BOT_CHAT && !known() {
            return Err(format!(
                "no endpoint needs the permission {name:?}; docs/API.md has the names"
            ));
        }
    }
    Ok(names.iter().cloned().collect())
}

/// What an entry of `coze.yaml` says about a token.
pub(crate) fn of_config(space: &Space, token: &TokenConfig) -> Result<Grant, String> {
    if token.token.is_some() == token.token_env.is_some() {
        return Err("give either `token` or `token_env`".into());
    }
    if token
        .token
        .as_ref()
        .is_some_and(|it| it.expose().trim().is_empty())
    {
        return Err("the token is empty".into());
    }
    let spaces = token
        .spaces
        .as_ref()
        .map(|names| names.iter().map(|it| space.space(it)));
    Ok(Grant {
        user: match &token.user {
            Some(name) => space.user(name)?,
            None => LOCAL_USER,
        },
        expires: token.expires,
        delegated: false,
        limits: Limits {
            permissions: token.permissions.as_deref().map(permissions).transpose()?,
            spaces: spaces.map(Iterator::collect).transpose()?,
            ..Limits::default()
        },
    })
}

/// Rows that make or change tokens: with a token that is narrower than its user, one that is not
/// could be made.
fn makes_tokens(row: &Info) -> bool {
    [
        auth::ImpersonateUser::INFO.name,
        auth::CreatePat::INFO.name,
        auth::ListPats::INFO.name,
        auth::RetrievePat::INFO.name,
        auth::UpdatePat::INFO.name,
        auth::DeletePat::INFO.name,
    ]
    .contains(&row.name)
}

#[cfg(test)]
mod tests {
    use coze_types::chat::{ListChatMessages, StartChat};
    use coze_types::users::RetrieveMe;
    use coze_types::workflows::RunWorkflow;

    use super::*;

    fn with(names: &[&str]) -> Grant {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        Grant {
            limits: Limits {
                permissions: Some(permissions(&names).unwrap()),
                ..Limits::default()
            },
            ..Grant::default()
        }
    }

    #[test]
    fn a_token_must_carry_every_permission_of_the_row() {
        fn check(names: &[&str], row: &Info, missing: Option<&str>) {
            let refused = with(names).check(row).err();
            assert_eq!(refused.as_ref().map(|it| it.code), missing.map(|_| 4101));
            let msg = refused.map(|it| it.msg.into_owned()).unwrap_or_default();
            assert!(msg.contains(missing.unwrap_or_default()), "{msg}");
        }
        check(&["chat"], StartChat::INFO, None);
        check(&[], StartChat::INFO, Some("permission chat,"));
        check(&["chat"], ListChatMessages::INFO, Some("listMessage"));
        check(&["chat", "listMessage"], ListChatMessages::INFO, None);
        check(&["run"], StartChat::INFO, Some("chat"));
        check(&["Connector.botChat"], ListChatMessages::INFO, None);
        check(&["Connector.botChat"], RunWorkflow::INFO, Some("run"));
        check(&[], RetrieveMe::INFO, None);
    }

    #[test]
    fn permissions_that_do_not_exist_are_refused() {
        let why = permissions(&["chatt".to_owned()]).unwrap_err();
        assert!(why.contains("\"chatt\""), "{why}");
    }
}
