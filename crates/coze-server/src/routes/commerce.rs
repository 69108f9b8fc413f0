//! What the plan includes, and quotas of end users.

use coze_types::commerce::{
    ActiveMode, ApiKind, Benefit, BenefitCounter, BenefitPlan, BenefitShare, BenefitStatus,
    BenefitStrategy, BenefitType, Benefits, CreateLimitation, Limitation, LimitationList,
    LimitationStatus, LimitedEntity, ListLimitations, RetrieveBenefits, SavedLimitation,
    TriggerUnit, UpdateLimitation, UserLevel,
};
use coze_types::{Data, Id, MaybeData};

use super::organizations::ADMIN;
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{LimitationFilter, Unit, number};
use crate::validate;

/// What quotas can be set for.
const LIMITED: &[BenefitType] = &[
    BenefitType::ResourcePoint,
    BenefitType::SystemVoice,
    BenefitType::ClonedVoice,
];
const PAGE: i64 = 20;
const LONGEST_PAGE: i64 = 200;

pub(crate) async fn benefits(
    app: App,
    call: Call<RetrieveBenefits>,
) -> Result<Data<Benefits>, Fail> {
    let (query, user) = (call.row.query, call.user);
    let wanted = query.benefit_type_list.unwrap_or_default();
    let readable = [BenefitType::ApiRunQps, BenefitType::CallToolLimit];
    for benefit in &wanted {
        validate::known("benefit_type_list", benefit, &readable)?;
    }
    let api = query.resource_id.filter(|it| !it.as_str().is_empty());
    validate::known_opt("resource_id", api.as_ref(), ApiKind::KNOWN)?;
    if wanted.contains(&BenefitType::ApiRunQps) && api.is_none() {
        let why = "api_run_qps needs one of plugin, chat, workflow";
        return Err(Fail::invalid("resource_id", why));
    }
    let (plan, used) = app.usage.of(user.user(), app.now());
    let info = |benefit_type: BenefitType| {
        let (resource_id, counter) = match benefit_type {
            BenefitType::ApiRunQps => (api.clone(), counter(plan.per_second, used)),
            // Plugins cost nothing here.
            _ => (None, counter(None, 0)),
        };
        let share = BenefitShare {
            status: Some(BenefitStatus::Valid),
            item_info: Some(counter),
        };
        Benefit {
            benefit_type: Some(benefit_type),
            resource_id,
            basic: Some(share.clone()),
            effective: Some(share),
            extra: Some(Vec::new()),
        }
    };
    let benefit_info = match wanted.is_empty() {
        true => None,
        false => Some(wanted.into_iter().map(info).collect()),
    };
    let id = user.user();
    let of_enterprise = match &user.limits().enterprise {
        Some(_) => true,
        None => {
            let read = app
                .db
                .read(move |unit| Ok::<_, Fail>(unit.enterprises_of(id)?));
            !read.await?.is_empty()
        }
    };
    let level = match (of_enterprise, plan.is_unlimited()) {
        (true, _) => UserLevel::Enterprise,
        (false, true) => UserLevel::Personal,
        (false, false) => UserLevel::Free,
    };
    Ok(Data {
        data: Benefits {
            basic_info: Some(BenefitPlan {
                user_level: Some(level),
            }),
            benefit_info,
        },
    })
}

fn counter(limit: Option<u32>, used: u32) -> BenefitCounter {
    let (strategy, used, total) = match limit {
        Some(limit) => (BenefitStrategy::ByQuota, f64::from(used), f64::from(limit)),
        None => (BenefitStrategy::Unlimited, 0.0, 1.0),
    };
    BenefitCounter {
        strategy: Some(strategy),
        used: Some(used),
        total: Some(total),
        ..BenefitCounter::default()
    }
}

