//! Small timelines, drawn: one row for the slots, one for the dub, 100 ms a character.
//! `#` the original speaks, `=` the dub, `k` a kept stretch, `|` the end of the picture.

use super::super::{Limits, Line, Picture, Placement};
use super::{exact, line, rehearse};
use crate::value::Span;
use std::fmt::Write;

/// `script` holds one item per line: `0-2000 says 1900`, `keep 500-900` or `picture 5000`, in
/// milliseconds; `drawn` is the expected picture after all rounds with an exact engine.
#[track_caller]
fn check(script: &str, drawn: &str) {
    let (mut lines, mut picture) = (Vec::new(), Picture { duration_ms: 60_000, kept: Vec::new() });
    for item in script.lines().map(str::trim).filter(|item| !item.is_empty()) {
        match item.split_whitespace().collect::<Vec<_>>()[..] {
            ["picture", end] => picture.duration_ms = end.parse().expect("milliseconds"),
            ["keep", at] => picture.kept.push(span(at)),
            [at, "says", length] => {
                let id = u32::try_from(lines.len()).expect("few lines") + 1;
                lines.push(line(id, span(at), length.parse().expect("milliseconds")));
            }
            _ => panic!("not an item: {item}"),
        }
    }
    let (plan, _) = rehearse(&mut lines, &picture, &Limits::default(), exact);
    let actual = draw(&lines, &plan.placements, &picture);
    let trim = |text: &str| text.trim().lines().map(|row| row.trim().to_owned()).collect::<Vec<_>>().join("\n");
    assert!(trim(&actual) == trim(drawn), "expected\n{drawn}\nbut drew\n{actual}");
}

fn span(text: &str) -> Span {
    let (start, end) = text.split_once('-').expect("start-end");
    Span::try_new(start.parse().expect("start"), end.parse().expect("end")).expect("a span")
}

