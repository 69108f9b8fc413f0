//! What the API asks of the settings of an agent (reference, sections 1.10 and 7.3).

use coze_types::Id;
use coze_types::bots::{
    ApiMode, CacheType, CachingType, KnowledgeConfig, ModelInfoConfig, OnboardingInfo, PromptInfo,
    PromptMode, ResponseFormat, SearchStrategy, SuggestReplyInfo, SuggestReplyMode, ThinkingType,
    UpdateBotBody,
};

use crate::app::App;
use crate::caller::Caller;
use crate::definition::Definition;
use crate::fail::Fail;
use crate::store::number;
use crate::validate::{at_most, known_opt, required, within};

const NAME: usize = 20;
const DESCRIPTION: usize = 500;
const PROMPT: usize = 20_000;
const PROLOGUE: usize = 300;
const QUESTION: usize = 50;
const DATASETS: usize = 150;
/// Three days, in seconds.
const CACHING: i64 = 259_200;

/// What each field of a request may be.
pub(super) async fn fields(app: &App, caller: &Caller, body: &UpdateBotBody) -> Result<(), Fail> {
    name(body.name.as_deref())?;
    let description = body.description.as_deref().unwrap_or_default();
    at_most("description", description, DESCRIPTION)?;
    body.prompt_info.as_ref().map_or(Ok(()), prompt)?;
    body.onboarding_info.as_ref().map_or(Ok(()), onboarding)?;
    body.model_info_config.as_ref().map_or(Ok(()), model)?;
    body.suggest_reply_info.as_ref().map_or(Ok(()), suggest)?;
    if let Some(it) = &body.knowledge {
        knowledge(it)?;
        datasets(app, caller, it).await?;
    }
    workflows(app, caller, body).await?;
    icon(app, caller, body.icon_file_id.as_ref()).await
}

/// The name of an agent, if one is given.
pub(crate) fn name(name: Option<&str>) -> Result<(), Fail> {
    let Some(name) = name else { return Ok(()) };
    required("name", name.trim())?;
    at_most("name", name, NAME)
}

/// What the fields may be together, after a change.
pub(super) fn whole(definition: &Definition) -> Result<(), Fail> {
    let model = definition.model.clone().unwrap_or_default();
    let parameters = model.parameters.unwrap_or_default();
    let responses = model.api_mode == Some(ApiMode::Responses);
    let caching = parameters.caching.and_then(|it| it.kind);
    let cached = match responses {
        true => caching == Some(CachingType::Enabled),
        false => model.cache_type == Some(CacheType::Prefix),
    };
    let prefix = definition.prompt.prompt_mode == Some(PromptMode::Prefix);
    if cached && !prefix {
        let why = "it must be \"prefix\" when the beginnings of prompts are cached";
        return Err(Fail::invalid("prompt_info.prompt_mode", why));
    }
    let prompt = definition.prompt.prompt.as_deref().unwrap_or_default();
    if prefix && !prompt.is_empty() {
        let why = "it cannot go with prompt_mode \"prefix\": use prefix_prompt_info";
        return Err(Fail::invalid("prompt_info.prompt", why));
    }
    if caching == Some(CachingType::Enabled) && parameters.store == Some(false) {
        let why = "caching needs it to be true";
        return Err(Fail::invalid("model_info_config.parameters.store", why));
    }
    Ok(())
}

fn prompt(it: &PromptInfo) -> Result<(), Fail> {
    let template = |field: &str, text: Option<&String>| {
        let text = text.map(String::as_str).unwrap_or_default();
        at_most(field, text, PROMPT)?;
        crate::prompt::check(text).map_err(|why| Fail::invalid(field, why))
    };
    known_opt(
        "prompt_info.prompt_mode",
        it.prompt_mode.as_ref(),
        PromptMode::KNOWN,
    )?;
    template("prompt_info.prompt", it.prompt.as_ref())?;
    let Some(parts) = &it.prefix_prompt_info else {
        return Ok(());
    };
    let field = "prompt_info.prefix_prompt_info";
    template(
        &format!("{field}.prefix_prompt"),
        parts.prefix_prompt.as_ref(),
    )?;
    template(
        &format!("{field}.dynamic_prompt"),
        parts.dynamic_prompt.as_ref(),
    )
}

fn onboarding(it: &OnboardingInfo) -> Result<(), Fail> {
    let prologue = it.prologue.as_deref().unwrap_or_default();
    at_most("onboarding_info.prologue", prologue, PROLOGUE)?;
    for (index, question) in it.suggested_questions.iter().flatten().enumerate() {
        let field = format!("onboarding_info.suggested_questions[{index}]");
        at_most(&field, question, QUESTION)?;
    }
    Ok(())
}

