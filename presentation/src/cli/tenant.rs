//! `dragoman tenant`: who has a part of this installation, and how much of it they may use. For those who run it.

use super::{
    account::{known, moment, tell_link, text},
    complain, print, print_json,
    remote::{Ask, Remote, ServerArgs, with},
    table,
};
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

/// Millionths in a unit of money.
const MICROS: u64 = 1_000_000;
/// The largest number that a quota may be.
const QUOTA_MAX: u64 = (1 << 53) - 1;

/// `tenant`.
#[derive(Debug, Args)]
pub struct TenantArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TenantCommand,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

const CREATE_HELP: &str = "Prints the link with which the admin chooses a password, unless the server sent it by \
e-mail.\n\nExample: dragoman tenant create \"Film school\" --admin ana@example.org";
const QUOTA_HELP: &str = "What is not named stays as it is; without any of them, the quotas are shown. Months are those of \
the calendar, in UTC.\n\nExample: dragoman tenant quota \"Film school\" --running-jobs 3 --minutes 600 --spend unlimited";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// List all tenants.
    #[command(after_help = "Example: dragoman tenant list --json")]
    List,
    /// Make a tenant and invite its first admin.
    #[command(after_help = CREATE_HELP)]
    Create {
        /// What it is called.
        name: String,
        /// The e-mail address of its first admin.
        #[arg(long, value_name = "EMAIL", value_hint = clap::ValueHint::EmailAddress)]
        admin: String,
        /// What the admin is called; what stands before the @ otherwise.
        #[arg(long, value_name = "NAME")]
        admin_name: Option<String>,
    },
    /// Show a tenant and its quotas.
    #[command(after_help = "Example: dragoman tenant show \"Film school\"")]
    Show {
        /// The tenant, by its name or its id.
        tenant: String,
    },
    /// Say how much a tenant may use.
    #[command(after_help = QUOTA_HELP)]
    Quota {
        /// The tenant, by its name or its id.
        tenant: String,
        /// The quotas.
        #[command(flatten)]
        quotas: QuotaArgs,
    },
    /// Rename a tenant.
    #[command(after_help = "Example: dragoman tenant rename Main \"Film school\"")]
    Rename {
        /// The tenant, by its name or its id.
        tenant: String,
        /// What it is to be called.
        name: String,
    },
}

/// Quotas to be set.
#[derive(Clone, Debug, Default, Args)]
pub struct QuotaArgs {
    /// Dubbings that are not at their end: a number, or `unlimited`.
    #[arg(long, value_name = "N|unlimited", value_parser = small)]
    pub running_jobs: Option<Quota>,
    /// Minutes of sources within a month.
    #[arg(long, value_name = "N|unlimited", value_parser = small)]
    pub minutes: Option<Quota>,
    /// Bytes handed in within a month.
    #[arg(long, value_name = "N|unlimited", value_parser = number)]
    pub bytes: Option<Quota>,
    /// Money within a month, at the configured prices: 12.50.
    #[arg(long, value_name = "AMOUNT|unlimited", value_parser = money)]
    pub spend: Option<Quota>,
}

/// How much may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// As much as one likes.
    Unlimited,
    /// At most so much.
    AtMost(u64),
}

fn number(typed: &str) -> Result<Quota, String> {
    quota(typed, |typed| typed.parse().ok(), QUOTA_MAX, "a whole number")
}

fn small(typed: &str) -> Result<Quota, String> {
    quota(typed, |typed| typed.parse().ok(), u64::from(u32::MAX), "a whole number")
}

fn money(typed: &str) -> Result<Quota, String> {
    let micros = |typed: &str| {
        let (whole, part) = typed.split_once('.').unwrap_or((typed, "0"));
        let is_sound = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_sound(whole) || !is_sound(part) || part.len() > 6 {
            return None;
        }
        whole.parse::<u64>().ok()?.checked_mul(MICROS)?.checked_add(format!("{part:0<6}").parse().ok()?)
    };
    quota(typed, micros, QUOTA_MAX, "an amount with at most six decimals")
}

