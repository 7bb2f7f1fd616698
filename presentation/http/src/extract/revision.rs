//! Conditions on a stream's revision: `If-Match`, after RFC 9110.
//!
//! An `ETag` of ours begins with the revision of the stream: `"17"`, or `"17.…"` where the representation also holds
//! something else.

use crate::{
    api::Api,
    problem::{Code, Fault, Problem},
};
use application::{aggregates::CommandMeta, ports::event_log::StreamId};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

/// What `If-Match` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing.
    Absent,
    /// `*`: whatever it is. Handlers look first whether it is there at all.
    Any,
    /// One of these revisions. Tags that name none of ours are left out: they match nothing.
    Revisions(Vec<u64>),
}

impl IfMatch {
    /// Insists on the header: 428 without it.
    pub fn required(self) -> Result<Self, Problem> {
        if self == Self::Absent { Err(Problem::new(Code::RevisionRequired)) } else { Ok(self) }
    }

    /// The revision that the command must be decided on, if one must be. `current` is what it is at that the condition
    /// is about: something that is there, at 0 when its stream has not begun. 412 when the condition does not hold.
    pub fn resolve(&self, current: u64) -> Result<Option<u64>, Problem> {
        match self {
            Self::Absent | Self::Any => Ok(None),
            Self::Revisions(revisions) if revisions.contains(&current) => Ok(Some(current)),
            Self::Revisions(_) => Err(mismatch(current)),
        }
    }

    /// The command, decided on the revision that is meant. 412 when it is another one at `current`, unless the command
    /// wrote to `stream` before: then it is the same command once more, and the log has its outcome.
    pub(crate) async fn bind(
        &self,
        api: &Api,
        meta: CommandMeta,
        stream: &StreamId,
        current: u64,
    ) -> Result<CommandMeta, Problem> {
        match self.resolve(current) {
            Ok(expected) => Ok(meta.expecting(expected)),
            Err(refusal) => {
                api.aggregates.unless_given(stream, &meta, refusal).await?;
                Ok(meta)
            }
        }
    }
}

/// The stream is at `current`, not where the client thinks.
pub(crate) fn mismatch(current: u64) -> Problem {
    Problem::new(Code::RevisionMismatch).extension("revision", current)
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        let lines = values.map(|value| value.to_str()).collect::<Result<Vec<_>, _>>().map_err(|_| malformed())?;
        if lines.is_empty() { Ok(Self::Absent) } else { parse(&lines.join(",")) }
    }
}

fn parse(line: &str) -> Result<IfMatch, Problem> {
    if line.trim() == "*" {
        return Ok(IfMatch::Any);
    }
    let mut revisions = Vec::new();
    for tag in line.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
        let opaque = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(malformed)?;
        let digits = opaque.split('.').next().unwrap_or_default();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if let (false, true, Ok(revision)) = (weak, is_number, digits.parse()) {
            revisions.push(revision);
        }
    }
    Ok(IfMatch::Revisions(revisions))
}

fn malformed() -> Problem {
    let fault = Fault::of("If-Match", "invalid-value", "it is `*` or a list of quoted tags, as `ETag` gave them");
    Problem::new(Code::InvalidHeader).fault(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_revisions() {
        let check = |line: &str, expected: &[u64]| {
            assert_eq!(parse(line).expect(line), IfMatch::Revisions(expected.to_vec()), "{line}");
        };
        check("\"17\"", &[17]);
        check("\"17.a8f\" , \"3\"", &[17, 3]);
        check("W/\"17\"", &[]);
        check("\"other\", \"\", \"+1\"", &[]);
        assert_eq!(parse(" * ").expect("a star"), IfMatch::Any);
        for line in ["17", "\"17", "*, \"1\"", "w/\"1\""] {
            assert_eq!(parse(line).expect_err(line).code(), Code::InvalidHeader);
        }
    }

    #[test]
    fn a_condition_holds_for_its_revision_only() {
        let code = |condition: &IfMatch, current| condition.resolve(current).map_err(|problem| problem.code());
        assert_eq!(code(&IfMatch::Absent, 0), Ok(None));
        assert_eq!(code(&IfMatch::Any, 4), Ok(None));
        // A track that is asked for and has not begun is there.
        assert_eq!(code(&IfMatch::Any, 0), Ok(None));
        assert_eq!(code(&IfMatch::Revisions(vec![0]), 0), Ok(Some(0)));
        assert_eq!(code(&IfMatch::Revisions(vec![3, 4]), 4), Ok(Some(4)));
        assert_eq!(code(&IfMatch::Revisions(vec![3]), 4), Err(Code::RevisionMismatch));
        assert_eq!(IfMatch::Absent.required().expect_err("none").code(), Code::RevisionRequired);
    }
}
