"""B27: which proxies are believed about the address of a client."""

from api_client import sign
from forms import URLENCODED, send, urlencoded


def allowed(site, forwarded: str | None) -> bool:
    """Whether the key, which is for one network, is accepted from the client that X-Forwarded-For names."""
    body = urlencoded(("json", sign(site.api.request("files.getstorage"), site.key.secret)))
    headers = {} if forwarded is None else {"X_Forwarded_For": forwarded}
    answer = send(site, body, URLENCODED, **headers)
    assert answer.http_status == 200 and answer.code in (None, "0001", "0005"), answer
    return answer.ok


def test_B27_a_trusted_proxy_tells_who_the_client_is(new_site):
    site = new_site(server='trusted_proxies = ["127.0.0.1/32", "10.0.0.0/8"]')
    site.server.cli("key", "set", "--api-key", site.key.api_key, "--network", "192.0.2.0/24")
    for forwarded in ("192.0.2.7", "198.51.100.1, 192.0.2.7", "192.0.2.7, 10.1.2.3", "nonsense, 192.0.2.7"):
        assert allowed(site, forwarded), forwarded
    # A client can write what it wants in front of what the proxy adds; and what cannot be read is nobody.
    for forwarded in (None, "198.51.100.1", "192.0.2.7, 198.51.100.1", "192.0.2.7, nonsense", "192.0.2.7:80", "", ","):
        assert not allowed(site, forwarded), forwarded


def test_B27_nobody_else_does(new_site):
    site = new_site(server='trusted_proxies = ["127.0.0.2/32"]')
    site.server.cli("key", "set", "--api-key", site.key.api_key, "--network", "192.0.2.0/24")
    assert not allowed(site, "192.0.2.7")
