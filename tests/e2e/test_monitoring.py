"""What monitoring systems are told: metrics that Prometheus takes, whether the process lives, and whether it accepts."""

import http.client
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from support import KIB, MIB, ROOT, make_file, wait_until

PROMTOOL = shutil.which("promtool")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(connection, path, method="GET"):
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


def samples(text):
    """Each sample's value by its name with labels."""
    return {name: float(value) for name, value in re.findall(r"^([a-z0-9_]+(?:\{.*\})?) (\S+)$", text, re.M)}


def promtool(*words, given=None):
    assert PROMTOOL, "promtool is not installed (package prometheus)"
    return subprocess.run([PROMTOOL, *words], input=given, capture_output=True, text=True, timeout=60)


@pytest.fixture
def monitored(new_site):
    site = new_site(extra='[metrics]\nlisten = "127.0.0.1:0"\n[traces]\nurl = "http://127.0.0.1:9/v1/traces"\n')
    address = wait_until(lambda: site.server.printed(r"monitoring: http://(\S+)/metrics"), 5, "the address is printed")
    site.monitoring = lambda path, method="GET": get(http.client.HTTPConnection(address, timeout=3), path, method)
    return site


def test_metrics_are_such_as_promtool_takes(monitored, fake, receiver):
    site = monitored
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 3 * KIB)
    make_file(site.files / "long.mp4", 17 * MIB)
    done = [site.queue(name, "videos", callback=receiver.url) for name in ("film.mp4", "long.mp4")]
    for upload_id in done:
        site.wait_for(upload_id, "completed")
    wait_until(lambda: len(receiver.received) == 2, 20, "both callbacks")
    assert not site.api.call("aws.status", id=4711).ok

    def told():
        _, _, text = site.monitoring("/metrics")
        return samples(text).get('vodlift_callback_attempts_total{result="delivered"}') == 2 and text

    text = wait_until(told, 20, "the callbacks are counted")
    checked = promtool("check", "metrics", given=text)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    seen = samples(text)
    assert seen['vodlift_uploads{state="completed",cdn="other"}'] == 2, "the account has none that is open"
    assert seen['vodlift_uploads_entered_total{state="completed"}'] == 2
    assert seen['vodlift_sent_bytes_total{cdn="158"}'] == 17 * MIB + 3 * KIB
    assert seen['vodlift_s3_requests_total{operation="PutObject",result="ok"}'] >= 1
    assert seen['vodlift_s3_requests_total{operation="UploadPart",result="ok"}'] >= 2
    assert seen['vodlift_s3_request_duration_seconds_count{operation="UploadPart"}'] >= 2
    assert seen['vodlift_s3_requests_in_flight{operation="UploadPart"}'] == 0
    assert seen['vodlift_api_calls_total{command="aws.upload",outcome="success"}'] == 2
    assert seen['vodlift_api_calls_total{command="aws.status",outcome="upload_not_found"}'] == 1
    assert seen['vodlift_multipart_uploads{kind="in_use"}'] == 0
    assert seen['vodlift_upload_slots_occupied{kind="usual"}'] == 0
    assert seen['vodlift_storage_available{storage="sestore4"}'] == 1
    assert seen["vodlift_store_commit_duration_seconds_count"] > 2
    assert seen["vodlift_metrics_complete"] == 1
    assert seen["process_open_fds"] > 10
    assert abs(seen["process_start_time_seconds"] - time.time()) < 600


def test_metrics_name_what_fails(monitored, fake):
    site = monitored
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 3 * KIB)
    fake.play({"about": "denied", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    site.wait_for(site.queue("film.mp4", "videos"), "failed")
    seen = samples(site.monitoring("/metrics")[2])
    assert seen['vodlift_attempt_errors_total{error="s3_access_denied",outcome="failed"}'] == 1
    assert seen['vodlift_s3_requests_total{operation="PutObject",result="refused"}'] >= 1
    assert seen['vodlift_attention{code="bucket_denied",severity="critical"}'] == 1


def test_the_administration_socket_has_them_too(site):
    for path, part in (("/metrics", "vodlift_build_info{"), ("/healthz", "alive"), ("/readyz", '"ready":true')):
        status, _, text = get(UnixConnection(site.server.socket), path)
        assert status == 200 and part in text, text


def test_the_api_listener_has_none_of_them(site):
    address = site.server.url.partition("://")[2]
    for path in ("/metrics", "/healthz", "/readyz"):
        status, _, text = get(http.client.HTTPConnection(address, timeout=10), path)
        assert status == 404 and "vodlift_" not in text


def test_nothing_else_is_there(monitored):
    assert monitored.monitoring("/")[0] == 404
    assert monitored.monitoring("/api/v1/uploads")[0] == 404
    status, headers, _ = monitored.monitoring("/metrics", "POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"


def test_no_secret_and_no_path_is_in_them(monitored, fake):
    site = monitored
    site.use(fake, "videos")
    make_file(site.files / "very-private-name.mp4", 3 * KIB)
    site.wait_for(site.queue("very-private-name.mp4", "videos"), "completed")
    text = site.monitoring("/metrics")[2]
    assert "very-private-name" not in text and site.key.secret not in text and "videos" not in text


def test_a_process_that_hangs_is_not_ready_for_traffic(monitored):
    """The whole process stands still: nobody answers, which is what a load balancer goes by."""
    site = monitored
    site.server.process.send_signal(signal.SIGSTOP)
    stat = pathlib.Path(f"/proc/{site.server.process.pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", 5, "it stands still")
    try:
        with pytest.raises(OSError):
            site.monitoring("/healthz")
    finally:
        site.server.process.send_signal(signal.SIGCONT)
    wait_until(lambda: site.monitoring("/healthz")[0] == 200, 20, "it is back")


def test_alert_rules_hold_their_tests():
    folder = ROOT / "packaging" / "monitoring"
    checked = promtool("check", "rules", str(folder / "alerts.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", str(folder / "alerts_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_alerts_and_dashboard_name_metrics_that_exist(monitored, fake, receiver):
    """A renamed metric would make an alert silent for ever."""
    text = monitored.monitoring("/metrics")[2]
    families = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    folder = ROOT / "packaging" / "monitoring"
    for file in ("alerts.yml", "dashboard.json"):
        named = set(re.findall(r"\b((?:vodlift|process)_[a-z0-9_]+)\b", (folder / file).read_text()))
        named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
        assert named and named <= families, named - families


def test_the_documentation_names_every_metric(monitored):
    text = monitored.monitoring("/metrics")[2]
    families = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    document = (ROOT / "docs" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `((?:vodlift|process)_[a-z0-9_]+)`", document, re.M))
    assert documented == families, documented ^ families
