//! Rooms: where people talk to an agent by voice and video; and live interpretation.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::{Data, Empty, Id, de};

endpoints! { "rooms";
    /// Makes a room of real-time communication with an agent in it.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_room>
    CreateRoom = POST "/v1/audio/rooms" () "createRoom" {
        query: Empty, body: Json CreateRoomBody, reply: Data<Room>
    }

    /// Reads which streams a live interpretation has.
    ///
    /// It has no page of its own; the official SDKs are the source:
    /// <https://www.coze.cn/open/docs/developer_guides/coze_api_overview>
    RetrieveLive = GET "/v1/audio/live/{live_id}" (live_id) "" {
        query: Empty, body: None Empty, reply: Data<Live>
    }
}

open_enum! {
    /// How the sound of a room is coded.
    RoomAudioCodec {
        /// Opus.
        Opus = "OPUS",
        /// AAC-LC.
        AacLc = "AACLC",
        /// G.711 A-law.
        G711a = "G711A",
        /// G.722.
        G722 = "G722",
    }
}

open_enum! {
    /// How the video of a room is coded.
    RoomVideoCodec {
        /// H.264.
        H264 = "H264",
        /// A codec of Volcano Engine's own.
        ByteVc1 = "BYTEVC1",
    }
}

open_enum! {
    /// Which video of a room the agent sees.
    RoomVideoStream {
        /// The camera.
        Main = "main",
        /// The shared screen.
        Screen = "screen",
    }
}

open_enum! {
    /// What a room is for.
    RoomMode {
        /// Conversation.
        Default = "default",
        /// Conversation from speech to speech.
        S2s = "s2s",
        /// A podcast.
        Podcast = "podcast",
        /// Interpretation.
        Translate = "translate",
    }
}

open_enum! {
    /// Who notices that a turn ends.
    RoomTurnDetection {
        /// The service, by silence.
        ServerVad = "server_vad",
        /// The client, by silence; named by the JavaScript SDK alone.
        ClientVad = "client_vad",
        /// The client says so: press to talk.
        ClientInterrupt = "client_interrupt",
        /// The service, by meaning; in the largest enterprise edition.
        SemanticVad = "semantic_vad",
    }
}

open_enum! {
    /// What a stream of a live interpretation carries.
    LiveType {
        /// What is said.
        Origin = "origin",
        /// What the interpreter says.
        Translation = "translation",
    }
}

/// Body of [`CreateRoom`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoomBody {
    /// The agent; required.
    pub bot_id: Id,
    /// The conversation that keeps the messages; a new one by default.
    pub conversation_id: Option<Id>,
    /// The agent's voice; a voice of the system by default.
    pub voice_id: Option<Id>,
    /// The user, as the caller names them: what the agent remembers is kept for each apart.
    pub uid: Option<String>,
    /// A workflow; named by the SDKs alone.
    pub workflow_id: Option<Id>,
    /// The channel; the JavaScript SDK wants it, the others do not know it.
    pub connector_id: Option<Id>,
    /// Sound and video.
    pub config: Option<RoomConfig>,
}

/// Sound and video of a room.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomConfig {
    /// Sound.
    pub audio_config: Option<RoomAudioConfig>,
    /// Video.
    pub video_config: Option<RoomVideoConfig>,
    /// What the agent says first.
    pub prologue_content: Option<String>,
    /// How long it waits before it says so: 0 to 5,000 ms, 500 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub prologue_delay_duration_ms: Option<i64>,
    /// What the room is for; conversation by default.
    pub room_mode: Option<RoomMode>,
    /// The languages of a room for interpretation.
    pub translate_config: Option<RoomTranslateConfig>,
    /// Who notices that a turn ends.
    pub turn_detection: Option<RoomTurnDetectionConfig>,
}

/// Sound of a room.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAudioConfig {
    /// How it is coded; Opus by default.
    pub codec: Option<RoomAudioCodec>,
}

/// Video of a room.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomVideoConfig {
    /// How it is coded; H.264 by default.
    pub codec: Option<RoomVideoCodec>,
    /// Which video the agent sees.
    pub stream_video_type: Option<RoomVideoStream>,
    /// Pictures that the agent sees in a second, from 1 to 24; 1 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub video_frame_rate: Option<i64>,
    /// How many seconds of video before the user speaks the agent sees, from 1 to 10; 1 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub video_frame_expire_duration: Option<i64>,
}

/// The languages of a room for interpretation.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomTranslateConfig {
    /// The language that is spoken. The Python SDK calls it `from_`.
    #[serde(alias = "from_")]
    pub from: Option<String>,
    /// The language that it becomes.
    pub to: Option<String>,
}

/// Who notices that a turn ends.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomTurnDetectionConfig {
    /// The service, by silence, by default.
    #[serde(rename = "type")]
    pub kind: Option<RoomTurnDetection>,
}

/// A room of real-time communication.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The key to the room: a secret.
    #[serde(default, deserialize_with = "de::null_default")]
    pub token: String,
    /// The user in the room, as in the request.
    #[serde(default, deserialize_with = "de::null_default")]
    pub uid: String,
    /// The room.
    #[serde(default, deserialize_with = "de::null_default")]
    pub room_id: Id,
    /// The app at the provider of real-time communication.
    #[serde(default, deserialize_with = "de::null_default")]
    pub app_id: Id,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("token", &format_args!("…"))
            .field("uid", &self.uid)
            .field("room_id", &self.room_id)
            .field("app_id", &self.app_id)
            .finish()
    }
}

/// A live interpretation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The app at the provider of real-time communication.
    #[serde(default, deserialize_with = "de::null_default")]
    pub app_id: Id,
    /// Its streams.
    #[serde(default, deserialize_with = "de::null_default")]
    pub stream_infos: Vec<LiveStream>,
}

/// A stream of a live interpretation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveStream {
    /// The id.
    #[serde(default, deserialize_with = "de::null_default")]
    pub stream_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it carries.
    #[serde(default, deserialize_with = "de::null_default")]
    pub live_type: LiveType,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_to_a_room_is_not_shown() {
        let room = Room {
            token: "room_key_1".into(),
            room_id: "75".into(),
            ..Room::default()
        };
        let shown = format!("{:?}", crate::Data { data: room });
        assert!(
            shown.contains("75") && !shown.contains("room_key_1"),
            "{shown}"
        );
    }
}
