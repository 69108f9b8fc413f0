//! The part of `coze.yaml` that says who there is: users, workspaces, enterprises, tokens.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use coze_types::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};

use super::{LOCAL_SPACE, LOCAL_USER, Misfit, Space, id, schema};

/// The name of the user and of the workspace that every server has.
const LOCAL: &str = "local";

/// A user, besides the local one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The unique name.
    pub name: String,
    /// The shown name; the unique one by default.
    pub nick_name: Option<String>,
    /// The picture.
    #[serde(default)]
    pub avatar_url: String,
}

/// A workspace, besides the local one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Name or id of its owner; the local user by default.
    pub owner: Option<String>,
    /// The enterprise that it belongs to.
    pub enterprise: Option<String>,
    /// Who else works in it: names or ids of users, or `{user, role}`.
    #[serde(default)]
    pub members: Vec<MemberConfig>,
}

/// A member of a workspace or of an enterprise.
#[derive(Debug, Clone, Default)]
pub struct MemberConfig {
    /// Name or id of the user.
    pub user: String,
    /// Manages it.
    pub admin: bool,
}

/// An enterprise.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterpriseConfig {
    /// Any text of letters, digits, `_` and `-`, such as `volcano_2100000000`.
    pub id: String,
    /// The name; the id by default.
    pub name: Option<String>,
    /// So many members it may have.
    pub seats: Option<u32>,
    /// Its members: names or ids of users, or `{user, role}`.
    #[serde(default)]
    pub members: Vec<MemberConfig>,
}

/// A token that is let in.
#[derive(Debug, Clone, Default)]
pub struct TokenConfig {
    /// The token itself.
    pub token: Option<Secret>,
    /// The environment variable that holds it.
    pub token_env: Option<String>,
    /// Name or id of its user; the local one by default.
    pub user: Option<String>,
    /// The only workspaces that it sees, by name or id.
    pub spaces: Option<Vec<String>>,
    /// The only permissions that it carries.
    pub permissions: Option<Vec<String>>,
    /// When it expires, in Unix seconds.
    pub expires: Option<i64>,
}

/// A setting that is written as a text, or as an object when there is more to say.
trait TextOrObject: Sized {
    /// What is expected, for the message when it is neither.
    const EXPECTED: &'static str;
    /// The object.
    type Object: for<'de> Deserialize<'de> + Into<Self>;
    fn from_text(text: &str) -> Self;
}

/// Reads one, with the place of what is wrong in it; `untagged` would lose that.
fn text_or_object<'de, T: TextOrObject, D: Deserializer<'de>>(reader: D) -> Result<T, D::Error> {
    struct Either<T>(PhantomData<T>);
    impl<'de, T: TextOrObject> Visitor<'de> for Either<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from_text(text))
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            Ok(T::from_text(&number.to_string()))
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            Ok(T::from_text(&number.to_string()))
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::Object::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
        }
    }
    reader.deserialize_any(Either(PhantomData))
}

/// What an editor is told of such a setting.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described")]
enum TextOr<T> {
    Text(String),
    Number(u64),
    Object(T),
}

/// What an editor is told of a moment: seconds, or a day.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described")]
enum Moment {
    Seconds(i64),
    Day(String),
}

impl JsonSchema for TokenConfig {
    fn schema_name() -> Cow<'static, str> {
        "TokenConfig".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TextOr::<TokenObject>::json_schema(generator)
    }
}

impl JsonSchema for MemberConfig {
    fn schema_name() -> Cow<'static, str> {
        "MemberConfig".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TextOr::<MemberObject>::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for TokenConfig {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        text_or_object(reader)
    }
}

