//! The shapes in which a reply carries its payload (reference, section 0.2, column "data").

use serde::{Deserialize, Serialize};

/// `{code, msg, data}`: the usual envelope.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Data<T> {
    /// The payload.
    pub data: T,
}

/// `{code, msg, data}` where some servers leave the payload out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Default + Deserialize<'de>"))]
pub struct MaybeData<T> {
    /// The payload; its default when it was not sent.
    #[serde(default, deserialize_with = "crate::de::null_default")]
    pub data: T,
}

/// Nothing: no query, no body, or an envelope without payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// The reply type of an endpoint that only ever answers with a stream; it has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum StreamOnly {}

impl<'de> Deserialize<'de> for StreamOnly {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "this endpoint answers with a stream of events, not with a reply",
        ))
    }
}

/// The reply type of an endpoint that answers with bytes, such as speech; it has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Binary {}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "this endpoint answers with bytes, not with a reply",
        ))
    }
}