fn quota(typed: &str, read: impl Fn(&str) -> Option<u64>, max: u64, kind: &str) -> Result<Quota, String> {
    if typed == "unlimited" {
        return Ok(Quota::Unlimited);
    }
    let read = read(typed).filter(|number| *number <= max);
    read.map(Quota::AtMost).ok_or_else(|| format!("give {kind}, or `unlimited`"))
}

impl QuotaArgs {
    /// Each quota that was given, as the API names it.
    fn given(&self) -> impl Iterator<Item = (&'static str, Quota)> {
        let all = [
            ("running_jobs", self.running_jobs),
            ("minutes_a_month", self.minutes),
            ("bytes_a_month", self.bytes),
            ("spend_micros_a_month", self.spend),
        ];
        all.into_iter().filter_map(|(name, quota)| Some((name, quota?)))
    }

    /// The quotas from now on: those of before, with these instead.
    fn over(&self, before: &Value) -> Value {
        let mut quotas: Map<String, Value> = before.as_object().cloned().unwrap_or_default();
        for (name, quota) in self.given() {
            match quota {
                Quota::Unlimited => drop(quotas.remove(name)),
                Quota::AtMost(number) => drop(quotas.insert(name.to_owned(), number.into())),
            }
        }
        Value::Object(quotas)
    }
}

/// Runs the command.
pub async fn run(args: TenantArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let TenantArgs { command, server } = args;
    let as_json = server.json;
    with(&server, home, loaded, async |remote| carry_out(remote, command, as_json).await).await?;
    Ok(Exit::Done)
}

async fn carry_out(remote: &Remote, command: TenantCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        TenantCommand::List => {
            let tenants = tenants(remote).await?;
            if as_json {
                print_json(&tenants);
            } else if tenants.is_empty() {
                print("There are no tenants yet; the first start of `dragoman serve` makes one.");
            } else {
                print(&table(&rows(&tenants)));
            }
        }
        TenantCommand::Create { name, admin, admin_name } => create(remote, name, admin, admin_name, as_json).await?,
        TenantCommand::Show { tenant } => show(&find(remote, &tenant).await?, as_json),
        TenantCommand::Quota { tenant, quotas } => {
            let found = find(remote, &tenant).await?;
            if quotas.given().next().is_none() {
                show(&found, as_json);
                return Ok(());
            }
            change(remote, &found, json!({ "quotas": quotas.over(&found["quotas"]) }), as_json).await?;
        }
        TenantCommand::Rename { tenant, name } => {
            let found = find(remote, &tenant).await?;
            change(remote, &found, json!({ "name": name }), as_json).await?;
        }
    }
    Ok(())
}

async fn create(
    remote: &Remote,
    name: String,
    admin: String,
    admin_name: Option<String>,
    as_json: bool,
) -> Result<(), Failure> {
    let admin_name = admin_name.unwrap_or_else(|| admin.split('@').next().unwrap_or_default().to_owned());
    let body = json!({ "name": name, "admin_email": admin, "admin_name": admin_name });
    let made = remote.ask(Ask::post("/v1/tenants", Some(body))).await?;
    complain(&format!("the tenant {name} is made: {}", text(&made, "id")));
    if as_json {
        print_json(&made);
    } else {
        tell_link(&made["admin"], &admin, false);
    }
    Ok(())
}

/// Changes a tenant, and shows it as it is then.
async fn change(remote: &Remote, tenant: &Value, change: Value, as_json: bool) -> Result<(), Failure> {
    let path = format!("/v1/tenants/{}", text(tenant, "id"));
    remote.ask(Ask::patch(path.as_str(), change)).await?;
    show(&remote.ask(Ask::get(path)).await?, as_json);
    Ok(())
}

async fn tenants(remote: &Remote) -> Result<Vec<Value>, Failure> {
    let mut found = remote.ask(Ask::get("/v1/tenants")).await?;
    let items = found.get_mut("items").map(Value::take);
    Ok(items.and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default())
}

/// The tenant that a name or an id means.
async fn find(remote: &Remote, wanted: &str) -> Result<Value, Failure> {
    let id = wanted.to_lowercase();
    let is_it = |tenant: &Value| text(tenant, "id") == id || text(tenant, "name") == wanted;
    let mut matching: Vec<Value> = tenants(remote).await?.into_iter().filter(is_it).collect();
    match (matching.pop(), matching.len()) {
        (Some(tenant), 0) => Ok(tenant),
        (Some(_), more) => {
            Err(Failure::usage(format!("{} tenants are called {wanted}; give the id of the one you mean", more + 1)))
        }
        (None, _) => Err(Failure::usage(format!("there is no tenant {wanted}; `dragoman tenant list` lists them"))),
    }
}

