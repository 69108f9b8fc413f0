//! Personal access tokens.
//!
//! On the service these are the calls of its web pages, which bring a session's cookie. Here a
//! token of the user does, as long as it is not limited.

use coze_types::auth::{
    CreatePat, CreatedPat, DeletePat, ImpersonateUser, ListPats, Pat, PatDuration, PatList,
    PatOwner, RetrievePat, RetrievedPat, Token, UpdatePat,
};
use coze_types::{Data, Empty, Timestamp};

use crate::app::App;
use crate::auth::{ACCESS, Grant, PERSONAL};
use crate::call::Call;
use crate::caller::Caller;
use crate::crypt::{hash, secret};
use crate::fail::Fail;
use crate::store::{TokenKind, TokenRecord, Unit, UserRecord, number};
use crate::validate;

const NAME_LIMIT: usize = 100;
const DAY: i64 = 86_400;
/// How long the token of a session lives, in seconds.
const SESSION_LIFE: i64 = 900;

pub(crate) async fn create(app: App, call: Call<CreatePat>) -> Result<Data<CreatedPat>, Fail> {
    let body = call.row.body;
    validate::required("name", &body.name)?;
    validate::at_most("name", &body.name, NAME_LIMIT)?;
    let now = app.now();
    let expires = end(now, body.expire_at, body.duration_day.as_ref())?;
    let secret = secret(PERSONAL)?;
    let record = TokenRecord {
        id: app.ids.next(),
        hash: hash(secret.expose()),
        kind: TokenKind::Personal,
        name: body.name,
        grant: Grant {
            expires,
            ..Grant::whole(call.user.user())
        },
        created_at: now,
        updated_at: now,
        ..TokenRecord::default()
    };
    let personal_access_token = wire(&record);
    keep(&app, record).await?;
    Ok(Data {
        data: CreatedPat {
            personal_access_token,
            token: secret,
        },
    })
}

/// Enters a new token; from then on it is let in.
pub(crate) async fn keep(app: &App, record: TokenRecord) -> Result<(), Fail> {
    let hash = record.hash;
    let kept = app
        .db
        .write(move |unit| Ok::<_, Fail>(unit.insert_token(&record)?));
    kept.await?;
    app.keeper.forget(&hash);
    Ok(())
}

/// When a token ends that is made now; `None` for never.
fn end(now: i64, at: Option<Timestamp>, span: Option<&PatDuration>) -> Result<Option<i64>, Fail> {
    let days = match span {
        None => None,
        Some(PatDuration::Permanent) => return Ok(None),
        Some(PatDuration::Other(text)) if text.is_empty() => None,
        Some(PatDuration::Other(text)) => {
            let why = format!("{text:?} is none of 1, 30, 60, 90, 180, 365, permanent");
            return Err(Fail::invalid("duration_day", why));
        }
        Some(known) => known.as_str().parse::<i64>().ok(),
    };
    match (days, at.map(|at| at.0)) {
        (Some(days), _) => Ok(Some(now.saturating_add(days * DAY))),
        (None, None | Some(0 | -1)) => {
            let why = "give it, or duration_day; a token for ever is `permanent`";
            Err(Fail::invalid("expire_at", why))
        }
        (None, Some(at)) if at <= now => {
            Err(Fail::invalid("expire_at", format!("{at} is in the past")))
        }
        (None, at) => Ok(at),
    }
}

pub(crate) async fn list(app: App, call: Call<ListPats>) -> Result<Data<PatList>, Fail> {
    let query = call.row.query;
    let page = query.page.unwrap_or(0);
    if page < 0 {
        return Err(Fail::invalid("page", format!("{page} is less than 0")));
    }
    let (page, size) = validate::page(Some(page.saturating_add(1)), query.size, 10, 100)?;
    match query.search_option {
        // A user sees no tokens but their own.
        Some(PatOwner::Others) => return Ok(Data::default()),
        Some(PatOwner::Other(text)) if !text.is_empty() => {
            let why = format!("{text:?} is none of all, owned, others");
            return Err(Fail::invalid("search_option", why));
        }
        _ => {}
    }
    let user = call.user.user();
    app.db
        .read(move |unit| {
            let (tokens, has_more) = unit.personal_tokens(user, page, size)?;
            let creator = unit.user(user)?.unwrap_or_default();
            let personal_access_tokens = tokens.iter().map(|it| listed(it, &creator)).collect();
            Ok::<_, Fail>(Data {
                data: PatList {
                    personal_access_tokens,
                    has_more,
                },
            })
        })
        .await
}

