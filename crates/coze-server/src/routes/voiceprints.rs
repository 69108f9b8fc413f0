//! Voiceprints: recordings by which speakers are told apart.

use coze_types::voiceprints::{
    CreateVoiceprint, CreateVoiceprintGroup, CreatedVoiceprint, DeleteVoiceprint,
    DeleteVoiceprintGroup, IdentifySpeaker, ListVoiceprintGroups, ListVoiceprints, SpeakerScore,
    SpeakerScores, UpdateVoiceprint, UpdateVoiceprintGroup, Voiceprint, VoiceprintCreator,
    VoiceprintGroup, VoiceprintGroupList, VoiceprintList,
};
use coze_types::{Data, Empty, Id, Timestamp};

use super::audio::address;
use crate::app::App;
use crate::audio::{Kind, Recording, compare, fingerprint};
use crate::blobs;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{GroupFilter, GroupRecord, PrintRecord, Unit, UserRecord, number};
use crate::{ids, validate};

/// The largest recording, in bytes.
pub(crate) const LIMIT: usize = 4 * 1024 * 1024;
/// Voiceprints of a group.
const GROUP_LIMIT: usize = 10;

pub(crate) async fn create_group(
    app: App,
    call: Call<CreateVoiceprintGroup>,
) -> Result<Data<CreatedVoiceprint>, Fail> {
    let (user, body) = (call.user, call.row.body);
    let description = body.desc.unwrap_or_default();
    check_name(&body.name)?;
    validate::at_most("desc", &description, 500)?;
    let now = app.now();
    let group = GroupRecord {
        id: app.ids.next(),
        owner_id: user.user(),
        name: body.name,
        description,
        created_at: now,
        updated_at: now,
        count: 0,
    };
    let id = group.id.into();
    let put = move |unit: &dyn Unit| Ok::<_, Fail>(unit.put_group(&group, user.home())?);
    app.db.write(put).await?;
    Ok(Data {
        data: CreatedVoiceprint { id },
    })
}

fn check_name(name: &str) -> Result<(), Fail> {
    validate::required("name", name.trim())?;
    validate::at_most("name", name, 20)
}

pub(crate) async fn list_groups(
    app: App,
    call: Call<ListVoiceprintGroups>,
) -> Result<Data<VoiceprintGroupList>, Fail> {
    let (user, query) = (call.user, call.row.query);
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 200)?;
    let owner = query.user_id.filter(|id| !id.is_empty());
    if owner.as_ref().is_some_and(|id| **id != *user.user_id()) {
        let why = "it must be the user that the token belongs to";
        return Err(Fail::invalid("user_id", why));
    }
    let filter = GroupFilter {
        spaces: user.spaces(),
        prefix: query.name,
        id: query.group_id.map(|id| number(&id)),
        owner: owner.map(|id| number(&id)),
    };
    let found = app.db.read(move |unit| {
        let (groups, total) = unit.groups(&filter, page.saturating_mul(size), size)?;
        let mut items = Vec::new();
        for group in groups {
            let creator = creator(unit, group.owner_id)?;
            items.push(wire_group(group, creator));
        }
        Ok::<_, Fail>(VoiceprintGroupList { items, total })
    });
    Ok(Data { data: found.await? })
}

pub(crate) async fn update_group(
    app: App,
    call: Call<UpdateVoiceprintGroup>,
) -> Result<Empty, Fail> {
    let (user, id, body) = (call.user, call.row.group_id, call.row.body);
    if let Some(name) = &body.name {
        check_name(name)?;
    }
    validate::at_most("desc", body.desc.as_deref().unwrap_or_default(), 500)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let mut group = find_group(unit, &user, &id)?;
            group.name = body.name.unwrap_or(group.name);
            group.description = body.desc.unwrap_or(group.description);
            group.updated_at = now;
            // The space of a group stays.
            Ok::<_, Fail>(unit.put_group(&group, 0)?)
        })
        .await?;
    Ok(Empty {})
}

pub(crate) async fn delete_group(
    app: App,
    call: Call<DeleteVoiceprintGroup>,
) -> Result<Empty, Fail> {
    let (user, id) = (call.user, call.row.group_id);
    let files = app.db.write(move |unit| {
        find_group(unit, &user, &id)?;
        Ok::<_, Fail>(unit.delete_group(number(&id))?)
    });
    blobs::forget(&app, files.await?).await;
    Ok(Empty {})
}

