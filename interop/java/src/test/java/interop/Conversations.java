package interop;

import static interop.Suite.NOWHERE;
import static interop.Suite.NO_CONVERSATION;
import static interop.Suite.NO_MESSAGE;
import static interop.Suite.SCRIPTED;
import static interop.Suite.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.coze.openapi.client.common.pagination.PageResp;
import com.coze.openapi.client.connversations.ClearConversationReq;
import com.coze.openapi.client.connversations.CreateConversationReq;
import com.coze.openapi.client.connversations.ListConversationReq;
import com.coze.openapi.client.connversations.RetrieveConversationReq;
import com.coze.openapi.client.connversations.message.CreateMessageReq;
import com.coze.openapi.client.connversations.message.DeleteMessageReq;
import com.coze.openapi.client.connversations.message.ListMessageReq;
import com.coze.openapi.client.connversations.message.RetrieveMessageReq;
import com.coze.openapi.client.connversations.message.UpdateMessageReq;
import com.coze.openapi.client.connversations.message.model.Message;
import com.coze.openapi.client.connversations.message.model.MessageContentType;
import com.coze.openapi.client.connversations.message.model.MessageRole;
import com.coze.openapi.client.connversations.model.Conversation;
import com.coze.openapi.client.files.RetrieveFileReq;
import com.coze.openapi.client.files.UploadFileReq;
import com.coze.openapi.client.files.model.FileInfo;
import com.coze.openapi.service.service.CozeAPI;
import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

final class Conversations {
  private Conversations() {}

  private static Conversation make(CozeAPI coze) {
    CreateConversationReq create =
        CreateConversationReq.builder()
            .botID(SCRIPTED)
            .messages(List.of(Message.buildUserQuestionText("first")))
            .metaData(Map.of("k", "v"))
            .build();
    return coze.conversations().create(create).getConversation();
  }

  private static Message put(CozeAPI coze, String conversation, String content) {
    CreateMessageReq create =
        CreateMessageReq.builder()
            .conversationID(conversation)
            .role(MessageRole.USER)
            .content(content)
            .contentType(MessageContentType.TEXT)
            .metadata(Map.of("k", "v"))
            .build();
    return coze.conversations().messages().create(create).getMessage();
  }

  private static Message read(CozeAPI coze, String conversation, String message) {
    RetrieveMessageReq retrieve =
        RetrieveMessageReq.builder().conversationID(conversation).messageID(message).build();
    return coze.conversations().messages().retrieve(retrieve).getMessage();
  }

