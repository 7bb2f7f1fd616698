//! Fields that bodies of several routes share.

use domain::{
    dubbing::TEXT_CHARS_MAX,
    value::{SpeakerId, UtteranceId},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
};

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;

macro_rules! numbered {
    ($(#[$meaning:meta])* $name:ident($inner:ident) $letter:literal $pattern:literal $example:literal) => {
        $(#[$meaning])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub $inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let number = text.strip_prefix($letter).filter(|digits| is_number(digits));
                let number = number.and_then(|digits| digits.parse().ok());
                let expected = concat!("expected an id such as ", $example);
                number.map(|number| Self($inner(number))).ok_or_else(|| D::Error::custom(expected))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                text.examples([serde_json::json!($example)]).into()
            }
        }

        impl ToSchema for $name {}
    };
}

numbered! {
    /// An utterance within its dubbing.
    UtteranceRef(UtteranceId) 'u' "^u(0|[1-9][0-9]{0,8})$" "u3"
}
numbered! {
    /// A speaker within a dubbing.
    SpeakerRef(SpeakerId) 'S' "^S(0|[1-9][0-9]{0,8})$" "S1"
}

/// As an id is written: up to nine digits, none in front that says nothing.
fn is_number(digits: &str) -> bool {
    let is_short = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_short && (digits == "0" || !digits.starts_with('0'))
}

/// What is said in one line: 1 to 2,000 characters, no control characters, and not only spaces.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 2_000, pattern = r"^[^\x00-\x1F\x7F]*[^\x00-\x20\x7F][^\x00-\x1F\x7F]*$")]
pub(crate) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(D::Error::custom(format_args!("a text has at most {TEXT_CHARS_MAX} characters")));
        }
        if text.chars().any(|letter| letter.is_ascii_control()) {
            return Err(D::Error::custom("a text has no control characters, and stands on one line"));
        }
        let said = text.trim_matches(' ');
        if said.is_empty() { Err(D::Error::custom("a text is not empty")) } else { Ok(Self(said.to_owned())) }
    }
}

/// Why an operator does something: 1 to 200 characters, no control characters, and not only spaces.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$")]
pub(crate) struct OperatorReason(pub String);

impl<'de> Deserialize<'de> for OperatorReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let said = text.trim_matches(' ');
        let is_short = text.chars().nth(REASON_CHARS_MAX).is_none() && !text.chars().any(char::is_control);
        if said.is_empty() || !is_short {
            return Err(D::Error::custom("a reason has 1 to 200 characters on one line"));
        }
        Ok(Self(said.to_owned()))
    }
}

/// A field that may be left out, but is not null: with `#[serde(default, deserialize_with = "present")]`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(text: &str) -> Option<u32> {
        serde_json::from_value::<UtteranceRef>(text.into()).ok().map(|id| id.0.0)
    }

    #[test]
    fn an_id_is_written_in_one_way_only() {
        assert_eq!((utterance("u3"), utterance("u0"), utterance("u999999999")), (Some(3), Some(0), Some(999_999_999)));
        for text in ["3", "U3", "u", "u03", "u-1", "u+1", "u1.0", "u9999999999", "u3 ", "../u3", "u٣"] {
            assert_eq!(utterance(text), None, "{text}");
        }
        assert_eq!(serde_json::to_value(SpeakerRef(SpeakerId(2))).expect("JSON"), "S2");
    }

    #[test]
    fn a_text_is_one_line_of_something() {
        let read = |text: &str| serde_json::from_value::<Text>(text.into()).ok().map(|text| text.0);
        assert_eq!(read(" hola  "), Some("hola".to_owned()));
        assert_eq!(read("\u{a0}"), Some("\u{a0}".to_owned()));
        for text in ["", "   ", "a\nb", "a\u{0}", "\u{7f}", &"a".repeat(TEXT_CHARS_MAX + 1)] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(read(&"ä".repeat(TEXT_CHARS_MAX)).is_some());
    }
}
