"""B01 to B04: programs as customers have them, really run."""

import pytest

from old_clients import check_upload, run_page_example
from support import KIB, make_file


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    return site


def test_B01_the_page_example(ready, fake, receiver):
    make_file(ready.files / "path/to/file.mp4", KIB)
    answer = run_page_example(ready, VODLIFT_PATH="sestore4/jb/path/to/file.mp4", VODLIFT_BUCKET="videos",
                              VODLIFT_DESTINATION="path/to/file.mp4",
                              VODLIFT_CALLBACK=receiver.url.removeprefix("http://"))
    assert answer["message"] == "Queued file for upload" and answer["status"] == "success", answer
    ready.wait_for(answer["data"], "completed")
    assert fake.object("videos", "path/to/file.mp4").headers["x-amz-meta-param1"] == "value1"


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_B02_perl_in_any_order_of_keys(ready, fake, seed):
    """PERL_HASH_SEED decides the order of the keys."""
    ended = check_upload(ready, fake, "lwp.pl", PERL_HASH_SEED=seed, PERL_PERTURB_KEYS="0")
    assert ended["metadata"] == {"title": "Frühling / 春"}


@pytest.mark.parametrize("position", ["first", "middle", "last"])
def test_B03_python_with_its_spaces(ready, fake, position):
    ended = check_upload(ready, fake, "dumps.py", position, "urlencoded")
    assert ended["metadata"] == {"from": "python", "count": "2"}


@pytest.mark.parametrize("value,signed", [("serialized", "json"), ("serialized", "serialized"), ("text", "json")])
def test_B04_php_by_both_signing_rules(ready, fake, value, signed):
    ended = check_upload(ready, fake, "serialized.php", value, signed)
    assert ended["metadata"] == {"title": 'Frühling / 春 "1"', "count": "3"}
