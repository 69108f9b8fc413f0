//! What was used, and exports of that as CSV.
//!
//! A bill is written in the transaction that ends what it is for. Nothing has a price here: a bill
//! counts tokens, characters and milliseconds, and takes no resource points.

use axum::extract::{Path, State};
use axum::response::Response;
use coze_types::api_apps::ApiAppEventType;
use coze_types::chat::Usage;
use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use crate::app::App;
use crate::call::{Media, finish};
use crate::callbacks::{self, Event};
use crate::fail::Fail;
use crate::ids::{Ids, log_id};
use crate::store::{Audience, BillRecord, BillTaskRecord, StoreError, Unit, number};

/// The path of exports; not of the vendor's API, only addresses in answers lead here.
pub(crate) const FILE: &str = "/local/bills/{key}/{file}";
/// Lines that one file has at most, without its head.
const LINES: usize = 500_000;
/// Lines that are read at once.
const STEP: usize = 10_000;

const AGENT: i64 = 1;
const WORKFLOW: i64 = 2;
const VOICE: i64 = 6;
const MODEL_USED: i64 = 1;
const VOICE_USED: i64 = 3;

impl BillRecord {
    /// Tokens that a model took for an agent, or for a workflow that ran without one.
    pub(crate) fn of_tokens(root: i64, bot: &str, workflow: &str, usage: Usage) -> Self {
        let alone = bot.is_empty() || bot == "0";
        let (entity_kind, entity) = match alone {
            true => (WORKFLOW, workflow),
            false => (AGENT, bot),
        };
        Self {
            root: root.to_string(),
            entity_kind,
            entity: entity.to_owned(),
            resource_kind: MODEL_USED,
            input_tokens: usage.input_count,
            output_tokens: usage.output_count,
            ..Self::default()
        }
    }

    /// A text that was spoken, by a call of its own.
    pub(crate) fn of_speech(root: i64, characters: usize) -> Self {
        Self {
            resource: "Tts_system_text_to_speech_chars".to_owned(),
            tts_chars: i64::try_from(characters).unwrap_or(i64::MAX),
            tts_count: 1,
            ..Self::of_voice(root)
        }
    }

    /// A recording that was listened to, by a call of its own.
    pub(crate) fn of_listening(root: i64, milliseconds: u64) -> Self {
        Self {
            resource: "Asr_large_model_recording_duration".to_owned(),
            asr_milliseconds: i64::try_from(milliseconds).unwrap_or(i64::MAX),
            ..Self::of_voice(root)
        }
    }

    fn of_voice(root: i64) -> Self {
        Self {
            root: root.to_string(),
            connector: crate::routes::bots::API.to_owned(),
            entity_kind: VOICE,
            resource_kind: VOICE_USED,
            ..Self::default()
        }
    }

    /// The fields that the vendor documents for bills
    /// (<https://docs.coze.cn/developer_guides/billing_callback_message>), in its order.
    fn fields(&self) -> [(&'static str, Value); 24] {
        let model = match self.resource_kind {
            MODEL_USED => self.resource.as_str(),
            _ => "",
        };
        [
            ("id", self.id.to_string().into()),
            ("consume_time", self.at.into()),
            ("record_root_id", self.root.as_str().into()),
            ("connector_id", self.connector.as_str().into()),
            ("connector_uid", self.connector_uid.as_str().into()),
            // Devices do not tell this server who they are.
            ("device_id", "".into()),
            ("custom_consumer", "".into()),
            ("space_id", self.space.to_string().into()),
            ("root_entity_type", self.entity_kind.into()),
            ("root_entity_id", self.entity.as_str().into()),
            ("change_balance", "0".into()),
            // Resource points.
            ("balance_type", 2.into()),
            ("resource_type", self.resource_kind.into()),
            ("resource_id", self.resource.as_str().into()),
            ("cost_account_id", self.account.to_string().into()),
            ("model_id", model.into()),
            ("model_input_token", self.input_tokens.into()),
            ("model_output_token", self.output_tokens.into()),
            ("tts_char_num", self.tts_chars.into()),
            ("tts_count", self.tts_count.into()),
            ("asr_audio_length", self.asr_milliseconds.into()),
            ("rtc_duration", 0.into()),
            ("rtc_begin_time", 0.into()),
            ("rtc_end_time", 0.into()),
        ]
    }
}

/// Writes down what was used in a space, and tells callback apps. Says whether any is to be told.
pub(crate) fn record(
    unit: &dyn Unit,
    ids: &Ids,
    now: i64,
    space: i64,
    mut bill: BillRecord,
) -> Result<bool, StoreError> {
    bill.id = ids.next();
    bill.at = now;
    bill.space = space;
    if let Some(space) = unit.space(space)? {
        bill.enterprise = space.enterprise;
        bill.account = space.owner;
    }
    unit.insert_bill(&bill)?;
    let fields = bill.fields().map(|(key, value)| (key.to_owned(), value));
    let content: Map<String, Value> = fields.into_iter().collect();
    let content = Value::Object(content);
    let mut told = false;
    for audience in [
        Audience::Account(bill.account),
        Audience::Connector(&bill.connector),
    ] {
        let event = Event {
            kind: ApiAppEventType::BenefitUsage,
            audience,
            account: bill.account,
            content: &content,
            reviewed: None,
        };
        told |= callbacks::queue(unit, ids, now, &event)?;
    }
    Ok(told)
}

/// The same for what ends with a call.
pub(crate) async fn record_call(app: &App, space: i64, bill: BillRecord) -> Result<(), Fail> {
    let (worker, now) = (app.clone(), app.now());
    let told = app
        .db
        .write(move |unit| Ok::<_, Fail>(record(unit, &worker.ids, now, space, bill)?));
    if told.await? {
        app.callbacks.notify_one();
    }
    Ok(())
}

/// Takes up the exports that an earlier server left, and clears what is kept no longer.
pub(crate) async fn start(app: &App) -> Result<(), StoreError> {
    let open = app.db.read(|unit| unit.open_bill_tasks()).await?;
    for task in open {
        spawn(app, task);
    }
    sweep(app).await
}

/// Removes files that nobody can be given any more.
pub(crate) async fn sweep(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    let expired = app
        .db
        .read(move |unit| unit.expired_bill_tasks(now))
        .await?;
    for mut task in expired {
        for file in 0..task.files {
            let path = path(app, &task.key, file);
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::debug!(%error, path = %path.display(), "a bill could not be removed");
            }
        }
        task.files = 0;
        app.db.write(move |unit| unit.put_bill_task(&task)).await?;
    }
    Ok(())
}

