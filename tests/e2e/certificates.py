"""Certificates that a test makes for itself."""

import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_certificate(folder: pathlib.Path, name: str = "tls", hosts: tuple[str, ...] = ("127.0.0.1",), days_old: int = 0
                     ) -> tuple[pathlib.Path, pathlib.Path]:
    """A self-signed certificate for `hosts`, IPv4 addresses and DNS names, and its key (mode 0600), NAME.crt and NAME.key in
    `folder`; valid for the 30 days that began `days_old` days ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_old)
    alternative_names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.IPv4Address(one)) if one[-1].isdigit() else x509.DNSName(one) for one in hosts])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    certificate = (x509.CertificateBuilder()
                   .subject_name(common_name).issuer_name(common_name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(begins).not_valid_after(begins + datetime.timedelta(days=30))
                   .add_extension(alternative_names, critical=False).add_extension(authority, critical=True)
                   .sign(key, hashes.SHA256()))
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return certificate_file, key_file


def client_context(certificate: pathlib.Path, *more: pathlib.Path) -> ssl.SSLContext:
    """Believes these certificates alone."""
    context = ssl.create_default_context(cafile=certificate)
    for one in more:
        context.load_verify_locations(one)
    return context
