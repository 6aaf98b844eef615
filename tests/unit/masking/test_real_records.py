"""What a real API server logged of Secrets, come in by another door than the Kubernetes source."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from glasshatch.events import Event, Source, foreign
from glasshatch.masking import Redactor

AUDIT = Path(__file__).parents[2] / "assets" / "kubernetes-audit.jsonl.gz"
VALUES = ("S3cr3t-shared", "UzNjcjN0LXNoYXJlZC", "fake-docker-pw", "ZmFrZS1kb2NrZXIt")
"""Of the Secrets that were made, plain and in base64."""


def test_no_value_of_a_secret_is_kept(redactor: Redactor) -> None:
    logged = gzip.decompress(AUDIT.read_bytes()).decode().splitlines()
    lines = [line for line in logged if any(value in line for value in VALUES)]
    assert lines
    events = [
        Event(id="1", time="1", action="x.y", source=Source(kind="json"), native=foreign(json.loads(line)))
        for line in lines
    ]
    kept = [json.dumps(event.native) for event in redactor.events(events, "json/x")]
    assert [value for value in VALUES for text in kept if value in text] == []