/// Carries an export out, beside the request that asked for it.
pub(crate) fn spawn(app: &App, task: BillTaskRecord) {
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        let (id, mut ended) = (task.id, task.clone());
        let exported = tokio::select! {
            // The next start begins it again.
            () = app.stop.cancelled() => return,
            exported = export(&app, task) => exported,
        };
        match exported {
            Ok(files) => {
                ended.status = "succeed".to_owned();
                ended.files = files;
            }
            Err(error) => {
                tracing::error!(task = id, %error, "an export of bills failed");
                ended.status = "failed".to_owned();
            }
        }
        let written = app.db.write(move |unit| unit.put_bill_task(&ended)).await;
        if let Err(error) = written {
            tracing::error!(task = id, %error, "the end of an export could not be written down");
        }
    });
}

/// Writes the files; how many they are. There is one at least, with the head alone.
async fn export(app: &App, mut task: BillTaskRecord) -> Result<i64, StoreError> {
    task.status = "running".to_owned();
    let noted = task.clone();
    app.db.write(move |unit| unit.put_bill_task(&noted)).await?;
    let (mut files, mut last) = (0, 0);
    loop {
        let path = path(app, &task.key, files);
        let io = |source| StoreError::io(&path, source);
        let mut file = tokio::fs::File::create(&path).await.map_err(io)?;
        file.write_all(&lines(&[], true)).await.map_err(io)?;
        files += 1;
        let (mut written, mut more) = (0, true);
        while more && written < LINES {
            let (enterprise, span) = (task.enterprise.clone(), (task.started_at, task.ended_at));
            let bills = app
                .db
                .read(move |unit| unit.bills(&enterprise, span, last, STEP))
                .await?;
            more = bills.len() == STEP;
            written += bills.len();
            last = bills.last().map_or(last, |bill| bill.id);
            file.write_all(&lines(&bills, false)).await.map_err(io)?;
        }
        file.sync_all().await.map_err(io)?;
        if !more {
            return Ok(files);
        }
    }
}

/// Bills as CSV, or the head alone.
fn lines(bills: &[BillRecord], head: bool) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    if head {
        let fields = BillRecord::default().fields();
        // Writing into memory cannot fail.
        let _ = out.write_record(fields.iter().map(|(key, _)| *key));
    }
    for bill in bills {
        let fields = bill.fields();
        let texts = fields.iter().map(|(_, value)| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let _ = out.write_record(texts);
    }
    out.into_inner().unwrap_or_default()
}

fn path(app: &App, key: &str, file: i64) -> std::path::PathBuf {
    app.files.join(format!("bill-{key}-{file}.csv"))
}

/// Where the files of an export can be had.
pub(crate) fn addresses(app: &App, task: &BillTaskRecord) -> Vec<String> {
    let address = |file: i64| {
        let path = FILE
            .replace("{key}", &task.key)
            .replace("{file}", &format!("{}.csv", file + 1));
        format!("{}{path}", app.url())
    };
    (0..task.files).map(address).collect()
}

/// A file of an export. Whoever knows the address may have it, as on the service.
pub(crate) async fn download(
    State(app): State<App>,
    Path((key, file)): Path<(String, String)>,
) -> Response {
    let log_id = log_id(app.ids.next());
    let result = match load(&app, &key, &file).await {
        Ok(media) => {
            let mut response = media.respond();
            let headers = response.headers_mut();
            headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
            Ok(response)
        }
        Err(fail) => Err(fail),
    };
    finish(&app, &log_id, "bill", result)
}

async fn load(app: &App, key: &str, file: &str) -> Result<Media, Fail> {
    let wanted = key.to_owned();
    let found = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.bill_task_by_key(&wanted)?));
    let gone = || Fail::not_found("bill", file).with_http(404);
    let task = found.await?.ok_or_else(gone)?;
    if task.expires_at <= app.now() {
        let why = "the file was kept for 7 days, which are over; export the bills again";
        return Err(Fail::new(4200, why).with_http(404));
    }
    let index = file.strip_suffix(".csv").map_or(-1, number) - 1;
    if !(0..task.files).contains(&index) {
        return Err(gone());
    }
    let path = path(app, key, index);
    let bytes = tokio::fs::read(&path).await.map_err(|error| {
        tracing::error!(%error, path = %path.display(), "a bill cannot be read");
        Fail::internal()
    })?;
    Ok(Media {
        kind: "text/csv; charset=utf-8",
        bytes,
    })
}
