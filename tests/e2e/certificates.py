"""Certificates for 127.0.0.1 that a test makes for itself."""

import pathlib
import ssl
import subprocess


def make_certificate(folder: pathlib.Path, name: str = "tls", days: int = 30, address: str = "127.0.0.1",
                     made: str = "now") -> tuple[pathlib.Path, pathlib.Path]:
    """A self-signed certificate for `address` and its key (mode 0600), NAME.crt and NAME.key in `folder`; valid for `days`
    from `made` on, a time as faketime reads it."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["faketime", made, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True, timeout=60)
    key.chmod(0o600)
    return certificate, key


def client_context(certificate: pathlib.Path, *more: pathlib.Path) -> ssl.SSLContext:
    """Believes these certificates alone."""
    context = ssl.create_default_context(cafile=certificate)
    for one in more:
        context.load_verify_locations(one)
    return context
