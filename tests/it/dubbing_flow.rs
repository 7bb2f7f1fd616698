//! `docs/dubbing-flow.md` says what the table of the flow says, and every stage of the table exists
//! in every layer. To write the page anew: `UPDATE_DOCS=1 cargo test -p tests --test it dubbing_flow`.

use application::worker::{BACK_OFF_DOUBLINGS_MAX, BACK_OFF_MS, HEARTBEATS, LEASE};
use domain::flow::{FAILURES_MAX, LOSSES_MAX, Row, Scope, Stage, TABLE, Undo};
use std::{collections::BTreeMap, fmt::Write, fs};

const PAGE: &str = "docs/dubbing-flow.md";
const WIRING: &str = "presentation/src/wiring.rs";

#[test]
fn the_page_of_the_flow_is_up_to_date() {
    crate::check_page(PAGE, &page(&repository()));
}

#[test]
fn stage_matrix() {
    assert_eq!(missing(&TABLE, &repository()), Vec::<String>::new());
}

#[test]
fn a_stage_without_its_file_is_caught() {
    let mut files = repository();
    files.remove(&file_of(Stage::SyncLips));
    assert_eq!(missing(&TABLE, &files), ["sync-lips has no application/src/stages/sync_lips.rs"]);
}

#[test]
fn a_stage_without_its_handler_is_caught() {
    let rewired = |from: &str, to: &str| {
        let mut files = repository();
        let wiring = files.get_mut(WIRING).expect("the wiring");
        assert!(wiring.contains(from), "the wiring says {from}");
        *wiring = wiring.replace(from, to);
        missing(&TABLE, &files)
    };
    assert_eq!(rewired("Stage::Fit,", "Stage::Mix,"), ["fit has no handler in presentation/src/wiring.rs"]);
    let scope = rewired(".track(Stage::Mark,", ".dubbing(Stage::Mark,");
    assert_eq!(scope, ["mark has no handler in presentation/src/wiring.rs"]);
}

#[test]
fn a_stage_that_the_page_forgets_is_caught() {
    let mut files = repository();
    let page = files.get_mut(PAGE).expect("the page");
    *page = page.replace("| Publish |", "| |");
    assert_eq!(missing(&TABLE, &files), ["publish is not in docs/dubbing-flow.md"]);
}

/// Stages without a file, a handler for their scope, or a row of the page.
fn missing(table: &[Row], files: &BTreeMap<String, String>) -> Vec<String> {
    let compact = |path: &str| -> String {
        files.get(path).into_iter().flat_map(|text| text.chars()).filter(|c| !c.is_whitespace()).collect()
    };
    let (wiring, page) = (compact(WIRING), compact(PAGE));
    let mut found = Vec::new();
    for Row { stage, scope, .. } in table {
        let register = match scope {
            Scope::Dubbing => format!(".dubbing(Stage::{stage:?},"),
            Scope::Track => format!(".track(Stage::{stage:?},"),
        };
        let file = file_of(*stage);
        found.extend((!files.contains_key(&file)).then(|| format!("{stage} has no {file}")));
        found.extend((!wiring.contains(&register)).then(|| format!("{stage} has no handler in {WIRING}")));
        found.extend((!page.contains(&format!("|{stage:?}|"))).then(|| format!("{stage} is not in {PAGE}")));
    }
    found
}

fn file_of(stage: Stage) -> String {
    format!("application/src/stages/{}.rs", stage.name().replace('-', "_"))
}

/// What this page and the matrix look at: the stages' files, the wiring, the page itself.
fn repository() -> BTreeMap<String, String> {
    let stages = TABLE.iter().map(|row| file_of(row.stage));
    let paths = stages.chain([PAGE, WIRING].map(str::to_owned));
    paths.filter_map(|path| fs::read_to_string(crate::root().join(&path)).ok().map(|text| (path, text))).collect()
}

fn page(files: &BTreeMap<String, String>) -> String {
    let mut page = String::from(HEAD);
    for row in &TABLE {
        let what = files.get(&file_of(row.stage)).map(|source| purpose(source)).unwrap_or_default();
        let (stage, after) = (format!("{:?}", row.stage), after(row));
        let _ = writeln!(page, "| {stage} | {after} | {} | {} | {what} |", scope(row.scope), undo(row.undo));
    }
    let _ = write!(page, "\n## What waits for what\n\n```mermaid\n{}```\n\n{}", diagram(), rules());
    page
}

