"""Client certificates: what the authority puts its name to, and what it does not believe."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from glasshatch.errors import ConfigError, NotAuthenticated
from glasshatch.identity.certificates import issue_certificate, make_authority, read_certificate

NOW = 1_800_000_000 * 10**9
HOUR = 3_600 * 10**9
ID = "0198c2f0-0000-7000-8000-000000000001"
AUTHORITY = make_authority("Glasshatch clients of test/default", NOW)


def request_of(key: object, name: str = "dora", *extensions: x509.ExtensionType) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    hash = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, hash).public_bytes(serialization.Encoding.PEM).decode()  # type: ignore[arg-type]


def issued(request: str, name: str = "dora") -> x509.Certificate:
    made = issue_certificate(AUTHORITY, request, name, ID, NOW, NOW + HOUR)
    return x509.load_pem_x509_certificate(made.pem.encode())


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
     ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2_048)],
    ids=["P-256", "P-384", "Ed25519", "RSA"],
)  # fmt: skip
def test_it_takes_the_key_and_no_word_of_the_request(key: object) -> None:
    wish = request_of(
        key, "admin", x509.BasicConstraints(ca=True, path_length=None),
        x509.SubjectAlternativeName([x509.DNSName("hatch.example")]),
    )  # fmt: skip
    found = issued(wish)
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "dora"
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, False)
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:uuid:{ID}"]
    assert found.not_valid_after_utc - found.not_valid_before_utc == datetime.timedelta(hours=1, minutes=1)
    read = read_certificate(found.public_bytes(serialization.Encoding.DER), [AUTHORITY.certificate])
    assert read.serial == f"{found.serial_number:x}"
    assert read.fingerprint == found.fingerprint(hashes.SHA256()).hex()


def test_the_authority_signs_clients_and_no_authority_below_it() -> None:
    made = x509.load_pem_x509_certificate(AUTHORITY.certificate.encode())
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert AUTHORITY.key.hex() not in repr(AUTHORITY)
    assert repr(AUTHORITY) == "Authority()"


def test_weak_and_strange_keys_are_refused() -> None:
    weak = [rsa.generate_private_key(65_537, 1_024), ec.generate_private_key(ec.SECP192R1()),
            dsa.generate_private_key(2_048)]  # fmt: skip
    for key in weak:
        with pytest.raises(ConfigError, match="not of a kind"):
            issued(request_of(key))


def test_a_request_must_be_signed_with_its_own_key() -> None:
    mine = request_of(ec.generate_private_key(ec.SECP256R1()))
    der = bytearray(x509.load_pem_x509_csr(mine.encode()).public_bytes(serialization.Encoding.DER))
    der[-5] ^= 1
    forged = base64.encodebytes(bytes(der)).decode()
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{forged}-----END CERTIFICATE REQUEST-----\n"
    for bad in (text, "", "nonsense", AUTHORITY.certificate):
        with pytest.raises(ConfigError):
            issued(bad)


def test_another_authority_s_certificate_says_nothing() -> None:
    other = make_authority("Glasshatch clients of test/default", NOW)
    made = issue_certificate(
        other, request_of(ec.generate_private_key(ec.SECP256R1())), "dora", ID, NOW, NOW + HOUR
    )
    der = x509.load_pem_x509_certificate(made.pem.encode()).public_bytes(serialization.Encoding.DER)
    for known in ([AUTHORITY.certificate], []):
        with pytest.raises(NotAuthenticated):
            read_certificate(der, known)
    with pytest.raises(NotAuthenticated):
        read_certificate(b"no certificate", [AUTHORITY.certificate])
