//! The JSON Schema of a `coze.yaml`: made from the types that read it, so it cannot differ.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::Space;

pub(super) fn of_file() -> Value {
    // The draft that editors know best.
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Space>();
    schema.insert("title".to_owned(), "coze.yaml".into());
    schema.insert(
        "description".to_owned(),
        "Agents, models and workflows of the local server of coze-rs; docs/coze-yaml.md explains it."
            .into(),
    );
    schema.to_value()
}

/// Digits, in quotes or without.
pub(crate) fn id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"],
        "pattern": "^[0-9]{1,19}$",
        "minimum": 0
    })
}

pub(crate) fn ids(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": id(generator), "default": []})
}

/// The same, or nothing.
pub(crate) fn some_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer", "null"],
        "pattern": "^[0-9]{1,19}$",
        "minimum": 0
    })
}
