//! A scratch server lives as long as its owner and not longer.

use super::*;

#[test]
fn it_serves_stops_and_serves_again() {
    let server = ScratchNats::start().expect("a server");
    let store = server.folder().join("store");
    for how in [Stop::Fast, Stop::Immediate] {
        server.stop(how).expect("stopped");
        assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
        assert!(store.exists(), "what it keeps stays");
        server.start_again().expect("started");
    }
    server.stop(Stop::Fast).expect("stopped");
    server.stop(Stop::Fast).expect("stopped already");
    server.wipe().expect("wiped");
    assert!(!store.exists());
    server.wipe().expect("wiped already");
    server.start_again().expect("started");
    let (folder, port) = (server.folder().to_owned(), server.port());
    drop(server);
    assert!(!folder.exists(), "nothing is left behind");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn what_the_server_says_about_its_settings_is_told() {
    let error = ScratchNats::start_with(|_| "no_such_setting: 1\n".to_owned()).expect_err("it does not start");
    assert!(matches!(error, ScratchError::Failed { .. }), "{error}");
}
