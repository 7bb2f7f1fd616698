"""What schemathesis must be told about this API, since a schema cannot say it."""

import re
import uuid

import schemathesis

KEY = "Idempotency-Key"
# What these take streams to the disk. It is not read twice: whether a key comes again with the same request is judged
# by the head alone, so that a form without a file may get the answer to an earlier one.
STREAMED = ("/v1/assets", "/v1/uploads")


@schemathesis.serializer("application/offset+octet-stream")
def piece(_context, value) -> bytes:
    """A piece of an upload is bytes, as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_context, case, kwargs) -> None:
    """Gives each streamed request a key of its own, where `requests` lets the last word be said."""
    if case.operation.path in STREAMED:
        kwargs["auth"] = with_own_key


def with_own_key(request):
    """A key that is none stays, and is refused."""
    key = request.headers.get(KEY)
    key = key.decode("latin-1") if isinstance(key, bytes) else key
    if key is not None and re.fullmatch("[!-~]{1,255}", key):
        request.headers[KEY] = str(uuid.uuid4())
    return request
