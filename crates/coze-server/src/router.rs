//! Every route, in one list.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, post};
use coze_types::Endpoint;

use crate::app::App;
use crate::billing;
use crate::call::{Call, endpoint, finish, media, streaming, upload};
use crate::config::Dialect;
use crate::fail::Fail;
use crate::ids::log_id;
use crate::oauth;
use crate::routes::{
    audio, bots, chat, collaboration, conversations, datasets, documents, files, messages,
    organizations, plugins, runs, tokens, users, voiceprints, workflows, workspaces,
};

/// The routes; the method and the path of each come from its row.
pub(crate) fn router(app: App) -> Router {
    use coze_types::chat::{
        CancelChat, ListChatMessages, RetrieveChat, StartChat, SubmitToolOutputs,
    };
    use coze_types::workflows as w;
    use coze_types::{
        bots as b, conversations as c, datasets as d, documents as k, files as f, messages as m,
        runs as h, users as u,
    };

    let mut routes = Routes(Router::new());
    routes.add::<StartChat>(streaming(chat::start));
    // GET in the documentation; the Python and Node SDKs send POST, with the ids in the query.
    routes.add::<RetrieveChat>(by_post_too(chat::retrieve));
    routes.add::<ListChatMessages>(endpoint(chat::messages));
    routes.add::<CancelChat>(endpoint(chat::cancel));
    routes.add::<SubmitToolOutputs>(streaming(chat::submit));

    routes.add::<c::CreateConversation>(endpoint(conversations::create));
    routes.add::<c::RetrieveConversation>(endpoint(conversations::retrieve));
    routes.add::<c::ListConversations>(endpoint(conversations::list));
    routes.add::<c::UpdateConversation>(endpoint(conversations::update));
    routes.add::<c::DeleteConversation>(endpoint(conversations::delete));
    routes.add::<c::ClearConversation>(endpoint(conversations::clear));

    routes.add::<m::CreateMessage>(endpoint(messages::create));
    routes.add::<m::ListMessages>(endpoint(messages::list));
    // The same, by the Java SDK.
    routes.add::<m::RetrieveMessage>(by_post_too(messages::retrieve));
    routes.add::<m::ModifyMessage>(endpoint(messages::modify));
    routes.add::<m::DeleteMessage>(endpoint(messages::delete));
    routes.add::<m::CreateFeedback>(endpoint(messages::create_feedback));
    routes.add::<m::DeleteFeedback>(endpoint(messages::delete_feedback));

    routes.add::<w::RunWorkflow>(endpoint(workflows::run));
    routes.add::<w::ResumeWorkflow>(endpoint(workflows::resume));
    routes.add::<w::StreamRunWorkflow>(streaming(workflows::stream_run));
    routes.add::<w::StreamResumeWorkflow>(streaming(workflows::stream_resume));
    routes.add::<w::ChatWorkflow>(streaming(workflows::chat));
    routes.add::<w::ListWorkflows>(endpoint(workflows::list));
    routes.add::<w::RetrieveWorkflow>(endpoint(workflows::retrieve));
    routes.add::<w::ListWorkflowVersions>(endpoint(workflows::versions));
    routes.add::<w::CreateWorkflowConversation>(endpoint(workflows::conversation));
    routes.add::<h::RetrieveRunHistory>(endpoint(runs::history));
    routes.add::<h::RetrieveNodeHistory>(endpoint(runs::node_history));
    routes.add::<h::RetrieveStudioRunHistory>(endpoint(runs::studio_history));

    routes.add::<f::UploadFile>(post(files::upload).layer(DefaultBodyLimit::disable()));
    routes.add::<f::RetrieveFile>(endpoint(files::retrieve));
    routes.add::<d::CreateDataset>(endpoint(datasets::create));
    routes.add::<d::ListDatasets>(endpoint(datasets::list));
    routes.add::<d::UpdateDataset>(endpoint(datasets::update));
    routes.add::<d::DeleteDataset>(endpoint(datasets::delete));
    routes.add::<d::RetrieveDocumentProgress>(endpoint(datasets::progress));
    routes.add::<d::ListDatasetImages>(endpoint(datasets::images));
    routes.add::<d::UpdateDatasetImage>(endpoint(datasets::update_image));
    routes.add::<k::CreateDocuments>(endpoint(documents::create));
    routes.add::<k::ListDocuments>(endpoint(documents::list));
    routes.add::<k::ListDocumentsByQuery>(endpoint(documents::list_by_query));
    routes.add::<k::UpdateDocument>(endpoint(documents::update));
    routes.add::<k::DeleteDocuments>(endpoint(documents::delete));

    routes.add::<b::ListBots>(endpoint(bots::list));
    routes.add::<b::RetrieveBot>(endpoint(bots::retrieve));
    routes.add::<b::ListPublishedBots>(endpoint(bots::list_published));
    routes.add::<b::RetrieveOnlineBot>(endpoint(bots::retrieve_online));
    routes.add::<b::CreateBot>(endpoint(bots::create));
    routes.add::<b::UpdateBot>(endpoint(bots::update));
    routes.add::<b::PublishBot>(endpoint(bots::publish));
    routes.add::<b::UnpublishBot>(endpoint(bots::unpublish));
    routes.add::<b::ListBotVersions>(endpoint(bots::versions));
    routes.add::<b::SetBotCollaborationMode>(endpoint(collaboration::bot_mode));
    routes.add::<b::AddBotCollaborator>(endpoint(collaboration::add_to_bot));
    routes.add::<b::RemoveBotCollaborator>(endpoint(collaboration::remove_from_bot));
    routes.add::<w::SetWorkflowCollaborationMode>(endpoint(collaboration::workflow_mode));
    routes.add::<w::AddWorkflowCollaborator>(endpoint(collaboration::add_to_workflow));
    routes.add::<w::RemoveWorkflowCollaborator>(endpoint(collaboration::remove_from_workflow));
    routes.add::<u::RetrieveMe>(endpoint(users::me));

    add_people(&mut routes);
    add_library(&mut routes);
    add_audio(&mut routes);
    add_plugins(&mut routes);
    add_channels(&mut routes);
    add_commerce(&mut routes);

    if app.dialect == Dialect::Skill {
        routes.add::<workflows::SkillRun>(endpoint(workflows::run_skill));
    }
    crate::not_served::add(routes.0)
        .route(audio::SOUND, get(audio::listen))
        .route(billing::FILE, get(billing::download))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

fn add_plugins(routes: &mut Routes) {
    use coze_types::plugins as p;

    routes.add::<p::ListStorePlugins>(endpoint(plugins::store));
    routes.add::<p::ListStoreCategories>(endpoint(plugins::categories));
    routes.add::<p::RetrievePlugins>(endpoint(plugins::many));
    routes.add::<p::RetrievePlugin>(endpoint(plugins::retrieve));
    routes.add::<p::CallPluginTool>(endpoint(plugins::call_tool));
}

/// Channels that agents are published to, and apps that hear of what happens.
fn add_channels(routes: &mut Routes) {
    use crate::routes::{api_apps, connectors};
    use coze_types::{api_apps as a, connectors as c};

    routes.add::<c::InstallConnector>(endpoint(connectors::install));
    routes.add::<c::BindConnectorConfigs>(endpoint(connectors::bind));
    routes.add::<c::ReviewConnectorBot>(endpoint(connectors::review));
    routes.add::<a::CreateApiApp>(endpoint(api_apps::create));
    routes.add::<a::ListApiApps>(endpoint(api_apps::list));
    routes.add::<a::UpdateApiApp>(endpoint(api_apps::update));
    routes.add::<a::DeleteApiApp>(endpoint(api_apps::delete));
    routes.add::<a::SubscribeApiAppEvents>(endpoint(api_apps::subscribe));
    routes.add::<a::ListApiAppEvents>(endpoint(api_apps::subscriptions));
    routes.add::<a::UnsubscribeApiAppEvents>(endpoint(api_apps::unsubscribe));
}

/// What the plan includes, quotas of end users, and bills.
fn add_commerce(routes: &mut Routes) {
    use crate::routes::{bills, commerce};
    use coze_types::commerce as c;

    routes.add::<c::RetrieveBenefits>(endpoint(commerce::benefits));
    routes.add::<c::CreateLimitation>(endpoint(commerce::create));
    routes.add::<c::ListLimitations>(endpoint(commerce::list));
    routes.add::<c::UpdateLimitation>(endpoint(commerce::update));
    routes.add::<c::CreateBillTask>(endpoint(bills::create));
    routes.add::<c::ListBillTasks>(endpoint(bills::list));
}

/// Tokens, workspaces, enterprises and who belongs to them.
fn add_people(routes: &mut Routes) {
    use coze_types::{auth as a, enterprises as e, organizations as o, workspaces as s};

    routes.add::<a::CreatePat>(endpoint(tokens::create));
    routes.add::<a::ListPats>(endpoint(tokens::list));
    routes.add::<a::RetrievePat>(endpoint(tokens::retrieve));
    routes.add::<a::UpdatePat>(endpoint(tokens::update));
    routes.add::<a::DeletePat>(endpoint(tokens::delete));
    routes.add::<a::ImpersonateUser>(endpoint(tokens::impersonate));

    routes.add::<a::Authorize>(get(oauth::authorize));
    routes.add::<a::AuthorizeWorkspace>(get(oauth::authorize_workspace));
    routes.add::<a::CreateToken>(post(oauth::own_token));
    routes.add::<a::CreateAccountToken>(post(oauth::account_token));
    routes.add::<a::CreateEnterpriseToken>(post(oauth::enterprise_token));
    routes.add::<a::CreateDeviceCode>(post(oauth::begin));
    routes.add::<a::CreateWorkspaceDeviceCode>(post(oauth::begin_workspace));
    routes.page(oauth::CONSENT, get(oauth::consent).post(oauth::decide));
    routes.page(oauth::DEVICE, get(oauth::show).post(oauth::enter));

    routes.add::<s::ListWorkspaces>(endpoint(workspaces::list));
    routes.add::<s::CreateWorkspace>(endpoint(workspaces::create));
    routes.add::<s::UpdateWorkspace>(endpoint(workspaces::update));
    routes.add::<s::ListWorkspaceMembers>(endpoint(workspaces::members));
    routes.add::<s::AddWorkspaceMembers>(endpoint(workspaces::add));
    routes.add::<s::RemoveWorkspaceMembers>(endpoint(workspaces::remove));

    routes.add::<e::AddEnterpriseMembers>(endpoint(organizations::add_to_enterprise));
    routes.add::<e::UpdateEnterpriseMember>(endpoint(organizations::update_enterprise_member));
    routes.add::<e::RemoveEnterpriseMember>(endpoint(organizations::remove_from_enterprise));
    routes.add::<e::CreateOrganization>(endpoint(organizations::create));
    routes.add::<e::ListOrganizations>(endpoint(organizations::list));
    routes.add::<o::UpdateOrganization>(endpoint(organizations::update));
    routes.add::<o::ListOrganizationMembers>(endpoint(organizations::members));
    routes.add::<o::AddOrganizationMembers>(endpoint(organizations::add));
    routes.add::<o::UpdateOrganizationMember>(endpoint(organizations::update_member));
    routes.add::<o::RemoveOrganizationMember>(endpoint(organizations::remove));
}

fn add_audio(routes: &mut Routes) {
    use coze_types::{audio as a, voiceprints as v};

    routes.add::<a::ListVoices>(endpoint(audio::voices));
    routes.add::<a::CloneVoice>(upload(audio::LIMIT, audio::clone));
    routes.add::<a::CreateSpeech>(media(audio::speech));
    routes.add::<a::CreateTranscription>(upload(audio::LIMIT, audio::transcribe));
    routes.add::<v::CreateVoiceprintGroup>(endpoint(voiceprints::create_group));
    routes.add::<v::ListVoiceprintGroups>(endpoint(voiceprints::list_groups));
    routes.add::<v::UpdateVoiceprintGroup>(endpoint(voiceprints::update_group));
    routes.add::<v::DeleteVoiceprintGroup>(endpoint(voiceprints::delete_group));
    routes.add::<v::IdentifySpeaker>(upload(voiceprints::LIMIT, voiceprints::identify));
    routes.add::<v::CreateVoiceprint>(upload(voiceprints::LIMIT, voiceprints::create));
    routes.add::<v::ListVoiceprints>(endpoint(voiceprints::list));
    routes.add::<v::UpdateVoiceprint>(upload(voiceprints::LIMIT, voiceprints::update));
    routes.add::<v::DeleteVoiceprint>(endpoint(voiceprints::delete));
}

/// Variables, apps, folders, templates and copies.
fn add_library(routes: &mut Routes) {
    use crate::routes::{apps, entities, folders, templates, variables};
    use coze_types::{apps as p, entities as e, folders as f, templates as t, variables as v};

    routes.add::<v::RetrieveVariables>(endpoint(variables::retrieve));
    routes.add::<v::UpdateVariables>(endpoint(variables::update));
    routes.add::<p::ListApps>(endpoint(apps::list));
    routes.add::<p::RetrieveApp>(endpoint(apps::retrieve));
    routes.add::<p::AddAppCollaborator>(endpoint(collaboration::add_to_app));
    routes.add::<p::RemoveAppCollaborator>(endpoint(collaboration::remove_from_app));
    routes.add::<f::ListFolders>(endpoint(folders::list));
    routes.add::<f::RetrieveFolder>(endpoint(folders::retrieve));
    routes.add::<t::DuplicateTemplate>(endpoint(templates::duplicate));
    routes.add::<e::CopyEntity>(endpoint(entities::copy));
    routes.add::<e::RetrieveCopyTask>(endpoint(entities::retrieve));
}

struct Routes(Router<App>);

impl Routes {
    /// A page that no row describes.
    fn page(&mut self, path: &str, handler: MethodRouter<App>) {
        self.0 = std::mem::take(&mut self.0).route(path, handler);
    }

    fn add<E: Endpoint>(&mut self, handler: MethodRouter<App>) {
        self.0 = std::mem::take(&mut self.0).route(E::INFO.path, handler);
    }
}

/// A call that is also taken by POST.
fn by_post_too<E, R>(handler: fn(App, Call<E>) -> R) -> MethodRouter<App>
where
    E: Endpoint,
    R: Future<Output = Result<E::Reply, Fail>> + Send + 'static,
{
    endpoint(handler).merge(crate::call::endpoint_on(MethodFilter::POST, handler))
}

async fn unknown_path(State(app): State<App>, uri: http::Uri) -> Response {
    let msg = format!(
        "this server has no endpoint {}; `cozectl api --list` shows those it has",
        uri.path()
    );
    let fail = Fail::new(404, msg).with_http(404);
    finish(&app, &log_id(app.ids.next()), "unknown", Err(fail))
}

async fn wrong_method(State(app): State<App>, method: http::Method, uri: http::Uri) -> Response {
    let msg = format!("the endpoint {} does not take {method}", uri.path());
    let fail = Fail::new(4000, msg).with_http(405);
    finish(&app, &log_id(app.ids.next()), "unknown", Err(fail))
}
