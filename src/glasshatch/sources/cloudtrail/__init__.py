"""AWS CloudTrail: who called which interface of an account, from the files that the trail delivers."""

from functools import partial

from ..forms import json_form
from ..parsed import SourceKind
from .parse import parse

SOURCE = SourceKind(
    "cloudtrail",
    "CloudTrail's records, from delivered files (an object with Records) or one a line",
    parse,
    opaque=True,
    one_content=True,
    one_instance=False,
    workforce=True,
    form=partial(json_form, member="Records"),
)
