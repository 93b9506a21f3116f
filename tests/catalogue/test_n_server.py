"""What one client takes of memory, descriptors, request threads and lists, others keep."""

import concurrent.futures
import contextlib
import json
import os
import resource
import select
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from api_client import ApiClient, sign
from conftest import peak_kib
from forms import MULTIPART, multipart, part
from raw_http import connect, receive
from support import KIB, build_dir, make_file, wait_until

MIB = KIB  # of KiB
# 64 MiB for requests and answers, and what a server that answers them needs besides.
PEAK_KIB = (64 + 48) * MIB
HONEST = "127.0.0.77"  # the address of a client that does no harm


def posted(body: bytes, content_type: str = MULTIPART, length: int | None = None) -> bytes:
    head = f"POST /stable/ HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


def signed(api: ApiClient, command: str, **fields) -> bytes:
    return posted(multipart(part(sign(api.request(command, **fields), api.secret))))


def ask(site, source: str, request: bytes):
    """One exchange from this address: the status and the body."""
    with connect(site, source) as connection:
        connection.sendall(request)
        answer = receive(connection, 1).answers[0]
        return answer.status, answer.body


def long_uploads(site, count: int = 100) -> None:
    """Uploads that wait, each with some 7 kB of fields."""
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    make_file(site.files / "film.mp4", KIB)
    for number in range(count):
        answer = site.api.upload("sestore4/jb/film.mp4", f"{number:04}" + "d" * 1000, "videos",
                                 callback="http://example.com/" + "c" * 2000, metadata={"m": "v" * 1900},
                                 content_disposition="attachment; " + "f" * 1000)
        assert answer.ok, answer


