package interop;

import static interop.Suite.ANSWER;
import static interop.Suite.GREET;
import static interop.Suite.NOWHERE;
import static interop.Suite.REPORT;
import static interop.Suite.SCRIPTED;
import static interop.Suite.TALK;
import static interop.Suite.TRIP;
import static interop.Suite.refused;
import static interop.Suite.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.connversations.message.model.Message;
import com.coze.openapi.client.workflows.chat.WorkflowChatReq;
import com.coze.openapi.client.workflows.run.ResumeRunReq;
import com.coze.openapi.client.workflows.run.RetrieveRunHistoryReq;
import com.coze.openapi.client.workflows.run.RunWorkflowReq;
import com.coze.openapi.client.workflows.run.model.WorkflowEvent;
import com.coze.openapi.client.workflows.run.model.WorkflowEventInterrupt;
import com.coze.openapi.client.workflows.run.model.WorkflowRunHistory;
import com.coze.openapi.service.service.CozeAPI;
import java.util.List;
import java.util.Map;

final class Workflows {
  private Workflows() {}

  private static RunWorkflowReq run(String workflow, String parameter, String value, boolean async) {
    return RunWorkflowReq.builder()
        .workflowID(workflow)
        .parameters(Map.of(parameter, value))
        .isAsync(async)
        .build();
  }

  private static List<String> contents(List<WorkflowEvent> events) {
    return events.stream().filter(it -> it.getMessage() != null).map(it -> it.getMessage().getContent()).toList();
  }

  static void add(Suite suite, CozeAPI coze) {
    suite.method(
        "workflows.runs.create",
        "RunWorkflow",
        () -> {
          String data = coze.workflows().runs().create(run(GREET, "name", "Ada", false)).getData();
          assertEquals("{\"output\":\"Hello Ada!\"}", data);
          refused(() -> coze.workflows().runs().create(run(NOWHERE, "name", "Ada", false)), 4200);
        });
    suite.method(
        "workflows.runs.stream",
        "StreamRunWorkflow",
        () -> {
          List<WorkflowEvent> events =
              coze.workflows().runs().stream(run(REPORT, "topic", "go", false)).toList().blockingGet();
          assertEquals(List.of("Working on go", "{\"output\":\"Report about go\"}"), contents(events));
          assertEquals("Progress note", events.get(0).getMessage().getNodeTitle());
        });
    suite.method(
        "workflows.runs.resume",
        "StreamResumeWorkflow StreamRunWorkflow",
        () -> {
          List<WorkflowEvent> asked =
              coze.workflows().runs().stream(run(TRIP, "name", "Ada", false)).toList().blockingGet();
          WorkflowEventInterrupt interrupt =
              asked.stream().map(WorkflowEvent::getInterrupt).filter(it -> it != null).findFirst().orElseThrow();
          ResumeRunReq resume =
              ResumeRunReq.builder()
                  .workflowID(TRIP)
                  .eventID(interrupt.getInterruptData().getEventID())
                  .interruptType(interrupt.getInterruptData().getType())
                  .resumeData("Bergen")
                  .build();
          List<WorkflowEvent> events = coze.workflows().runs().resume(resume).toList().blockingGet();
          assertEquals(List.of("{\"output\":\"Ada goes to Bergen\"}"), contents(events));
        });
    suite.method(
        "workflows.runs.histories.retrieve",
        "RetrieveRunHistory RunWorkflow",
        () -> {
          String id = coze.workflows().runs().create(run(REPORT, "topic", "go", true)).getExecuteID();
          WorkflowRunHistory history =
              until(
                  "the run ends",
                  () -> {
                    RetrieveRunHistoryReq retrieve = RetrieveRunHistoryReq.of(REPORT, id);
                    WorkflowRunHistory it =
                        coze.workflows().runs().histories().retrieve(retrieve).getHistories().get(0);
                    return it.getExecuteStatus().getValue().equals("Running") ? null : it;
                  });
          assertEquals("Success", history.getExecuteStatus().getValue());
          assertTrue(history.getOutput().contains("Report about go"), history.getOutput());
        });
    suite.method(
        "workflows.chat.stream",
        "ChatWorkflow",
        () -> {
          WorkflowChatReq chat =
              WorkflowChatReq.builder()
                  .workflowID(TALK)
                  .botID(SCRIPTED)
                  .additionalMessages(List.of(Message.buildUserQuestionText("hello")))
                  .build();
          assertEquals(ANSWER, Chats.answerOf(coze.workflows().chat().stream(chat).toList().blockingGet()));
        });
  }
}
