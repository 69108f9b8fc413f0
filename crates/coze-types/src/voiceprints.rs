//! Voiceprints: groups of recordings by which speakers are told apart.
//!
//! Recordings are `wav` or `pcm` of at most 4 MB; raw samples must be mono, 16 bits, 16 kHz.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::{Multipart, endpoints};
use crate::files::FilePart;
use crate::paging::numbered;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "voiceprints";
    /// Makes an empty group of voiceprints.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_voiceprint_group>
    CreateVoiceprintGroup = POST "/v1/audio/voiceprint_groups" () "createVoiceprintGroup" {
        query: Empty, body: Json CreateVoiceprintGroupBody, reply: Data<CreatedVoiceprint>
    }

    /// Lists the groups of voiceprints of the team or the enterprise.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_voiceprint_group>
    ListVoiceprintGroups = GET "/v1/audio/voiceprint_groups" () "listVoiceprintGroup" {
        query: ListVoiceprintGroupsQuery, body: None Empty, reply: Data<VoiceprintGroupList>
    }

    /// Changes name or description of a group of voiceprints.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_voiceprint_group>
    UpdateVoiceprintGroup = PUT "/v1/audio/voiceprint_groups/{group_id}" (group_id)
        "updateVoiceprintGroup" {
        query: Empty, body: Json UpdateVoiceprintGroupBody, reply: Empty
    }

    /// Removes a group of voiceprints.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_voiceprint_group>
    DeleteVoiceprintGroup = DELETE "/v1/audio/voiceprint_groups/{group_id}" (group_id)
        "deleteVoiceprintGroup" {
        query: Empty, body: None Empty, reply: Empty
    }

    /// Says whose voice a recording is: how like it is to each voiceprint of a group.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/identify_voiceprint>
    IdentifySpeaker = POST "/v1/audio/voiceprint_groups/{group_id}/speaker_identify" (group_id)
        "identifyInVoiceprintGroup" {
        query: Empty, body: Multipart IdentifySpeakerBody, reply: Data<SpeakerScores>
    }

    /// Adds a voiceprint to a group, which holds at most 10.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_voiceprint>
    CreateVoiceprint = POST "/v1/audio/voiceprint_groups/{group_id}/features" (group_id)
        "createVoiceprintFeature" {
        query: Empty, body: Multipart CreateVoiceprintBody, reply: Data<CreatedVoiceprint>
    }

    /// Lists the voiceprints of a group.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_voiceprint>
    ListVoiceprints = GET "/v1/audio/voiceprint_groups/{group_id}/features" (group_id)
        "listVoiceprintFeature" {
        query: ListVoiceprintsQuery, body: None Empty, reply: Data<VoiceprintList>
    }

    /// Changes a voiceprint: its name, its description, its recording.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_voiceprint>
    UpdateVoiceprint = PUT "/v1/audio/voiceprint_groups/{group_id}/features/{feature_id}"
        (group_id, feature_id) "updateVoiceprintFeature" {
        query: Empty, body: Multipart UpdateVoiceprintBody, reply: Empty
    }

    /// Removes a voiceprint.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_voiceprint>
    DeleteVoiceprint = DELETE "/v1/audio/voiceprint_groups/{group_id}/features/{feature_id}"
        (group_id, feature_id) "deleteVoiceprintFeature" {
        query: Empty, body: None Empty, reply: Empty
    }
}

numbered! {
    ListVoiceprintGroups by page_num, 200;
    |page| page.data.items => VoiceprintGroup;
    total page.data.total
}

numbered! {
    ListVoiceprints by page_num, 200;
    |page| page.data.items => Voiceprint;
    total page.data.total
}

/// Body of [`CreateVoiceprintGroup`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVoiceprintGroupBody {
    /// Up to 20 characters; required.
    pub name: String,
    /// What it is for, in up to 500 characters.
    pub desc: Option<String>,
    /// The account; named by the JavaScript SDK alone.
    pub coze_account_id: Option<Id>,
}

/// Payload of [`CreateVoiceprintGroup`] and [`CreateVoiceprint`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedVoiceprint {
    /// What was made.
    pub id: Id,
}

