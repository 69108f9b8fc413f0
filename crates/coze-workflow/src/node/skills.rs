//! What the author of an llm node gave to the model to use: `fcParam`.

use serde_json::Value;

use super::knowledge::TOP_K;
use super::{integer_of, number_of};
use crate::run::effect::{KnowledgeSearch, PluginSkill, Skills};
use crate::value::plain_text;

/// The skills; none when there is nothing in any list, as the editor leaves them behind.
pub(super) fn skills(param: &Value) -> Option<Skills> {
    let workflows = list(param, "/workflowFCParam/workflowList");
    let plugins = list(param, "/pluginFCParam/pluginList");
    let datasets = list(param, "/knowledgeFCParam/knowledgeList");
    let skills = Skills {
        workflows: workflows.filter_map(|it| text(it, "workflow_id")).collect(),
        plugins: plugins.filter_map(plugin).collect(),
        knowledge: knowledge(
            param.pointer("/knowledgeFCParam/global_setting"),
            datasets.filter_map(|it| text(it, "id")).collect(),
        ),
    };
    (skills != Skills::default()).then_some(skills)
}

fn list<'v>(param: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    let list = param.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Ids are texts; numbers are read as well.
fn text(entry: &Value, name: &str) -> Option<String> {
    let text = entry.get(name).map(plain_text)?;
    (!text.is_empty()).then_some(text)
}

fn plugin(entry: &Value) -> Option<PluginSkill> {
    Some(PluginSkill {
        plugin: text(entry, "plugin_id")?,
        tool: text(entry, "api_id").unwrap_or_default(),
        name: text(entry, "api_name").unwrap_or_default(),
    })
}

fn knowledge(settings: Option<&Value>, datasets: Vec<String>) -> Option<KnowledgeSearch> {
    if datasets.is_empty() {
        return None;
    }
    let setting = |name: &str| settings.and_then(|it| it.get(name));
    let top_k = setting("top_k").and_then(integer_of);
    let top_k = top_k.and_then(|it| u32::try_from(it).ok());
    Some(KnowledgeSearch {
        // The prompt, when it is known.
        query: String::new(),
        datasets,
        top_k: top_k.filter(|it| *it > 0).unwrap_or(TOP_K),
        min_score: setting("min_score").and_then(number_of),
        strategy: setting("search_mode").and_then(integer_of).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_lists_are_no_skills() {
        for none in [
            json!({}),
            json!(null),
            json!({"workflowFCParam": {"workflowList": []}}),
            json!({"workflowFCParam": {}, "pluginFCParam": {"pluginList": null}}),
            json!({"knowledgeFCParam": {"global_setting": {"top_k": 5}}}),
            // An entry that names nothing is none.
            json!({"pluginFCParam": {"pluginList": [{"api_name": "x"}]}}),
        ] {
            assert_eq!(skills(&none), None, "{none}");
        }
    }

    #[test]
    fn every_kind_is_read() {
        let param = json!({
            "workflowFCParam": {"workflowList": [{"workflow_id": "1", "is_draft": false}, {"workflow_id": 2}]},
            "pluginFCParam": {"pluginList": [{"plugin_id": "3", "api_id": "4", "api_name": "find"}]},
            "knowledgeFCParam": {
                "global_setting": {"search_mode": 20, "top_k": "5", "min_score": 0.5, "use_rerank": true},
                "knowledgeList": [{"id": "6", "name": "rules"}],
            },
        });
        let found = skills(&param).expect("skills");
        assert_eq!(found.workflows, ["1", "2"]);
        let plugin = &found.plugins[0];
        assert_eq!((plugin.plugin.as_str(), plugin.tool.as_str()), ("3", "4"));
        assert_eq!(plugin.name, "find");
        let knowledge = found.knowledge.expect("datasets");
        assert_eq!(knowledge.datasets, ["6"]);
        assert_eq!((knowledge.top_k, knowledge.strategy), (5, 20));
        assert_eq!(knowledge.min_score, Some(0.5));
    }
}
