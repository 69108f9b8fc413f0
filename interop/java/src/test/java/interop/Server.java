package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.util.Base64;
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

  /** The key of the application that logs in with JWT: made for each run, none lies in the repository. */
  final PrivateKey key;

  Server() throws Exception {
    data = Files.createTempDirectory("coze-java-");
    log = data.resolve("server.log");
    Path config = data.resolve("config");
    Path from = REPOSITORY.resolve("interop/server");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, config.resolve(from.relativize(file).toString()));
      }
    }
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair pair = generator.generateKeyPair();
    key = pair.getPrivate();
    Files.writeString(config.resolve("jwt.pub.pem"), pem("PUBLIC KEY", pair.getPublic()));
    List<String> argv =
        List.of(
            binary().toString(), "serve", "--port", "0", "--data", data.resolve("data").toString(),
            "--config", config.resolve("coze.yaml").toString(), "--token", TOKEN);
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

  static String pem(String kind, Key key) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
    return "-----BEGIN " + kind + "-----\n" + text + "\n-----END " + kind + "-----\n";
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
