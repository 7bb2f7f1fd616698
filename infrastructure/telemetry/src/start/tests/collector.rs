//! A collector of traces: a real one, as far as HTTP and OTLP go. The end-to-end tests of the program use it, too.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as OtlpValue, trace::v1::Span,
};
use prost::Message;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Takes requests until the test ends.
pub struct Receiver {
    address: String,
    received: mpsc::Receiver<Received>,
}

/// One request.
pub struct Received {
    /// Its first line and its headers.
    pub head: Vec<String>,
    body: ExportTraceServiceRequest,
}

impl Receiver {
    /// On a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("its number"));
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let received = take(&stream.expect("a connection"));
                if sender.send(received).is_err() {
                    break;
                }
            }
        });
        Self { address, received }
    }

    /// Where it listens, as an endpoint is configured.
    pub fn endpoint(&self) -> &str {
        &self.address
    }

    /// The next request; `None` when there is none in time.
    pub fn next(&self, within: Duration) -> Option<Received> {
        self.received.recv_timeout(within).ok()
    }
}

impl Received {
    /// All its spans.
    pub fn spans(&self) -> Vec<Span> {
        let scopes = self.body.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// Who sent it.
    pub fn service(&self) -> String {
        let attributes = self.body.resource_spans.iter().filter_map(|spans| spans.resource.as_ref());
        let mut named = attributes.flat_map(|resource| &resource.attributes).filter(|pair| pair.key == "service.name");
        match named.next().and_then(|pair| pair.value.clone()).and_then(|value| value.value) {
            Some(OtlpValue::StringValue(name)) => name,
            other => panic!("{other:?}"),
        }
    }
}

/// An id as headers and logs write it.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn take(mut stream: &TcpStream) -> Received {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("an answer");
    Received { head, body: ExportTraceServiceRequest::decode(&body[..]).expect("OTLP") }
}
