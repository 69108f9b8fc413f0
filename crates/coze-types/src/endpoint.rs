//! An endpoint is data: one row says method, path, types, permission and stream events.
//!
//! Everything else walks the rows: the client sends them, the server routes them, the CLI lists
//! them, the coverage tests count them. Adding an endpoint is a row and its types.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::FilePart;
use crate::sse::Framing;
use crate::stream::StreamEvent;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Create, run, or read with a body.
    Post,
    /// Change.
    Put,
    /// Remove.
    Delete,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an endpoint takes its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// It has none.
    None,
    /// A JSON object.
    Json,
    /// `multipart/form-data` with one part named `file`.
    Multipart,
}

/// Whether an endpoint answers with a stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// It never does.
    Never,
    /// It does when the body says `"stream": true`.
    OnRequest,
    /// It always does.
    Always,
}

/// What is known of an endpoint without its types.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// The row's name: a verb and a noun, such as `StartChat`.
    pub name: &'static str,
    /// The group it belongs to, such as `chat`.
    pub group: &'static str,
    /// The HTTP method. `/v3/chat/retrieve` is also served for POST, which two SDKs send.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The permission a token must carry; `""` when none is named.
    pub permission: &'static str,
    /// What it does, in the words of its documentation comment.
    pub docs: &'static str,
    /// How it takes its body.
    pub body: BodyKind,
    /// Whether it streams.
    pub streaming: Streaming,
}

impl Info {
    /// The first line of the documentation.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.docs
            .trim_start()
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
    }

    /// The official page, which is the source of the row.
    #[must_use]
    pub fn page(&self) -> Option<&'static str> {
        let start = self.docs.find("<https://")? + 1;
        let length = self.docs.get(start..)?.find('>')?;
        self.docs.get(start..start + length)
    }
}

/// A call that can be made: a value of the row's type is one request.
pub trait Endpoint: Clone + Send + Sync + Sized + 'static {
    /// The row.
    const INFO: &'static Info;
    /// The query parameters; [`Empty`](crate::Empty) when there are none.
    type Query: Serialize + DeserializeOwned + Send + Sync;
    /// The body; [`Empty`](crate::Empty) when there is none.
    type Body: Serialize + DeserializeOwned + Send + Sync;
    /// The reply, spelt as its JSON stands on the wire beside `code` and `msg`.
    type Reply: Serialize + DeserializeOwned + Send + Sync + fmt::Debug;

    /// The path with its parameters filled in, percent-encoded.
    fn path(&self) -> Cow<'static, str>;
    /// The query of this request.
    fn query(&self) -> &Self::Query;
    /// The body of this request.
    fn body(&self) -> &Self::Body;
    /// The file of an upload; `None` for all other rows.
    fn file(&self) -> Option<&FilePart> {
        None
    }
    /// Puts a request together from its parts; `param` looks up a path parameter by name.
    fn from_parts(param: &dyn Fn(&str) -> String, query: Self::Query, body: Self::Body) -> Self;
}

/// An endpoint that can answer with events.
pub trait Streams: Endpoint {
    /// Its events.
    type Event: StreamEvent;
    /// How it writes them.
    const FRAMING: Framing;
    /// Turns the request into one that asks for events.
    fn streaming(&mut self);
}

/// Fills `{name}` in a path. Everything but unreserved characters is percent-encoded.
///
/// An id that is empty, `.` or `..` still reaches another path, since URLs resolve dots in every
/// spelling: whoever sends the request has to refuse it.
#[must_use]
pub fn fill_path(path: &str, params: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(path.len() + 20 * params.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let value = params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| *value);
        percent_encode(&mut filled, value);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn percent_encode(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(HEX.get(usize::from(digit)).copied().map_or('0', char::from));
                }
            }
        }
    }
}

