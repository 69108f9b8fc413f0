//! Very many connections on which nothing happens: they cost little, and others are answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::Server;

/// As many as this process may have open beside its own files, and at most so many.
const WANTED: usize = 10_000;

fn connect(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn ask(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    stream
        .write_all(b"GET /v1/users/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pat_any\r\n\r\n")
        .unwrap();
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes[..length]);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    begun.elapsed()
}

fn memory(server: &Server, line: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let found = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    found
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse::<usize>()
        .unwrap()
        / 1024
}

#[test]
fn ten_thousand_idle_connections() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    let wanted = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted).unwrap();
    let count = WANTED.min(usize::try_from(most).unwrap_or(usize::MAX) - 500);
    if count < WANTED {
        eprintln!("ONLY {count} connections: this process may have no more than {most} files open");
    }
    let server = Server::start();
    ask(&mut connect(&server));
    let before = memory(&server, "VmRSS:");
    let mut idle = Vec::new();
    for index in 0..count {
        let mut stream = connect(&server);
        match index % 3 {
            // Silent, in the middle of a head, and kept after an answer.
            0 => {}
            1 => stream
                .write_all(b"GET /v1/users/me HTTP/1.1\r\nhost:")
                .unwrap(),
            _ if index % 30 == 2 => drop(ask(&mut stream)),
            _ => {}
        }
        idle.push(stream);
    }
    let slowest = (0..20).map(|_| ask(&mut connect(&server))).max().unwrap();
    let after = memory(&server, "VmRSS:");
    println!("{count} connections: {before} MB, then {after} MB; a call takes {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(
        after - before < count * 16 / 1000,
        "{before} MB, then {after} MB"
    );
    drop(idle);
    ask(&mut connect(&server));
}
