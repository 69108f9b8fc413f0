//! Ends that could not be written down, because the disk took nothing.

use std::time::Duration;

use crate::app::App;
use crate::fail::Fail;
use crate::store::Unit;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Writes as soon as the disk takes it, and gives what that gave. A stop leaves it to the next start,
/// which finds what was under way and says that it was interrupted.
pub(crate) async fn settle<T, W>(app: &App, write: W) -> Option<T>
where
    T: Send + 'static,
    W: Fn(&dyn Unit) -> Result<T, Fail> + Clone + Send + 'static,
{
    let mut pause = FIRST;
    loop {
        if let Ok(written) = app.db.write(write.clone()).await {
            return Some(written);
        }
        tokio::select! {
            () = app.stop.cancelled() => return None,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST);
    }
}
