"""The fake's reading of aws-chunked bodies against botocore's writing of them, and what AWS refuses."""

import io
import pathlib
import sys

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, BaseChecksum

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import s3_streaming
from s3_checksums import crc32c, crc32c_base64
from s3_errors import S3Error

CONTENT = bytes(range(256)) * 100
CHECKSUM = crc32c_base64(CONTENT)


class Crc32c(BaseChecksum):
    """botocore computes CRC32C only with a library that Debian 12 does not have."""

    def __init__(self):
        self._crc = 0

    def update(self, chunk):
        self._crc = crc32c(chunk, self._crc)

    def digest(self):
        return self._crc.to_bytes(4, "big")


def headers(length=len(CONTENT), **changed) -> dict[str, str]:
    return {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(length),
            "x-amz-trailer": "x-amz-checksum-crc32c", **changed}


@pytest.mark.parametrize("chunk", [8192, 10_000, 1024 * 1024])
def test_what_botocore_sends_is_understood(chunk):
    body = AwsChunkedWrapper(io.BytesIO(CONTENT), checksum_cls=Crc32c, checksum_name="x-amz-checksum-crc32c",
                             chunk_size=chunk).read()
    assert s3_streaming.decode(headers(), body) == (CONTENT, {"x-amz-checksum-crc32c": CHECKSUM})


def framed(*chunks: bytes, trailer: bytes = b"x-amz-checksum-crc32c:" + CHECKSUM.encode() + b"\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n" + trailer + b"\r\n"


def test_an_empty_body():
    body = framed(trailer=b"x-amz-checksum-crc32c:AAAAAA==\r\n")
    assert s3_streaming.decode(headers(0), body) == (b"", {"x-amz-checksum-crc32c": "AAAAAA=="})


@pytest.mark.parametrize("changed, body, code", [
    ({"content-encoding": "gzip"}, framed(CONTENT), "InvalidRequest"),
    ({"x-amz-decoded-content-length": ""}, framed(CONTENT), "MissingContentLength"),
    ({"x-amz-decoded-content-length": "7"}, framed(CONTENT), "IncompleteBody"),
    ({"x-amz-trailer": ""}, framed(CONTENT), "MalformedTrailerError"),
    ({}, CONTENT, "IncompleteBody"),
    ({}, framed(CONTENT)[:-2], "IncompleteBody"),
    ({}, framed(CONTENT) + b"more", "IncompleteBody"),
    ({}, framed(CONTENT, trailer=b""), "MalformedTrailerError"),
    ({}, framed(CONTENT, trailer=b"no colon\r\n"), "MalformedTrailerError"),
    ({}, framed(CONTENT[:8191], CONTENT[8191:]), "InvalidChunkSizeError"),
    ({"x-amz-decoded-content-length": str(len(CONTENT) * 700)}, framed(CONTENT * 700), "EntityTooLarge"),
], ids=range(11))
def test_anything_else_is_refused(changed, body, code):
    with pytest.raises(S3Error) as caught:
        s3_streaming.decode(headers(**changed), body)
    assert caught.value.code == code, caught.value
