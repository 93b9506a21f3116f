"""Bodies with their checksum behind them: "aws-chunked" with an unsigned payload, strictly by AWS's documentation.

"Signature Calculations for the Authorization Header: Including Trailing Headers (Chunked Upload)", read 2026-11-26.
"""

from s3_errors import S3Error

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
MIN_CHUNK = 8 * 1024
MAX_CHUNK = 16 * 1024 * 1024  # what some stores take; AWS names no limit


def decode(headers: dict[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
    """The bytes inside the frame, and the trailers. Raises S3Error for anything but a frame as it is documented."""
    if "aws-chunked" not in headers.get("content-encoding", ""):
        raise S3Error(400, "InvalidRequest", "Content-Encoding does not name aws-chunked")
    length = headers.get("x-amz-decoded-content-length", "")
    if not length.isdigit():
        raise S3Error(411, "MissingContentLength", "x-amz-decoded-content-length is missing or no number")
    data, rest = _chunks(body)
    if len(data) != int(length):
        raise _broken(f"{len(data)} bytes, x-amz-decoded-content-length is {length}")
    trailers = _trailers(rest)
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()}
    if announced != set(trailers):
        raise S3Error(400, "MalformedTrailerError", f"x-amz-trailer announces {sorted(announced)}, there are "
                                                    f"{sorted(trailers)}")
    return data, trailers


def _broken(why: str) -> S3Error:
    return S3Error(400, "IncompleteBody", f"The aws-chunked body is broken: {why}")


def _chunks(body: bytes) -> tuple[bytes, bytes]:
    """The content of the chunks, and what comes after the last one."""
    data, at, sizes = bytearray(), 0, []
    while True:
        end = body.find(b"\r\n", at)
        line = body[at:end]
        if end < 0 or not line or line.strip(b"0123456789abcdefABCDEF"):
            raise _broken(f"no chunk size at byte {at}")
        size, at = int(line, 16), end + 2
        if size == 0:
            break
        sizes.append(size)
        data += body[at:at + size]
        at += size
        if body[at:at + 2] != b"\r\n":
            raise _broken(f"no line end after the chunk at byte {at}")
        at += 2
    if any(size < MIN_CHUNK for size in sizes[:-1]):
        raise S3Error(403, "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes")
    if any(size > MAX_CHUNK for size in sizes):
        raise S3Error(400, "EntityTooLarge", "A chunk is too large")
    return bytes(data), body[at:]


def _trailers(text: bytes) -> dict[str, str]:
    *lines, empty, rest = text.split(b"\r\n") if b"\r\n" in text else (b"?", b"?")
    if empty or rest:
        raise _broken("the trailer does not end with an empty line")
    found = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise S3Error(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed")
        found[name.strip().lower()] = value.strip()
    return found
