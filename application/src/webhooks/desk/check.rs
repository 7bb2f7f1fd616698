//! What a webhook may be.

use super::{TargetFault, WebhookChange, WebhookDesk, WebhookDeskError, WebhookOrder, content_of, personal};
use crate::{
    ports::outbound::{OutboundError, Reach},
    public_events::PublicEventType,
};
use domain::webhook::WebhookContent;

/// Longest address, in characters.
pub const URL_CHARS_MAX: usize = 2_000;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// Patterns of a webhook at most.
pub const PATTERNS_MAX: usize = 100;

impl WebhookDesk {
    /// Whether this can be a webhook's address. A name that leads nowhere today may lead somewhere tomorrow; where it
    /// leads is looked at again whenever something is sent.
    pub(super) async fn check_target(&self, url: &str) -> Result<(), WebhookDeskError> {
        let fault = |fault| Err(WebhookDeskError::Target(fault));
        if url.chars().count() > URL_CHARS_MAX {
            return fault(TargetFault::TooLong);
        }
        if url.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return fault(TargetFault::Invalid);
        }
        let reach = self.delivery.parts.limits.reach;
        let is_secure = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        if reach == Reach::Public && !is_secure {
            return fault(TargetFault::NotSecure);
        }
        match self.delivery.parts.outbound.check(url, reach).await {
            Ok(()) | Err(OutboundError::Unresolved | OutboundError::TimedOut) => Ok(()),
            Err(OutboundError::Forbidden) => fault(TargetFault::NotPublic),
            Err(OutboundError::InvalidUrl | OutboundError::Unreachable(_) | OutboundError::TooLarge) => {
                fault(TargetFault::Invalid)
            }
        }
    }
}

/// What an order asks for, if that is possible; its address is checked elsewhere.
pub(super) fn content(order: WebhookOrder) -> Result<WebhookContent, WebhookDeskError> {
    check_description(&order.description)?;
    check_events(&order.events)?;
    Ok(content_of(order))
}

/// What a change makes of it, if that is possible and the change is about it; its address is checked elsewhere.
pub(super) fn changed(
    content: WebhookContent,
    change: WebhookChange,
) -> Result<Option<WebhookContent>, WebhookDeskError> {
    let WebhookChange { url, description, events, is_enabled: _ } = change;
    if url.is_none() && description.is_none() && events.is_none() {
        return Ok(None);
    }
    description.as_ref().map_or(Ok(()), |text| check_description(text))?;
    events.as_ref().map_or(Ok(()), |events| check_events(events))?;
    Ok(Some(WebhookContent {
        url: url.map_or(content.url, personal),
        description: description.map_or(content.description, personal),
        events: events.unwrap_or(content.events),
    }))
}

fn check_description(text: &str) -> Result<(), WebhookDeskError> {
    let is_sound = text.chars().count() <= DESCRIPTION_CHARS_MAX && !text.chars().any(char::is_control);
    if is_sound { Ok(()) } else { Err(WebhookDeskError::Description) }
}

fn check_events(events: &[String]) -> Result<(), WebhookDeskError> {
    if events.len() > PATTERNS_MAX {
        return Err(WebhookDeskError::TooManyEvents);
    }
    match events.iter().position(|pattern| !is_pattern(pattern)) {
        Some(index) => Err(WebhookDeskError::UnknownEvent { index }),
        None => Ok(()),
    }
}

/// Whether it is the name of a type, or `noun.*`.
fn is_pattern(text: &str) -> bool {
    let mut names = PublicEventType::ALL.iter().map(|kind| kind.name());
    match text.strip_suffix(".*") {
        Some(noun) => names.any(|name| name.split_once('.').is_some_and(|(known, _)| known == noun)),
        None => names.any(|name| name == text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], expected: Option<usize>) {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        match (check_events(&patterns), expected) {
            (Ok(()), None) => {}
            (Err(WebhookDeskError::UnknownEvent { index }), Some(expected)) => assert_eq!(index, expected),
            (other, _) => panic!("{patterns:?}: {other:?}"),
        }
    }

    #[test]
    fn patterns_name_events_or_nouns() {
        check(&[], None);
        check(&["dubbing.completed", "track.*"], None);
        for wrong in ["dub.*", "dubbing", "*", ".*", "track*", "track.p*", "webhook.test", "Track.*", "track.* "] {
            check(&["track.*", wrong], Some(1));
        }
        let many = vec!["track.*".to_owned(); PATTERNS_MAX + 1];
        assert!(matches!(check_events(&many), Err(WebhookDeskError::TooManyEvents)));
    }

    #[test]
    fn a_change_is_about_what_it_names() {
        let order = |url: &str| WebhookOrder { url: url.to_owned(), description: "one".to_owned(), events: vec![] };
        let before = content(order("https://a.example/")).unwrap();
        let none = WebhookChange { is_enabled: Some(false), ..WebhookChange::default() };
        assert_eq!(changed(before.clone(), none).unwrap(), None);
        let url = WebhookChange { url: Some("https://b.example/".to_owned()), ..WebhookChange::default() };
        assert_eq!(changed(before.clone(), url).unwrap(), Some(content(order("https://b.example/")).unwrap()));
        let line = WebhookChange { description: Some("a\nb".to_owned()), ..WebhookChange::default() };
        assert!(matches!(changed(before, line), Err(WebhookDeskError::Description)));
    }
}
