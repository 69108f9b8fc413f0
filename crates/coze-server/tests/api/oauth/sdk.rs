//! The SDK logs in, by every way it knows.

use coze_api::{Coze, OAuthApp};

use super::*;

fn app(api: &Api, client: &str) -> OAuthApp {
    Coze::builder()
        .base_url(api.url())
        .oauth_app(client)
        .unwrap()
}

/// The SDK logs in by each flow, as a program would.
#[tokio::test]
async fn the_sdk_logs_in_with_a_browser() {
    let (api, _) = start("").await;
    let web = app(&api, "web-app").client_secret("keep-this");
    let login = web.authorization(BACK).build().unwrap();
    let allow = [("decision", "allow"), ("user", ALICE)];
    let back = location(&consent(&api, login.url(), &allow).await);
    let tokens = login.complete(&back).await.unwrap();
    let coze = Coze::builder().auth(web.session(tokens)).build().unwrap();
    assert_eq!(coze.me().await.unwrap().user_name, "alice");

    let pkce = app(&api, "pkce-app");
    let login = pkce.authorization(BACK).build().unwrap();
    let back = location(&consent(&api, login.url(), &allow).await);
    // Another one's verifier does not fit.
    let other = pkce.authorization(BACK).build().unwrap();
    assert!(other.exchange(code_of(&back)).await.is_err());
    let tokens = login.complete(&back).await.unwrap();
    let coze = Coze::builder().auth(pkce.session(tokens)).build().unwrap();
    assert_eq!(coze.me().await.unwrap().user_name, "alice");
    // The app has one permission.
    let refusal = coze
        .send(coze_types::workspaces::ListWorkspaces::default())
        .await
        .err()
        .unwrap();
    assert!(refusal.to_string().contains("listWorkspace"), "{refusal}");

    let login = pkce.authorization(BACK).build().unwrap();
    let back = location(&consent(&api, login.url(), &[("decision", "deny")]).await);
    assert!(login.complete(&back).await.is_err());
}

#[tokio::test]
async fn the_sdk_logs_a_device_in() {
    let (api, _) = start("").await;
    let tv = app(&api, "tv");
    let login = tv.device_login().await.unwrap();
    let code = login.user_code().to_string();
    let entered = enter(&api, &code, &[("decision", "allow"), ("user", ALICE)]);
    let (tokens, http) = tokio::join!(within(login.wait()), entered);
    assert_eq!(http, 200);
    let coze = Coze::builder()
        .auth(tv.session(tokens.unwrap()))
        .build()
        .unwrap();
    assert_eq!(coze.me().await.unwrap().user_name, "alice");
}

#[tokio::test]
async fn the_sdk_logs_a_service_in() {
    let (api, key) = start("").await;
    let builder = || Coze::builder().base_url(api.url());
    let service = builder().jwt_app("service", "key-1", key.clone()).unwrap();
    let session = |name: &str| service.session().name(name.to_owned());
    let coze = builder().auth(session("one")).build().unwrap();
    assert_eq!(coze.me().await.unwrap().user_name, "local");
    // Conversations of another session are not there.
    let conversation = coze.conversation().create().await.unwrap();
    let other = builder().auth(session("two")).build().unwrap();
    let query = coze_types::messages::ConversationQuery {
        conversation_id: conversation.id,
    };
    let row = coze_types::conversations::RetrieveConversation {
        query,
        ..Default::default()
    };
    assert!(coze.send(row.clone()).await.is_ok());
    assert!(other.send(row).await.is_err());

    let account = service.session().account(ALICE);
    let coze = builder().auth(account).build().unwrap();
    assert_eq!(coze.me().await.unwrap().user_name, "alice");
    let error = service.session().account("77").mint().await.err().unwrap();
    assert!(error.to_string().contains("access_deny"), "{error}");
    let enterprise = service.session().enterprise("acme_1").mint().await.unwrap();
    let access = enterprise.access_token.expose().to_owned();
    let list = get(&api, &access, "/v1/enterprises/acme_1/organizations").await;
    assert_eq!(list.data()["total_count"], 1);
    assert!(service.session().enterprise("other").mint().await.is_err());

    // A scope leaves what it names.
    let scope = coze_types::auth::Scope::chat_with([DEMO_BOT]);
    let narrow = service.session().scope(scope).ttl(Duration::from_secs(60));
    let narrow = narrow
        .mint()
        .await
        .unwrap()
        .access_token
        .expose()
        .to_owned();
    assert_eq!(get(&api, &narrow, "/v1/workspaces").await.code(), 4101);
    let list = format!("/v1/conversations?bot_id={DEMO_BOT}");
    assert_eq!(get(&api, &narrow, &list).await.code(), 0);

    // Another key of the same name.
    let stranger = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = stranger.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    let stranger = builder().jwt_app("service", "key-1", pem).unwrap();
    let error = stranger.session().mint().await.err().unwrap();
    assert!(error.to_string().contains("signature"), "{error}");
    let other = builder().jwt_app("service", "key-2", key).unwrap();
    let error = other.session().mint().await.err().unwrap();
    assert!(error.to_string().contains("kid"), "{error}");
}
