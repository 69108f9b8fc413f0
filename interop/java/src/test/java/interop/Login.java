package interop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.auth.OAuthToken;
import com.coze.openapi.client.files.UploadFileReq;
import com.coze.openapi.service.auth.JWTOAuthClient;
import com.coze.openapi.service.auth.TokenAuth;
import com.coze.openapi.service.service.CozeAPI;

final class Login {
  private Login() {}

  static void add(Suite suite, Server server) {
    suite.method(
        "JWTOAuthClient.getAccessToken",
        "CreateToken",
        () -> {
          JWTOAuthClient client =
              new JWTOAuthClient.JWTOAuthBuilder()
                  .clientID("jwt.app")
                  .publicKey("test-key")
                  .privateKey(Server.pem("PRIVATE KEY", server.key))
                  .baseURL(server.base)
                  .build();
          OAuthToken token = client.getAccessToken();
          CozeAPI coze =
              new CozeAPI.Builder().baseURL(server.base).auth(new TokenAuth(token.getAccessToken())).build();
          assertTrue(coze.files().upload(UploadFileReq.of("a.txt", new byte[1])).getFileInfo().getBytes() == 1);
        });
  }
}
