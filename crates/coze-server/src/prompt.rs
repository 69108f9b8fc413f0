//! Templates in Jinja: the prompts of agents, and the answers of scripts.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A variable that nobody gave is empty, as on Coze.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment
}

/// Checks a prompt when the server starts, so that a slip in it is told then.
pub(crate) fn check(prompt: &str) -> Result<(), String> {
    let environment = environment();
    let checked = environment.template_from_str(prompt);
    checked.map(|_| ()).map_err(|error| format!("{error:#}"))
}

/// Fills the variables of a chat into a prompt.
pub(crate) fn render(
    prompt: &str,
    variables: Option<&BTreeMap<String, String>>,
) -> Result<String, String> {
    if !prompt.contains('{') {
        return Ok(prompt.to_owned());
    }
    let rendered = environment().render_str(prompt, variables.cloned().unwrap_or_default());
    rendered.map_err(|error| format!("{error:#}"))
}

/// Fills the outputs of tools into the answer of a script.
pub(crate) fn render_outputs(template: &str, tool_outputs: &[&str]) -> Result<String, String> {
    let outputs: Vec<String> = tool_outputs
        .iter()
        .map(|output| (*output).to_owned())
        .collect();
    let variables = BTreeMap::from([("tool_outputs", outputs)]);
    environment()
        .render_str(template, variables)
        .map_err(|error| format!("{error:#}"))
}
