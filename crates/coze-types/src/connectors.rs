//! Connectors: the channels that agents are published to.
//!
//! Some have fixed ids: `1024` API, `999` chat SDK, `998` web SDK, `10000122` the Coze store.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_int_enum;
use crate::{Empty, Id};

endpoints! { "connectors";
    /// Binds devices to a channel of one's own.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/bind_connector_config>
    BindConnectorConfigs = POST "/v1/connectors/{connector_id}/user_configs" (connector_id) "bindConnectorConfig" {
        query: Empty, body: Json BindConnectorConfigsBody, reply: Empty
    }

    /// Adds a channel to a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/install_channel>
    InstallConnector = POST "/v1/connectors/{connector_id}/install" (connector_id) "installConnector" {
        query: Empty, body: Json InstallConnectorBody, reply: Empty
    }

    /// Tells Coze how the review of an agent in a channel of one's own has ended.
    ///
    /// For channels that answered "under review" when the agent was published to them. The token has
    /// to be one of the channel.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_review_result>
    ReviewConnectorBot = PUT "/v1/connectors/{connector_id}/bots/{bot_id}" (connector_id, bot_id) "Connector.botUpdateProfile" {
        query: Empty, body: Json ReviewConnectorBotBody, reply: Empty
    }
}

open_int_enum! {
    /// How far the review of an agent is.
    AuditStatus {
        /// It goes on.
        Pending = 1,
        /// The agent may be used.
        Approved = 2,
        /// The agent was refused.
        Rejected = 3,
    }
}

/// Body of [`BindConnectorConfigs`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindConnectorConfigsBody {
    /// The settings.
    pub configs: Vec<ConnectorConfig>,
    /// The user whose agents the devices belong to.
    pub user_id: Option<Id>,
}

/// A setting of a channel, and what can be chosen for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorConfig {
    /// Its key, as agreed upon with the vendor.
    pub key: String,
    /// The devices.
    pub enums: Vec<ConnectorDevice>,
}

/// A device of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorDevice {
    /// The name that users see.
    pub label: String,
    /// The id of the device.
    pub value: String,
}

/// Body of [`InstallConnector`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallConnectorBody {
    /// The workspace that gets the channel.
    pub workspace_id: Id,
}

/// Body of [`ReviewConnectorBot`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewConnectorBotBody {
    /// How far the review is.
    pub audit_status: Option<AuditStatus>,
    /// Why the agent was refused; goes with [`AuditStatus::Rejected`].
    pub reason: Option<String>,
}
