//! Resource ids and timestamps: the two scalars that sources spell in different JSON types.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use smol_str::{SmolStr, format_smolstr};

/// A resource id: a decimal number of about 19 digits that travels as a JSON **string**.
///
/// Numbers are accepted when reading, a string is always written. Ids of up to 23 bytes are held
/// inline, so reading one does not allocate; that matters because every delta of a stream carries
/// four of them.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(SmolStr);

impl Id {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for `""` and for `"0"`, the two spellings of "no id".
    #[must_use]
    pub fn is_unset(&self) -> bool {
        matches!(self.as_str(), "" | "0")
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::ops::Deref for Id {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Id {
    fn from(text: &String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<&Id> for Id {
    fn from(id: &Id) -> Self {
        id.clone()
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(format_smolstr!("{number}"))
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(format_smolstr!("{number}"))
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id (a string of digits)")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                Ok(text.into())
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
                Ok(number.into())
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Id, E> {
                Ok(number.into())
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Unix time in **seconds**.
///
/// Read from a number or from a decimal string, written as a number. `0` means "not set" where a
/// server does not leave the field out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time, unless it is the `0` that stands for "not set".
    #[must_use]
    pub fn known(self) -> Option<i64> {
        (self.0 != 0).then_some(self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

/// Writes a time as text, for the replies that have it so: the vendor's Python SDK reads nothing else
/// there.
pub(crate) fn time_as_text<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(Timestamp(seconds)) => serializer.collect_str(seconds),
        None => serializer.serialize_none(),
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::de::int(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_both_types_and_written_as_strings() {
        for text in [r#""7382159487131697202""#, "7382159487131697202"] {
            let id: Id = serde_json::from_str(text).unwrap();
            assert_eq!(id, "7382159487131697202");
            assert_eq!(
                serde_json::to_string(&id).unwrap(),
                r#""7382159487131697202""#
            );
        }
        assert!(serde_json::from_str::<Id>("1.5").is_err());
        assert!(serde_json::from_str::<Id>("null").is_err());
    }

    #[test]
    fn timestamps_are_read_from_both_types() {
        for text in ["1718792949", r#""1718792949""#] {
            let time: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(time.known(), Some(1_718_792_949));
        }
        assert_eq!(
            serde_json::from_str::<Timestamp>("0").unwrap().known(),
            None
        );
        assert!(serde_json::from_str::<Timestamp>(r#""soon""#).is_err());
    }
}
