//! Conversations that an app keeps under names, as the open-source server and the chat SDK make them.

use coze_types::Data;
use coze_types::conversations::Conversation;
use coze_types::workflows::CreateWorkflowConversation;

use crate::app::App;
use crate::call::Call;
use crate::fail::Fail;
use crate::routes::{apps, bots, conversations};
use crate::store::{NamedConversation, number};
use crate::validate;

/// Gives the conversation of that name, or makes one and lets the name stand for it from then on.
pub(crate) async fn create(
    app: App,
    call: Call<CreateWorkflowConversation>,
) -> Result<Data<Conversation>, Fail> {
    let (body, user) = (call.row.body, call.user);
    let app_id = body.app_id.unwrap_or_default();
    let owner = apps::find(&app, &user, &app_id).await?;
    let name = body.conversation_name.unwrap_or_default();
    validate::required("conversation_name", name.trim())?;
    validate::at_most("conversation_name", &name, 100)?;
    validate::meta_data("meta_data", body.meta_data.as_ref())?;
    if let Some(id) = body.workflow_id.filter(|id| !id.is_unset()) {
        let workflow = super::find(&app, &user, &id).await?;
        if workflow.app.as_deref() != Some(app_id.as_str()) {
            let why = format!("the workflow {id} does not belong to the app {app_id}");
            return Err(Fail::invalid("workflow_id", why));
        }
    }
    if let Some(id) = body.space_id.filter(|id| !id.is_unset())
        && number(&id) != owner.space
    {
        let why = format!("the app {app_id} belongs to another workspace");
        return Err(Fail::invalid("space_id", why));
    }
    let bot = body.bot_id.filter(|id| !id.is_unset());
    if let Some(id) = &bot {
        bots::find(&app, &user, id).await?;
    }
    let made = Conversation {
        name: Some(name.clone()),
        meta_data: Some(body.meta_data.unwrap_or_default()),
        ..conversations::new(&app, &user, body.connector_id)
    };
    let place = NamedConversation {
        app: owner.id,
        draft: body.draft_mode.unwrap_or(false),
        connector: made.connector_id.as_deref().unwrap_or_default().to_owned(),
        user: user.user(),
        session: user.session().to_owned(),
        name,
    };
    let (space, wanted) = (owner.space, body.get_or_create.unwrap_or(false));
    app.db
        .write(move |unit| {
            if wanted && let Some(there) = unit.named_conversation(&place)? {
                let id = there.to_string();
                return Ok(Data {
                    data: conversations::find(unit, &user, &id)?,
                });
            }
            unit.insert_conversation(&made, bot.as_deref(), space, user.session())?;
            unit.name_conversation(&place, number(&made.id))?;
            Ok::<_, Fail>(Data { data: made })
        })
        .await
}
