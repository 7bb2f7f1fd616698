//! Who may what: the program's role appends and reads, and changes nothing that is written; nor does the owner.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_admitted_appends_and_reads_and_changes_nothing() {
    let place = Place::new();
    let (owners, database) = place.log().await;
    owners.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    let server = &place.server;
    let owner = |statements: &str| server.sql(&database, statements);
    owner("CREATE ROLE app LOGIN PASSWORD 'scratch'; SELECT dragoman_log.admit('app')").expect("admitted");
    let url = server.url_as("app", "scratch", &database);
    let log = open(&url).await;
    log.append(append(2, stream(1), 1, vec![plain(2)])).await.expect("appended");
    assert_eq!(log.read_log(0, 10).await.expect("a page").events.len(), 2);
    assert_eq!(log.put_away(1).await.expect("put away"), Some(1));
    log.append(append(3, stream(1), 2, vec![plain(3)])).await.expect("appended");
    // The rights on the new table are those on the old one.
    assert_eq!(log.read_log(0, 10).await.expect("a page").events.len(), 3);
    event_log_kit::assert_sound(&log, 3).await;

    let tables = ["live", "archive", "archive_1", "streams", "commands", "parts", "log", "migrations"];
    for table in tables {
        for statement in ["DELETE FROM", "TRUNCATE"] {
            let refused = format!("SET ROLE app; {statement} dragoman_log.{table}");
            let error = owner(&refused).expect_err("the program's role may not").to_string();
            assert!(error.contains("permission denied"), "{statement} {table}: {error}");
        }
    }
    let insert = "SET ROLE app; INSERT INTO dragoman_log.live SELECT * FROM dragoman_log.live";
    assert!(owner(insert).expect_err("the program's role may not").to_string().contains("permission denied"));
    let admit = "SET ROLE app; SELECT dragoman_log.admit('app')";
    assert!(owner(admit).expect_err("the program's role may not").to_string().contains("permission denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn not_even_the_owner_changes_an_event_by_accident() {
    let place = Place::new();
    let (log, database) = place.log().await;
    for command in 1..=2 {
        log.append(append(command, stream(command), 0, vec![plain(1)])).await.expect("appended");
        if command == 1 {
            log.put_away(1).await.expect("put away");
        }
    }
    for table in ["live", "archive", "archive_1"] {
        for change in ["UPDATE {} SET actor = 'nobody'", "DELETE FROM {}", "TRUNCATE {}"] {
            let change = change.replace("{}", &format!("dragoman_log.{table}"));
            let error = place.server.sql(&database, &change).expect_err("refused").to_string();
            assert!(error.contains("events are never changed or deleted"), "{change}: {error}");
        }
    }
    event_log_kit::assert_sound(&log, 2).await;
}
