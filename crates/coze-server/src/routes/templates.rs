//! Templates: agents to start from. The built-in agent is one under its own id.

use coze_types::Data;
use coze_types::templates::{DuplicateTemplate, DuplicatedTemplate, TemplateEntityType};

use super::bots;
use crate::app::App;
use crate::call::Call;
use crate::config::DEMO_BOT_ID;
use crate::fail::Fail;

pub(crate) async fn duplicate(
    app: App,
    call: Call<DuplicateTemplate>,
) -> Result<Data<DuplicatedTemplate>, Fail> {
    let (id, body) = (call.row.template_id, call.row.body);
    let space = call.user.space("workspace_id", &body.workspace_id)?;
    let name = body.name.filter(|name| !name.trim().is_empty());
    bots::check_name(name.as_deref())?;
    let configured = app.configured();
    let mut templates = configured.library.templates.iter();
    let bot = match templates.find(|it| it.id == id.as_str()) {
        Some(template) => template.bot.as_str(),
        None if id == DEMO_BOT_ID => DEMO_BOT_ID,
        None => return Err(Fail::not_found("template", id)),
    };
    // The file was checked: each template has its agent.
    let agent = configured.bots.get(bot);
    let agent = agent.ok_or_else(|| Fail::not_found("template", &id))?;
    let mut draft = agent.definition.clone();
    draft.name = name.unwrap_or(draft.name);
    let entity_id = bots::insert(&app, space, call.user.user(), draft).await?;
    Ok(Data {
        data: DuplicatedTemplate {
            entity_id,
            entity_type: TemplateEntityType::Agent,
        },
    })
}
