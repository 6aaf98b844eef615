"""An application that records loads nothing of a server, and no framework that it does not use itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "argon2", "asyncio", "cedarpy", "chdb", "hyperscan", "jinja2", "litestar", "logging",
    "opentelemetry", "postgast", "pyarrow", "re2", "rich", "sqlalchemy", "starlette", "structlog", "typer",
    "uvicorn", "uvloop", "zstandard",
}  # fmt: skip
ROOMS = {
    "api",
    "app",
    "cli",
    "control",
    "detect",
    "gateway",
    "identity",
    "index",
    "ledger",
    "masking",
    "policy",
}


@pytest.mark.parametrize("module", ["glasshatch.sdk", "glasshatch.audit"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert not {f"glasshatch.{room}" for room in ROOMS} & loaded
