//! The calls of the protocol that a log makes.
#![expect(clippy::result_large_err, reason = "tonic's services fail with a status, whatever its size")]

use super::{
    World,
    proto::{
        self, Empty, StreamIdentifier,
        server_features::{
            SupportedMethods,
            server_features_server::{ServerFeatures, ServerFeaturesServer},
        },
        streams::{
            AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp,
            TombstoneReq, TombstoneResp,
            append_req::{self, options::ExpectedStreamRevision},
            append_resp::{
                self,
                success::{CurrentRevisionOption, PositionOption},
                wrong_expected_version,
            },
            read_req::{
                Options,
                options::{
                    CountOption, FilterOption, FilterOptions, StreamOption, all_options::AllOption,
                    filter_options::Filter, stream_options::RevisionOption,
                },
            },
            read_resp::{self, Content},
            streams_server::{Streams, StreamsServer},
        },
    },
    store::{Expected, Proposed, Stored, Written},
    take_one,
};
use futures::stream;
use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};
use uuid::Uuid;

/// Events looked through between two checkpoints of a subscription.
const CHECKPOINT_EVERY: usize = 16;

/// Biggest message: an append may be a megabyte.
const MESSAGE_BYTES_MAX: usize = 17 * 1024 * 1024;

type Answer<T> = Result<Response<T>, Status>;
type Answers = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

/// The services of a double.
#[derive(Clone)]
pub struct Service(pub Arc<World>);

impl Service {
    pub fn streams(&self) -> StreamsServer<Self> {
        StreamsServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub fn features(&self) -> ServerFeaturesServer<Self> {
        ServerFeaturesServer::new(self.clone())
    }

    fn admit(&self, headers: &MetadataMap) -> Result<(), Status> {
        let said = headers.get("authorization").and_then(|value| value.to_str().ok());
        match &self.0.authorization {
            Some(needed) if said != Some(needed) => Err(Status::unauthenticated("not authenticated")),
            Some(_) | None => Ok(()),
        }
    }

    /// Events of `$all` or of a stream, as one page.
    fn page(&self, options: &Options, count: usize) -> Result<Vec<Result<ReadResp, Status>>, Status> {
        let is_backwards = options.read_direction == 1;
        let store = self.0.store.lock().unwrap();
        match options.stream_option.as_ref().ok_or_else(invalid)? {
            StreamOption::Stream(stream) => {
                let identifier = stream.stream_identifier.clone().unwrap_or_default();
                let Some(events) = store.stream(&name_of(&identifier)) else {
                    let missing = read_resp::StreamNotFound { stream_identifier: Some(identifier) };
                    return Ok(vec![Ok(response(Content::StreamNotFound(missing)))]);
                };
                let last = events.len() as u64 - 1;
                let from = match stream.revision_option.ok_or_else(invalid)? {
                    RevisionOption::Revision(revision) => revision,
                    RevisionOption::Start(_) => 0,
                    RevisionOption::End(_) => last,
                };
                let there =
                    |event: &&Stored| if is_backwards { event.revision <= from } else { event.revision >= from };
                let mut events: Vec<&Stored> = events.into_iter().filter(there).collect();
                if is_backwards {
                    events.reverse();
                }
                let mut answers: Vec<_> = events.into_iter().take(count).map(|event| Ok(event_of(event))).collect();
                answers.push(Ok(response(Content::LastStreamPosition(last))));
                Ok(answers)
            }
            StreamOption::All(all) => {
                let from = match all.all_option.ok_or_else(invalid)? {
                    AllOption::Position(position) => Some(position.commit_position),
                    AllOption::Start(_) | AllOption::End(_) => None,
                };
                // A read that is filtered looks in windows, which must not be smaller than the page.
                if let Some(FilterOption::Filter(filter)) = &options.filter_option {
                    check_window(filter, count)?;
                }
                let events = store.from(from).ok_or_else(|| Status::aborted("invalid position"))?;
                let events: Vec<&Stored> =
                    if is_backwards { events.iter().rev().collect() } else { events.iter().collect() };
                let (mut answers, mut others) = (Vec::new(), 0);
                for event in events {
                    if answers.len() == count {
                        break;
                    }
                    if is_wanted(event, options) {
                        answers.push(Ok(event_of(event)));
                        continue;
                    }
                    others += 1;
                    if others > self.0.patience.load(Ordering::SeqCst) {
                        answers.push(Err(Status::deadline_exceeded("the time is over")));
                        break;
                    }
                }
                Ok(answers)
            }
        }
    }

    /// Events after a position, those that are there and those that come.
    async fn follow(self, options: Options, answers: mpsc::Sender<Result<ReadResp, Status>>) {
        let mut news = self.0.news.subscribe();
        let confirmation = read_resp::SubscriptionConfirmation { subscription_id: "1".to_owned() };
        let mut pending = vec![response(Content::Confirmation(confirmation))];
        let mut after = match &options.stream_option {
            Some(StreamOption::All(all)) => match all.all_option {
                Some(AllOption::Position(position)) => Some(position.commit_position),
                Some(AllOption::End(_)) => Some(*news.borrow()),
                Some(AllOption::Start(_)) | None => None,
            },
            Some(StreamOption::Stream(_)) | None => None,
        };
        let mut is_live = false;
        loop {
            {
                let store = self.0.store.lock().unwrap();
                let mut seen = 0;
                for event in store.from(None).unwrap_or_default() {
                    if after.is_some_and(|after| event.position <= after) {
                        continue;
                    }
                    if is_wanted(event, &options) {
                        pending.push(event_of(event));
                    }
                    after = Some(event.position);
                    seen += 1;
                    if seen % CHECKPOINT_EVERY == 0 {
                        pending.push(checkpoint(event.position));
                    }
                }
            }
            if !is_live {
                is_live = true;
                pending.push(response(Content::CaughtUp(read_resp::CaughtUp::default())));
            }
            for answer in pending.drain(..) {
                if answers.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = answers.closed() => return,
            }
        }
    }
}

#[tonic::async_trait]
impl ServerFeatures for Service {
    async fn get_supported_methods(&self, _: Request<Empty>) -> Answer<SupportedMethods> {
        let event_store_server_version = "25.0.0".to_owned();
        Ok(Response::new(SupportedMethods { methods: vec![], event_store_server_version }))
    }
}

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers;
    type BatchAppendStream = Pin<Box<dyn Stream<Item = Result<BatchAppendResp, Status>> + Send>>;

