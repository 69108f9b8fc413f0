//! What workflows a workspace has.

use coze_types::workflows::{
    ListWorkflowVersions, ListWorkflowVersionsQuery, ListWorkflows, ListWorkflowsQuery,
    RetrieveWorkflow, RetrieveWorkflowQuery, WorkflowInfo, WorkflowList, WorkflowVersionList,
};
use coze_types::{Empty, Id};

use crate::client::Coze;
use crate::error::Result;

/// Workflows. The errors of all calls are those of [`send`](Self::send).
#[expect(
    clippy::missing_errors_doc,
    reason = "said once for all of them, above"
)]
impl Coze {
    /// Lists one page of the workflows of a workspace.
    pub async fn list_workflows(&self, query: ListWorkflowsQuery) -> Result<WorkflowList> {
        let row = ListWorkflows {
            query,
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Reads what a workflow is, its inputs and outputs included.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let workflow = coze.retrieve_workflow("74…").await?;
    /// println!("{}", workflow.workflow_detail.unwrap_or_default().workflow_name);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn retrieve_workflow(&self, workflow: impl Into<Id>) -> Result<WorkflowInfo> {
        let row = RetrieveWorkflow {
            workflow_id: workflow.into(),
            query: RetrieveWorkflowQuery {
                include_input_output: Some(true),
                ..Default::default()
            },
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Lists one page of the versions of a workflow.
    pub async fn list_workflow_versions(
        &self,
        workflow: impl Into<Id>,
        query: ListWorkflowVersionsQuery,
    ) -> Result<WorkflowVersionList> {
        let row = ListWorkflowVersions {
            workflow_id: workflow.into(),
            query,
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}
