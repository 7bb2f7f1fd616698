//! Secrets are planted, used, and looked for everywhere: in what the server says and in what it leaves behind.

use super::rig::{Answer, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

const ADMIN_PASSWORD: &str = "planted horses of the first admin";
const SMTP_PASSWORD: &str = "planted-password-of-the-mail-server";
const OTLP_TOKEN: &str = "planted-token-of-the-collector";

/// Files that are made to hold secrets, for their owner only.
const SAFES: [&str; 4] = ["keys", "api-token", "link-key", "signing"];

#[test]
fn secrets_are_nowhere_but_in_their_places() {
    let variables = vec![
        ("DRAGOMAN_ADMIN_EMAIL", "ada@example.org".to_owned()),
        ("DRAGOMAN_ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
        ("DRAGOMAN_SMTP__HOST", "127.0.0.1".to_owned()),
        ("DRAGOMAN_SMTP__PORT", "1".to_owned()),
        ("DRAGOMAN_SMTP__FROM", "dub@example.org".to_owned()),
        ("DRAGOMAN_SMTP__USER", "dub".to_owned()),
        ("DRAGOMAN_SMTP__PASSWORD", SMTP_PASSWORD.to_owned()),
        ("DRAGOMAN_TELEMETRY__OTLP_HEADERS", format!("authorization={OTLP_TOKEN}")),
        ("DRAGOMAN_WEBHOOKS__ALLOW_PRIVATE", "true".to_owned()),
        ("DRAGOMAN_LOG", "trace".to_owned()),
    ];
    let mut server = Server::start_with(variables.clone());
    let mut planted = use_secrets(&server);
    planted.insert("the operator's token", fs::read_to_string(server.user.data().join("api-token")).expect("a token"));
    planted.insert("the admin's password", ADMIN_PASSWORD.to_owned());
    planted.insert("the mail server's password", SMTP_PASSWORD.to_owned());
    planted.insert("the collector's token", OTLP_TOKEN.to_owned());
    let mut said: Vec<(String, Vec<u8>)> =
        ["/v1/openapi.json", "/metrics", "/health", "/v1/security-events", "/v1/keys", "/v1/webhooks"]
            .map(|path| (path.to_owned(), server.get(path).body))
            .into();
    assert_eq!(server.stop(), Some(0));
    said.push(("the log of the program".to_owned(), server.complaints().into_bytes()));
    for args in [&["config", "show"][..], &["config", "show", "--json"], &["log", "verify"]] {
        let output = server.user.command(args).envs(variables.clone()).output().expect("it runs");
        said.push((args.join(" "), [output.stdout, output.stderr].concat()));
    }
    collect(&server.user.data(), &mut said);
    assert!(said.len() > 12, "something was looked at");
    for (name, secret) in &planted {
        let secret = secret.trim().as_bytes();
        assert!(secret.len() >= 16, "{name} can be told from other texts");
        for (place, bytes) in &said {
            // Admins see where their webhooks lead.
            if (*name, place.as_str()) == ("the webhook's path", "/v1/webhooks") {
                continue;
            }
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name} stands in {place}");
        }
    }
}

/// Signs in, makes what has a secret, and uses it; each secret by its name.
fn use_secrets(server: &Server) -> BTreeMap<&'static str, String> {
    let sign_in = json!({"grant_type": "password", "username": "ada@example.org", "password": ADMIN_PASSWORD});
    let pair = server.post("/v1/auth/token", &sign_in).json(StatusCode::OK);
    let next = json!({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]});
    let next = server.post("/v1/auth/token", &next).json(StatusCode::OK);
    let token = text(&next["access_token"]);
    let post = |path: &str, token: &str, body: &Value| -> Answer {
        let request = server.ask(Method::POST, path).header("content-type", "application/json");
        // `ask` shows the operator's token; the last one counts.
        let mut request = request.body(body.to_string()).build().expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
        server.send(request)
    };
    let key = post("/v1/keys", &token, &json!({"name": "ci", "scopes": ["work:read"]})).json(StatusCode::CREATED);
    let key = text(&key["key"]);
    assert_eq!(post("/v1/projects", &key, &json!({"name": "x"})).status, StatusCode::FORBIDDEN);
    let factor = post("/v1/account/second-factor", &token, &json!({"password": ADMIN_PASSWORD})).json(StatusCode::OK);
    let factor = text(&factor["uri"])
        .split("secret=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .expect("a secret")
        .to_owned();
    let hook = json!({"url": "http://127.0.0.1:1/planted-path-of-a-webhook"});
    let hook = post("/v1/webhooks", &token, &hook).json(StatusCode::CREATED);
    // Something to tell of, and mistakes that are told back.
    assert_eq!(server.post("/v1/projects", &json!({"name": "x"})).status, StatusCode::CREATED);
    post(
        "/v1/auth/token",
        &token,
        &json!({"grant_type": "password", "username": "ada@example.org", "password": "planted wrong guess of a password"}),
    );
    BTreeMap::from([
        ("the first access token", text(&pair["access_token"])),
        ("the access token", token),
        ("the first refresh token", text(&pair["refresh_token"])),
        ("the refresh token", text(&next["refresh_token"])),
        ("the key's secret", key.rsplit('_').next().expect("a secret").to_owned()),
        ("the second factor", factor),
        ("the webhook's secret", text(&hook["secret"])),
        ("the webhook's path", "planted-path-of-a-webhook".to_owned()),
        ("a wrong password", "planted wrong guess of a password".to_owned()),
    ])
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Every file of the data folder but the safes.
fn collect(folder: &Path, said: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if SAFES.iter().any(|safe| path.ends_with(safe)) {
            continue;
        }
        if path.is_dir() {
            collect(&path, said);
        } else {
            said.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
}
