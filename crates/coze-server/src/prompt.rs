//! Templates in Jinja: the prompts of agents, and the answers of scripts.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

/// What a template may use up: about as many steps, or 64 times as many bytes. A loop within a loop
/// must not keep the server for itself.
const FUEL: u64 = 200_000;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A variable that nobody gave is empty, as on Coze.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_template_that_would_never_end_is_cut_off() {
        fn check(template: &str) {
            let begun = Instant::now();
            let rendered = render(template, None);
            let why = rendered.expect_err(template);
            let cut_off = why.contains("fuel") || why.contains("recursion limit");
            assert!(cut_off, "{template}: {why}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{template}");
        }
        let loops = "{% for a in range(10000) %}".repeat(8);
        check(&format!("{loops}x{}", "{% endfor %}".repeat(8)));
        let doubled = "{% set x = x ~ x %}".repeat(60);
        check(&format!(
            "{{% set x = 'xxxxxxxxxxxxxxxx' %}}{doubled}{{{{ x }}}}"
        ));
        let replaced = "|replace('x', 'xxxxxxxxxx')".repeat(20);
        check(&format!("{{{{ 'x'{replaced} }}}}"));
        check("{{ 'x' * 1000000000 }}");
        check("{{ ('x' * 100000) * 100000 }}");
        check(
            "{% for a in range(100000) %}{{ a }}{% for b in range(100000) %}b{% endfor %}{% endfor %}",
        );
        check("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}");
        check("{{ 'x'|indent(1000000000) }}");
        let long = "x".repeat(200);
        let loops = format!("{{% for a in range(90000) %}}{long}{{% endfor %}}");
        check(&format!("{{% set x %}}{loops}{{% endset %}}{{{{ x }}}}"));
    }

    #[test]
    fn a_long_prompt_has_room() {
        let prompt = format!("{}{{{{ name }}}}", "You are kind. ".repeat(50_000));
        let variables = BTreeMap::from([("name".to_owned(), "Ada".to_owned())]);
        let rendered = render(&prompt, Some(&variables)).unwrap();
        assert!(rendered.ends_with("kind. Ada"));
    }
}
