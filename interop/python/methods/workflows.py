import json

from cozepy import WorkflowEventType, WorkflowExecuteStatus

from . import method
from .chats import answer_of
from .common import ANSWER, GREET, NOWHERE, REPORT, SCRIPTED, SPACE, TALK, TRIP, ask, refused, until


@method("workflows.runs.create", "RunWorkflow")
def _(context):
    result = context.coze.workflows.runs.create(workflow_id=GREET, parameters={"name": "Ada"})
    assert json.loads(result.data) == {"output": "Hello Ada!"}
    refused(lambda: context.coze.workflows.runs.create(workflow_id=NOWHERE), 4200)


@method("workflows.runs.stream", "StreamRunWorkflow")
def _(context):
    events = list(context.coze.workflows.runs.stream(workflow_id=REPORT, parameters={"topic": "go"}))
    assert [e.event for e in events][:2] == [WorkflowEventType.MESSAGE, WorkflowEventType.MESSAGE]
    assert (events[0].message.node_title, events[0].message.content) == ("Progress note", "Working on go")
    assert json.loads(events[1].message.content) == {"output": "Report about go"}


@method("workflows.runs.resume", "StreamResumeWorkflow StreamRunWorkflow")
def _(context):
    events = list(context.coze.workflows.runs.stream(workflow_id=TRIP, parameters={"name": "Ada"}))
    data = events[-1].interrupt.interrupt_data
    events = list(
        context.coze.workflows.runs.resume(
            workflow_id=TRIP, event_id=data.event_id, interrupt_type=data.type, resume_data="Bergen"
        )
    )
    assert json.loads(events[0].message.content) == {"output": "Ada goes to Bergen"}


def finished(coze):
    runs = coze.workflows.runs
    started = runs.create(workflow_id=REPORT, parameters={"topic": "go"}, is_async=True)

    def probe():
        run = runs.run_histories.retrieve(workflow_id=REPORT, execute_id=started.execute_id)
        return None if run.execute_status == WorkflowExecuteStatus.RUNNING else run

    return started.execute_id, until("the run ends", probe)


@method("workflows.runs.run_histories.retrieve", "RetrieveRunHistory RunWorkflow")
def _(context):
    execute_id, run = finished(context.coze)
    assert (run.execute_status, run.execute_id) == (WorkflowExecuteStatus.SUCCESS, execute_id)
    assert json.loads(json.loads(run.output)["Output"]) == {"output": "Report about go"}


@method("workflows.runs.run_histories.execute_nodes.retrieve", "RetrieveNodeHistory RetrieveRunHistory RunWorkflow")
def _(context):
    execute_id, run = finished(context.coze)
    node = context.coze.workflows.runs.run_histories.execute_nodes.retrieve(
        workflow_id=REPORT,
        execute_id=execute_id,
        node_execute_uuid=run.node_execute_status["Progress note"].node_execute_uuid,
    )
    assert node.is_finish and "Working on go" in node.node_output


@method("workflows.chat.stream", "ChatWorkflow")
def _(context):
    stream = context.coze.workflows.chat.stream(
        workflow_id=TALK, bot_id=SCRIPTED, additional_messages=ask("hello")
    )
    assert answer_of(list(stream)) == ANSWER


@method("workflows.list", "ListWorkflows")
def _(context):
    page = context.coze.workflows.list(workspace_id=SPACE, page_size=2)
    assert len(page.items) == 2
    names = {w.workflow_id: w.workflow_name for w in page}
    assert {GREET: "greet", REPORT: "report", TRIP: "trip"}.items() <= names.items()


@method("workflows.retrieve", "RetrieveWorkflow")
def _(context):
    detail = context.coze.workflows.retrieve(workflow_id=GREET).workflow_detail
    assert (detail.workflow_id, detail.workflow_name) == (GREET, "greet")
    refused(lambda: context.coze.workflows.retrieve(workflow_id=NOWHERE), 4200)


@method("workflows.versions.list", "ListWorkflowVersions")
def _(context):
    versions = list(context.coze.workflows.versions.list(workflow_id=GREET))
    assert versions and all(v.version and v.workflow_id == GREET for v in versions)
