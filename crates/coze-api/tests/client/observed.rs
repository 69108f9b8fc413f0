//! What an observer hears of streams.

use std::sync::{Arc, Mutex};

use coze_api::{Observer, StreamEnd};

use crate::server::{CREATED, DONE, Server, chat, stream, whole_chat};

/// How many events, and whether the stream had come to its last one.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<(u64, bool)>>>);

impl Observer for Ends {
    fn stream(&self, end: &StreamEnd<'_>) {
        assert_eq!((end.endpoint, end.log_id), ("StartChat", Some("LOG1")));
        self.0.lock().unwrap().push((end.events, end.complete));
    }
}

#[tokio::test]
async fn a_stream_is_complete_when_its_last_event_has_come() {
    let failed = [CREATED, &chat("failed"), DONE].concat();
    for (body, all, expected) in [
        (whole_chat(), true, (9, true)),
        (failed, true, (2, true)),
        (CREATED.to_owned(), true, (1, false)),
        (whole_chat(), false, (1, false)),
    ] {
        let server = Server::always(stream(body.as_bytes())).await;
        let ends = Ends::default();
        let coze = server.builder().observer(ends.clone()).build().unwrap();
        let request = coze.chat("333").message("x").save_history(false);
        let mut stream = request.stream().await.unwrap();
        stream.next().await.unwrap().unwrap();
        while all && stream.next().await.is_some_and(|it| it.is_ok()) {}
        drop(stream);
        assert_eq!(*ends.0.lock().unwrap(), [expected], "{body}");
    }
}
