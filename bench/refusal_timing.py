"""Whether the time of a refusal, measured where an attacker would, shows if the key is unknown or the signature is wrong.

    /usr/bin/python3 bench/refusal_timing.py [--samples 40000]

It sends three kinds of requests in random order over one connection on loopback: with an unknown key, with a known key and a
signature whose first byte is wrong, and with one whose last byte is wrong. It prints the medians, and Welch's t of all samples
and of the fastest nine tenths (without those that met an interrupt). A t below 4.5 is no evidence of a difference. It also
compares two halves of one kind: their t is noise. bench_signature_timing measures the check alone, in process.
"""

import argparse
import base64
import http.client
import pathlib
import random
import statistics
import sys
import time
import urllib.parse

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
for folder in ("e2e", "catalogue"):
    sys.path.insert(0, str(TESTS / folder))

from api_client import hmac_base64
from server import Site

KEPT = 0.9
BOUND = 4.5
COMPARISONS = [("unknown key", "wrong first byte"), ("wrong first byte", "wrong last byte"),
               ("unknown key", "unknown key again")]


def texts(site: Site) -> dict[str, tuple[str, int]]:
    """Each kind's key, and which byte of its signature is flipped."""
    unknown = site.key.api_key[::-1]
    return {"unknown key": (unknown, 0), "unknown key again": (unknown, 0), "wrong first byte": (site.key.api_key, 0),
            "wrong last byte": (site.key.api_key, 31)}


def body_of(site: Site, api_key: str, flipped: int) -> bytes:
    note = random.randbytes(8).hex()
    text = f'{{"command":"aws.status","api_key":"{api_key}","timestamp":{int(time.time())},"cdn":158,"note":"{note}"'
    mac = bytearray(base64.b64decode(hmac_base64(site.key.secret, text + "}")))
    mac[flipped] ^= 1
    return b"json=" + urllib.parse.quote_from_bytes(
        (text + f',"signature":"{base64.b64encode(bytes(mac)).decode()}"}}').encode()).encode()


def measure(site: Site, samples: int) -> dict[str, list[int]]:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(site.server.url).netloc, timeout=30)
    kinds = texts(site)
    taken = {kind: [] for kind in kinds}
    for _ in range(samples):
        kind = random.choice(list(kinds))
        body = body_of(site, *kinds[kind])
        begun = time.perf_counter_ns()
        connection.request("POST", "/stable/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        taken[kind].append(time.perf_counter_ns() - begun)
        assert answer.status == 200
    return taken


def welch_t(left: list[int], right: list[int]) -> float:
    spread = statistics.variance(left) / len(left) + statistics.variance(right) / len(right)
    return (statistics.fmean(left) - statistics.fmean(right)) / spread ** 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=40000)
    options = parser.parse_args()
    site = Site(extra="[limits]\nfailures_per_s = 0", log_level="error")
    try:
        measure(site, 500)
        taken = measure(site, options.samples)
    finally:
        site.close()
    worst = 0.0
    for first, second in COMPARISONS:
        fastest = sorted(taken[first] + taken[second])
        below = fastest[int(len(fastest) * KEPT)]
        kept = [[one for one in taken[kind] if one <= below] for kind in (first, second)]
        cut, whole = welch_t(*kept), welch_t(taken[first], taken[second])
        medians = [statistics.median(taken[kind]) / 1000 for kind in (first, second)]
        print(f"{first} ({medians[0]:.1f} µs) against {second} ({medians[1]:.1f} µs): "
              f"|t| {abs(whole):.2f}, of the fastest 90 % {abs(cut):.2f}")
        worst = max(worst, abs(whole), abs(cut))
    print(f"{options.samples} samples; {'no evidence of a difference' if worst < BOUND else 'THERE IS A DIFFERENCE'}")
    return 0 if worst < BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
