//! Each fault reads as one sentence that says what to do, and keeps its code.

use super::{Fault, Kind, Measure};
use application::ports::engine::EngineError;

fn check(fault: Fault, code: &str) {
    match fault.clone().into_engine_error("probe") {
        EngineError::Rejected { code: its, message } => {
            assert_eq!(its, code, "{fault:?}");
            assert!(message.contains("; ") && !message.ends_with('.'), "{message}");
        }
        other => panic!("{fault:?} became {other:?}"),
    }
}

#[test]
fn faults_of_media_are_rejections_with_a_code() {
    check(Fault::NotMedia, "not-media");
    check(Fault::Truncated, "truncated");
    check(Fault::Undecodable, "undecodable");
    check(Fault::UnknownFormat("audio/x-odd".to_owned()), "undecodable");
    check(Fault::Empty, "empty");
    check(Fault::Unreadable, "unreadable");
    check(Fault::Folder, "unreadable");
    check(Fault::NoStream(Kind::Audio), "no-stream");
    for measure in [Measure::Duration, Measure::Size, Measure::Pixels, Measure::Streams] {
        check(Fault::OverLimit(measure), "over-limit");
    }
}

#[test]
fn other_faults_keep_their_kind() {
    assert!(matches!(Fault::DiskFull.into_engine_error("mux"), EngineError::Exhausted { .. }));
    let missing = Fault::Missing { element: "x264enc".to_owned(), package: "gstreamer1.0-plugins-ugly".to_owned() };
    assert!(
        matches!(missing.into_engine_error("mux"), EngineError::Missing { package, .. } if package.ends_with("ugly"))
    );
    assert!(matches!(Fault::broken("x").into_engine_error("mux"), EngineError::Transient { operation: "mux", .. }));
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert_eq!(Fault::from_io(&full), Fault::DiskFull);
}
