"""CRC32C for the fake S3, through Debian's ISA-L: table code in Python would take seconds for each part."""

import base64
import ctypes
import hashlib

_isal = ctypes.CDLL("libisal.so.2")
_isal.crc32_iscsi.restype = ctypes.c_uint32
_isal.crc32_iscsi.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32]


def crc32c(data: bytes, crc: int = 0) -> int:
    """The CRC32C (Castagnoli) of `data`, continued from `crc`."""
    return _isal.crc32_iscsi(data, len(data), crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def crc32c_base64(data: bytes) -> str:
    """The form of x-amz-checksum-crc32c: four bytes, big-endian, in base64."""
    return base64.b64encode(crc32c(data).to_bytes(4, "big")).decode()


def crc32c_of_parts(checksums: list[str]) -> str:
    """The COMPOSITE checksum of a multipart object: the CRC of the parts' raw CRCs, and their number."""
    return f"{crc32c_base64(b''.join(base64.b64decode(one) for one in checksums))}-{len(checksums)}"


def md5_base64(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()
