"""Checks that tell a real identifier from a lookalike: checksums, ranges, calendars, entropy.

Each takes the text of a candidate, separators included, and never raises.
"""

from __future__ import annotations

from collections.abc import Callable

from . import dates, devices, network, payment, people, phones, placed, secrets
from .library import library_check
from .network import ipv4
from .payment import card, iban, luhn
from .people import us_ssn
from .secrets import entropy
from .text import digits

__all__ = [
    "VALIDATORS",
    "Validator",
    "card",
    "digits",
    "entropy",
    "iban",
    "ipv4",
    "luhn",
    "us_ssn",
    "validator_named",
]

Validator = Callable[[str], bool]

VALIDATORS: dict[str, Validator] = {
    "aba_routing": payment.aba_routing,
    "argument_secret": secrets.argument_secret,
    "assigned_secret": placed.assigned_secret,
    "basic_credentials": secrets.basic_credentials,
    "beside_secret": secrets.beside_secret,
    "bic": payment.bic,
    "birth_date": dates.birth_date,
    "br_rg": people.br_rg,
    "card": payment.card,
    "ca_health": people.ca_health,
    "card_told": payment.card_told,
    "chosen_secret": secrets.chosen_secret,
    "cookie_header": secrets.cookie_header,
    "cookie_value": secrets.cookie_value,
    "crypto_wallet": payment.crypto_wallet,
    "de_id_card": people.de_id_card,
    "de_pension": people.de_pension,
    "dea": people.dea,
    "document_number": people.document_number,
    "es_social": people.es_social,
    "eui64": network.eui64,
    "generated_token": secrets.generated_token,
    "iban": payment.iban,
    "iccid": devices.iccid,
    "imei": devices.imei,
    "imsi": devices.imsi,
    "international_phone": phones.international_phone,
    "ipv4": network.ipv4,
    "ipv6": network.ipv6,
    "kvnr": people.kvnr,
    "latitude_longitude": dates.latitude_longitude,
    "luhn": payment.luhn_text,
    "mac": network.mac,
    "mbi": people.mbi,
    "nanp_phone": phones.nanp_phone,
    "national_phone": phones.national_phone,
    "no_reference": secrets.no_reference,
    "npi": people.npi,
    "opaque_id": devices.opaque_id,
    "personnummer": people.personnummer,
    "phone_in_context": phones.phone_in_context,
    "random_session": placed.random_session,
    "random_value": secrets.random_value,
    "secret_value": secrets.secret_value,
    "spoken_secret": secrets.spoken_secret,
    "strong_secret": secrets.strong_secret,
    "sure_secret": placed.sure_secret,
    "typed_secret": secrets.typed_secret,
    "uk_driver": people.uk_driver,
    "us_itin": people.us_itin,
    "us_ssn": people.us_ssn,
    "vin": devices.vin,
}
"""Every validator of our own that a pack may name."""


def validator_named(name: str) -> Validator:
    """A validator of our own, or `stdnum.<module>`, a checksum of the library python-stdnum.

    Raises:
        ValueError: There is none of that name.
    """
    if name.startswith("stdnum."):
        return library_check(name.removeprefix("stdnum."))
    if name not in VALIDATORS:
        raise ValueError(
            f"validator {name!r} is not one of {', '.join(sorted(VALIDATORS))}, "
            "nor stdnum.<module>, such as stdnum.nl.bsn"
        )
    return VALIDATORS[name]
