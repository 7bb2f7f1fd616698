"""What schemathesis must be told about this API, since a schema cannot say it."""

import pathlib
import re
import uuid

import schemathesis

KEY = "Idempotency-Key"
READING = ("GET", "HEAD", "OPTIONS")
# Ids that must outlive the run: of its own account, key and tenant. people.py writes them.
KEPT = set(pathlib.Path("kept").read_text(encoding="utf-8").split())
# Nothing is ever found at this name (RFC 2606): nobody out there is sent anything.
NOWHERE = "https://hooks.invalid/fuzzed"
# What these take streams to the disk. It is not read twice: whether a key comes again with the same request is judged
# by the head alone, so that a form without a file may get the answer to an earlier one.
STREAMED = ("/v1/assets", "/v1/uploads")


@schemathesis.serializer("application/offset+octet-stream")
def piece(_context, value) -> bytes:
    """A piece of an upload is bytes, as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_context, case, kwargs) -> None:
    """Gives each streamed request a key of its own, where `requests` lets the last word be said; spares what the run
    lives on, and others."""
    if case.operation.path in STREAMED:
        kwargs["auth"] = with_own_key
    if case.method not in READING and case.path_parameters and case.path_parameters.get("id") in KEPT:
        case.path_parameters["id"] = str(uuid.uuid4())
    if isinstance(case.body, dict) and re.match("https?://", str(case.body.get("url"))):
        case.body["url"] = NOWHERE


def with_own_key(request):
    """A key that is none stays, and is refused."""
    key = request.headers.get(KEY)
    key = key.decode("latin-1") if isinstance(key, bytes) else key
    if key is not None and re.fullmatch("[!-~]{1,255}", key):
        request.headers[KEY] = str(uuid.uuid4())
    return request
