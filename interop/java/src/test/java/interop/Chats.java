package interop;

import static interop.Suite.ANSWER;
import static interop.Suite.NOWHERE;
import static interop.Suite.NO_CHAT;
import static interop.Suite.SCRIPTED;
import static interop.Suite.refused;
import static interop.Suite.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.chat.CancelChatReq;
import com.coze.openapi.client.chat.CreateChatReq;
import com.coze.openapi.client.chat.RetrieveChatReq;
import com.coze.openapi.client.chat.SubmitToolOutputsReq;
import com.coze.openapi.client.chat.message.ListMessageReq;
import com.coze.openapi.client.chat.model.Chat;
import com.coze.openapi.client.chat.model.ChatEvent;
import com.coze.openapi.client.chat.model.ChatEventType;
import com.coze.openapi.client.chat.model.ChatPoll;
import com.coze.openapi.client.chat.model.ChatStatus;
import com.coze.openapi.client.chat.model.ChatToolCall;
import com.coze.openapi.client.chat.model.ToolOutput;
import com.coze.openapi.client.connversations.message.model.Message;
import com.coze.openapi.client.connversations.message.model.MessageType;
import com.coze.openapi.service.service.CozeAPI;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

final class Chats {
  private Chats() {}

  static CreateChatReq ask(String bot, String text) {
    return CreateChatReq.builder()
        .botID(bot)
        .userID("u")
        .messages(List.of(Message.buildUserQuestionText(text)))
        .metaData(Map.of("k", "v"))
        .build();
  }

  static Chat start(CozeAPI coze, String text) {
    return coze.chat().create(ask(SCRIPTED, text)).getChat();
  }

  static Chat ended(CozeAPI coze, Chat chat) throws Exception {
    return until(
        "the chat ends",
        () -> {
          Chat now = coze.chat().retrieve(RetrieveChatReq.of(chat.getConversationID(), chat.getID())).getChat();
          boolean running =
              now.getStatus().equals(ChatStatus.CREATED) || now.getStatus().equals(ChatStatus.IN_PROGRESS);
          return running ? null : now;
        });
  }

  /** The answer of a stream that ended as it should. */
  static String answerOf(List<ChatEvent> events) {
    assertTrue(events.stream().anyMatch(it -> it.getEvent().equals(ChatEventType.CONVERSATION_CHAT_COMPLETED)));
    return events.stream()
        .filter(it -> it.getEvent().equals(ChatEventType.CONVERSATION_MESSAGE_COMPLETED))
        .filter(it -> it.getMessage().getType().equals(MessageType.ANSWER))
        .map(it -> it.getMessage().getContent())
        .collect(Collectors.joining());
  }

  private static SubmitToolOutputsReq paused(CozeAPI coze) throws Exception {
    Chat chat = ended(coze, start(coze, "weather"));
    assertEquals(ChatStatus.REQUIRES_ACTION, chat.getStatus());
    List<ChatToolCall> calls = chat.getRequiredAction().getSubmitToolOutputs().getToolCalls();
    assertEquals("get_weather", calls.get(0).getFunction().getName());
    return SubmitToolOutputsReq.builder()
        .conversationID(chat.getConversationID())
        .chatID(chat.getID())
        .toolOutputs(List.of(ToolOutput.of(calls.get(0).getID(), "fog")))
        .build();
  }

  static void add(Suite suite, CozeAPI coze) {
    suite.method(
        "chat.create",
        "StartChat RetrieveChat",
        () -> {
          Chat chat = start(coze, "hello");
          assertEquals(SCRIPTED, chat.getBotID());
          assertEquals(Map.of("k", "v"), chat.getMetaData());
          assertEquals(ChatStatus.COMPLETED, ended(coze, chat).getStatus());
          refused(() -> coze.chat().create(ask(NOWHERE, "hello")), 4200);
        });
    suite.method(
        "chat.createAndPoll",
        "StartChat RetrieveChat ListChatMessages",
        () -> {
          ChatPoll polled = coze.chat().createAndPoll(ask(SCRIPTED, "hello"));
          assertEquals(ChatStatus.COMPLETED, polled.getChat().getStatus());
          assertTrue(polled.getChat().getUsage().getTokenCount() > 0);
          assertTrue(polled.getMessages().stream().anyMatch(it -> it.getContent().equals(ANSWER)));
        });
    suite.method(
        "chat.stream",
        "StartChat",
        () -> {
          List<ChatEvent> events = coze.chat().stream(ask(SCRIPTED, "hello")).toList().blockingGet();
          assertEquals(ChatEventType.CONVERSATION_CHAT_CREATED, events.get(0).getEvent());
          String deltas =
              events.stream()
                  .filter(it -> it.getEvent().equals(ChatEventType.CONVERSATION_MESSAGE_DELTA))
                  .map(it -> it.getMessage().getContent())
                  .collect(Collectors.joining());
          assertEquals(ANSWER, deltas);
          assertEquals(ANSWER, answerOf(events));
        });
    suite.method(
        "chat.retrieve",
        "RetrieveChat StartChat",
        () -> {
          Chat chat = start(coze, "hello");
          Chat done = ended(coze, chat);
          assertEquals(chat.getID(), done.getID());
          assertTrue(done.getCompletedAt() >= done.getCreatedAt());
          RetrieveChatReq missing = RetrieveChatReq.of(chat.getConversationID(), NOWHERE);
          refused(() -> coze.chat().retrieve(missing), NO_CHAT);
        });
    suite.method(
        "chat.cancel",
        "CancelChat StartChat",
        () -> {
          Chat chat = start(coze, "crawl");
          CancelChatReq cancel = CancelChatReq.of(chat.getConversationID(), chat.getID());
          assertEquals("canceled", coze.chat().cancel(cancel).getChat().getStatus().getValue());
        });
    suite.method(
        "chat.message.list",
        "ListChatMessages StartChat RetrieveChat",
        () -> {
          Chat chat = ended(coze, start(coze, "hello"));
          ListMessageReq list = ListMessageReq.of(chat.getConversationID(), chat.getID());
          List<String> types =
              coze.chat().message().list(list).getMessages().stream()
                  .map(it -> it.getType().getValue())
                  .sorted()
                  .toList();
          assertEquals(List.of("answer", "verbose"), types);
        });
    suite.method(
        "chat.submitToolOutputs",
        "SubmitToolOutputs StartChat RetrieveChat",
        () -> {
          Chat chat = coze.chat().submitToolOutputs(paused(coze)).getChat();
          assertEquals(ChatStatus.COMPLETED, ended(coze, chat).getStatus());
        });
    suite.method(
        "chat.streamSubmitToolOutputs",
        "SubmitToolOutputs StartChat RetrieveChat",
        () ->
            assertEquals(
                "The tool said: fog",
                answerOf(coze.chat().streamSubmitToolOutputs(paused(coze)).toList().blockingGet())));
  }
}
