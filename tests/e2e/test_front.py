"""What the listener of the Control Panel does for attackers: headers, other hosts' names, files, floods (rows H of the
catalogue). What people may do is in test_people.py, what browsers show in test_panel.py."""

import http.client
import pathlib
import threading
import time
import urllib.parse

import pytest

from catalogue_rows import NOT_RUN
from rest_client import RestClient, TcpClient
from support import make_file

PASSWORD = "correct horse battery"


def ask(server, target: str, method: str = "GET", headers: dict | None = None, address: str = "127.0.0.1"):
    """The answer to a request with a target as it is, and its body."""
    where = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60, source_address=(address, 0))
    connection.putrequest(method, target, skip_host="Host" in (headers or {}))
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.fixture
def server(site):
    if ask(site.server, "/panel/")[0].status == 404:
        pytest.skip(f"{NOT_RUN}this program was built without its panel (VODLIFT_PANEL)")
    return site.server


def admin(server) -> TcpClient:
    link = RestClient(server.socket).call("POST", "/people", {"name": "anna", "role": "admin"}).data["setup_token"]
    client = TcpClient(server.url)
    assert client.set_up(link, PASSWORD).status == 200
    server.secrets += [link, client.cookie.partition("=")[2]]
    return client


def test_H04_a_session_begins_with_an_id_of_its_own(server):
    anna = admin(server)
    name = anna.cookie.partition("=")[0]
    first = anna.cookie
    planted = TcpClient(server.url)
    planted.cookie = f"{name}=vls_{'a' * 64}"
    assert planted.sign_in("anna", PASSWORD).status == 200
    assert "a" * 64 not in planted.cookie and planted.cookie != first, "nobody else chooses the id"
    assert anna.sign_in("anna", PASSWORD).status == 200 and anna.cookie != first
    old = TcpClient(server.url)
    old.cookie = first
    assert old.call("GET", "/session").status == 401, "the new one took its place"
    socket = RestClient(server.socket)
    bert = socket.call("POST", "/people", {"name": "bert", "role": "admin"}).data["setup_token"]
    assert TcpClient(server.url).set_up(bert, PASSWORD).status == 200
    server.secrets.append(bert)
    assert socket.call("PATCH", "/people/anna", {"role": "viewer"}).status == 200
    assert anna.call("GET", "/session").status == planted.call("GET", "/session").status == 401, "another role, another session"


