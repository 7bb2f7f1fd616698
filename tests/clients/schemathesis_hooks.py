"""What schemathesis must be told about this API: a piece of an upload is bytes, as they are."""

import schemathesis

PIECE = "application/offset+octet-stream"


@schemathesis.serializer(PIECE)
def piece(_context, value) -> dict:
    """The body, and its type even when it is empty."""
    data = value if isinstance(value, bytes) else str(value).encode()
    return {"data": data, "headers": {"Content-Type": PIECE}}
