//! Uploads from readers, downloads into writers.

use std::io::{self, Read};

use coze_api::types::audio::{CreateSpeech, CreateSpeechBody};
use coze_api::{Error, Upload};

use crate::server::{answer, json};
use crate::setup::{FILE, Server, soon};

#[test]
fn readers_are_uploaded() {
    /// Gives a byte at a time, and is interrupted in between.
    struct Slow(Vec<u8>, bool);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let byte = self.0.pop();
            buffer[..byte.iter().len()].copy_from_slice(byte.as_slice());
            Ok(byte.iter().len())
        }
    }
    let reader = Slow(b"olleh".to_vec(), false);
    let server = Server::always(json(FILE));
    let coze = server.coze();
    let upload = Upload::blocking_reader("a.txt", reader, Some(5));
    assert_eq!(coze.upload_from(upload).unwrap().id, "9");
    assert_eq!(coze.upload_bytes("b.txt", "hello").unwrap().id, "9");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    coze.upload(path).unwrap();
    let bodies: Vec<_> = server
        .server
        .requests()
        .into_iter()
        .map(|it| it.body)
        .collect();
    assert!(bodies[0].contains("\r\n\r\nhello\r\n"), "{}", bodies[0]);
    assert!(
        bodies[2].contains("filename=\"Cargo.toml\""),
        "{}",
        bodies[2]
    );

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let broken = Upload::blocking_reader("c.txt", Broken, None);
    let error = soon(move || coze.upload_from(broken)).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
}

#[test]
fn bytes_are_downloaded() {
    let server = Server::always(answer("200 OK", "audio/mpeg", "ID3 speech"));
    let coze = server.coze();
    let speech = || {
        let body = CreateSpeechBody {
            input: "你好".into(),
            voice_id: "1".into(),
            ..Default::default()
        };
        let row = CreateSpeech {
            body,
            ..Default::default()
        };
        let download = coze.download(row).unwrap();
        assert_eq!(download.content_type(), Some("audio/mpeg"));
        download
    };
    assert_eq!(speech().bytes().unwrap(), "ID3 speech");
    let mut sink = Vec::new();
    assert_eq!(speech().write_to(&mut sink).unwrap(), 10);
    assert_eq!(sink, b"ID3 speech");
    let mut text = String::new();
    speech().into_reader().read_to_string(&mut text).unwrap();
    assert_eq!(text, "ID3 speech");
    let error = speech().write_to(&mut [0_u8; 3][..]).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let path = std::env::temp_dir().join(format!("coze-{}.mp3", std::process::id()));
    assert_eq!(speech().save(&path).unwrap(), 10);
    assert_eq!(std::fs::read(&path).unwrap(), b"ID3 speech");
    std::fs::remove_file(path).unwrap();
}