/// The enterprise that the caller administrates: requests name none.
pub(super) fn enterprise(unit: &dyn Unit, caller: &Caller) -> Result<String, Fail> {
    if let Some(id) = &caller.limits().enterprise
        && unit.enterprise(id)?.is_some()
    {
        return Ok(id.clone());
    }
    let all = unit.enterprises_of(caller.user())?;
    let managed = all.into_iter().filter(|(_, role)| role == ADMIN);
    let managed: Vec<String> = managed.map(|(id, _)| id).collect();
    match managed.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let why = "the token's user is no administrator of an enterprise";
            Err(Fail::new(4101, why))
        }
        several => {
            let why = format!(
                "the token's user administrates several enterprises ({}): take a token that is for \
                 one of them, which POST /api/permission/oauth2/enterprise_id/ID/token gives",
                several.join(", ")
            );
            Err(Fail::new(4101, why))
        }
    }
}

/// Whom a quota is for: the id of the device or the consumer, or nothing for all of them.
fn entity(kind: &LimitedEntity, id: Option<Id>) -> Result<String, Fail> {
    validate::required("entity_type", kind.as_str())?;
    validate::known("entity_type", kind, LimitedEntity::KNOWN)?;
    match kind {
        LimitedEntity::Device | LimitedEntity::Consumer => {
            let id = id.unwrap_or_default();
            validate::required("entity_id", &id)?;
            Ok(id.as_str().to_owned())
        }
        // Nothing has to be given, and what is given means nothing.
        _ => Ok(String::new()),
    }
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateLimitation>,
) -> Result<MaybeData<SavedLimitation>, Fail> {
    let (body, user) = (call.row.body, call.user);
    let entity_id = entity(&body.entity_type, body.entity_id)?;
    let given = body.benefit_info;
    validate::known("benefit_info.benefit_type", &given.benefit_type, LIMITED)?;
    let trigger_unit = given.trigger_unit.unwrap_or_default();
    let limitation = Limitation {
        benefit_id: Some(app.ids.next_id()),
        status: Some(given.status.unwrap_or_default()),
        // Without a meaning for what is counted once for all.
        trigger_time: match trigger_unit {
            TriggerUnit::Never => Some(1),
            _ => Some(given.trigger_time.unwrap_or(1)),
        },
        trigger_unit: Some(trigger_unit),
        entity_type: Some(body.entity_type),
        entity_id: (!entity_id.is_empty()).then(|| entity_id.clone().into()),
        ..given
    };
    check("benefit_info.", &limitation)?;
    app.db
        .write(move |unit| {
            let enterprise = enterprise(unit, &user)?;
            only_one(unit, &enterprise, &limitation)?;
            unit.put_limitation(&enterprise, &limitation)?;
            Ok::<_, Fail>(saved(limitation))
        })
        .await
}

fn saved(limitation: Limitation) -> MaybeData<SavedLimitation> {
    MaybeData {
        data: SavedLimitation {
            benefit_info: Some(limitation),
        },
    }
}

/// What holds for every quota; `prefix` stands in front of the names of its fields.
fn check(prefix: &str, it: &Limitation) -> Result<(), Fail> {
    let field = |name: &str| format!("{prefix}{name}");
    validate::known(&field("active_mode"), &it.active_mode, ActiveMode::KNOWN)?;
    let status = it.status.as_ref();
    validate::known_opt(&field("status"), status, LimitationStatus::KNOWN)?;
    let unit = it.trigger_unit.as_ref();
    validate::known_opt(&field("trigger_unit"), unit, TriggerUnit::KNOWN)?;
    let positive = |name: &str, value: i64| match value {
        1.. => Ok(()),
        _ => Err(Fail::invalid(
            field(name),
            format!("{value} is less than 1"),
        )),
    };
    positive("limit", it.limit)?;
    positive("trigger_time", it.trigger_time.unwrap_or(1))?;
    if it.started_at.0 < 0 {
        return Err(Fail::invalid(field("started_at"), "it is less than 0"));
    }
    if it.ended_at <= it.started_at {
        let why = "it is required, and has to be later than started_at";
        return Err(Fail::invalid(field("ended_at"), why));
    }
    Ok(())
}

