//! How many files and connections this process may have open at a time.
//!
//! What is deliberately absent: children. They get back what is usual, see `child-process`.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a connection holds open: itself, and the file that goes over it.
const OF_A_CONNECTION: u64 = 2;
/// What is open beside connections: databases, engines' pipes, files that stages read and write.
const BESIDE: u64 = 256;

/// Raises the limit as far as the system lets every process do, and says where it is then; `None` when the system
/// does not tell.
pub fn raise() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    Some(if raised.is_ok() { hard } else { soft })
}

/// What to say when so many connections do not fit into a limit.
pub fn shortage(limit: u64, connections: u64) -> Option<String> {
    let needed = connections.saturating_mul(OF_A_CONNECTION).saturating_add(BESIDE);
    (limit < needed).then(|| {
        format!(
            "the system allows {limit} open files, and {connections} connections may need {needed}: raise the limit \
             (`ulimit -n`), or set http.connections_max to at most {}",
            limit.saturating_sub(BESIDE) / OF_A_CONNECTION
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, soft.min(hard - 1), hard).expect("lowered");
        assert_eq!(raise(), Some(hard));
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE), Ok((hard, hard)));
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        assert_eq!(shortage(8_448, 4_096), None);
        let said = shortage(1_024, 4_096).expect("too few");
        for word in ["1024 open files", "4096 connections", "8448", "at most 384"] {
            assert!(said.contains(word), "{said}");
        }
        assert_eq!(shortage(1_024, 384), None);
        assert!(shortage(100, 1).is_some_and(|said| said.contains("at most 0")));
    }
}
