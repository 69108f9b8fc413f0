//! 13 output: a message to the user on the way. The run itself writes the text, see
//! `run::emission`.

use serde_json::{Map, Value};

use super::{Emission, emission_of};

pub(crate) fn compile(inputs: &Map<String, Value>) -> Result<Emission, String> {
    emission_of(inputs)
}
