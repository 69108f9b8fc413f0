//! How a node of a run is addressed: its id, and in which turn of which container it is.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a node in its canvas. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

/// One turn of a loop, one item of a batch, or (index 0) one call of a sub-workflow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// The container node.
    pub container: NodeId,
    /// Which turn, from 0.
    pub index: u32,
}

/// A node of a run. `scope` is empty for the nodes of the workflow itself, and leads from the
/// outermost container to the innermost for the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodePath {
    /// The turns of the containers around the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Frame>,
    /// The node.
    pub node: NodeId,
}

impl NodePath {
    /// The path of a node of the workflow itself.
    pub fn root(node: impl Into<NodeId>) -> Self {
        Self {
            scope: Vec::new(),
            node: node.into(),
        }
    }
}

impl From<&NodeId> for NodeId {
    fn from(id: &NodeId) -> Self {
        id.clone()
    }
}

impl fmt::Display for NodePath {
    /// `21#3/15` is node 15 in the fourth turn of loop 21.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for frame in &self.scope {
            write!(f, "{}#{}/", frame.container, frame.index)?;
        }
        write!(f, "{}", self.node)
    }
}

/// One attempt of one node to get something done. The host hands it back with the result, so that
/// a late answer to an earlier attempt is told from the answer that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The node.
    #[serde(flatten)]
    pub path: NodePath,
    /// From 0; a retry counts up.
    #[serde(default)]
    pub attempt: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_wire() {
        let mut path = NodePath::root("15");
        let task = TaskId {
            path: path.clone(),
            attempt: 1,
        };
        let json = serde_json::to_string(&task).expect("json");
        assert_eq!(json, r#"{"node":"15","attempt":1}"#);
        assert_eq!(serde_json::from_str::<TaskId>(&json).expect("a task"), task);
        path.scope.push(Frame {
            container: "21".into(),
            index: 3,
        });
        assert_eq!(path.to_string(), "21#3/15");
        let json = serde_json::to_string(&path).expect("json");
        assert_eq!(
            json,
            r#"{"scope":[{"container":"21","index":3}],"node":"15"}"#
        );
        assert_eq!(
            serde_json::from_str::<NodePath>(&json).expect("a path"),
            path
        );
    }
}
