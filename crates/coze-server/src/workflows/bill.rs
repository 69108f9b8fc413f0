//! What a run took, written down with its end, for the space that its workflow belongs to.

use super::Driver;
use crate::billing;
use crate::configured::Configured;
use crate::fail::Fail;
use crate::settle::settle;
use crate::store::{BillRecord, RunRecord, Unit, number};

impl Driver {
    /// Writes the end of the run down, with what models took.
    pub(super) async fn save_with_bill(&mut self, mut record: RunRecord) -> Result<(), Fail> {
        record.updated_at = self.app.now();
        let told = self.app.db.write(self.ending(record.clone())).await?;
        if told {
            self.app.callbacks.notify_one();
        }
        self.record = record;
        Ok(())
    }

    /// The same later: as soon as the disk takes it.
    pub(super) fn settle_with_bill(&self, mut record: RunRecord) {
        record.updated_at = self.app.now();
        let (app, write) = (self.app.clone(), self.ending(record));
        self.app.tasks.spawn(async move {
            if settle(&app, write).await == Some(true) {
                app.callbacks.notify_one();
            }
        });
    }

    /// Writes the end and the bill; says whether somebody is to be told of it.
    fn ending(
        &self,
        record: RunRecord,
    ) -> impl Fn(&dyn Unit) -> Result<bool, Fail> + Clone + Send + 'static + use<> {
        let (app, configured) = (self.app.clone(), self.app.configured());
        move |unit: &dyn Unit| {
            unit.update_run(&record)?;
            if record.usage.token_count == 0 {
                return Ok(false);
            }
            // One that is gone from the file belongs to nobody who could be billed.
            let Some(space) = space(unit, &configured, &record.workflow_id)? else {
                return Ok(false);
            };
            let tokens =
                BillRecord::of_tokens(record.id, &record.bot_id, &record.workflow_id, record.usage);
            let bill = BillRecord {
                connector: record.connector_id.clone(),
                connector_uid: record.connector_uid.clone(),
                ..tokens
            };
            Ok(billing::record(
                unit,
                &app.ids,
                record.updated_at,
                space,
                bill,
            )?)
        }
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
