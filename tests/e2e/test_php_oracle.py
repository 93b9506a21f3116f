"""Our reading and writing of PHP's formats against php-cli's serialize, unserialize, json_encode and json_decode."""

import json
import os
import pathlib
import random
import subprocess

import pytest

from support import build_dir

SEED = 20261124
ARRAYS = 12_000
MUTATIONS = 12_000
ORACLE = pathlib.Path(__file__).with_name("php_oracle.php")
# What -d says is what a client's PHP of today has; Debian's php.ini has it too.
PHP = ["php", "-d", "serialize_precision=-1", "-d", "precision=14", ORACLE]


def lines_of(command: list, lines: list[str]) -> list[str]:
    done = subprocess.run(command, input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def ours(lines: list[str]) -> list[str]:
    tool = pathlib.Path(os.environ.get("VODLIFT_PHP_TOOL", build_dir() / "php_tool"))
    assert tool.exists(), f"{tool} is not built: build the target php_tool"
    answers = lines_of([tool], lines)
    assert len(answers) == len(lines)
    return answers


def shown(text: str) -> bytes:
    return bytes.fromhex(text) if text not in "-!" else text.encode()


@pytest.fixture(scope="module")
def generated() -> list[tuple[str, str]]:
    """serialize() and json_encode() of PHP's random arrays, in hex."""
    pairs = [tuple(line.split()) for line in lines_of([*PHP, "generate", str(SEED), str(ARRAYS)], [])]
    assert len(pairs) == ARRAYS and len(set(pairs)) > ARRAYS * 0.7
    return pairs


def test_arrays_are_read_and_written_as_php_does(generated):
    taken = 0
    for (serialized, encoded), answer in zip(generated, ours([f"s {text}" for text, _ in generated])):
        if answer == "-":
            # Only what is larger than a request may be.
            assert serialized.count("3b") > 500, shown(serialized)
            continue
        taken += 1
        assert answer.split() == [serialized, encoded], [shown(one) for one in (serialized, encoded, *answer.split())]
    assert taken > 10_000
    assert sum(encoded == "!" for _, encoded in generated) > 100, "text that JSON cannot hold was among them"


def mutated(chance: random.Random, text: bytes, other: bytes) -> bytes:
    pieces = bytearray(text)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(pieces))
        match chance.randrange(5):
            case 0:
                pieces[at] = chance.choice(b'0123456789abdisNSOrR:;{}"+-.eE')
            case 1:
                del pieces[at:at + chance.randrange(1, 4)]
            case 2:
                pieces[at:at] = chance.choice((b"i:0;", b"N;", b"0", b"-", b"+", b'"', b"d:1e5;", b"b:1;", b's:1:"5";', b"a:0:{}"))
            case 3:
                start = chance.randrange(len(other))
                pieces[at:at] = other[start:start + chance.randrange(1, 20)]
            case _:
                pieces[at] = chance.randrange(48, 58)
        pieces = pieces or bytearray(b"a")
    return bytes(pieces)


def test_what_we_take_of_damaged_text_php_takes_alike(generated):
    """We may refuse more than PHP does, but what we take means the same to both."""
    chance = random.Random(SEED)
    small = [bytes.fromhex(text) for text, _ in generated if 20 < len(text) < 600]
    texts = [mutated(chance, chance.choice(small), chance.choice(small)).hex() for _ in range(MUTATIONS)]
    by_php = lines_of([*PHP, "reread"], texts)
    taken = 0
    for text, answer, expected in zip(texts, ours([f"s {text}" for text in texts]), by_php, strict=True):
        if answer != "-":
            taken += 1
            assert answer.split()[0] == expected, [shown(text), shown(answer.split()[0]), shown(expected)]
    assert taken > 500
    assert sum(answer != "-" for answer in by_php) > taken, "PHP is more lenient than we are"


def without_floats(value):
    if isinstance(value, dict):
        return {name: without_floats(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_floats(inner) for inner in value]
    return int(value) % 1000 / 4 if isinstance(value, float) else value


def test_answers_are_written_as_php_would(generated):
    """Floats of answers are few and short; others are not read from JSON here, to the last bit, as PHP reads them."""
    texts = []
    for _, encoded in generated[:6000]:
        if encoded != "!":
            texts.append(json.dumps(without_floats(json.loads(bytes.fromhex(encoded)))).encode().hex())
    by_php = lines_of([*PHP, "json"], texts)
    for text, answer, expected in zip(texts, ours([f"j {text}" for text in texts]), by_php, strict=True):
        assert answer == expected, [shown(text), shown(answer), shown(expected)]


def test_values_of_metadata_are_the_text_that_php_prints():
    """Fractions have 13 digits at most: with more, our reading of JSON may be off by the last bit, which a rounding to 14 shows."""
    chance = random.Random(SEED)
    values = ["true", "false", "null", "0", "-0.0", "158.0", "29.97", "1e14", "1e15", "0.0001", "0.00001", "1e25", "-1.5e300",
              "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "5e-324",
              '"text"', '""', "0.1e1", "99999999999999.5", "999999999999995.0", "123456789012345678"]
    values += [f"{chance.uniform(-1, 1) * 10.0 ** chance.randrange(-20, 30):.13g}" for _ in range(5000)]
    values += [str(chance.randrange(-10 ** 6, 10 ** 6) / 1000) for _ in range(1000)]
    texts = [value.encode().hex() for value in values]
    by_php = lines_of([*PHP, "text"], texts)
    for value, answer, expected in zip(values, ours([f"t {text}" for text in texts]), by_php, strict=True):
        assert answer == expected, [value, shown(answer), shown(expected)]
