//! Exports of what end users have used.

use coze_types::commerce::{
    BillTask, BillTaskList, CreateBillTask, CreateBillTaskBody, ListBillTasks,
};
use coze_types::{Data, Timestamp};

use super::commerce::enterprise;
use crate::app::App;
use crate::billing;
use crate::call::Call;
use crate::fail::Fail;
use crate::store::{BillTaskFilter, BillTaskRecord, number};
use crate::validate;

const DAY: i64 = 86_400;
/// Days are those of China, as on the service.
const ZONE: i64 = 8 * 3600;
/// How long files are kept, and how far back a list goes that names no exports.
const KEPT: i64 = 7 * DAY;
/// 2025-03-13 00:00:00 there: nothing before it can be exported.
const FIRST: i64 = 1_741_795_200;
const IDS: usize = 100;

pub(crate) async fn create(app: App, call: Call<CreateBillTask>) -> Result<Data<BillTask>, Fail> {
    let (body, user, now) = (call.row.body, call.user, app.now());
    let (started_at, ended_at) = span(&body, now)?;
    let task = BillTaskRecord {
        id: app.ids.next(),
        status: "init".to_owned(),
        started_at,
        ended_at,
        created_at: now,
        expires_at: now.saturating_add(KEPT),
        key: crate::ids::secret()?,
        ..BillTaskRecord::default()
    };
    let written = app.db.write(move |unit| {
        let task = BillTaskRecord {
            enterprise: enterprise(unit, &user)?,
            ..task
        };
        unit.put_bill_task(&task)?;
        Ok::<_, Fail>(task)
    });
    let task = written.await?;
    billing::sweep(&app).await?;
    billing::spawn(&app, task.clone());
    Ok(Data {
        data: wire(&app, &task),
    })
}

/// Whole days, none of which is today or later.
fn span(body: &CreateBillTaskBody, now: i64) -> Result<(i64, i64), Fail> {
    let day = |time: i64| (time.saturating_add(ZONE)).div_euclid(DAY);
    let start_of = |day: i64| day.saturating_mul(DAY).saturating_sub(ZONE);
    let today = day(now);
    let check = |field: &str, at: i64| match day(at) {
        it if it >= today => Err(Fail::invalid(
            field,
            "bills of today and later days cannot be exported yet (days begin at 00:00 UTC+8)",
        )),
        it if start_of(it) < FIRST => Err(Fail::invalid(
            field,
            "it is before 2025-03-13, and there are no bills of that time",
        )),
        it => Ok(it),
    };
    // One of them alone means its day.
    let (first, last) = match (body.started_at, body.ended_at) {
        (Some(first), last) => (first.0, last.unwrap_or(first).0),
        (None, Some(last)) => (last.0, last.0),
        (None, None) => {
            let why = "it is required: the day that is meant without it is today, whose bills \
                       cannot be exported yet";
            return Err(Fail::invalid("started_at", why));
        }
    };
    let (first, last) = (check("started_at", first)?, check("ended_at", last)?);
    if last < first {
        return Err(Fail::invalid("ended_at", "it is before started_at"));
    }
    Ok((start_of(first), start_of(last + 1) - 1))
}

fn wire(app: &App, it: &BillTaskRecord) -> BillTask {
    BillTask {
        task_id: Some(it.id.into()),
        status: Some(it.status.as_str().into()),
        started_at: Some(Timestamp(it.started_at)),
        ended_at: Some(Timestamp(it.ended_at)),
        created_at: Some(Timestamp(it.created_at)),
        expires_at: Some(Timestamp(it.expires_at)),
        file_urls: match it.expires_at > app.now() {
            true => billing::addresses(app, it),
            false => Vec::new(),
        },
    }
}

pub(crate) async fn list(app: App, call: Call<ListBillTasks>) -> Result<Data<BillTaskList>, Fail> {
    let (query, user) = (call.row.query, call.user);
    let ids = query.task_ids.unwrap_or_default();
    if ids.len() > IDS {
        let why = format!("there are {}; at most {IDS} are allowed", ids.len());
        return Err(Fail::invalid("task_ids", why));
    }
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 200)?;
    let (since, among) = match ids.is_empty() {
        true => (app.now() - KEPT, None),
        false => (0, Some(ids.iter().map(|id| number(id)).collect())),
    };
    let read = app.db.read(move |unit| {
        let filter = BillTaskFilter {
            enterprise: enterprise(unit, &user)?,
            among,
            since,
            page,
            size,
        };
        Ok::<_, Fail>(unit.bill_tasks(&filter)?)
    });
    let (found, total) = read.await?;
    Ok(Data {
        data: BillTaskList {
            task_infos: found.iter().map(|it| wire(&app, it)).collect(),
            total,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_days_before_today() {
        // 2025-03-27 00:00:00 UTC+8, the example of the reference.
        const DAY_27: i64 = 1_743_004_800;
        fn check(from: Option<i64>, to: Option<i64>, expected: Result<(i64, i64), &str>) {
            let body = CreateBillTaskBody {
                started_at: from.map(Timestamp),
                ended_at: to.map(Timestamp),
            };
            let found = span(&body, DAY_27 + 3 * DAY + 5);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(fail), Err(field)) => assert!(fail.msg.contains(field), "{}", fail.msg),
                (found, _) => panic!("{from:?} {to:?}: {found:?}"),
            }
        }
        let whole = (DAY_27, DAY_27 + DAY - 1);
        check(Some(DAY_27), Some(DAY_27 + DAY - 1), Ok(whole));
        check(Some(DAY_27 + 5), None, Ok(whole));
        check(None, Some(DAY_27 + 5), Ok(whole));
        let two = (DAY_27, DAY_27 + 2 * DAY - 1);
        check(Some(DAY_27), Some(DAY_27 + DAY), Ok(two));
        check(
            Some(DAY_27 + 3 * DAY),
            None,
            Err("started_at: bills of today"),
        );
        check(
            Some(DAY_27),
            Some(DAY_27 + 3 * DAY),
            Err("ended_at: bills of today"),
        );
        check(
            Some(DAY_27),
            Some(DAY_27 - 1),
            Err("ended_at: it is before"),
        );
        check(Some(FIRST - 1), None, Err("started_at: it is before 2025"));
        check(Some(FIRST), None, Ok((FIRST, FIRST + DAY - 1)));
        check(None, None, Err("started_at: it is required"));
        check(Some(i64::MAX), None, Err("started_at"));
        check(Some(i64::MIN), None, Err("started_at"));
    }
}