/// Declares the rows of a group and collects them in `ROWS`.
///
/// ```text
/// endpoints! { "bots";
///     /// What it does. <https://the official page>
///     RetrieveBot = GET "/v1/bots/{bot_id}" (bot_id) "getMetadata" {
///         query: RetrieveBotQuery, body: None Empty, reply: Data<Bot>
///     }
/// }
/// ```
/// The names in parentheses are the path's parameters; they become fields of the row. The word
/// before the body's type is its [`BodyKind`]. After `reply` may follow
/// `stream: OnRequest Event, Framing::Compact, |row| how to ask for it`.
macro_rules! endpoints {
    ($group:literal; $(
        $(#[doc = $doc:literal])+
        $name:ident = $method:ident $path:literal ($($param:ident),*) $permission:literal {
            query: $query:ty, body: $kind:ident $body:ty, reply: $reply:ty
            $(, stream: $when:ident $event:ty, $framing:expr, |$row:ident| $ask:expr )?
            $(,)?
        }
    )+) => {
        /// The rows of this group.
        pub(crate) static ROWS: &[&crate::endpoint::Info] =
            &[$(<$name as crate::endpoint::Endpoint>::INFO),+];

        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Default, PartialEq)]
            pub struct $name {
                $(
                    #[doc = concat!("`{", stringify!($param), "}` of the path.")]
                    pub $param: crate::Id,
                )*
                /// The query parameters.
                pub query: $query,
                /// The body.
                pub body: $body,
            }

            impl crate::endpoint::Endpoint for $name {
                const INFO: &'static crate::endpoint::Info = &crate::endpoint::Info {
                    name: stringify!($name),
                    group: $group,
                    method: crate::endpoint::endpoints!(@method $method),
                    path: $path,
                    permission: $permission,
                    docs: concat!($($doc, "\n"),+),
                    body: crate::endpoint::BodyKind::$kind,
                    streaming: crate::endpoint::endpoints!(@streaming $($when)?),
                };
                type Query = $query;
                type Body = $body;
                type Reply = $reply;

                fn path(&self) -> std::borrow::Cow<'static, str> {
                    let params: &[(&str, &str)] = &[$((stringify!($param), self.$param.as_str())),*];
                    if params.is_empty() {
                        return $path.into();
                    }
                    crate::endpoint::fill_path($path, params).into()
                }
                fn query(&self) -> &Self::Query {
                    &self.query
                }
                fn body(&self) -> &Self::Body {
                    &self.body
                }
                crate::endpoint::endpoints!(@file $kind);
                fn from_parts(
                    param: &dyn Fn(&str) -> String,
                    query: Self::Query,
                    body: Self::Body,
                ) -> Self {
                    // A row without parameters has nothing to look up.
                    let _ = param;
                    Self { $($param: param(stringify!($param)).into(),)* query, body }
                }
            }

            $(
                impl crate::endpoint::Streams for $name {
                    type Event = $event;
                    const FRAMING: crate::sse::Framing = $framing;
                    fn streaming(&mut self) {
                        let $row = self;
                        $ask;
                    }
                }
            )?
        )+
    };
    (@method GET) => { crate::endpoint::Method::Get };
    (@method POST) => { crate::endpoint::Method::Post };
    (@method PUT) => { crate::endpoint::Method::Put };
    (@method DELETE) => { crate::endpoint::Method::Delete };
    (@file Multipart) => {
        fn file(&self) -> Option<&crate::files::FilePart> {
            Some(&self.body)
        }
    };
    (@file $kind:ident) => {};
    (@streaming $when:ident) => { crate::endpoint::Streaming::$when };
    (@streaming) => { crate::endpoint::Streaming::Never };
}
pub(crate) use endpoints;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_and_encoded() {
        fn check(path: &str, value: &str, expected: &str) {
            assert_eq!(fill_path(path, &[("id", value)]), expected);
        }
        check("/v1/bots/{id}", "75", "/v1/bots/75");
        check(
            "/v1/bots/{id}/versions",
            "a/b?c",
            "/v1/bots/a%2Fb%3Fc/versions",
        );
        check("/v1/bots/{id}", "你", "/v1/bots/%E4%BD%A0");
        check("/v1/bots", "x", "/v1/bots");
    }

    #[test]
    fn every_row_is_documented_and_unique() {
        let mut names = std::collections::BTreeSet::new();
        let mut routes = std::collections::BTreeSet::new();
        for row in crate::endpoints() {
            assert!(names.insert(row.name), "two rows are named {}", row.name);
            assert!(
                routes.insert((row.method.as_str(), row.path)),
                "{} stands twice",
                row.path
            );
            assert!(
                row.page().is_some(),
                "{} does not link its official page",
                row.name
            );
            assert!(
                row.summary().ends_with('.'),
                "{}: {}",
                row.name,
                row.summary()
            );
            assert!(row.path.starts_with('/'), "{}", row.path);
        }
        assert!(names.len() >= 30, "{}", names.len());
    }
}
