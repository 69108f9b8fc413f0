package interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.coze.openapi.service.auth.TokenAuth;
import com.coze.openapi.service.service.CozeAPI;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The methods of {@code coze-java} against {@code cozectl serve}. */
final class MethodsTest {
  private static Server server;
  private static CozeAPI coze;
  private static Suite suite;

  @BeforeAll
  static void start() throws Exception {
    server = new Server();
    coze = new CozeAPI.Builder().baseURL(server.base).auth(new TokenAuth(Server.TOKEN)).build();
    suite = new Suite(server.base);
    Chats.add(suite, coze);
    Conversations.add(suite, coze);
    Workflows.add(suite, coze);
    Bots.add(suite, coze);
    Datasets.add(suite, coze);
    Login.add(suite, server);
  }

  @AfterAll
  static void stop() throws Exception {
    suite.writeResults();
    coze.shutdownExecutor();
    server.close();
  }

  @Test
  void everyMethodHasACaseAndEveryCaseAMethod() {
    assertEquals(Suite.methods(), new TreeSet<>(suite.cases.keySet()));
  }

  @TestFactory
  Stream<DynamicTest> methods() {
    return suite.cases.values().stream().map(it -> DynamicTest.dynamicTest(it.name(), () -> suite.run(it)));
  }
}
