"""The process with the language model: texts in, one JSON array a line; where names stand, out.

It is apart from the server because a model takes the interpreter for whole milliseconds at a time, and
because it can then be ended when it does not answer. Texts come and go by pipes and touch no disk.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec

READY = b'"ready"\n'
TYPES = {"PERSON": "NAME", "LOCATION": "PLACE", "NRP": "GROUP", "ORGANIZATION": "ORGANISATION"}
"""What our tokens call what Presidio finds; others keep their name."""


def main(model: str, language: str, *entities: str) -> None:
    """Answer until standard input ends, which it does with the server."""
    logging.disable(logging.CRITICAL)  # they may repeat a text
    analyzer = _open(model, language, entities)
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        texts = msgspec.json.decode(line, type=list[str])
        out.write(msgspec.json.encode([_spans(analyzer, text, language, entities) for text in texts]) + b"\n")
        out.flush()


def _open(model: str, language: str, entities: tuple[str, ...]) -> Any:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    told = {"nlp_engine_name": "spacy", "models": [{"lang_code": language, "model_name": model}]}
    registry = RecognizerRegistry(supported_languages=[language])
    registry.add_recognizer(SpacyRecognizer(supported_language=language, supported_entities=list(entities)))
    return AnalyzerEngine(
        nlp_engine=NlpEngineProvider(nlp_configuration=told).create_engine(),
        registry=registry, supported_languages=[language],
    )  # fmt: skip


def _spans(
    analyzer: Any, text: str, language: str, entities: tuple[str, ...]
) -> list[tuple[int, int, str]] | None:
    try:
        found = analyzer.analyze(text=text, language=language, entities=list(entities))
    except Exception:
        # Whatever went wrong: nobody looked at this text, and the server writes that down.
        return None
    return [(one.start, one.end, TYPES.get(one.entity_type, one.entity_type)) for one in found]


if __name__ == "__main__":
    main(*sys.argv[1:])
