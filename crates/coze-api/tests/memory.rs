//! What large bodies cost in memory. In a process of its own, so that nothing else is counted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use coze_api::{Coze, Upload};

const SIZE: u64 = 500 << 20;
const MAX_GROWTH: u64 = 50 << 20;

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// Counts what it is sent on one connection, and answers when that is `expected` bytes or more.
fn counter(expected: u64) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 256 * 1024];
        let mut tail = Vec::new();
        loop {
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended too early");
            let count = seen.fetch_add(read as u64, Ordering::SeqCst) + read as u64;
            tail.extend_from_slice(&buffer[read.saturating_sub(16)..read]);
            tail.drain(..tail.len().saturating_sub(16));
            // The end of a form; behind it, perhaps, that of a body in chunks.
            let ended = tail.ends_with(b"--\r\n") || tail.ends_with(b"\r\n0\r\n\r\n");
            if count >= expected && ended {
                break;
            }
        }
        let body =
            r#"{"code":0,"msg":"","data":{"id":"9","bytes":1,"created_at":1,"file_name":"a"}}"#;
        let length = body.len();
        let kind = "content-type: application/json";
        write!(
            socket,
            "HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
    });
    (url, count)
}

/// Uploads, and returns by how much the process grew at most while it did.
async fn grown_by(upload: Upload) -> u64 {
    let (url, count) = counter(SIZE);
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let coze = coze.build().unwrap();
    let before = resident();
    let (done, most) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let watcher = std::thread::spawn({
        let (done, most) = (Arc::clone(&done), Arc::clone(&most));
        move || {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(resident(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let (told, last) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let upload = upload.progress({
        let (told, last) = (Arc::clone(&told), Arc::clone(&last));
        move |sent, _| {
            told.fetch_add(1, Ordering::Relaxed);
            assert!(last.swap(sent, Ordering::Relaxed) < sent);
        }
    });
    let file = coze.upload_from(upload).await.unwrap();
    done.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
    assert_eq!(file.id, "9");
    assert!(count.load(Ordering::SeqCst) > SIZE);
    assert_eq!(last.load(Ordering::Relaxed), SIZE);
    assert!(told.load(Ordering::Relaxed) > 1000);
    let grown = most.load(Ordering::SeqCst).saturating_sub(before);
    eprintln!("grown by {} KiB", grown >> 10);
    grown
}

#[tokio::test]
async fn an_upload_of_500_mb_takes_the_memory_of_a_piece() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // Without contents, it takes no place on the disk.
    file.as_file().set_len(SIZE).unwrap();
    let reader = || {
        use tokio::io::AsyncReadExt;
        tokio::io::repeat(b'a').take(SIZE)
    };
    for upload in [
        Upload::path(file.path()),
        Upload::reader("a.bin", reader(), Some(SIZE)),
        Upload::reader("a.bin", reader(), None),
    ] {
        let grown = grown_by(upload).await;
        assert!(grown < MAX_GROWTH, "{grown}");
    }
}
