"""The TLS listener: which versions, which certificate, and that a new one costs no request."""

import http.client
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import pathlib
import threading
import urllib.parse

import pytest

from certificates import client_context, make_certificate
from raw_http import receive
from server import Server
from support import binary, wait_until

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="vodlift-tls-") as path:
        yield pathlib.Path(path)


class TlsServer:
    def __init__(self, folder: pathlib.Path):
        self.certificate, self.key = make_certificate(folder)
        self.server = Server(server=f'tls_certificate = "{self.certificate}"\ntls_key = "{self.key}"')
        try:
            self.server.start()
        except BaseException:
            self.server.remove()
            raise

    def connect(self, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        context = context or client_context(self.certificate)
        return context.wrap_socket(self.plain(), server_hostname="127.0.0.1", session=session)

    def plain(self) -> socket.socket:
        url = urllib.parse.urlsplit(self.server.url)
        return socket.create_connection((url.hostname, url.port), 20)


@pytest.fixture
def tls(folder):
    one = TlsServer(folder)
    try:
        yield one
    finally:
        one.server.close()


def common_name(connection: ssl.SSLSocket) -> str:
    return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(tls, version):
    assert tls.server.url.startswith("https://127.0.0.1:")
    context = client_context(tls.certificate)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with tls.connect(context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        assert connection.cipher()[0].startswith(("TLS_", "ECDHE-"))
        for _ in range(2):
            connection.sendall(GET)
            assert receive(connection, 1).statuses == [404]
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        # An end without TLS's own goodbye would be an error here.
        connection.suppress_ragged_eofs = False
        seen = receive(connection)
        assert seen.statuses == [404] and seen.closed
        connection.unwrap()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(tls, version):
    context = client_context(tls.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError):
        tls.connect(context)


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "aNULL:@SECLEVEL=0"])
def test_weak_ciphers_are_refused(tls, ciphers):
    context = client_context(tls.certificate)
    context.set_ciphers(ciphers)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        tls.connect(context)


def test_client_of_another_protocol_is_turned_away(tls):
    context = client_context(tls.certificate)
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError):
        tls.connect(context)


def test_sessions_are_resumed(tls):
    context = client_context(tls.certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls.connect(context) as first:
        session = first.session
    with tls.connect(context, session) as second:
        assert second.session_reused
        second.sendall(GET)
        assert receive(second, 1).statuses == [404]


def test_what_is_no_tls_is_closed(tls):
    for data in (GET, b"\x00" * 64, bytes.fromhex("160301ffff")):
        with tls.plain() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert b"HTTP" not in b"".join(iter(lambda: connection.recv(4096), b""))
    with tls.connect() as connection:
        connection.sendall(GET)
        assert receive(connection, 1).statuses == [404]


def test_fault_in_the_middle_of_a_body_is_told(tls):
    with tls.connect() as connection:
        connection.sendall(b"POST /stable/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + b"x" * 100000)
        assert receive(connection, 1).statuses == [400]


def test_certificate_is_read_again_under_load(tls, folder):
    """On SIGHUP; a pair that does not fit changes nothing; and no request is lost."""
    other, other_key = make_certificate(folder, "other")
    first, first_key = (shutil.copy(path, folder / f"first{path.suffix}") for path in (tls.certificate, tls.key))
    context = client_context(first, other)
    stop, names, failures = threading.Event(), set(), []

    def load():
        while not stop.is_set():
            try:
                with tls.connect(context) as connection:
                    names.add(common_name(connection))
                    for _ in range(5):
                        connection.sendall(GET)
                        assert receive(connection, 1).statuses == [404]
            except Exception as failure:
                failures.append(failure)

    def name_now():
        with tls.connect(context) as connection:
            return common_name(connection)

    clients = [threading.Thread(target=load) for _ in range(4)]
    for one in clients:
        one.start()
    try:
        for certificate, key, name in ((other, other_key, "other"), (first, first_key, "tls")):
            shutil.copy(certificate, tls.certificate)
            shutil.copy(key, tls.key)
            tls.server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: name_now() == name, 20, f"the certificate {name} is used")
        shutil.copy(other_key, tls.key)
        tls.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the certificate was not read again" in tls.server.logs(), 20, "the fault is told")
        assert name_now() == "tls"
        # The key comes in its turn, and nobody says so: the file's change is noticed.
        shutil.copy(other, tls.certificate)
        wait_until(lambda: name_now() == "other", 30, "the change of the files is noticed")
    finally:
        stop.set()
        for one in clients:
            one.join()
    assert not failures and names == {"tls", "other"}


@pytest.mark.parametrize("fault,words", [
    ("wrong key", "key values mismatch"), ("open key", "chmod 0600"), ("no key", "No such file"), ("empty", "certificate"),
    ("half", "belong together")])
def test_faults_of_the_configuration_are_told(folder, fault, words):
    certificate, key = make_certificate(folder)
    if fault == "wrong key":
        _, key = make_certificate(folder, "other")
    elif fault == "open key":
        key.chmod(0o644)
    elif fault == "no key":
        key.unlink()
    elif fault == "empty":
        certificate.write_text("")
    lines = f'tls_certificate = "{certificate}"\n' + ("" if fault == "half" else f'tls_key = "{key}"')
    server = Server(server=lines)
    try:
        done = subprocess.run([binary(), "serve", "--config", server.config], capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and words in done.stderr and "tls_" in done.stderr, done
        assert "listening" not in done.stdout
    finally:
        server.remove()


def test_api_over_tls(tls):
    url = urllib.parse.urlsplit(tls.server.url)
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=client_context(tls.certificate))
    connection.request("POST", "/stable/", "json=%7B%7D", {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    assert answer.status == 200 and b'"code":"0001"' in answer.read()
    connection.close()
