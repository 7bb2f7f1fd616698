//! Codes that change every thirty seconds, with `totp-rs`.

use application::ports::{
    clock::Ids,
    second_factor::{SecondFactor, TotpSecret},
};
use domain::value::Timestamp;
use std::sync::Arc;
use totp_rs::{Algorithm, TOTP};

/// What authenticator apps call us.
const ISSUER: &str = "Dragoman";

/// Figures that every authenticator app understands; some ignore others without a word.
const ALGORITHM: Algorithm = Algorithm::SHA1;
const DIGITS: usize = 6;
const STEP_S: u64 = 30;

/// TOTP after RFC 6238: HMAC-SHA-1, six digits, thirty seconds.
pub struct TotpSecondFactor {
    ids: Arc<dyn Ids>,
}

impl TotpSecondFactor {
    /// Secrets come from `ids`.
    pub fn new(ids: Arc<dyn Ids>) -> Self {
        Self { ids }
    }
}

impl SecondFactor for TotpSecondFactor {
    fn new_secret(&self) -> TotpSecret {
        let mut bytes = [0; 20];
        bytes.iter_mut().zip(self.ids.secret()).for_each(|(byte, random)| *byte = random);
        TotpSecret::new(bytes)
    }

    /// A colon in the label would end the issuer's name; a space stands in its place.
    fn enrolment_uri(&self, secret: &TotpSecret, account_label: &str) -> String {
        totp(secret, &account_label.replace(':', " ")).get_url()
    }

    fn matches(&self, secret: &TotpSecret, code: &str, now: Timestamp) -> Option<u64> {
        let code: String = code.chars().filter(|c| *c != ' ').collect();
        let totp = totp(secret, "");
        let step = now.unix_ms() / 1_000 / STEP_S;
        let steps = [step.checked_sub(1), Some(step), step.checked_add(1)];
        // Each comparison takes the same time, and all are made. Should two steps have the same code, the later counts.
        steps.into_iter().flatten().filter(|step| totp.check(&code, step.saturating_mul(STEP_S))).max()
    }
}

/// Checks one step at a time: no skew of its own.
fn totp(secret: &TotpSecret, label: &str) -> TOTP {
    let (secret, issuer) = (secret.expose().to_vec(), Some(ISSUER.to_owned()));
    TOTP::new_unchecked(ALGORITHM, DIGITS, 0, STEP_S, secret, issuer, label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::testing::CountedIds;

    /// The secret of RFC 6238, appendix B.
    const SECRET: TotpSecret = TotpSecret::new(*b"12345678901234567890");

    fn factor() -> TotpSecondFactor {
        TotpSecondFactor::new(Arc::new(CountedIds::default()))
    }

    fn matches(code: &str, seconds: u64) -> Option<u64> {
        factor().matches(&SECRET, code, Timestamp::from_unix_ms(seconds * 1_000))
    }

    /// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(matches(code, seconds), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_holds_one_step_before_and_after_its_own() {
        // Step 41152263 lasts from 1234567890 up to 1234567920.
        for (seconds, fits) in [
            (1_234_567_859, false),
            (1_234_567_860, true),
            (1_234_567_889, true),
            (1_234_567_919, true),
            (1_234_567_949, true),
            (1_234_567_950, false),
        ] {
            assert_eq!(matches("005924", seconds), fits.then_some(41_152_263), "{seconds}");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        assert_eq!(matches("005 924", 1_234_567_890), Some(41_152_263));
        for bad in ["", "5924", "0059240", "00592", "00592４", "005924\n", "-05924", "+05924", "89005924", "000000"] {
            assert_eq!(matches(bad, 1_234_567_890), None, "{bad:?}");
        }
        assert_eq!(matches("755224", 0), Some(0), "RFC 4226, appendix D, count 0");
        assert_eq!(factor().matches(&SECRET, "000000", Timestamp::from_unix_ms(u64::MAX)), None);
    }

    #[test]
    fn secrets_differ_fit_only_themselves_and_are_never_shown() {
        let factor = factor();
        let (one, other) = (factor.new_secret(), factor.new_secret());
        let now = Timestamp::from_unix_ms(1_234_567_890_000);
        let code = totp(&one, "").generate(1_234_567_890);
        assert_eq!(factor.matches(&one, &code, now), Some(41_152_263));
        assert_eq!(factor.matches(&other, &code, now), None);
        assert_eq!(format!("{one:?}"), "TotpSecret(…)");
    }

    /// The form of <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>.
    #[test]
    fn apps_can_read_the_link() {
        let uri = |label: &str| factor().enrolment_uri(&SECRET, label);
        let tail = "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Dragoman";
        assert_eq!(uri("ada@example.org"), format!("otpauth://totp/Dragoman:ada%40example.org{tail}"));
        assert_eq!(uri("a:b&c=d?#/"), format!("otpauth://totp/Dragoman:a%20b%26c%3Dd%3F%23%2F{tail}"));
        assert_eq!(TOTP::from_url(uri("Ada L.")).map(|totp| totp.secret).ok(), Some(SECRET.expose().to_vec()));
    }
}
