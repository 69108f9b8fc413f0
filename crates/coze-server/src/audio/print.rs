//! How like two recordings sound: how their strength lies over the tones.

use std::f64::consts::TAU;

use super::Sound;

/// Tones that are looked at, from `LOWEST` upwards, `STEPS` to the octave.
const BANDS: u16 = 64;
const LOWEST: f64 = 70.0;
const STEPS: f64 = 12.0;
/// Samples of a look, and the seconds of a recording that count.
const WINDOW: usize = 2048;
const SECONDS: usize = 30;

/// The strength of each tone, all of them together 1.
pub(crate) fn fingerprint(sound: &Sound) -> Vec<f64> {
    let rate = f64::from(sound.rate.max(1));
    let most = usize::try_from(sound.rate).unwrap_or(0) * SECONDS;
    let samples = sound.samples.get(..most).unwrap_or(&sound.samples);
    let tones: Vec<f64> = (0..BANDS)
        .map(|band| LOWEST * (f64::from(band) / STEPS).exp2())
        .collect();
    let mut strengths = vec![0.0; tones.len()];
    for window in samples.chunks(WINDOW) {
        for (strength, tone) in strengths.iter_mut().zip(&tones) {
            if *tone < rate / 2.0 {
                *strength += goertzel(window, tone / rate).sqrt();
            }
        }
    }
    let length = strengths.iter().map(|it| it * it).sum::<f64>().sqrt();
    if length > 0.0 {
        strengths.iter_mut().for_each(|it| *it /= length);
    }
    strengths
}

/// The strength of one tone, given in turns per sample (Goertzel).
fn goertzel(samples: &[f32], turns: f64) -> f64 {
    let factor = 2.0 * (TAU * turns).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) + factor * last - before;
        (before, last) = (last, next);
    }
    (last * last + before * before - factor * last * before).max(0.0)
}

/// From 0, nothing in common, to 100, the same.
pub(crate) fn compare(one: &[f64], other: &[f64]) -> f64 {
    let cosine: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
    // All voices have much in common; the power spreads what is left.
    let score = cosine.clamp(0.0, 1.0).powi(4) * 100.0;
    (score * 100.0).round() / 100.0
}
