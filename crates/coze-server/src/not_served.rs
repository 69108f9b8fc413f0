//! The rows that this server does not answer: each has a route all the same, which says why.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::on;
use coze_types::endpoint::Info;

use crate::app::App;
use crate::call::{filter, finish};
use crate::fail::Fail;
use crate::ids::log_id;

const LIST: &str = include_str!("../not_served.txt");

/// The rows and their reasons: a line that ends with a colon is the reason of the rows behind it.
pub(crate) fn rows() -> impl Iterator<Item = (&'static Info, &'static str)> {
    let mut reason = "";
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    let named = lines.flat_map(move |line| {
        if let Some(why) = line.strip_suffix(':') {
            reason = why;
            return Vec::new();
        }
        line.split_whitespace().map(|name| (name, reason)).collect()
    });
    named.filter_map(|(name, reason)| {
        let row = coze_types::endpoints().find(|row| row.name == name)?;
        Some((row, reason))
    })
}

/// Adds their routes.
pub(crate) fn add(mut router: Router<App>) -> Router<App> {
    for (row, reason) in rows() {
        let answer = move |State(app): State<App>| async move { refuse(&app, row, reason) };
        router = router.route(row.path, on(filter(row.method), answer));
    }
    router
}

fn refuse(app: &App, row: &'static Info, reason: &str) -> Response {
    let msg = format!(
        "this server does not answer {} {} ({}): {reason}",
        row.method, row.path, row.name
    );
    let fail = Fail::new(4200, msg).with_http(404);
    finish(app, &log_id(app.ids.next()), row.name, Err(fail))
}