def deaf(site, source: str) -> socket.socket:
    """A connection that takes nearly nothing of an answer, from this address."""
    url = urllib.parse.urlsplit(site.server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.bind((source, 0))
    connection.connect((url.hostname, url.port))
    return connection


@pytest.mark.parametrize("addresses", [1, 150])
def test_N17_answers_that_nobody_reads(new_site, addresses):
    """150 lists of 100 long uploads, all of one key: its share of the memory is a quarter, from however many addresses."""
    site = new_site()
    long_uploads(site)
    honest = site.server.add_key()
    other = ApiClient(site.server.url, honest.api_key, honest.secret)
    request = signed(site.api, "aws.status", limit=100)
    before = peak_kib(site)
    with contextlib.ExitStack() as stack:
        # Few enough for the account to have them all before the first of them are given up.
        for number in range(150):
            connection = stack.enter_context(deaf(site, f"127.0.1.{number % addresses + 1}"))
            connection.sendall(request)
        assert ask(site, HONEST, signed(other, "aws.status", limit=3))[0] == 200
        # The same key from the same address, too, as long as the answer is small.
        assert ask(site, "127.0.1.1", signed(site.api, "aws.status", limit=1))[0] == 200
        # From this address there is no more; and from no other one, where the key's share is used up.
        source = "127.0.1.1" if addresses == 1 else "127.0.0.78"
        wait_until(lambda: ask(site, source, request)[0] == 429, 20, "the share is used up")
        with connect(site, source) as connection:
            connection.sendall(request)
            refused = receive(connection, 1).answers[0]
        assert (refused.status, refused.headers.get("retry-after")) == (429, "1") and json.loads(refused.body)["code"] == "1000"
        # A whole list for somebody else is still there.
        status, body = ask(site, HONEST, signed(other, "aws.status", limit=100))
        assert status == 200 and len(json.loads(body)["data"]) == 100
    assert peak_kib(site) - before < PEAK_KIB


@pytest.mark.parametrize("addresses", [1, 300], ids=["one", "many"])
def test_N18_bodies_that_do_not_end(new_site, addresses):
    """900 bodies of 128 KiB without the last byte, and without authentication."""
    site = new_site()
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    make_file(site.files / "film.mp4", KIB)
    before = peak_kib(site)
    begun = posted(b"x" * (127 * KIB), length=128 * KIB)
    with contextlib.ExitStack() as stack:
        flood = []
        for number in range(900):
            connection = stack.enter_context(connect(site, f"127.0.{number % addresses // 200 + 1}.{number % addresses % 200 + 1}"))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(begun)
            flood.append(connection)
        request = signed(site.api, "aws.upload", path="sestore4/jb/film.mp4", destination_path="a", bucket="videos",
                         metadata={"m": "v" * 1900})
        for source in (HONEST, "127.0.1.1"):  # the second is one of theirs
            status, body = ask(site, source, request)
            assert status == 200 and json.loads(body)["status"] == "success", body
        held = sum(1 for connection in flood if not refusal(connection))
        assert 50 < held < 600
    assert peak_kib(site) - before < PEAK_KIB


def refusal(connection: socket.socket) -> bytes:
    """What a connection was answered by now; empty: nothing."""
    connection.setblocking(False)
    try:
        found = connection.recv(4096)
    except BlockingIOError:
        return b""
    except ConnectionResetError:
        return b"reset"
    assert found.startswith((b"HTTP/1.1 429 ", b"HTTP/1.1 503 ")) and b'"code":"1000"' in found, found
    return found


def test_N18_what_was_held_is_free_again(new_site):
    site = new_site()
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for number in range(200):
                connection = stack.enter_context(connect(site, "127.0.1.1"))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(posted(b"x" * (127 * KIB), length=128 * KIB))
        body = multipart(part(sign(site.api.request("aws.status"), site.key.secret)), part("x" * 100 * KIB, 'form-data; name="more"'))
        wait_until(lambda: ask(site, "127.0.1.1", posted(body))[0] == 200, 10, "a large request is taken again")


def limit_files(monkeypatch, limit: int) -> None:
    """Of processes that start from now on."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    plain = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **more: plain(
        *args, **more, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, before[0]), limit))))


def test_N19_more_connections_than_descriptors(new_site, monkeypatch):
    """The daemon does not start with a promise that it cannot keep, and says what to set."""
    site = new_site()
    site.server.stop()
    site.server.configure(server="connections = 2000")
    limit_files(monkeypatch, 2000)
    with pytest.raises(AssertionError, match=r"vodlift ended at start: 2(.|\n)*\[server\] connections: 2000(.|\n)*LimitNOFILE"):
        site.server.start()
    monkeypatch.undo()
    site.server.process = None


def test_N19_clients_never_take_the_descriptors_of_the_rest(new_site, fake, monkeypatch):
    """Without a setting there are as many connections as there is room for; S3, files and the administration keep theirs."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    site.server.stop()
    limit_files(monkeypatch, 1028)
    site.server.start()
    monkeypatch.undo()
    assert "fewer connections of clients than usual" in site.server.logs()
    request = signed(site.api, "aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", bucket="videos")
    with connect(site, HONEST) as early, contextlib.ExitStack() as stack:
        flood = [stack.enter_context(connect(site, f"127.0.1.{number % 100 + 1}")) for number in range(850)]
        wait_until(lambda: any(refusal(connection) for connection in flood), 20, "some are refused")
        early.sendall(request)
        answer = json.loads(receive(early, 1).answers[0].body)
        assert answer["status"] == "success", answer
        site.server.cli("account", "list")
        wait_until(lambda: fake.seen("PutObject"), 20, "the file is sent")
    site.wait_for(answer["data"], "completed")
    assert "Too many open files" not in site.server.logs()


def test_N20_no_descriptor_for_a_source_is_overload(new_site, fake):
    """It says nothing of the storage: 1000, and not 2003."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    assert site.api.call("files.getstorage").ok  # the storage was in use
    with connect(site) as connection:
        connection.sendall(signed(site.api, "aws.status"))
        receive(connection, 1)
        pid = site.server.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, before[1]))
        try:
            connection.sendall(signed(site.api, "aws.upload", path="sestore4/jb/film.mp4", destination_path="a", bucket="videos"))
            answer = json.loads(receive(connection, 1).answers[0].body)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert (answer["status"], answer["code"]) == ("failure", "1000"), answer
    assert site.api.upload("sestore4/jb/film.mp4", "a", "videos").ok


def add_history(site, folder: str, count: int) -> None:
    """Uploads of files of this folder of the account that are done, put into the database of a daemon that is stopped."""
    with contextlib.closing(sqlite3.connect(site.server.store)) as database, database:
        database.execute("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO uploads (account, key_id, priority, path, destination_path, bucket, acl, metadata, callback, token, size,
                                 next_attempt_ms, created_ms, state, finished_ms)
            SELECT 158, 1, 5, 'sestore4/jb/' || ? || '/' || i, ? || i, 'videos', 'private', '{}', '', 't', 1, 0, 0, 'cancelled', 1
            FROM n""", (count, folder, folder))


def narrowed_key(site, prefix: str) -> ApiClient:
    key = site.server.add_key()
    site.server.cli("key", "set", "--api-key", key.api_key, "--path-prefix", prefix)
    return ApiClient(site.server.url, key.api_key, key.secret)


def test_N21_few_uploads_of_a_key_among_many(new_site):
    """What such a list costs: src/store/upload_lists_test.cc. Here: it is whole, also for what came after the first list."""
    site = new_site()
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    site.server.stop()
    add_history(site, "rare", 3)
    add_history(site, "films", 300_000)
    site.server.start()
    rare, none = narrowed_key(site, "sestore4/jb/rare"), narrowed_key(site, "sestore4/jb/none")
    for _ in range(2):
        assert [one["id"] for one in rare.all()] == [3, 2, 1]
        assert none.all() == []
    make_file(site.files / "rare" / "new.mp4", KIB)
    new = site.queue("rare/new.mp4", "videos")
    assert [one["id"] for one in rare.all()] == [new, 3, 2, 1]
    assert [one["id"] for one in rare.call("aws.status", state="cancelled", offset=1).data] == [2, 1]
    assert [one["id"] for one in rare.call("aws.status", state=["queued", "uploading"]).data] == [new]
    assert [one["id"] for one in site.api.call("aws.status", limit=2, offset=300_002).data] == [2, 1]


