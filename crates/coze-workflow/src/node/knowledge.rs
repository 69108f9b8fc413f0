//! 6 knowledge search, 27 knowledge write, 60 knowledge delete: all of it is done outside.

use serde_json::{Map, Value, json};

use super::{Context, Done, integer_of, number_of};
use crate::code::NodeError;
use crate::reference::Input;
use crate::run::effect::{Chunking, KnowledgeSearch, KnowledgeWrite, TaskKind};
use crate::value::plain_text;

/// Passages when the node does not say how many.
pub(super) const TOP_K: u32 = 3;

#[derive(Debug)]
pub(crate) enum KnowledgeSpec {
    Search(Box<SearchSpec>),
    Write {
        datasets: Option<Input>,
        chunking: Option<Chunking>,
    },
    Delete,
}

#[derive(Debug)]
pub(crate) struct SearchSpec {
    datasets: Option<Input>,
    top_k: Option<Input>,
    min_score: Option<Input>,
    strategy: Option<Input>,
}

/// A setting of `datasetParam`, with its reference made known.
fn setting(inputs: &Map<String, Value>, name: &str, extra: &mut Vec<Input>) -> Option<Input> {
    let params = inputs.get("datasetParam").and_then(Value::as_array)?;
    let named = |param: &&Value| param.get("name").and_then(Value::as_str) == Some(name);
    let input = params.iter().find(named).map(Input::from_param)?;
    extra.push(input.clone());
    Some(input)
}

pub(crate) fn search(inputs: &Map<String, Value>, extra: &mut Vec<Input>) -> KnowledgeSpec {
    KnowledgeSpec::Search(Box::new(SearchSpec {
        datasets: setting(inputs, "datasetList", extra),
        top_k: setting(inputs, "topK", extra),
        min_score: setting(inputs, "minScore", extra),
        strategy: setting(inputs, "strategy", extra),
    }))
}

pub(crate) fn write(
    inputs: &Map<String, Value>,
    extra: &mut Vec<Input>,
) -> Result<KnowledgeSpec, String> {
    Ok(KnowledgeSpec::Write {
        datasets: setting(inputs, "datasetList", extra),
        chunking: chunking(inputs)?,
    })
}

/// How the document is to be split; none leaves it to the host.
fn chunking(inputs: &Map<String, Value>) -> Result<Option<Chunking>, String> {
    let strategy = inputs
        .get("strategyParam")
        .and_then(|it| it.get("chunkStrategy"));
    let Some(strategy) = strategy.and_then(Value::as_object) else {
        return Ok(None);
    };
    match strategy.get("chunkType").and_then(Value::as_str) {
        None | Some("" | "default") => return Ok(None),
        Some("custom") => {}
        Some(other) => {
            return Err(format!(
                "`chunkType` is {other:?}: it must be default or custom"
            ));
        }
    }
    let separator = strategy.get("separator").and_then(Value::as_str);
    let separator = separator.filter(|it| !it.is_empty()).unwrap_or("\n");
    let overlap = strategy.get("overlap").and_then(number_of).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped to 0 to 100")]
    let overlap = (overlap.clamp(0.0, 1.0) * 100.0) as i64;
    Ok(Some(Chunking {
        separator: separator.to_owned(),
        max_tokens: strategy.get("maxToken").and_then(integer_of).unwrap_or(800),
        overlap_percent: overlap,
    }))
}

pub(crate) fn begin(
    spec: &KnowledgeSpec,
    context: &mut Context<'_>,
) -> Result<TaskKind, NodeError> {
    match spec {
        KnowledgeSpec::Search(spec) => {
            let datasets = datasets(spec.datasets.as_ref(), context)?;
            let top_k = resolved(spec.top_k.as_ref(), context)?;
            let min_score = resolved(spec.min_score.as_ref(), context)?;
            let strategy = resolved(spec.strategy.as_ref(), context)?;
            let top_k = integer_of(&top_k).and_then(|it| u32::try_from(it).ok());
            Ok(TaskKind::SearchKnowledge(KnowledgeSearch {
                query: required(context, "Query")?,
                datasets,
                top_k: top_k.filter(|it| *it > 0).unwrap_or(TOP_K),
                min_score: number_of(&min_score),
                strategy: integer_of(&strategy).unwrap_or(0),
            }))
        }
        KnowledgeSpec::Write {
            datasets: list,
            chunking,
        } => {
            let datasets = datasets(list.as_ref(), context)?;
            let Some(dataset) = datasets.into_iter().next() else {
                return Err(NodeError::failed("no dataset is chosen: choose one"));
            };
            Ok(TaskKind::WriteKnowledge(KnowledgeWrite {
                file: required(context, "knowledge")?,
                dataset,
                chunking: chunking.clone(),
            }))
        }
        KnowledgeSpec::Delete => Ok(TaskKind::DeleteKnowledge {
            document: required(context, "documentID")?,
        }),
    }
}

fn datasets(input: Option<&Input>, context: &mut Context<'_>) -> Result<Vec<String>, NodeError> {
    let list = resolved(input, context)?;
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    Ok(list.iter().map(plain_text).collect())
}

fn resolved(input: Option<&Input>, context: &mut Context<'_>) -> Result<Value, NodeError> {
    input.map_or(Ok(Value::Null), |input| context.resolve(input))
}

fn required(context: &Context<'_>, name: &str) -> Result<String, NodeError> {
    let value = context.inputs.values.get(name).map(plain_text);
    match value.filter(|text| !text.is_empty()) {
        Some(text) => Ok(text),
        None => Err(NodeError::failed(format!("`{name}` is empty"))),
    }
}

/// Search gives a list of `{documentId, output}`, writing a document, deleting whether it was done.
pub(crate) fn finish(spec: &KnowledgeSpec, value: Value) -> Done {
    let outputs = match (spec, value) {
        (KnowledgeSpec::Search(_), value) => json!({"outputList": value}),
        (KnowledgeSpec::Write { .. }, value) => value,
        (KnowledgeSpec::Delete, value) => json!({"isSuccess": value}),
    };
    Done::with(match outputs {
        Value::Object(outputs) => outputs,
        _ => Map::new(),
    })
}
