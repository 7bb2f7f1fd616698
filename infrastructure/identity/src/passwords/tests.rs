//! Hashing and verifying, as a whole.

use super::*;
use application::testing::CountedIds;

const PASSWORD: &str = "vB7-mango-Tiber-41";

fn passwords() -> Argon2Passwords {
    Argon2Passwords::new(2, 8, Arc::new(CountedIds::default()))
}

/// A hash made by the same library with other figures.
fn hash_with(algorithm: Algorithm, version: Version, (memory_kib, passes, lanes): (u32, u32, u32)) -> PasswordHash {
    let params = Params::new(memory_kib, passes, lanes, None).expect("figures");
    let salt = SaltString::encode_b64(&[3; SALT_BYTES]).expect("salt");
    let hash = Argon2::new(algorithm, version, params).hash_password(PASSWORD.as_bytes(), &salt).expect("hash");
    PasswordHash::new(hash.to_string())
}

#[tokio::test]
async fn a_password_fits_its_own_hash_only() {
    let passwords = passwords();
    let hash = passwords.hash(PASSWORD).await.expect("hash");
    let other = passwords.hash(PASSWORD).await.expect("hash");
    assert_ne!(hash, other, "salts differ");
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    for hash in [&hash, &other] {
        assert_eq!(passwords.verify(PASSWORD, Some(hash)).await.ok(), Some(Verdict::Right { needs_rehash: false }));
        for wrong in ["", "vB7-mango-Tiber-42", "vB7-mango-Tiber-41 "] {
            assert_eq!(passwords.verify(wrong, Some(hash)).await.ok(), Some(Verdict::Wrong));
        }
    }
    assert_eq!(passwords.verify(PASSWORD, None).await.ok(), Some(Verdict::Wrong));
}

#[tokio::test]
async fn hashes_made_with_other_figures_are_to_be_made_anew() {
    let passwords = passwords();
    let (current, id, v19) = ((MEMORY_KIB, PASSES, LANES), Algorithm::Argon2id, Version::V0x13);
    for (hash, needs_rehash) in [
        (hash_with(id, v19, current), false),
        (hash_with(id, v19, (MEMORY_KIB / 2, PASSES, LANES)), true),
        (hash_with(id, v19, (MEMORY_KIB, PASSES - 1, LANES)), true),
        (hash_with(id, Version::V0x10, current), true),
        (hash_with(Algorithm::Argon2i, v19, current), true),
    ] {
        let verdict = passwords.verify(PASSWORD, Some(&hash)).await.ok();
        assert_eq!(verdict, Some(Verdict::Right { needs_rehash }), "{}", hash.expose());
    }
}

#[tokio::test]
async fn what_is_no_hash_is_a_failure_and_not_a_wrong_password() {
    let figures = "$argon2id$v=19$m=19456,t=2,p=1";
    let cut = [figures.to_owned(), format!("{figures}$c2FsdHNhbHQ")];
    let others = ["", "x", "$argon2id$", "$5$rounds=5000$abc$def", "$argon2id$v=19$m=x$c2FsdHNhbHQ$c2FsdHNhbHQ"];
    for stored in others.map(str::to_owned).into_iter().chain(cut) {
        let answer = passwords().verify(PASSWORD, Some(&PasswordHash::new(stored.clone()))).await;
        let Err(PasswordError::Failed(source)) = answer else { panic!("{stored}: {answer:?}") };
        assert!(!format!("{source} {source:?}").contains(PASSWORD));
    }
}

/// The least of some tries, so that a busy machine does not count; without the work it would be a thousandth.
#[tokio::test]
async fn an_unknown_account_costs_what_a_known_one_does() {
    let passwords = passwords();
    let hash = passwords.hash(PASSWORD).await.expect("hash");
    let mut spent = [std::time::Duration::MAX; 2];
    for _ in 0..5 {
        for (least, hash) in spent.iter_mut().zip([Some(&hash), None]) {
            let begun = std::time::Instant::now();
            assert_eq!(passwords.verify("wrong", hash).await.ok(), Some(Verdict::Wrong));
            *least = begun.elapsed().min(*least);
        }
    }
    let [known, unknown] = spent;
    assert!(known < unknown * 3 && unknown < known * 3, "{known:?} {unknown:?}");
}

#[test]
fn hashes_are_never_shown() {
    assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$secret".to_owned())), "PasswordHash(…)");
}
