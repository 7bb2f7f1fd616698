//! What all requests and answers of the protocol have in common.

use crate::problem::{Code, Fault, Problem};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::value::{AssetId, Timestamp};
use time::{OffsetDateTime, macros::format_description};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{ObjectBuilder, Schema, Type},
    },
};

pub(crate) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(crate) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(crate) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(crate) const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(crate) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(crate) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(crate) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// The method that is meant, where a client cannot send it.
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
/// The asset that an upload became.
pub(crate) const DRAGOMAN_ASSET: HeaderName = HeaderName::from_static("dragoman-asset");

/// Headers that browsers may send.
pub(crate) const REQUEST_HEADERS: [HeaderName; 6] =
    [TUS_RESUMABLE, UPLOAD_OFFSET, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_CHECKSUM, METHOD_OVERRIDE];
/// Headers that browsers may show to a page.
pub(crate) const ANSWER_HEADERS: [HeaderName; 10] = [
    TUS_RESUMABLE,
    TUS_VERSION,
    TUS_EXTENSION,
    TUS_MAX_SIZE,
    TUS_CHECKSUM_ALGORITHM,
    UPLOAD_OFFSET,
    UPLOAD_LENGTH,
    UPLOAD_METADATA,
    UPLOAD_EXPIRES,
    DRAGOMAN_ASSET,
];

/// The version spoken here.
pub(crate) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// The media type of a piece.
pub(crate) const PIECE: &str = "application/offset+octet-stream";

/// A piece: bytes, as they are.
pub(crate) struct PieceBytes;

impl PartialSchema for PieceBytes {
    fn schema() -> RefOr<Schema> {
        let bytes = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(bytes)).into()
    }
}

impl ToSchema for PieceBytes {}

/// Takes the method that a request to `/v1/uploads` says it means for its own, before it is looked at: the protocol asks
/// for that. What is no method is left to be refused as it came.
pub(crate) fn override_method<B>(request: &mut axum::http::Request<B>) {
    let rest = request.uri().path().strip_prefix("/v1/uploads");
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return;
    }
    let meant = request.headers().get(METHOD_OVERRIDE);
    if let Some(method) = meant.and_then(|method| Method::from_bytes(method.as_bytes()).ok()) {
        *request.method_mut() = method;
    }
}

/// Refuses other versions, and says on every answer which one is spoken.
pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut answer = if asks || request.headers().get(TUS_RESUMABLE) == Some(&VERSION) {
        next.run(request).await
    } else {
        Problem::new(Code::TusVersion).header(TUS_VERSION, VERSION).into_response()
    };
    answer.headers_mut().insert(TUS_RESUMABLE, VERSION);
    answer
}

/// A header that is a whole number; `None` when it is absent.
pub(crate) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && values.next().is_none();
    let number = if is_number { text.parse().ok() } else { None };
    number.map(Some).ok_or_else(|| invalid(name, "invalid-value", "it is one whole number of bytes"))
}

/// As [`number`], but it must be there.
pub(crate) fn required(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    number(headers, name)?.ok_or_else(|| invalid(name, "missing-field", "the header is missing"))
}

/// A header that is not understood.
pub(crate) fn invalid(name: &HeaderName, code: &'static str, detail: &'static str) -> Problem {
    Problem::new(Code::InvalidHeader).fault(Fault::of(name.as_str(), code, detail))
}

/// What every answer about an upload says: how far it is, until when it is kept, which asset it is.
pub(crate) fn describe(
    headers: &mut HeaderMap,
    length: Option<u64>,
    offset: u64,
    expires_at: Timestamp,
    asset: Option<AssetId>,
) {
    headers.insert(UPLOAD_OFFSET, offset.into());
    if length != Some(offset) {
        headers.extend(date(expires_at).map(|date| (UPLOAD_EXPIRES, date)));
    }
    let asset = asset.and_then(|asset| HeaderValue::try_from(crate::v1::assets::location(asset)).ok());
    headers.extend(asset.map(|asset| (DRAGOMAN_ASSET, asset)));
}

/// A time as HTTP says it: `Sat, 31 Jan 2026 08:00:00 GMT`.
fn date(at: Timestamp) -> Option<HeaderValue> {
    let seconds = i64::try_from(at.unix_ms() / 1_000).ok()?;
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let text = OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&format).ok()?;
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_http_says_them() {
        let date = date(Timestamp::from_unix_ms(1_769_846_400_999)).expect("a date");
        assert_eq!(date, "Sat, 31 Jan 2026 08:00:00 GMT");
    }

    #[test]
    fn a_number_is_digits_only_and_stands_once() {
        let check = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(UPLOAD_OFFSET, HeaderValue::from_static(value));
            }
            number(&headers, &UPLOAD_OFFSET).map_err(|problem| problem.code())
        };
        assert_eq!((check(&[]), check(&["0"]), check(&["5368709120"])), (Ok(None), Ok(Some(0)), Ok(Some(5 << 30))));
        for values in [&[""][..], &["-1"], &["+1"], &["1.0"], &["0x1"], &["99999999999999999999"], &["1", "1"]] {
            assert_eq!(check(values), Err(Code::InvalidHeader), "{values:?}");
        }
    }
}
