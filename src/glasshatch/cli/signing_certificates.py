"""Client certificates for databases: the key is made here and never leaves this machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..api.client import Client
from ..api.signin_values import CertificateForm
from ..errors import ConfigError
from .logins import logins_file
from .output import local_time, say


def fetch_certificate(address: str, token: str, actor: str, out: Path | None) -> None:
    """Make a key, have it certified, write both; says how a client uses them.

    Raises:
        ConfigError: The folder cannot be written.
    """
    folder = out or logins_file().parent
    key, request = make_request(actor)
    with contextlib.closing(Client(address, token)) as client:
        issued = client.issue_certificate(CertificateForm(actor=actor, request=request))
    certificate_file, key_file = folder / f"{actor}.crt", folder / f"{actor}.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(key_file, key)
        write_whole(certificate_file, issued.certificate)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(folder)) from None
    say(f"certificate {issued.serial} works until {local_time(issued.expires)}")
    say(f"[dim]psql 'sslcert={certificate_file} sslkey={key_file} sslmode=require user={actor} …'[/]")


def make_request(actor: str) -> tuple[str, str]:
    """A fresh key and a request for its certificate, both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, actor)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode("ascii"), request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def write_whole(file: Path, text: str) -> None:
    """Write a file that only its owner may read, in the place of an older one."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text)
    fresh.replace(file)
