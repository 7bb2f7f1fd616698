//! A scratch server lives as long as its owner and not longer.

use super::*;
use std::net::TcpStream;

#[test]
fn it_serves_stops_and_serves_again() {
    let mut server = ScratchS3::start("films").expect("a server");
    let (folder, address) = (server.folder.clone(), server.address());
    assert!(TcpStream::connect(address).is_ok());
    server.stop();
    assert!(TcpStream::connect(address).is_err());
    server.start_again().expect("started");
    assert!(TcpStream::connect(address).is_ok());
    fs::create_dir_all(server.file("a/b")).expect("a folder");
    fs::write(server.file("a/b/c"), b"x").expect("a file");
    assert_eq!(server.keys().expect("names"), ["a/b/c"]);
    assert_eq!(server.unfinished_uploads().expect("a number"), 0);
    drop(server);
    assert!(!folder.exists(), "nothing is left behind");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_folder_of_others_stays() {
    let folder = TempDir::new().expect("a folder");
    let server = ScratchS3::start_in(folder.path(), "films", 0).expect("a server");
    assert!(ScratchS3::start_in(folder.path(), "films", server.address().port()).is_err(), "the port is taken");
    drop(server);
    assert!(folder.path().join("films").is_dir());
}
