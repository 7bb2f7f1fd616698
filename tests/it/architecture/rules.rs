//! The rules, each a pure function from the model to its offences.

use super::{
    lists::{COMMON, FORBIDDEN, OWNERS, TEST_FRIENDS, UNDER_DOMAIN},
    model::{Kind, Layer, Member, Workspace},
};
use std::collections::BTreeSet;

/// A rule: its name, and who breaks it how.
pub type Rule = (&'static str, fn(&Workspace) -> Vec<String>);

/// All rules.
pub const RULES: &[Rule] = &[
    ("every crate has its place", places),
    ("dependencies point inward", inward),
    ("nothing depends on the program or on the tests of the whole", top),
    ("no adapter depends on another one", adapters),
    ("tests of adapters use few other adapters", test_friends),
    ("domain stands on few crates", domain),
    ("inner crates reach outside by ports only", ports),
    ("every dependency has its owners", owners),
    ("every adapter is wired", wired),
    ("lints are inherited", lints),
    ("package data is inherited", package),
    ("versions are chosen in one place", versions),
    ("nothing runs while building", build_scripts),
    ("engines have the same rooms", engines),
];

/// What a crate is built from.
const BUILT: &[Kind] = &[Kind::Normal, Kind::Build];

fn places(workspace: &Workspace) -> Vec<String> {
    let lost = workspace.members.iter().filter(|member| member.layer().is_none());
    lost.map(|member| format!("{} lies in {}", member.name, member.folder)).collect()
}

fn inward(workspace: &Workspace) -> Vec<String> {
    offences(workspace, BUILT, |from, to| {
        let inner: &[Layer] = match from.layer()? {
            Layer::Domain => &[],
            Layer::Application => &[Layer::Domain],
            Layer::Projections => &[Layer::Domain, Layer::Application],
            Layer::Shared => &[Layer::Domain, Layer::Application, Layer::Shared],
            Layer::Api => &[Layer::Domain, Layer::Application, Layer::Projections],
            // Adapters among each other have a rule of their own, and so has the top.
            Layer::Adapter => &[Layer::Domain, Layer::Application, Layer::Shared, Layer::Adapter],
            Layer::Presentation | Layer::Tests => return None,
        };
        let to_layer = to.layer()?;
        let outward = !inner.contains(&to_layer) && !is_top(to_layer);
        outward.then(|| format!("{} depends on {}", from.name, to.name))
    })
}

fn top(workspace: &Workspace) -> Vec<String> {
    offences(workspace, &[Kind::Normal, Kind::Dev, Kind::Build], |from, to| {
        let is_shown = from.layer()? == Layer::Presentation && to.layer()? == Layer::Api;
        (is_top(to.layer()?) && !is_shown).then(|| format!("{} depends on {}", from.name, to.name))
    })
}

fn adapters(workspace: &Workspace) -> Vec<String> {
    offences(workspace, BUILT, |from, to| {
        let both = from.layer()? == Layer::Adapter && to.layer()? == Layer::Adapter;
        both.then(|| format!("{} depends on {}", from.name, to.name))
    })
}

fn test_friends(workspace: &Workspace) -> Vec<String> {
    offences(workspace, &[Kind::Dev], |from, to| {
        let outward = match (from.layer()?, to.layer()?) {
            (Layer::Api | Layer::Presentation | Layer::Tests, _) | (_, Layer::Domain | Layer::Application) => false,
            (_, layer) if is_top(layer) => false,
            (_, Layer::Shared) => from.layer()? != Layer::Adapter,
            _ => !TEST_FRIENDS.iter().any(|(who, whom)| matches(who, &from.name) && *whom == to.name),
        };
        outward.then(|| format!("tests of {} depend on {}", from.name, to.name))
    })
}

fn domain(workspace: &Workspace) -> Vec<String> {
    let strangers = workspace.under_domain.iter().filter(|name| !UNDER_DOMAIN.contains(&name.as_str()));
    let crowd = workspace.under_domain.len();
    let mut found: Vec<String> = strangers.map(|name| format!("domain stands on {name}")).collect();
    found.extend((crowd > 10).then(|| format!("domain stands on {crowd} crates")));
    found
}

fn ports(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for (name, words) in FORBIDDEN {
        let sources = workspace.member(name).into_iter().flat_map(|member| &member.files);
        for (path, text) in sources.filter(|(path, _)| path.starts_with("src/") && !path.contains("testing")) {
            let code = crate::tidy::lexer::blank(text);
            let said = words.iter().filter(|word| code.contains(**word));
            found.extend(said.map(|word| format!("{name}/{path} says {word}")));
        }
    }
    found
}

fn owners(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for member in &workspace.members {
        let names = member.depends_on(BUILT).filter(|name| workspace.member(name).is_none());
        for name in names.filter(|name| !COMMON.contains(name)) {
            let owners =
                OWNERS.iter().find(|(pattern, _)| matches(pattern, name)).map_or(&[][..], |(_, owners)| owners);
            if !owners.contains(&member.name.as_str()) {
                found.push(format!("{} depends on {name}, which belongs to {owners:?}", member.name));
            }
        }
    }
    found
}

/// Lines of the list of owners that nobody needs any more.
pub fn stale_owners(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for (pattern, owners) in OWNERS {
        let uses = |owner: &Member| owner.depends_on(BUILT).any(|name| matches(pattern, name));
        let idle = owners.iter().filter(|owner| !workspace.member(owner).is_some_and(uses));
        found.extend(idle.map(|owner| format!("{owner} does not depend on {pattern}")));
    }
    found
}

/// Crates without a row in the table of folders, and rows without a crate.
pub fn misdrawn(workspace: &Workspace, page: &str) -> Vec<String> {
    let crates = workspace.members.iter().map(|member| format!("`{}/` | `{}`", member.folder, member.name));
    let crates: BTreeSet<String> = crates.collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| {
        let mut cells = line.split(" | ");
        let (folder, name) = (cells.next()?, cells.next()?);
        (folder.ends_with("/`") && name.starts_with('`')).then(|| format!("`{folder} | {name}"))
    });
    let rows: BTreeSet<String> = rows.collect();
    let forgotten = crates.difference(&rows).map(|row| format!("{row} has no row"));
    forgotten.chain(rows.difference(&crates).map(|row| format!("{row} is no crate"))).collect()
}

