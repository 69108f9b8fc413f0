//! Audio: voices, speech made from text, and text made from speech.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::{Multipart, endpoints};
use crate::files::FilePart;
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Binary, Data, Empty, Id, Timestamp, de};

endpoints! { "audio";
    /// Lists the voices that can be used: those of the system, and the caller's own.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_voices>
    ListVoices = GET "/v1/audio/voices" () "listVoice" {
        query: ListVoicesQuery, body: None Empty, reply: Data<VoiceList>
    }

    /// Makes a voice that sounds like the one in a recording, or trains one anew.
    ///
    /// The recording has at most 10 MB. The hosted service answers with the id of the voice alone.
    /// Errors: 1109 (the recording does not say what `text` says).
    /// Source: <https://www.coze.cn/open/docs/developer_guides/clone_voices>
    CloneVoice = POST "/v1/audio/voices/clone" () "createVoice" {
        query: Empty, body: Multipart CloneVoiceBody, reply: Data<Voice>
    }

    /// Makes speech from text: the reply is the sound itself.
    ///
    /// Errors come as JSON. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/text_to_speech>
    CreateSpeech = POST "/v1/audio/speech" () "createSpeech" {
        query: Empty, body: Json CreateSpeechBody, reply: Binary,
        bytes: "audio/*"
    }

    /// Makes text from speech: `ogg`, `mp3` or `wav` of at most 10 MB and 30 minutes.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/audio_transcriptions>
    CreateTranscription = POST "/v1/audio/transcriptions" () "createTranscription" {
        query: Empty, body: Multipart CreateTranscriptionBody, reply: Data<Transcription>
    }
}

numbered! {
    ListVoices by page_num, 100;
    |page| page.data.voice_list => Voice;
    has_more page.data.has_more
}

open_enum! {
    /// How sound is stored.
    AudioFormat {
        /// MP3.
        Mp3 = "mp3",
        /// WAV.
        Wav = "wav",
        /// Raw samples.
        Pcm = "pcm",
        /// Opus in pieces of Ogg; only as the form of a reply.
        OggOpus = "ogg_opus",
        /// Ogg.
        Ogg = "ogg",
        /// Opus; named by the JavaScript SDK alone.
        Opus = "opus",
        /// MPEG-4 audio; only for recordings.
        M4a = "m4a",
        /// AAC; only for recordings.
        Aac = "aac",
    }
}

open_enum! {
    /// The size of the model behind a voice.
    VoiceModel {
        /// A large model.
        Big = "big",
        /// A small model.
        Small = "small",
    }
}

open_enum! {
    /// Whether a voice was trained.
    VoiceState {
        /// It was.
        Cloned = "cloned",
        /// Not yet.
        Init = "init",
        /// Either; only in queries.
        All = "all",
    }
}

open_enum! {
    /// A language that recordings may be in.
    VoiceLanguage {
        /// Chinese.
        Chinese = "zh",
        /// English.
        English = "en",
        /// Japanese.
        Japanese = "ja",
        /// Spanish.
        Spanish = "es",
        /// Indonesian.
        Indonesian = "id",
        /// Portuguese.
        Portuguese = "pt",
    }
}

open_enum! {
    /// How a voice feels; each voice knows some of them.
    Emotion {
        /// None in particular.
        Neutral = "neutral",
        /// Happy.
        Happy = "happy",
        /// Sad.
        Sad = "sad",
        /// Angry.
        Angry = "angry",
        /// Surprised.
        Surprised = "surprised",
        /// Afraid.
        Fear = "fear",
        /// Full of hate.
        Hate = "hate",
        /// Excited.
        Excited = "excited",
        /// Cold.
        Coldness = "coldness",
    }
}

