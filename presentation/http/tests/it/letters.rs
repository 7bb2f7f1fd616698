//! Who ordered a dubbing is written to when it is finished.

use crate::{
    dubbings::set::Said,
    kit::{Options, Server},
    people::{People, Person},
};
use application::{
    letters::{FinishedLetters, FinishedParts},
    ports::{
        event_log::{Append, DomainEvent, StreamId},
        mailer::{Mail, MailError, Mailer},
    },
};
use async_trait::async_trait;
use domain::{
    dubbing::DubbingEvent,
    value::{DubbingId, Role, Sha256},
};
use reqwest::Method;
use serde_json::json;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Takes letters in, unless they are to this address.
#[derive(Default)]
struct Letterbox {
    letters: Mutex<Vec<Mail>>,
    refuses: Mutex<Option<String>>,
}

#[async_trait]
impl Mailer for Letterbox {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        if self.refuses.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == mail.to.reveal() {
            return Err(MailError::Refused { transient: false });
        }
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        Ok(())
    }
}

impl Letterbox {
    /// The letters, once there are so many.
    async fn holds(&self, count: usize) -> Vec<Mail> {
        let look = async {
            loop {
                let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if letters.len() >= count {
                    return letters;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), look).await.expect("letters")
    }
}

async fn ordered(server: &Server, token: Option<&str>) -> DubbingId {
    let asset = server.asset("A film that nobody may know of.mp4").await;
    let request = server.open(Method::POST, "/v1/dubbings").bearer_auth(token.unwrap_or(crate::kit::TOKEN));
    let request = request.header("content-type", "application/json");
    let request = request.body(json!({"asset": asset, "target_languages": ["es"]}).to_string());
    let said = Said::of(request.send().await.expect("an answer")).await;
    assert_eq!(said.status, 202, "{said:?}");
    said.id()
}

/// A dubbing ends, whatever it is at. Where the log says so.
async fn end(server: &Server, dubbing: DubbingId, event: DubbingEvent) -> u64 {
    let (stream, id) = (StreamId::Dubbing(dubbing), server.api.ids.next());
    let known = server.api.aggregates.dubbing(dubbing).await.expect("a dubbing");
    let append = Append {
        tenant: known.tenant.expect("a tenant"),
        actor: "test".to_owned(),
        command_id: id,
        fingerprint: Sha256::new([0; 32]),
        causation_id: None,
        traceparent: None,
        stream,
        expected_revision: known.revision,
        under: None,
        events: vec![DomainEvent::Dubbing(event)],
    };
    server.api.log.append(append).await.expect("appended").position
}

fn completed(needs_attention: bool) -> DubbingEvent {
    DubbingEvent::VideoGenerationCompleted { needs_attention }
}

fn failed() -> DubbingEvent {
    DubbingEvent::VideoGenerationFailed { code: "no-speech".to_owned() }
}

fn letters(server: &Server, letterbox: &Arc<Letterbox>) -> FinishedLetters {
    FinishedLetters::new(FinishedParts {
        log: server.api.log.clone(),
        aggregates: server.api.aggregates.clone(),
        credentials: server.api.identity.credentials().clone(),
        mailer: letterbox.clone(),
        clock: server.api.clock.clone(),
        public_url: "https://dub.example/".to_owned(),
    })
}

fn check(mail: &Mail, to: &Person, subject: &str, dubbing: DubbingId) {
    assert_eq!((mail.to.reveal(), mail.subject.as_str()), (Some(&to.email), subject));
    let link = format!("https://dub.example/v1/dubbings/{dubbing}");
    assert!(mail.text.lines().any(|line| line == link), "{}", mail.text);
    assert!(!mail.text.contains("film") && !mail.text.contains("Ana"), "{}", mail.text);
}

#[tokio::test]
async fn who_ordered_a_dubbing_is_told_once_that_it_ended() {
    let server = Server::with(Options { people: Some(People::default()), ..Options::default() }).await;
    let (ana, ben) = (server.person("local", Role::Creator).await, server.person("local", Role::Admin).await);
    let (ana_token, ben_token) = (server.sign_in(&ana).await, server.sign_in(&ben).await);
    let before = ordered(&server, Some(&ana_token)).await;
    end(&server, before, completed(false)).await;

    let letterbox = Arc::new(Letterbox::default());
    let first = letters(&server, &letterbox);
    first.begin().await.expect("a place");
    let running = first.clone();
    let running = tokio::spawn(async move { running.run().await });
    let (one, two) = (ordered(&server, Some(&ana_token)).await, ordered(&server, Some(&ben_token)).await);
    let of_nobody = ordered(&server, None).await;
    end(&server, one, completed(true)).await;
    end(&server, of_nobody, completed(false)).await;
    let last = end(&server, two, failed()).await;
    let told = letterbox.holds(2).await;
    check(&told[0], &ana, "A dubbing is finished", one);
    check(&told[1], &ben, "A dubbing could not be done", two);
    let written_down = async {
        while first.begin().await.expect("a place") < last {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written_down).await.expect("the place is written down");
    running.abort();

    // Begun anew, it goes on where it was; a letter that nobody takes holds up no other one.
    let (three, four) = (ordered(&server, Some(&ana_token)).await, ordered(&server, Some(&ben_token)).await);
    end(&server, three, failed()).await;
    end(&server, four, completed(false)).await;
    *letterbox.refuses.lock().unwrap_or_else(PoisonError::into_inner) = Some(ana.email.clone());
    let again = letters(&server, &letterbox);
    let running = tokio::spawn(async move { again.run().await });
    let told = letterbox.holds(3).await;
    check(&told[2], &ben, "A dubbing is finished", four);
    assert_eq!(told.len(), 3);
    running.abort();
}

#[tokio::test]
async fn what_ended_long_ago_is_no_news() {
    let server = Server::start().await;
    let ana = server.person("local", Role::Creator).await;
    let token = server.sign_in(&ana).await;
    let letterbox = Arc::new(Letterbox::default());
    let letters = letters(&server, &letterbox);
    letters.begin().await.expect("a place");
    let (old, new) = (ordered(&server, Some(&token)).await, ordered(&server, Some(&token)).await);
    end(&server, old, completed(false)).await;
    server.later(Duration::from_secs(4 * 24 * 60 * 60));
    end(&server, new, completed(false)).await;
    let running = tokio::spawn(async move { letters.run().await });
    check(&letterbox.holds(1).await[0], &ana, "A dubbing is finished", new);
    running.abort();
}