fn wired(workspace: &Workspace) -> Vec<String> {
    let Some(program) = workspace.members.iter().find(|member| member.layer() == Some(Layer::Presentation)) else {
        return vec!["there is no program".to_owned()];
    };
    let adapters = workspace.members.iter().filter(|member| member.layer() == Some(Layer::Adapter));
    // What any test may start need not be built into the program.
    let adapters = adapters.filter(|member| !TEST_FRIENDS.contains(&("*", member.name.as_str())));
    let idle = adapters.filter(|member| !program.depends_on(BUILT).any(|name| name == member.name));
    idle.map(|member| format!("{} is an empty room", member.name)).collect()
}

fn lints(workspace: &Workspace) -> Vec<String> {
    let own = workspace.members.iter().filter(|member| member.section("lints") != ["workspace = true"]);
    own.map(|member| format!("{} has lints of its own, or none", member.name)).collect()
}

fn package(workspace: &Workspace) -> Vec<String> {
    let lines = ["version.workspace = true", "edition.workspace = true", "license.workspace = true", "publish = false"];
    let mut found = Vec::new();
    for member in &workspace.members {
        let missing = lines.iter().filter(|line| !member.section("package").iter().any(|found| found == *line));
        found.extend(missing.map(|line| format!("{} lacks `{line}`", member.name)));
    }
    found
}

fn versions(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for member in &workspace.members {
        let sections = member.manifest.iter().filter(|(section, _)| section.ends_with("dependencies"));
        let lines = sections.flat_map(|(_, lines)| lines);
        let own = lines.filter(|line| !line.contains(".workspace = true") && !line.contains("workspace = true,"));
        found.extend(own.map(|line| format!("{}: {line}", member.name)));
        let tables = member.manifest.keys().filter(|section| section.contains("dependencies."));
        found.extend(tables.map(|section| format!("{}: [{section}]", member.name)));
    }
    found
}

fn build_scripts(workspace: &Workspace) -> Vec<String> {
    let builds =
        |member: &&Member| member.files.contains_key("build.rs") || member.depends_on(&[Kind::Build]).next().is_some();
    workspace.members.iter().filter(builds).map(|member| format!("{} has a build script", member.name)).collect()
}

fn engines(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for engine in workspace.members.iter().filter(|member| member.folder.starts_with("infrastructure/engine-")) {
        let missing = ["src/lib.rs", "src/engine.rs", "docs.md"].into_iter().filter(|f| !engine.files.contains_key(*f));
        found.extend(missing.map(|file| format!("{} has no {file}", engine.name)));
        let elsewhere = engine.files.iter().filter(|(path, text)| *path != "src/config.rs" && declares_config(text));
        found.extend(elsewhere.map(|(path, _)| format!("{}: {path} declares a configuration", engine.name)));
    }
    found
}

/// Whether a source declares a `struct …Config`.
fn declares_config(text: &str) -> bool {
    let name_ends =
        |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().is_some_and(|n| n.ends_with("Config"));
    text.lines().filter_map(|line| line.split_once("struct ")).any(|(_, rest)| name_ends(rest))
}

fn is_top(layer: Layer) -> bool {
    matches!(layer, Layer::Api | Layer::Presentation | Layer::Tests)
}

/// What `judge` says of every edge between crates of ours.
fn offences(workspace: &Workspace, kinds: &[Kind], judge: impl Fn(&Member, &Member) -> Option<String>) -> Vec<String> {
    let ours = |from: &Member| from.depends_on(kinds).filter_map(|name| workspace.member(name)).collect::<Vec<_>>();
    let judged = workspace.members.iter().flat_map(|from| ours(from).into_iter().map(move |to| (from, to)));
    judged.filter_map(|(from, to)| judge(from, to)).collect()
}

/// Whether a name fits a pattern that may end in `*`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}