@pytest.mark.parametrize("target", ["/panel/", "/panel/uploads/7", "/panel", "/panel/assets/nosuch.js", "/panel/../x", "/api/v1/session",
                                    "/api/v1/nosuch", "/api/v1/uploads?x=%zz"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_H13_each_answer_tells_the_browser_what_it_may_do(server, target, method):
    answer, _ = ask(server, target, method, {"Content-Length": "0"} if method == "POST" else None)
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin" and headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] in ("no-store", "no-cache"), headers["cache-control"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_H14_no_other_name_and_no_other_place(server):
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "127.0.0.1@evil.example"):
        for target in ("/panel/", "/panel", "/api/v1/session"):
            answer, body = ask(server, target, headers={"Host": host})
            assert answer.status in (400, 404, 405, 421), (host, target, answer.status)
            assert b"evil" not in body and "evil" not in str(answer.headers) and b"<html" not in body.lower(), (host, target)
    own = urllib.parse.urlsplit(server.url).netloc
    for target in ("/panel?next=//evil.example", "/panel/?next=//evil.example", "//evil.example/panel", "/panel//evil.example",
                   "/panel/%2f%2fevil.example", "/\\evil.example/panel"):
        answer, body = ask(server, target, headers={"Host": own, "X-Forwarded-Host": "evil.example"})
        assert "evil" not in (answer.headers["Location"] or ""), (target, answer.headers["Location"])
        assert b"evil.example" not in body or answer.headers["Content-Type"].startswith("application/"), target
    assert ask(server, "/panel?next=//evil.example", headers={"Host": own})[0].headers["Location"] == "/panel/"


def test_H21_the_panel_is_closed_to_the_network_unless_it_is_opened(new_site):
    site = new_site()
    site.server.config.write_text(site.server.config.read_text().replace('"127.0.0.1:0"', '"0.0.0.0:0"'))
    site.server.restart()
    site.server.url = site.server.url.replace("0.0.0.0", "127.0.0.1")
    for target in ("/panel/", "/panel", "/api/v1/session"):
        answer, body = ask(site.server, target)
        assert answer.status in (404, 405) and b"<html" not in body.lower(), (target, answer.status)
    assert "control panel:" not in site.server.printed(r"(?s)(.*)")


def test_H22_there_is_no_second_factor_to_guess(server):
    """vodlift has no codes of a second factor, so that none can be used twice or guessed. Whoever adds one has to test it."""
    for route in RestClient(server.socket).call("GET", "/routes").data["items"]:
        names = {field["name"] for field in route["fields"]}
        assert not names & {"code", "totp", "otp", "recovery", "second_factor"}, route["name"]


@pytest.mark.parametrize("path", ["/panel/assets/", "/panel/assets", "/panel/.git/config", "/panel/.env", "/panel/assets/.htaccess",
                                  "/panel/../../../../etc/passwd", "/panel/%2e%2e/%2e%2e/etc/passwd", "/panel/..%2f..%2fetc/passwd",
                                  "/panel/assets/..%5c..%5cetc%5cpasswd", "/panel/assets/app.js.map", "/panel//etc/passwd",
                                  "/panel/assets/%00", "/panel/package.json"])
def test_H23_there_are_no_files_but_the_panels(server, path):
    answer, body = ask(server, path)
    assert b"root:" not in body and b"[core]" not in body
    if answer.status == 200:  # a page of the panel, which says itself that there is none
        assert b"<title>" in body and b"Index of" not in body and "." not in path.rpartition("/")[2], (path, body[:200])
    else:
        assert answer.status in (400, 404), (path, answer.status)


def test_H23_no_file_of_the_panel_names_a_source_map(server):
    _, page = ask(server, "/panel/")
    names = [part.split('"')[0] for part in page.decode().split('assets/')[1:]]
    assert names
    for name in names:
        answer, body = ask(server, f"/panel/assets/{name}", headers={"Accept-Encoding": "identity"})
        assert answer.status == 200 and b"sourceMappingURL" not in body, name
        assert ask(server, f"/panel/assets/{name}.map")[0].status == 404


def test_H24_a_flood_of_the_panel_holds_up_no_upload(site, server, fake):
    """Signing in (which takes a hash each), pages and lists, as fast as eight threads can, from as many addresses."""
    site.use(fake, "videos")
    token = RestClient(server.socket).call("POST", "/people", {"name": "anna", "role": "admin"}).data["setup_token"]
    server.secrets.append(token)
    ended, asked = threading.Event(), [0] * 8

    def flood(number: int) -> None:
        address = f"127.0.2.{number + 1}"
        client = TcpClient(server.url, address=address)
        while not ended.is_set():
            try:
                ask(server, "/panel/", address=address)
                client.call("GET", "/uploads")
                client.sign_in("anna", "not the password")
                asked[number] += 3
            except (OSError, http.client.HTTPException):
                asked[number] += 1

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(len(asked))]
    for one in threads:
        one.start()
    try:
        begun = time.monotonic()
        waits, ids = [], []
        for number in range(20):
            make_file(pathlib.Path(site.files) / f"{number}.mp4", 100_000)
            before = time.monotonic()
            ids.append(site.queue(f"{number}.mp4", "videos"))
            waits.append(time.monotonic() - before)
        for one in ids:
            site.wait_for(one, "completed")
        took = time.monotonic() - begun
    finally:
        ended.set()
        for one in threads:
            one.join()
    print(f"{sum(asked)} requests of the flood; 20 uploads in {took:.1f} s, the slowest was queued in {max(waits):.2f} s")
    assert min(asked) > 0 and max(waits) < 5 and took < 60
    assert server.process.poll() is None
