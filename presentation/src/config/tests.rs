//! Configurations that hold and such that do not, each told by key, source and what is allowed.

use super::*;
use media_gstreamer::MediaLimits;
use std::{ffi::OsString, fs, path::Path, time::Duration};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dragoman.example.toml");

#[test]
fn defaults_hold() {
    let loaded = load(&Inputs::default()).expect("defaults hold");
    let config = &loaded.config;
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((config.http.body_bytes_max, config.uploads.bytes_max), (1 << 20, 5 << 30));
    assert_eq!(
        (config.http.request_timeout, config.uploads.expire_after),
        (Duration::from_secs(30), Duration::from_secs(86_400))
    );
    assert_eq!((config.jobs.active_max, config.jobs.queued_max, config.scan.clamd.as_ref()), (0, 1000, None));
    assert!(loaded.effective.iter().all(|one| one.source == Source::Default));
}

#[test]
fn unless_somebody_chose_only_a_server_logs() {
    let filter = |variables: &[(&str, &str)], is_server| {
        let loaded = load_text("", variables, &[]).expect("it holds");
        crate::wiring::telemetry(&loaded.config, is_server).log_filter.to_string()
    };
    assert_eq!([true, false].map(|is_server| filter(&[], is_server)), ["info", "off"]);
    for chosen in ["off", "debug"] {
        assert_eq!([true, false].map(|is_server| filter(&[("DRAGOMAN_LOG", chosen)], is_server)), [chosen; 2]);
    }
    let shown = load(&Inputs::default()).expect("defaults hold");
    let shown = shown.effective.iter().find(|one| one.key == "telemetry.log_filter").expect("the key");
    assert_eq!(
        (shown.value.as_deref(), &shown.source),
        (None, &Source::Default),
        "which of both depends on the command"
    );
}

#[test]
fn stronger_layers_win() {
    let at = |line| format!("FILE:{line}");
    let text = "[http]\nlisten = \"127.0.0.1:1\"\nconnections_max = 7\n";
    let (variable, flag) = (("DRAGOMAN_HTTP__LISTEN", "127.0.0.1:2"), ("http.listen", "--listen", "127.0.0.1:3"));
    value("", &[], &[], "http.listen", "127.0.0.1:8080", "default");
    value(text, &[], &[], "http.listen", "127.0.0.1:1", &at(2));
    value(text, &[variable], &[], "http.listen", "127.0.0.1:2", "$DRAGOMAN_HTTP__LISTEN");
    value(text, &[variable], &[flag], "http.listen", "127.0.0.1:3", "--listen");
    value(text, &[variable], &[flag], "http.connections_max", "7", &at(3));
    // Set to nothing is not set.
    value(text, &[("DRAGOMAN_HTTP__LISTEN", "")], &[], "http.listen", "127.0.0.1:1", &at(2));
}

#[test]
fn short_names_of_variables_go_on_working() {
    value("", &[("DRAGOMAN_DATA_DIR", "/data")], &[], "data_dir", "/data", "$DRAGOMAN_DATA_DIR");
    value("", &[("DRAGOMAN_LOG", "warn")], &[], "telemetry.log_filter", "warn", "$DRAGOMAN_LOG");
    let signing = [("DRAGOMAN_SIGNING_CERT", "/c.pem"), ("DRAGOMAN_SIGNING_KEY", "/k.pem")];
    value("", &signing, &[], "signing.cert", "/c.pem", "$DRAGOMAN_SIGNING_CERT");
    value("", &signing, &[], "signing.key", "/k.pem", "$DRAGOMAN_SIGNING_KEY");
    // The long name is the more exact one.
    let both = [("DRAGOMAN_LOG", "warn"), ("DRAGOMAN_TELEMETRY__LOG_FILTER", "info")];
    value("", &both, &[], "telemetry.log_filter", "info", "$DRAGOMAN_TELEMETRY__LOG_FILTER");
}

