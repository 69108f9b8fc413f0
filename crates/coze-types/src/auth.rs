//! Logging in: the OAuth endpoints, and the tokens that users make for themselves.
//!
//! The OAuth replies stand bare, without `code` and `msg`; their errors are
//! `{error_code, error_message, error}` with HTTP 4xx, which [`Status`](crate::Status) reads.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::secret::Secret;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "auth";
    /// Asks a user, in the browser, to let an app act for them.
    ///
    /// Nothing for a program to send: its address on the `www` host is opened in a browser, which is
    /// led to a page of consent and then back to `redirect_uri?code=…&state=…`.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_code>
    Authorize = GET "/api/permission/oauth2/authorize" () "" {
        query: AuthorizeQuery, body: None Empty, reply: Empty
    }

    /// Asks a user, in the browser, to let an app act for them in one workspace.
    ///
    /// Otherwise as [`Authorize`]. Source: <https://www.coze.cn/open/docs/developer_guides/oauth_code>
    AuthorizeWorkspace = GET "/api/permission/oauth2/workspace_id/{workspace_id}/authorize" (workspace_id) "" {
        query: AuthorizeQuery, body: None Empty, reply: Empty
    }

    /// Gets an access token for a code, a refresh token, a device or a signed JWT.
    ///
    /// What the `Authorization` header carries depends on the grant: the client secret of a web
    /// app, the JWT of a service, nothing for PKCE and devices.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_jwt>
    CreateToken = POST "/api/permission/oauth2/token" () "" {
        query: Empty, body: Json TokenRequest, reply: Token
    }

    /// Gets an access token for the resources of another account, by a signed JWT.
    ///
    /// The account is the owner of the workspace that granted access, or an organization.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_jwt_collaborate>
    CreateAccountToken = POST "/api/permission/oauth2/account/{account_id}/token" (account_id) "" {
        query: Empty, body: Json TokenRequest, reply: Token
    }

    /// Gets an access token for the administration of an enterprise, by a signed JWT.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_jwt_privilege>
    CreateEnterpriseToken = POST "/api/permission/oauth2/enterprise_id/{enterprise_id}/token" (enterprise_id) "" {
        query: Empty, body: Json TokenRequest, reply: Token
    }

    /// Begins to log a device in: gives the code that the user types into a page.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_device_code>
    CreateDeviceCode = POST "/api/permission/oauth2/device/code" () "" {
        query: Empty, body: Json DeviceCodeRequest, reply: DeviceCode
    }

    /// Begins to log a device in for one workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/oauth_device_code>
    CreateWorkspaceDeviceCode = POST "/api/permission/oauth2/workspace_id/{workspace_id}/device/code" (workspace_id) "" {
        query: Empty, body: Json DeviceCodeRequest, reply: DeviceCode
    }

    /// Gets a token of 15 minutes for the user whose browser session this is.
    ///
    /// Needs the cookie of the session; a token is not accepted. It has no page of its own; the
    /// open-source server is the source: <https://github.com/coze-dev/coze-studio>
    ImpersonateUser = POST "/api/permission_api/coze_web_app/impersonate_coze_user" () "" {
        query: Empty, body: Json ImpersonateUserBody, reply: Data<Token>
    }

    /// Makes a personal access token; only this reply ever shows it.
    ///
    /// Needs the cookie of a browser session; a token is not accepted. It has no page of its own;
    /// the open-source server is the source: <https://github.com/coze-dev/coze-studio>
    CreatePat = POST "/api/permission_api/pat/create_personal_access_token_and_permission" () "" {
        query: Empty, body: Json CreatePatBody, reply: Data<CreatedPat>
    }

    /// Lists the personal access tokens, without the tokens themselves.
    ///
    /// Needs the cookie of a browser session; a token is not accepted. It has no page of its own;
    /// the open-source server is the source: <https://github.com/coze-dev/coze-studio>
    ListPats = GET "/api/permission_api/pat/list_personal_access_tokens" () "" {
        query: ListPatsQuery, body: None Empty, reply: Data<PatList>
    }

    /// Reads what a personal access token is, without the token itself.
    ///
    /// Needs the cookie of a browser session; a token is not accepted. It has no page of its own;
    /// the open-source server is the source: <https://github.com/coze-dev/coze-studio>
    RetrievePat = GET "/api/permission_api/pat/get_personal_access_token_and_permission" () "" {
        query: PatQuery, body: None Empty, reply: Data<RetrievedPat>
    }

    /// Renames a personal access token.
    ///
    /// Needs the cookie of a browser session; a token is not accepted. It has no page of its own;
    /// the open-source server is the source: <https://github.com/coze-dev/coze-studio>
    UpdatePat = POST "/api/permission_api/pat/update_personal_access_token_and_permission" () "" {
        query: Empty, body: Json UpdatePatBody, reply: Empty
    }

    /// Withdraws a personal access token.
    ///
    /// Needs the cookie of a browser session; a token is not accepted. It has no page of its own;
    /// the open-source server is the source: <https://github.com/coze-dev/coze-studio>
    DeletePat = POST "/api/permission_api/pat/delete_personal_access_token_and_permission" () "" {
        query: Empty, body: Json DeletePatBody, reply: Empty
    }
}

