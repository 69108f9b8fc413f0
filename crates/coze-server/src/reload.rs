//! Reading `coze.yaml` again, when somebody asks for it or the file has changed.
//!
//! A file that cannot be used changes nothing: the log says where it is broken, and the server goes
//! on with what it has.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::app::App;
use crate::config::{ConfigError, Space};
use crate::configured::Configured;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Reads the file again and uses what it has from now on. Chats and runs under way keep what they
/// began with.
///
/// # Errors
/// Why it cannot be used; the server goes on with what it has.
pub(crate) async fn reload(app: &App) -> Result<(), ConfigError> {
    let Some(path) = app.file().file().map(Path::to_owned) else {
        return Ok(());
    };
    let worker = app.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut space = Space::load(&path)?;
        if let Some(seed) = &worker.seed {
            crate::seed::add(&mut space, seed);
        }
        let configured = Configured::new(&space).map_err(|misfit| space.misfit(&misfit))?;
        Ok((space, configured))
    });
    let Ok(read) = read.await else {
        // The runtime ends.
        return Ok(());
    };
    let used = match read {
        Ok((space, configured)) => {
            let space = Arc::new(space);
            let used = app.use_space(Arc::clone(&space), configured).await;
            used.map_err(|why| space.misfit(&why.into()))
        }
        Err(error) => Err(error),
    };
    app.metrics.reload(used.is_ok());
    match used {
        Ok(()) => {
            tracing::info!("coze.yaml was read again");
            Ok(())
        }
        Err(error) => {
            tracing::warn!(%error, "coze.yaml cannot be used; the server goes on with what it has");
            Err(error)
        }
    }
}

/// Reads the file again whenever it, or a file that it names, has changed.
pub(crate) async fn watch(app: App) {
    let mut seen = stamps(&app);
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stop.cancelled() => return,
        }
        let now = stamps(&app);
        if now == seen {
            continue;
        }
        seen = now;
        if reload(&app).await.is_ok() {
            // It may name other files now.
            seen = stamps(&app);
        }
    }
}

/// Time and length of each file; none for one that is not there.
fn stamps(app: &App) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
    let stamp = |path: PathBuf| {
        let found = std::fs::metadata(&path);
        let found = found.and_then(|it| Ok((it.modified()?, it.len())));
        (path, found.ok())
    };
    let space = app.file();
    let file = space.file().map(Path::to_owned);
    file.into_iter().chain(space.files()).map(stamp).collect()
}