#[test]
fn values_are_read_by_their_kind() {
    let config = |text: &str| load_text(text, &[], &[]).expect(text).config;
    let timeout = |text: &str| config(&format!("http.request_timeout = \"{text}\"")).http.request_timeout.as_millis();
    assert_eq!(
        [timeout("10s"), timeout("1m30s"), timeout("12500ms"), timeout("10m")],
        [10_000, 90_000, 12_500, 600_000]
    );
    let bytes = |text: &str| config(&format!("uploads.bytes_max = \"{text}\"")).uploads.bytes_max;
    assert_eq!([bytes("5GiB"), bytes("1 MiB"), bytes("2097152B")], [5 << 30, 1 << 20, 2 << 20]);
    let price =
        |text: &str| config(&format!("costs.transcribe_per_minute = {text}")).costs.transcribe_per_minute.micros;
    assert_eq!([price("0"), price("2"), price("0.012"), price("1.000001")], [0, 2_000_000, 12_000, 1_000_001]);
    assert_eq!(config("jobs.queued_max = 10_000").jobs.queued_max, 10_000);
    let scan = config("[scan]\nclamd = \"tcp:127.0.0.1:3310\"\nrequired = true").scan;
    assert_eq!(
        (scan.clamd.map(|clamd| clamd.to_string()).as_deref(), scan.required),
        (Some("tcp:127.0.0.1:3310"), Some(true))
    );
    let origins = config("http.cors_origins = [\"https://a.example\", \"http://localhost:3000\"]").http.cors_origins;
    assert_eq!(origins, ["https://a.example", "http://localhost:3000"]);
    let variables =
        [("DRAGOMAN_HTTP__CORS_ORIGINS", "https://a.example, http://b.example"), ("DRAGOMAN_SCAN__REQUIRED", "false")];
    assert_eq!(load_text("", &variables, &[]).expect("lists").config.http.cors_origins.len(), 2);
}

#[test]
fn wrong_values_name_key_source_and_what_is_allowed() {
    let is_allowed = "an address and a port, such as 127.0.0.1:8080 or [::]:8443";
    check("http.listen = 8080", &format!("http.listen (FILE:1): 8080 is not allowed; allowed: {is_allowed}"));
    check(
        "\n\n[jobs]\nqueued_max = 0",
        "jobs.queued_max (FILE:4): 0 is not allowed; allowed: a whole number from 1 to 1000000",
    );
    for (line, allowed) in [
        ("http.request_timeout = 30", "a time from 1s to 10m, with a unit: ms, s, m, h or d"),
        ("http.request_timeout = \"30\"", "a time from 1s to 10m, with a unit: ms, s, m, h or d"),
        ("http.request_timeout = \"11m\"", "a time from 1s to 10m, with a unit: ms, s, m, h or d"),
        ("http.request_timeout = \"9999999999999h\"", "a time from 1s to 10m, with a unit: ms, s, m, h or d"),
        ("http.body_bytes_max = \"1KB\"", "a size from 1KiB to 64MiB, with a unit: B, KiB, MiB, GiB or TiB"),
        ("http.body_bytes_max = \"99999999999TiB\"", "a size from 1KiB to 64MiB, with a unit: B, KiB, MiB, GiB or TiB"),
        ("http.tls_cert = \"\"", "a path"),
        ("http.cors_origins = [\"*\"]", "origins such as https://app.example.org, without a path; * is not one"),
        (
            "http.cors_origins = [\"https://a/b\"]",
            "origins such as https://app.example.org, without a path; * is not one",
        ),
        ("http.cors_origins = [1]", "origins such as https://app.example.org, without a path; * is not one"),
        ("jobs.active_max = -1", "a whole number from 0 to 1024"),
        ("jobs.active_max = 1.5", "a whole number from 0 to 1024"),
        ("jobs.active_max = 0x10", "a whole number from 0 to 1024"),
        ("scan.clamd = \"clamd\"", "unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310"),
        ("scan.required = \"true\"", "true or false"),
        ("telemetry.log_format = \"xml\"", "\"text\" or \"json\""),
        ("telemetry.sample_ratio = 1.1", "a number from 0 to 1"),
        ("telemetry.sample_ratio = nan", "a number from 0 to 1"),
        ("telemetry.service_name = \"a b\"", "1 to 63 letters, digits, '-', '.' or '_'"),
        ("costs.currency = \"Euro\"", "three capital letters, as in ISO 4217: EUR"),
        ("costs.finish_per_minute = 0.0000001", "a price from 0 to 1000000 with at most six decimals"),
        ("costs.finish_per_minute = -1", "a price from 0 to 1000000 with at most six decimals"),
        ("data_dir = 1979-05-27", "a path"),
    ] {
        let faults = faults(line, &[]);
        let key = line.split(' ').next().expect("a key");
        let is_told = |fault: &String| {
            fault.starts_with(&format!("{key} (FILE:1): ")) && fault.ends_with(&format!("; allowed: {allowed}"))
        };
        assert!(faults.len() == 1 && faults.iter().all(is_told), "{line}: {faults:?}");
    }
}

