//! Who calls, and what they may see.
//!
//! Every resource belongs to a space, and a caller sees what belongs to a space that they are a
//! member of. What somebody is a member of is read once and kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};

use crate::fail::Fail;
use crate::store::{Db, Membership, number};

/// Who calls; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Arc<Who>);

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

impl Caller {
    fn new(user: i64, memberships: &[Membership]) -> Self {
        let personal = memberships.iter().find(|it| it.kind == "personal");
        let home = personal.or(memberships.first()).map_or(0, |it| it.space);
        let spaces = memberships.iter().map(|it| (it.space, it.role.clone()));
        Self(Arc::new(Who {
            user,
            user_id: user.to_string(),
            home,
            spaces: spaces.collect(),
        }))
    }

    pub(crate) fn user(&self) -> i64 {
        self.0.user
    }

    pub(crate) fn user_id(&self) -> &str {
        &self.0.user_id
    }

    /// The space of what names no other.
    pub(crate) fn home(&self) -> i64 {
        self.0.home
    }

    /// The spaces that the caller may see.
    pub(crate) fn spaces(&self) -> Vec<i64> {
        self.0.spaces.keys().copied().collect()
    }

    pub(crate) fn sees(&self, space: i64) -> bool {
        self.0.spaces.contains_key(&space)
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
            Some(found) if self.sees(found.space) => Ok(found.it),
            Some(_) => Err(Fail::denied(what, id)),
        }
    }
}

/// Those who have called.
#[derive(Debug, Default)]
pub(crate) struct Directory(RwLock<HashMap<i64, Caller>>);

impl Directory {
    /// That user as a caller.
    pub(crate) async fn caller(&self, db: &Db, user: i64) -> Result<Caller, Fail> {
        if let Some(caller) = self.known(user) {
            return Ok(caller);
        }
        let memberships = db.read(move |unit| Ok::<_, Fail>(unit.memberships(user)?));
        let caller = Caller::new(user, &memberships.await?);
        let known = self.0.write();
        known
            .unwrap_or_else(PoisonError::into_inner)
            .insert(user, caller.clone());
        Ok(caller)
    }

    /// Asks the store again from now on.
    pub(crate) fn forget(&self) {
        let known = self.0.write();
        known.unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn known(&self, user: i64) -> Option<Caller> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&user).cloned()
    }
}
