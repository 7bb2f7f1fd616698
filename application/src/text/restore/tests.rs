//! Recognised words and how they are to be written, as data.

use super::*;

#[test]
fn plain_words() {
    let check = |heard: &str, written: &str| assert_eq!(restore_text(heard), written);
    check("", "");
    check("hello world", "Hello world.");
    check("i think i'm right and i'll say what i've seen", "I think I'm right and I'll say what I've seen.");
    check("we flew to spain on monday", "We flew to Spain on Monday.");
    check("nasa's engine and the american way", "NASA's engine and the American way.");
    check("he speaks english in new york", "He speaks English in New York.");
    check("the united states of america's gulf of mexico", "The United States of America's Gulf of Mexico.");
    check("dr. smith met mr. jones", "Dr. smith met Mr. jones.");
    check("twenty one", "Twenty one.");
}

#[test]
fn spelled_letters() {
    let check = |heard: &str, written: &str| assert_eq!(restore_text(heard), written);
    check("the u. s. is big", "The U.S. is big.");
    check("he lives in the u. s.", "He lives in the U.S.");
    check("the u. s. a.'s flag", "The USA's flag.");
    check("the n. a. s. a. logo", "The NASA logo.");
    check("this is a. house", "This is a house.");
    check("he took plan b.", "He took plan B.");
    check("he got an a.", "He got an A.");
}

#[test]
fn months_that_are_words_too() {
    let check = |heard: &str, written: &str| assert_eq!(restore_text(heard), written);
    check("you may march", "You may march.");
    check("it was in may", "It was in May.");
    check("on march third they left", "On March third they left.");
    check("last august", "Last August.");
}

#[test]
fn what_the_recogniser_adds_goes() {
    let check = |heard: &str, written: &str| assert_eq!(restore_text(heard), written);
    check("<s> the(2) house <sil> is [NOISE] big ++UM++ </s>", "The house is big.");
    check("<sil>", "");
}

#[test]
fn written_text_stays() {
    for text in ["Hello World", "it is, well, big", "it is big. really", "is it?", "NASA"] {
        assert_eq!(restore_text(text), text);
    }
    assert_eq!(restore_text("  two\n lines, "), "two lines,");
}

#[test]
fn questions() {
    let check = |heard: &str, asks: bool| {
        assert_eq!(restore_text(heard).ends_with('?'), asks, "{heard}");
    };
    for heard in [
        "what is that",
        "are you there",
        "how many people came",
        "isn't it big",
        "so where did he go",
        "who",
        "what's up",
        "can we go",
        "will i see spain",
        "when are they here",
        "do you know",
        "how long is it",
    ] {
        check(heard, true);
    }
    for heard in [
        "what a day",
        "when we came he left",
        "how he did it is unknown",
        "is",
        "may is warm",
        "who we are matters",
        "do it now",
        "will is here",
        "what i know is this",
        "have that ready",
        "that is it",
        "don't do that",
    ] {
        check(heard, false);
    }
}

#[test]
fn pauses() {
    let check = |heard: &[(&str, u64)], written: &str| {
        let heard: Vec<HeardWord> = heard.iter().map(|(word, gap_ms)| ((*word).to_owned(), *gap_ms)).collect();
        assert_eq!(restore(&heard), written);
    };
    check(&[("it", 0), ("is", 0), ("big", 1_000), ("we", 0), ("go", 0)], "It is big. We go.");
    check(&[("it", 0), ("is", 0), ("big", 600), ("we", 0), ("go", 0)], "It is big, we go.");
    check(&[("it", 0), ("is", 0), ("big", 599), ("we", 0), ("go", 0)], "It is big we go.");
    check(&[("go", 2_000), ("home", 5_000)], "Go, home.");
    check(&[("it", 0), ("was", 0), ("the", 3_000), ("end", 0)], "It was the end.");
    check(
        &[("it", 0), ("was", 0), ("big", 0), ("<sil>", 1_200), ("are", 0), ("you", 0), ("there", 0)],
        "It was big. Are you there?",
    );
    check(&[("we love the u. s.", 1_500), ("they go home", 0)], "We love the U.S. They go home.");
    check(&[("plan", 0), ("b.", 700), ("u.", 0), ("k.", 0)], "Plan B, UK.");
}

proptest::proptest! {
    #[test]
    fn words_stay_and_it_is_stable(heard in proptest::collection::vec(("[a-z]{1,8}", 0_u64..2_000), 1..30)) {
        let written = restore(&heard);
        let words = |text: &str| text.to_lowercase().split_whitespace().map(|word| word.trim_matches(['.', ',', '?']).to_owned()).collect::<Vec<_>>();
        let before: Vec<String> = heard.iter().map(|(word, _)| word.clone()).collect();
        proptest::prop_assert_eq!(words(&written), before);
        proptest::prop_assert_eq!(restore_text(&written), written.clone());
        proptest::prop_assert!(written.starts_with(char::is_uppercase) && written.ends_with(['.', '?']));
    }
}