#[test]
fn given_an_address_that_others_reach_then_it_wants_tls_here_or_in_a_proxy() {
    let tls = "http.tls_cert = \"/c\"\nhttp.tls_key = \"/k\"";
    for address in ["0.0.0.0:8080", "192.168.1.1:80", "[::]:8080", "[::ffff:192.0.2.1]:8080", "8.8.8.8:443"] {
        let listen = ("DRAGOMAN_HTTP__LISTEN", address);
        for text in ["", "http.behind_proxy = 0"] {
            let faults = faults(text, &[listen]);
            let [fault] = &faults[..] else { panic!("{faults:?}") };
            let source = "http.listen ($DRAGOMAN_HTTP__LISTEN)";
            for part in [source, address, "http.tls_cert and http.tls_key", "--behind-proxy", "http.behind_proxy"] {
                assert!(fault.contains(part), "{part}: {fault}");
            }
        }
        for text in [tls, "http.behind_proxy = 1"] {
            load_text(text, &[listen], &[]).expect(address);
        }
        load_text("", &[listen], &[("http.behind_proxy", "--behind-proxy", "1")]).expect(address);
    }
    for address in ["127.0.0.1:0", "127.8.9.10:80", "[::1]:8080", "[::ffff:127.0.0.1]:8080"] {
        load_text("", &[("DRAGOMAN_HTTP__LISTEN", address)], &[]).expect(address);
    }
    // One half of a certificate is told as such, and not as none.
    let half = faults("http.tls_cert = \"/c\"", &[("DRAGOMAN_HTTP__LISTEN", "0.0.0.0:443")]);
    assert!(half.len() == 1 && half[0].contains("http.tls_key is missing"), "{half:?}");
}

