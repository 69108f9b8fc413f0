//! Voices, speech, transcriptions, and the sounds that addresses in answers lead to.

use axum::extract::{Path, State};
use axum::response::Response;
use coze_types::audio::{
    AudioFormat, CloneVoice, CloneVoiceBody, CreateSpeech, CreateSpeechBody, CreateTranscription,
    Emotion, EmotionScale, ListVoices, Transcription, Voice, VoiceEmotion, VoiceLanguage,
    VoiceList, VoiceModel, VoiceState,
};
use coze_types::{Data, Id, Timestamp};

use crate::app::App;
use crate::audio::{
    Container, Kind, Manner, Recording, SYSTEM_VOICES, SystemVoice, Timbre, language_name,
    system_voice,
};
use crate::call::{Call, Media};
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{BillRecord, VoiceRecord, number};
use crate::{billing, ids, validate};

/// The largest recording, in bytes, and the longest one, in milliseconds.
pub(crate) const LIMIT: usize = 10 * 1024 * 1024;
const LONGEST: u64 = 30 * 60 * 1000;
/// The longest text that is spoken, in bytes.
const TEXT: usize = 1024;
/// How often a voice can be trained.
const TRAININGS: i64 = 10;
/// What a sample of a voice says when nothing was asked for.
const PREVIEW: &str = "你好，这是我的新声音。";

pub(crate) async fn voices(app: App, call: Call<ListVoices>) -> Result<Data<VoiceList>, Fail> {
    let query = call.row.query;
    one_of("model_type", query.model_type.as_ref(), &["big", "small"])?;
    one_of(
        "voice_state",
        query.voice_state.as_ref(),
        &["init", "cloned", "all"],
    )?;
    let (page, size) = validate::page(query.page_num, query.page_size, 100, 100)?;
    // Every voice here was trained.
    let none = query.voice_state == Some(VoiceState::Init);
    let fits = |big: bool| match &query.model_type {
        None => true,
        Some(VoiceModel::Big) => big,
        Some(_) => !big,
    };
    let spaces = if none || !fits(true) {
        Vec::new()
    } else {
        call.user.spaces()
    };
    let offset = page.saturating_mul(size);
    let own = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.voices(&spaces, offset, size)?));
    let (own, count) = own.await?;
    let system = SYSTEM_VOICES.iter().filter(|it| fits(it.big));
    let with_system = !none && !query.filter_system_voice.unwrap_or(false);
    let system: Vec<_> = system.filter(|_| with_system).collect();
    let total = count + system.len();
    let mut voice_list: Vec<Voice> = own.iter().map(|it| wire(&app, it)).collect();
    let rest = system.iter().skip(offset.saturating_sub(count));
    let rest = rest.take(size - voice_list.len());
    voice_list.extend(rest.map(|it| wire_system(&app, it)));
    Ok(Data {
        data: VoiceList {
            has_more: offset + voice_list.len() < total && !voice_list.is_empty(),
            voice_list,
        },
    })
}

pub(crate) async fn clone(app: App, call: Call<CloneVoice>) -> Result<Data<Voice>, Fail> {
    let (user, body) = (call.user, call.row.body);
    let recording = check_clone(&body)?;
    let space = match body.space_id.as_ref().filter(|id| !id.is_empty()) {
        Some(id) => user.space("space_id", id)?,
        None => user.home(),
    };
    let timbre = Timbre::of_recording(&body.file.content, recording.sound.as_ref());
    let (worker, now) = (app.clone(), app.now());
    let key = ids::secret()?;
    let voice = app
        .db
        .write(move |unit| {
            let (mut voice, space) = match body.voice_id.as_ref().filter(|id| !id.is_empty()) {
                Some(id) => trained(unit.voice(number(id))?, &user, id)?,
                None => {
                    let new = VoiceRecord {
                        id: worker.ids.next(),
                        owner_id: user.user(),
                        language: "zh".to_owned(),
                        preview_text: PREVIEW.to_owned(),
                        key,
                        created_at: now,
                        ..VoiceRecord::default()
                    };
                    (new, space)
                }
            };
            voice.name = body.voice_name;
            voice.pitch = f64::from(timbre.pitch);
            voice.bright = f64::from(timbre.bright);
            voice.trainings += 1;
            voice.updated_at = now;
            let keep = |old: &mut String, new: Option<String>| {
                if let Some(new) = new.filter(|new| !new.is_empty()) {
                    *old = new;
                }
            };
            keep(
                &mut voice.language,
                body.language.map(|it| it.as_str().to_owned()),
            );
            keep(&mut voice.preview_text, body.preview_text);
            keep(&mut voice.description, body.description);
            unit.put_voice(&voice, space)?;
            Ok::<_, Fail>(voice)
        })
        .await?;
    Ok(Data {
        data: wire(&app, &voice),
    })
}

