//! Streams of JetStream: made by whoever finds them missing, and compared with what was asked for, since servers drop in
//! silence what they do not know.

use crate::{error::NatsError, link::Link, prefix::Prefix};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex as Gate;
use uuid::Uuid;

/// Not enough room: on the server, for the account in bytes, in memory, and in files.
const NO_ROOM: [u64; 4] = [10_023, 10_002, 10_028, 10_047];
/// The name is in use with other settings.
const OTHER_SETTINGS: u64 = 10_058;
/// Another stream takes these subjects.
const OVERLAP: u64 = 10_065;
/// When a stream was made, as version 2.9 says to who asks for it while another one is making it.
const NOT_YET: &str = "0001-01-01";
/// How often is asked again when it was made, and whether it really overlaps with another one.
const LOOKS: u32 = 50;
const LOOKS_AT_OVERLAP: u32 = 5;
/// How long after each other.
const LOOK: Duration = Duration::from_millis(20);

/// What a stream is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is for, such as `the work queue`, in errors.
    pub purpose: &'static str,
    /// What it is called in errors, such as `the stream of the work queue`.
    pub called: &'static str,
    /// What its subjects begin with.
    pub prefix: Prefix,
    /// Its name.
    pub name: String,
    /// What it holds, such as `the work`, for those who look at the server.
    pub holds: &'static str,
    /// Whose it is: one of another installation is left alone.
    pub installation: Uuid,
    /// How large it may become, in bytes.
    pub bytes_max: u64,
    /// Its other settings, by the names that the server has for them.
    pub settings: Value,
}

/// A stream as it was found or made.
#[derive(Debug)]
pub struct Made<T> {
    /// When it was made, as a word: a stream that is made anew has another.
    pub mark: String,
    /// What else is known of it; nothing when it was just looked at.
    pub known: T,
    /// How many connections there had been.
    connects: u64,
}

/// A stream that is looked at, and made if it is missing, once for each connection and whenever there is a doubt. `T` is
/// what else its user knows of it, for as long as nothing may have changed.
#[derive(Debug)]
pub struct Kept<T> {
    link: Link,
    plan: Plan,
    config: Value,
    made: Gate<Option<Arc<Made<T>>>>,
}

impl<T: Default> Kept<T> {
    /// Over this connection; nothing is made yet.
    pub fn new(link: Link, plan: Plan) -> Self {
        let mut config = json!({
            "name": plan.name,
            // Metadata would be the place, but 2.9 drops it.
            "description": format!("{} of the Dragoman installation {}", plan.holds, plan.installation),
            "max_bytes": plan.bytes_max,
        });
        if let (Some(config), Some(settings)) = (config.as_object_mut(), plan.settings.as_object()) {
            config.extend(settings.clone());
        }
        Self { link, plan, config, made: Gate::new(None) }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The stream; made if it is missing. Costs nothing while the connection lasts.
    pub async fn stream(&self) -> Result<Arc<Made<T>>, NatsError> {
        let mut known = self.made.lock().await;
        let connects = self.link.connects();
        if let Some(made) = known.as_ref().filter(|made| made.connects == connects) {
            return Ok(Arc::clone(made));
        }
        let mark = self.make().await?;
        if known.as_ref().is_some_and(|before| before.mark != mark) {
            tracing::warn!("{} on NATS was lost, and was made anew", self.plan.purpose);
        }
        let made = Arc::new(Made { mark, known: T::default(), connects });
        *known = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Looks anew the next time: something was missing that should be there.
    pub async fn doubt(&self) {
        let mut known = self.made.lock().await;
        if let Some(made) = known.take() {
            // Zero connections there never were, so this is looked at anew; the mark is still compared.
            *known = Some(Arc::new(Made { mark: made.mark.clone(), known: T::default(), connects: 0 }));
        }
    }

    /// Gives when it was made.
    async fn make(&self) -> Result<String, NatsError> {
        let Plan { called, name, .. } = &self.plan;
        let answer = match self.create().await {
            Err(NatsError::Refused { code: OTHER_SETTINGS, .. }) => self.change(name).await?,
            Err(NatsError::Refused { code: OVERLAP, said, .. }) => return Err(self.taken(said)),
            answer => self.with_room(answer)?,
        };
        compare(called, &self.config, answer.get("config"))?;
        self.mark_of(answer).await
    }

    /// Asks for it. While another one is making it, its subjects may be taken before its name is known.
    async fn create(&self) -> Result<Value, NatsError> {
        let Plan { called, name, .. } = &self.plan;
        let mut looks = 0;
        loop {
            match self.link.api(called, &format!("STREAM.CREATE.{name}"), &self.config).await {
                Err(NatsError::Refused { code: OVERLAP, .. }) if looks < LOOKS_AT_OVERLAP => looks += 1,
                answer => return answer,
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// When it was made, also where another one is making it at this moment: all must know it by the same mark.
    async fn mark_of(&self, mut answer: Value) -> Result<String, NatsError> {
        let Plan { called, name, .. } = &self.plan;
        for _ in 0..LOOKS {
            if !is_being_made(&answer) {
                return Ok(mark(&answer));
            }
            tokio::time::sleep(LOOK).await;
            answer = self.link.api(called, &format!("STREAM.INFO.{name}"), &Value::Null).await?;
        }
        Err(NatsError::Silent)
    }

    /// Changes a stream that is ours to what is asked for now.
    async fn change(&self, name: &str) -> Result<Value, NatsError> {
        let found = self.link.api(self.plan.called, &format!("STREAM.INFO.{name}"), &Value::Null).await?;
        let whose = |config: &Value| config.get("description").and_then(Value::as_str).map(str::to_owned);
        let other = found.get("config").and_then(whose);
        if other != whose(&self.config) {
            return Err(self.taken(other.unwrap_or_else(|| format!("a stream of the name {name}"))));
        }
        self.with_room(self.link.api(self.plan.called, &format!("STREAM.UPDATE.{name}"), &self.config).await)
    }

    fn taken(&self, by: String) -> NatsError {
        NatsError::Taken { prefix: self.plan.prefix.as_str().to_owned(), by }
    }

    fn with_room(&self, answer: Result<Value, NatsError>) -> Result<Value, NatsError> {
        let Plan { purpose, bytes_max, .. } = self.plan;
        match answer {
            Err(NatsError::Refused { code, said, .. }) if NO_ROOM.contains(&code) => {
                Err(NatsError::NoRoom { purpose, bytes_max, said })
            }
            answer => answer,
        }
    }
}

/// When a stream was made, as the answer about it says.
pub fn mark(answer: &Value) -> String {
    let made = answer.get("created").and_then(Value::as_str).unwrap_or_default();
    made.chars().filter(char::is_ascii_digit).collect()
}

fn is_being_made(answer: &Value) -> bool {
    answer.get("created").and_then(Value::as_str).is_some_and(|created| created.starts_with(NOT_YET))
}

/// Whether everything that was asked for came of it: servers drop in silence what they do not know. `what` is what it is
/// called in errors.
pub fn compare(what: &'static str, asked: &Value, echoed: Option<&Value>) -> Result<(), NatsError> {
    let asked = asked.as_object().into_iter().flatten();
    for (field, asked) in asked {
        let is = echoed.and_then(|echoed| echoed.get(field)).unwrap_or(&Value::Null);
        if is != asked {
            let (asked, is) = (asked.to_string(), is.to_string());
            return Err(NatsError::Differs { what, field: field.clone(), asked, is });
        }
    }
    Ok(())
}