#[test]
fn a_public_address_is_an_origin_and_a_path() {
    let read = |url: &str| load_text(&format!("http.public_url = \"{url}\""), &[], &[]);
    for (url, expected) in [
        ("https://dub.example.org", "https://dub.example.org"),
        ("https://dub.example.org/", "https://dub.example.org"),
        ("https://example.org/dub/one/", "https://example.org/dub/one"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        assert_eq!(read(url).expect(url).config.http.public_url.as_deref(), Some(expected));
    }
    for url in ["", "example.org", "ftp://a", "https://", "https:///a", "https://u@a", "https://a?b", "https://a/b#c"] {
        assert_eq!(read(url).expect_err(url).len(), 1, "{url}");
    }
}

#[test]
fn rates_are_generous_and_can_be_turned_off() {
    let rates = |text: &str| crate::serve::listener::rates(&load_text(text, &[], &[]).expect(text).config.rates);
    let usual = rates("");
    // A page that asks for fifty things at once, and a product that asks ten times a second.
    assert!(usual.user_per_minute * usual.burst_seconds / 60 >= 50 && usual.key_per_minute >= 600);
    assert!(usual.user_per_minute < usual.address_per_minute && usual.key_per_minute < usual.address_per_minute);
    assert!(usual.address_per_minute < usual.global_per_minute);
    assert_eq!(rates("rates.user_per_minute = 0").user_per_minute, 0);
    assert_eq!(rates("rates.global_per_minute = 1_000_000_000").global_per_minute, 1_000_000_000);
    for wrong in ["user_per_minute = -1", "burst_seconds = 0", "key_per_minute = 1000000001", "per_minute = 1"] {
        assert_eq!(faults(&format!("rates.{wrong}"), &[]).len(), 1, "{wrong}");
    }
}

#[test]
fn unknown_names_are_refused_with_advice() {
    check("[http]\nlisen = \"a\"", "http.lisen (FILE:2): there is no such key; did you mean http.listen?");
    check("listen = \"a\"", "listen (FILE:1): there is no such key; did you mean http.listen?");
    check("[colours]\nred = 1", "colours (FILE:1): there is no such key; `dragoman config show` lists all keys");
    check("http = 1", "http (FILE:1): it is a section: write [http]");
    check(
        "[http.listen]\nport = 1",
        &format!("http.listen (FILE:1): a table is not allowed; allowed: {}", address_text()),
    );
    let variable = |name: &str| faults("", &[(name, "1")]);
    assert_eq!(
        variable("DRAGOMAN_HTTP__LISEN"),
        ["DRAGOMAN_HTTP__LISEN ($DRAGOMAN_HTTP__LISEN): there is no such key; did you mean DRAGOMAN_HTTP__LISTEN?"]
    );
    assert_eq!(variable("DRAGOMAN_DATADIR").len(), 1);
    assert_eq!(variable("DRAGOMAN_NOTHING__AT_ALL").len(), 1);
    // Container platforms set these for a service called dragoman, and the tests of crashes set the last one.
    for foreign in ["DRAGOMAN_PORT", "DRAGOMAN_SERVICE_HOST", "DRAGOMAN_PORT_8080_TCP", "DRAGOMAN_CRASH_ROUNDS", "PATH"]
    {
        assert_eq!(variable(foreign), [""; 0], "{foreign}");
    }
}

#[test]
fn contradictions_are_told() {
    check("http.tls_cert = \"/c\"", "http.tls_cert (FILE:1): http.tls_key is missing; set both or neither");
    check("signing.key = \"/k\"", "signing.key (FILE:1): signing.cert is missing; set both or neither");
    check(
        "scan.required = true",
        "scan.required (FILE:1): nothing can be scanned while scan.clamd is not set; set it, or do not require the scan",
    );
    check(
        "http.request_timeout = \"5s\"\nhttp.header_timeout = \"6s\"",
        "http.header_timeout (FILE:2): longer than http.request_timeout, which includes it",
    );
    let databases = "log.url = \"postgres://a@b/c\"\nread.url = \"postgres://a@b/c\"\n";
    check(
        &format!("{databases}queue.url = \"nats://a:4222\""),
        "queue.url (FILE:3): workers must reach what they work on: set blobs.url, too",
    );
    check(
        "blobs.url = \"s3://media\"",
        "blobs.url (FILE:1): set either blobs.access_key and blobs.secret_key, or blobs.credentials_file",
    );
    check("blobs.presigned = true", "blobs.presigned (FILE:1): only files in a bucket have addresses: set blobs.url");
    check("node.slots = 0", "node.slots (FILE:1): nobody else can do the work while queue.url is not set");
}

#[test]
fn what_may_be_configured_is_what_children_take() {
    let most = "limits.source_duration_max = \"6h\"\nlimits.source_pixels_max = 35389440\n\
                limits.source_streams_max = 64\nuploads.bytes_max = \"64GiB\"";
    let config = load_text(most, &[], &[]).expect("allowed").config;
    let (sources, children) = (crate::wiring::source_limits(&config.limits), MediaLimits::default());
    // A dubbed film may last a little longer than its source.
    assert!(sources.duration_ms_max + 60_000 <= children.duration_ms_max);
    assert!(sources.pixels_max <= children.pixels_max && sources.streams_max <= children.streams_max);
    assert!(config.uploads.bytes_max <= children.size_bytes_max);
    for more in ["source_duration_max = \"361m\"", "source_pixels_max = 35389441", "source_streams_max = 65"] {
        assert_eq!(faults(&format!("limits.{more}"), &[]).len(), 1, "{more}");
    }
    assert_eq!(faults("uploads.bytes_max = \"65GiB\"", &[]).len(), 1);
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults("jobs.queued_max = 0\nlimits.source_pixels_max = 0\nhttp.x = 1\n", &[("DRAGOMAN_LOG", "loud")]);
    let keys: Vec<&str> = found.iter().filter_map(|fault| fault.split(' ').next()).collect();
    assert_eq!(keys, ["http.x", "jobs.queued_max", "telemetry.log_filter", "limits.source_pixels_max"]);
}

#[test]
fn secrets_are_never_shown() {
    let secret = [("DRAGOMAN_TELEMETRY__OTLP_HEADERS", "authorization=Bearer swordfish")];
    value("", &secret, &[], "telemetry.otlp_headers", "(set)", "$DRAGOMAN_TELEMETRY__OTLP_HEADERS");
    let told = faults("", &[("DRAGOMAN_TELEMETRY__OTLP_HEADERS", "swordfish")]);
    assert!(told.len() == 1 && !told[0].contains("swordfish"), "{told:?}");
}

#[test]
fn files_that_cannot_be_read_are_told() {
    check("http = [", "(FILE:1): it is not TOML: ");
    check("a = 1\na = 2", "(FILE:2): it is not TOML: ");
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large.toml");
    fs::write(&large, vec![b'#'; (1 << 20) + 1]).expect("a file");
    for (file, why) in
        [(folder.path().join("none.toml"), "No such file"), (folder.path().to_owned(), "not a file"), (large, "1 MiB")]
    {
        let faults = load(&Inputs { file: Some(file), ..Inputs::default() }).expect_err("it cannot be read");
        assert!(faults.len() == 1 && faults[0].to_string().contains(why), "{faults:?}");
    }
}

#[test]
fn the_file_of_the_user_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |below: &str, name: &str| {
        let file = folder.path().join(below).join("dragoman/dragoman.toml");
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(&file, format!("telemetry.service_name = \"{name}\"")).expect("a file");
    };
    let found = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, below)| ((*name).into(), folder.path().join(below).into()));
        let inputs = Inputs { variables: variables.collect(), ..Inputs::default() };
        load(&inputs).expect("it holds").config.telemetry.service_name
    };
    put("xdg", "of-xdg");
    put("home/.config", "of-home");
    assert_eq!(found(&[("XDG_CONFIG_HOME", "xdg"), ("HOME", "home")]), "of-xdg");
    assert_eq!(found(&[("HOME", "home")]), "of-home");
    assert_eq!(found(&[("HOME", "empty")]), "dragoman");
}

