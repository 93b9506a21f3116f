"""The error answer of S3."""

from xml.sax.saxutils import escape


class S3Error(Exception):
    """An error that S3 answers: HTTP status, code, message and further elements of its XML."""

    def __init__(self, status: int, code: str, message: str, elements: dict[str, str] | None = None):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.elements = elements or {}

    def xml(self, request_id: str) -> bytes:
        more = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in self.elements.items())
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(self.code)}</Code>'
                f"<Message>{escape(self.message)}</Message>{more}<RequestId>{request_id}</RequestId>"
                f"<HostId>fake</HostId></Error>").encode()
