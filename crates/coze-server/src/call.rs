//! From HTTP to a typed call and back.
//!
//! [`endpoint`] and [`streaming`] turn a handler into a route. What does not depend on the row's
//! types is done on bytes, once for all rows.

use std::collections::BTreeMap;
use std::future::Future;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::BytesMut;
use coze_types::endpoint::{BodyKind, Downloads, Method};
use coze_types::status::{self, Detail};
use coze_types::{Endpoint, Status, Streams};
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use tokio::sync::mpsc;

use crate::app::App;
use crate::caller::Caller;
use crate::config::Dialect;
use crate::fail::{Fail, caused_by};
use crate::form::Form;
use crate::listen::TooSlow;
use crate::{auth, ids};

pub(crate) const X_TT_LOGID: HeaderName = HeaderName::from_static("x-tt-logid");
/// The largest JSON body, in bytes: the documented limit of a workflow request.
const BODY_LIMIT: usize = 20 * 1024 * 1024;

/// A call that has been let in and understood.
pub(crate) struct Call<E> {
    /// The request.
    pub(crate) row: E,
    /// Who calls.
    pub(crate) user: Caller,
    /// The log id of this call.
    pub(crate) log_id: String,
}

/// A reply, or the frames of a stream as they become ready.
pub(crate) enum Answer<R> {
    Reply(R),
    Frames(mpsc::Receiver<Bytes>),
}

/// A route whose handler answers with a reply.
pub(crate) fn endpoint<E, R>(handler: fn(App, Call<E>) -> R) -> MethodRouter<App>
where
    E: Endpoint,
    R: Future<Output = Result<E::Reply, Fail>> + Send + 'static,
{
    endpoint_on(filter(E::INFO.method), handler)
}

/// The same for another method than the row's.
pub(crate) fn endpoint_on<E, R>(
    method: MethodFilter,
    handler: fn(App, Call<E>) -> R,
) -> MethodRouter<App>
where
    E: Endpoint,
    R: Future<Output = Result<E::Reply, Fail>> + Send + 'static,
{
    let answer = move |State(app): State<App>, params: RawPathParams, request: Request| async move {
        let log_id = ids::log_id(app.ids.next());
        let result = async {
            let call = read::<E>(&app, &params, request, &log_id).await?;
            let reply = handler(app.clone(), call).await?;
            encode(&app, &log_id, &reply)
        };
        finish(&app, &log_id, E::INFO.name, result.await)
    };
    on(method, answer)
}

/// A route whose handler answers with a reply or a stream.
pub(crate) fn streaming<E, R>(handler: fn(App, Call<E>) -> R) -> MethodRouter<App>
where
    E: Streams,
    R: Future<Output = Result<Answer<E::Reply>, Fail>> + Send + 'static,
{
    let answer = move |State(app): State<App>, params: RawPathParams, request: Request| async move {
        let log_id = ids::log_id(app.ids.next());
        let result = async {
            let call = read::<E>(&app, &params, request, &log_id).await?;
            match handler(app.clone(), call).await? {
                Answer::Reply(reply) => encode(&app, &log_id, &reply),
                Answer::Frames(frames) => Ok(event_stream(frames)),
            }
        };
        finish(&app, &log_id, E::INFO.name, result.await)
    };
    on(filter(E::INFO.method), answer)
}

/// A route that takes a form with a file of at most `limit` bytes.
pub(crate) fn upload<E, R>(limit: usize, handler: fn(App, Call<E>) -> R) -> MethodRouter<App>
where
    E: Endpoint,
    R: Future<Output = Result<E::Reply, Fail>> + Send + 'static,
{
    let answer = move |State(app): State<App>, params: RawPathParams, request: Request| async move {
        let log_id = ids::log_id(app.ids.next());
        let result = async {
            let call = read_form::<E>(&app, &params, request, &log_id, limit).await?;
            let reply = handler(app.clone(), call).await?;
            encode(&app, &log_id, &reply)
        };
        finish(&app, &log_id, E::INFO.name, result.await)
    };
    // The limit is that of the form's reader, which says what was too large.
    on(filter(E::INFO.method), answer).layer(DefaultBodyLimit::disable())
}

