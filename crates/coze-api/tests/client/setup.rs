//! Setting a client up, and what every request carries.

use coze_api::{Coze, Error};

use crate::server::{Server, json};

fn refusal(builder: coze_api::CozeBuilder) -> String {
    match builder.build() {
        Err(Error::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_work_is_refused_at_once() {
    let with_url = |url: &str| Coze::builder().token("pat_secret").base_url(url);
    assert!(refusal(Coze::builder()).contains("COZE_API_TOKEN"));
    assert!(refusal(Coze::builder().token(" \n")).contains("no access token"));
    for token in ["pat secret", "pat_\nsecret", "pat_秘密"] {
        let text = refusal(Coze::builder().token(token));
        assert!(text.contains("at byte"), "{text}");
        assert!(!text.contains("secret") && !text.contains('秘'), "{text}");
    }
    assert!(refusal(with_url("api.coze.cn")).contains("api.coze.cn"));
    assert!(refusal(with_url("ftp://api.coze.cn")).contains("http"));
    assert!(refusal(with_url("http://x/?a=1")).contains('?'));
    let text = refusal(with_url("http://me:hunter2@x/"));
    assert!(!text.contains("hunter2"), "{text}");
    let agent = Coze::builder().token("pat_secret").user_agent("a\nb");
    assert!(refusal(agent).contains("user agent"));
}

#[test]
fn regions_have_their_addresses() {
    let base = |builder: coze_api::CozeBuilder| {
        let coze = builder.token("pat_secret").build().unwrap();
        coze.base_url().to_owned()
    };
    assert_eq!(base(Coze::builder()), "https://api.coze.cn");
    let com = Coze::builder().region(coze_api::Region::Com);
    assert_eq!(base(com), "https://api.coze.com");
}

#[tokio::test]
async fn the_base_url_may_have_a_path() {
    for slash in ["", "/"] {
        let server = Server::always(json(r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#)).await;
        let coze = Coze::builder()
            .token("pat_secret")
            .base_url(format!("{}/proxy/coze{slash}", server.url()))
            .build()
            .unwrap();
        assert_eq!(coze.me().await.unwrap().user_id, "9");
        assert_eq!(server.requests()[0].line, "GET /proxy/coze/v1/users/me");
    }
}

#[tokio::test]
async fn every_request_says_who_it_is() {
    let server = Server::always(json(r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#)).await;
    let coze = Coze::builder()
        .token(" Bearer pat_secret\n")
        .user_agent("agent/1")
        .base_url(server.url())
        .build()
        .unwrap();
    coze.me().await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer pat_secret"));
    assert_eq!(request.header("user-agent"), Some("agent/1"));
}

#[tokio::test]
async fn the_default_bot_and_user_are_used() {
    let chat =
        r#"{"code":0,"msg":"","data":{"id":"2","conversation_id":"1","status":"in_progress"}}"#;
    let server = Server::always(json(chat)).await;
    let coze = Coze::builder()
        .token("pat_secret")
        .default_bot("333")
        .default_user("me")
        .base_url(server.url())
        .build()
        .unwrap();
    let begun = coze.default_chat().unwrap().message("你好").start().await;
    assert_eq!(begun.unwrap().id, "2");
    let body = server.requests()[0].json();
    assert_eq!(
        (&body["bot_id"], &body["user_id"]),
        (&"333".into(), &"me".into())
    );

    let bare = Coze::builder().token("pat_secret").base_url(server.url());
    let bare = bare.build().unwrap();
    let no_bot = bare.default_chat().unwrap_err().to_string();
    assert!(no_bot.contains("COZE_BOT_ID"), "{no_bot}");
    let no_user = bare.chat("333").message("x").start().await.unwrap_err();
    assert!(no_user.to_string().contains("user"), "{no_user}");
    assert_eq!(server.requests().len(), 1, "a bad request was sent");
}

#[tokio::test]
async fn the_token_is_never_shown() {
    // A server that repeats what it was sent.
    let echo = r#"{"code":4100,"msg":"token pat_secret is not valid","data":"Bearer pat_secret"}"#;
    let server = Server::always(json(echo)).await;
    let builder = Coze::builder().token("pat_secret").base_url(server.url());
    let mut shown = format!("{builder:?}");
    let coze = builder.build().unwrap();
    shown += &format!("{coze:?} {:?}", coze.chat("1"));
    let error = coze.me().await.unwrap_err();
    shown += &format!("{error} {error:?}");
    let Error::Api(api) = &error else {
        panic!("{error:?}")
    };
    shown += &api.body.text();
    assert!(api.msg.contains("is not valid"), "{}", api.msg);
    let raw = coze.send_raw(coze_api::Method::GET, "/x", &[], None).await;
    shown += &format!("{:?}", raw.unwrap().into_result().unwrap_err());
    assert!(!shown.contains("pat_secret"), "{shown}");
}

#[test]
fn everything_can_move_between_threads() {
    fn check<T: Send + Sync>() {}
    fn movable<T: Send>(_: T) {}
    check::<Coze>();
    check::<Error>();
    check::<coze_api::Reply>();
    movable(|coze: Coze| async move {
        fn send<T: Send>(future: T) -> T {
            future
        }
        let stream = send(coze.chat("1").message("x").stream()).await;
        send(stream.unwrap().collect()).await
    });
    let coze = Coze::builder().token("pat_secret").base_url("http://x");
    let coze = coze.build().unwrap();
    movable(coze.chat("1").poll());
    movable(coze.workflow("1").run());
    movable(coze.send(coze_api::types::users::RetrieveMe::default()));
}

#[tokio::test]
async fn futures_are_small() {
    let coze = Coze::builder().token("pat_secret").build().unwrap();
    let sizes = [
        (
            "send",
            size_of_val(&coze.send(coze_api::types::users::RetrieveMe::default())),
        ),
        ("reply", size_of_val(&coze.chat("1").reply())),
        ("poll", size_of_val(&coze.chat("1").poll())),
        ("run", size_of_val(&coze.workflow("1").run())),
    ];
    for (name, size) in sizes {
        assert!(size <= 12_000, "{name}: {size} bytes; {sizes:?}");
    }
}
