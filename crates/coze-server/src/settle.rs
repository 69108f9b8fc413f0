//! Ends that could not be written down, because the disk took nothing.

use std::time::Duration;

use crate::app::App;
use crate::fail::Fail;
use crate::store::Unit;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Writes as soon as the disk takes it. A stop leaves it to the next start, which finds what was
/// under way and says that it was interrupted.
pub(crate) async fn settle<W>(app: &App, write: W)
where
    W: Fn(&dyn Unit) -> Result<(), Fail> + Clone + Send + 'static,
{
    let mut pause = FIRST;
    while app.db.write(write.clone()).await.is_err() {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST);
    }
}