/// The voice that is to be trained anew, and its space.
fn trained(
    found: Option<crate::caller::Owned<VoiceRecord>>,
    user: &Caller,
    id: &Id,
) -> Result<(VoiceRecord, i64), Fail> {
    if system_voice(id).is_some() {
        let why = "it is a voice of the system, which cannot be trained";
        return Err(Fail::invalid("voice_id", why));
    }
    let space = found.as_ref().map_or(0, |it| it.space);
    let voice = user.open("voice", id, found)?;
    if voice.trainings >= TRAININGS {
        let why = format!("it was trained {TRAININGS} times, which is all it can be");
        return Err(Fail::invalid("voice_id", why));
    }
    Ok((voice, space))
}

fn check_clone(body: &CloneVoiceBody) -> Result<Recording, Fail> {
    validate::required("voice_name", &body.voice_name)?;
    bytes_at_most("voice_name", &body.voice_name, 128)?;
    validate::required("audio_format", body.audio_format.as_str())?;
    let formats = ["wav", "mp3", "ogg", "m4a", "aac", "pcm"];
    one_of("audio_format", Some(&body.audio_format), &formats)?;
    let languages = ["zh", "en", "ja", "es", "id", "pt"];
    one_of("language", body.language.as_ref(), &languages)?;
    for (field, text) in [("text", &body.text), ("preview_text", &body.preview_text)] {
        bytes_at_most(field, text.as_deref().unwrap_or_default(), TEXT)?;
    }
    let description = body.description.as_deref().unwrap_or_default();
    validate::at_most("description", description, 1000)?;
    let content = &body.file.content;
    if content.is_empty() {
        return Err(Fail::invalid("file", "it is required"));
    }
    let kind = Kind::of(content);
    if kind.name() != body.audio_format.as_str() {
        let (said, is) = (body.audio_format.as_str(), kind.name());
        let msg = format!("the file is no {said}: by its first bytes it is {is}");
        return Err(Fail::new(4303, msg));
    }
    let recording = match kind {
        Kind::Wav | Kind::Mp3 | Kind::Ogg => Recording::read(content),
        Kind::Raw => Recording::raw(content, 24_000, 1),
        // Compressed in ways that are not looked into.
        Kind::M4a | Kind::Aac => Ok(Recording::default()),
    };
    let recording = recording.map_err(|why| damaged(&why))?;
    let said = recording.text.as_deref();
    match (said, body.text.as_deref().filter(|it| !it.is_empty())) {
        (Some(said), Some(text)) if letters(said) != letters(text) => {
            let msg = "WERError: the recording does not say what `text` says";
            Err(Fail::new(1109, msg))
        }
        _ => Ok(recording),
    }
}

/// What counts when texts are compared: no marks, no spaces, no capitals.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|it| it.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn damaged(why: &str) -> Fail {
    Fail::new(4304, format!("the recording cannot be read: {why}"))
}

pub(crate) async fn speech(app: App, call: Call<CreateSpeech>) -> Result<Media, Fail> {
    let body = call.row.body;
    let (container, kind) = check_speech(&body)?;
    let voice = find(&app, &call.user, &body.voice_id).await?;
    let manner = manner(&body, &voice)?;
    let bill = BillRecord {
        connector_uid: call.user.user_id().to_owned(),
        ..BillRecord::of_speech(app.ids.next(), body.input.chars().count())
    };
    billing::record_call(&app, call.user.home(), bill).await?;
    Ok(spoken(body.input, manner, container, kind).await)
}

/// Makes the sound off the runtime's threads: it takes a while.
async fn spoken(text: String, manner: Manner, container: Container, kind: &'static str) -> Media {
    let made = tokio::task::spawn_blocking(move || manner.file(&text, container));
    Media {
        kind,
        // Only a server that ends cancels it, and then nobody listens.
        bytes: made.await.unwrap_or_default(),
    }
}