/// Bytes of a kind, as a reply.
pub(crate) struct Media {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// A route whose handler answers with bytes.
pub(crate) fn media<E, R>(handler: fn(App, Call<E>) -> R) -> MethodRouter<App>
where
    E: Downloads,
    R: Future<Output = Result<Media, Fail>> + Send + 'static,
{
    let answer = move |State(app): State<App>, params: RawPathParams, request: Request| async move {
        let log_id = ids::log_id(app.ids.next());
        let result = async {
            let call = read::<E>(&app, &params, request, &log_id).await?;
            handler(app.clone(), call).await.map(Media::respond)
        };
        // SDKs take whatever comes with HTTP 200 for the sound.
        let result = result.await.map_err(|fail| {
            let http = fail.natural_http();
            fail.with_http(http)
        });
        finish(&app, &log_id, E::INFO.name, result)
    };
    on(filter(E::INFO.method), answer)
}

impl Media {
    pub(crate) fn respond(self) -> Response {
        let mut response = Response::new(Body::from(self.bytes));
        let kind = HeaderValue::from_static(self.kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}

pub(crate) fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn read<E: Endpoint>(
    app: &App,
    params: &RawPathParams,
    request: Request,
    log_id: &str,
) -> Result<Call<E>, Fail> {
    let user = auth::admit(app, request.headers(), E::INFO).await?;
    plain(request.headers())?;
    let query = query::<E::Query>(request.uri().query().unwrap_or_default())?;
    let body = match E::INFO.body {
        BodyKind::Json => body::<E::Body>(&read_body(request.into_body()).await?)?,
        // Nothing is read: SDKs send `{}` or nothing.
        BodyKind::None | BodyKind::Multipart => body::<E::Body>(b"{}")?,
    };
    let param = |name: &str| param(params, name);
    Ok(Call {
        row: E::from_parts(&param, query, body),
        user,
        log_id: log_id.to_owned(),
    })
}

async fn read_form<E: Endpoint>(
    app: &App,
    params: &RawPathParams,
    request: Request,
    log_id: &str,
    limit: usize,
) -> Result<Call<E>, Fail> {
    let user = auth::admit(app, request.headers(), E::INFO).await?;
    plain(request.headers())?;
    let query = query::<E::Query>(request.uri().query().unwrap_or_default())?;
    let form = Form::read(request, limit).await?;
    let texts = serde_json::to_vec(&form.texts).unwrap_or_default();
    let param = |name: &str| param(params, name);
    let mut row = E::from_parts(&param, query, body::<E::Body>(&texts)?);
    if let Some(file) = form.file {
        row.set_file(file);
    }
    Ok(Call {
        row,
        user,
        log_id: log_id.to_owned(),
    })
}

fn param(params: &RawPathParams, name: &str) -> String {
    let found = params.iter().find(|(key, _)| *key == name);
    found.map_or_else(String::new, |(_, value)| value.to_owned())
}

/// The body of a call, whole. One that is too large is refused without reading it.
async fn read_body(mut body: Body) -> Result<Bytes, Fail> {
    let too_large = || Fail::invalid("body", "larger than 20 MB").with_http(413);
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken_body(&error))?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > BODY_LIMIT {
            return Err(too_large());
        }
        // Nearly every body comes in one piece.
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Why a body did not come.
fn broken_body(error: &axum::Error) -> Fail {
    if caused_by::<TooSlow>(error) {
        return Fail::invalid("body", TooSlow).with_http(408);
    }
    Fail::invalid("body", format!("it did not arrive whole ({error})"))
}

/// Nothing that was compressed is unpacked: a small body could become any size.
pub(crate) fn plain(headers: &HeaderMap) -> Result<(), Fail> {
    match headers.get(CONTENT_ENCODING) {
        None => Ok(()),
        Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(coding) => {
            let why = format!("{coding:?} is not understood; send the body as it is");
            Err(Fail::invalid("content-encoding", why).with_http(415))
        }
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Fail> {
    // SDKs send parameters that are not set as empty ones.
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(text).map_err(|error| Fail::invalid("query", error))?;
    let mut values = BTreeMap::<&str, Vec<&str>>::new();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        values.entry(key).or_default().push(value);
    }
    let values = values.into_iter();
    let reader = MapDeserializer::<_, serde::de::value::Error>::new(
        values.map(|(key, texts)| (key, Text(texts))),
    );
    serde_path_to_error::deserialize(reader)
        .map_err(|error| Fail::invalid(field(&error.path().to_string()), error.inner()))
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fail> {
    let bytes = if bytes.trim_ascii().is_empty() {
        b"{}"
    } else {
        bytes
    };
    status::decode(bytes).map_err(|error| Fail::invalid(field(&error.at), error.source))
}

fn field(path: &str) -> &str {
    if matches!(path, "." | "?" | "") {
        "request"
    } else {
        path
    }
}

/// A query value: text, which is read as whatever type is wanted. A key that comes again makes a
/// list, as some SDKs send one; the others put commas between the values.
struct Text<'a>(Vec<&'a str>);

impl<'de, 'a: 'de> serde::de::IntoDeserializer<'de, serde::de::value::Error> for Text<'a> {
    type Deserializer = TextReader<'a>;
    fn into_deserializer(self) -> TextReader<'a> {
        TextReader(self.0)
    }
}

struct TextReader<'a>(Vec<&'a str>);

impl<'de> serde::Deserializer<'de> for TextReader<'_> {
    type Error = serde::de::value::Error;
    fn deserialize_any<V: serde::de::Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0.as_slice() {
            [text] => visitor.visit_str(text),
            _ => visitor.visit_seq(SeqDeserializer::new(self.0.into_iter())),
        }
    }
    fn deserialize_option<V: serde::de::Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }
    fn deserialize_bool<V: serde::de::Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0.as_slice() {
            ["true" | "True" | "1"] => visitor.visit_bool(true),
            ["false" | "False" | "0"] => visitor.visit_bool(false),
            [other] => Err(serde::de::Error::custom(format!(
                "{other:?} is not true or false"
            ))),
            _ => self.deserialize_any(visitor),
        }
    }
    fn deserialize_newtype_struct<V: serde::de::Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }
    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A reply in the envelope of the dialect.
