"""A first certificate for the gateway, so that no token ever crosses the wire in the clear."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..clock import Clock

_YEAR = datetime.timedelta(days=365)


def create_gateway_certificate(folder: Path, clock: Clock) -> tuple[Path, Path]:
    """Write `gateway.crt` and `gateway.key` (0600): self-signed, for localhost, valid for a year.

    An operator replaces the two files with a certificate of their own authority.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate_file, key_file = folder / "gateway.crt", folder / "gateway.key"
    _write_private(key_file, pem)
    certificate_file.write_bytes(_self_signed(key, clock).public_bytes(serialization.Encoding.PEM))
    return certificate_file, key_file


def _self_signed(key: ec.EllipticCurvePrivateKey, clock: Clock) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "glasshatch gateway")])
    now = datetime.datetime.fromtimestamp(clock.now_ns() / 1e9, datetime.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _YEAR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _write_private(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)


def offered_trust(certificate_file: Path) -> tuple[str, tuple[str, ...]]:
    """What a client may trust the gateway by: the root in its certificate's file, and the names it is for.

    The root is empty where the file ends with a certificate that another authority signed: then the client
    must know that authority.
    """
    try:
        chain = x509.load_pem_x509_certificates(certificate_file.read_bytes())
        names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return "", ()
    root = chain[-1] if chain[-1].issuer == chain[-1].subject else None
    text = root.public_bytes(serialization.Encoding.PEM).decode() if root else ""
    dns = names.get_values_for_type(x509.DNSName)
    return text, (*dns, *map(str, names.get_values_for_type(x509.IPAddress)))