fn show(tenant: &Value, as_json: bool) {
    if as_json { print_json(tenant) } else { print(&page(tenant)) }
}

fn rows(tenants: &[Value]) -> Vec<Vec<String>> {
    let head = ["TENANT", "NAME", "JOBS", "MINUTES", "BYTES", "SPEND", "MADE"].map(str::to_owned).to_vec();
    let row = |tenant: &Value| {
        let [jobs, minutes, bytes, spend] = quotas(tenant);
        let (id, name) = (text(tenant, "id").to_owned(), known(tenant, "name", "(erased)"));
        vec![id, name, jobs, minutes, bytes, spend, moment(tenant, "created_at")]
    };
    [head].into_iter().chain(tenants.iter().map(row)).collect()
}

fn page(tenant: &Value) -> String {
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let [jobs, minutes, bytes, spend] = quotas(tenant);
    table(&[
        line("tenant", text(tenant, "id").to_owned()),
        line("name", known(tenant, "name", "(erased)")),
        line("made", moment(tenant, "created_at")),
        line("running jobs", jobs),
        line("minutes a month", minutes),
        line("bytes a month", bytes),
        line("spend a month", spend),
    ])
}

/// Jobs, minutes, bytes and spend, as they are told.
fn quotas(tenant: &Value) -> [String; 4] {
    let of = |name: &str| tenant["quotas"].get(name).and_then(Value::as_u64);
    let told = |quota: Option<u64>| quota.map_or_else(|| "unlimited".to_owned(), |number| number.to_string());
    let spend = of("spend_micros_a_month").map_or_else(|| "unlimited".to_owned(), amount);
    [told(of("running_jobs")), told(of("minutes_a_month")), told(of("bytes_a_month")), spend]
}

/// Millionths as an amount with two decimals, or as many as it has.
fn amount(micros: u64) -> String {
    let exact = format!("{:06}", micros % MICROS);
    let decimals = exact.trim_end_matches('0');
    format!("{}.{decimals:0<2}", micros / MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_number_or_none() {
        assert_eq!(number("12"), Ok(Quota::AtMost(12)));
        assert_eq!(small("unlimited"), Ok(Quota::Unlimited));
        assert_eq!(money("12.5"), Ok(Quota::AtMost(12_500_000)));
        assert_eq!(money("0.000001"), Ok(Quota::AtMost(1)));
        for wrong in ["", "-1", "1.5", "none", "9007199254740992"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert!(small("4294967296").is_err());
        for wrong in ["", ".5", "5.", "1.0000001", "1,5", "9007199255"] {
            assert!(money(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quotas_that_are_not_named_stay_as_they_are() {
        let before = json!({ "running_jobs": 3, "minutes_a_month": 60 });
        let change =
            QuotaArgs { running_jobs: Some(Quota::Unlimited), spend: Some(Quota::AtMost(5)), ..QuotaArgs::default() };
        assert_eq!(change.over(&before), json!({ "minutes_a_month": 60, "spend_micros_a_month": 5 }));
        assert_eq!(QuotaArgs::default().over(&before), before);
        assert_eq!(change.over(&Value::Null), json!({ "spend_micros_a_month": 5 }));
    }

    #[test]
    fn a_tenant_is_told_with_its_quotas() {
        let tenant = json!({ "id": "0198", "name": "Film school", "created_at": "2026-11-28T10:00:00.123Z",
            "quotas": { "running_jobs": 3, "spend_micros_a_month": 12_500_000 } });
        let said = page(&tenant);
        assert!(said.contains("running jobs     3") && said.contains("spend a month    12.50"), "{said}");
        assert!(said.contains("minutes a month  unlimited"), "{said}");
        assert_eq!(rows(&[tenant])[1][2..6], ["3", "unlimited", "unlimited", "12.50"]);
        assert_eq!((amount(0), amount(1), amount(1_230_000)), ("0.00".into(), "0.000001".into(), "1.23".into()));
    }
}
