//! Sends to callback apps what they are subscribed to, signed as the vendor documents it
//! (<https://docs.coze.cn/dev_how_to_guides/receive_handle_callbacks>).
//!
//! An event is put into the store in the transaction that makes it happen, and is taken out when it
//! has arrived, so that neither a stop nor a crash loses one. A receiver may get one twice; its
//! `event_id` stays the same.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use coze_types::Secret;
use coze_types::api_apps::ApiAppEventType;
use coze_types::connectors::AuditStatus;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::fail::Fail;
use crate::ids::Ids;
use crate::outbound::{self, Outbound, OutboundError};
use crate::store::{ApiAppRecord, Audience, CallbackRecord, StoreError, Unit};

/// How long a receiver may take, and one that reviews an agent.
const TIME: Duration = Duration::from_secs(3);
const REVIEW_TIME: Duration = Duration::from_secs(10);
/// Waits before an event is sent again; the vendor tells that it does so, and not how often.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// So many are sent at the same time.
const AT_ONCE: usize = 16;
/// The longest answer that is read, in bytes.
const ANSWER: usize = 64 * 1024;

/// Something that callback apps may want to hear of.
pub(crate) struct Event<'a> {
    pub(crate) kind: ApiAppEventType,
    pub(crate) audience: Audience<'a>,
    /// Whose account it happened in: the owner of the space.
    pub(crate) account: i64,
    /// The body's `event`.
    pub(crate) content: &'a Value,
    /// The agent and its version, when the answer is a review of them.
    pub(crate) reviewed: Option<(i64, i64)>,
}

/// Puts an event into the store for all apps that hear of it; says whether there are any.
///
/// The ids are taken here, on the writer's thread, so that they grow in the order of the commits.
pub(crate) fn queue(
    unit: &dyn Unit,
    ids: &Ids,
    now: i64,
    event: &Event<'_>,
) -> Result<bool, StoreError> {
    let apps = unit.subscribers(&event.kind, event.audience)?;
    for app in &apps {
        let id = ids.next();
        let mut head = json!({
            "event_type": event.kind.as_str(),
            "event_id": id.to_string(),
            "created_at": now.saturating_mul(1000),
            "coze_account_id": event.account.to_string(),
            "api_app_id": app.id.to_string(),
        });
        if let Audience::Connector(connector) = event.audience {
            head["connector_id"] = connector.into();
        }
        unit.insert_callback(&CallbackRecord {
            id,
            app: app.id,
            event: event.kind.clone(),
            body: json!({"header": head, "event": event.content}).to_string(),
            reviewed: event.reviewed,
        })?;
    }
    Ok(!apps.is_empty())
}

/// Begins to send, beside the requests, until the server stops.
pub(crate) fn start(app: &App) {
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        let (mut last, mut sending) = (0, FuturesUnordered::new());
        loop {
            let room = AT_ONCE.saturating_sub(sending.len());
            let found = app
                .db
                .read(move |unit| Ok::<_, Fail>(unit.callbacks(last, room)?));
            match found.await {
                Ok(found) => {
                    for callback in found {
                        last = callback.id;
                        sending.push(deliver(&app, callback));
                    }
                }
                Err(fail) => tracing::error!(msg = %fail.msg, "callbacks wait for the store"),
            }
            tokio::select! {
                () = app.stop.cancelled() => return,
                Some(()) = sending.next(), if !sending.is_empty() => {}
                () = app.callbacks.notified() => {}
            }
        }
    });
}

/// Sends one, again where that may help, and takes it out of the store.
async fn deliver(app: &App, callback: CallbackRecord) {
    let wanted = callback.app;
    let receiver = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.api_app(wanted)?))
        .await;
    let outcome = match receiver {
        Ok(Some(receiver)) => send_again(app, &receiver, &callback).await,
        // It was deleted with what was to be sent to it.
        Ok(None) => return,
        Err(fail) => {
            // It stays in the store, for the next start.
            tracing::error!(msg = %fail.msg, "a callback waits for the store");
            return;
        }
    };
    if let Err(why) = &outcome {
        let (app, event) = (callback.app, callback.event.as_str());
        tracing::warn!(app, event, why, "a callback did not arrive");
    }
    let settled = app.db.write(move |unit| {
        unit.delete_callback(callback.id)?;
        let Some((bot, version)) = callback.reviewed else {
            return Ok::<_, Fail>(());
        };
        let connector = unit.api_app(callback.app)?.and_then(|it| it.connector);
        let (audit, reason) = match outcome {
            Ok(answer) => review(&answer),
            Err(why) => refused(&why),
        };
        // It may have been taken back, published again or reviewed by a call meanwhile.
        if let Some(connector) = connector
            && let Some(channel) = unit.bot_channel(bot, &connector)?
            && channel.version == version
            && channel.audit == AuditStatus::Pending.value()
        {
            unit.review_bot(bot, &connector, version, audit.value(), &reason)?;
        }
        Ok(())
    });
    if let Err(fail) = settled.await {
        tracing::error!(msg = %fail.msg, "the end of a callback could not be written down");
    }
}

/// What a channel answers when an agent is published to it.
#[derive(Deserialize)]
struct Review {
    audit: Audit,
}

#[derive(Deserialize)]
struct Audit {
    audit_status: AuditStatus,
    #[serde(default)]
    reason: Option<String>,
}

