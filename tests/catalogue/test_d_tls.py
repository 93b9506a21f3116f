"""A store over TLS: its certificate must be valid in every respect."""

import ssl

import pytest

from certificates import make_certificate
from fake_s3 import FakeS3
from support import KIB, make_file, wait_until


@pytest.fixture
def over_tls():
    """Makes a fake S3 that speaks TLS with this certificate and key; `adjust` may change the context."""
    made = []

    def make(certificate, key, adjust=lambda context: None) -> FakeS3:
        fake = FakeS3()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        adjust(context)
        fake._server.socket = context.wrap_socket(fake._server.socket, server_side=True)
        fake.endpoint = fake.endpoint.replace("http:", "https:")
        fake.create_bucket("videos")
        made.append(fake.__enter__())
        return fake

    yield make
    for fake in made:
        fake.__exit__()


def tls_1_1_at_most(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def upload_to(site, fake) -> int:
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    return site.queue("film.mp4", "videos")


def trusting(new_site, certificate):
    """A site that believes this certificate, and its name and time only where they are right."""
    site = new_site()
    site.server.environment["AWS_CA_BUNDLE"] = str(certificate)
    site.server.restart()
    return site


def expect_refusal(site, fake, upload_id, *words):
    upload = wait_until(lambda: (one := site.api.status(upload_id))["error"] and one, 30, "the first attempt is over")
    assert (upload["state"], upload["error"]["code"]) == ("queued", "tls"), upload
    assert any(word in upload["error"]["message"].lower() for word in words), upload["error"]
    assert not fake.requests, "nothing was told to such a store, the credentials least of all"


def test_D51_a_store_with_a_good_certificate(new_site, over_tls, tmp_path):
    certificate, key = make_certificate(tmp_path)
    fake = over_tls(certificate, key)
    site = trusting(new_site, certificate)
    site.wait_for(upload_to(site, fake), "completed")


def test_D51_self_signed(site, over_tls, tmp_path):
    fake = over_tls(*make_certificate(tmp_path))
    expect_refusal(site, fake, upload_to(site, fake), "self-signed", "self signed", "certificate")


@pytest.mark.parametrize("fault,words", [({"hosts": ("127.0.0.2",)}, ("127.0.0.1", "host name", "subject name")),
                                         ({"days_old": 730}, ("expired",))], ids=["another host", "expired"])
def test_D51_not_for_this_host_or_time(new_site, over_tls, tmp_path, fault, words):
    certificate, key = make_certificate(tmp_path, **fault)
    fake = over_tls(certificate, key)
    site = trusting(new_site, certificate)
    expect_refusal(site, fake, upload_to(site, fake), *words)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_D51_tls_1_1(new_site, over_tls, tmp_path):
    certificate, key = make_certificate(tmp_path)
    fake = over_tls(certificate, key, tls_1_1_at_most)
    site = trusting(new_site, certificate)
    expect_refusal(site, fake, upload_to(site, fake), "version", "protocol", "tls")