pub(crate) fn encode<R: serde::Serialize>(
    app: &App,
    log_id: &str,
    reply: &R,
) -> Result<Response, Fail> {
    let status = Status {
        msg: match app.dialect {
            Dialect::Coze => String::new(),
            Dialect::Skill => "success".to_owned(),
        },
        detail: Some(Detail {
            logid: Some(log_id.to_owned()),
        }),
        ..Status::default()
    };
    let bytes = status::encode(&status, reply).map_err(|error| {
        tracing::error!(%error, "a reply could not be written");
        Fail::internal()
    })?;
    Ok(json(StatusCode::OK, bytes))
}

/// What came of a call, for whoever counts and logs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) endpoint: &'static str,
    /// None when the answer is another server's.
    pub(crate) code: Option<i64>,
}

/// Whatever came of a call, with the log id on it.
pub(crate) fn finish(
    app: &App,
    log_id: &str,
    endpoint: &'static str,
    result: Result<Response, Fail>,
) -> Response {
    let code = result.as_ref().err().map_or(0, |fail| fail.code);
    let mut response = result.unwrap_or_else(|fail| refusal(app, log_id, &fail));
    response.extensions_mut().insert(Outcome {
        endpoint,
        code: Some(code),
    });
    if let Ok(value) = HeaderValue::from_str(log_id) {
        response.headers_mut().insert(X_TT_LOGID, value);
    }
    if let Some(date) = app.clock.date() {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn refusal(app: &App, log_id: &str, fail: &Fail) -> Response {
    let status = Status {
        code: fail.code,
        msg: fail.msg.clone().into_owned(),
        detail: Some(Detail {
            logid: Some(log_id.to_owned()),
        }),
        debug_url: fail.debug_url.clone(),
        ..Status::default()
    };
    let http = match app.dialect {
        Dialect::Coze => fail.http.unwrap_or(200),
        Dialect::Skill => fail.natural_http(),
    };
    // An empty reply cannot fail to be written.
    let bytes = status::encode(&status, &coze_types::Empty {}).unwrap_or_default();
    let mut response = json(
        StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        bytes,
    );
    if let Some(seconds) = fail.retry_after {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// The frames as they come; the connection ends when their sender is gone.
///
/// Written by hand, not with axum's `Sse`: the official readers break on its comments.
fn event_stream(mut frames: mpsc::Receiver<Bytes>) -> Response {
    let stream = futures_util::stream::poll_fn(move |context| frames.poll_recv(context));
    let mut response = Response::new(Body::from_stream(
        stream.map(Ok::<_, std::convert::Infallible>),
    ));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

#[cfg(test)]
mod tests {
    use coze_types::bots::ListBotsQuery;
    use coze_types::plugins::ListStorePluginsQuery;

    use super::*;

    #[test]
    fn lists_of_a_query_are_read_in_both_forms() {
        fn check(text: &str, expected: &[&str]) {
            let read: ListStorePluginsQuery = query(text).unwrap();
            let ids = read.category_ids.unwrap_or_default();
            let ids: Vec<&str> = ids.iter().map(coze_types::Id::as_str).collect();
            assert_eq!(ids, expected, "{text}");
            assert_eq!(read.is_official, Some(true));
        }
        check(
            "category_ids=1&is_official=true&category_ids=2",
            &["1", "2"],
        );
        check("category_ids=1%2C2&is_official=true", &["1", "2"]);
        check("category_ids=1&is_official=true", &["1"]);
        check("category_ids=&is_official=true", &[]);
    }

    #[test]
    fn a_value_that_comes_twice_is_refused_by_name() {
        let text = "workspace_id=1&page_num=2&page_num=3";
        let fail = query::<ListBotsQuery>(text).unwrap_err();
        assert!(fail.msg.contains("page_num"), "{}", fail.msg);
    }
}
