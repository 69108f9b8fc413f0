//! Files: received to disk, then entered in the store.

use axum::extract::{Request, State};
use axum::response::Response;
use coze_types::files::{File, RetrieveFile, UploadFile};
use coze_types::{Data, Endpoint, Timestamp};
use hyper::body::Body as _;
use tokio::io::AsyncWriteExt;

use crate::app::App;
use crate::blobs;
use crate::call::{self, Call};
use crate::fail::Fail;
use crate::form::base_name;
use crate::ids::log_id;
use crate::parts::Parts;
use crate::store::number;
use crate::{auth, validate};

/// The largest file, in bytes.
pub(crate) const LIMIT: u64 = 512 * 1024 * 1024;

/// What a form may have around its file.
const AROUND: u64 = 1024 * 1024;

/// Takes the one part named `file`. Written by hand: the body is not JSON and may be large.
pub(crate) async fn upload(State(app): State<App>, request: Request) -> Response {
    let log_id = log_id(app.ids.next());
    let result = async {
        let caller = auth::admit(&app, request.headers(), UploadFile::INFO).await?;
        call::plain(request.headers())?;
        if request.body().size_hint().lower() > LIMIT + AROUND {
            return Err(too_large());
        }
        let mut form = Parts::read(request).await?;
        let mut written = Vec::new();
        let file = match receive(&app, &mut form, &mut written).await {
            Ok(file) => file,
            Err(fail) => {
                // Nobody will ask for what was refused; a leftover would only take room.
                blobs::forget(&app, written).await;
                return Err(fail);
            }
        };
        let stored = file.clone();
        let entered = app
            .db
            .write(move |unit| Ok::<_, Fail>(unit.insert_file(&stored, &caller)?));
        if let Err(fail) = entered.await {
            blobs::forget(&app, written).await;
            return Err(fail);
        }
        call::encode(&app, &log_id, &Data { data: file })
    };
    call::finish(&app, &log_id, UploadFile::INFO.name, result.await)
}

fn too_large() -> Fail {
    Fail::new(4302, "the file is larger than 512 MB").with_http(413)
}

/// Receives the file; what it wrote, it names in `written`, also when it fails.
async fn receive(app: &App, form: &mut Parts, written: &mut Vec<i64>) -> Result<File, Fail> {
    let mut received: Option<File> = None;
    while let Some(mut part) = form.next().await? {
        let name = match (part.name(), part.file_name()) {
            (_, Some(name)) => base_name(name),
            (Some("file"), None) => return Err(Fail::invalid("file", "the part has no filename")),
            _ => {
                part.skip().await?;
                continue;
            }
        };
        if received.is_some() {
            return Err(Fail::new(
                4301,
                "more than one file; upload them one by one",
            ));
        }
        let id = app.ids.next();
        let path = app.files.join(id.to_string());
        written.push(id);
        let io = |error: std::io::Error| {
            tracing::error!(%error, path = %path.display(), "an upload could not be written");
            Fail::unwritable()
        };
        let mut out = tokio::fs::File::create(&path).await.map_err(io)?;
        let mut bytes: u64 = 0;
        while let Some(chunk) = part.chunk().await? {
            bytes += chunk.len() as u64;
            if bytes > LIMIT {
                return Err(too_large());
            }
            out.write_all(&chunk).await.map_err(io)?;
        }
        if bytes == 0 {
            return Err(Fail::new(4300, "the file is empty"));
        }
        // The answer says that the file is kept, so it has to be on disk first.
        out.sync_all().await.map_err(io)?;
        received = Some(File {
            id: id.into(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            file_name: name,
            created_at: Timestamp(app.now()),
            ..File::default()
        });
    }
    received.ok_or_else(|| Fail::invalid("file", "the form has no part of that name with a file"))
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveFile>) -> Result<Data<File>, Fail> {
    let id = call.row.query.file_id;
    validate::required("file_id", &id)?;
    let wanted = number(&id);
    let found = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.file(wanted)?))
        .await?;
    Ok(Data {
        data: call.user.open("file", id, found)?,
    })
}