  static void add(Suite suite, CozeAPI coze) {
    suite.method(
        "conversations.create",
        "CreateConversation",
        () -> {
          Conversation made = make(coze);
          assertEquals(Map.of("k", "v"), made.getMetaData());
          assertNotEquals(null, made.getLastSectionID());
        });
    suite.method(
        "conversations.retrieve",
        "RetrieveConversation CreateConversation",
        () -> {
          Conversation made = make(coze);
          RetrieveConversationReq retrieve = RetrieveConversationReq.of(made.getId());
          assertEquals(
              made.getCreatedAt(), coze.conversations().retrieve(retrieve).getConversation().getCreatedAt());
          RetrieveConversationReq missing = RetrieveConversationReq.of(NOWHERE);
          refused(() -> coze.conversations().retrieve(missing), NO_CONVERSATION);
        });
    suite.method(
        "conversations.list",
        "ListConversations CreateConversation",
        () -> {
          List<String> made = new ArrayList<>();
          for (int i = 0; i < 3; i++) {
            made.add(0, make(coze).getId());
          }
          ListConversationReq list = ListConversationReq.builder().botID(SCRIPTED).pageSize(2).build();
          PageResp<Conversation> page = coze.conversations().list(list);
          List<String> first = page.getItems().stream().map(Conversation::getId).toList();
          assertEquals(made.subList(0, 2), first);
          List<String> all = new ArrayList<>();
          page.getIterator().forEachRemaining(it -> all.add(it.getId()));
          assertEquals(made, all.subList(0, 3));
        });
    suite.method(
        "conversations.clear",
        "ClearConversation CreateConversation",
        () -> {
          Conversation made = make(coze);
          assertEquals(
              made.getId(),
              coze.conversations().clear(ClearConversationReq.of(made.getId())).getConversationID());
        });
    suite.method(
        "conversations.messages.create",
        "CreateMessage CreateConversation",
        () -> {
          String conversation = make(coze).getId();
          Message made = put(coze, conversation, "second 你好");
          assertEquals("second 你好", made.getContent());
          assertEquals(MessageRole.USER, made.getRole());
          refused(() -> put(coze, NOWHERE, "x"), NO_CONVERSATION);
        });
    suite.method(
        "conversations.messages.retrieve",
        "RetrieveMessage CreateMessage CreateConversation",
        () -> {
          String conversation = make(coze).getId();
          Message made = put(coze, conversation, "second");
          assertEquals("second", read(coze, conversation, made.getId()).getContent());
          refused(() -> read(coze, conversation, NOWHERE), NO_MESSAGE);
        });
    suite.method(
        "conversations.messages.update",
        "ModifyMessage RetrieveMessage CreateMessage CreateConversation",
        () -> {
          String conversation = make(coze).getId();
          Message made = put(coze, conversation, "second");
          UpdateMessageReq update =
              UpdateMessageReq.builder()
                  .conversationID(conversation)
                  .messageID(made.getId())
                  .content("third")
                  .contentType(MessageContentType.TEXT)
                  .build();
          coze.conversations().messages().update(update);
          assertEquals("third", read(coze, conversation, made.getId()).getContent());
        });
    suite.method(
        "conversations.messages.list",
        "ListMessages CreateMessage CreateConversation",
        () -> {
          String conversation = make(coze).getId();
          put(coze, conversation, "second");
          put(coze, conversation, "third");
          ListMessageReq list =
              ListMessageReq.builder().conversationID(conversation).order("asc").limit(2).build();
          List<String> all = new ArrayList<>();
          coze.conversations().messages().list(list).getIterator().forEachRemaining(it -> all.add(it.getContent()));
          assertEquals(List.of("first", "second", "third"), all, "all pages, nothing twice");
        });
    suite.method(
        "conversations.messages.delete",
        "DeleteMessage RetrieveMessage CreateMessage CreateConversation",
        () -> {
          String conversation = make(coze).getId();
          Message made = put(coze, conversation, "second");
          coze.conversations().messages().delete(DeleteMessageReq.of(conversation, made.getId()));
          refused(() -> read(coze, conversation, made.getId()), NO_MESSAGE);
        });
    suite.method(
        "files.upload",
        "UploadFile",
        () -> {
          FileInfo bytes = coze.files().upload(UploadFileReq.of("notes.txt", "hello".getBytes())).getFileInfo();
          assertEquals(5, bytes.getBytes());
          assertEquals("notes.txt", bytes.getFileName());
          File file = Files.writeString(Files.createTempFile("notes", ".txt"), "hello!").toFile();
          UploadFileReq upload = UploadFileReq.builder().file(file).fileName("a.txt").build();
          assertEquals(6, coze.files().upload(upload).getFileInfo().getBytes());
          // Sent without a file name, which makes the part a text.
          refused(() -> coze.files().upload(UploadFileReq.of(file)), 4000);
          file.delete();
        });
    suite.method(
        "files.retrieve",
        "RetrieveFile UploadFile",
        () -> {
          FileInfo made = coze.files().upload(UploadFileReq.of("notes.txt", "hello".getBytes())).getFileInfo();
          FileInfo found = coze.files().retrieve(RetrieveFileReq.of(made.getID())).getFileInfo();
          assertEquals(5, found.getBytes());
          refused(() -> coze.files().retrieve(RetrieveFileReq.of(NOWHERE)), 4200);
        });
  }
}
