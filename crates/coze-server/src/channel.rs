//! Channels that agents are published to, besides those of Coze: as `coze.yaml` declares them.

use std::collections::BTreeMap;

use crate::caller::Caller;
use crate::config::{Space, is_of_coze};
use crate::fail::Fail;

/// A channel of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connector {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whose tokens speak for it.
    pub(crate) owner: i64,
}

/// All of the file.
///
/// # Errors
/// An owner who is not there.
pub(crate) fn connectors(space: &Space) -> Result<BTreeMap<String, Connector>, String> {
    let connectors = space.connectors.iter().map(|it| {
        let connector = Connector {
            id: it.id.clone(),
            name: it.name.clone(),
            owner: space.user(it.owner.as_deref().unwrap_or("local"))?,
        };
        Ok((it.id.clone(), connector))
    });
    connectors.collect()
}

/// The channel of that id, for a token that speaks for it.
pub(crate) fn own<'a>(
    connectors: &'a BTreeMap<String, Connector>,
    caller: &Caller,
    id: &str,
) -> Result<&'a Connector, Fail> {
    match connectors.get(id) {
        Some(it) if it.owner == caller.user() => Ok(it),
        None if !is_of_coze(id) => Err(Fail::not_found("channel", id)),
        _ => {
            let why = format!("the channel {id} does not belong to the token's user");
            Err(Fail::new(4101, why))
        }
    }
}
