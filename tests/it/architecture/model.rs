//! The workspace as the rules see it: crates, what they depend on, their manifests and sources.
//!
//! Read once from `cargo metadata` and `cargo tree`, both off-line. What is deliberately absent: any
//! judgement; rules are pure functions over this model, so that a made-up one can break them.

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// All crates of ours.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// The crates.
    pub members: Vec<Member>,
    /// What is compiled for `domain` alone, itself left out.
    pub under_domain: BTreeSet<String>,
}

/// One crate of ours.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its folder below the root of the workspace.
    pub folder: String,
    /// What it names in its manifest.
    pub dependencies: Vec<Dependency>,
    /// Its manifest: lines by section.
    pub manifest: BTreeMap<String, Vec<String>>,
    /// Its text files by path below its folder; `target` left out.
    pub files: BTreeMap<String, String>,
}

/// One line under `[dependencies]` and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The crate that is depended on.
    pub name: String,
    /// For what.
    pub kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The crate itself.
    Normal,
    /// Its tests.
    Dev,
    /// Its build script.
    Build,
}

/// Where a crate stands in the picture of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The pure middle.
    Domain,
    /// Use cases and ports.
    Application,
    /// What other adapters may build on: names and versions of events, how appends are gathered, connections and
    /// migrations of PostgreSQL, what ends scratch servers.
    Shared,
    /// One heavy dependency behind a port.
    Adapter,
    /// Read models.
    Projections,
    /// What the program shows to the outside, as a library: the HTTP API.
    Api,
    /// The program.
    Presentation,
    /// Tests of the whole.
    Tests,
}

impl Workspace {
    /// This workspace.
    pub fn load() -> Result<Self> {
        let root = crate::root();
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let flags = ["--offline", "--locked", "--filter-platform", &platform].map(str::to_owned);
        let metadata = MetadataCommand::new().current_dir(&root).no_deps().other_options(flags.to_vec()).exec()?;
        let members = metadata.workspace_packages().into_iter().map(|package| member(package, &root));
        Ok(Self { members: members.collect::<Result<_>>()?, under_domain: under_domain(&root)? })
    }

    /// The crate of ours that is called so.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    /// Its layer; none for a folder that the picture does not know.
    pub fn layer(&self) -> Option<Layer> {
        match (self.folder.as_str(), self.name.as_str()) {
            ("domain", "domain") => Some(Layer::Domain),
            ("application", "application") => Some(Layer::Application),
            ("projections", "projections") => Some(Layer::Projections),
            ("presentation/http", "http-api") => Some(Layer::Api),
            ("presentation", "dragoman") => Some(Layer::Presentation),
            ("tests", "tests") => Some(Layer::Tests),
            ("infrastructure/event-codec", "event-codec")
            | ("infrastructure/event-log-groups", "event-log-groups")
            | ("infrastructure/nats-connection", "nats-connection")
            | ("infrastructure/postgres-schema", "postgres-schema")
            | ("infrastructure/scratch-guard", "scratch-guard") => Some(Layer::Shared),
            (folder, name) if folder.strip_prefix("infrastructure/") == Some(name) => Some(Layer::Adapter),
            _ => None,
        }
    }

    /// The names of what it depends on, for one of these purposes.
    pub fn depends_on<'a>(&'a self, kinds: &'a [Kind]) -> impl Iterator<Item = &'a str> {
        self.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind)).map(|d| d.name.as_str())
    }

    /// The lines of a section of its manifest.
    pub fn section(&self, name: &str) -> &[String] {
        self.manifest.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The lines of a manifest by section, without blanks and comments.
pub fn sections(manifest: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = header.to_owned();
            sections.entry(current.clone()).or_default();
        } else {
            sections.entry(current.clone()).or_default().push(line.to_owned());
        }
    }
    sections
}

fn member(package: &Package, root: &Path) -> Result<Member> {
    let manifest_path = package.manifest_path.as_std_path();
    let folder = manifest_path.parent().context("a manifest lies in a folder")?;
    let dependencies = package.dependencies.iter().map(|dependency| Dependency {
        name: dependency.name.clone(),
        kind: match dependency.kind {
            DependencyKind::Development => Kind::Dev,
            DependencyKind::Build => Kind::Build,
            _ => Kind::Normal,
        },
    });
    let files = crate::text_files(folder)?;
    Ok(Member {
        name: package.name.to_string(),
        folder: folder.strip_prefix(root)?.to_string_lossy().into_owned(),
        dependencies: dependencies.collect(),
        manifest: sections(&fs::read_to_string(manifest_path)?),
        files: files.into_iter().collect(),
    })
}

/// Metadata knows features only as the whole workspace unites them; the tree knows those that
/// `domain` asks for itself.
fn under_domain(root: &Path) -> Result<BTreeSet<String>> {
    let tree = ["tree", "-p", "domain", "-e", "normal,build", "--offline", "--locked", "--prefix", "none"];
    let output = Command::new(env!("CARGO")).args(tree).current_dir(root).output()?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    let names = names.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| *name != "domain").map(str::to_owned).collect())
}