fn check_speech(body: &CreateSpeechBody) -> Result<(Container, &'static str), Fail> {
    validate::required("input", body.input.trim())?;
    bytes_at_most("input", &body.input, TEXT)?;
    validate::required("voice_id", &body.voice_id)?;
    let rate = body.sample_rate.unwrap_or(24_000);
    if ![8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000].contains(&rate) {
        let why = format!("{rate} is none of 8000, 16000, 22050, 24000, 32000, 44100, 48000");
        return Err(Fail::invalid("sample_rate", why));
    }
    validate::within("loudness_rate", body.loudness_rate.map(float), -50.0, 100.0)?;
    validate::within("emotion_scale", body.emotion_scale, 1.0, 5.0)?;
    let context = body.context_texts.as_deref().unwrap_or_default();
    validate::at_most("context_texts", context, 1000)?;
    match body.response_format {
        None | Some(AudioFormat::Mp3) => Ok((Container::Mp3, "audio/mpeg")),
        Some(AudioFormat::Wav) => Ok((Container::Wav, "audio/wav")),
        Some(AudioFormat::Pcm) => Ok((Container::Pcm, "audio/pcm")),
        // The JavaScript SDK names it in two other ways.
        Some(AudioFormat::OggOpus | AudioFormat::Ogg | AudioFormat::Opus) => {
            Ok((Container::OggOpus, "audio/ogg"))
        }
        Some(ref other) if other.as_str().is_empty() => Ok((Container::Mp3, "audio/mpeg")),
        Some(ref other) => {
            let why = format!("{:?} is none of wav, pcm, ogg_opus, mp3", other.as_str());
            Err(Fail::invalid("response_format", why))
        }
    }
}

/// A voice that can speak.
struct Speaker {
    timbre: Timbre,
    big: bool,
    emotions: &'static [(&'static str, &'static str)],
}

async fn find(app: &App, caller: &Caller, id: &Id) -> Result<Speaker, Fail> {
    if let Some(voice) = system_voice(id) {
        return Ok(Speaker {
            timbre: voice.timbre,
            big: voice.big,
            emotions: voice.emotions,
        });
    }
    let wanted = number(id);
    let found = app.db.read(move |unit| Ok::<_, Fail>(unit.voice(wanted)?));
    let voice = caller.open("voice", id, found.await?)?;
    Ok(Speaker {
        timbre: timbre(&voice),
        big: true,
        emotions: &[],
    })
}

fn timbre(voice: &VoiceRecord) -> Timbre {
    Timbre {
        pitch: narrow(voice.pitch),
        bright: narrow(voice.bright),
    }
}

fn manner(body: &CreateSpeechBody, voice: &Speaker) -> Result<Manner, Fail> {
    let (least, most) = if voice.big { (0.5, 2.0) } else { (0.2, 3.0) };
    validate::within("speed", body.speed, least, most)?;
    let emotion = body.emotion.as_ref().map_or("", Emotion::as_str);
    let knows = voice.emotions.iter().any(|(name, _)| *name == emotion);
    if !emotion.is_empty() && !knows {
        let why = format!("the voice {} does not know {emotion:?}", body.voice_id);
        return Err(Fail::invalid("emotion", why));
    }
    let direction = match emotion {
        "happy" | "surprised" | "excited" => 1.0,
        "sad" | "fear" | "coldness" => -1.0,
        "angry" | "hate" => 0.5,
        _ => 0.0,
    };
    Ok(Manner {
        timbre: voice.timbre,
        speed: narrow(body.speed.unwrap_or(1.0)),
        rate: u32::try_from(body.sample_rate.unwrap_or(24_000)).unwrap_or(24_000),
        loudness: narrow(1.0 + float(body.loudness_rate.unwrap_or(0)) / 100.0),
        lift: narrow(direction * body.emotion_scale.unwrap_or(4.0)),
    })
}

pub(crate) async fn transcribe(
    app: App,
    call: Call<CreateTranscription>,
) -> Result<Data<Transcription>, Fail> {
    let content = call.row.body.file.content;
    if content.is_empty() {
        return Err(Fail::invalid("file", "it is required"));
    }
    let kind = Kind::of(&content);
    if !matches!(kind, Kind::Wav | Kind::Mp3 | Kind::Ogg) {
        let msg = "the file is none of ogg, mp3, wav, as its first bytes show";
        return Err(Fail::new(4303, msg));
    }
    let recording = Recording::read(&content).map_err(|why| damaged(&why))?;
    if recording.milliseconds >= LONGEST {
        let msg = "the recording takes 30 minutes or more";
        return Err(Fail::new(4302, msg));
    }
    let bill = BillRecord {
        connector_uid: call.user.user_id().to_owned(),
        ..BillRecord::of_listening(app.ids.next(), recording.milliseconds)
    };
    billing::record_call(&app, call.user.home(), bill).await?;
    let tenths = recording.milliseconds / 100;
    let text = recording.text.unwrap_or_else(|| {
        format!(
            "这是一段 {}.{} 秒的录音，离线服务器听不懂内容。",
            tenths / 10,
            tenths % 10
        )
    });
    Ok(Data {
        data: Transcription { text },
    })
}

/// The sound behind an address that an answer told: the sample of a voice, or the recording of a
/// voiceprint. Whoever knows the address may listen, as on the service.
pub(crate) async fn listen(State(app): State<App>, Path(key): Path<String>) -> Response {
    match sound(&app, &key).await {
        Ok(media) => media.respond(),
        Err(fail) => {
            let log_id = ids::log_id(app.ids.next());
            crate::call::finish(&app, &log_id, "sound", Err(fail.with_http(404)))
        }
    }
}

