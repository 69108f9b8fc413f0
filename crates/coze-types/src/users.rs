//! Users: who the token belongs to.

use serde::{Deserialize, Serialize};

use crate::endpoint::endpoints;
use crate::{Data, Empty, Id, de};

endpoints! { "users";
    /// Reads who the token belongs to.
    ///
    /// It has no page of its own; the official SDKs are the source:
    /// <https://www.coze.cn/open/docs/developer_guides/coze_api_overview>
    RetrieveMe = GET "/v1/users/me" () "" {
        query: Empty, body: None Empty, reply: Data<User>
    }
}

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub user_id: Id,
    /// The unique name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_name: String,
    /// The shown name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub nick_name: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub avatar_url: String,
}
