"""The same signed bytes never make a second upload: they get the first answer, whatever happened in between."""

import concurrent.futures
import http.client
import json
import threading
import time

import pytest

from api_client import hmac_base64, sign
from support import make_file, wait_until


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    return site


def signed_upload(site, destination="film.mp4", **fields) -> str:
    request = site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path=destination, metadata={},
                               acl="private", bucket="videos", callback="", **fields)
    return sign(request, site.key.secret)


def test_twice_in_a_row(ready, fake):
    text = signed_upload(ready)
    first = ready.api.post(text)
    assert first.ok and first.data >= 1
    ready.wait_for(first.data, "completed")
    for form in ("multipart", "urlencoded"):
        again = ready.api.post(text, form)
        assert again.ok and again.data == first.data and again.message == first.message
    assert len(ready.api.all()) == 1 and len(fake.seen("PutObject")) == 1


def test_a_new_timestamp_is_a_new_upload(ready):
    now = int(time.time())
    answers = [ready.api.post(signed_upload(ready, timestamp=now - back)) for back in (0, 1, 2)]
    assert len({answer.data for answer in answers}) == 3 and all(answer.ok for answer in answers)


def test_the_signature_elsewhere_is_the_same_request(ready):
    """The signed bytes are what is left without the signature: moving it does not make a new request."""
    request = ready.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", metadata={},
                                bucket="videos", callback="")
    text = json.dumps(request)
    value = json.dumps(hmac_base64(ready.key.secret, text))
    last = ready.api.post(f'{text[:-1]}, "signature": {value}}}')
    first = ready.api.post(f'{{"signature": {value}, {text[1:]}')
    escaped = ready.api.post(f'{{"\\u0073ignature": {value}, {text[1:]}')
    assert last.ok and first.ok and first.data == last.data
    assert not escaped.ok or escaped.data == last.data
    assert len(ready.api.all()) == 1


def test_fifty_in_parallel(ready, fake):
    text = signed_upload(ready)
    start = threading.Barrier(50)

    def send():
        start.wait(10)
        return ready.api.post(text)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = [future.result(60) for future in [pool.submit(send) for _ in range(50)]]
    assert {(answer.ok, answer.data) for answer in answers} == {(True, answers[0].data)}
    ready.wait_for(answers[0].data, "completed")
    assert len(ready.api.all()) == 1 and len(fake.seen("PutObject")) == 1


def test_after_a_restart(ready, fake):
    text = signed_upload(ready)
    first = ready.api.post(text)
    ready.wait_for(first.data, "completed")
    ready.server.restart()
    again = ready.api.post(text)
    assert again.ok and again.data == first.data
    assert len(ready.api.all()) == 1 and len(fake.seen("PutObject")) == 1


def test_when_the_file_is_gone_meanwhile(ready):
    """A repeat gets the first answer, although the same request would be refused now."""
    text = signed_upload(ready)
    first = ready.api.post(text)
    ready.wait_for(first.data, "completed")
    (ready.files / "film.mp4").unlink()
    assert ready.api.post(text).data == first.data
    assert ready.api.post(signed_upload(ready, "other.mp4")).code == "2002"


def test_a_refused_request_may_be_sent_again(ready):
    """A failure answer means that nothing exists; the same bytes may pass later."""
    (ready.files / "film.mp4").rename(ready.files / "later.mp4")
    text = signed_upload(ready)
    assert ready.api.post(text).code == "2002"
    (ready.files / "later.mp4").rename(ready.files / "film.mp4")
    assert ready.api.post(text).ok and len(ready.api.all()) == 1


def test_kill_in_the_middle_of_accepting(ready):
    """Answered ids survive kill -9; what was not answered is found by sending the same bytes again."""
    texts = [signed_upload(ready, f"{number}.mp4") for number in range(400)]
    answered: dict[str, int] = {}
    api, some = ready.api, threading.Event()

    def submit(mine):
        for text in mine:
            try:
                answer = api.post(text, timeout=10)
            except (OSError, http.client.HTTPException):
                return  # the server is gone
            if answer.ok:
                answered[text] = answer.data
            if len(answered) >= 60:
                some.set()

    threads = [threading.Thread(target=submit, args=(texts[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    assert some.wait(30), "too few answers"
    ready.server.kill9()
    for thread in threads:
        thread.join(30)
    assert 60 <= len(answered) < len(texts), "the kill came too late to prove anything"

    ready.server.start()
    ids = {text: ready.api.post(text) for text in texts}
    assert all(answer.ok for answer in ids.values())
    for text, upload_id in answered.items():
        assert ids[text].data == upload_id, "an acknowledged id changed"
    assert len({answer.data for answer in ids.values()}) == len(texts), "two requests share an id"
    newest = wait_until(lambda: ready.api.all(), 10, "the list is there")
    assert max(one["id"] for one in newest) <= max(answer.data for answer in ids.values())
