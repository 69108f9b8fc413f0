package interop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.auth.OAuthToken;
import com.coze.openapi.service.auth.JWTOAuthClient;
import java.security.KeyPairGenerator;
import java.util.Base64;

final class Login {
  private Login() {}

  static void add(Suite suite, Server server) {
    suite.method(
        "JWTOAuthClient.getAccessToken",
        "CreateToken",
        () -> {
          KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
          generator.initialize(2048);
          String key =
              Base64.getMimeEncoder(64, new byte[] {'\n'})
                  .encodeToString(generator.generateKeyPair().getPrivate().getEncoded());
          JWTOAuthClient client =
              new JWTOAuthClient.JWTOAuthBuilder()
                  .clientID("7500000000000000604")
                  .publicKey("test-key")
                  .privateKey("-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----\n")
                  .baseURL(server.base)
                  .build();
          OAuthToken token = client.getAccessToken();
          assertTrue(!token.getAccessToken().isEmpty());
        });
  }
}
