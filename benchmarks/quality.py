"""Quality of detection on labelled texts, beside Presidio without NER on the same input.

Two halves share no template, no seed and few forms: `--set dev` is for those who write detectors,
`--set held` judges them and prints totals only. A half that has been judged by is blind no more, so
`--set fresh` is a later and wider set, written without a look at the detectors; it too prints totals
only. `--set strange` is the last of three that were written blind one after the other, and prints
totals too. Also: clean lines that look like data, real log lines where their folder is at hand, and the
templates of presidio-research. Prints one JSON object on its last line. Spans and types are exact in
`strict`; a value leaks when one character of it lies in no finding.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from quality_sets import presidio_research, reallines, subjects
from quality_sets.build import Builder, Half, Sample
from quality_sets.scoring import Miss, Score, alarms
from quality_sets.world.builder import WorldBuilder

REPOSITORY = Path(__file__).resolve().parent.parent
CLEAN_LINES = 2000
WORLD = ["abroad", "foreign", "distant", "afar", "yonder", "beyond"]
"""Blind sets with makers of their own, in the order they were written."""


def main() -> None:
    told = _options()
    judged: dict[str, subjects.Scan] = {
        "glasshatch": subjects.ours(told.packs.split(",") if told.packs else [])
    }
    missing = subjects.presidio_missing()
    if missing or told.alone:
        print(f"without Presidio: {missing or 'not asked for'}")
    else:
        judged["presidio"] = subjects.presidio(more=False)
        judged["presidio_all_countries"] = subjects.presidio(more=True)
    report: dict[str, Any] = {"seed": told.seed, "count": told.count}
    for name in ["dev", "held"] if told.set == "both" else [told.set]:
        report[name] = _half(name, told, judged)
    report["presidio_research"] = _research(told, judged)
    report["real_lines"] = _real(told, judged)
    print(json.dumps(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=["dev", "held", "both", "fresh", "strange", *WORLD], default="both")
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed draws other values into the same texts"
    )
    parser.add_argument("--count", type=int, default=1500, help="labelled texts in each set")
    parser.add_argument(
        "--misses", type=int, default=0, metavar="N", help="print N misses of each kind; dev only"
    )
    parser.add_argument(
        "--alone", action="store_true", help="without Presidio, in seconds instead of minutes"
    )
    parser.add_argument(
        "--packs", default="", help="packs by name, with commas; all shipped ones unless told"
    )
    parser.add_argument(
        "--real", type=Path, default=REPOSITORY.parent / "shared" / "data", help="real log lines"
    )
    told = parser.parse_args()
    if told.misses and told.set != "dev":
        parser.error("--misses goes with --set dev: whoever sees the misses of another set tunes on them")
    return told


def _half(name: str, told: argparse.Namespace, judged: dict[str, subjects.Scan]) -> dict[str, Any]:
    builder = WorldBuilder(name, told.seed) if name in WORLD else Builder(Half(name), told.seed)
    samples, clean = builder.labelled(told.count), builder.clean(CLEAN_LINES)
    result: dict[str, Any] = {}
    for who, scan in judged.items():
        score, seconds = _score(scan, samples)
        figures = score.figures() | {"seconds": round(seconds, 2)}
        figures["clean"], false = alarms(clean, scan(clean))
        if told.misses and who == "glasshatch":
            _print_misses(score.misses + false, told.misses)
        _print_line(f"{name} {who}", figures)
        if name != "dev":
            # Totals only: what was missed where would make this set another one to tune on.
            figures = {
                key: value for key, value in figures.items() if not key.endswith(("_kind", "_encoding"))
            }
            figures["clean"].pop("by_type")
        result[who] = figures
    return result


def _score(scan: subjects.Scan, samples: list[Sample]) -> tuple[Score, float]:
    found, seconds = subjects.timed(scan, [sample.text for sample in samples])
    score = Score()
    for sample, ones in zip(samples, found, strict=True):
        score.add(sample, ones)
    return score, seconds


def _research(told: argparse.Namespace, judged: dict[str, subjects.Scan]) -> dict[str, Any]:
    samples = presidio_research.samples(told.seed, told.count)
    if not samples:
        return {"skipped": "presidio-evaluator is not installed: bash requirements/install.sh bench"}
    result: dict[str, Any] = {"texts": len(samples)}
    for who, scan in judged.items():
        figures = _score(scan, samples)[0].figures()
        _print_line(f"presidio-research {who}", figures)
        result[who] = {key: figures[key] for key in ("values", "strict", "lenient", "leaked_values", "types")}
    return result


def _real(told: argparse.Namespace, judged: dict[str, subjects.Scan]) -> dict[str, Any]:
    if not told.real.is_dir():
        return {"skipped": "no folder of real lines; name one with --real"}
    lines = reallines.read(told.real)
    result = reallines.report(lines, judged["glasshatch"](lines))
    print(f"real lines: {result['ids_cards_phones_per_1000']} ids, cards or phones per 1,000 of {len(lines)}")
    return result


def _print_line(title: str, figures: dict[str, Any]) -> None:
    strict, clean = figures["strict"], figures.get("clean", {"per_1000": "-", "per_1000_of_any_type": "-"})
    print(
        f"{title:34} strict F1 {strict['f1']:.3f} (P {strict['precision']:.3f} R {strict['recall']:.3f})  "
        f"lenient {figures['lenient']['f1']:.3f}  leaked {figures['leaked_values']:.3f}  "
        f"encoded {figures['encoded_covered']:.3f}  "
        f"false alarms/1,000 {clean['per_1000']} ({clean['per_1000_of_any_type']} of any type)"
    )


def _print_misses(misses: list[Miss], most: int) -> None:
    shown: dict[str, int] = {}
    for miss in misses:
        about = (
            f"{miss.span.kind} {miss.span.encoding}" if miss.span else miss.found.kind if miss.found else ""
        )
        title = f"{miss.why}: {about}"
        shown[title] = shown.get(title, 0) + 1
        if shown[title] > most:
            continue
        at = miss.span or miss.found
        value = miss.text[at.start : at.end] if at else ""
        print(f"{title}\n    {value!r}\n    in {miss.text[:300]!r}")


if __name__ == "__main__":
    main()
