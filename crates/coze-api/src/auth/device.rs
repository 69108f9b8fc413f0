//! Logging in on a device without a browser: the user types a code into a page on another one.

use std::fmt;
use std::time::Duration;

use coze_types::auth::{
    CreateDeviceCode, CreateWorkspaceDeviceCode, DeviceCode, DeviceCodeRequest, GrantType,
    TokenRequest,
};
use coze_types::{Empty, Id};

use crate::auth::access::Credential;
use crate::auth::app::{OAuthApp, send_as};
use crate::auth::error::{AuthError, AuthErrorKind};
use crate::auth::store::TokenSet;
use crate::error::{ApiError, Error, Result};
use crate::time::{Instant, sleep_until};

/// Between two requests, unless the server says otherwise.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a code is valid, unless the server says otherwise.
const VALID: Duration = Duration::from_secs(300);
/// So many failed requests in a row end the wait.
const FAILURES: u32 = 5;

impl OAuthApp {
    /// Begins to log a user in who types a code into a page.
    ///
    /// ```no_run
    /// # async fn run(app: coze_api::OAuthApp) -> coze_api::Result<()> {
    /// let login = app.device_login().await?;
    /// println!("open {} and type {}", login.verification_uri(), login.user_code());
    /// let session = app.session(login.wait().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Coze::send`](crate::Coze::send).
    pub async fn device_login(&self) -> Result<DeviceLogin> {
        let row = CreateDeviceCode {
            query: Empty {},
            body: self.device_request(),
        };
        let answer = send_as(&self.coze, &row, Credential::none(&[])).await?;
        Ok(DeviceLogin::new(
            self,
            answer.reply::<DeviceCode>()?.into_inner(),
        ))
    }

    /// Like [`device_login`](Self::device_login), for one workspace only.
    ///
    /// # Errors
    /// Those of [`Coze::send`](crate::Coze::send).
    pub async fn device_login_in(&self, workspace: impl Into<Id>) -> Result<DeviceLogin> {
        let row = CreateWorkspaceDeviceCode {
            workspace_id: workspace.into(),
            query: Empty {},
            body: self.device_request(),
        };
        let answer = send_as(&self.coze, &row, Credential::none(&[])).await?;
        Ok(DeviceLogin::new(
            self,
            answer.reply::<DeviceCode>()?.into_inner(),
        ))
    }

    fn device_request(&self) -> DeviceCodeRequest {
        DeviceCodeRequest {
            client_id: self.client_id.clone(),
        }
    }
}

/// A login that waits for the user to type a code. Dropping it ends the wait; the code expires by
/// itself.
pub struct DeviceLogin {
    app: OAuthApp,
    code: DeviceCode,
    deadline: Instant,
    interval: Duration,
}

/// What [`DeviceLogin::poll`] found.
#[derive(Debug)]
pub enum DevicePoll {
    /// The user has not decided yet. Ask again after [`DeviceLogin::interval`].
    Pending,
    /// The user said yes.
    Done(TokenSet),
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("verification_uri", &self.code.verification_uri)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl DeviceLogin {
    fn new(app: &OAuthApp, code: DeviceCode) -> Self {
        let valid = seconds(code.expires_in).unwrap_or(VALID);
        Self {
            app: app.clone(),
            deadline: Instant::now() + valid,
            interval: code.interval.and_then(seconds).unwrap_or(INTERVAL),
            code,
        }
    }

    /// The page to open on another device.
    #[must_use]
    pub fn verification_uri(&self) -> &str {
        &self.code.verification_uri
    }

    /// The page with the code already typed in, for a link or a QR code.
    #[must_use]
    pub fn verification_url(&self) -> String {
        let page = self.verification_uri();
        let separator = if page.contains('?') { '&' } else { '?' };
        let mut url = format!("{page}{separator}user_code=");
        crate::call::encode_query(&mut url, self.user_code());
        url
    }

    /// The code to type.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.code.user_code
    }

    /// How long the code is still valid.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long to wait between two requests: what the server asked for, and 5 s more for each
    /// time it said that this was too fast.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Shortens the wait.
    #[must_use]
    pub fn give_up_after(mut self, time: Duration) -> Self {
        if let Some(end) = Instant::now().checked_add(time) {
            self.deadline = self.deadline.min(end);
        }
        self
    }

    /// Waits for the user, until the code expires. A request that fails for a moment does not end
    /// the wait.
    ///
    /// # Errors
    /// [`Error::Auth`]: [`Denied`](AuthErrorKind::Denied) when the user said no,
    /// [`Expired`](AuthErrorKind::Expired) when the time is over. Those of
    /// [`Coze::send`](crate::Coze::send).
    pub async fn wait(mut self) -> Result<TokenSet> {
        let mut failures = 0;
        loop {
            let next = Instant::now() + self.interval;
            sleep_until(next.min(self.deadline)).await;
            if next > self.deadline {
                return Err(expired(None));
            }
            match self.poll().await {
                Ok(DevicePoll::Done(tokens)) => return Ok(tokens),
                Ok(DevicePoll::Pending) => failures = 0,
                Err(error) if error.is_retryable() && failures + 1 < FAILURES => {
                    failures += 1;
                    let asked = error.retry_after().unwrap_or_default();
                    self.interval = self.interval.max(asked);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn poll(&mut self) -> Result<DevicePoll> {
        let body = TokenRequest {
            grant_type: GrantType::DeviceCode,
            device_code: Some(self.code.device_code.clone()),
            ..TokenRequest::default()
        };
        match self.app.create_token(body).await {
            Ok(tokens) => Ok(DevicePoll::Done(tokens)),
            Err(Error::Api(error)) => self.undecided(error),
            Err(error) => Err(error),
        }
    }

    /// What the names of the errors mean here.
    fn undecided(&mut self, error: Box<ApiError>) -> Result<DevicePoll> {
        match error.name.as_deref() {
            Some("authorization_pending") => Ok(DevicePoll::Pending),
            Some("slow_down") => {
                self.interval += INTERVAL;
                Ok(DevicePoll::Pending)
            }
            Some("access_denied") => Err(AuthError::new(
                AuthErrorKind::Denied,
                "the user did not allow the login",
            )
            .because(Error::Api(error))
            .into()),
            Some("expired_token") => Err(expired(Some(Error::Api(error)))),
            _ => Err(Error::Api(error)),
        }
    }
}

fn expired(error: Option<Error>) -> Error {
    let what = "the code was not typed in time: begin again";
    let expired = AuthError::new(AuthErrorKind::Expired, what);
    match error {
        Some(error) => expired.because(error),
        None => expired,
    }
    .into()
}

/// A span of whole seconds; `None` for what is none.
fn seconds(number: i64) -> Option<Duration> {
    // A day is more than any code lives, and keeps the clock from overflowing.
    let number = u64::try_from(number).ok().filter(|it| *it > 0)?;
    Some(Duration::from_secs(number.min(86_400)))
}
