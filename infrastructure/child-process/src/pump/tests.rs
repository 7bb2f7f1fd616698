//! What only shows from inside: when a pump waits, and what it keeps.

use super::*;
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

#[test]
fn given_a_full_channel_when_lines_come_then_taking_waits_for_the_receiver() {
    let (sender, mut received) = mpsc::channel(1);
    let mut lines = Lines::new(sender);
    let mut taking = pin!(lines.take(b"one\ntwo\nthree\n"));
    let mut context = Context::from_waker(Waker::noop());
    for line in ["one", "two"] {
        assert_eq!(taking.as_mut().poll(&mut context), Poll::Pending, "before {line}");
        assert_eq!(received.try_recv().unwrap(), line);
    }
    assert_eq!(taking.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(received.try_recv().unwrap(), "three");
}

#[test]
fn given_many_chunks_when_a_tail_takes_them_then_it_keeps_the_last_4_kib() {
    let mut tail = Tail::default();
    for chunk in [&[b'a'; 3000][..], &[b'b'; 3000], b"", &[b'c'; 96]] {
        tail.take(chunk);
        assert!(tail.0.len() <= 4096);
    }
    assert_eq!(tail.into_text(), ["a".repeat(1000), "b".repeat(3000), "c".repeat(96)].concat());
}

#[tokio::test]
async fn given_chunks_cut_anywhere_then_the_lines_are_the_same() {
    let text = b"one\r\n\ntwo\r\rtwo\nlast";
    for cut in 0..text.len() {
        let (sender, mut received) = mpsc::channel(8);
        let mut lines = Lines::new(sender);
        let (before, after) = text.split_at(cut);
        lines.take(before).await;
        lines.take(after).await;
        lines.end().await;
        let mut got = Vec::new();
        while let Some(line) = received.recv().await {
            got.push(line);
        }
        assert_eq!(got, ["one", "", "two\r\rtwo", "last"], "cut at {cut}");
    }
}
