//! What the server answers when it cannot do what it was asked.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;

use coze_types::catalogue;

use crate::models::ModelError;
use crate::store::StoreError;

/// A refusal: the code and the text of the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) code: i64,
    pub(crate) msg: Cow<'static, str>,
    /// The HTTP status when it is not 200 even in the dialect of Coze, which answers business
    /// errors with 200.
    pub(crate) http: Option<u16>,
    /// After how many seconds it may go better.
    pub(crate) retry_after: Option<i64>,
    /// Workflow runs name the page that shows the failed run.
    pub(crate) debug_url: Option<String>,
}

impl Fail {
    pub(crate) fn new(code: i64, msg: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            msg: msg.into(),
            http: None,
            retry_after: None,
            debug_url: None,
        }
    }

    pub(crate) fn with_http(mut self, http: u16) -> Self {
        self.http = Some(http);
        self
    }

    pub(crate) fn with_retry_after(mut self, seconds: i64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A parameter is wrong; `field` is its path in the request.
    pub(crate) fn invalid(field: impl Display, why: impl Display) -> Self {
        Self::new(4000, format!("Request parameter error: {field}: {why}"))
    }

    pub(crate) fn unauthenticated(why: &'static str) -> Self {
        Self::new(4100, why).with_http(401)
    }

    /// A resource that requests name by id.
    pub(crate) fn not_found(what: &str, id: impl Display) -> Self {
        let code = match what {
            "conversation" => 4001,
            "chat" => 4002,
            "message" => 4005,
            _ => 4200,
        };
        Self::new(code, format!("the {what} {id} does not exist"))
    }

    /// A resource that is there, and that the caller may not use.
    pub(crate) fn denied(what: &str, id: impl Display) -> Self {
        let msg = format!(
            "the token has no access to the {what} {id}: it belongs to a workspace that the token's \
             user is no member of"
        );
        Self::new(4101, msg)
    }

    /// Why a chat or a run ended that was at work when the server did.
    pub(crate) fn interrupted() -> Self {
        let msg = "the server was stopped or restarted while this was at work; start it again";
        Self::new(5000, msg)
    }

    /// The disk takes nothing: it is full, read-only or broken.
    pub(crate) fn unwritable() -> Self {
        let msg = "the server cannot write to its data folder, so nothing was changed: make room on \
                   its disk and call again; its log names the file";
        Self::new(5000, msg)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            5000,
            "internal error; the server's log says more under this logid",
        )
    }

    /// The HTTP status in the dialect where a failure is an HTTP failure too.
    pub(crate) fn natural_http(&self) -> u16 {
        self.http
            .or_else(|| catalogue::lookup(self.code).map(|entry| entry.http))
            .unwrap_or(500)
    }
}

/// Whether an error of this type is what went wrong, however deep inside.
pub(crate) fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error.is_unwritable() {
            true => Self::unwritable(),
            false => Self::internal(),
        }
    }
}

impl From<Fail> for ModelError {
    fn from(fail: Fail) -> Self {
        Self {
            code: fail.code,
            msg: fail.msg.into_owned(),
        }
    }
}
