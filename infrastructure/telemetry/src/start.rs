//! Puts the layers together and installs them.

use crate::{
    collector::Collector,
    config::{LogFormat, TelemetryConfig},
    filter::{EventFilter, is_traced},
    json::JsonLogs,
};
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};
use thiserror::Error;
use tracing::Dispatch;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer, Registry,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
};

/// Spans that wait to be sent; further ones are dropped.
const QUEUE_MAX: usize = 4096;
/// Spans in one request.
const BATCH_MAX: usize = 512;
/// How long a span waits for others at most.
const SEND_EVERY: Duration = Duration::from_secs(2);

/// Logs and traces until the end of the process.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

/// Why there are none.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// A subscriber was installed before.
    #[error("logs and traces were started before")]
    StartedBefore,
    /// What sends spans could not be made.
    #[error("the exporter of traces could not be made")]
    Exporter(#[source] ExporterBuildError),
    /// Its runtime could not be made.
    #[error("the exporter of traces could not be started")]
    Runtime(#[source] io::Error),
}

/// Starts logs, to standard error, and traces, for the whole process. To be called once, before any other thread.
pub fn start(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    let (dispatch, telemetry) = build(config, io::stderr, io::stderr().is_terminal())?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::StartedBefore)?;
    Ok(telemetry)
}

impl Telemetry {
    /// Sends what waits, within a limit; whatever is left then is dropped. `false` when that is something.
    pub fn stop(self, within: Duration) -> bool {
        self.provider.shutdown_with_timeout(within).is_ok()
    }
}

/// The same without installing it, with another place for the log; text comes in colours where they can be seen.
pub(crate) fn build<W>(
    config: &TelemetryConfig,
    writer: W,
    colours: bool,
) -> Result<(Dispatch, Telemetry), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let provider = provider(config)?;
    let traces = OpenTelemetryLayer::new(provider.tracer("dragoman"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_traced));
    let logs: Box<dyn Layer<_> + Send + Sync> = match config.log_format {
        LogFormat::Text => {
            let lines = fmt::layer().with_writer(writer).with_ansi(colours);
            lines.with_filter(EventFilter::new(&config.log_filter)).boxed()
        }
        LogFormat::Json => JsonLogs::new(writer).with_filter(EventFilter::new(&config.log_filter)).boxed(),
    };
    let subscriber = Registry::default().with(traces).with(logs);
    Ok((Dispatch::new(subscriber), Telemetry { provider }))
}

fn provider(config: &TelemetryConfig) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", config.service_name.clone()),
        KeyValue::new("service.version", config.service_version.clone()),
    ]);
    let builder = SdkTracerProvider::builder().with_resource(resource.build());
    let Some(endpoint) = &config.endpoint else {
        // Ids are made and passed on; nothing is recorded that nobody takes.
        return Ok(builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.to_string())
        .with_headers(config.headers.iter().cloned().collect())
        .with_http_client(Collector::try_new().map_err(TelemetryError::Runtime)?)
        // The next batch is the next try: waiting in between would only fill the queue.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(TelemetryError::Exporter)?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_MAX)
        .with_max_export_batch_size(BATCH_MAX)
        .with_scheduled_delay(SEND_EVERY);
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sampling.ratio())));
    Ok(builder.with_sampler(sampler).with_span_processor(processor).build())
}

#[cfg(test)]
mod tests;
