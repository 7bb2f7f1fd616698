//! A graph that waits for ever ends at its deadline; elements that are missing name their package.

use super::{Deadline, Graph, chain, make};
use crate::fault::Fault;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::time::Duration;

fn graph(wall: Duration) -> Graph {
    gst::init().unwrap();
    Graph::new(Deadline::after(wall)).unwrap()
}

#[test]
fn a_graph_that_never_ends_is_given_up_at_its_deadline() {
    // Given a source that never gets anything to send
    let mut graph = graph(Duration::from_millis(100));
    let (source, sink) = (graph.add("appsrc").unwrap(), graph.add("fakesink").unwrap());
    chain(&[&source, &sink]).unwrap();
    graph.set_state(gst::State::Playing).unwrap();
    // Then waiting for its end is bounded.
    assert_eq!(graph.wait_for_end(), Err(Fault::Undecodable));
}

#[test]
fn errors_of_elements_come_back_as_faults() {
    let mut graph = graph(Duration::from_secs(60));
    let (source, sink) = (graph.add("filesrc").unwrap(), graph.add("fakesink").unwrap());
    source.set_property("location", "/no/such/file");
    chain(&[&source, &sink]).unwrap();
    let started = graph.set_state(gst::State::Playing);
    assert_eq!(started.and_then(|()| graph.wait_for_end()), Err(Fault::Unreadable));
}

#[test]
fn missing_elements_name_their_package() {
    gst::init().unwrap();
    let check = |element: &str, package: &str| match super::error::missing_element(element) {
        Fault::Missing { package: its, .. } => assert_eq!(its, package, "{element}"),
        other => panic!("{other:?}"),
    };
    check("mp4mux", "gstreamer1.0-plugins-good");
    check("h264timestamper", "gstreamer1.0-plugins-bad");
    check("x264enc", "gstreamer1.0-plugins-ugly");
    check("avenc_aac", "gstreamer1.0-libav");
    check("decodebin", "gstreamer1.0-plugins-base");
    assert!(matches!(make("nosuchelement"), Err(Fault::Missing { .. })));
}
