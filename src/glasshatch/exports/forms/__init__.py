"""The forms in which events leave, one module each."""

from ..parcel import Form
from . import cef, jsonl, ocsf, parquet

FORMS: dict[str, Form] = {form.name: form for form in (ocsf.FORM, cef.FORM, jsonl.FORM, parquet.FORM)}
"""By name, as the configuration and the command line call them."""