/// Query of [`Authorize`] and [`AuthorizeWorkspace`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeQuery {
    /// What is asked for: a code.
    #[serde(default, deserialize_with = "de::null_default")]
    pub response_type: ResponseType,
    /// The app; required.
    pub client_id: String,
    /// Where the browser is led back to; required, and one of the addresses of the app.
    pub redirect_uri: String,
    /// Comes back as it is: it ties the answer to the question.
    #[serde(default, deserialize_with = "de::null_default")]
    pub state: String,
    /// PKCE: what the verifier is compared with.
    pub code_challenge: Option<String>,
    /// PKCE: how; [`ChallengeMethod::Plain`] when missing.
    pub code_challenge_method: Option<ChallengeMethod>,
}

open_enum! {
    /// What an authorization asks for.
    ResponseType {
        /// A code, to be exchanged for a token.
        Code = "code",
    }
}

open_enum! {
    /// How the PKCE challenge is made from the verifier.
    ChallengeMethod {
        /// `BASE64URL(SHA256(verifier))` without padding.
        S256 = "S256",
        /// The verifier itself, which protects nothing.
        Plain = "plain",
    }
}

open_enum! {
    /// What a token is asked for with.
    GrantType {
        /// A code that the browser came back with.
        AuthorizationCode = "authorization_code",
        /// A refresh token.
        RefreshToken = "refresh_token",
        /// A device code.
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// A signed JWT, in the `Authorization` header.
        JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    }
}

/// Body of [`CreateToken`], [`CreateAccountToken`] and [`CreateEnterpriseToken`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// What the token is asked for with.
    pub grant_type: GrantType,
    /// The app; required except with a JWT, which names it itself.
    pub client_id: Option<String>,
    /// With [`GrantType::AuthorizationCode`]: the code, which works once.
    pub code: Option<Secret>,
    /// With [`GrantType::AuthorizationCode`]: the same as when the code was asked for.
    pub redirect_uri: Option<String>,
    /// With a code and PKCE: the verifier.
    pub code_verifier: Option<Secret>,
    /// With [`GrantType::RefreshToken`]: the refresh token, which works once.
    pub refresh_token: Option<Secret>,
    /// With [`GrantType::DeviceCode`]: the device code.
    pub device_code: Option<Secret>,
    /// With a JWT: how long the token shall live, in seconds; 900 by default, at most 86,399.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub duration_seconds: Option<i64>,
    /// With a JWT: what the token may do; everything that the app may by default.
    pub scope: Option<Scope>,
    /// The account of the path, which the Go SDK repeats here.
    pub account_id: Option<Id>,
    /// The enterprise of the path, which the Go SDK repeats here.
    pub enterprise_id: Option<Id>,
}

/// What a token may do.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// In the account.
    pub account_permission: Option<AccountPermission>,
    /// With which agents.
    pub attribute_constraint: Option<AttributeConstraint>,
    /// In workspaces.
    pub workspace_permission: Option<WorkspacePermission>,
    /// With workflows.
    pub workflow_permission: Option<WorkflowPermission>,
}

impl Scope {
    /// Chatting with these agents, and nothing else; with all agents when none is named.
    pub fn chat_with<T: Into<Id>>(bots: impl IntoIterator<Item = T>) -> Self {
        let bot_id_list: Vec<Id> = bots.into_iter().map(Into::into).collect();
        Self {
            account_permission: Some(AccountPermission {
                permission_list: vec!["Connector.botChat".to_owned()],
            }),
            attribute_constraint: (!bot_id_list.is_empty()).then_some(AttributeConstraint {
                connector_bot_chat_attribute: Some(BotChatAttribute { bot_id_list }),
            }),
            ..Self::default()
        }
    }

    /// Limits the token to these permissions in these workspaces.
    #[must_use]
    pub fn in_workspaces<T: Into<Id>>(
        mut self,
        workspaces: impl IntoIterator<Item = T>,
        permissions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.workspace_permission = Some(WorkspacePermission {
            workspace_id_list: workspaces.into_iter().map(Into::into).collect(),
            permission_list: permissions.into_iter().map(Into::into).collect(),
        });
        self
    }
}

/// Part of a [`Scope`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPermission {
    /// Names such as `Connector.botChat`.
    #[serde(default, deserialize_with = "de::null_default")]
    pub permission_list: Vec<String>,
}

/// Part of a [`Scope`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeConstraint {
    /// For the permission `Connector.botChat`.
    pub connector_bot_chat_attribute: Option<BotChatAttribute>,
}

