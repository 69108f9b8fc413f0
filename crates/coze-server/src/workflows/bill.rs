//! What a run took, written down with its end, for the space that its workflow belongs to.

use super::Driver;
use crate::billing;
use crate::configured::Configured;
use crate::fail::Fail;
use crate::store::{BillRecord, Unit, number};

impl Driver {
    /// Writes the end of the run down, with what models took.
    pub(super) async fn save_with_bill(&mut self) -> Result<(), Fail> {
        let usage = self.record.usage;
        if usage.token_count == 0 {
            return self.save().await;
        }
        self.record.updated_at = self.app.now();
        let (record, app) = (self.record.clone(), self.app.clone());
        let configured = self.app.configured();
        let written = self.app.db.write(move |unit| {
            unit.update_run(&record)?;
            // One that is gone from the file belongs to nobody who could be billed.
            let Some(space) = space(unit, &configured, &record.workflow_id)? else {
                return Ok::<_, Fail>(false);
            };
            let bill = BillRecord {
                connector: record.connector_id,
                connector_uid: record.connector_uid,
                ..BillRecord::of_tokens(record.id, &record.bot_id, &record.workflow_id, usage)
            };
            let now = record.updated_at;
            Ok(billing::record(unit, &app.ids, now, space, bill)?)
        });
        if written.await? {
            self.app.callbacks.notify_one();
        }
        Ok(())
    }
}

/// The space of a workflow, of the file or made through the API, if it is still there.
pub(super) fn space(
    unit: &dyn Unit,
    configured: &Configured,
    workflow: &str,
) -> Result<Option<i64>, Fail> {
    if let Some(found) = configured.workflows.get(workflow) {
        return Ok(Some(found.space));
    }
    Ok(unit.workflow(number(workflow))?.map(|it| it.space))
}
