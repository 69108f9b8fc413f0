package interop

import (
	"strings"

	"github.com/coze-dev/coze-go"
)

func run(workflow, parameter, value string, async bool) *coze.RunWorkflowsReq {
	return &coze.RunWorkflowsReq{
		WorkflowID: workflow,
		Parameters: map[string]any{parameter: value},
		IsAsync:    async,
	}
}

func contents(events []*coze.WorkflowEvent) []string {
	var found []string
	for _, event := range events {
		if event.Message != nil {
			found = append(found, event.Message.Content)
		}
	}
	return found
}

// finished gives the history of a run of `report` that went on in the background.
func (t *T) finished() (string, *coze.WorkflowRunHistory) {
	id := must(t.coze.Workflows.Runs.Create(t.ctx, run(report, "topic", "go", true))).ExecuteID
	history := until("the run ends", func() (*coze.WorkflowRunHistory, bool) {
		found := must(t.coze.Workflows.Runs.Histories.Retrieve(t.ctx, &coze.RetrieveWorkflowsRunsHistoriesReq{
			WorkflowID: report, ExecuteID: id,
		}))
		return found.Histories[0], found.Histories[0].ExecuteStatus != coze.WorkflowExecuteStatusRunning
	})
	return id, history
}

var workflows = []method{
	{"Workflows.Runs.Create", "RunWorkflow", func(t *T) {
		t.equal(must(t.coze.Workflows.Runs.Create(t.ctx, run(greet, "name", "Ada", false))).Data, `{"output":"Hello Ada!"}`)
		_, err := t.coze.Workflows.Runs.Create(t.ctx, run(nowhere, "name", "Ada", false))
		t.refused(err, 4200)
	}},
	{"Workflows.Runs.Stream", "StreamRunWorkflow", func(t *T) {
		events := all(t.coze.Workflows.Runs.Stream(t.ctx, run(report, "topic", "go", false)))
		t.equal(contents(events), []string{"Working on go", `{"output":"Report about go"}`})
		t.equal(events[0].Message.NodeTitle, "Progress note")
	}},
	{"Workflows.Runs.Resume", "StreamResumeWorkflow StreamRunWorkflow", func(t *T) {
		asked := all(t.coze.Workflows.Runs.Stream(t.ctx, run(trip, "name", "Ada", false)))
		var interrupt *coze.WorkflowEventInterrupt
		for _, event := range asked {
			if event.Interrupt != nil {
				interrupt = event.Interrupt
			}
		}
		events := all(t.coze.Workflows.Runs.Resume(t.ctx, &coze.ResumeRunWorkflowsReq{
			WorkflowID:    trip,
			EventID:       interrupt.InterruptData.EventID,
			InterruptType: interrupt.InterruptData.Type,
			ResumeData:    "Bergen",
		}))
		t.equal(contents(events), []string{`{"output":"Ada goes to Bergen"}`})
	}},
	{"Workflows.Runs.Histories.Retrieve", "RetrieveRunHistory RunWorkflow", func(t *T) {
		_, history := t.finished()
		t.equal(history.ExecuteStatus, coze.WorkflowExecuteStatusSuccess)
		t.yes(strings.Contains(history.Output, "Report about go"), history.Output)
	}},
	{"Workflows.Runs.Histories.ExecuteNodes.Retrieve", "RetrieveNodeHistory RetrieveRunHistory RunWorkflow", func(t *T) {
		id, history := t.finished()
		node := must(t.coze.Workflows.Runs.Histories.ExecuteNodes.Retrieve(t.ctx, &coze.RetrieveWorkflowsRunsHistoriesExecuteNodesReq{
			WorkflowID:      report,
			ExecuteID:       id,
			NodeExecuteUUID: history.NodeExecuteStatus["Progress note"].NodeExecuteUUID,
		}))
		t.yes(strings.Contains(node.NodeOutput, "Working on go"), node.NodeOutput)
	}},
	{"Workflows.Chat.Stream", "ChatWorkflow", func(t *T) {
		bot := scripted
		events := all(t.coze.Workflows.Chat.Stream(t.ctx, &coze.WorkflowsChatStreamReq{
			WorkflowID:         talk,
			BotID:              &bot,
			AdditionalMessages: []*coze.Message{coze.BuildUserQuestionText("hello", nil)},
		}))
		t.equal(t.answerOf(events), answer)
	}},
	{"Workflows.List", "ListWorkflows", func(t *T) {
		place := space
		found := items[coze.WorkflowInfo](t.coze.Workflows.List(t.ctx, &coze.ListWorkflowReq{
			WorkspaceID: &place, PageNum: 1, PageSize: 2,
		}))
		names := map[string]string{}
		for _, it := range found {
			names[it.WorkflowID] = it.WorkflowName
		}
		t.equal([]string{names[greet], names[report], names[trip]}, []string{"greet", "report", "trip"})
	}},
}
