"""Who is judged: our engine, and Presidio without NER, on the same texts."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from .scoring import Found

Scan = Callable[[Sequence[str]], list[list[Found]]]
# What Presidio ships for the labelled countries but does not load unless asked.
_MORE = """AuMedicare AuTfn CaSin DeFuehrerschein DePassport DeTaxId EsNie EsNif EsPassport InAadhaar
InPan InPassport ItDriverLicense ItFiscalCode ItPassport SePersonnummer
UkDrivingLicence UkNino UkPassport""".split()


def ours(packs: Sequence[str]) -> Scan:
    """The engine as `glasshatch redact --findings` uses it; all shipped packs unless some are named."""
    from glasshatch.masking import Engine, shipped_packs

    engine = Engine.load(packs or shipped_packs())

    def scan(texts: Sequence[str]) -> list[list[Found]]:
        found: list[list[Found]] = []
        # Small batches, so that one text that cannot be scanned is one text lost, as in the filter.
        for first in range(0, len(texts), 64):
            batch = engine.scan(texts[first : first + 64])
            found += [[Found(one.start, one.end, one.type) for one in ones] for ones in batch]
        return found

    return scan


def presidio_missing() -> str:
    """Why Presidio cannot be asked; empty when it can."""
    if importlib.util.find_spec("presidio_analyzer") and importlib.util.find_spec("spacy"):
        return ""
    return "presidio-analyzer is not installed: bash requirements/install.sh bench"


def presidio(*, more: bool) -> Scan:
    """Presidio with a blank language model: patterns, checksums and context words, no NER.

    Args:
        more: Also load its recognizers of the labelled countries, which it ships switched off.
    """
    analyzer = _analyzer(more)

    def scan(texts: Sequence[str]) -> list[list[Found]]:
        found = []
        for text in texts:
            results = analyzer.analyze(text=text, language="en")
            found.append(_without_overlaps(results))
        return found

    return scan


def _analyzer(more: bool) -> Any:
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # It looks for the newest list of domains in the network, finds none, and says so at length.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers()
    registry.remove_recognizer("SpacyRecognizer")
    for name in _MORE if more else ():
        maker = getattr(predefined_recognizers, f"{name}Recognizer", None)
        if maker is not None:
            registry.add_recognizer(maker(supported_language="en"))

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            return None

    return AnalyzerEngine(nlp_engine=Blank(), registry=registry, supported_languages=["en"])


def _without_overlaps(results: Sequence[Any]) -> list[Found]:
    """The best of overlapping results, as its anonymizer resolves them: by score, then by length."""
    kept: list[Any] = []
    for one in sorted(results, key=lambda one: (-one.score, one.start - one.end)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return [Found(one.start, one.end, one.entity_type) for one in sorted(kept, key=lambda one: one.start)]


def timed(scan: Scan, texts: Sequence[str]) -> tuple[list[list[Found]], float]:
    """The findings, and the seconds they took."""
    began = time.perf_counter()
    found = scan(texts)
    return found, time.perf_counter() - began
