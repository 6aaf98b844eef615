"""Client certificates of an authority of our own: made, issued, and read again. Pure: time and names are
handed in.

A certificate proves that whoever holds its key was given it here; who that is, and whether it still counts,
the control store says.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import ConfigError, NotAuthenticated

AUTHORITY_NS: Final = 10 * 365 * 24 * 3_600 * 1_000_000_000
_CLOCKS_NS: Final = 60 * 1_000_000_000
_LEAST_RSA_BITS = 2048
_MOST_COMMON_NAME = 64
_SIGNING = dict.fromkeys(
    ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
     "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
)  # fmt: skip


class Authority(msgspec.Struct, frozen=True):
    """Who signs. certificate: PEM. key: its private key, PKCS #8 DER; shown in no representation."""

    certificate: str
    key: bytes

    def __repr__(self) -> str:
        return "Authority()"


class Certificate(msgspec.Struct, frozen=True):
    """One certificate. serial: in hex. fingerprint: SHA-256 in hex. pem: empty where it was only read."""

    serial: str
    fingerprint: str
    expires_ns: int
    pem: str = ""


def make_authority(name: str, now_ns: int) -> Authority:
    """A fresh authority, good for ten years, that may sign clients and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_MOST_COMMON_NAME])])
    usage = x509.KeyUsage(**{**_SIGNING, "key_cert_sign": True, "crl_sign": True})
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_moment(now_ns - _CLOCKS_NS))
        .not_valid_after(_moment(now_ns + AUTHORITY_NS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Authority(made.public_bytes(serialization.Encoding.PEM).decode("ascii"), private)


def issue_certificate(
    authority: Authority, request: str, name: str, actor_id: str, now_ns: int, expires_ns: int
) -> Certificate:
    """A certificate for whoever made the request: it takes the key from it, and not one word of what it
    asks for.

    Args:
        request: PKCS #10 in PEM, signed with the key that it is about.

    Raises:
        ConfigError: The request is none, is not signed by its own key, or its key is weak or of another kind.
    """
    public = _requested_key(request)
    signer = serialization.load_der_private_key(authority.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_MOST_COMMON_NAME])]))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_moment(now_ns - _CLOCKS_NS))
        .not_valid_after(_moment(expires_ns))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{**_SIGNING, "digital_signature": True}), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{actor_id}")]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return Certificate(_serial(made), _fingerprint(made), expires_ns, pem)


def read_certificate(der: bytes, authorities: list[str]) -> Certificate:
    """What a client has shown, if one of these authorities (PEM) signed it.

    Raises:
        NotAuthenticated: It is no certificate, or another's.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        signers = [x509.load_pem_x509_certificate(one.encode()) for one in authorities]
        if not any(_signed_by(found, signer) for signer in signers):
            raise ValueError
        expires = found.not_valid_after_utc
    except ValueError:
        raise NotAuthenticated(
            "the certificate is not accepted", hint="get one with: glasshatch login --certificate"
        ) from None
    return Certificate(_serial(found), _fingerprint(found), int(expires.timestamp()) * 1_000_000_000)


def _signed_by(found: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        found.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _requested_key(
    request: str,
) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey:
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        key, sound = asked.public_key(), asked.is_signature_valid
    except (ValueError, TypeError, InvalidSignature):
        raise ConfigError(
            "is no request for a certificate",
            key="request",
            hint="PKCS #10 in PEM, as openssl req -new makes it",
        ) from None
    if not sound:
        raise ConfigError("the request is not signed by its own key", key="request")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return key
    raise ConfigError(
        "the request's key is not of a kind that is taken", key="request",
        hint="P-256, P-384, Ed25519, or RSA of at least 2048 bits",
    )  # fmt: skip


def _serial(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def _fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
