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


@pytest.mark.parametrize(
    ("modules", "used"),
    [("glasshatch.sdk", set()), ("glasshatch.audit", set()),
     ("glasshatch.sdk.asgi, glasshatch.sdk.wsgi, glasshatch.sdk.logs, glasshatch.sdk.sql", {"logging"})],
)  # fmt: skip
def test_importing_it_loads_nothing_heavy(modules: str, used: set[str]) -> None:
    program = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(modules.split(", ")) <= loaded
    assert not (HEAVY - used) & {name.partition(".")[0] for name in loaded}
    assert not {f"glasshatch.{room}" for room in ROOMS} & loaded
