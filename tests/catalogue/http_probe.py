"""A table of raw requests: required by HTTP/1.1, hiding another request, not HTTP at all, or ambiguous."""

import dataclasses

REFUSED = (400,)
CHUNKED = "Transfer-Encoding: chunked"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    request: bytes
    statuses: tuple[int, ...]
    closes: bool  # whether nothing behind the request may be answered


def request(*fields: str, method: str = "POST", target: str = "/stable/", version: str = "HTTP/1.1", body: str = "",
            host: str | None = "Host: a") -> bytes:
    lines = [f"{method} {target} {version}", *([host] if host is not None else []), *fields, "", body]
    return "\r\n".join(lines).encode("latin-1")


def sized(text: str = "x", *fields: str, **rest) -> bytes:
    return request(f"Content-Length: {len(text)}", *fields, body=text, **rest)


def chunked(body: str, *fields: str) -> bytes:
    return request(CHUNKED, *fields, body=body)


def refused(group: str, cases: dict[str, bytes], statuses: tuple[int, ...] = REFUSED) -> list[Case]:
    return [Case(f"{group}-{name}", data, statuses, True) for name, data in cases.items()]


def taken(group: str, cases: dict[str, bytes], statuses: tuple[int, ...], closes: bool = False) -> list[Case]:
    return [Case(f"{group}-{name}", data, statuses, closes) for name, data in cases.items()]


# Understood as HTTP: then it is the form that is missing (200, in the envelope), or of another type than ours.
READ = (200, 415)

