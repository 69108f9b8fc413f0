//! Tolerant readers for fields whose JSON type differs between servers (reference, section 1.9).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

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
}