#[test]
fn the_example_is_what_the_keys_say() {
    let expected = example();
    let found = fs::read_to_string(EXAMPLE).unwrap_or_default();
    if found != expected && std::env::vars().any(|(name, value)| name == "UPDATE_DOCS" && value == "1") {
        fs::write(EXAMPLE, &expected).expect("the example can be written");
        return;
    }
    assert_eq!(found, expected, "run it again with UPDATE_DOCS=1");
}

#[test]
fn the_example_holds_as_it_is_and_uncommented() {
    let load_example = |text: &str| load_text(text, &[], &[]).expect("the example holds");
    assert!(load_example(&example()).effective.iter().all(|one| one.source == Source::Default));
    let text = example();
    let uncommented = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(char::is_alphabetic) && !rest.ends_with("# unset") => rest,
        _ => line,
    });
    let uncommented = load_example(&uncommented.collect::<Vec<_>>().join("\n"));
    let defaults = load(&Inputs::default()).expect("defaults hold");
    assert_eq!(uncommented.config, defaults.config);
    let given = uncommented.effective.iter().filter(|one| one.source != Source::Default).count();
    assert_eq!(given, sections::keys().iter().filter(|key| key.default.is_some()).count());
}

/// The one fault of a file begins so.
fn check(text: &str, expected: &str) {
    let faults = faults(text, &[]);
    assert!(faults.len() == 1 && faults[0].starts_with(expected), "{text}: {faults:?}");
}

/// All faults, with `FILE` for the file.
fn faults(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    load_text(text, variables, &[]).err().unwrap_or_default()
}

/// A key has this value, from there.
fn value(
    text: &str,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
    key: &str,
    expected: &str,
    source: &str,
) {
    let loaded = load_text(text, variables, flags).expect("it holds");
    let found = loaded.effective.iter().find(|one| one.key == key).expect("the key");
    let file = loaded.file.as_deref().unwrap_or(Path::new("-")).display().to_string();
    assert_eq!(
        (found.value.as_deref(), found.source.to_string().replace(&file, "FILE").as_str()),
        (Some(expected), source)
    );
}

fn load_text(
    text: &str,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dragoman.toml");
    fs::write(&file, text).expect("a file");
    let inputs = Inputs {
        file: Some(file.clone()),
        variables: variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect(),
        flags: flags.iter().map(|(key, name, value)| Flag { key, name, value: value.into() }).collect(),
    };
    let told = |fault: &Fault| fault.to_string().replace(&file.display().to_string(), "FILE");
    load(&inputs).map_err(|faults| faults.iter().map(told).collect())
}

fn address_text() -> String {
    kinds::address().allowed
}
