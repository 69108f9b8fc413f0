package interop;

import static interop.Suite.NOWHERE;
import static interop.Suite.SCRIPTED;
import static interop.Suite.SPACE;
import static interop.Suite.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.bots.CreateBotReq;
import com.coze.openapi.client.bots.ListBotReq;
import com.coze.openapi.client.bots.PublishBotReq;
import com.coze.openapi.client.bots.RetrieveBotReq;
import com.coze.openapi.client.bots.UpdateBotReq;
import com.coze.openapi.client.bots.model.Bot;
import com.coze.openapi.client.bots.model.BotOnboardingInfo;
import com.coze.openapi.client.bots.model.BotPromptInfo;
import com.coze.openapi.client.bots.model.SimpleBot;
import com.coze.openapi.service.service.CozeAPI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

final class Bots {
  private Bots() {}

  private static String make(CozeAPI coze, String name) {
    CreateBotReq create =
        CreateBotReq.builder()
            .spaceID(SPACE)
            .name(name)
            .description("made by a test")
            .promptInfo(BotPromptInfo.builder().prompt("You are brief.").build())
            .onboardingInfo(
                BotOnboardingInfo.builder().prologue("Hi").suggestedQuestions(List.of("Why?")).build())
            .build();
    return coze.bots().create(create).getBotID();
  }

  private static void publish(CozeAPI coze, String bot) {
    coze.bots().publish(PublishBotReq.builder().botID(bot).connectorIDs(List.of("1024")).build());
  }

  private static Bot read(CozeAPI coze, String bot) {
    return coze.bots().retrieve(RetrieveBotReq.of(bot)).getBot();
  }

  static void add(Suite suite, CozeAPI coze) {
    suite.method(
        "bots.create",
        "CreateBot PublishBot RetrieveOnlineBot",
        () -> {
          String bot = make(coze, "Made");
          publish(coze, bot);
          Bot found = read(coze, bot);
          assertEquals("Made", found.getName());
          assertEquals("You are brief.", found.getPromptInfo().getPrompt());
          assertEquals(List.of("Why?"), found.getOnboardingInfo().getSuggestedQuestions());
        });
    suite.method(
        "bots.update",
        "UpdateBot CreateBot PublishBot RetrieveOnlineBot",
        () -> {
          String bot = make(coze, suite.fresh("agent"));
          coze.bots().update(UpdateBotReq.builder().botID(bot).name("Renamed").build());
          publish(coze, bot);
          assertEquals("Renamed", read(coze, bot).getName());
          assertEquals("made by a test", read(coze, bot).getDescription());
        });
    suite.method(
        "bots.publish",
        "PublishBot CreateBot StartChat",
        () -> {
          String bot = make(coze, suite.fresh("agent"));
          refused(() -> coze.chat().create(Chats.ask(bot, "hello")), 4015);
          publish(coze, bot);
          String answer = Chats.answerOf(coze.chat().stream(Chats.ask(bot, "hello")).toList().blockingGet());
          assertTrue(!answer.isEmpty());
        });
    suite.method(
        "bots.list",
        "ListPublishedBots",
        () -> {
          Map<String, String> names = new HashMap<>();
          ListBotReq list = ListBotReq.builder().spaceID(SPACE).pageNum(1).pageSize(1).build();
          coze.bots()
              .list(list)
              .getIterator()
              .forEachRemaining((SimpleBot it) -> names.put(it.getBotID(), it.getBotName()));
          assertEquals("Scripted", names.get(SCRIPTED));
          assertTrue(names.size() >= 2, "all pages");
        });
    suite.method(
        "bots.retrieve",
        "RetrieveOnlineBot",
        () -> {
          Bot bot = read(coze, SCRIPTED);
          assertEquals("Scripted", bot.getName());
          assertEquals("Welcome", bot.getOnboardingInfo().getPrologue());
          refused(() -> read(coze, NOWHERE), 4200);
        });
  }
}
