//! A hop with children that misbehave: what comes back is right all the same.

use super::*;
use application::ports::child::{ChildError, ChildOutput, ChildStream};
use async_trait::async_trait;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// A child that writes what a function makes of its input.
struct Scripted<F>(F, AtomicUsize);

#[async_trait]
impl<F: Fn(usize, &str) -> String + Send + Sync> ChildProcesses for Scripted<F> {
    async fn run(&self, child: Child) -> Result<ChildOutput, ChildError> {
        let run = self.1.fetch_add(1, Ordering::SeqCst);
        let input = String::from_utf8(child.stdin).expect("UTF-8");
        Ok(ChildOutput { stdout: (self.0)(run, &input).into_bytes(), stderr_tail: String::new() })
    }

    async fn stream(&self, _: Child, _: ChildStream, _: mpsc::Sender<String>) -> Result<ChildOutput, ChildError> {
        panic!("nothing is streamed")
    }
}

fn text(text: &str) -> Line {
    Line { pieces: vec![Piece::Text(text.to_owned())] }
}

/// The texts that come out, and how many runs it took.
async fn check(
    config: ApertiumConfig,
    lines: &[Line],
    engine: impl Fn(usize, &str) -> String + Send + Sync,
) -> (Vec<String>, usize) {
    let children = Scripted(engine, AtomicUsize::new(0));
    let hop = Hop { config: &config, children: &children, mode: "eng-spa" };
    let results = hop.translate(lines).await.expect("translated");
    (results.iter().map(|result| result.line.text()).collect(), children.1.into_inner())
}

#[tokio::test]
async fn a_batch_is_one_run() {
    let lines = [text("one"), text("12 34"), text("two")];
    let (texts, runs) = check(ApertiumConfig::default(), &lines, |_, input| input.replace('o', "0")).await;
    assert_eq!(texts, ["0ne", "12 34", "tw0"]);
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn nothing_to_translate_is_no_run() {
    let lines = [text("12"), Line::default(), Line { pieces: vec![Piece::Kept("NASA".to_owned())] }];
    let (texts, runs) = check(ApertiumConfig::default(), &lines, |_, _| panic!("a run")).await;
    assert_eq!(texts, ["12", "", "NASA"]);
    assert_eq!(runs, 0);
}

#[tokio::test]
async fn batches_are_bounded() {
    let lines: Vec<Line> = (0..10).map(|_| text("four")).collect();
    let by_count = ApertiumConfig { batch_sentences_max: 3, ..ApertiumConfig::default() };
    assert_eq!(check(by_count, &lines, |_, input| input.to_owned()).await.1, 4);
    let by_bytes = ApertiumConfig { batch_bytes_max: 8, ..ApertiumConfig::default() };
    assert_eq!(check(by_bytes, &lines, |_, input| input.to_owned()).await.1, 5);
    let too_small = ApertiumConfig { batch_bytes_max: 1, ..ApertiumConfig::default() };
    assert_eq!(check(too_small, &lines, |_, input| input.to_owned()).await.1, 10);
}

#[tokio::test]
async fn lost_borders_mean_single_runs() {
    let lines = [text("one"), text("two")];
    let (texts, runs) = check(ApertiumConfig::default(), &lines, |run, input| match run {
        0 => input.replace(".[][#0\n]", " "),
        _ => input.to_uppercase(),
    })
    .await;
    assert_eq!(texts, ["ONE", "TWO"]);
    assert_eq!(runs, 3);
}

#[tokio::test]
async fn a_lost_kept_piece_is_put_back() {
    let lines = [
        text("one"),
        Line {
            pieces: vec![
                Piece::Text("the ".to_owned()),
                Piece::Kept("NASA".to_owned()),
                Piece::Text(" 3*4 door".to_owned()),
            ],
        },
    ];
    let (texts, runs) =
        check(ApertiumConfig::default(), &lines, |_, input| input.replace("Zqxaaa", "").replace("[=0]", "")).await;
    assert_eq!(texts, ["one", "the NASA 3*4 door"]);
    assert_eq!(runs, 4, "the batch, the sentence alone, and two texts with letters");
}

#[tokio::test]
async fn a_word_that_looks_like_a_stand_in_is_kept() {
    let lines = [Line { pieces: vec![Piece::Text("say Zqxaaa! to ".to_owned()), Piece::Kept("X".to_owned())] }];
    let (texts, runs) = check(ApertiumConfig::default(), &lines, |_, input| input.to_owned()).await;
    assert_eq!(texts, ["say Zqxaaa! to X"]);
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn traces_of_the_engine_are_tidied() {
    let check = async |source: Vec<Piece>, output: &'static str, tidy: &str| {
        let answer = |_, _: &str| format!("{output}.[][#0\n]\n");
        assert_eq!(check(ApertiumConfig::default(), &[Line { pieces: source }], answer).await.0, [tidy]);
    };
    let (text, kept) = (|text: &str| Piece::Text(text.to_owned()), |kept: &str| Piece::Kept(kept.to_owned()));
    check(vec![text("I gave it. I go.")], " Lo di.  Voy.", "Lo di. Voy.").await;
    check(vec![kept("NASA"), text(" went home.")], "*Zqxaaa Fue a casa.", "NASA fue a casa.").await;
    check(vec![kept("NASA"), text(" John went.")], "*Zqxaaa John fue.", "NASA John fue.").await;
    check(vec![text("Blorb went home.")], "*Blorb Fue a casa.", "Blorb fue a casa.").await;
    check(vec![text("It is "), kept("X"), text(", yes")], " Es *Zqxaaa  , sí", "Es X, sí").await;
    check(vec![text("\"Are you?\"")], "\"¿eres?\"", "\"¿Eres?\"").await;
    check(vec![text("go")], "va", "va").await;
}
