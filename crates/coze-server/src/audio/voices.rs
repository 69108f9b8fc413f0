//! The voices that are always there, and what makes voices sound different.

use super::Sound;

/// How a voice sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timbre {
    /// Its lowest tone, in Hz.
    pub(crate) pitch: f32,
    /// How strong its overtones are, from 0 to 1.
    pub(crate) bright: f32,
}

impl Timbre {
    /// That of a voice made from a recording: the same recording always gives the same.
    pub(crate) fn of_recording(bytes: &[u8], sound: Option<&Sound>) -> Self {
        // FNV-1a.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let unit = |bits: u64| f32::from((bits & 0xff) as u8) / 255.0;
        let pitch = sound
            .and_then(pitch)
            .unwrap_or_else(|| 100.0 + 140.0 * unit(hash >> 8));
        Self {
            pitch,
            bright: 0.2 + 0.7 * unit(hash >> 16),
        }
    }
}

/// About how often the sound crosses zero upwards in a second, within what voices do.
fn pitch(sound: &Sound) -> Option<f32> {
    let crossings = sound
        .samples
        .windows(2)
        .filter(|pair| matches!(pair, [before, after] if *before < 0.0 && *after >= 0.0));
    let count = u16::try_from(crossings.count()).unwrap_or(u16::MAX);
    let milliseconds = u16::try_from(sound.milliseconds()).unwrap_or(u16::MAX);
    if count == 0 || milliseconds == 0 {
        return None;
    }
    let rate = f32::from(count) * 1000.0 / f32::from(milliseconds);
    Some(rate.clamp(80.0, 320.0))
}

/// A voice of the system.
#[derive(Debug)]
pub(crate) struct SystemVoice {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) language: &'static str,
    pub(crate) preview: &'static str,
    pub(crate) big: bool,
    /// The emotions that it knows, with their names in Chinese.
    pub(crate) emotions: &'static [(&'static str, &'static str)],
    pub(crate) timbre: Timbre,
}

const EMOTIONS: &[(&str, &str)] = &[
    ("neutral", "中性"),
    ("happy", "开心"),
    ("sad", "悲伤"),
    ("angry", "愤怒"),
    ("surprised", "惊讶"),
    ("fear", "恐惧"),
    ("hate", "厌恶"),
    ("excited", "兴奋"),
    ("coldness", "冷漠"),
];

const fn voice(
    id: &'static str,
    name: &'static str,
    language: &'static str,
    preview: &'static str,
    pitch: f32,
    bright: f32,
) -> SystemVoice {
    SystemVoice {
        id,
        name,
        language,
        preview,
        big: true,
        emotions: &[],
        timbre: Timbre { pitch, bright },
    }
}

/// The voices of the system.
pub(crate) static SYSTEM_VOICES: &[SystemVoice] = &[
    SystemVoice {
        emotions: EMOTIONS,
        ..voice(
            "7500000000000000301",
            "离线女声",
            "zh",
            "你好，我是离线女声。",
            220.0,
            0.7,
        )
    },
    voice(
        "7500000000000000302",
        "离线男声",
        "zh",
        "你好，我是离线男声。",
        125.0,
        0.5,
    ),
    SystemVoice {
        emotions: EMOTIONS,
        ..voice(
            "7500000000000000303",
            "Offline Alto",
            "en",
            "Hello, I am the offline alto.",
            196.0,
            0.6,
        )
    },
    voice(
        "7500000000000000304",
        "Offline Bass",
        "en",
        "Hello, I am the offline bass.",
        98.0,
        0.4,
    ),
    voice(
        "7500000000000000305",
        "オフライン",
        "ja",
        "こんにちは、オフラインの声です。",
        233.0,
        0.65,
    ),
    SystemVoice {
        big: false,
        ..voice(
            "7500000000000000306",
            "离线小音色",
            "zh",
            "你好，我是离线小音色。",
            165.0,
            0.3,
        )
    },
];

pub(crate) fn system_voice(id: &str) -> Option<&'static SystemVoice> {
    SYSTEM_VOICES.iter().find(|voice| voice.id == id)
}

/// The name of a language, as lists show it.
pub(crate) fn language_name(code: &str) -> &'static str {
    match code {
        "zh" => "中文",
        "en" => "英语",
        "ja" => "日语",
        "es" => "西班牙语",
        "id" => "印度尼西亚语",
        "pt" => "葡萄牙语",
        _ => "",
    }
}
