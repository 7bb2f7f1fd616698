//! Each command to a webhook: accepted, refused, silent.

use super::{
    Webhook, WebhookCommand as Command, WebhookContent, WebhookEvent as Event, WebhookRejection as Rejection,
    WhyDisabled,
};
use crate::{spec::given, value::Personal};

fn content(url: &str) -> WebhookContent {
    let personal = |text: &str| Personal::new(text.to_owned());
    WebhookContent { url: personal(url), description: personal("ci"), events: vec!["dubbing.*".to_owned()] }
}

fn created() -> Event {
    Event::WebhookCreated(content("https://a.example"))
}

fn disabled() -> Event {
    Event::WebhookDisabled { why: WhyDisabled::Gone }
}

#[test]
fn a_webhook_is_made_once_and_changed() {
    let (one, other) = (content("https://a.example"), content("https://b.example"));
    given::<Webhook>([]).when(Command::Create(one.clone())).then([created()]);
    given::<Webhook>([created()]).when(Command::Create(one.clone())).then_silent();
    given::<Webhook>([created()]).when(Command::Create(other.clone())).then_refused(&Rejection::AlreadyCreated);
    given::<Webhook>([created()]).when(Command::Change(other.clone())).then([Event::WebhookChanged(other)]);
    given::<Webhook>([created()]).when(Command::Change(one.clone())).then_silent();
    given::<Webhook>([]).when(Command::Change(one)).then_refused(&Rejection::Unknown);
}

#[test]
fn a_webhook_is_disabled_and_enabled() {
    given::<Webhook>([created()]).when(Command::Disable(WhyDisabled::Gone)).then([disabled()]);
    given::<Webhook>([created(), disabled()]).when(Command::Disable(WhyDisabled::Owner)).then_silent();
    given::<Webhook>([created(), disabled()]).when(Command::Enable).then([Event::WebhookEnabled]);
    given::<Webhook>([created()]).when(Command::Enable).then_silent();
}

#[test]
fn what_is_disabled_replays_nothing() {
    let replay = || Command::Replay { from: 7 };
    given::<Webhook>([created()]).when(replay()).then([Event::WebhookReplayed { from: 7 }]);
    given::<Webhook>([created(), disabled()]).when(replay()).then_refused(&Rejection::Disabled);
}

#[test]
fn every_rotation_is_told() {
    given::<Webhook>([created()]).when(Command::NoteRotation).then([Event::WebhookSecretRotated]);
    given::<Webhook>([]).when(Command::NoteRotation).then_refused(&Rejection::Unknown);
}

#[test]
fn a_webhook_is_removed() {
    given::<Webhook>([created()]).when(Command::Remove).then([Event::WebhookRemoved]);
    given::<Webhook>([created(), Event::WebhookRemoved]).when(Command::Remove).then_silent();
    let again = Command::Create(content("https://a.example"));
    given::<Webhook>([created(), Event::WebhookRemoved]).when(again).then_refused(&Rejection::Unknown);
}
