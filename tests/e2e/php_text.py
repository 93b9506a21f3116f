"""PHP's serialize() and json_encode() in Python, for arrays and scalars; written from PHP's documentation, not from ours."""

import json


def serialize(value) -> str:
    """Lists and dicts become arrays; keys of dicts are str or int, as PHP would have them. Floats as Python prints them."""
    if value is None:
        return "N;"
    if isinstance(value, bool):
        return f"b:{int(value)};"
    if isinstance(value, int):
        return f"i:{value};"
    if isinstance(value, float):
        return f"d:{value!r};"
    if isinstance(value, str):
        return f's:{len(value.encode())}:"{value}";'
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return f"a:{len(value)}:{{{''.join(serialize(key) + serialize(inner) for key, inner in pairs)}}}"


def json_encode(value) -> str:
    """Of dicts whose keys are 0, 1, 2... a list, also of an empty one. No floats: Python prints some otherwise."""
    if isinstance(value, float):
        raise ValueError("floats are for php-cli")
    if isinstance(value, str):
        # Python escapes DEL, PHP does not.
        pieces = (json.dumps(piece)[1:-1].replace("/", "\\/") for piece in value.split("\x7f"))
        return '"' + "\x7f".join(pieces) + '"'
    if isinstance(value, dict) and list(value) != list(range(len(value))):
        return "{" + ",".join(f"{json_encode(str(key))}:{json_encode(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (dict, list)):
        return "[" + ",".join(map(json_encode, value.values() if isinstance(value, dict) else value)) + "]"
    return json.dumps(value)


def unserialize(text: bytes):
    """An array whose keys are 0, 1, 2... becomes a list, also an empty one. Fails on anything that is not one whole value."""
    value, end = _read(text, 0)
    if end != len(text):
        raise ValueError(f"{text!r}: something is behind byte {end}")
    return value


def _until(text: bytes, at: int, stop: bytes) -> tuple[str, int]:
    end = text.index(stop, at)
    return text[at:end].decode("ascii"), end + 1


def _expect(text: bytes, at: int, wanted: bytes) -> int:
    if text[at:at + len(wanted)] != wanted:
        raise ValueError(f"{text!r}: no {wanted!r} at byte {at}")
    return at + len(wanted)


def _read(text: bytes, at: int):
    kind = text[at:at + 2]
    if kind == b"N;":
        return None, at + 2
    if kind in (b"b:", b"i:", b"d:"):
        word, at = _until(text, at + 2, b";")
        return {b"b:": {"0": False, "1": True}.__getitem__, b"i:": int, b"d:": float}[kind](word), at
    size, at = _until(text, at + 2, b":")
    if kind == b"s:":
        start = _expect(text, at, b'"')
        return text[start:start + int(size)].decode(), _expect(text, start + int(size), b'";')
    if kind != b"a:":
        raise ValueError(f"{text!r}: no value at byte {at}")
    at = _expect(text, at, b"{")
    array = {}
    for _ in range(int(size)):
        key, at = _read(text, at)
        array[key], at = _read(text, at)
    at = _expect(text, at, b"}")
    return list(array.values()) if list(array) == list(range(len(array))) else array, at