fn review(answer: &Bytes) -> (AuditStatus, String) {
    match serde_json::from_slice::<Review>(answer) {
        Ok(Review { audit }) if AuditStatus::KNOWN.contains(&audit.audit_status) => {
            (audit.audit_status, audit.reason.unwrap_or_default())
        }
        _ => refused("it answered without an audit_status of 1, 2 or 3"),
    }
}

/// Without a review the publication fails.
fn refused(why: &str) -> (AuditStatus, String) {
    let why = format!("the callback app of the channel did not review it: {why}");
    (AuditStatus::Rejected, why)
}

/// The answer; why it failed in words otherwise.
async fn send_again(
    app: &App,
    receiver: &ApiAppRecord,
    callback: &CallbackRecord,
) -> Result<Bytes, String> {
    let time = match callback.reviewed {
        Some(_) => REVIEW_TIME,
        None => TIME,
    };
    let mut waits = AGAIN.iter();
    loop {
        let why = match send(app, receiver, callback.body.clone(), time).await {
            Ok(answer) => return Ok(answer),
            Err(why) => why,
        };
        match waits.next() {
            Some(wait) => tokio::time::sleep(*wait).await,
            None => return Err(why),
        }
    }
}

async fn send(
    app: &App,
    receiver: &ApiAppRecord,
    body: String,
    time: Duration,
) -> Result<Bytes, String> {
    let outbound = app.configured().outbound.clone();
    let url = receiver.url.as_deref().unwrap_or_default();
    let url = outbound.check(url).map_err(|why| why.to_string())?;
    let milliseconds = app.now().saturating_mul(1000).to_string();
    post(&outbound, url, &receiver.token, body, &milliseconds, time).await
}

/// Asks an address whether it is that of a receiver, as the vendor does before it takes one.
pub(crate) async fn probe(app: &App, url: Url, token: &Secret) -> Result<(), Fail> {
    #[derive(Deserialize)]
    struct Answer {
        challenge: String,
    }
    let challenge = crate::ids::secret()?;
    let now = app.now().saturating_mul(1000);
    let milliseconds = now.to_string();
    let body = json!({
        "header": {
            "event_type": "url_verification",
            "event_id": app.ids.next().to_string(),
            "created_at": now,
        },
        "event": {"challenge": challenge},
    });
    let outbound = app.configured().outbound.clone();
    let sent = post(&outbound, url, token, body.to_string(), &milliseconds, TIME);
    let bad = |why: String| Fail::invalid("callback_url", why);
    let answer = sent.await.map_err(bad)?;
    match serde_json::from_slice::<Answer>(&answer) {
        Ok(answer) if answer.challenge == challenge => Ok(()),
        _ => Err(bad(
            "it did not answer the url_verification event with {\"challenge\": …} unchanged"
                .to_owned(),
        )),
    }
}

async fn post(
    outbound: &Outbound,
    url: Url,
    token: &Secret,
    body: String,
    milliseconds: &str,
    time: Duration,
) -> Result<Bytes, String> {
    let nonce = crate::ids::secret().map_err(|fail| fail.msg.into_owned())?;
    let signature = sign(milliseconds, &nonce, token, &body);
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut request = reqwest::Request::new(Method::POST, url);
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in [
        ("x-coze-timestamp", milliseconds),
        ("x-coze-nonce", &nonce),
        ("x-coze-signature", &signature),
    ] {
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    *request.body_mut() = Some(body.into());
    let exchange = async {
        let response = outbound.send(request, time).await?;
        let status = response.status();
        if status != StatusCode::OK {
            let status = status.as_u16();
            return Err(OutboundError::Status { host, status });
        }
        outbound::body(response, ANSWER).await
    };
    match tokio::time::timeout(time, exchange).await {
        Ok(answer) => answer.map_err(|why| why.to_string()),
        Err(_) => Err(format!("it took longer than {} s", time.as_secs())),
    }
}

/// The signature by which a receiver knows that an event comes from here.
fn sign(milliseconds: &str, nonce: &str, token: &Secret, body: &str) -> String {
    let text = [milliseconds, nonce, token.expose(), body].concat();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    hash.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_time_nonce_token_and_body() {
        // SHA-1 of "abc", the example of its standard.
        let expected = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(sign("a", "b", &"c".into(), ""), expected);
        assert_eq!(sign("", "", &"a".into(), "bc"), expected);
    }

    #[test]
    fn a_review_has_a_status_that_is_known() {
        fn check(answer: &'static str, expected: AuditStatus, reason: &str) {
            let (audit, why) = review(&Bytes::from_static(answer.as_bytes()));
            assert_eq!(audit, expected, "{answer}");
            assert!(why.contains(reason), "{why}");
        }
        check(r#"{"audit":{"audit_status":2}}"#, AuditStatus::Approved, "");
        check(
            r#"{"audit":{"audit_status":1,"reason":""}}"#,
            AuditStatus::Pending,
            "",
        );
        let refusal = r#"{"audit":{"audit_status":3,"reason":"no policy"}}"#;
        check(refusal, AuditStatus::Rejected, "no policy");
        for none in ["", "{}", r#"{"audit":{"audit_status":9}}"#, "ok"] {
            check(none, AuditStatus::Rejected, "without an audit_status");
        }
    }
}