pub(crate) async fn retrieve(
    app: App,
    call: Call<RetrievePat>,
) -> Result<Data<RetrievedPat>, Fail> {
    let id = call.row.query.id;
    app.db
        .read(move |unit| {
            let personal_access_token = wire(&find(unit, &call.user, &id)?);
            Ok(Data {
                data: RetrievedPat {
                    personal_access_token,
                },
            })
        })
        .await
}

pub(crate) async fn update(app: App, call: Call<UpdatePat>) -> Result<Empty, Fail> {
    let (body, now) = (call.row.body, app.now());
    validate::required("name", &body.name)?;
    validate::at_most("name", &body.name, NAME_LIMIT)?;
    app.db
        .write(move |unit| {
            let token = find(unit, &call.user, &body.id)?;
            unit.rename_token(token.id, &body.name, now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn delete(app: App, call: Call<DeletePat>) -> Result<Empty, Fail> {
    let (id, now) = (call.row.body.id, app.now());
    let withdrawn = app.db.write(move |unit| {
        let token = find(unit, &call.user, &id)?;
        unit.revoke_token(token.id, now)?;
        Ok::<_, Fail>(token.hash)
    });
    app.keeper.forget(&withdrawn.await?);
    Ok(Empty {})
}

pub(crate) async fn impersonate(
    app: App,
    call: Call<ImpersonateUser>,
) -> Result<Data<Token>, Fail> {
    // As on the open-source server, duration and scope change nothing.
    let (secret, now) = (secret(ACCESS)?, app.now());
    let expires = now.saturating_add(SESSION_LIFE);
    let record = TokenRecord {
        id: app.ids.next(),
        hash: hash(secret.expose()),
        kind: TokenKind::Access,
        grant: Grant {
            expires: Some(expires),
            delegated: true,
            ..Grant::whole(call.user.user())
        },
        created_at: now,
        updated_at: now,
        ..TokenRecord::default()
    };
    keep(&app, record).await?;
    Ok(Data {
        data: Token {
            access_token: secret,
            expires_in: Timestamp(expires),
            token_type: Some("Bearer".to_owned()),
            ..Token::default()
        },
    })
}

/// The caller's own token of that id; what others have is not there.
fn find(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<TokenRecord, Fail> {
    validate::required("id", id)?;
    let found = unit.token_by_id(number(id))?;
    found
        .filter(|it| it.kind == TokenKind::Personal && !it.revoked)
        .filter(|it| it.grant.user == caller.user())
        .ok_or_else(|| Fail::not_found("personal access token", id))
}

fn wire(it: &TokenRecord) -> Pat {
    Pat {
        id: it.id.into(),
        name: it.name.clone(),
        created_at: Timestamp(it.created_at),
        updated_at: Timestamp(it.updated_at),
        last_used_at: Timestamp(it.last_used_at.unwrap_or(-1)),
        expire_at: Timestamp(it.grant.expires.unwrap_or(-1)),
        ..Pat::default()
    }
}

fn listed(it: &TokenRecord, creator: &UserRecord) -> Pat {
    Pat {
        creator_name: Some(creator.nick_name.clone()),
        creator_unique_name: Some(creator.user_name.clone()),
        creator_avatar_url: Some(creator.avatar_url.clone()),
        creator_icon_url: Some(String::new()),
        locked: Some(false),
        creator_status: Some("active".to_owned()),
        ..wire(it)
    }
}