COMPLIANCE = [
    *taken("compliance", {
        "sized-body": sized("hello"),
        "empty-body": sized(""),
        "no-body": request(),
        "chunked-body": chunked("5\r\nhello\r\n0\r\n\r\n"),
        "chunked-upper-case-name": request("Transfer-Encoding: CHUNKED", body="0\r\n\r\n"),
        "chunked-hex-letters": chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        "chunk-extension": chunked("5;name=value\r\nhello\r\n0\r\n\r\n"),
        "chunk-trailer": chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
        "field-name-upper-case": request("CONTENT-LENGTH: 2", body="hi"),
        "field-name-lower-case": request("content-length: 2", body="hi"),
        "field-without-space": request("Content-Length:2", body="hi"),
        "field-with-spaces-around": request("Content-Length:   2   ", body="hi"),
        "field-empty": request("X-Empty:"),
        "field-tab-before-value": request("X-Tab:\tvalue"),
        "field-bytes-above-ascii": request("X-Name: \xe9\xff"),
        "host-with-port": request(host="Host: example.com:8080"),
        "host-ipv6": request(host="Host: [::1]:8080"),
        "host-empty": request(host="Host:"),
        "target-absolute": request(target="http://a/stable/"),
        "target-absolute-other-host": request(target="http://b/stable/"),
        "target-absolute-upper-case-scheme": request(target="HTTP://a/stable/"),
        "target-query": request(target="/stable/?a=b&c=%20"),
        "empty-line-before": b"\r\n" + request(),
        "connection-keep-alive": request("Connection: keep-alive"),
        "connection-unknown-option": request("Connection: x-hop"),
        "upgrade-ignored": request("Connection: Upgrade", "Upgrade: websocket"),
        "upgrade-h2c-ignored": request("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        "range-ignored": request("Range: bytes=0-10"),
        "te-trailers": request("Connection: TE", "TE: trailers"),
        "content-coding-identity": sized("hi", "Content-Encoding: identity"),
    }, READ),
    *taken("compliance", {
        "get": request(method="GET"), "put": request(method="PUT"), "delete": request(method="DELETE"),
        "trace": request(method="TRACE"), "options": request(method="OPTIONS"), "patch": request(method="PATCH"),
        "unknown-method": request(method="BREW"), "method-lower-case": request(method="post"),
        "method-odd-token": request(method="x!#"), "get-with-body": sized("hello", method="GET"),
        "get-with-chunks": request(CHUNKED, method="GET", body="5\r\nhello\r\n0\r\n\r\n"),
    }, (405,)),
    *taken("compliance", {
        "options-asterisk": request(method="OPTIONS", target="*"), "root": request(target="/"),
        "connect": request(method="CONNECT", target="a:443", host="Host: a:443"),
        "absolute-without-path": request(target="http://a"), "other-path": request(target="/other"),
    }, (404, 405)),
    *taken("compliance", {
        "close": request("Connection: close"), "close-among-options": request("Connection: keep-alive, close"),
        "close-upper-case": request("Connection: CLOSE"),
        "version-1.0": request(version="HTTP/1.0"), "version-1.0-without-host": request(version="HTTP/1.0", host=None),
        "version-1.0-keep-alive": request("Connection: keep-alive", version="HTTP/1.0"),
        "version-1.0-with-body": sized("hello", version="HTTP/1.0"),
    }, READ, closes=True),
    *refused("compliance", {"no-host": request(host=None)}),
    *refused("compliance", {"unknown-expectation": request("Expect: 200-ok"),
                            "unknown-expectation-with-body": sized("hi", "Expect: x")}, (417,)),
    *refused("compliance", {"too-large": request("Content-Length: 10737418240"),
                            "chunk-too-large": chunked("7fffffff\r\n")}, (413,)),
    *refused("compliance", {"gzip-body": sized("hi", "Content-Encoding: gzip")}, (415,)),
    *refused("compliance", {f"version-{version}": request(version=f"HTTP/{version}")
                            for version in ("0.9", "1.2", "1.9", "2.0", "3.0", "9.9")}, (505,)),
    *refused("compliance", {"http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, (400, 505)),
]

SMUGGLING = [
    *refused("smuggling", {
        "length-and-chunked": request("Content-Length: 5", CHUNKED, body="0\r\n\r\n"),
        "chunked-and-length": request(CHUNKED, "Content-Length: 5", body="0\r\n\r\n"),
        "length-0-and-chunked": request("Content-Length: 0", CHUNKED, body="0\r\n\r\n"),
        "two-lengths": request("Content-Length: 0", "Content-Length: 5"),
        "two-equal-lengths": request("Content-Length: 0", "Content-Length: 0"),
        **{f"length-{name}": request(f"Content-Length: {value}") for name, value in {
            "list": "0, 0", "list-different": "0, 5", "negative": "-1", "negative-zero": "-0", "plus": "+0", "hex": "0x0",
            "octal": "007", "double-zero": "00", "inner-space": "5 5", "float": "0.0", "exponent": "1e1", "empty": "",
            "comma": ",", "comma-after": "0,", "comma-before": ",0", "semicolon": "0;x=1", "quotes": '"0"', "word": "zero",
            "two-to-64": "18446744073709551616", "two-to-64-plus-5": "18446744073709551621", "40-digits": "9" * 40,
            "tab-before": "\t0", "tab-after": "0\t", "no-break-space": "\xa00", "fullwidth": "\xef\xbc\x90",
            "underscore": "1_0"}.items()},
        "length-name-space-before-colon": request("Content-Length : 0"),
        "length-name-tab-before-colon": request("Content-Length\t: 0"),
        "length-with-folded-line": request("Content-Length:", " 0"),
        **{f"coding-{name}": request(f"Transfer-Encoding: {value}", body="0\r\n\r\n") for name, value in {
            "unknown": "xchunked", "suffix": "chunkedx", "identity": "identity", "chunked-identity": "chunked, identity",
            "identity-chunked": "identity, chunked", "gzip-chunked": "gzip, chunked", "twice-in-list": "chunked, chunked",
            "empty": "", "comma-after": "chunked,", "comma-before": ", chunked", "parameter": "chunked;q=1",
            "quotes": '"chunked"', "tab-before": "\tchunked", "tab-after": "chunked\t", "no-break-space": "\xa0chunked",
            "inner-space": "chun ked", "dotless-i": "\xc4\xb1dentity"}.items()},
        "coding-twice": request(CHUNKED, CHUNKED, body="0\r\n\r\n"),
        "coding-twice-different": request(CHUNKED, "Transfer-Encoding: identity", body="0\r\n\r\n"),
        "coding-name-space-before-colon": request("Transfer-Encoding : chunked", body="0\r\n\r\n"),
        "coding-folded": request("Transfer-Encoding:", " chunked", body="0\r\n\r\n"),
        "coding-after-bare-lf": request("X: y\nTransfer-Encoding: chunked", body="0\r\n\r\n"),
        "coding-after-bare-cr": request("X: y\rTransfer-Encoding: chunked", body="0\r\n\r\n"),
        "coding-after-nul": request("X: y\0Transfer-Encoding: chunked", body="0\r\n\r\n"),
        "coding-vertical-tab": request("Transfer-Encoding: \x0bchunked", body="0\r\n\r\n"),
        "coding-in-version-1.0": request(CHUNKED, version="HTTP/1.0", body="0\r\n\r\n"),
        "field-before-first": b"POST /stable/ HTTP/1.1\r\n Content-Length: 0\r\nHost: a\r\n\r\n",
        **{f"chunk-{name}": chunked(body) for name, body in {
            "size-negative": "-1\r\n", "size-plus": "+0\r\n\r\n", "size-hex-prefix": "0x0\r\n\r\n", "size-empty": "\r\n\r\n",
            "size-space-before": " 0\r\n\r\n", "size-word": "g\r\n", "size-semicolon-only": ";\r\n\r\n",
            "size-underscore": "1_0\r\n", "size-overflow": "10000000000000000\r\n", "size-17-digits": "00000000000000005\r\n",
            "size-bare-lf": "5\nhello\r\n0\r\n\r\n", "size-bare-cr": "5\rhello\r\n0\r\n\r\n", "size-cr-cr-lf": "5\r\r\nhello",
            "data-without-crlf": "5\r\nhello0\r\n\r\n", "data-longer": "4\r\nhello\r\n0\r\n\r\n",
            "data-bare-lf": "5\r\nhello\n0\r\n\r\n", "data-bare-cr": "5\r\nhello\r0\r\n\r\n",
            "extension-bare-lf": "5;a\nhello\r\n0\r\n\r\n", "extension-bare-cr": "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "extension-nul": "5;a\0\r\nhello\r\n0\r\n\r\n",
            "end-bare-lf": "0\r\n\n", "end-after-lf": "0\n\r\n", "trailer-without-colon": "0\r\nX\r\n\r\n",
            "trailer-bare-lf": "0\r\nX: y\n\r\n", "trailer-nul": "0\r\nX: \0\r\n\r\n", "trailer-folded": "0\r\nX: y\r\n z\r\n\r\n",
            "trailer-space-before-colon": "0\r\nX : y\r\n\r\n", "trailer-without-name": "0\r\n: y\r\n\r\n"}.items()},
    }),
]

MALFORMED = [
    *refused("malformed", {
        "bare-lf-line": b"POST /stable/ HTTP/1.1\nHost: a\r\n\r\n",
        "bare-lf-all": b"POST /stable/ HTTP/1.1\nHost: a\n\n",
        "bare-cr-all": b"POST /stable/ HTTP/1.1\rHost: a\r\r",
        "nul-in-target": b"POST /sta\0ble/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "nul-in-method": b"PO\0ST /stable/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "empty-lines-before": b"\r\n\r\n\r\n" + request(),
        "space-before-method": b" " + request(),
        "tab-in-request-line": b"POST\t/stable/\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "two-spaces": b"POST  /stable/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "space-after-version": b"POST /stable/ HTTP/1.1 \r\nHost: a\r\n\r\n",
        "no-version": b"POST /stable/\r\nHost: a\r\n\r\n",
        "http-0.9": b"GET /stable/\r\n\r\n",
        "no-target": b"POST HTTP/1.1\r\nHost: a\r\n\r\n",
        "method-only": b"POST\r\n\r\n",
        **{f"version-{name}": request(version=text) for name, text in {
            "lower-case": "http/1.1", "no-minor": "HTTP/1", "two-digits": "HTTP/1.10", "leading-zero": "HTTP/01.1",
            "comma": "HTTP/1,1", "other-name": "HTCPCP/1.0", "space": "HTTP/ 1.1", "minus": "HTTP/-1.1",
            "word": "HTTP/one"}.items()},
        **{f"method-{name}": request(method=text) for name, text in {
            "comma": "PO,ST", "colon": "POST:", "at": "P@ST", "slash": "P/ST", "bytes": "P\xd6ST", "brackets": "{POST}"}.items()},
        **{f"field-{name}": request(text) for name, text in {
            "no-colon": "Xno colon", "no-name": ": value", "space-in-name": "X Name: y", "space-before-colon": "X : y",
            "tab-before-colon": "X\t: y", "nul-in-name": "X\0: y", "nul-in-value": "X: a\0b", "bare-cr": "X: a\rb",
            "bare-lf": "X: a\nb", "escape": "X: \x1b[0m", "delete": "X: \x7f", "name-with-brackets": "X[]: y",
            "name-with-bytes": "X\xe9: y", "folded": "X: y\r\n z", "folded-tab": "X: y\r\n\tz", "name-at": "X@: y"}.items()},
        "tls-hello": bytes.fromhex("16030100c8010000c40303") + bytes(range(64)),
        "random-bytes": bytes((7 * i * i + 13 * i + 128) % 256 for i in range(512)),
        "socks": b"\x05\x01\x00", "proxy-protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "proxy-protocol-2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
        "json-alone": b'{"command":"aws.upload"}\r\n\r\n',
    }),
    *refused("malformed", {
        "10000-fields": request(*[f"X-{i}: y" for i in range(10000)]), "101-fields": request(*["X: y"] * 101),
        "field-64-kib": request("X: " + "y" * 65536), "name-64-kib": request("X" * 65536 + ": y"),
    }, (431,)),
    *refused("malformed", {"url-20-kib": request(target="/" + "x" * 20480), "url-1-mib": request(target="/" + "x" * 1048576),
                           "method-20-kib": request(method="X" * 20480)}, (414,)),
]

NORMALISATION = [
    *refused("normalisation", {
        "two-hosts": request("Host: b"), "two-equal-hosts": request("Host: a"),
        **{f"host-{name}": request(host=f"Host: {value}") for name, value in {
            "userinfo": "user@a", "list": "a, b", "space": "a b", "slash": "a/b", "query": "a?b", "fragment": "a#b",
            "port-word": "a:http", "two-ports": "a:1:2", "bracket-open": "[::1", "backslash": "a\\b", "tab": "a\tb",
            "quotes": '"a"', "bytes": "\xe9", "scheme": "http://a"}.items()},
        "host-space-before-colon": request(host="Host : a"),
        **{f"target-{name}": request(target=value) for name, value in {
            "no-slash": "stable/", "fragment": "/stable/#x", "asterisk": "*", "bytes": "/stable/\xe9", "ftp": "ftp://a/stable/",
            "userinfo": "http://user@a/stable/", "no-authority": "http:///stable/", "backslash-start": "\\stable\\",
            "authority": "a:80", "bad-port": "http://a:x/stable/"}.items()},
    }),
    *taken("normalisation", {
        "dots": request(target="/x/../stable/"), "one-dot": request(target="/./stable/"),
        "two-slashes-elsewhere": request(target="//unstable/"), "encoded": request(target="/%73table/"),
        "encoded-slash": request(target="/stable%2f"), "encoded-nul": request(target="/stable/%00"),
        "encoded-dots": request(target="/stable/%2e%2e/"), "double-encoded": request(target="/%2573table/"),
        "upper-case": request(target="/STABLE/"), "parameter": request(target="/stable;x=1/"),
        "encoded-crlf": request(target="/stable/%0d%0aHost:%20b"), "backslash": request(target="/stable\\"),
        "deeper": request(target="/stable/stable/"),
    }, (404,)),
    *taken("normalisation", {
        "underscore-name": request("Content_Length: 5"), "underscore-coding": request("Transfer_Encoding: chunked"),
        "forwarded-target": request("X-Original-URL: /dev/", "X-Rewrite-URL: /dev/"),
        "connection-names-length": request("Connection: Content-Length", "Content-Length: 2", body="hi"),
    }, READ),
    *taken("normalisation", {"method-override": request("X-HTTP-Method-Override: POST", method="GET")}, (405,)),
]

CASES = [*COMPLIANCE, *SMUGGLING, *MALFORMED, *NORMALISATION]
