//! What is wrong with a bucket is said at the start, in one sentence, and without a secret.

use super::*;
use scratch_s3::READER;

async fn refused(server: &ScratchS3, change: impl Fn(&mut S3Config)) -> (S3ConnectError, String) {
    let folder = TempDir::new().unwrap();
    let mut config = config(server);
    change(&mut config);
    let error =
        S3BlobStore::connect(&config, folder.path(), Uuid::from_u128(7), FileUse::of_blobs(None)).await.unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is begun");
    let said = format!("{error} {error:?} {config:?}");
    assert!(!said.contains(&config.credentials.secret_key), "{said}");
    assert!(!error.to_string().contains('\n'), "one sentence: {error}");
    (error, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_said_at_once() {
    let mut server = ScratchS3::start("films").unwrap();
    let (error, said) = refused(&server, |config| config.bucket = "lost".to_owned()).await;
    assert!(matches!(&error, S3ConnectError::NoBucket { bucket, .. } if bucket == "lost"), "{said}");
    let (error, said) = refused(&server, |config| config.credentials = credentials(("nobody", "his-secret-key"))).await;
    assert!(matches!(&error, S3ConnectError::Refused { access_key, .. } if access_key == "nobody"), "{said}");
    let (error, said) = refused(&server, |config| config.credentials = credentials((WRITER.0, "wrong-secret"))).await;
    assert!(matches!(&error, S3ConnectError::Refused { .. }), "{said}");
    let (error, said) = refused(&server, |config| config.credentials = credentials(READER)).await;
    assert!(matches!(&error, S3ConnectError::NoRight { what: "write", .. }), "{said}");
    let (error, said) = refused(&server, |config| config.allow_http = false).await;
    assert!(matches!(&error, S3ConnectError::NotEncrypted { .. }), "{said}");
    for address in ["127.0.0.1:9000", "ftp://127.0.0.1", "http://", ""] {
        let (error, said) = refused(&server, |config| config.endpoint = Some(address.to_owned())).await;
        assert!(matches!(&error, S3ConnectError::NoAddress { .. }), "{said}");
    }
    let secure = server.endpoint().replace("http://", "https://");
    let (error, said) = refused(&server, |config| config.endpoint = Some(secure.clone())).await;
    assert!(matches!(&error, S3ConnectError::Unreachable { .. }), "it does not speak TLS: {said}");
    assert_eq!(server.keys().unwrap(), [""; 0], "nothing is left in the bucket");
    server.stop();
    let (error, said) = refused(&server, |_| {}).await;
    assert!(matches!(&error, S3ConnectError::Unreachable { .. }), "{said}");
    let (error, said) =
        refused(&server, |config| config.endpoint = Some("http://no.such.host.invalid".to_owned())).await;
    assert!(matches!(&error, S3ConnectError::Unreachable { .. }), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blobs_of_another_installation_are_not_touched() {
    let server = ScratchS3::start("films").unwrap();
    let (_folder, first) = open(&server, |_| {}).await;
    let (_folder, _again) = open(&server, |_| {}).await;
    first.put_bytes(b"one".to_vec(), "text/vtt").await.unwrap();
    let (error, said) = refused(&server, |config| config.installation = Uuid::from_u128(2)).await;
    assert!(matches!(&error, S3ConnectError::Taken { prefix, .. } if prefix == "home"), "{said}");
    let (_folder, beside) = open(&server, |config| {
        config.installation = Uuid::from_u128(2);
        config.prefix = "house".to_owned();
    })
    .await;
    assert_eq!(beside.list(None, 10).await.unwrap(), [], "names that begin alike are apart");
    assert_eq!(first.list(None, 10).await.unwrap().len(), 1);
}

#[test]
fn the_bucket_stands_in_the_path_or_in_the_hosts_name() {
    let server = ScratchS3::start("films").unwrap();
    let check = |endpoint: Option<&str>, path_style: bool, expected: &str| {
        let endpoint = endpoint.map(str::to_owned);
        let config = S3Config { endpoint, path_style, region: "mars-1".to_owned(), ..config(&server) };
        assert_eq!(super::super::connect::place(&config).unwrap(), expected);
    };
    check(Some("https://s3.example.org"), true, "https://s3.example.org");
    check(Some("https://s3.example.org:9000"), false, "https://films.s3.example.org:9000");
    check(None, true, "https://s3.mars-1.amazonaws.com");
    check(None, false, "https://films.s3.mars-1.amazonaws.com");
}

#[test]
fn credentials_are_read_as_amazons_programs_do() {
    let text = "# a remark\n[default]\naws_access_key_id = AK\naws_secret_access_key=se=cret\n\n[ other ]\n; another\n\
                region = mars-1\naws_access_key_id=AK2\naws_secret_access_key = s2\naws_session_token = token\n[empty]\n\
                aws_access_key_id = AK3\naws_secret_access_key =\n";
    let found = S3Credentials::parse(text, "default").unwrap();
    assert_eq!(found, credentials(("AK", "se=cret")));
    let found = S3Credentials::parse(text, "other").unwrap();
    assert_eq!(found, S3Credentials { session_token: Some("token".to_owned()), ..credentials(("AK2", "s2")) });
    let shown = format!("{found:?}");
    assert!(shown.contains("AK2") && !shown.contains("s2") && !shown.contains("token"), "{shown}");
    let check = |text: &str, profile: &str, expected: CredentialsError| {
        assert_eq!(S3Credentials::parse(text, profile).unwrap_err(), expected);
    };
    check(text, "none", CredentialsError::NoProfile("none".to_owned()));
    let lacks = |profile: &str, key| CredentialsError::NoKey { profile: profile.to_owned(), key };
    check(text, "empty", lacks("empty", "aws_secret_access_key"));
    check("[default]", "default", lacks("default", "aws_access_key_id"));
    check("[default]\nsecret", "default", CredentialsError::NoLine(2));
    check("", "default", CredentialsError::NoProfile("default".to_owned()));
}
