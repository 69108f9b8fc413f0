//! JWTs by which a service proves itself.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coze_api::Coze;

use super::*;

/// Unix seconds by the clock of the machine.
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

fn signing_key(pem: &str) -> KeyPair {
    let base64: String = pem.lines().filter(|it| !it.starts_with('-')).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap()
}

/// A signed JWT that says this.
fn signed(key: &KeyPair, claims: &Value) -> String {
    let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"});
    let unsigned = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    let method = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
    key.sign(method, &random, unsigned.as_bytes(), &mut signature)
        .unwrap();
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_jwt_counts_once_and_for_this_server_only() {
    let (api, pem) = start("").await;
    let (key, now) = (signing_key(&pem), now());
    let sign = |change: Value| {
        let mut claims = json!({
            "iss": "service", "aud": api.host(), "iat": now, "exp": now + 600,
            "jti": change.to_string(),
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        signed(&key, &claims)
    };
    let grant = |seconds: i64| {
        json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "duration_seconds": seconds,
            "scope": null,
        })
    };
    let good = sign(json!({}));
    let (http, tokens) = token(&api, Some(&good), grant(86_399)).await;
    assert_eq!(http, 200, "{tokens}");
    assert!(tokens["refresh_token"].is_null());
    assert!((now + 86_390..now + 86_410).contains(&tokens["expires_in"].as_i64().unwrap()));
    refused(
        &token(&api, Some(&good), grant(900)).await,
        401,
        "invalid_client",
        "used before",
    );
    for (change, why) in [
        (json!({"aud": "api.example.org"}), "aud"),
        (json!({"exp": now - 100, "iat": now - 200}), "expired"),
        (json!({"iat": now + 500}), "future"),
        (json!({"exp": now + 200_000}), "a day"),
        (json!({"jti": ""}), "jti"),
        (json!({"iss": "nobody"}), "nobody"),
        (json!({"session_context": 1}), "session_context"),
        (
            json!({"session_context": {"device_info": []}}),
            "device_info",
        ),
        (
            json!({"session_context": {"device_info": {"device_id": 7}}}),
            "session_context.device_info.device_id is no text",
        ),
    ] {
        refused(
            &token(&api, Some(&sign(change)), grant(900)).await,
            401,
            "invalid_client",
            why,
        );
    }
    // Whose quota is used may be said; it changes nothing here.
    for context in [
        Value::Null,
        json!({}),
        json!({"device_info": {"device_id": "d-1", "custom_consumer": "c-1"}}),
    ] {
        let named = sign(json!({"session_context": context}));
        assert_eq!(token(&api, Some(&named), grant(900)).await.0, 200);
    }
    // The names of the service are taken too, as its own SDKs send them.
    let hosted = sign(json!({"aud": "api.coze.cn"}));
    assert_eq!(token(&api, Some(&hosted), grant(900)).await.0, 200);
    let fresh = sign(json!({"jti": "x"}));
    refused(
        &token(&api, Some(&fresh), grant(86_400)).await,
        400,
        "invalid_request",
        "duration",
    );
    refused(
        &token(&api, Some("a.b.c"), grant(900)).await,
        401,
        "invalid_client",
        "read",
    );
    refused(
        &token(&api, None, grant(900)).await,
        401,
        "invalid_client",
        "Bearer JWT",
    );
}

/// What has been moved forward is the time of everything, JWTs too.
#[tokio::test]
async fn the_times_of_a_jwt_are_those_of_the_servers_clock() {
    let (api, pem) = start("").await;
    let key = signing_key(&pem);
    let sign = |iat: i64, jti: &str| {
        let claims = json!({
            "iss": "service", "aud": api.host(), "iat": iat, "exp": iat + 600, "jti": jti,
        });
        signed(&key, &claims)
    };
    let grant = json!({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"});
    let now = now();
    assert_eq!(
        token(&api, Some(&sign(now, "a")), grant.clone()).await.0,
        200
    );
    let hour = 3600;
    api.advance(Duration::from_secs(3600));
    let late = token(&api, Some(&sign(now, "b")), grant.clone()).await;
    refused(&late, 401, "invalid_client", "expired");
    let (http, tokens) = token(&api, Some(&sign(now + hour, "c")), grant.clone()).await;
    assert_eq!(http, 200, "{tokens}");
    let expires = tokens["expires_in"].as_i64().unwrap();
    assert!((now + hour + 890..now + hour + 920).contains(&expires));
    // One that was used stays used as long as it could be used.
    let again = token(&api, Some(&sign(now + hour, "c")), grant.clone()).await;
    refused(&again, 401, "invalid_client", "used before");

    // The SDK sees from the date of the refusal what time it is here.
    let service = Coze::builder()
        .base_url(api.url())
        .jwt_app("service", "key-1", pem)
        .unwrap();
    let minted = service.session().mint().await.unwrap();
    assert!(minted.access_token.expose().starts_with("czs_"));
}