const HEAD: &str = "# The flow of a dubbing

Generated from the table in `domain/src/flow` and the headers in `application/src/stages`; a test keeps
it up to date. Do not edit it.

| stage | after | once per | undo | what it does |
|---|---|---|---|---|
";

/// What a stage is for: the first sentences of its file's header, without its name.
fn purpose(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let first = header.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let text = first.split_once(": ").map_or(first.as_str(), |(_, text)| text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn after(row: &Row) -> String {
    let mut after: Vec<String> = row.after.iter().map(|stage| format!("{stage:?}")).collect();
    after.extend(row.waits_for_tracks.then(|| "all languages settled".to_owned()));
    if after.is_empty() { "nothing".to_owned() } else { after.join(", ") }
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Dubbing => "dubbing",
        Scope::Track => "language",
    }
}

const fn undo(undo: Undo) -> &'static str {
    match undo {
        Undo::Nothing => "nothing to undo",
        Undo::Release => "release references",
        Undo::Withdraw => "withdraw the result",
    }
}

fn diagram() -> String {
    let mut diagram = String::from("flowchart LR\n");
    for (title, one) in [("once per dubbing", Scope::Dubbing), ("once per language", Scope::Track)] {
        let _ = writeln!(diagram, "  subgraph {} [\"{title}\"]", scope(one));
        for row in TABLE.iter().filter(|row| row.scope == one) {
            let _ = writeln!(diagram, "    {:?}", row.stage);
        }
        diagram.push_str("  end\n");
    }
    for row in &TABLE {
        for before in row.after {
            let _ = writeln!(diagram, "  {before:?} --> {:?}", row.stage);
        }
        if row.waits_for_tracks {
            let _ = writeln!(diagram, "  {} -. all settled .-> {:?}", scope(Scope::Track), row.stage);
        }
    }
    diagram
}

fn rules() -> String {
    let (lease, heartbeat) = (LEASE.as_secs(), (LEASE / HEARTBEATS).as_secs());
    let pause_max_s = (BACK_OFF_MS << BACK_OFF_DOUBLINGS_MAX) / 1000;
    format!(
        "## How a stage is run

**Dispatch.** What is owed is computed from the state alone, so after a crash it is computed again. Asking for a
stage is one append, `StageRequested` with the run, the attempt and a work id that follows from them: that event
is the outbox. The process manager publishes the work from it, as often as it likes, and the queue keeps one
per work id. A worker takes it under a lease of {lease} s, says every {heartbeat} s that it is alive, and acknowledges
it only after the log has accepted the outcome. What a stage finds line by line is appended as it comes, so
that a killed stage repeats no finished line; all else that it finds is one append with its `StageCompleted`.

**Fences.** A run counts how often a stage was asked for anew (an edit, another setting, the planner's wish), an
attempt counts the tries within it. Outcomes are accepted only for the run and the attempt that are waited
for. A worker that comes late is told that it is superseded, and changes nothing.

**Retries.** After a failure the stage is tried again; the pause begins at {BACK_OFF_MS} ms, doubles with each attempt up
to {pause_max_s} s, and grows by up to as much again at random. An engine that names a time is asked again
then. Attempts that are lost with their process are not failures and have a budget of their own.

**Parking.** Failure {FAILURES_MAX} within a run, a failure that cannot pass, or lost attempt {LOSSES_MAX} parks the stage and pauses the flow
of its stream, in the same append. Other languages go on. Nothing is lost: `dragoman resume` gives parked
stages a fresh budget.

**Again and back.** When a stage is needed anew, it and all stages of its stream that follow from it begin a new
run. When a flow is undone, its finished stages are undone in the reverse order of the table. Undoing
releases references; a stored file goes only when nothing refers to it any more.
"
    )
}

#[test]
fn the_purpose_is_the_first_paragraph_of_the_header() {
    let check = |source: &str, expected: &str| assert_eq!(purpose(source), expected, "{source}");
    check("//! Mix: the lines\n//! over the bed.\n//!\n//! More.\nuse a;\n", "The lines over the bed.");
    check("//! Alone.\n", "Alone.");
    check("use a;\n", "");
}
