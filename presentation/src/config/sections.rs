//! Every key: its meaning, what it takes, and its default. A new one is two lines here.

use super::{
    Fault, Key, NodeRole, Reader, Source,
    kinds::{
        Hidden, Price, address, bytes, choice, clamd, collector, count, currency, duration, email, headers, hidden,
        line, log_filter, log_url, name, nats_url, origins, path, postgres_url, price, public_url, role, role_map,
        roles, s3_url, share, stage_sizes, stages, switch,
    },
};
use application::identity::Email;
use domain::{flow::Stage, value::Role};
use mail_smtp::Security;
use scan_clamd::ClamdAddress;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use telemetry::{Endpoint, LogFilter, LogFormat};

/// Makes from one list the typed sections, their reading, and the table of keys for the example and the listing.
macro_rules! sections {
    ($( $(#[doc = $about:literal])+ $section:ident: $name:ident {
        $( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $kind:expr, $default:expr; )+
    } )+) => {
        $(
            $(#[doc = $about])+
            /// Each field is a key.
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name { $( $(#[doc = $doc])+ pub $key: $type, )+ }

            impl $name {
                fn read(reader: &mut Reader) -> Option<Self> {
                    $( let $key = reader.take(concat!(stringify!($section), ".", stringify!($key)), $default, $kind); )+
                    Some(Self { $( $key: $key?, )+ })
                }
            }
        )+

        /// All that can be configured.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            /// Where jobs, events and media are kept; `~/.local/share/dragoman` when unset.
            pub data_dir: Option<PathBuf>,
            $( $(#[doc = $about])+ pub $section: $name, )+
        }

        impl Config {
            pub(super) fn read(reader: &mut Reader) -> Option<Self> {
                // All sections are read before the first wrong one ends it, so that all faults are told at once.
                let data_dir = reader.take("data_dir", None, path().optional());
                $( let $section = $name::read(reader); )+
                Some(Self { data_dir: data_dir?, $( $section: $section?, )+ })
            }
        }

        /// Every section and what it is about.
        pub(super) fn about() -> Vec<(&'static str, &'static [&'static str])> {
            vec![ $( (stringify!($section), &[$($about),+]) ),+ ]
        }

        /// Every key.
        pub(super) fn keys() -> Vec<Key> {
            let kind = path();
            let about = &[" Where jobs, events and media are kept; ~/.local/share/dragoman when unset."];
            let data_dir = Key {
                path: "data_dir", about, default: None, allowed: kind.allowed, form: kind.form, is_secret: false,
            };
            vec![data_dir, $( $( {
                let kind = $kind;
                Key {
                    path: concat!(stringify!($section), ".", stringify!($key)),
                    about: &[$($doc),+],
                    default: $default,
                    allowed: kind.allowed,
                    form: kind.form,
                    is_secret: kind.is_secret,
                }
            }, )+ )+]
        }
    };
}

sections! {
    /// Where events are kept.
    log: Log {
        /// A PostgreSQL database, postgres://user:password@host:5432/database, where several hosts may be named with
        /// commas between, or KurrentDB, kurrentdb://user:password@host:2113. The data folder when unset.
        url: Option<Hidden> = log_url().optional(), None;
        /// A replica of that PostgreSQL server: who follows the whole log reads there.
        replica: Option<Hidden> = postgres_url().optional(), None;
    }
    /// Where read models are kept: what lists and searches show, folded from the events.
    read: Reading {
        /// A PostgreSQL database, which may be the same one. The data folder when unset.
        url: Option<Hidden> = postgres_url().optional(), None;
    }
    /// Where media are kept.
    blobs: Blobs {
        /// A bucket of S3 that exists, s3://bucket/prefix; each installation has a prefix of its own. The data folder when
        /// unset.
        url: Option<String> = s3_url().optional(), None;
        /// The S3 server, such as https://s3.example.org; Amazon's in the region when unset.
        endpoint: Option<String> = public_url().optional(), None;
        /// The region by which requests are signed.
        region: String = name(), Some("us-east-1");
        /// Whether the bucket stands in the path of addresses, as most servers but Amazon's want it, and not in the host.
        path_style: bool = switch(), Some("true");
        /// The name of the key; together with secret_key.
        access_key: Option<String> = line().optional(), None;
        /// The key.
        secret_key: Option<Hidden> = hidden().optional(), None;
        /// Instead of both, a credentials file as Amazon's programs have it.
        credentials_file: Option<PathBuf> = path().optional(), None;
        /// The section of that file.
        profile: String = name(), Some("default");
        /// What copies on the local disk may take; those go first that were not used for longest.
        cache_bytes_max: u64 = bytes("1MiB", "64TiB"), Some("10GiB");
        /// How long a file that no event refers to is kept: longer than any attempt at a stage takes.
        collect_after: Duration = duration("1h", "365d"), Some("24h");
        /// How long a file stays that something newer replaced, or whose result was withdrawn; never shorter than collect_after.
        /// Let it be longer than your oldest backup of the log is old: a log that is put back needs the media of its day.
        replaced_after: Duration = duration("1h", "3650d"), Some("30d");
        /// Whether downloads of media lead to the bucket, by addresses that end soon: clients must reach it.
        presigned: bool = switch(), Some("false");
        /// How long such an address leads there.
        presigned_lifetime: Duration = duration("1m", "7d"), Some("15m");
    }
    /// Where work waits for workers.
    queue: Queue {
        /// NATS servers with JetStream, nats://user:password@host:4222, several with commas between. In the process when
        /// unset: then there are no other workers.
        url: Option<Hidden> = nats_url().optional(), None;
        /// A file with a user's credentials (.creds), instead of a user in the address.
        credentials_file: Option<PathBuf> = path().optional(), None;
        /// Certificates (PEM) of the authorities that are trusted; those of the system when unset.
        tls_ca: Option<PathBuf> = path().optional(), None;
        /// What subjects and streams begin with: each installation on an account has its own.
        prefix: String = name(), Some("dragoman");
        /// Servers that keep a copy of it.
        replicas: u64 = count(1, 5), Some("1");
        /// How large it may become.
        bytes_max: u64 = bytes("1MiB", "1TiB"), Some("256MiB");
        /// How long a worker may be silent before its work is handed to another; the same for all processes.
        lease: Duration = duration("2s", "10m"), Some("30s");
        /// Stages that only workers with a graphics processor take, those started with --class gpu. The same on all processes.
        gpu_stages: Vec<Stage> = stages(), Some("");
        /// Whether what happens is told on NATS, too: to the other nodes, and to programs of others.
        events: bool = switch(), Some("true");
        /// What subjects of events for others begin with.
        events_prefix: String = name(), Some("dragoman.events");
        /// How large their stream may become; the oldest go first.
        events_bytes_max: u64 = bytes("1MiB", "1TiB"), Some("1GiB");
        /// How long they stay in it.
        events_age_max: Duration = duration("1m", "3650d"), Some("30d");
    }
    /// This process among others.
    node: Node {
        /// A folder that all processes of the installation reach, for what they must have in common: keys, certificates to
        /// sign with, the installation's number. The data folder when unset.
        shared_dir: Option<PathBuf> = path().optional(), None;
        /// How much work this server does at a time itself; 0 leaves it to workers, but for letting go of files. One more
        /// than there are cores when unset.
        slots: Option<u64> = count(0, 1024).optional(), None;
        /// What this server does: api answers requests, flow drives dubbings, project folds read models and tells others of
        /// what happened. Servers that share a log on PostgreSQL may share that, too.
        roles: Vec<NodeRole> = roles(), Some("api,flow,project");
        /// What operators see of it; nothing about a person.
        name: Option<String> = name().optional(), None;
        /// How long others wait for it, once it is not heard of, before they take over what it does.
        lease: Duration = duration("1s", "5m"), Some("15s");
    }
    /// Work that this process does: a worker, or a server with slots.
    worker: Work {
        /// What may be taken of memory by all that is under way at a time; what does not fit waits, but for one alone. When
        /// unset, what is available at the start, or the limit of the container (control group) where that is less.
        memory_max: Option<u64> = bytes("16MiB", "64TiB").optional(), None;
        /// What an attempt at a stage takes, where what is known of the engines is not right: transcribe=2GiB. As soon as
        /// more was seen to be taken, that counts.
        memory: Vec<(Stage, u64)> = stage_sizes(), Some("");
        /// Where a worker tells how it is, and its measures; nowhere when unset. Addresses that others reach need TLS, as for
        /// http.listen.
        listen: Option<SocketAddr> = address().optional(), None;
    }
    /// The server.
    http: Http {
        /// Address and port. Addresses that others reach need TLS: tls_cert and tls_key here, or behind_proxy.
        listen: SocketAddr = address(), Some("127.0.0.1:8080");
        /// Certificate chain (PEM) for TLS; together with tls_key.
        tls_cert: Option<PathBuf> = path().optional(), None;
        /// Private key (PEM) for TLS.
        tls_key: Option<PathBuf> = path().optional(), None;
        /// How many proxies of yours stand in front, one behind the other. Each must add to X-Forwarded-For or Forwarded
        /// from where it was asked, the outermost one must speak TLS, and nobody may reach the port beside them: that many
        /// last entries are believed. With 0, such headers are not.
        behind_proxy: u64 = count(0, 8), Some("0");
        /// Where others find the server: for links, and as the issuer of tokens. Set it when that is not the address it
        /// listens on.
        public_url: Option<String> = public_url().optional(), None;
        /// Web pages of these origins may call the API from browsers.
        cors_origins: Vec<String> = origins(), Some("");
        /// Largest body of a request; uploads have a limit of their own.
        body_bytes_max: u64 = bytes("1KiB", "64MiB"), Some("1MiB");
        /// For answering a request; uploads, downloads and streams of events take as long as they take.
        request_timeout: Duration = duration("1s", "10m"), Some("30s");
        /// For receiving the head of a request.
        header_timeout: Duration = duration("1s", "1m"), Some("10s");
        /// Connections at a time; further ones wait.
        connections_max: u64 = count(1, 100_000), Some("4096");
        /// For requests and engines to come to a safe point when the server is told to stop.
        shutdown_timeout: Duration = duration("1s", "10m"), Some("30s");
    }
    /// How often may be asked; 0 for as often as one likes. Beyond it requests get 429 with Retry-After. The figures are
    /// many times what people and well-made programs ask, and a fraction of what this server can answer.
    rates: Rates {
        /// From one address, or one /64 of IPv6: fifty people behind one address, each at four a second. It is the only
        /// limit for who guesses tokens.
        address_per_minute: u64 = count(0, 1_000_000_000), Some("12000");
        /// By one user: fifty a second. A web client asks a few when a page opens, and then listens to events.
        user_per_minute: u64 = count(0, 1_000_000_000), Some("3000");
        /// With one key: a hundred a second. A product that asks after each of 500 jobs every ten seconds stays below.
        key_per_minute: u64 = count(0, 1_000_000_000), Some("6000");
        /// By all together: two thousand a second, so that a flood from many addresses leaves the cores to the jobs.
        global_per_minute: u64 = count(0, 1_000_000_000), Some("120000");
        /// So many seconds' worth may be asked at once after a pause.
        burst_seconds: u64 = count(1, 3600), Some("60");
    }
    /// Signing in.
    auth: Auth {
        /// Address with which the first admin signs in; admin@localhost when unset. DRAGOMAN_ADMIN_EMAIL is the same.
        admin_email: Option<Email> = email().optional(), None;
        /// Its password at the first start; when unset, a link is printed with which it is chosen, once.
        /// DRAGOMAN_ADMIN_PASSWORD is the same.
        admin_password: Option<Hidden> = hidden().optional(), None;
        /// How long an access token holds. What is revoked ends at once in any case.
        access_token_lifetime: Duration = duration("1m", "1h"), Some("10m");
        /// A session that is not used for so long ends.
        session_idle: Duration = duration("10m", "90d"), Some("14d");
        /// A session ends after so long.
        session_max: Duration = duration("1h", "365d"), Some("90d");
        /// Admins may do nothing before they have enrolled a second factor.
        second_factor_for_admins: bool = switch(), Some("false");
        /// Passwords that are checked at a time; 0 for half as many as there are cores, at least one. Each takes 19 MiB.
        passwords_at_once: u64 = count(0, 64), Some("0");
    }
    /// An OpenID Connect issuer of yours, whose tokens are taken besides our own.
    oidc: Oidc {
        /// Its address, as its discovery document says it; none when unset.
        issuer: Option<String> = public_url().optional(), None;
        /// What its tokens must be meant for.
        audience: Option<String> = line().optional(), None;
        /// The claim with roles or groups; a path with dots reaches into objects: realm_access.roles.
        role_claim: String = line(), Some("roles");
        /// Which value of that claim is which role: dubbing-admins=admin. The highest wins.
        role_map: Vec<(String, Role)> = role_map(), Some("");
        /// The role of those who have none of these; they are refused when unset.
        default_role: Option<Role> = role().optional(), None;
        /// The issuer may be in a private network.
        private: bool = switch(), Some("false");
    }
    /// The mail server for invitations and finished jobs. Without one, links are shown to admins to be handed over.
    smtp: Smtp {
        /// Its name; nobody sends mail when unset.
        host: Option<String> = line().optional(), None;
        /// Its port.
        port: u64 = count(1, 65_535), Some("587");
        /// How it is spoken to.
        security: Security =
            choice(&[("starttls", Security::StartTls), ("tls", Security::Tls), ("none", Security::None)]), Some("starttls");
        /// The user, where it asks for one.
        user: Option<String> = line().optional(), None;
        /// The user's password.
        password: Option<Hidden> = hidden().optional(), None;
        /// From whom mails are: Dragoman <dub@example.org>.
        from: Option<String> = line().optional(), None;
    }
    /// Webhooks.
    webhooks: Webhooks {
        /// Webhooks may lead to private, loopback and link-local addresses, and need no TLS. Only where everybody who may
        /// make one may reach what is there.
        allow_private: bool = switch(), Some("false");
    }
    /// Files that are handed in.
    uploads: Uploads {
        /// Largest file.
        bytes_max: u64 = bytes("1MiB", "64GiB"), Some("5GiB");
        /// An upload that was begun and not finished is removed after so long without a byte.
        expire_after: Duration = duration("1m", "30d"), Some("24h");
        /// Uploads that were begun and are not finished; further ones are refused with 503 until there is room.
        open_max: u64 = count(1, 100_000), Some("1000");
        /// Assets that may wait to be looked at; as long as so many do, no upload begins (503).
        waiting_max: u64 = count(1, 1000), Some("500");
        /// Assets that are looked at at a time; 0 for as many as there are cores, at least two.
        checks_max: u64 = count(0, 64), Some("0");
    }
    /// How much is worked on.
    jobs: Jobs {
        /// Jobs that are worked on at a time; 0 for as many as there are cores.
        active_max: u64 = count(0, 1024), Some("0");
        /// Jobs that may wait; further ones are refused with 503 until there is room.
        queued_max: u64 = count(1, 1_000_000), Some("1000");
    }
    /// Malware scan of uploads by ClamAV's daemon, before anything else opens them.
    scan: Scan {
        /// The daemon's socket; uploads are not scanned when unset.
        clamd: Option<ClamdAddress> = clamd().optional(), None;
        /// Whether nothing is opened without a verdict: it waits while the daemon is away, and what is too large for the
        /// daemon is refused. If not, an event says that it was not scanned. It is so once clamd is set, unless this says
        /// false.
        required: Option<bool> = switch().optional(), None;
    }
    /// Logs on standard error, and traces.
    telemetry: Telemetry {
        /// For people, or one JSON object per line.
        log_format: LogFormat = choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]), Some("text");
        /// What is logged: a level, or directives. DRAGOMAN_LOG is the same. When unset, `serve` logs from info on, and
        /// all other commands log nothing.
        log_filter: Option<LogFilter> = log_filter().optional(), None;
        /// Collector for traces (OTLP over HTTP); none are kept when unset.
        otlp_endpoint: Option<Endpoint> = collector().optional(), None;
        /// Sent to the collector with every request, such as its token.
        otlp_headers: Vec<(String, String)> = headers(), Some("");
        /// As what this process appears in traces.
        service_name: String = name(), Some("dragoman");
        /// Share of traces begun here that are sent.
        sample_ratio: f64 = share(), Some("1");
    }
    /// Prices for estimates and usage, per minute of the source (the first) or of a finished track (the others).
    costs: Costs {
        /// Currency of all prices.
        currency: String = currency(), Some("EUR");
        /// Recognising speech.
        transcribe_per_minute: Price = price(), Some("0");
        /// Translating.
        translate_per_minute: Price = price(), Some("0");
        /// Speaking, fitting included.
        synthesise_per_minute: Price = price(), Some("0");
        /// Mixing, encoding and signing.
        finish_per_minute: Price = price(), Some("0");
    }
    /// What is taken as a source.
    limits: Limits {
        /// Longest source.
        source_duration_max: Duration = duration("1s", "6h"), Some("6h");
        /// Largest picture, in pixels; 33177600 is 7680 × 4320, 35389440 is 8192 × 4320.
        source_pixels_max: u64 = count(1, 35_389_440), Some("33177600");
        /// Most streams of one kind.
        source_streams_max: u64 = count(1, 64), Some("64");
    }
    /// A certificate of your own to sign results with, instead of this installation's.
    signing: Signing {
        /// Certificate chain (PEM); together with key. DRAGOMAN_SIGNING_CERT is the same.
        cert: Option<PathBuf> = path().optional(), None;
        /// Private key (PEM). DRAGOMAN_SIGNING_KEY is the same.
        key: Option<PathBuf> = path().optional(), None;
    }
}

/// What is kept elsewhere than in the data folder, by its address.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// The event log.
    pub log: Option<Hidden>,
    /// A replica of it.
    pub log_replica: Option<Hidden>,
    /// The read models.
    pub read: Option<Hidden>,
    /// Media.
    pub blobs: Option<Blobs>,
    /// Work that waits.
    pub queue: Option<Queue>,
    /// What all processes have in common.
    pub shared: Option<PathBuf>,
}

impl Config {
    /// What is kept elsewhere than in the data folder.
    pub fn keeping(&self) -> Keeping {
        Keeping {
            log: self.log.url.clone(),
            log_replica: self.log.replica.clone(),
            read: self.read.url.clone(),
            blobs: self.blobs.url.is_some().then(|| self.blobs.clone()),
            queue: self.queue.url.is_some().then(|| self.queue.clone()),
            shared: self.node.shared_dir.clone(),
        }
    }

    /// What is allowed key by key, but not together.
    pub(super) fn contradictions(&self, source: impl Fn(&str) -> Source) -> Vec<Fault> {
        let pairs = [
            ("http.tls_cert", self.http.tls_cert.is_some(), "http.tls_key", self.http.tls_key.is_some()),
            ("signing.cert", self.signing.cert.is_some(), "signing.key", self.signing.key.is_some()),
            ("oidc.issuer", self.oidc.issuer.is_some(), "oidc.audience", self.oidc.audience.is_some()),
            ("smtp.host", self.smtp.host.is_some(), "smtp.from", self.smtp.from.is_some()),
            ("smtp.user", self.smtp.user.is_some(), "smtp.password", self.smtp.password.is_some()),
            ("blobs.access_key", self.blobs.access_key.is_some(), "blobs.secret_key", self.blobs.secret_key.is_some()),
        ];
        let mut faults = Vec::new();
        for (one, has_one, other, has_other) in pairs {
            if has_one != has_other {
                let (given, missing) = if has_one { (one, other) } else { (other, one) };
                let what = format!("{missing} is missing; set both or neither");
                faults.push(Fault { key: given.to_owned(), source: source(given), what });
            }
        }
        if self.log.replica.is_some() && !self.log.url.as_ref().is_some_and(is_postgres) {
            let key = "log.replica";
            let what = "there is nothing to be the replica of: log.url must name its primary";
            faults.push(Fault { key: key.to_owned(), source: source(key), what: what.to_owned() });
        }
        if self.blobs.url.is_some() && self.blobs.access_key.is_some() == self.blobs.credentials_file.is_some() {
            let what = "set either blobs.access_key and blobs.secret_key, or blobs.credentials_file";
            faults.push(Fault { key: "blobs.url".to_owned(), source: source("blobs.url"), what: what.to_owned() });
        }
        if self.blobs.presigned && self.blobs.url.is_none() {
            let (key, what) = ("blobs.presigned", "only files in a bucket have addresses: set blobs.url");
            faults.push(Fault { key: key.to_owned(), source: source(key), what: what.to_owned() });
        }
        faults.extend(self.contradictions_among_nodes(&source));
        for (key, address) in [("http.listen", Some(self.http.listen)), ("worker.listen", self.worker.listen)] {
            let Some(address) = address.filter(|address| !is_safe(*address, &self.http)) else { continue };
            let what = format!(
                "{address} is not loopback, so that others reach it, and tokens must not travel in the clear; set \
                 http.tls_cert and http.tls_key, or, when a proxy with TLS stands in front, --behind-proxy \
                 (http.behind_proxy)"
            );
            faults.push(Fault { key: key.to_owned(), source: source(key), what });
        }
        if self.scan.required == Some(true) && self.scan.clamd.is_none() {
            let key = "scan.required";
            let what = "nothing can be scanned while scan.clamd is not set; set it, or do not require the scan";
            faults.push(Fault { key: key.to_owned(), source: source(key), what: what.to_owned() });
        }
        if self.http.header_timeout > self.http.request_timeout {
            let key = "http.header_timeout";
            let what = "longer than http.request_timeout, which includes it";
            faults.push(Fault { key: key.to_owned(), source: source(key), what: what.to_owned() });
        }
        faults
    }

    /// The same of what processes share.
    fn contradictions_among_nodes(&self, source: impl Fn(&str) -> Source) -> Vec<Fault> {
        let mut faults = Vec::new();
        let shared = [
            ("log.url", self.log.url.is_some()),
            ("read.url", self.read.url.is_some()),
            ("blobs.url", self.blobs.url.is_some()),
        ];
        for (key, elsewhere) in shared {
            if self.queue.url.is_some() && !elsewhere {
                let what = format!("workers must reach what they work on: set {key}, too");
                faults.push(Fault { key: "queue.url".to_owned(), source: source("queue.url"), what });
            }
        }
        if self.queue.url.is_none() && self.node.slots == Some(0) {
            let what = "nobody else can do the work while queue.url is not set";
            faults.push(Fault { key: "node.slots".to_owned(), source: source("node.slots"), what: what.to_owned() });
        }
        if self.node.roles.len() < NodeRole::ALL.len() && !self.log.url.as_ref().is_some_and(is_postgres) {
            let what = "nodes that share in what is to be done share a log on PostgreSQL: set log.url";
            faults.push(Fault { key: "node.roles".to_owned(), source: source("node.roles"), what: what.to_owned() });
        }
        if self.queue.url.is_none() && !self.queue.gpu_stages.is_empty() {
            let key = "queue.gpu_stages";
            let what = "there are no workers to choose from while queue.url is not set";
            faults.push(Fault { key: key.to_owned(), source: source(key), what: what.to_owned() });
        }
        faults
    }
}

/// Whether it is the address of a PostgreSQL database.
fn is_postgres(url: &Hidden) -> bool {
    url.expose().starts_with("postgres")
}

/// Whether nobody on the way reads what is said to the server.
fn is_safe(address: SocketAddr, http: &Http) -> bool {
    let has_tls = http.tls_cert.is_some() || http.tls_key.is_some();
    address.ip().to_canonical().is_loopback() || has_tls || http.behind_proxy > 0
}