/// For all devices, and for all consumers, there is one quota once for all and one by time at most.
fn only_one(unit: &dyn Unit, enterprise: &str, new: &Limitation) -> Result<(), Fail> {
    let kind = new.entity_type.clone().unwrap_or_default();
    if !matches!(
        kind,
        LimitedEntity::AllDevices | LimitedEntity::AllConsumers
    ) {
        return Ok(());
    }
    let filter = LimitationFilter {
        enterprise: enterprise.to_owned(),
        entity: kind.clone(),
        entity_id: String::new(),
        benefit: new.benefit_type.clone(),
        status: None,
        after: 0,
        limit: 3,
    };
    let once = |it: &Limitation| it.trigger_unit == Some(TriggerUnit::Never);
    let others = unit.limitations(&filter)?;
    let same = others
        .iter()
        .find(|it| it.benefit_id != new.benefit_id && once(it) == once(new));
    match same {
        None => Ok(()),
        Some(there) => {
            let id = there.benefit_id.clone().unwrap_or_default();
            let how = if once(new) {
                "counted once for all"
            } else {
                "by a span of time"
            };
            let why = format!("{kind} has the quota {id} {how} already: change that one");
            Err(Fail::invalid("entity_type", why))
        }
    }
}

pub(crate) async fn list(
    app: App,
    call: Call<ListLimitations>,
) -> Result<Data<LimitationList>, Fail> {
    let (query, user) = (call.row.query, call.user);
    let entity_id = entity(&query.entity_type, query.entity_id)?;
    validate::known("benefit_type", &query.benefit_type, LIMITED)?;
    let status = query.status.filter(|it| !it.as_str().is_empty());
    validate::known_opt("status", status.as_ref(), LimitationStatus::KNOWN)?;
    let size = validate::size("page_size", query.page_size, PAGE, LONGEST_PAGE)?;
    let after = validate::id_token("page_token", query.page_token.as_deref())?;
    app.db
        .read(move |unit| {
            let filter = LimitationFilter {
                enterprise: enterprise(unit, &user)?,
                entity: query.entity_type,
                entity_id,
                benefit: query.benefit_type,
                status: Some(status.unwrap_or_default()),
                after,
                limit: size + 1,
            };
            let (benefit_infos, has_more) = validate::cut(unit.limitations(&filter)?, size);
            let last = benefit_infos.last().and_then(|it| it.benefit_id.clone());
            let page_token = last.filter(|_| has_more);
            Ok::<_, Fail>(Data {
                data: LimitationList {
                    benefit_infos,
                    has_more,
                    page_token: page_token.map(|id| id.as_str().to_owned()),
                },
            })
        })
        .await
}

pub(crate) async fn update(
    app: App,
    call: Call<UpdateLimitation>,
) -> Result<MaybeData<SavedLimitation>, Fail> {
    let (id, body, user) = (call.row.benefit_id, call.row.body, call.user);
    app.db
        .write(move |unit| {
            let enterprise = enterprise(unit, &user)?;
            let found = unit.limitation(number(&id))?;
            let (owner, before) = found.ok_or_else(|| Fail::not_found("quota", &id))?;
            if owner != enterprise {
                let why = format!("the quota {id} is that of another enterprise");
                return Err(Fail::new(4101, why));
            }
            let trigger_unit = body.trigger_unit.or(before.trigger_unit);
            let after = Limitation {
                active_mode: body.active_mode.unwrap_or(before.active_mode),
                started_at: body.started_at.unwrap_or(before.started_at),
                ended_at: body.ended_at.unwrap_or(before.ended_at),
                limit: body.limit.unwrap_or(before.limit),
                status: body.status.or(before.status),
                trigger_time: match trigger_unit {
                    Some(TriggerUnit::Never) => Some(1),
                    _ => body.trigger_time.or(before.trigger_time),
                },
                trigger_unit,
                ..before
            };
            check("", &after)?;
            only_one(unit, &enterprise, &after)?;
            unit.put_limitation(&enterprise, &after)?;
            Ok(saved(after))
        })
        .await
}
