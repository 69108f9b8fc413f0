package interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.exception.CozeApiException;
import com.coze.openapi.client.exception.CozeAuthException;
import com.coze.openapi.service.service.CozeAPI;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.function.Executable;

/**
 * The cases of the suite, and what came of them.
 *
 * <p>A case is a method of the SDK, the rows of our API that it needs (the one that it is about first),
 * and code that uses the method for real. Where one of the rows stands in not_served.txt, the call has
 * to be refused with the error that says so.
 */
final class Suite {
  // The ids of interop/server/coze.yaml.
  static final String SCRIPTED = "7500000000000000101";
  static final String GREET = "7500000000000000201";
  static final String REPORT = "7500000000000000202";
  static final String TRIP = "7500000000000000203";
  static final String TALK = "7500000000000000204";

  /** The space that a server has from the start. */
  static final String SPACE = "7500000000000000003";

  static final String NOWHERE = "7599999999999999999";
  static final String ANSWER = "Hello, 你好 🌍";

  // The codes of what is not there.
  static final int NO_CONVERSATION = 4001;
  static final int NO_CHAT = 4002;
  static final int NO_MESSAGE = 4005;

  record Case(String name, List<String> rows, Executable run) {}

  final Map<String, Case> cases = new LinkedHashMap<>();
  private final Map<String, String> outcomes = new LinkedHashMap<>();
  private final Set<String> notServed = notServed();
  private int count = 0;

  final String base;

  Suite(String base) throws IOException {
    this.base = base;
  }

  /** Adds the case of a method; the rows are one text with blanks between them. */
  void method(String name, String rows, Executable run) {
    Case before = cases.put(name, new Case(name, List.of(rows.split(" ")), run));
    assertEquals(null, before, name + " has a case already");
  }

  /** A name that nothing else has. */
  String fresh(String what) {
    return what + " " + ++count;
  }

  void run(Case it) throws Throwable {
    outcomes.put(it.name(), "fails");
    List<String> missing = it.rows().stream().filter(notServed::contains).toList();
    if (missing.isEmpty()) {
      it.run().execute();
      outcomes.put(it.name(), "passes");
      return;
    }
    Throwable error =
        assertThrows(Throwable.class, it.run(), () -> "take " + missing + " off not_served.txt, or mend the case");
    if (!isNotServed(error)) {
      throw error;
    }
    outcomes.put(it.name(), "not served");
  }

  /** Whether it is the documented answer to what is not served. */
  static boolean isNotServed(Throwable error) {
    for (Throwable it = error; it != null; it = it.getCause()) {
      String text = String.valueOf(it.getMessage());
      if (text.contains("has no endpoint") || text.contains("does not serve")) {
        return true;
      }
      if (it instanceof CozeAuthException auth && auth.getStatusCode() == 404) {
        return true;
      }
    }
    return false;
  }

  /** The call is refused with one of the codes. */
  static void refused(Executable call, int... codes) throws Throwable {
    Throwable error = assertThrows(Throwable.class, call);
    if (isNotServed(error)) {
      throw error;
    }
    for (Throwable it = error; it != null; it = it.getCause()) {
      if (it instanceof CozeApiException refusal) {
        assertTrue(java.util.Arrays.stream(codes).anyMatch(code -> code == refusal.getCode()), refusal.toString());
        assertNotNull(refusal.getLogID(), "a refusal tells its log id");
        return;
      }
    }
    throw error;
  }

  /** Calls until it gives something. */
  static <T> T until(String what, Callable<T> probe) throws Exception {
    for (int tries = 0; tries < 200; tries++) {
      T found = probe.call();
      if (found != null) {
        return found;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("not in time: " + what);
  }

  /** The methods of the services that this suite is about, as they are in the package. */
  static Set<String> methods() {
    Set<String> found = new TreeSet<>();
    Set<String> about = Set.of("bots", "chat", "conversations", "datasets", "files", "workflows");
    for (Method service : CozeAPI.class.getMethods()) {
      if (about.contains(service.getName())) {
        walk(service.getReturnType(), service.getName(), found);
      }
    }
    found.add("JWTOAuthClient.getAccessToken");
    return found;
  }

  private static void walk(Class<?> service, String path, Set<String> found) {
    for (Method it : service.getDeclaredMethods()) {
      if (!Modifier.isPublic(it.getModifiers()) || Modifier.isStatic(it.getModifiers())) {
        continue;
      }
      String name = path + "." + it.getName();
      if (it.getParameterCount() == 0) {
        walk(it.getReturnType(), name, found);
      } else {
        found.add(name);
      }
    }
  }

  private static Set<String> notServed() throws IOException {
    Set<String> rows = new HashSet<>();
    Path list = Server.REPOSITORY.resolve("crates/coze-server/not_served.txt");
    for (String line : Files.readAllLines(list)) {
      if (!line.startsWith("#") && !line.endsWith(":") && !line.isBlank()) {
        rows.addAll(List.of(line.trim().split("\\s+")));
      }
    }
    return rows;
  }

  /** Writes what came of the cases for the table of docs/compatibility.md. */
  void writeResults() throws IOException {
    String named = System.getenv("COZE_RESULTS");
    Path folder = named != null ? Path.of(named) : Server.REPOSITORY.resolve("target/compatibility");
    Files.createDirectories(folder);
    StringBuilder text = new StringBuilder("coze-java " + System.getProperty("coze.version") + "\n");
    for (Case it : cases.values()) {
      String outcome = outcomes.getOrDefault(it.name(), "fails");
      text.append(it.name() + "\t" + outcome + "\t" + String.join(" ", it.rows()) + "\n");
    }
    Files.writeString(folder.resolve("java.txt"), text);
  }
}
