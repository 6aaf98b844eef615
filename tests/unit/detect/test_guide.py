"""What the guide shows works: its rule passes its test, its receiver takes what we send and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from glasshatch.detect import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    check_rules,
    load_rules,
    parse_rule,
    sign,
)

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "alerts.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_rule_of_the_guide_passes_its_test() -> None:
    (text,) = (block for block in blocks("toml") if block.startswith("id = "))
    (result,) = check_rules([parse_rule(text.encode(), "guide.toml")])
    assert result.passed
    assert result.reasons == ("helper ran 100 statements within 1m on unknown",)


def test_the_receiver_of_the_guide_tells_ours_from_others(monkeypatch: Any) -> None:
    names: dict[str, Any] = {}
    (program,) = blocks("python")
    exec(program, names)
    monkeypatch.setattr(names["time"], "time", lambda: 1_700_000_100.0)
    headers = {TIMESTAMP_HEADER: "1700000000", SIGNATURE_HEADER: sign(b"secret", "1700000000", b"{}")}
    assert names["is_genuine"](b"secret", headers, b"{}")
    assert not names["is_genuine"](b"other", headers, b"{}")
    assert not names["is_genuine"](b"secret", headers, b"{} ")
    monkeypatch.setattr(names["time"], "time", lambda: 1_700_000_400.0)
    assert not names["is_genuine"](b"secret", headers, b"{}")


def test_every_shipped_rule_stands_in_the_guide() -> None:
    for rule in load_rules():
        assert re.search(rf"\| `{rule.id}` \| .* \| {rule.file.severity} \|", GUIDE)
