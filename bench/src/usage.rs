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

/// The same of another process, whose threads may have come and gone, in steps of 10 ms.
pub(crate) fn cpu_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name, which may hold anything: user and system time are fields 14 and 15 of all.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields
        .map(|it| it.parse::<u64>().ok())
        .sum::<Option<u64>>()?;
    // Linux counts in hundredths of a second, whatever its own clock does.
    Some(ticks * 10_000_000)
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
    fn another_process_is_told_of_as_this_one_is() {
        let process = std::process::id();
        let mut sum = 0_u64;
        for number in 0..100_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        assert!(cpu_of(process).unwrap() > 0, "{sum}");
        assert!(memory_of(process, "VmRSS:").unwrap() > 100_000);
    }

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
