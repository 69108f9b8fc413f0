//! Enums that a server may extend without asking us.

/// Declares an enum of wire strings that keeps a string it does not know as `Other`.
///
/// The first spelling of a variant is the one that is written; further spellings, after `|`, are
/// read as the same variant. The first variant is the default.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $wire:literal $(| $alias:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            /// A value this version does not know, kept as it came.
            Other(smol_str::SmolStr),
        }

        impl $name {
            /// Every value this version knows, in the order of the reference.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The wire string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $wire, )+
                    Self::Other(text) => text,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                open_enum!(@first $(Self::$variant),+)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $wire $(| $alias)* => Self::$variant, )+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;
                impl serde::de::Visitor<'_> for TextVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok(text.into())
                    }
                }
                deserializer.deserialize_str(TextVisitor)
            }
        }
    };
    (@first $first:expr $(, $rest:expr)*) => { $first };
}

pub(crate) use open_enum;

/// Declares an enum of wire integers that keeps a number it does not know as `Other`.
///
/// Numbers are written; numbers and decimal text are read, and `""` is 0 as everywhere. The first
/// variant is the default. Optional fields take `Option<Name>`, others `#[serde(default)]`.
///
/// ```text
/// open_int_enum! {
///     /// How it goes.
///     Progress { /// It runs.
///                Running = 0, /// It is done.
///                Done = 1, /// It failed.
///                Failed = 9 }
/// }
/// ```
macro_rules! open_int_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $wire:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            /// A value this version does not know, kept as it came.
            Other(i64),
        }

        impl $name {
            /// Every value this version knows, in the order of the reference.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            #[must_use]
            pub const fn value(self) -> i64 {
                match self {
                    $( Self::$variant => $wire, )+
                    Self::Other(number) => number,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                crate::open_enum::open_int_enum!(@first $(Self::$variant),+)
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                match number {
                    $( $wire => Self::$variant, )+
                    other => Self::Other(other),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.value(), f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.value())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::de::int(deserializer).map(Self::from)
            }
        }
    };
    (@first $first:expr $(, $rest:expr)*) => { $first };
}

pub(crate) use open_int_enum;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro declares public types")]
mod tests {
    use serde::{Deserialize, Serialize};

    open_int_enum! {
        /// How it goes.
        Progress {
            /// It runs.
            Running = 0,
            /// It is done.
            Done = 1,
            /// It went wrong.
            Failed = 9,
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(default)]
        plain: Progress,
        optional: Option<Progress>,
    }

    #[test]
    fn numbers_are_read_from_both_types_and_unknown_ones_are_kept() {
        fn check(json: &str, expected: Progress, written: &str) {
            let read: Progress = serde_json::from_str(json).unwrap();
            assert_eq!(read, expected, "{json}");
            assert_eq!(serde_json::to_string(&read).unwrap(), written);
            assert_eq!(read.to_string(), written);
        }
        check("1", Progress::Done, "1");
        check(r#""9""#, Progress::Failed, "9");
        check(r#""""#, Progress::Running, "0");
        check("1.0", Progress::Done, "1");
        check("42", Progress::Other(42), "42");
        check(r#""-3""#, Progress::Other(-3), "-3");
        assert!(serde_json::from_str::<Progress>(r#""done""#).is_err());
        assert!(serde_json::from_str::<Progress>("0.5").is_err());
        assert!(serde_json::from_str::<Progress>("[]").is_err());
    }

    #[test]
    fn missing_and_null_are_the_default_or_none() {
        let nothing = Holder {
            plain: Progress::Running,
            optional: None,
        };
        for json in ["{}", r#"{"plain":null,"optional":null}"#] {
            assert_eq!(serde_json::from_str::<Holder>(json).unwrap(), nothing);
        }
        assert_eq!(Progress::KNOWN.len(), 3);
        for &known in Progress::KNOWN {
            assert_eq!(Progress::from(known.value()), known);
        }
    }
}
