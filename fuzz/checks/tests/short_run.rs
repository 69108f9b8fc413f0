//! A short run of the checks without a fuzzer: all fixtures, whole and with faults put in. The long
//! runs are described in `docs/reliability.md`.

use std::path::{Path, PathBuf};

/// Files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the fixtures lie beside the types");
    for entry in entries {
        let path = entry.expect("a folder that can be read").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn inputs() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/coze-types/fixtures");
    let mut found = Vec::new();
    files(&fixtures, &mut found);
    found.sort();
    assert!(found.len() > 100, "only {} fixtures", found.len());
    let read = |path: &PathBuf| std::fs::read(path).expect("a fixture that can be read");
    found.iter().map(read).collect()
}

/// The same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Changes, removes, doubles or inserts a few bytes.
fn spoil(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    const NASTY: &[u8] = b"\r\n:{}[]\",0-e\\u\xEF\xBB\xBF\xE2\x80\xA8\x00 n";
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(4) {
            _ if bytes.is_empty() => bytes.push(b'\n'),
            0 => bytes[at] = NASTY[numbers.below(NASTY.len())],
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, NASTY[numbers.below(NASTY.len())]),
            _ => {
                let end = at + numbers.below(40).min(bytes.len() - at);
                let piece = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
}

fn run(check: fn(&[u8]), head: usize, rounds: usize) {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for input in inputs() {
        for round in 0..rounds {
            let mut bytes: Vec<u8> = (0..head).map(|_| numbers.below(256) as u8).collect();
            let mut body = input.clone();
            if round > 0 {
                spoil(&mut body, &mut numbers);
            }
            bytes.extend(body);
            check(&bytes);
        }
    }
}

#[test]
fn frames() {
    run(coze_fuzz_checks::sse, 4, 40);
}

#[test]
fn replies() {
    run(coze_fuzz_checks::envelope, 2, 60);
}

#[test]
fn events() {
    run(coze_fuzz_checks::events, 4, 20);
}
