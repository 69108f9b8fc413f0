//! What a workflow takes, as models and as the API see it.

use coze_types::workflows::ParamSchema;
use coze_workflow::{Plan, Type, Variable};
use serde_json::{Map, Value, json};

/// The inputs of a workflow as JSON Schema, for models that may call it.
pub(crate) fn input_schema(plan: &Plan) -> Value {
    let inputs = plan.start_inputs();
    let properties: Map<String, Value> = inputs
        .iter()
        .map(|input| {
            let mut schema = input.ty.json_schema();
            if let (Value::Object(schema), false) = (&mut schema, input.description.is_empty()) {
                schema.insert("description".to_owned(), input.description.clone().into());
            }
            (input.name.clone(), schema)
        })
        .collect();
    let required: Vec<&str> = inputs
        .iter()
        .filter(|input| input.required)
        .map(|input| input.name.as_str())
        .collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// A declaration as the API shows it.
pub(crate) fn param_schema(variable: &Variable) -> ParamSchema {
    let mut schema = type_schema(&variable.ty);
    schema.required = Some(variable.required);
    schema.description = Some(variable.description.clone());
    schema.default_value = variable.default.as_ref().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    schema
}

fn type_schema(ty: &Type) -> ParamSchema {
    let mut schema = ParamSchema {
        kind: ty.name().to_owned(),
        ..ParamSchema::default()
    };
    match ty {
        Type::Float => "number".clone_into(&mut schema.kind),
        Type::List(item) => {
            "array".clone_into(&mut schema.kind);
            schema.items = Some(Box::new(type_schema(item)));
        }
        Type::Object(fields) => {
            let fields = fields
                .iter()
                .map(|field| (field.name.clone(), param_schema(field)));
            schema.properties = Some(fields.collect());
        }
        _ => {}
    }
    schema
}
