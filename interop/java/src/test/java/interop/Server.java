package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Starts {@code cozectl serve} for the suite, and ends it. */
final class Server implements AutoCloseable {
  static final Path REPOSITORY = Path.of(System.getProperty("repository")).toAbsolutePath().normalize();
  static final String TOKEN = "test-token";

  private final Process process;
  private final Path data;
  private final Path log;
  final String base;

  Server() throws IOException {
    data = Files.createTempDirectory("coze-java-");
    log = data.resolve("server.log");
    Path config = REPOSITORY.resolve("interop/server/coze.yaml");
    List<String> argv =
        List.of(
            binary().toString(), "serve", "--port", "0", "--data", data.resolve("data").toString(),
            "--config", config.toString(), "--token", TOKEN);
    ProcessBuilder builder = new ProcessBuilder(argv).redirectError(log.toFile());
    // No proxies, no settings of an account.
    builder.environment().keySet().removeIf(it -> it.toLowerCase().endsWith("_proxy") || it.startsWith("COZE_"));
    process = builder.start();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = lines.readLine();
    if (line == null || !line.startsWith("listening on ")) {
      process.destroyForcibly();
      throw new IOException("the server did not start:\n" + Files.readString(log));
    }
    base = line.substring("listening on ".length());
  }

  private static Path binary() throws IOException {
    String named = System.getenv("COZECTL");
    List<Path> places =
        named != null
            ? List.of(Path.of(named).toAbsolutePath())
            : List.of(REPOSITORY.resolve("target/release/cozectl"), REPOSITORY.resolve("target/debug/cozectl"));
    return places.stream()
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() -> new IOException("no cozectl at " + places + "; build it, or set COZECTL"));
  }

  @Override
  public void close() throws Exception {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException("the server did not stop in order:\n" + Files.readString(log));
    }
    try (Stream<Path> files = Files.walk(data)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