/// Query of [`ListVoiceprintGroups`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVoiceprintGroupsQuery {
    /// Only those whose name begins so.
    pub name: Option<String>,
    /// Only this one.
    pub group_id: Option<Id>,
    /// Only those of this user, who must be the owner of the token.
    pub user_id: Option<Id>,
    /// The account; named by the JavaScript SDK alone.
    pub coze_account_id: Option<Id>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 200; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListVoiceprintGroups`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceprintGroupList {
    /// The groups of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<VoiceprintGroup>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// A group of voiceprints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceprintGroup {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub desc: String,
    /// When it was made, in seconds.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// How many voiceprints it has.
    #[serde(default, deserialize_with = "de::int")]
    pub feature_count: i64,
    /// Who made it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_info: VoiceprintCreator,
}

/// Who made a group or a voiceprint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceprintCreator {
    /// The id.
    #[serde(default, deserialize_with = "de::null_default")]
    pub id: Id,
    /// The unique name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// The shown name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub nickname: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub avatar_url: String,
}

/// Body of [`UpdateVoiceprintGroup`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateVoiceprintGroupBody {
    /// Up to 20 characters.
    pub name: Option<String>,
    /// What it is for, in up to 500 characters.
    pub desc: Option<String>,
}

/// Body of [`IdentifySpeaker`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifySpeakerBody {
    /// The recording; required.
    #[serde(skip)]
    pub file: FilePart,
    /// Only so many voiceprints, the likest ones; all by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub top_k: Option<i64>,
    /// Of raw samples, in Hz; 16,000 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub sample_rate: Option<i64>,
    /// How many channels raw samples have; 1 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub channel: Option<i64>,
}

impl Multipart for IdentifySpeakerBody {
    fn file(&self) -> Option<&FilePart> {
        Some(&self.file)
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = file;
    }
}

/// Payload of [`IdentifySpeaker`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpeakerScores {
    /// The voiceprints that were compared.
    #[serde(default, deserialize_with = "de::null_default")]
    pub feature_score_list: Vec<SpeakerScore>,
}

/// How like a recording is to a voiceprint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpeakerScore {
    /// The voiceprint.
    pub feature_id: Id,
    /// Its name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub feature_name: String,
    /// Its description.
    #[serde(default, deserialize_with = "de::null_default")]
    pub feature_desc: String,
    /// From 0, not like it at all, to 100.
    #[serde(default, deserialize_with = "de::null_default")]
    pub score: f64,
}

/// Body of [`CreateVoiceprint`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVoiceprintBody {
    /// The recording; required.
    #[serde(skip)]
    pub file: FilePart,
    /// The name; required.
    pub name: String,
    /// What it is for.
    pub desc: Option<String>,
    /// Of raw samples, in Hz; 16,000 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub sample_rate: Option<i64>,
    /// How many channels raw samples have; 1 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub channel: Option<i64>,
}

impl Multipart for CreateVoiceprintBody {
    fn file(&self) -> Option<&FilePart> {
        Some(&self.file)
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = file;
    }
}

/// Query of [`ListVoiceprints`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVoiceprintsQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 200; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListVoiceprints`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceprintList {
    /// The voiceprints of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<Voiceprint>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// A voiceprint; the wire calls it a feature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voiceprint {
    /// The id.
    pub id: Id,
    /// The group.
    #[serde(default, deserialize_with = "de::null_default")]
    pub group_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// The recording: a URL.
    #[serde(default, deserialize_with = "de::null_default")]
    pub audio_url: String,
    /// When it was made, in seconds.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub desc: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// Who made it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_info: VoiceprintCreator,
}

/// Body of [`UpdateVoiceprint`]; every part may be left out, the recording too.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateVoiceprintBody {
    /// A new recording.
    #[serde(skip)]
    pub file: Option<FilePart>,
    /// A new name.
    pub name: Option<String>,
    /// What it is for.
    pub desc: Option<String>,
    /// Of raw samples, in Hz; 16,000 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub sample_rate: Option<i64>,
    /// How many channels raw samples have; 1 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub channel: Option<i64>,
}

impl Multipart for UpdateVoiceprintBody {
    fn file(&self) -> Option<&FilePart> {
        self.file.as_ref()
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = Some(file);
    }
}
