//! Lists, page after page, in every style.

use coze_api::types::Paged;
use coze_api::types::api_apps::ListApiApps;
use coze_api::types::bots::ListBots;
use coze_api::types::messages::ListMessages;
use coze_api::types::workflows::{ListWorkflows, ListWorkflowsQuery};
use coze_api::{Error, Result};

use crate::server::{Request, Server, Step, answer, json, soon};
use crate::shown::{failure, watch};

fn items(ids: std::ops::Range<u32>) -> String {
    let items: Vec<_> = ids.map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    items.join(",")
}

fn data(items: &str, rest: &str) -> Vec<Step> {
    json(&format!(
        r#"{{"code":0,"msg":"","data":{{"items":[{items}]{rest}}}}}"#
    ))
}

/// Everything that a list gives, one by one, and the total it told.
async fn all<R: Paged>(
    server: &Server,
    row: R,
    id: impl Fn(&R::Item) -> &str,
) -> (Vec<u32>, Option<u64>) {
    watch();
    let mut pages = server.coze().pages(row);
    let mut ids = Vec::new();
    while let Some(item) = soon(pages.next()).await {
        ids.push(id(&item.unwrap()).parse().unwrap());
    }
    assert!(soon(pages.next()).await.is_none());
    (ids, pages.total())
}

fn lines(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|it| it.line).collect()
}

/// Three bots a page, seven in all.
fn bots(request: &Request) -> Vec<Step> {
    let total = r#","total":7"#;
    match request.line.rsplit_once("page_num=").map(|it| it.1) {
        None => data(&items(1..4), total),
        Some(rest) if rest.starts_with('1') => data(&items(1..4), total),
        Some(rest) if rest.starts_with('2') => data(&items(4..7), total),
        Some(rest) if rest.starts_with('3') => data(&items(7..8), total),
        Some(rest) => panic!("{rest}"),
    }
}

fn list_bots() -> ListBots {
    let mut row = ListBots::default();
    row.query.workspace_id = "7".into();
    row.query.page_size = Some(3);
    row
}

#[tokio::test]
async fn numbered_pages_with_a_total() {
    let server = Server::start(bots).await;
    let (ids, total) = all(&server, list_bots(), |it| &it.id).await;
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(total, Some(7));
    assert_eq!(server.requests().len(), 3, "{:?}", lines(&server));
    assert!(lines(&server)[2].contains("page_num=3"));
    // From a page in the middle.
    let mut row = list_bots();
    row.query.page_num = Some(2);
    assert_eq!(all(&server, row, |it| &it.id).await.0, [4, 5, 6, 7]);
}

#[tokio::test]
async fn numbered_pages_that_say_whether_there_is_more() {
    let workflow = |id: u8| format!(r#"{{"workflow_id":"{id}"}}"#);
    let server = Server::start(move |request| {
        if request.line.contains("page_num=1") {
            let two = [workflow(1), workflow(2)].join(",");
            data(&two, r#","has_more":true"#)
        } else {
            data(&workflow(3), r#","has_more":false"#)
        }
    })
    .await;
    let row = ListWorkflows {
        query: ListWorkflowsQuery::default(),
        ..Default::default()
    };
    let mut pages = server.coze().pages(row);
    let mut count = 0;
    while let Some(item) = soon(pages.next()).await {
        item.unwrap();
        count += 1;
    }
    assert_eq!(count, 3);
    assert_eq!(pages.total(), None, "nobody has told");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn pages_by_token() {
    let server = Server::start(|request| {
        if request.line.contains("page_token=t%2F2") {
            data(&items(3..4), r#","has_more":false,"next_page_token":"""#)
        } else {
            data(&items(1..3), r#","has_more":true,"next_page_token":"t/2""#)
        }
    })
    .await;
    let (ids, _) = all(&server, ListApiApps::default(), |it| &it.id).await;
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(server.requests().len(), 2);
}

/// Messages 1 to 5, from wherever the request says, two at a time.
fn messages(request: &Request) -> Vec<Step> {
    let body = request.json();
    let at = |key: &str| -> Option<u32> { body[key].as_str()?.parse().ok() };
    let (ids, more) = match (at("before_id"), at("after_id")) {
        (Some(before), _) => (before.saturating_sub(2).max(1)..before, before > 3),
        (None, after) => {
            let first = after.unwrap_or(0) + 1;
            (first..(first + 2).min(6), first + 2 < 6)
        }
    };
    let (first, last) = (ids.start, ids.end - 1);
    let items = items(ids);
    json(&format!(
        r#"{{"code":0,"msg":"","data":[{items}],"first_id":"{first}","last_id":"{last}","has_more":{more}}}"#
    ))
}

#[tokio::test]
async fn pages_by_cursor_go_forward_and_back() {
    let server = Server::start(messages).await;
    let (ids, _) = all(&server, ListMessages::default(), |it| &it.id).await;
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(server.requests().len(), 3);
    let mut row = ListMessages::default();
    row.body.before_id = Some("5".into());
    let (ids, _) = all(&server, row, |it| &it.id).await;
    assert_eq!(ids, [3, 4, 1, 2]);
}

#[tokio::test]
async fn an_error_in_the_middle_can_be_gone_on_from() {
    watch();
    let failed = std::sync::atomic::AtomicBool::new(false);
    let server = Server::start(move |request| {
        let second = request.line.contains("page_num=2");
        if second && !failed.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return json(r#"{"code":4000,"msg":"not now"}"#);
        }
        bots(request)
    })
    .await;
    let mut pages = server.coze().pages(list_bots());
    let (mut ids, mut errors) = (Vec::new(), 0);
    while let Some(item) = soon(pages.next()).await {
        match item {
            Ok(bot) => ids.push(bot.id.as_str().to_owned()),
            error => {
                assert_eq!(failure(error).code(), Some(4000));
                errors += 1;
            }
        }
    }
    // Nothing twice, nothing left out.
    assert_eq!(ids.join(""), "1234567");
    assert_eq!((errors, server.requests().len()), (1, 4));
}

#[tokio::test]
async fn a_busy_server_is_waited_for_between_pages_too() {
    watch();
    let busy = answer("503 Service Unavailable", "text/html", "<html>");
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if turn.is_multiple_of(2) {
            return busy.clone();
        }
        bots(request)
    })
    .await;
    let bots: Result<Vec<_>, Error> = soon(server.coze().pages(list_bots()).collect()).await;
    assert_eq!(bots.unwrap().len(), 7);
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    watch();
    let server = Server::start(|request| {
        let mut steps = vec![Step::Pause(100)];
        steps.extend(bots(request));
        steps
    })
    .await;
    let mut pages = server.coze().pages(list_bots());
    let mut ids = String::new();
    loop {
        // Most waits are too short for a page.
        let wait = std::time::Duration::from_millis(30);
        match tokio::time::timeout(wait, pages.next()).await {
            Ok(Some(bot)) => ids += bot.unwrap().id.as_str(),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(ids, "1234567");
    assert_eq!(server.requests().len(), 3);
}
