//! Logging in: where the token of each request comes from.
//!
//! | To log in with | Use | Renewed |
//! |---|---|---|
//! | a personal or service token | [`CozeBuilder::token`](crate::CozeBuilder::token) | never |
//! | a key of one's own (JWT) | [`JwtApp`] and its [`JwtSession`] | minted again |
//! | a web page (code with secret, or PKCE) | [`OAuthApp::authorization`] | with its refresh token |
//! | a device without browser | [`OAuthApp::device_login`] | with its refresh token |
//! | anything else | a [`TokenSource`] of one's own | as it says |
//!
//! All but the first go to [`CozeBuilder::auth`](crate::CozeBuilder::auth). A token is then renewed
//! shortly before it expires, and when the server refuses it: once, however many calls wait.

mod access;
mod app;
mod authorize;
mod config;
mod crypto;
mod device;
mod error;
#[cfg(all(feature = "jwt", not(target_family = "wasm")))]
mod jwt;
mod session;
mod source;
mod store;

pub(crate) use access::{Auth, Credential};
pub use app::OAuthApp;
pub use authorize::{Authorization, AuthorizationRequest};
pub use config::OAuthConfig;
pub use device::{DeviceLogin, DevicePoll};
pub use error::{AuthError, AuthErrorKind};
#[cfg(all(feature = "jwt", not(target_family = "wasm")))]
pub use jwt::{JwtApp, JwtSession};
pub use session::OAuthSession;
pub use source::{AccessToken, TokenSource};
pub use store::{MemoryStore, TokenSet, TokenStore};
