//! Who calls, and what they may see.
//!
//! Every resource belongs to a space, and a caller sees what belongs to a space that they are a
//! member of. What somebody is a member of is read once and kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};

use crate::app::App;
use crate::auth::{Grant, Limits};
use crate::fail::Fail;
use crate::store::{Db, Membership, number};

/// Who calls, and with which token; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    who: Arc<Who>,
    grant: Arc<Grant>,
}

#[derive(Debug)]
struct Who {
    user: i64,
    /// As on the wire.
    user_id: String,
    /// Where things go that name no space: the personal space.
    home: i64,
    /// The role in each space.
    spaces: BTreeMap<i64, String>,
}

/// Something of the store, and the space that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned<T> {
    pub(crate) space: i64,
    pub(crate) it: T,
}

impl Who {
    fn new(user: i64, memberships: &[Membership]) -> Self {
        let personal = memberships.iter().find(|it| it.kind == "personal");
        let home = personal.or(memberships.first()).map_or(0, |it| it.space);
        let spaces = memberships.iter().map(|it| (it.space, it.role.clone()));
        Self {
            user,
            user_id: user.to_string(),
            home,
            spaces: spaces.collect(),
        }
    }
}

impl Caller {
    pub(crate) fn user(&self) -> i64 {
        self.who.user
    }

    pub(crate) fn user_id(&self) -> &str {
        &self.who.user_id
    }

    /// What the token is limited to.
    pub(crate) fn limits(&self) -> &Limits {
        &self.grant.limits
    }

    /// The space of what names no other: the personal one, if the token may see it.
    pub(crate) fn home(&self) -> i64 {
        let home = self.who.home;
        if self.sees(home) {
            return home;
        }
        self.spaces().first().copied().unwrap_or(home)
    }

    /// The spaces that the caller sees, oldest first.
    pub(crate) fn spaces(&self) -> Vec<i64> {
        let all = self.who.spaces.keys().copied();
        all.filter(|space| self.limits().allow_space(*space))
            .collect()
    }

    pub(crate) fn sees(&self, space: i64) -> bool {
        self.who.spaces.contains_key(&space) && self.limits().allow_space(space)
    }

    /// What the caller is in a space: `owner`, `admin` or `member`.
    pub(crate) fn role(&self, space: i64) -> Option<&str> {
        let role = self.who.spaces.get(&space)?;
        self.limits().allow_space(space).then_some(role)
    }

    /// The business user of an app whose conversations these are; empty for none.
    pub(crate) fn session(&self) -> &str {
        &self.limits().session
    }

    /// The token's scope may name the only agents and the only workflows that it is for.
    fn in_scope(&self, what: &str, id: &str) -> Result<(), Fail> {
        let only = match what {
            "bot" => &self.limits().bots,
            "workflow" => &self.limits().workflows,
            _ => &None,
        };
        if only.as_ref().is_none_or(|ids| ids.contains(id)) {
            return Ok(());
        }
        let why = format!("the token has no access to the {what} {id}: its scope names others");
        Err(Fail::new(4101, why))
    }

    /// The space of that id, which a request names in `field`.
    pub(crate) fn space(&self, field: &str, id: &str) -> Result<i64, Fail> {
        crate::validate::required(field, id)?;
        let space = number(id);
        if self.sees(space) {
            return Ok(space);
        }
        Err(Fail::denied("workspace", id))
    }

    /// What was looked up, if the caller may see it.
    pub(crate) fn open<T>(
        &self,
        what: &str,
        id: impl Display,
        found: Option<Owned<T>>,
    ) -> Result<T, Fail> {
        match found {
            None => Err(Fail::not_found(what, id)),
            Some(found) if self.sees(found.space) => {
                self.in_scope(what, &id.to_string())?;
                Ok(found.it)
            }
            Some(_) => Err(Fail::denied(what, id)),
        }
    }
}

/// Those who have called.
#[derive(Debug, Default)]
pub(crate) struct Directory(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Grows with every change of a membership, so that an answer from before does not count.
    changes: u64,
    users: HashMap<i64, Arc<Who>>,
}

impl Directory {
    /// The user of a token as a caller.
    pub(crate) async fn caller(&self, app: &App, grant: Arc<Grant>) -> Result<Caller, Fail> {
        let who = self.who(&app.db, grant.user).await?;
        let caller = Caller { who, grant };
        if caller.limits().spaces.is_some() && caller.spaces().is_empty() {
            let why =
                "the token's user is a member of none of the workspaces that it is limited to";
            return Err(Fail::new(4101, why));
        }
        Ok(caller)
    }

    /// What a user is a member of has changed.
    pub(crate) fn forget(&self, user: i64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        known.users.remove(&user);
    }

    /// What many of them are members of may have changed.
    pub(crate) fn forget_all(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.changes += 1;
        known.users.clear();
    }

    async fn who(&self, db: &Db, user: i64) -> Result<Arc<Who>, Fail> {
        let changes = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(who) = known.users.get(&user) {
                return Ok(Arc::clone(who));
            }
            known.changes
        };
        let memberships = db.read(move |unit| Ok::<_, Fail>(unit.memberships(user)?));
        let who = Arc::new(Who::new(user, &memberships.await?));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.changes == changes {
            known.users.insert(user, Arc::clone(&who));
        }
        Ok(who)
    }
}
