//! What a vault of files promises, on a real file system.

use super::*;
use uuid::Uuid;

fn owner(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn bytes(vault: &FileKeyVault, number: u128) -> Option<[u8; 32]> {
    vault.key(owner(number)).expect("vault").map(|key| *key.expose())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_key_is_made_once_kept_and_found_again() {
    let folder = tempfile::tempdir().expect("folder");
    let vault = FileKeyVault::open(folder.path().join("keys")).expect("vault");
    assert_eq!(bytes(&vault, 1), None);
    vault.ensure(owner(1)).expect("key");
    let first = bytes(&vault, 1).expect("key");
    vault.ensure(owner(1)).expect("key");
    vault.ensure(owner(2)).expect("key");
    assert_eq!(bytes(&vault, 1), Some(first));
    assert_ne!(bytes(&vault, 2), Some(first));
    let again = FileKeyVault::open(folder.path().join("keys")).expect("vault");
    again.ensure(owner(1)).expect("key");
    assert_eq!(bytes(&again, 1), Some(first));
}

#[test]
fn keys_are_for_their_owner_only() {
    let folder = tempfile::tempdir().expect("folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("mode");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    vault.ensure(owner(1)).expect("key");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    assert_eq!(mode(&vault.path(owner(1), "key")), 0o600);
    assert_eq!(names(folder.path()), [format!("{}.key", owner(1))]);
}

#[test]
fn a_destroyed_key_never_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    for number in [1, 2] {
        vault.ensure(owner(number)).expect("key");
    }
    vault.destroy(owner(1)).expect("destroyed");
    vault.destroy(owner(1)).expect("destroyed twice");
    vault.ensure(owner(1)).expect("no key is made");
    assert_eq!(bytes(&vault, 1), None);
    assert!(bytes(&vault, 2).is_some());
    let again = FileKeyVault::open(folder.path()).expect("vault");
    again.ensure(owner(1)).expect("no key is made");
    assert_eq!(bytes(&again, 1), None);
    assert_eq!(names(folder.path()), [format!("{}.destroyed", owner(1)), format!("{}.key", owner(2))]);
}

#[test]
fn a_key_that_another_process_destroys_is_gone_here_too() {
    let folder = tempfile::tempdir().expect("folder");
    let [here, elsewhere] = [(); 2].map(|()| FileKeyVault::open(folder.path()).expect("vault"));
    for number in [1, 2] {
        here.ensure(owner(number)).expect("key");
    }
    assert_eq!(bytes(&here, 1), bytes(&elsewhere, 1));
    elsewhere.destroy(owner(1)).expect("destroyed");
    assert_eq!((bytes(&here, 1), bytes(&here, 2).is_some()), (None, true), "though it was in memory here");
    here.ensure(owner(1)).expect("no key is made");
    assert_eq!(bytes(&elsewhere, 1), None);
}

#[test]
fn a_crash_in_the_middle_of_destroying_is_finished_on_opening() {
    let folder = tempfile::tempdir().expect("folder");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    vault.ensure(owner(1)).expect("key");
    fs::write(vault.path(owner(1), "destroyed"), []).expect("mark");
    let again = FileKeyVault::open(folder.path()).expect("vault");
    assert_eq!(bytes(&again, 1), None);
    assert_eq!(names(folder.path()), [format!("{}.destroyed", owner(1))]);
}

#[test]
fn a_crash_in_the_middle_of_making_leaves_no_half_key() {
    let folder = tempfile::tempdir().expect("folder");
    fs::write(folder.path().join(format!("{}.new", owner(1))), [7; 5]).expect("half a key");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    assert_eq!(bytes(&vault, 1), None);
    vault.ensure(owner(1)).expect("key");
    assert!(bytes(&vault, 1).is_some());
}

#[test]
fn a_file_of_the_wrong_length_is_damage_and_is_not_replaced() {
    for content in [&[][..], &[1; 31], &[1; 33]] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(format!("{}.key", owner(1)));
        fs::write(&path, content).expect("file");
        let vault = FileKeyVault::open(folder.path()).expect("vault");
        assert!(matches!(vault.key(owner(1)), Err(KeyVaultError::Damaged(_))));
        assert!(matches!(vault.ensure(owner(1)), Err(KeyVaultError::Damaged(_))));
        assert_eq!(fs::read(&path).expect("file"), content);
    }
}

#[test]
fn many_threads_get_the_same_key() {
    let folder = tempfile::tempdir().expect("folder");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    vault.ensure(owner(1)).expect("key");
                    bytes(&vault, 1).expect("key")
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("thread")).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn more_keys_than_are_held_in_memory_are_read_again() {
    let folder = tempfile::tempdir().expect("folder");
    let vault = FileKeyVault::open(folder.path()).expect("vault");
    vault.ensure(owner(0)).expect("key");
    let first = bytes(&vault, 0);
    for number in 1..=CACHED_MAX as u128 {
        fs::write(vault.path(owner(number), "key"), [9; KEY_BYTES]).expect("file");
        assert!(bytes(&vault, number).is_some());
    }
    assert!(vault.cached().len() <= CACHED_MAX);
    assert_eq!(bytes(&vault, 0), first);
}
