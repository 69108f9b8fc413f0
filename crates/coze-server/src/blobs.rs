//! The bytes of files: they lie in the data folder, under the number of what they belong to.

use tokio::io::AsyncWriteExt;

use crate::app::App;
use crate::fail::Fail;

/// Keeps bytes under a number. They lie on disk before anybody is told that they were taken; when
/// that fails, nothing of them stays.
pub(crate) async fn keep(app: &App, id: i64, bytes: &[u8]) -> Result<(), Fail> {
    let path = app.files.join(id.to_string());
    let written = async {
        let mut file = tokio::fs::File::create(&path).await?;
        file.write_all(bytes).await?;
        file.sync_all().await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, path = %path.display(), "a file could not be written");
        forget(app, [id]).await;
        return Err(Fail::unwritable());
    }
    Ok(())
}

/// Removes what lies under these numbers; a leftover would only take room.
pub(crate) async fn forget(app: &App, ids: impl IntoIterator<Item = i64>) {
    for id in ids {
        let path = app.files.join(id.to_string());
        if let Err(error) = tokio::fs::remove_file(&path).await {
            // Most have never been written, such as those of web pages.
            tracing::debug!(%error, path = %path.display(), "a file was not removed");
        }
    }
}

/// Removes, beside the requests, what an earlier server was about to take when it ended: bytes that
/// nothing in the store names.
pub(crate) fn sweep(app: &App) {
    // Everything that this server takes gets a larger number.
    let (app, first) = (app.clone(), app.ids.next());
    app.tasks.clone().spawn(async move {
        let swept = tokio::select! {
            () = app.stop.cancelled() => return,
            swept = sweep_below(&app, first) => swept,
        };
        match swept {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "files of requests that were cut off are removed"),
            Err(error) => tracing::warn!(%error, "the folder of files could not be looked through"),
        }
    });
}

async fn sweep_below(app: &App, first: i64) -> Result<usize, crate::store::StoreError> {
    let io = |error: std::io::Error| crate::store::StoreError::io(&app.files, error);
    let mut found = Vec::new();
    let mut files = tokio::fs::read_dir(&app.files).await.map_err(io)?;
    while let Some(file) = files.next_entry().await.map_err(io)? {
        let number = file.file_name().to_str().and_then(|it| it.parse().ok());
        found.extend(number.filter(|id: &i64| *id < first));
    }
    let unnamed = app.db.read(move |unit| unit.unnamed_files(found)).await?;
    let count = unnamed.len();
    forget(app, unnamed).await;
    Ok(count)
}
