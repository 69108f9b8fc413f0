//! 2 end: the result of the workflow, as variables or as one text.

use serde_json::{Map, Value};

use super::{Context, Done, Emission, emission_of, text_of};

#[derive(Debug)]
pub(crate) struct EndSpec {
    pub(crate) terminate: Terminate,
}

#[derive(Debug)]
pub(crate) enum Terminate {
    Variables,
    Answer(Emission),
}

pub(crate) fn compile(inputs: &Map<String, Value>) -> Result<EndSpec, String> {
    let terminate = match text_of(inputs, "terminatePlan").as_deref() {
        None | Some("" | "returnVariables") => Terminate::Variables,
        Some("useAnswerContent") => Terminate::Answer(emission_of(inputs)?),
        Some(other) => {
            return Err(format!(
                "`terminatePlan` is {other:?}: it must be returnVariables or useAnswerContent"
            ));
        }
    };
    Ok(EndSpec { terminate })
}

/// Only for variables: the run itself writes an answer text.
pub(crate) fn begin(_: &EndSpec, context: &mut Context<'_>) -> Done {
    Done::with(std::mem::take(&mut context.inputs.values))
}
