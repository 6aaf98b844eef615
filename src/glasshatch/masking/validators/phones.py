"""Telephone numbers, international and as people write them at home."""

from __future__ import annotations

import re
from functools import lru_cache

from .text import digits


def international_phone(text: str) -> bool:
    """E.164 after its plus sign or 00: a calling code in use, and a length that its country dials.

    Without any separator the national part must also have its country's form: a plus sign before many
    digits may be arithmetic.
    """
    number = digits(text.replace("(0)", ""))
    number = number.removeprefix("00") if not text.lstrip(" (").startswith("+") else number
    if not 8 <= len(number) <= 15 or len(set(number)) < 3:
        return False
    for size in (1, 2, 3):
        dialled = plan(int(number[:size]))
        if dialled is not None:
            lengths, form = dialled
            national = number[size:]
            if len(national) not in lengths:
                return False
            return form.fullmatch(national) is not None or any(one in text[1:] for one in " .-()/")
    return False


@lru_cache(maxsize=256)
def plan(calling_code: int) -> tuple[frozenset[int], re.Pattern[str]] | None:
    """The lengths and the form of a calling code's national numbers; None if the code is not in use."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE.get(calling_code)
    if regions is None:
        return None
    if regions[0] == "001":
        found = [PhoneMetadata.metadata_for_nongeo_region(calling_code)]
    else:
        found = [PhoneMetadata.metadata_for_region(region) for region in regions]
    lengths: set[int] = set()
    forms = []
    for metadata in found:
        general = metadata.general_desc if metadata is not None else None
        if general is not None:
            lengths.update(general.possible_length or ())
            forms.append(f"(?:{general.national_number_pattern})")
    return frozenset(lengths), re.compile("|".join(forms) or r"(?!)")


def nanp_phone(text: str) -> bool:
    """A North American number: area and exchange start with 2 to 9 and are no service code."""
    number = digits(text)
    if len(number) == 11 and number[0] == "1":
        number = number[1:]
    return len(number) == 10 and number[0] > "1" and number[3] > "1" and number[1:3] != "11"


def national_phone(text: str) -> bool:
    """A number as people write it at home: 7 to 15 digits that are no run of one digit."""
    number = digits(text)
    return 7 <= len(number) <= 15 and len(set(number)) > 2


def phone_in_context(text: str) -> bool:
    """What follows a word such as `phone`: a plausible length, and neither a date nor a run of one digit."""
    number = digits(text)
    if not 7 <= len(number) <= 15 or len(set(number)) < 3:
        return False
    if DATE.fullmatch(text):
        return False
    if text.lstrip("(").startswith("+"):
        return international_phone(text)
    return True


DATE = re.compile(r"(?:19|20)\d\d([-./ ]?)[01]\d\1[0-3]\d|[0-3]?\d([-./])[0-3]?\d\2(?:19|20)\d\d")
