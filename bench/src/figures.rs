//! Figures, their targets, the table and the JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The value, in the figure's unit.
    AtMost(f64),
    /// The same.
    AtLeast(f64),
    /// The value beside raw's.
    RatioAtLeast(f64),
    /// The value beside raw's.
    RatioAtMost(f64),
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    name: String,
    unit: &'static str,
    /// Why it was not measured.
    missing: Option<String>,
    /// The median of the rounds.
    value: f64,
    /// The median of raw's rounds, or of the peer's that is named.
    raw: Option<f64>,
    /// The median of the ratios within the rounds: what slows the machine slows both.
    ratio: Option<f64>,
    target: Option<Target>,
    /// Whether the target is met.
    ok: Option<bool>,
    rounds: Vec<f64>,
    raw_rounds: Vec<f64>,
}

impl Figure {
    /// A figure that stands for itself.
    pub(crate) fn alone(
        name: impl Into<String>,
        unit: &'static str,
        rounds: Vec<f64>,
        target: Option<Target>,
    ) -> Self {
        Self::new(name.into(), unit, rounds, Vec::new(), target)
    }

    /// A figure beside raw's, or that of another program, round by round.
    pub(crate) fn beside(
        name: impl Into<String>,
        unit: &'static str,
        rounds: Vec<f64>,
        raw_rounds: Vec<f64>,
        target: Option<Target>,
    ) -> Self {
        Self::new(name.into(), unit, rounds, raw_rounds, target)
    }

    /// A figure that was not measured, and why.
    pub(crate) fn missing(
        name: impl Into<String>,
        unit: &'static str,
        target: Option<Target>,
        why: String,
    ) -> Self {
        Self {
            missing: Some(why),
            ..Self::new(name.into(), unit, Vec::new(), Vec::new(), target)
        }
    }

    fn new(
        name: String,
        unit: &'static str,
        rounds: Vec<f64>,
        raw_rounds: Vec<f64>,
        target: Option<Target>,
    ) -> Self {
        let value = median(&rounds).unwrap_or(f64::NAN);
        let pairs = rounds.iter().zip(&raw_rounds);
        let ratio = median(&pairs.map(|(it, raw)| it / raw).collect::<Vec<_>>());
        let ok = target.map(|target| match target {
            Target::AtMost(most) => value <= most,
            Target::AtLeast(least) => value >= least,
            Target::RatioAtLeast(least) => ratio.is_some_and(|ratio| ratio >= least),
            Target::RatioAtMost(most) => ratio.is_some_and(|ratio| ratio <= most),
        });
        Self {
            name,
            unit,
            missing: None,
            value,
            raw: median(&raw_rounds),
            ratio,
            target,
            ok,
            rounds,
            raw_rounds,
        }
    }

    fn cells(&self) -> [String; 6] {
        let show = |value: f64| match value.abs() {
            0.0..10.0 => format!("{value:.2}"),
            10.0..1000.0 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        };
        let unit = self.unit;
        [
            self.name.clone(),
            match &self.missing {
                Some(why) => why.clone(),
                None => format!("{} {unit}", show(self.value)),
            },
            self.raw
                .map_or_else(String::new, |raw| format!("{} {unit}", show(raw))),
            self.ratio
                .map_or_else(String::new, |ratio| format!("{ratio:.2} ×")),
            self.target.map_or_else(String::new, |target| match target {
                Target::AtMost(most) => format!("≤ {most} {unit}"),
                Target::AtLeast(least) => format!("≥ {least} {unit}"),
                Target::RatioAtLeast(least) => format!("≥ {least:.2} ×"),
                Target::RatioAtMost(most) => format!("≤ {most:.2} ×"),
            }),
            match self.ok {
                None => "",
                Some(true) => "ok",
                Some(false) if self.missing.is_some() => "not measured",
                Some(false) => "missed",
            }
            .to_owned(),
        ]
    }
}

/// The middle value; the mean of the two in the middle of an even number.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// All that one run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// Small counts: nothing is to be concluded from the figures.
    smoke: bool,
    figures: Vec<Figure>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    processor: Option<String>,
    system: String,
}

impl Report {
    /// An empty one.
    pub(crate) fn new(smoke: bool) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        Self {
            machine: Machine {
                cores: std::thread::available_parallelism().map_or(1, usize::from),
                processor: model
                    .and_then(|line| line.split_once(':'))
                    .map(|(_, name)| name.trim().to_owned()),
                system,
            },
            smoke,
            figures: Vec::new(),
        }
    }

    /// Adds figures.
    pub(crate) fn extend(&mut self, figures: impl IntoIterator<Item = Figure>) {
        self.figures.extend(figures);
    }

    /// How many targets are missed; what was not measured has met none.
    pub(crate) fn missed(&self) -> usize {
        let missed = self.figures.iter().filter(|it| it.ok == Some(false));
        missed.count()
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        let head = ["", "measured", "beside", "ratio", "target", ""].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head)
            .chain(self.figures.iter().map(Figure::cells))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; 6] = std::array::from_fn(|column| width(column).unwrap_or_default());
        for row in &rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                line += &match column {
                    0 | 5 => format!("{cell:<width$}  "),
                    _ => format!("{cell:>width$}  "),
                };
            }
            println!("{}", line.trim_end());
        }
        if self.smoke {
            println!("\nsmall counts: these figures say nothing, only that everything works");
        }
    }

    /// Writes the JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_ratio_is_taken_round_by_round() {
        let target = Some(Target::RatioAtLeast(0.6));
        let rounds = vec![70.0, 7.0, 0.5];
        let figure = Figure::beside("x", "/s", rounds, vec![100.0, 10.0, 1.0], target);
        assert_eq!((figure.ratio, figure.ok), (Some(0.7), Some(true)));
        let figure = Figure::alone("x", "ms", vec![13.0], Some(Target::AtMost(12.0)));
        assert_eq!((figure.ratio, figure.ok), (None, Some(false)));
        let target = Some(Target::RatioAtLeast(3.0));
        let figure = Figure::missing("x", "/s", target, "not installed".to_owned());
        assert_eq!(figure.ok, Some(false));
        assert_eq!(figure.cells()[1], "not installed");
    }
}
