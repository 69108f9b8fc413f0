//! Speech: a tone for each character, silence for spaces and marks. The same words in the same
//! voice are always the same bytes.

use std::f32::consts::TAU;

use super::voices::Timbre;
use super::{mp3, ogg, wav};

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Manner {
    pub(crate) timbre: Timbre,
    /// 1 is normal.
    pub(crate) speed: f32,
    /// In Hz.
    pub(crate) rate: u32,
    /// 1 is normal.
    pub(crate) loudness: f32,
    /// How many half tones an emotion lifts the voice.
    pub(crate) lift: f32,
}

/// How speech is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Wav,
    Pcm,
    Mp3,
    OggOpus,
}

impl Manner {
    /// What is said, as a file.
    pub(crate) fn file(&self, text: &str, container: Container) -> Vec<u8> {
        match container {
            Container::Wav => wav::write(self.rate, &speak(text, self), text),
            Container::Pcm => wav::pcm(&speak(text, self)),
            Container::Mp3 => mp3::write(self.rate, self.milliseconds(text), text),
            Container::OggOpus => ogg::write(self.rate, self.milliseconds(text), text),
        }
    }

    fn milliseconds(&self, text: &str) -> u64 {
        let samples: usize = text.chars().map(|it| self.samples(it)).sum();
        samples as u64 * 1000 / u64::from(self.rate.max(1))
    }

    /// How many samples a character takes.
    fn samples(&self, character: char) -> usize {
        let milliseconds: f32 = match character {
            it if it.is_whitespace() => 60.0,
            it if !it.is_alphanumeric() => 160.0,
            it if it.is_ascii() => 70.0,
            _ => 180.0,
        };
        let rate = f64::from(self.rate);
        let samples = rate * f64::from(milliseconds) / 1000.0 / f64::from(self.speed.max(0.1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and some thousands"
        )]
        let samples = samples as usize;
        samples
    }
}

/// The samples of what is said.
pub(crate) fn speak(text: &str, manner: &Manner) -> Vec<i16> {
    let total = text.chars().map(|it| manner.samples(it)).sum();
    let mut samples = Vec::with_capacity(total);
    for character in text.chars() {
        let count = manner.samples(character);
        if character.is_alphanumeric() {
            tone(&mut samples, character, count, manner);
        } else {
            samples.resize(samples.len() + count, 0);
        }
    }
    samples
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "samples are counted in thousands, and a sample is cut to its range"
)]
fn tone(samples: &mut Vec<i16>, character: char, count: usize, manner: &Manner) {
    // Five notes to the octave never clash.
    let notes = [0.0, 2.0, 4.0, 7.0, 9.0];
    let code = u32::from(character) as usize;
    let note = notes.get(code % notes.len()).copied().unwrap_or(0.0);
    let octave = if (code / 5).is_multiple_of(2) {
        0.0
    } else {
        12.0
    };
    let half_tones: f32 = note + octave + manner.lift;
    let pitch = manner.timbre.pitch * (half_tones / 12.0).exp2();
    let rate = manner.rate as f32;
    let (rise, fall) = (rate * 0.008, rate * 0.02);
    let bright = manner.timbre.bright;
    let weight = 0.5 / (1.0 + bright * 0.5 + bright * 0.25);
    for index in 0..count {
        let at = index as f32;
        let left = (count - index) as f32;
        let envelope = (at / rise).min(1.0) * (left / fall).min(1.0);
        let phase = TAU * pitch * at / rate;
        let wave =
            phase.sin() + bright * 0.5 * (2.0 * phase).sin() + bright * 0.25 * (3.0 * phase).sin();
        let value = wave * weight * envelope * manner.loudness;
        samples.push((value.clamp(-1.0, 1.0) * 32_767.0) as i16);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Recording, compare, fingerprint, system_voice};
    use super::*;

    fn manner(voice: &str) -> Manner {
        Manner {
            timbre: system_voice(voice).unwrap().timbre,
            speed: 1.0,
            rate: 16_000,
            loudness: 1.0,
            lift: 0.0,
        }
    }

    #[test]
    fn every_container_lasts_as_long_and_says_the_same() {
        let manner = manner("7500000000000000301");
        let text = "你好, world!";
        let expected = manner.milliseconds(text);
        for container in [Container::Wav, Container::Mp3, Container::OggOpus] {
            let read = Recording::read(&manner.file(text, container)).unwrap();
            assert_eq!(read.text.as_deref(), Some(text), "{container:?}");
            let longer = read.milliseconds - expected;
            assert!(longer < 80, "{container:?}: {longer} ms longer");
        }
    }

    #[test]
    fn speed_and_loudness_count() {
        let normal = manner("7500000000000000301");
        let fast = Manner {
            speed: 2.0,
            ..normal
        };
        let loud = Manner {
            loudness: 0.5,
            ..normal
        };
        let peak = |manner| speak("hello", &manner).into_iter().max().unwrap();
        assert_eq!(
            speak("hello", &normal).len(),
            2 * speak("hello", &fast).len()
        );
        assert!((peak(normal) - 2 * peak(loud)).abs() <= 2);
    }

    #[test]
    fn a_voice_is_most_like_itself() {
        let print = |voice: &str, text: &str| {
            let wav = manner(voice).file(text, Container::Wav);
            fingerprint(&Recording::read(&wav).unwrap().sound.unwrap())
        };
        let (alto, bass) = ("7500000000000000303", "7500000000000000304");
        let known = print(alto, "the quick brown fox jumps");
        assert!((compare(&known, &known) - 100.0).abs() < 0.01);
        let same = compare(&known, &print(alto, "over the lazy dog again"));
        let other = compare(&known, &print(bass, "over the lazy dog again"));
        assert!(same > other + 10.0, "same {same}, other {other}");
    }
}
