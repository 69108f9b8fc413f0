//! The tokens that are let in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Bearer, Grant, of_config};
use crate::app::App;
use crate::config::{LOCAL_USER, Space};
use crate::crypt::{Hash, hash};
use crate::fail::Fail;
use crate::store::TokenKind;

/// How personal tokens begin.
pub(crate) const PERSONAL: &str = "pat_";
/// How tokens of users begin who logged in to an app.
pub(crate) const ACCESS: &str = "czu_";
/// How tokens of apps begin.
pub(crate) const APP_ACCESS: &str = "czs_";
/// So many tokens are remembered.
const ROOM: usize = 10_000;
/// That a token was used is noted as often as this, in seconds.
const NOTED: i64 = 60;

/// Knows tokens by their hash.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Those of the file and of the command line; without any, everybody is let in.
    fixed: RwLock<Arc<HashMap<Hash, Arc<Grant>>>>,
    looked_up: RwLock<LookedUp>,
    /// What somebody may do who needs no token.
    open: Arc<Grant>,
}

/// What the store said about tokens, also that it has none.
#[derive(Debug, Default)]
struct LookedUp {
    /// Grows with every change of a token, so that an answer from before does not count.
    changes: u64,
    known: HashMap<Hash, Option<Arc<Kept>>>,
}

/// A token of the store.
#[derive(Debug)]
struct Kept {
    id: i64,
    grant: Arc<Grant>,
    last_used: AtomicI64,
}

impl Keeper {
    /// # Errors
    /// What is wrong with an entry of the file.
    pub(crate) fn new(tokens: &[String], space: &Space) -> Result<Self, String> {
        let keeper = Self {
            fixed: RwLock::default(),
            looked_up: RwLock::default(),
            open: Arc::new(Grant::whole(LOCAL_USER)),
        };
        keeper.set(tokens, space)?;
        Ok(keeper)
    }

    /// Takes what the command line and a reading of the file have, instead of what was there.
    ///
    /// # Errors
    /// What is wrong with an entry of the file; then nothing changes.
    pub(crate) fn set(&self, tokens: &[String], space: &Space) -> Result<(), String> {
        let mut fixed = HashMap::new();
        for token in tokens {
            fixed.insert(hash(token.trim()), Arc::new(Grant::whole(LOCAL_USER)));
        }
        for (index, token) in space.tokens.iter().enumerate() {
            let at = |why: String| format!("tokens: number {}: {why}", index + 1);
            let grant = of_config(space, token).map_err(at)?;
            let text = match (&token.token, &token.token_env) {
                (Some(token), _) => token.clone(),
                (None, name) => {
                    from_environment(name.as_deref().unwrap_or_default()).map_err(at)?
                }
            };
            fixed.insert(hash(text.expose().trim()), Arc::new(grant));
        }
        *self.fixed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fixed);
        Ok(())
    }

    /// Whether everybody is let in.
    pub(crate) fn is_open(&self) -> bool {
        self.fixed().is_empty()
    }

    /// What this caller may do, or why they are not let in.
    pub(super) async fn grant(&self, app: &App, bearer: Bearer<'_>) -> Result<Arc<Grant>, Fail> {
        let fixed = self.fixed();
        let open = fixed.is_empty();
        let token = match bearer {
            Bearer::Missing | Bearer::Malformed if open => return Ok(Arc::clone(&self.open)),
            Bearer::Missing => {
                return Err(Fail::unauthenticated(
                    "authentication is missing: send the header `Authorization: Bearer TOKEN`",
                ));
            }
            Bearer::Malformed => {
                return Err(Fail::unauthenticated(
                    "authentication is invalid: the header must read `Authorization: Bearer TOKEN`",
                ));
            }
            Bearer::Token(token) => token,
        };
        let hash = hash(token);
        let found = match fixed.get(&hash) {
            Some(grant) => Some(Arc::clone(grant)),
            None => self.stored(app, hash).await?,
        };
        match found {
            Some(grant) if grant.has_expired(app.now()) => Err(Fail::unauthenticated(
                "authentication is invalid: the token has expired or was withdrawn",
            )),
            Some(grant) => Ok(grant),
            // Whoever logged in must not go on as somebody else when that ends.
            None if open && !is_of_login(token) => Ok(Arc::clone(&self.open)),
            None => Err(Fail::unauthenticated(
                "authentication is invalid: the token is not known",
            )),
        }
    }

    /// What the bearer of this token may do; nobody is let in without one.
    pub(crate) async fn of_token(&self, app: &App, token: &str) -> Result<Arc<Grant>, Fail> {
        self.grant(app, Bearer::Token(token)).await
    }

    /// A token changed, or was made.
    pub(crate) fn forget(&self, hash: &Hash) {
        let mut looked_up = self
            .looked_up
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        looked_up.changes += 1;
        looked_up.known.remove(hash);
    }

    /// Many of them may have changed.
    pub(crate) fn forget_all(&self) {
        let mut looked_up = self
            .looked_up
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        looked_up.changes += 1;
        looked_up.known.clear();
    }

    fn fixed(&self) -> Arc<HashMap<Hash, Arc<Grant>>> {
        let fixed = self.fixed.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&fixed)
    }

    async fn stored(&self, app: &App, hash: Hash) -> Result<Option<Arc<Grant>>, Fail> {
        let changes = {
            let looked_up = self
                .looked_up
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = looked_up.known.get(&hash) {
                return Ok(known.as_ref().map(|it| used(app, it)));
            }
            looked_up.changes
        };
        let found = app.db.read(move |unit| Ok::<_, Fail>(unit.token(&hash)?));
        let found = found.await?.map(|mut it| {
            let gone = || {
                let apps = &app.configured().oauth_apps;
                apps.get(&it.client_id).is_none_or(|it| it.disabled)
            };
            let of_app = !it.client_id.is_empty();
            if it.revoked || it.kind == TokenKind::Refresh || (of_app && gone()) {
                it.grant.expires = Some(i64::MIN);
            }
            Arc::new(Kept {
                id: it.id,
                grant: Arc::new(it.grant),
                last_used: AtomicI64::new(it.last_used_at.unwrap_or(i64::MIN)),
            })
        });
        let mut looked_up = self
            .looked_up
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if looked_up.changes == changes {
            if looked_up.known.len() >= ROOM {
                looked_up.known.clear();
            }
            looked_up.known.insert(hash, found.clone());
        }
        drop(looked_up);
        Ok(found.as_ref().map(|it| used(app, it)))
    }
}

/// Notes that the token was used, now and then.
fn used(app: &App, kept: &Arc<Kept>) -> Arc<Grant> {
    let now = app.now();
    let last = kept.last_used.load(Ordering::Relaxed);
    let due = last.saturating_add(NOTED) <= now;
    let swap = |last| {
        kept.last_used
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
    };
    if due && swap(last).is_ok() {
        let (db, id) = (app.db.clone(), kept.id);
        app.tasks.spawn(async move {
            let noted = db.write(move |unit| Ok::<_, Fail>(unit.note_use(id, now)?));
            // It has been logged; the call does not depend on it.
            let _ = noted.await;
        });
    }
    Arc::clone(&kept.grant)
}

fn is_of_login(token: &str) -> bool {
    token.starts_with(ACCESS) || token.starts_with(APP_ACCESS)
}

/// A secret that the file names by its variable.
pub(crate) fn from_environment(name: &str) -> Result<coze_types::Secret, String> {
    match std::env::var(name) {
        Ok(text) if !text.trim().is_empty() => Ok(text.into()),
        _ => Err(format!("the environment variable {name} is not set")),
    }
}