impl TextOrObject for TokenConfig {
    const EXPECTED: &'static str = "a token, or an object that describes one";
    type Object = TokenObject;
    fn from_text(text: &str) -> Self {
        Self {
            token: Some(text.into()),
            ..Self::default()
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TokenObject {
    #[schemars(with = "Option<String>")]
    token: Option<Secret>,
    token_env: Option<String>,
    user: Option<String>,
    spaces: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
    #[serde(default, deserialize_with = "moment")]
    #[schemars(with = "Moment")]
    expires: Option<i64>,
}

impl From<TokenObject> for TokenConfig {
    fn from(it: TokenObject) -> Self {
        Self {
            token: it.token,
            token_env: it.token_env,
            user: it.user,
            spaces: it.spaces,
            permissions: it.permissions,
            expires: it.expires,
        }
    }
}

impl<'de> Deserialize<'de> for MemberConfig {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        text_or_object(reader)
    }
}

impl TextOrObject for MemberConfig {
    const EXPECTED: &'static str = "the name or id of a user, or {user, role}";
    type Object = MemberObject;
    fn from_text(text: &str) -> Self {
        Self {
            user: text.to_owned(),
            admin: false,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MemberObject {
    user: String,
    #[serde(default)]
    role: RoleName,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    #[default]
    Member,
    Admin,
}

impl From<MemberObject> for MemberConfig {
    fn from(it: MemberObject) -> Self {
        Self {
            user: it.user,
            admin: matches!(it.role, RoleName::Admin),
        }
    }
}

/// Unix seconds, or a day such as `2027-01-31`, whose beginning in UTC it is.
fn moment<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<i64>, D::Error> {
    struct Moment;
    impl Visitor<'_> for Moment {
        type Value = i64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Unix seconds, or a day such as 2027-01-31")
        }
        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<i64, E> {
            Ok(seconds)
        }
        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<i64, E> {
            i64::try_from(seconds).map_err(|_| E::custom("this moment is too far away"))
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
            day(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    reader.deserialize_any(Moment).map(Some)
}

/// The first second of a day.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.trim().split('-').map(str::parse::<i64>);
    let mut next = || parts.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1970..10_000).contains(&year) || !(1..=days).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the day that is not always there comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400)
}

impl Space {
    /// The user of that name or id.
    pub(crate) fn user(&self, name: &str) -> Result<i64, String> {
        let known = self
            .users
            .iter()
            .find(|it| it.name == name || it.id == name);
        match known {
            Some(user) => Ok(crate::store::number(&user.id)),
            None if name == LOCAL || name == LOCAL_USER.to_string() => Ok(LOCAL_USER),
            None => Err(format!(
                "the user {name:?} is not under `users` (there: {})",
                names(
                    [LOCAL]
                        .into_iter()
                        .chain(self.users.iter().map(|it| it.name.as_str()))
                )
            )),
        }
    }

    /// The workspace of that name or id. One that was made through the API goes by its id.
    pub(crate) fn space(&self, name: &str) -> Result<i64, String> {
        let known = self
            .spaces
            .iter()
            .find(|it| it.name == name || it.id == name);
        match known {
            Some(space) => Ok(crate::store::number(&space.id)),
            None if name == LOCAL => Ok(LOCAL_SPACE),
            None if !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit()) => {
                Ok(crate::store::number(name))
            }
            None => Err(format!(
                "the workspace {name:?} is not under `spaces` (there: {})",
                names(
                    [LOCAL]
                        .into_iter()
                        .chain(self.spaces.iter().map(|it| it.name.as_str()))
                )
            )),
        }
    }

    /// The workspace of an agent or a workflow; the local one by default.
    pub(crate) fn space_or_local(&self, name: Option<&str>) -> Result<i64, String> {
        name.map_or(Ok(LOCAL_SPACE), |name| self.space(name))
    }

    /// Whether two names mean different workspaces.
    pub(crate) fn differ(&self, one: Option<&str>, other: Option<&str>) -> bool {
        self.space_or_local(one) != self.space_or_local(other)
    }

    /// Users, workspaces, enterprises and tokens must fit together.
    pub(super) fn check_identity(&self) -> Result<(), Misfit> {
        self.check_users()?;
        self.check_spaces()?;
        self.check_enterprises()?;
        for (index, token) in self.tokens.iter().enumerate() {
            crate::auth::of_config(self, token).map_err(|why| {
                let why = format!("tokens: number {}: {why}", index + 1);
                Misfit::new(format!("tokens[{index}]"), why)
            })?;
        }
        Ok(())
    }

    fn check_users(&self) -> Result<(), Misfit> {
        let mut ids = BTreeSet::from([LOCAL_USER.to_string()]);
        let mut names = BTreeSet::from([LOCAL]);
        for (index, user) in self.users.iter().enumerate() {
            let at = |key: &str, why| Misfit::new(format!("users[{index}].{key}"), why);
            let new = names.insert(&user.name);
            one("users: the name", &user.name, new).map_err(|why| at("name", why))?;
            let new = ids.insert(user.id.clone());
            one("users: the id", &user.id, new).map_err(|why| at("id", why))?;
        }
        Ok(())
    }

    fn check_spaces(&self) -> Result<(), Misfit> {
        let users = self.users.iter().map(|it| it.id.clone());
        let mut ids: BTreeSet<_> = users.collect();
        ids.extend([LOCAL_USER.to_string(), LOCAL_SPACE.to_string()]);
        let mut names = BTreeSet::from([LOCAL]);
        for (index, space) in self.spaces.iter().enumerate() {
            let place = |key: &str| format!("spaces[{index}].{key}");
            let new = names.insert(&space.name);
            one("spaces: the name", &space.name, new)
                .map_err(|why| Misfit::new(place("name"), why))?;
            let new = ids.insert(space.id.clone());
            one("spaces: the id", &space.id, new).map_err(|why| Misfit::new(place("id"), why))?;
            let at = |key: &str, why: String| {
                Misfit::new(place(key), format!("spaces: {}: {why}", space.name))
            };
            self.user(space.owner.as_deref().unwrap_or(LOCAL))
                .map_err(|why| at("owner", why))?;
            for (number, member) in space.members.iter().enumerate() {
                self.user(&member.user)
                    .map_err(|why| at(&format!("members[{number}]"), why))?;
            }
            let known = |id: &String| self.enterprises.iter().any(|it| it.id == *id);
            if let Some(id) = space.enterprise.as_ref().filter(|id| !known(id)) {
                let why = format!("the enterprise {id:?} is not under `enterprises`");
                return Err(at("enterprise", why));
            }
        }
        Ok(())
    }

    fn check_enterprises(&self) -> Result<(), Misfit> {
        let mut ids = BTreeSet::new();
        for (index, it) in self.enterprises.iter().enumerate() {
            let place = |key: &str| format!("enterprises[{index}].{key}");
            one("enterprises: the id", &it.id, ids.insert(&it.id))
                .map_err(|why| Misfit::new(place("id"), why))?;
            let at = |key: &str, why: String| {
                Misfit::new(place(key), format!("enterprises: {}: {why}", it.id))
            };
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            if it.id.len() > 64 || !it.id.bytes().all(fits) {
                let why = "the id has other characters than letters, digits, _ and -";
                return Err(at("id", why.into()));
            }
            for (number, member) in it.members.iter().enumerate() {
                self.user(&member.user)
                    .map_err(|why| at(&format!("members[{number}]"), why))?;
            }
            if it
                .seats
                .is_some_and(|seats| (seats as usize) < it.members.len())
            {
                return Err(at("seats", "there are more members than seats".into()));
            }
        }
        Ok(())
    }
}

/// Names and ids are there, and no two are the same.
fn one(what: &str, text: &str, new: bool) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if new {
        return Ok(());
    }
    Err(format!(
        "{what} {text} stands twice, or is that of the built-in one"
    ))
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_seconds() {
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(day(text), expected, "{text}");
        }
        check("1970-01-01", Some(0));
        check("2000-02-29", Some(951_782_400));
        check("2026-12-31", Some(1_798_675_200));
        check("2026-02-29", None);
        check("2026-13-01", None);
        check("2026-04-31", None);
        check("2026-04", None);
        check("2026-04-01-01", None);
        check("tomorrow", None);
    }
}