fn find_group(unit: &dyn Unit, user: &Caller, id: &Id) -> Result<GroupRecord, Fail> {
    user.open("voiceprint group", id, unit.group(number(id))?)
}

fn find_print(unit: &dyn Unit, group: &Id, id: &Id) -> Result<PrintRecord, Fail> {
    let found = unit.print(number(group), number(id))?;
    found.ok_or_else(|| Fail::not_found("voiceprint", id))
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateVoiceprint>,
) -> Result<Data<CreatedVoiceprint>, Fail> {
    let (user, group, body) = (call.user, call.row.group_id, call.row.body);
    validate::required("name", body.name.trim())?;
    check_texts(Some(&body.name), body.desc.as_deref())?;
    let print = print_of(&body.file.content, body.sample_rate, body.channel).await?;
    let file_id = app.ids.next();
    blobs::keep(&app, file_id, &body.file.content).await?;
    let (key, now) = (ids::secret()?, app.now());
    let record = PrintRecord {
        id: app.ids.next(),
        group_id: number(&group),
        owner_id: user.user(),
        name: body.name,
        description: body.desc.unwrap_or_default(),
        print,
        file_id,
        key,
        created_at: now,
        updated_at: now,
    };
    let id = record.id.into();
    let stored = app.db.write(move |unit| {
        let found = find_group(unit, &user, &group)?;
        if unit.prints(found.id)?.len() >= GROUP_LIMIT {
            let why = format!("the group has {GROUP_LIMIT} voiceprints, which is all it can hold");
            return Err(Fail::invalid("group_id", why));
        }
        unit.put_print(&record)?;
        Ok(())
    });
    if let Err(fail) = stored.await {
        blobs::forget(&app, [file_id]).await;
        return Err(fail);
    }
    Ok(Data {
        data: CreatedVoiceprint { id },
    })
}

fn check_texts(name: Option<&str>, description: Option<&str>) -> Result<(), Fail> {
    validate::at_most("name", name.unwrap_or_default(), 100)?;
    validate::at_most("desc", description.unwrap_or_default(), 500)
}

pub(crate) async fn list(
    app: App,
    call: Call<ListVoiceprints>,
) -> Result<Data<VoiceprintList>, Fail> {
    let (user, group, query) = (call.user, call.row.group_id, call.row.query);
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 200)?;
    let worker = app.clone();
    let found = app.db.read(move |unit| {
        find_group(unit, &user, &group)?;
        let prints = unit.prints(number(&group))?;
        let total = i64::try_from(prints.len()).unwrap_or(i64::MAX);
        let mut items = Vec::new();
        for print in prints
            .into_iter()
            .skip(page.saturating_mul(size))
            .take(size)
        {
            let creator = creator(unit, print.owner_id)?;
            items.push(wire(&worker, print, creator));
        }
        Ok::<_, Fail>(VoiceprintList { items, total })
    });
    Ok(Data { data: found.await? })
}

pub(crate) async fn update(app: App, call: Call<UpdateVoiceprint>) -> Result<Empty, Fail> {
    let (user, row) = (call.user, call.row);
    let (group, id, body) = (row.group_id, row.feature_id, row.body);
    check_texts(body.name.as_deref(), body.desc.as_deref())?;
    let sound = match &body.file {
        Some(file) => {
            let print = print_of(&file.content, body.sample_rate, body.channel).await?;
            let id = app.ids.next();
            blobs::keep(&app, id, &file.content).await?;
            Some((print, id))
        }
        None => None,
    };
    let (new, now) = (sound.as_ref().map(|(_, file)| *file), app.now());
    let changed = app.db.write(move |unit| {
        find_group(unit, &user, &group)?;
        let mut record = find_print(unit, &group, &id)?;
        record.name = body.name.unwrap_or(record.name);
        record.description = body.desc.unwrap_or(record.description);
        record.updated_at = now;
        let old = sound.map(|(print, file)| {
            record.print = print;
            std::mem::replace(&mut record.file_id, file)
        });
        unit.put_print(&record)?;
        Ok::<_, Fail>(old)
    });
    let changed = changed.await;
    // Either the old recording or the new one belongs to nobody now.
    blobs::forget(&app, changed.as_ref().map_or(new, |old| *old)).await;
    changed.map(|_| Empty {})
}

