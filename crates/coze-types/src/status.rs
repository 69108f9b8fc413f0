//! The envelope around every JSON reply: `code`, `msg`, `detail` (reference, section 1.5).
//!
//! A reply is decoded in two passes over the same bytes: first the status, then, only when the
//! status is good, the reply. One pass with `#[serde(flatten)]` would lose the path of a field
//! that does not fit.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use smol_str::SmolStr;

use crate::de;

/// What a server says about a call, apart from its result.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// 0 is success. Missing on some successes, so it defaults to 0.
    #[serde(default, deserialize_with = "de::int")]
    pub code: i64,
    /// `""` on success at the hosted service.
    #[serde(default, deserialize_with = "de::null_default")]
    pub msg: String,
    /// Where the log id lives today.
    pub detail: Option<Detail>,
    /// The log id's former home; in OAuth replies a plain error name.
    pub error: Option<LegacyError>,
    /// OAuth only: the name of the error, such as `authorization_pending`.
    #[serde(default, deserialize_with = "error_name")]
    pub error_code: Option<String>,
    /// OAuth only: the text of the error.
    pub error_message: Option<String>,
    /// OAuth only: what the documentation calls `error_message`.
    pub error_description: Option<String>,
    /// Workflow errors carry the page that shows the failed run; valid for 7 days.
    pub debug_url: Option<String>,
}

/// `detail` of the envelope.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The log id to name when asking the vendor for help; the same as the header `x-tt-logid`.
    pub logid: Option<String>,
}

/// `error` of the envelope, in the two forms it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LegacyError {
    /// OAuth: the same name as `error_code`.
    Name(String),
    /// REST: a deprecated twin of `detail`.
    Detail(LegacyDetail),
}

/// The deprecated twin of [`Detail`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyDetail {
    /// The log id.
    pub logid: Option<String>,
    /// More about the error.
    pub detail: Option<String>,
    /// A page of the vendor's documentation.
    pub help_doc: Option<String>,
}

impl Status {
    /// True unless the server reported an error, by `code` or in the OAuth way.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let silent = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        self.code == 0 && self.error_name().is_none() && silent(&self.error_message)
    }

    /// The log id, from wherever this server puts it.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        let legacy = match &self.error {
            Some(LegacyError::Detail(detail)) => detail.logid.as_deref(),
            _ => None,
        };
        let current = self
            .detail
            .as_ref()
            .and_then(|detail| detail.logid.as_deref());
        current.or(legacy).filter(|id| !id.is_empty())
    }

    /// The name of an OAuth error.
    #[must_use]
    pub fn error_name(&self) -> Option<&str> {
        let legacy = match &self.error {
            Some(LegacyError::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        self.error_code
            .as_deref()
            .or(legacy)
            .filter(|name| !name.is_empty())
    }

    /// The text for people.
    #[must_use]
    pub fn text(&self) -> &str {
        let oauth = [&self.error_message, &self.error_description];
        let mut oauth = oauth.into_iter().flatten().map(String::as_str);
        match self.msg.as_str() {
            "" => oauth.find(|text| !text.is_empty()).unwrap_or_default(),
            text => text,
        }
    }
}

/// Run histories call their numeric result `error_code` too; only a name is a failed call.
fn error_name<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = de::text_opt(deserializer)?;
    Ok(text.filter(|text| !text.is_empty() && text.parse::<i64>().is_err()))
}

/// A reply that does not fit its type: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{source} at `{at}`")]
pub struct DecodeError {
    /// The path inside the JSON, `.` for the whole.
    pub at: SmolStr,
    /// What the JSON reader found wrong.
    pub source: serde_json::Error,
}

/// Decodes JSON, and on failure says at which path.
///
/// The path is looked for only after a failure: tracking it makes every decode slower.
///
/// # Errors
/// [`DecodeError`] with the path and the cause.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    // Checking the text as a whole is faster than checking each string in it.
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    // Slower, and tells where. What is no text where nobody looks at it is read here, too: each
    // further way to read would be code for every type.
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => Err(DecodeError {
            at: error.path().to_string().into(),
            source: error.into_inner(),
        }),
        // The value is fine, so it is what follows it that is wrong, if anything is.
        Ok(value) => match reader.end() {
            Err(source) => Err(DecodeError {
                at: ".".into(),
                source,
            }),
            Ok(()) => Ok(value),
        },
    }
}

/// The first pass over a reply.
///
/// A body that is JSON but no object has no status, which counts as success.
///
/// # Errors
/// [`DecodeError`] when the body is not JSON, or a status field has an impossible type.
pub fn decode_status(body: &[u8]) -> Result<Status, DecodeError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{')) {
        return decode(body);
    }
    decode::<serde::de::IgnoredAny>(body)?;
    Ok(Status::default())
}

/// Writes a status and a reply as one JSON object.
///
/// # Errors
/// Those of the serialisation of `reply`, which has to be an object.
pub fn encode<T: Serialize>(status: &Status, reply: &T) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        code: i64,
        msg: &'a str,
        #[serde(flatten)]
        reply: &'a T,
        #[serde(skip_serializing_if = "Option::is_none")]
        debug_url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a Detail>,
    }
    serde_json::to_vec(&Envelope {
        code: status.code,
        msg: &status.msg,
        reply,
        debug_url: status.debug_url.as_deref(),
        detail: status.detail.as_ref(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, success: bool, log_id: Option<&str>) {
        let status = decode_status(body.as_bytes()).unwrap();
        assert_eq!(
            (status.is_success(), status.log_id()),
            (success, log_id),
            "{body}"
        );
    }

    #[test]
    fn statuses() {
        check(
            r#"{"code":0,"msg":"","detail":{"logid":"l1"}}"#,
            true,
            Some("l1"),
        );
        check(r#"{"msg":"success"}"#, true, None);
        check(r#"{"code":"720702204","msg":"no"}"#, false, None);
        check(
            r#"{"code":-1,"msg":"no","error":{"logid":"l2"}}"#,
            false,
            Some("l2"),
        );
        check(
            r#"{"error_code":"slow_down","error":"slow_down"}"#,
            false,
            None,
        );
        check(r#"{"error":"access_denied"}"#, false, None);
        check(
            r#"{"access_token":"t","error_code":"","error":"","error_message":""}"#,
            true,
            None,
        );
        check(r#"{"execute_id":"1","error_code":"0"}"#, true, None);
        check("[1]", true, None);
    }

    #[test]
    fn the_text_is_found_wherever_it_stands() {
        for body in [
            r#"{"code":1,"msg":"no"}"#,
            r#"{"error_code":"x","error_message":"no"}"#,
            r#"{"error":"x","error_message":"","error_description":"no"}"#,
        ] {
            assert_eq!(
                decode_status(body.as_bytes()).unwrap().text(),
                "no",
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_no_status() {
        for body in ["<html>", "", "{\"code\":", "{} trailing", "{\"code\":[]}"] {
            assert!(decode_status(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_misfit_names_its_path() {
        #[derive(Debug, Deserialize)]
        struct Reply {
            #[expect(dead_code, reason = "only its reading is tested")]
            data: Vec<crate::Id>,
        }
        let error = decode::<Reply>(br#"{"data":["1",{}]}"#).unwrap_err();
        assert_eq!(error.at, "data[1]");
    }
}