fn model(it: &ModelInfoConfig) -> Result<(), Fail> {
    let field = |name: &str| format!("model_info_config.{name}");
    required(&field("model_id"), &it.model_id)?;
    within(&field("top_p"), it.top_p, 0.0, 1.0)?;
    within(&field("temperature"), it.temperature, 0.0, f64::MAX)?;
    within(&field("top_k"), it.top_k, 0, i64::MAX)?;
    within(&field("max_tokens"), it.max_tokens, 1, i64::from(u32::MAX))?;
    within(&field("context_round"), it.context_round, 0, i64::MAX)?;
    let format = it.response_format.as_ref();
    known_opt(&field("response_format"), format, ResponseFormat::KNOWN)?;
    known_opt(
        &field("cache_type"),
        it.cache_type.as_ref(),
        CacheType::KNOWN,
    )?;
    known_opt(&field("api_mode"), it.api_mode.as_ref(), ApiMode::KNOWN)?;
    let Some(parameters) = &it.parameters else {
        return Ok(());
    };
    let field = |name: &str| format!("model_info_config.parameters.{name}");
    let thinking = parameters.thinking_type.as_ref();
    known_opt(&field("thinking_type"), thinking, ThinkingType::KNOWN)?;
    let caching = parameters.caching.as_ref().and_then(|it| it.kind.as_ref());
    known_opt(&field("caching.type"), caching, CachingType::KNOWN)?;
    let seconds = parameters.caching_expire_time;
    within(&field("caching_expire_time"), seconds, 1, CACHING)
}

fn suggest(it: &SuggestReplyInfo) -> Result<(), Fail> {
    let mode = it.reply_mode.as_ref();
    known_opt(
        "suggest_reply_info.reply_mode",
        mode,
        SuggestReplyMode::KNOWN,
    )?;
    if mode == Some(&SuggestReplyMode::Customized) {
        let prompt = it.customized_prompt.as_deref().unwrap_or_default();
        required("suggest_reply_info.customized_prompt", prompt.trim())?;
        at_most("suggest_reply_info.customized_prompt", prompt, PROMPT)?;
    }
    Ok(())
}

fn knowledge(it: &KnowledgeConfig) -> Result<(), Fail> {
    let strategy = it.search_strategy.as_ref();
    known_opt("knowledge.search_strategy", strategy, SearchStrategy::KNOWN)?;
    let datasets = it.dataset_ids.as_deref().unwrap_or_default();
    if datasets.len() > DATASETS {
        let why = format!(
            "there are {}; at most {DATASETS} are allowed",
            datasets.len()
        );
        return Err(Fail::invalid("knowledge.dataset_ids", why));
    }
    Ok(())
}

/// The datasets are there, and the caller may use them.
async fn datasets(app: &App, caller: &Caller, it: &KnowledgeConfig) -> Result<(), Fail> {
    let ids = it.dataset_ids.clone().unwrap_or_default();
    let caller = caller.clone();
    let seen = app.db.read(move |unit| {
        for (index, id) in ids.iter().enumerate() {
            let field = format!("knowledge.dataset_ids[{index}]");
            required(&field, id)?;
            let found = unit.dataset(number(id))?;
            caller.open("dataset", id, found).map_err(|fail| Fail {
                msg: format!("Request parameter error: {field}: {}", fail.msg).into(),
                ..fail
            })?;
        }
        Ok(())
    });
    seen.await
}

async fn workflows(app: &App, caller: &Caller, body: &UpdateBotBody) -> Result<(), Fail> {
    let ids = body
        .workflow_id_list
        .iter()
        .flat_map(|it| it.ids.iter().flatten());
    for (index, workflow) in ids.enumerate() {
        let field = format!("workflow_id_list.ids[{index}].id");
        required(&field, &workflow.id)?;
        let found = super::super::workflows::find(app, caller, &workflow.id).await;
        found.map_err(|fail| Fail {
            msg: format!("Request parameter error: {field}: {}", fail.msg).into(),
            ..fail
        })?;
    }
    Ok(())
}

/// The file is there, and the caller may use it.
pub(crate) async fn icon(app: &App, caller: &Caller, id: Option<&Id>) -> Result<(), Fail> {
    let Some(id) = id.filter(|id| !id.is_unset()).cloned() else {
        return Ok(());
    };
    let caller = caller.clone();
    let found = app.db.read(move |unit| {
        let found = unit.file(number(&id))?;
        if found.is_none() {
            let why = format!("the file {id} does not exist: upload it first");
            return Err(Fail::invalid("icon_file_id", why));
        }
        caller.open("file", &id, found)
    });
    found.await.map(|_| ())
}