pub(crate) async fn delete(app: App, call: Call<DeleteVoiceprint>) -> Result<Empty, Fail> {
    let (user, group, id) = (call.user, call.row.group_id, call.row.feature_id);
    let removed = app.db.write(move |unit| {
        find_group(unit, &user, &group)?;
        let print = find_print(unit, &group, &id)?;
        unit.delete_print(print.id)?;
        Ok::<_, Fail>(print.file_id)
    });
    blobs::forget(&app, [removed.await?]).await;
    Ok(Empty {})
}

pub(crate) async fn identify(
    app: App,
    call: Call<IdentifySpeaker>,
) -> Result<Data<SpeakerScores>, Fail> {
    let (user, group, body) = (call.user, call.row.group_id, call.row.body);
    let most = match body.top_k {
        None => GROUP_LIMIT,
        Some(count) if count >= 1 => usize::try_from(count).unwrap_or(GROUP_LIMIT),
        Some(count) => return Err(Fail::invalid("top_k", format!("{count} is less than 1"))),
    };
    let wanted = print_of(&body.file.content, body.sample_rate, body.channel).await?;
    let prints = app.db.read(move |unit| {
        find_group(unit, &user, &group)?;
        Ok::<_, Fail>(unit.prints(number(&group))?)
    });
    let mut scores: Vec<SpeakerScore> = prints
        .await?
        .into_iter()
        .map(|known| SpeakerScore {
            score: compare(&wanted, &known.print),
            feature_id: known.id.into(),
            feature_name: known.name,
            feature_desc: known.description,
        })
        .collect();
    scores.sort_by(|one, other| other.score.total_cmp(&one.score));
    scores.truncate(most);
    Ok(Data {
        data: SpeakerScores {
            feature_score_list: scores,
        },
    })
}

/// What a recording sounds like: WAV, or raw samples of 16 bits.
async fn print_of(
    content: &[u8],
    rate: Option<i64>,
    channels: Option<i64>,
) -> Result<Vec<f64>, Fail> {
    if content.is_empty() {
        return Err(Fail::invalid("file", "it is required"));
    }
    let whole = |field: &str, value: Option<i64>, default: u32, least: u32, most: u32| {
        let value = value.unwrap_or(i64::from(default));
        let fits = u32::try_from(value).ok();
        fits.filter(|it| (least..=most).contains(it))
            .ok_or_else(|| Fail::invalid(field, format!("{value} is not within {least} to {most}")))
    };
    let rate = whole("sample_rate", rate, 16_000, 8_000, 48_000)?;
    let channels = whole("channel", channels, 1, 1, 2)?;
    let recording = match Kind::of(content) {
        Kind::Wav => Recording::read(content),
        Kind::Raw => Recording::raw(content, rate, u16::try_from(channels).unwrap_or(1)),
        other => {
            let msg = format!("the recording is {}, not wav or pcm", other.name());
            return Err(Fail::new(4303, msg));
        }
    };
    let recording =
        recording.map_err(|why| Fail::new(4304, format!("the recording cannot be read: {why}")))?;
    let sound = recording.sound.unwrap_or_default();
    let print = tokio::task::spawn_blocking(move || fingerprint(&sound));
    Ok(print.await.unwrap_or_default())
}

fn creator(unit: &dyn Unit, user: i64) -> Result<VoiceprintCreator, Fail> {
    let user = unit.user(user)?.unwrap_or_else(|| UserRecord {
        id: user,
        ..UserRecord::default()
    });
    Ok(VoiceprintCreator {
        id: user.id.into(),
        name: user.user_name,
        nickname: user.nick_name,
        avatar_url: user.avatar_url,
    })
}

fn wire_group(group: GroupRecord, user_info: VoiceprintCreator) -> VoiceprintGroup {
    VoiceprintGroup {
        id: group.id.into(),
        name: group.name,
        desc: group.description,
        created_at: Timestamp(group.created_at),
        updated_at: Timestamp(group.updated_at),
        icon_url: String::new(),
        feature_count: group.count,
        user_info,
    }
}

fn wire(app: &App, print: PrintRecord, user_info: VoiceprintCreator) -> Voiceprint {
    Voiceprint {
        id: print.id.into(),
        group_id: print.group_id.into(),
        audio_url: address(app, &print.key),
        name: print.name,
        desc: print.description,
        created_at: Timestamp(print.created_at),
        updated_at: Timestamp(print.updated_at),
        icon_url: String::new(),
        user_info,
    }
}
