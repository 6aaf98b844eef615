"""What a server that did not start had to say: the demo's folder may be gone a moment later, log included."""

from __future__ import annotations

from pathlib import Path


def last_complaint(log: Path, since: int) -> str:
    """The last error and its hint of what was logged from byte `since` on, else the last line, if any."""
    written = log.read_bytes()[since:].decode("utf-8", "replace")
    lines = [line.strip() for line in written.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("error ")]
    if not errors:
        return lines[-1] if lines else ""
    said = lines[errors[-1] : errors[-1] + 2]
    return " · ".join(said if said[-1].startswith("hint:") else said[:1])