def test_N22_requests_that_hang_leave_threads_for_others(new_site):
    """32 requests of an account wait for a storage that does not answer. Another account and the operator get their answers."""
    site = new_site()
    switch = site.server.folder / "it-hangs"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libhanging_storage.so"), "HANGING_ROOT": str(site.server.storage),
                               "HANGING_SWITCH": str(switch)}
    site.server.restart()
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    make_file(site.files / "film.mp4", KIB)
    site.server.add_account(159, "ann")
    key = site.server.add_key(159)
    other = ApiClient(site.server.url, key.api_key, key.secret, 159)
    switch.touch()
    try:
        with contextlib.ExitStack() as stack:
            flood = [stack.enter_context(connect(site)) for _ in range(32)]
            for number, connection in enumerate(flood):
                connection.sendall(signed(site.api, "aws.upload", path="sestore4/jb/film.mp4", destination_path=str(number),
                                          bucket="videos"))
            for _ in range(5):
                assert other.call("aws.status").ok
                site.server.cli("account", "list")
            waiting, _, _ = select.select(flood, [], [], 0)
            assert len(waiting) < 16, "most of them still wait"
    finally:
        switch.unlink()


def test_N31_lists_without_end_leave_the_processors(new_site):
    """8 connections of an account ask for lists of 100 long uploads, one after the other. An eighth of the processors is its share."""
    site = new_site()
    long_uploads(site)
    site.server.add_account(159, "ann")
    key = site.server.add_key(159)
    other = ApiClient(site.server.url, key.api_key, key.secret, 159)
    request = signed(site.api, "aws.status", limit=100)
    flood_ends = threading.Event()

    def flood() -> int:
        lists = 0
        with connect(site) as connection:
            while not flood_ends.is_set():
                connection.sendall(request)
                assert receive(connection, 1).answers[0].status == 200
                lists += 1
        return lists

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        floods = [threads.submit(flood) for _ in range(8)]
        wait_until(lambda: used_by_requests(site) > 0.5, 60, "the account has used what it may use at once")
        used, begin = used_by_requests(site), time.monotonic()
        for _ in range(40):
            assert other.call("aws.status", limit=1).ok
            time.sleep(0.1)
        share = (used_by_requests(site) - used) / (time.monotonic() - begin)
        flood_ends.set()
        assert all(flood.result() > 1 for flood in floods)
    # Half as much again for the other account, and for what a thread does between two requests.
    assert share < 1.5 * min(os.cpu_count() / 8, 3), share


def used_by_requests(site) -> float:
    """Seconds of a processor that the threads `requests` of the server have used."""
    used = 0
    for thread in Path(f"/proc/{site.server.process.pid}/task").iterdir():
        if (thread / "comm").read_text() == "requests\n":
            used += int((thread / "schedstat").read_text().split()[0])
    return used / 1e9


def test_N30_an_account_queues_only_so_many_uploads(new_site):
    """Its other ways in count too: the operator's and retries. Another account and what is queued already are not concerned."""
    site = new_site(extra="[limits]\nopen_uploads_per_account = 5")
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    make_file(site.files / "film.mp4", KIB)
    site.server.add_account(159, "ann")
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store", cdn=159)
    make_file(site.server.storage / "ann" / "film.mp4", KIB)
    key = site.server.add_key(159)
    other = ApiClient(site.server.url, key.api_key, key.secret, 159)

    first = sign(site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="first", bucket="videos"), site.key.secret)
    first_id = site.api.post(first).data
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: site.api.upload("sestore4/jb/film.mp4", str(number), "videos"), range(60)))
    assert sorted(answer.code or "" for answer in answers) == [""] * 4 + ["1000"] * 56, answers
    assert all(answer.http_status == 200 and (answer.ok or "5 uploads" in answer.message) for answer in answers), answers
    assert site.api.post(first).data == first_id, "a repeat gets its id"
    assert len(site.api.all()) == 5
    assert other.upload("sestore4/ann/film.mp4", "theirs", "videos").ok

    def refused():
        assert site.api.upload("sestore4/jb/film.mp4", "more", "videos").code == "1000"
        by_operator = site.server.run_cli("upload", "sestore4/jb/film.mp4", "--to", "more", "--cdn", 158, "--bucket", "videos")
        assert by_operator.returncode != 0 and "5 uploads" in by_operator.stderr, by_operator
        assert len([one for one in site.api.all() if one["state"] != "cancelled"]) == 5

    refused()
    site.server.kill9()
    site.server.start()
    refused()
    assert site.api.call("aws.cancel", id=first_id).ok
    site.wait_for(first_id, "cancelled")
    assert site.api.upload("sestore4/jb/film.mp4", "in its place", "videos").ok
    assert site.api.call("aws.retry", id=first_id).code == "1000"
    refused()
