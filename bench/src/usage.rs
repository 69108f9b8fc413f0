//! What this process has used. Linux only: elsewhere there are no figures.

use std::fs;
use std::thread;
use std::time::Duration;

/// Time on the CPU of all threads so far, user and system together, in nanoseconds.
pub(crate) fn cpu() -> Option<u64> {
    // The kernel adds a thread's time up when the thread leaves the CPU, so leave it.
    thread::sleep(Duration::from_millis(1));
    threads("/proc/self/task")
}

/// The same of another process.
pub(crate) fn cpu_of(process: u32) -> Option<u64> {
    threads(&format!("/proc/{process}/task"))
}

fn threads(folder: &str) -> Option<u64> {
    let tasks = fs::read_dir(folder).ok()?;
    let time = |path| {
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    tasks
        .map(|task| time(task.ok()?.path().join("schedstat")))
        .sum()
}

/// The most memory that was ever resident, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    memory("/proc/self/status", "VmHWM:")
}

/// A line about the memory of another process, in bytes: `VmRSS:` now, `VmHWM:` at most.
pub(crate) fn memory_of(process: u32, line: &str) -> Option<u64> {
    memory(&format!("/proc/{process}/status"), line)
}

fn memory(status: &str, line: &str) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix(line))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Lets this process have as many connections as the system allows.
pub(crate) fn raise_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        let highest = Rlimit {
            current: limit.maximum,
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, highest) {
            eprintln!("the number of open files cannot be raised: {error}");
        }
    }
}

/// A time that all processes of the machine have in common, in nanoseconds.
#[cfg(target_os = "linux")]
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn now() -> u64 {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_are_told() {
        let before = cpu().unwrap();
        let mut sum = 0_u64;
        for number in 0..50_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        assert!(cpu().unwrap() > before, "{sum}");
        assert!(peak_memory().unwrap() > 100_000);
    }
}
