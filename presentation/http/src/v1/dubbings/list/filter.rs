//! What a list is filtered by.

use super::not_ours;
use crate::{
    pages::{Cursor, Limit},
    problem::Problem,
    v1::dubbings::{view::DubbingState, wish::Language},
};
use application::ports::{
    event_log::Tenant,
    read_store::{Condition, RowKey},
};
use domain::value::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::IntoParams;
use uuid::Uuid;

/// Longest text to search for, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Filters of the list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// In one of these states, with commas between them.
    #[param(value_type = Option<Vec<DubbingState>>, style = Form, explode = false, min_items = 1)]
    state: Option<States>,
    /// Made in this language, among others.
    #[param(value_type = Option<Language>)]
    language: Option<Language>,
    /// Of this project.
    project: Option<Uuid>,
    /// Found in the source's name or the client's reference, whatever the case, or at the beginning of the id.
    #[param(value_type = Option<String>, min_length = 1, max_length = 200)]
    text: Option<Text>,
    /// Ordered at this moment or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    started_after: Option<Moment>,
    /// Ordered before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    started_before: Option<Moment>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<Limit>)]
    pub limit: Limit,
    /// `next_cursor` of the page before, with the same filters.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// States, with commas between them.
#[derive(Clone, Debug)]
struct States(Vec<DubbingState>);

/// What is searched for, in lower case.
#[derive(Clone, Debug)]
struct Text(String);

/// A moment of the time that logs tell.
#[derive(Clone, Copy, Debug)]
struct Moment(Timestamp);

impl ListQuery {
    /// What rows must meet.
    pub fn conditions(&self, tenant: &Tenant) -> Vec<Condition> {
        let mut conditions = vec![Condition::Equals("tenant", json!(tenant.0))];
        let states = self.state.iter().map(|states| states.0.iter().map(|state| json!(state.name())).collect());
        conditions.extend(states.map(|states| Condition::OneOf("phase", states)));
        let language = self.language.as_ref().map(|language| language.0.as_str().to_owned());
        conditions.extend(language.map(|language| Condition::Holds("languages", language)));
        conditions.extend(self.project.map(|project| Condition::Equals("project_id", json!(project.to_string()))));
        conditions.extend(self.started_after.map(|from| Condition::AtLeast("started_at", json!(from.0.to_string()))));
        conditions.extend(self.started_before.map(|to| Condition::Below("started_at", json!(to.0.to_string()))));
        conditions
    }

    /// What is searched for, in lower case.
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| text.0.as_str())
    }

    /// Where the page before ended.
    pub fn after(&self) -> Result<Option<RowKey>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let (started_at, id): (Timestamp, Uuid) = cursor.open()?;
        if id.is_nil() { Err(not_ours()) } else { Ok(Some(vec![json!(started_at.to_string()), json!(id.to_string())])) }
    }
}

impl<'de> Deserialize<'de> for States {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let states: Option<Vec<DubbingState>> = text.split(',').map(DubbingState::of_name).collect();
        let wrong = "states are queued, preparing, processing, needs_attention, completed, failed and cancelled";
        states.map(Self).ok_or_else(|| D::Error::custom(wrong))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_fit = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
        if is_fit { Ok(Self(text.to_lowercase())) } else { Err(D::Error::custom("a text has 1 to 200 characters")) }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("a moment is written after RFC 3339, such as 2026-01-31T08:00:00Z");
        let moment = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| wrong())?;
        // Nothing was ordered before 1970.
        let ms = moment.unix_timestamp_nanos().div_euclid(1_000_000).max(0);
        Ok(Self(Timestamp::from_unix_ms(u64::try_from(ms).map_err(|_| wrong())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Option<String> {
        serde_json::from_value::<Moment>(json!(text)).ok().map(|moment| moment.0.to_string())
    }

    #[test]
    fn moments_of_all_zones_are_one() {
        for text in ["2026-01-31T08:00:00Z", "2026-01-31T09:30:00+01:30", "2026-01-31T08:00:00.0004Z"] {
            assert_eq!(moment(text).as_deref(), Some("2026-01-31T08:00:00.000Z"), "{text}");
        }
        assert_eq!(moment("1066-10-14T09:00:00Z").as_deref(), Some("1970-01-01T00:00:00.000Z"));
        for text in ["", "2026-01-31", "2026-01-31T08:00:00", "2026-02-30T08:00:00Z", "tomorrow"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn states_stand_with_commas_between_them() {
        let states = |text: &str| serde_json::from_value::<States>(json!(text)).ok().map(|states| states.0);
        assert_eq!(states("queued,failed"), Some(vec![DubbingState::Queued, DubbingState::Failed]));
        for text in ["", "queued,", "Queued", "parked", "queued failed"] {
            assert_eq!(states(text), None, "{text}");
        }
    }
}