/// Part of a [`Scope`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotChatAttribute {
    /// The agents that may be talked to.
    #[serde(default, deserialize_with = "de::null_default")]
    pub bot_id_list: Vec<Id>,
}

/// Part of a [`Scope`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspacePermission {
    /// The workspaces.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workspace_id_list: Vec<Id>,
    /// What may be done in them.
    #[serde(default, deserialize_with = "de::null_default")]
    pub permission_list: Vec<String>,
}

/// Part of a [`Scope`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowPermission {
    /// The workflows.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workflow_id_list: Vec<Id>,
    /// What may be done with them.
    #[serde(default, deserialize_with = "de::null_default")]
    pub permission_list: Vec<String>,
}

/// Reply of the token endpoints: a token, and what it can be renewed with.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The access token.
    pub access_token: Secret,
    /// When it expires. In spite of its name it is a Unix time in seconds, not a span.
    #[serde(default)]
    pub expires_in: Timestamp,
    /// Renews the token, once; a JWT has none. 30 days.
    pub refresh_token: Option<Secret>,
    /// `Bearer`.
    pub token_type: Option<String>,
}

/// Body of [`CreateDeviceCode`] and [`CreateWorkspaceDeviceCode`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCodeRequest {
    /// The app; required.
    pub client_id: String,
}

/// Reply of [`CreateDeviceCode`] and [`CreateWorkspaceDeviceCode`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCode {
    /// What the device asks for its token with.
    pub device_code: Secret,
    /// What the user types, such as `WDJB-MJHT`.
    pub user_code: Id,
    /// The page where the user types it.
    pub verification_uri: String,
    /// How long both codes are valid, in seconds; documented as 300.
    #[serde(default, deserialize_with = "de::int")]
    pub expires_in: i64,
    /// How many seconds to wait between two requests for the token; 5 when missing.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub interval: Option<i64>,
}

/// Body of [`ImpersonateUser`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpersonateUserBody {
    /// How long the token shall live, in seconds. The open-source server ignores it.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub duration_seconds: Option<i64>,
    /// What the token may do. The open-source server ignores it.
    pub scope: Option<Scope>,
}

/// Body of [`CreatePat`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePatBody {
    /// What the token is for; required.
    pub name: String,
    /// When it expires.
    pub expire_at: Option<Timestamp>,
    /// How long it is valid, instead of `expire_at`.
    pub duration_day: Option<PatDuration>,
    /// The organization that it belongs to.
    pub organization_id: Option<Id>,
}

open_enum! {
    /// How long a personal access token is valid.
    PatDuration {
        /// A day.
        Day = "1",
        /// 30 days.
        Days30 = "30",
        /// 60 days.
        Days60 = "60",
        /// 90 days.
        Days90 = "90",
        /// 180 days.
        Days180 = "180",
        /// 365 days.
        Days365 = "365",
        /// For ever.
        Permanent = "permanent",
    }
}

/// Payload of [`CreatePat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedPat {
    /// What the token is.
    pub personal_access_token: Pat,
    /// The token.
    pub token: Secret,
}

/// Query of [`ListPats`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPatsQuery {
    /// Those of this organization.
    pub organization_id: Option<Id>,
    /// From 0.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page: Option<i64>,
    /// How many a page has.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub size: Option<i64>,
    /// Whose.
    pub search_option: Option<PatOwner>,
}

open_enum! {
    /// Whose personal access tokens to list.
    PatOwner {
        /// Everybody's.
        All = "all",
        /// One's own.
        Owned = "owned",
        /// Those of others.
        Others = "others",
    }
}

/// Payload of [`ListPats`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatList {
    /// The tokens of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub personal_access_tokens: Vec<Pat>,
    /// Whether there is another page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// Query of [`RetrievePat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatQuery {
    /// The token's id; required.
    pub id: Id,
}

/// Payload of [`RetrievePat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrievedPat {
    /// What the token is.
    pub personal_access_token: Pat,
}

/// Body of [`UpdatePat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePatBody {
    /// The token's id; required.
    pub id: Id,
    /// Its new name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
}

/// Body of [`DeletePat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletePatBody {
    /// The token's id; required.
    pub id: Id,
}

/// What a personal access token is, without the token itself.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pat {
    /// The id.
    pub id: Id,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was last used; -1 for never.
    #[serde(default)]
    pub last_used_at: Timestamp,
    /// When it expires; -1 for never.
    #[serde(default)]
    pub expire_at: Timestamp,
    /// Who made it. This and what follows stands in lists only.
    pub creator_name: Option<String>,
    /// The maker's unique name.
    pub creator_unique_name: Option<String>,
    /// The maker's picture.
    pub creator_avatar_url: Option<String>,
    /// The picture beside the maker.
    pub creator_icon_url: Option<String>,
    /// Whether it is locked.
    pub locked: Option<bool>,
    /// The state of the maker's account.
    pub creator_status: Option<String>,
}
