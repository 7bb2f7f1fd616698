//! What a listener wants: from where on, of which kinds, about what.

use super::Frame;
use application::{ports::event_log::Tenant, public_events::PublicEventType};
use serde::{Deserialize, Deserializer, de::Error};
use std::{collections::BTreeSet, str::FromStr};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};
use uuid::Uuid;

/// Longest list of types.
const TYPES_MAX: usize = 64;
/// The greatest position that can be asked for: 18 digits.
const POSITION_MAX: u64 = 999_999_999_999_999_999;

/// Where a listener begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// With what comes from now on.
    Now,
    /// With what comes after this position.
    Position(u64),
}

impl FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_number && *number <= POSITION_MAX);
        number.map(Self::Position).ok_or("it is a position, as an event's `id` gives it, or `now`")
    }
}

/// Kinds of events: a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeSet(u128);

// Each kind has a bit.
const _: () = assert!(PublicEventType::ALL.len() <= 128);

impl TypeSet {
    /// All of them.
    pub(crate) const ALL: Self = Self(u128::MAX);

    fn holds(self, kind: PublicEventType) -> bool {
        self.0 & bit(kind) != 0
    }
}

impl FromStr for TypeSet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let wrong = "it is a list, with commas, of types of events, or of `noun.*` for all types of one noun";
        let mut set = 0;
        for (place, part) in text.split(',').enumerate() {
            let bits = match part.strip_suffix('*').filter(|noun| noun.ends_with('.')) {
                Some(noun) => of_noun(noun),
                None => PublicEventType::from_str(part).map_or(0, bit),
            };
            if bits == 0 || place >= TYPES_MAX {
                return Err(wrong);
            }
            set |= bits;
        }
        Ok(Self(set))
    }
}

fn of_noun(noun: &str) -> u128 {
    PublicEventType::ALL.iter().filter(|kind| kind.name().starts_with(noun)).fold(0, |set, kind| set | bit(*kind))
}

fn bit(kind: PublicEventType) -> u128 {
    1 << (kind as u8)
}

/// What a listener wants to hear of.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub tenant: Tenant,
    pub dubbing: Option<Uuid>,
    pub types: TypeSet,
}

impl Wanted {
    pub(super) fn holds(&self, frame: &Frame) -> bool {
        self.types.holds(frame.kind)
            && self.dubbing.is_none_or(|dubbing| frame.dubbing == Some(dubbing))
            && self.tenant == frame.tenant
    }
}

macro_rules! from_text {
    ($($name:ident)+) => {
        $(impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl ToSchema for $name {})+
    };
}

from_text!(After TypeSet);

impl PartialSchema for After {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(now|[0-9]{1,18})$"));
        text.examples(["1042"]).into()
    }
}

impl PartialSchema for TypeSet {
    fn schema() -> RefOr<Schema> {
        let mut nouns: Vec<_> = PublicEventType::ALL.iter().filter_map(|kind| kind.name().split('.').next()).collect();
        nouns.dedup();
        let nouns = nouns.into_iter().map(|noun| format!("{noun}.*"));
        let names = PublicEventType::ALL.iter().map(|kind| kind.name().to_owned()).chain(nouns);
        let names: BTreeSet<String> = names.collect();
        let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        ArrayBuilder::new().items(name).min_items(Some(1)).max_items(Some(TYPES_MAX)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_begins_at_a_position_or_now() {
        assert_eq!("0".parse(), Ok(After::Position(0)));
        assert_eq!("999999999999999999".parse(), Ok(After::Position(POSITION_MAX)));
        assert_eq!("now".parse(), Ok(After::Now));
        for text in ["", "-1", "+1", "1.0", "Now", " 1", "1000000000000000000", "99999999999999999999999"] {
            assert!(text.parse::<After>().is_err(), "{text}");
        }
    }

    #[test]
    fn types_are_named_one_by_one_or_by_their_noun() {
        let set: TypeSet = "track.published,stage.*".parse().expect("a set");
        assert!(set.holds(PublicEventType::TrackPublished) && set.holds(PublicEventType::StageParked));
        assert!(!set.holds(PublicEventType::TrackMixed) && !set.holds(PublicEventType::DubbingQueued));
        assert!(PublicEventType::ALL.iter().all(|kind| TypeSet::ALL.holds(*kind)));
        let too_many = ["stage.*"; TYPES_MAX + 1].join(",");
        for text in
            ["", "*", ".*", "tra.*", "track", "track.", "track.published,", "track.Published", "stage.* ", &too_many]
        {
            assert!(text.parse::<TypeSet>().is_err(), "{text}");
        }
    }
}
