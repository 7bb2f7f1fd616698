//! Reading and writing the stream, without any child.

use super::*;

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn kept(text: &str) -> Piece {
    Piece::Kept(text.to_owned())
}

fn line(pieces: Vec<Piece>) -> Line {
    Line { pieces }
}

fn whole(out: &Out) -> String {
    line(out.pieces.clone()).text()
}

#[test]
fn nothing_of_a_line_can_be_taken_for_markup() {
    let source = line(vec![text("a*b \\ [x] <y> ^z$ ~ / + # @ {} _ "), kept("F [1]"), text("'s ok")]);
    let request = Request::of(&[&source], false);
    let text_only: String =
        request.input.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    assert!(!text_only.contains(SPECIAL), "{text_only}");
    assert_eq!(request.kept, ["F [1]"]);
}

#[test]
fn what_an_engine_that_changes_nothing_returns_is_the_input() {
    let check = |lines: Vec<Line>| {
        let request = Request::of(&lines.iter().collect::<Vec<_>>(), true);
        let answer = read(&request.input, &request);
        assert!(answer.complete);
        for (out, line) in answer.sentences.iter().zip(&lines) {
            assert!(out.intact, "{line:?}");
            assert_eq!(whole(out), line.text());
            assert_eq!(out.unknown, [""; 0]);
        }
    };
    check(vec![line(vec![text("Hello world.")]), line(vec![text("No full stop")]), line(vec![text("Wait... what?")])]);
    check(vec![line(vec![text("a*b #c @d [e] {f} ^g$ <h/> ~i +j \\k _l 3*4 * # @")])]);
    check(vec![line(vec![kept("A"), text(" and "), kept("*B*"), kept("C"), text("d e"), kept("F")])]);
    check(vec![line(vec![text("the "), kept("X"), text("'s house and "), kept("Y"), text("'s")])]);
}

#[test]
fn the_marks_of_the_engine_are_read_and_never_shown() {
    let request = Request::of(&[&line(vec![text("any")])], false);
    let check = |output: &str, shown: &str, unknown: &[&str]| {
        let answer = read(&format!("{output}.[][#0\n]\n"), &request);
        assert!(answer.complete, "{output}");
        let out = &answer.sentences[0];
        assert_eq!(whole(out), shown, "{output}");
        assert_eq!(out.unknown, unknown, "{output}");
    };
    check("Un *blorb y *qux-zed.", "Un blorb y qux-zed.", &["blorb", "qux-zed"]);
    check("*blorb *blorb", "blorb blorb", &["blorb"]);
    check("Una #intrépida casa", "Una intrépida casa", &[]);
    check("@house grande", "house grande", &["house"]);
    check("ir#se ~de el", "irse de el", &[]);
    check("casa/hogar grande", "casa grande", &[]);
    check("^casa<n><f>$", "casa", &[]);
    check("\\* \\@ \\[x\\]", "* @ [x]", &[]);
    check("*don’*t", "don’t", &["don", "t"]);
}

#[test]
fn what_strayed_is_seen() {
    let lines = [line(vec![text("one "), kept("A")]), line(vec![text("two* "), kept("B")])];
    let request = Request::of(&lines.iter().collect::<Vec<_>>(), false);
    let intact = |output: &str| {
        let answer = read(output, &request);
        (answer.complete, answer.sentences.iter().map(|out| out.intact).collect::<Vec<_>>())
    };
    assert_eq!(intact("uno *Zqxaaa.[][#0\n]dos[=0] *zqxaab.[][#1\n]\n"), (true, vec![true, true]));
    assert_eq!(intact("uno.[][#0\n]Zqxaaa dos[=0] Zqxaab.[][#1\n]\n"), (true, vec![false, false]), "a word strayed");
    assert_eq!(intact("uno Zqxaaa Zqxaaa.[][#0\n]dos[=0] Zqxaab.[][#1\n]\n"), (true, vec![false, true]), "doubled");
    assert_eq!(intact("uno Zqxaaa.[][#0\n]dos Zqxaab.[][#1\n]\n"), (true, vec![true, false]), "a star was lost");
    assert_eq!(intact("uno Zqxaaa[] dos.[][#0\n]dos[=0] Zqxaab.[][#1\n]\n"), (true, vec![false, true]), "stop moved");
    assert_eq!(intact("uno Zqxaaa.[][#1\n]dos[=0] Zqxaab.[][#0\n]\n"), (false, vec![false, false]), "swapped");
    assert_eq!(intact("uno Zqxaaa.[][#0\n]\n"), (false, vec![true]), "cut off");
    assert_eq!(intact("uno Zqxaaa.[][#0\n]dos[=0] Zqxaab.[][#1\n] tres\n"), (false, vec![true, true]), "left over");
    assert_eq!(intact("\u{FFFF}"), (false, vec![]), "empty");
}

#[test]
fn stand_ins_count_in_letters() {
    for number in [0, 1, 25, 26, 675, 676, STAND_INS_MAX - 1] {
        assert_eq!(stand_in_number(&stand_in(number)), Some(number));
    }
    assert_eq!(stand_in_number("Zqxaa"), None);
    assert_eq!(stand_in_number("Zqxaaas"), None);
}

proptest::proptest! {
    #[test]
    fn any_line_survives_an_engine_that_changes_nothing(raw in "\\PC{0,40}", fixed in "\\PC{1,10}", tail in "[ a-z*#@\\[\\]^$~/+\\\\.,'’]{0,20}") {
        use application::stages::translate::{Sentence, SentencePart};
        let parts = vec![SentencePart::Text(raw), SentencePart::Fixed(fixed), SentencePart::Text(tail)];
        let line = Line::of_sentence(&Sentence { parts });
        proptest::prop_assume!(!line.pieces.iter().any(|p| matches!(p, Piece::Text(t) if resembles_a_stand_in(t))));
        let request = Request::of(&[&line], true);
        let answer = read(&request.input, &request);
        proptest::prop_assert!(answer.complete && answer.sentences[0].intact);
        // The typographic apostrophe is the one thing that is written differently.
        proptest::prop_assert_eq!(whole(&answer.sentences[0]).replace('’', "'"), line.text().replace('’', "'"));
    }
}