fn draw(lines: &[Line], placements: &[Placement], picture: &Picture) -> String {
    let ends = placements.iter().map(Placement::end_ms).chain(lines.iter().map(|line| line.slot.end_ms()));
    let columns = ends.max().unwrap_or(0).div_ceil(100);
    let row = |mark: char, spans: &[(u64, u64)]| -> String {
        let sounds = |at: u64| spans.iter().any(|(start, end)| *start < (at + 1) * 100 && at * 100 < *end);
        let kept = |at: u64| picture.kept.iter().any(|kept| kept.overlaps(Span::lasting(at * 100, 100)));
        (0..columns)
            .map(|at| match at {
                _ if at == picture.duration_ms / 100 => '|',
                _ if sounds(at) => mark,
                _ if kept(at) => 'k',
                _ => '.',
            })
            .collect()
    };
    let mut text = String::new();
    for placed in placements {
        let slots = row('#', &[(placed.slot.start_ms(), placed.slot.end_ms())]);
        let dub = row('=', &[(placed.start_ms, placed.end_ms())]);
        writeln!(
            text,
            "{:<3} {slots} {}-{}",
            placed.utterance.to_string(),
            placed.slot.start_ms(),
            placed.slot.end_ms()
        )
        .expect("text");
        write!(text, "    {dub} {}+{} at {} %", placed.start_ms, placed.duration_ms, placed.rate.get()).expect("text");
        for (name, value) in
            [("before", placed.borrowed_before_ms), ("after", placed.borrowed_after_ms), ("over", placed.over_ms)]
        {
            if value > 0 {
                write!(text, ", {name} {value}").expect("text");
            }
        }
        for flag in &placed.flags {
            write!(text, ", {flag:?}").expect("text");
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_line_that_fits_stays_where_the_original_is() {
    check(
        "1000-3000 says 1950",
        "
         u1  ..........#################### 1000-3000
             ..........==================== 1000+1950 at 100 %",
    );
}

#[test]
fn silence_is_borrowed_after_the_line_first() {
    check(
        "1000-3000 says 2300",
        "
         u1  ..........####################... 1000-3000
             ..........======================= 1000+2300 at 100 %, after 300",
    );
}

#[test]
fn and_before_it_when_the_silence_behind_is_not_enough() {
    check(
        "2000-4000 says 3000",
        "
         u1  ....................####################.... 2000-4000
             ..............============================== 1400+3000 at 100 %, before 600, after 400",
    );
}

#[test]
fn borrowed_silence_leaves_a_guard_to_the_neighbours() {
    check(
        "0-2000 says 1950
         2300-4000 says 2500
         4200-6000 says 1750",
        "
         u1  ####################........................................ 0-2000
             ====================........................................ 0+1950 at 100 %
         u2  .......................#################.................... 2300-4000
             ....................======================.................. 2066+2084 at 120 %, before 234, after 150
         u3  ..........................................################## 4200-6000
             ..........................................================== 4200+1750 at 100 %",
    );
}

#[test]
fn a_line_between_neighbours_is_spoken_faster() {
    check(
        "0-2000 says 1950
         2000-5000 says 3350
         5000-7000 says 1950",
        "
         u1  ####################.................................................. 0-2000
             ====================.................................................. 0+1950 at 100 %
         u2  ....................##############################.................... 2000-5000
             ....................=============================..................... 2000+2839 at 118 %
         u3  ..................................................#################### 5000-7000
             ..................................................==================== 5000+1950 at 100 %",
    );
}

#[test]
fn beyond_the_preferred_rate_it_is_hurried_up_to_the_cap() {
    check(
        "0-2000 says 1950
         2000-5000 says 3700
         5000-7000 says 1950",
        "
         u1  ####################.................................................. 0-2000
             ====================.................................................. 0+1950 at 100 %
         u2  ....................##############################.................... 2000-5000
             ....................==============================.................... 2000+2937 at 126 %, Hurried
         u3  ..................................................#################### 5000-7000
             ..................................................==================== 5000+1950 at 100 %",
    );
}

#[test]
fn what_still_does_not_fit_makes_the_next_line_late_and_the_next_gap_catches_up() {
    check(
        "0-2000 says 1950
         2000-4000 says 3000
         4000-6000 says 1900
         7000-9000 says 1950",
        "
         u1  ####################...................................................................... 0-2000
             ====================...................................................................... 0+1950 at 100 %
         u2  ....................####################.................................................. 2000-4000
             ....................========================.............................................. 2000+2308 at 130 %, over 358, Hurried, Overlong
         u3  ........................................####################.............................. 4000-6000
             ...........................................====================........................... 4358+1900 at 100 %, after 258, Late
         u4  ......................................................................#################### 7000-9000
             ......................................................................==================== 7000+1950 at 100 %",
    );
}

#[test]
fn lateness_beyond_the_bound_needs_attention_until_the_chain_ends() {
    check(
        "0-1000 says 2600
         1000-2000 says 1000
         2000-3000 says 1000
         3000-4000 says 950
         5500-6500 says 950",
        "
         u1  ##########....................................................... 0-1000
             ====================............................................. 0+2000 at 130 %, over 1050, Hurried, Overlong
         u2  ..........##########............................................. 1000-2000
             ....................=========.................................... 2050+770 at 130 %, over 870, Hurried, Overlong, Late, NeedsAttention
         u3  ....................##########................................... 2000-3000
             ............................=========............................ 2870+770 at 130 %, over 690, Hurried, Overlong, Late, NeedsAttention
         u4  ..............................##########......................... 3000-4000
             ....................................=========.................... 3690+731 at 130 %, after 400, over 21, Hurried, Late, NeedsAttention
         u5  .......................................................########## 5500-6500
             .......................................................========== 5500+950 at 100 %",
    );
}

#[test]
fn a_line_that_would_leave_a_hole_is_slowed_down() {
    check("0-4000 says 3600\n 6000-9000 says 1000", "
         u1  ########################################.................................................. 0-4000
             =======================================................................................... 0+3871 at 93 %
         u2  ............................................................############################## 6000-9000
             ............................................................============.................. 6000+1177 at 85 %");
}

#[test]
fn a_short_slot_has_no_hole_worth_filling() {
    check(
        "0-1000 says 800",
        "
         u1  ########## 0-1000
             ========.. 0+800 at 100 %",
    );
}

#[test]
fn a_line_is_not_slowed_into_silence_that_the_next_line_needs() {
    check(
        "0-3000 says 2000\n 3000-5000 says 2600",
        "
         u1  ##############################........................ 0-3000
             ========================.............................. 0+2353 at 85 %
         u2  ..............................####################.... 3000-5000
             ............................========================== 2800+2600 at 100 %, before 200, after 400",
    );
}

#[test]
fn sound_may_outlast_the_picture() {
    check("picture 4000\n 1000-3900 says 5200", "
         u1  ..........#############################.|. 1000-3900
             ..======================================|= 200+4000 at 130 %, before 800, after 100, over 200, Hurried, Overlong, OutlastsPicture");
}

#[test]
fn a_caption_behind_the_picture_is_spoken_all_the_same() {
    check(
        "picture 2000\n 0-1500 says 1450\n 2500-3500 says 980",
        "
         u1  ###############.....|.............. 0-1500
             ===============.....|.............. 0+1450 at 100 %
         u2  ....................|....########## 2500-3500
             ....................|....========== 2500+980 at 100 %, OutlastsPicture",
    );
}

#[test]
fn no_line_sounds_over_a_kept_stretch() {
    check("keep 1500-2500\n 0-1200 says 2400\n 2600-4600 says 2000", "
         u1  ############...kkkkkkkkkk................................... 0-1200
             ...............kkkkkkkkkk===================................ 2550+1847 at 130 %, after 250, over 2947, Hurried, Overlong, Late, NeedsAttention
         u2  ...............kkkkkkkkkk.####################.............. 2600-4600
             ...............kkkkkkkkkk...................================ 4447+1539 at 130 %, after 400, over 986, Hurried, Overlong, Late, NeedsAttention");
}

#[test]
fn captions_that_overlap_are_spoken_one_after_the_other() {
    check("0-3000 says 2500\n 2000-5000 says 2800\n 2000-4000 says 1500", "
         u1  ##############################........................ 0-3000
             ====================.................................. 0+1938 at 129 %, Hurried
         u2  ....................##############################.... 2000-5000
             ...................=======================............ 1988+2154 at 130 %, before 12, over 2192, Hurried, Overlong
         u3  ....................####################.............. 2000-4000
             .........................................============= 4192+1154 at 130 %, after 400, over 946, Hurried, Overlong, Late, NeedsAttention");
}

#[test]
fn nothing_to_say_is_an_empty_plan() {
    check("picture 1000", "");
}