    async fn read(&self, request: Request<ReadReq>) -> Answer<Answers> {
        self.admit(request.metadata())?;
        let options = request.into_inner().options.ok_or_else(invalid)?;
        match options.count_option.ok_or_else(invalid)? {
            CountOption::Count(count) => {
                let page = self.page(&options, usize::try_from(count).unwrap_or(usize::MAX))?;
                Ok(Response::new(Box::pin(stream::iter(page))))
            }
            CountOption::Subscription(_) => {
                let (answers, told) = mpsc::channel(32);
                tokio::spawn(self.clone().follow(options, answers));
                Ok(Response::new(Box::pin(ReceiverStream::new(told))))
            }
        }
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Answer<AppendResp> {
        self.admit(request.metadata())?;
        let mut messages = request.into_inner();
        let Some(append_req::Content::Options(options)) = messages.message().await?.and_then(|first| first.content)
        else {
            return Err(invalid());
        };
        let mut events = Vec::new();
        while let Some(message) = messages.message().await? {
            let Some(append_req::Content::ProposedMessage(event)) = message.content else { return Err(invalid()) };
            let append_req::ProposedMessage { id, metadata, custom_metadata, data } = event;
            events.push(Proposed { id: id_of(id)?, metadata, custom_metadata, data });
        }
        let expected = match options.expected_stream_revision.ok_or_else(invalid)? {
            ExpectedStreamRevision::Revision(revision) => Expected::Revision(revision),
            ExpectedStreamRevision::NoStream(_) => Expected::NoStream,
            ExpectedStreamRevision::Any(_) | ExpectedStreamRevision::StreamExists(_) => {
                return Err(Status::unimplemented("a log never asks for that"));
            }
        };
        let stream = name_of(&options.stream_identifier.unwrap_or_default());
        let written = {
            let mut store = self.0.store.lock().unwrap();
            let written = store.append(&stream, expected, events);
            self.0.news.send_replace(store.end());
            written
        };
        if matches!(written, Written::Success(..)) && take_one(&self.0.answers_to_lose) {
            self.0.cut();
        }
        let result = result_of(expected, written)?;
        Ok(Response::new(AppendResp { result: Some(result) }))
    }

    async fn delete(&self, _: Request<DeleteReq>) -> Answer<DeleteResp> {
        Err(Status::unimplemented("a log never deletes"))
    }

    async fn tombstone(&self, _: Request<TombstoneReq>) -> Answer<TombstoneResp> {
        Err(Status::unimplemented("a log never deletes"))
    }

    async fn batch_append(&self, _: Request<Streaming<BatchAppendReq>>) -> Answer<Self::BatchAppendStream> {
        Err(Status::unimplemented("a log appends one by one"))
    }
}

fn result_of(expected: Expected, written: Written) -> Result<append_resp::Result, Status> {
    match written {
        Written::Success(revision, position) => {
            let position = append_resp::Position { commit_position: position, prepare_position: position };
            Ok(append_resp::Result::Success(append_resp::Success {
                current_revision_option: Some(CurrentRevisionOption::CurrentRevision(revision)),
                position_option: Some(PositionOption::Position(position)),
            }))
        }
        Written::WrongRevision(current) => {
            use wrong_expected_version::{CurrentRevisionOption, ExpectedRevisionOption};
            let none = CurrentRevisionOption::CurrentNoStream(Empty {});
            let expected = match expected {
                Expected::Revision(revision) => ExpectedRevisionOption::ExpectedRevision(revision),
                Expected::NoStream => ExpectedRevisionOption::ExpectedNoStream(Empty {}),
            };
            Ok(append_resp::Result::WrongExpectedVersion(append_resp::WrongExpectedVersion {
                current_revision_option: Some(current.map_or(none, CurrentRevisionOption::CurrentRevision)),
                expected_revision_option: Some(expected),
                ..Default::default()
            }))
        }
        Written::TooLarge => {
            let mut status = Status::invalid_argument("Maximum Append Size of 1048576 Exceeded.");
            status.metadata_mut().insert("exception", "maximum-append-size-exceeded".parse().expect("ASCII"));
            Err(status)
        }
    }
}

fn is_wanted(event: &Stored, options: &Options) -> bool {
    let Some(FilterOption::Filter(FilterOptions { filter: Some(filter), .. })) = &options.filter_option else {
        return true;
    };
    let (how, text) = match filter {
        Filter::StreamIdentifier(how) => (how, &event.stream),
        Filter::EventType(how) => (how, &event.metadata["type"]),
    };
    how.prefix.iter().any(|prefix| text.starts_with(prefix))
}

fn check_window(filter: &FilterOptions, count: usize) -> Result<(), Status> {
    use proto::streams::read_req::options::filter_options::Window;
    match filter.window {
        Some(Window::Max(max)) if max as usize <= count => Err(Status::out_of_range("maxSearchWindow")),
        Some(_) | None => Ok(()),
    }
}

fn event_of(event: &Stored) -> ReadResp {
    let Stored { position, stream, revision, id, metadata, custom_metadata, data } = event.clone();
    let id = proto::Uuid { value: Some(proto::uuid::Value::String(id.to_string())) };
    let recorded = read_resp::read_event::RecordedEvent {
        id: Some(id),
        stream_identifier: Some(StreamIdentifier { stream_name: stream.into_bytes() }),
        stream_revision: revision,
        prepare_position: position,
        commit_position: position,
        metadata,
        custom_metadata,
        data,
    };
    let position = Some(read_resp::read_event::Position::CommitPosition(position));
    response(Content::Event(read_resp::ReadEvent { event: Some(recorded), link: None, position }))
}

fn checkpoint(position: u64) -> ReadResp {
    let (commit_position, prepare_position) = (position, position);
    response(Content::Checkpoint(read_resp::Checkpoint { commit_position, prepare_position, timestamp: None }))
}

fn response(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

fn name_of(identifier: &StreamIdentifier) -> String {
    String::from_utf8_lossy(&identifier.stream_name).into_owned()
}

fn id_of(id: Option<proto::Uuid>) -> Result<Uuid, Status> {
    match id.and_then(|id| id.value).ok_or_else(invalid)? {
        proto::uuid::Value::Structured(halves) => {
            Ok(Uuid::from_u64_pair(halves.most_significant_bits as u64, halves.least_significant_bits as u64))
        }
        proto::uuid::Value::String(text) => Uuid::parse_str(&text).map_err(|_| invalid()),
    }
}

fn invalid() -> Status {
    Status::invalid_argument("the request lacks something")
}