async fn sound(app: &App, key: &str) -> Result<Media, Fail> {
    let preview = |text: &str, timbre| {
        let manner = Manner {
            timbre,
            speed: 1.0,
            rate: 24_000,
            loudness: 1.0,
            lift: 0.0,
        };
        spoken(text.to_owned(), manner, Container::Wav, "audio/wav")
    };
    if let Some(voice) = system_voice(key) {
        return Ok(preview(voice.preview, voice.timbre).await);
    }
    let wanted = key.to_owned();
    let found = app.db.read(move |unit| {
        let print = unit.print_by_key(&wanted)?;
        Ok::<_, Fail>((unit.voice_by_key(&wanted)?, print))
    });
    match found.await? {
        (Some(voice), _) => Ok(preview(&voice.preview_text, timbre(&voice)).await),
        (None, Some(print)) => {
            let path = app.files.join(print.file_id.to_string());
            let bytes = tokio::fs::read(&path).await.map_err(|error| {
                tracing::error!(%error, path = %path.display(), "a recording cannot be read");
                Fail::internal()
            })?;
            let kind = match Kind::of(&bytes) {
                Kind::Wav => "audio/wav",
                _ => "audio/pcm",
            };
            Ok(Media { kind, bytes })
        }
        (None, None) => Err(Fail::not_found("sound", key)),
    }
}

/// Where the sound of that key can be heard.
pub(super) fn address(app: &App, key: &str) -> String {
    format!("{}{}", app.url(), SOUND.replace("{key}", key))
}

/// The path of sounds; not of the vendor's API, only addresses in answers lead here.
pub(crate) const SOUND: &str = "/local/sounds/{key}";

fn wire(app: &App, voice: &VoiceRecord) -> Voice {
    Voice {
        voice_id: voice.id.into(),
        name: voice.name.clone(),
        is_system_voice: false,
        language_code: voice.language.clone(),
        language_name: language_name(&voice.language).to_owned(),
        preview_text: voice.preview_text.clone(),
        preview_audio: address(app, &voice.key),
        available_training_times: (TRAININGS - voice.trainings).max(0),
        create_time: Timestamp(voice.created_at),
        update_time: Timestamp(voice.updated_at),
        model_type: Some(VoiceModel::Big),
        state: Some(VoiceState::Cloned),
        ..Voice::default()
    }
}

fn wire_system(app: &App, voice: &SystemVoice) -> Voice {
    let emotions = voice.emotions.iter().map(|(name, shown)| VoiceEmotion {
        emotion: Some(Emotion::from(*name)),
        display_name: Some((*shown).to_owned()),
        emotion_scale_interval: Some(EmotionScale {
            min: Some(1.0),
            max: Some(5.0),
            default: Some(4.0),
        }),
    });
    let emotions: Vec<_> = emotions.collect();
    Voice {
        voice_id: voice.id.into(),
        name: voice.name.to_owned(),
        is_system_voice: true,
        language_code: voice.language.to_owned(),
        language_name: language_name(voice.language).to_owned(),
        preview_text: voice.preview.to_owned(),
        preview_audio: address(app, voice.id),
        available_training_times: 0,
        create_time: Timestamp(app.started_at),
        update_time: Timestamp(app.started_at),
        model_type: Some(if voice.big {
            VoiceModel::Big
        } else {
            VoiceModel::Small
        }),
        state: Some(VoiceState::Cloned),
        support_emotions: (!emotions.is_empty()).then_some(emotions),
        ..Voice::default()
    }
}

/// Words that a field may have.
trait Word {
    fn word(&self) -> &str;
}

macro_rules! words {
    ($($kind:ty),*) => {
        $(impl Word for $kind {
            fn word(&self) -> &str {
                self.as_str()
            }
        })*
    };
}
words!(AudioFormat, VoiceLanguage, VoiceModel, VoiceState);

fn one_of(field: &str, value: Option<&impl Word>, allowed: &[&str]) -> Result<(), Fail> {
    match value.map(Word::word) {
        Some(word) if !word.is_empty() && !allowed.contains(&word) => {
            let why = format!("{word:?} is none of {}", allowed.join(", "));
            Err(Fail::invalid(field, why))
        }
        _ => Ok(()),
    }
}

fn bytes_at_most(field: &str, text: &str, limit: usize) -> Result<(), Fail> {
    if text.len() <= limit {
        return Ok(());
    }
    let why = format!("it has {} bytes; at most {limit} are allowed", text.len());
    Err(Fail::invalid(field, why))
}

#[expect(clippy::cast_precision_loss, reason = "percentages")]
fn float(number: i64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be small, or from f32"
)]
fn narrow(number: f64) -> f32 {
    number as f32
}
