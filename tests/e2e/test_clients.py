"""Clients in the languages that customers have, each run for real: aws.upload, aws.status, and the object arrives."""

import pytest

from old_clients import check_upload


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    return site


@pytest.mark.parametrize("program,arguments", [
    ("curl.php", ["array"]), ("curl.php", ["string"]), ("serialized.php", ["serialized", "json"]),
    ("serialized.php", ["serialized", "serialized"]), ("serialized.php", ["text", "json"]), ("guzzle.php", []), ("lwp.pl", []), ("rest_client.rb", []),
    ("dumps.py", ["last", "multipart"]), ("dumps.py", ["last", "urlencoded"]), ("by_hand.sh", ["form"]),
    ("by_hand.sh", ["data"])], ids=lambda value: value if isinstance(value, str) else "-".join(value) or "plain")
def test_client(ready, fake, program, arguments):
    check_upload(ready, fake, program, *arguments)