/// Query of [`ListVoices`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVoicesQuery {
    /// The voices of the system are left out; false by default.
    pub filter_system_voice: Option<bool>,
    /// Only those with such a model.
    pub model_type: Option<VoiceModel>,
    /// Only those in this state; the trained ones by default.
    pub voice_state: Option<VoiceState>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 100; 100 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListVoices`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VoiceList {
    /// The voices of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub voice_list: Vec<Voice>,
    /// Another page follows.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// A voice.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// The id.
    pub voice_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// It is one of the system.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_system_voice: bool,
    /// The code of its language.
    #[serde(default, deserialize_with = "de::null_default")]
    pub language_code: String,
    /// The name of its language.
    #[serde(default, deserialize_with = "de::null_default")]
    pub language_name: String,
    /// What the sample says.
    #[serde(default, deserialize_with = "de::null_default")]
    pub preview_text: String,
    /// The sample: a URL.
    #[serde(default, deserialize_with = "de::null_default")]
    pub preview_audio: String,
    /// How often it can still be trained; 10 times in all.
    #[serde(default, deserialize_with = "de::int")]
    pub available_training_times: i64,
    /// When it was made, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The size of its model.
    pub model_type: Option<VoiceModel>,
    /// Whether it was trained.
    pub state: Option<VoiceState>,
    /// The name of its model.
    pub model_name: Option<String>,
    /// The emotions that it knows; only voices with emotions have this.
    pub support_emotions: Option<Vec<VoiceEmotion>>,
}

/// An emotion that a voice knows.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VoiceEmotion {
    /// The emotion.
    pub emotion: Option<Emotion>,
    /// Its name in Chinese.
    pub display_name: Option<String>,
    /// How strong it can be.
    pub emotion_scale_interval: Option<EmotionScale>,
}

/// How strong an emotion can be.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EmotionScale {
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
    /// When nothing is said.
    pub default: Option<f64>,
}

/// Body of [`CloneVoice`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneVoiceBody {
    /// The recording; required. Raw samples must be mono at 24 kHz.
    #[serde(skip)]
    pub file: FilePart,
    /// The name, of up to 128 bytes; required.
    pub voice_name: String,
    /// How the recording is stored; required.
    pub audio_format: AudioFormat,
    /// The language of the recording.
    pub language: Option<VoiceLanguage>,
    /// The voice to train anew, up to 10 times; a new one by default.
    pub voice_id: Option<Id>,
    /// What a sample of the voice is to say.
    pub preview_text: Option<String>,
    /// What the recording says, in up to 1,024 bytes; error 1109 when it says something else.
    pub text: Option<String>,
    /// The workspace; the personal one by default.
    pub space_id: Option<Id>,
    /// What it is for.
    pub description: Option<String>,
}

impl Multipart for CloneVoiceBody {
    fn file(&self) -> Option<&FilePart> {
        Some(&self.file)
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = file;
    }
}

/// Body of [`CreateSpeech`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateSpeechBody {
    /// What to say, in up to 1,024 bytes; required.
    pub input: String,
    /// The voice; required.
    pub voice_id: Id,
    /// The form of the reply; `mp3` by default.
    pub response_format: Option<AudioFormat>,
    /// 0.2 to 3, with large models 0.5 to 2; 1 by default.
    pub speed: Option<f64>,
    /// 8,000, 16,000, 22,050, 24,000 (default), 32,000, 44,100 or 48,000 Hz.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub sample_rate: Option<i64>,
    /// How much louder in per cent, from -50 to 100; 0 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub loudness_rate: Option<i64>,
    /// How the voice feels; only for voices that know this emotion.
    pub emotion: Option<Emotion>,
    /// How strongly it feels so, from 1 to 5; 4 by default.
    pub emotion_scale: Option<f64>,
    /// How to speak, in words: mood, dialect, tone, speed, pitch. Only for voices of the second
    /// large speech model.
    pub context_texts: Option<String>,
}

/// Body of [`CreateTranscription`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTranscriptionBody {
    /// The recording; required.
    #[serde(skip)]
    pub file: FilePart,
}

impl Multipart for CreateTranscriptionBody {
    fn file(&self) -> Option<&FilePart> {
        Some(&self.file)
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = file;
    }
}

/// Payload of [`CreateTranscription`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcription {
    /// What was said.
    #[serde(default, deserialize_with = "de::null_default")]
    pub text: String,
}
