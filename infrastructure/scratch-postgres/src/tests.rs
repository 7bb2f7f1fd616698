//! A scratch server lives as long as its owner and not longer.

use super::*;
use std::net::TcpStream;

#[test]
fn it_serves_stops_and_serves_again() {
    let server = ScratchPostgres::start(&[("fsync", "off")]).expect("a server");
    assert_eq!(server.database("films").expect("a database"), server.url("films"));
    server.sql("films", "CREATE TABLE kept (it boolean); INSERT INTO kept VALUES (true)").expect("a table");
    server.stop(Stop::Immediate).expect("stopped");
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.start_again().expect("started");
    assert_eq!(server.sql("films", "SELECT * FROM kept").expect("a row"), "t");
    let error = server.sql("films", "SELECT * FROM lost").expect_err("no such table");
    assert!(error.to_string().contains("lost"), "{error}");
    let (folder, port) = (server.folder.clone(), server.port());
    drop(server);
    assert!(!folder.exists(), "nothing is left behind");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_replica_follows_and_takes_over() {
    let server = ScratchPostgres::start(&[("fsync", "off")]).expect("a server");
    server.sql("postgres", "CREATE TABLE kept (it boolean)").expect("a table");
    let replica = server.replica(&[("fsync", "off")]).expect("a replica");
    assert_eq!(replica.sql("postgres", "SELECT pg_is_in_recovery()").expect("an answer"), "t");
    server.stop(Stop::Fast).expect("stopped");
    replica.promote().expect("promoted");
    replica.sql("postgres", "INSERT INTO kept VALUES (true)").expect("it takes writes");
}
