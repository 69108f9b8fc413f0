//! Tolerant readers for fields whose JSON type differs between servers (reference, section 1.9).

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};

/// An integer written as a number, as a decimal string, as `""` (0) or as a whole float.
pub(crate) fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct IntVisitor;
    impl Visitor<'_> for IntVisitor {
        type Value = i64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer, as a number or as text")
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
            Ok(number)
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
            i64::try_from(number).map_err(|_| E::custom("the integer does not fit 64 bits"))
        }
        fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
            // 2^53: above it a float does not name one integer.
            if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to be whole and small"
                )]
                return Ok(number as i64);
            }
            Err(E::custom("expected a whole number"))
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
            match text.trim() {
                "" => Ok(0),
                digits => digits.parse().map_err(|_| {
                    E::invalid_value(serde::de::Unexpected::Str(text), &"an integer in text")
                }),
            }
        }
        fn visit_unit<E: Error>(self) -> Result<i64, E> {
            Ok(0)
        }
    }
    deserializer.deserialize_any(IntVisitor)
}

/// Like [`int`], for an optional field.
pub(crate) fn int_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct Loose(i64);
    impl<'de> Deserialize<'de> for Loose {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            int(deserializer).map(Loose)
        }
    }
    Ok(Option::<Loose>::deserialize(deserializer)?.map(|Loose(number)| number))
}

/// An integer that is read as [`int_opt`] and written as a decimal string.
pub(crate) mod int_text {
    pub(crate) use super::int_opt as deserialize;

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(crate) fn serialize<S: serde::Serializer>(
        number: &Option<i64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_none(),
        }
    }
}

/// Text where a number is also sent: `"0"` and `0` alike.
pub(crate) fn text_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Text {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(
        Option::<Text>::deserialize(deserializer)?.map(|text| match text {
            Text::Text(text) => text,
            Text::Number(number) => number.to_string(),
        }),
    )
}

/// Like [`text_opt`], with `""` for `null`.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text_opt(deserializer).map(Option::unwrap_or_default)
}

/// A value for which `null` means its default.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of a query: repeated keys, or one text with commas between the values.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ListVisitor<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list, or text with commas between the values")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            let values = text.split(',').map(str::trim);
            let values = values.filter(|value| !value.is_empty());
            values
                .map(|value| T::deserialize(value.into_deserializer()))
                .collect()
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(value) = values.next_element()? {
                list.push(value);
            }
            Ok(list)
        }
        fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }
    }
    deserializer.deserialize_any(ListVisitor(PhantomData))
}

/// Like [`list`], for an optional field.
pub(crate) fn list_opt<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Loose<T>(Vec<T>);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            list(deserializer).map(Loose)
        }
    }
    Ok(Option::<Loose<T>>::deserialize(deserializer)?.map(|Loose(list)| list))
}

/// A list of texts where servers write `""` for an empty one. Any other text is its only item.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Texts {
        Many(Vec<String>),
        One(String),
        None(()),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::Many(texts) => texts,
        Texts::One(text) if !text.is_empty() => vec![text],
        Texts::One(_) | Texts::None(()) => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Option<i64>) {
        let mut reader = serde_json::Deserializer::from_str(json);
        assert_eq!(int(&mut reader).ok(), expected, "{json}");
    }

    #[test]
    fn integers_in_every_spelling() {
        check("4000", Some(4000));
        check(r#""720702204""#, Some(720_702_204));
        check(r#""""#, Some(0));
        check("null", Some(0));
        check("3.0", Some(3));
        check("3.5", None);
        check("1e300", None);
        check("18446744073709551615", None);
        check(r#""x""#, None);
        check("[]", None);
    }

    #[test]
    fn lists_of_queries_in_both_forms() {
        fn check(json: &str, expected: Option<&[&str]>) {
            let mut reader = serde_json::Deserializer::from_str(json);
            let read = list_opt::<_, crate::Id>(&mut reader).unwrap();
            let read = read.as_ref();
            let read = read.map(|ids| ids.iter().map(crate::Id::as_str).collect::<Vec<_>>());
            assert_eq!(read.as_deref(), expected, "{json}");
        }
        check(r#"["1",2]"#, Some(&["1", "2"]));
        check(r#""1,2, 3""#, Some(&["1", "2", "3"]));
        check(r#""1""#, Some(&["1"]));
        check(r#""""#, Some(&[]));
        check("[]", Some(&[]));
        check("null", None);
        let mut reader = serde_json::Deserializer::from_str("7");
        assert!(list::<_, crate::Id>(&mut reader).is_err());
    }

    #[test]
    fn an_empty_text_is_an_empty_list_of_texts() {
        fn check(json: &str, expected: &[&str]) {
            let mut reader = serde_json::Deserializer::from_str(json);
            assert_eq!(texts(&mut reader).unwrap(), expected, "{json}");
        }
        check(r#"["a,b","c"]"#, &["a,b", "c"]);
        check(r#""a,b""#, &["a,b"]);
        check(r#""""#, &[]);
        check("null", &[]);
    }
}
