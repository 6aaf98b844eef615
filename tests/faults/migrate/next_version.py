"""The next version of Glasshatch, as far as a data directory can tell: its control store has one more column.

`next_version.py SCRATCH COMMAND…` runs one command of it. `next_version.py SCRATCH --kill` reads lines
`DIRECTORY SECONDS`, migrates each directory in a process of its own, kills that with -9 after so long, and
answers with a line: how long it ran, and the status it ended with.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from glasshatch.control import schema

NOW, NEXT = schema.REVISION, f"{int(schema.REVISION) + 1:04}"

SECOND = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{NOW}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("actors", sa.Column("shift", sa.Text))
    op.create_index("ix_actors_tenant_shift", "actors", ["tenant", "shift"])
"""


def become(scratch: Path) -> None:
    """From now on this process is the next version."""
    room = importlib.import_module("glasshatch.control.migrate")
    migrations = scratch / "migrations"
    if not migrations.exists():
        shutil.copytree(
            room._MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__", "ready.sql")
        )
        (migrations / "versions" / f"r{NEXT}_shift.py").write_text(SECOND)
    room._MIGRATIONS = migrations
    schema.REVISION = NEXT


def kill_on_request() -> None:
    import alembic.command  # noqa: F401  loaded before the clock starts, as everything else is

    from glasshatch.app.migrate import migrate_home

    for line in sys.stdin:
        directory, seconds = line.split()
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            migrate_home(Path(directory))
            os._exit(0)
        timer = threading.Timer(float(seconds), os.kill, (child, signal.SIGKILL))
        timer.start()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        timer.cancel()
        print(time.monotonic() - begun, status, flush=True)


if __name__ == "__main__":
    become(Path(sys.argv[1]))
    if sys.argv[2:] == ["--kill"]:
        kill_on_request()
    else:
        from glasshatch.cli import main

        sys.argv = ["glasshatch", *sys.argv[2:]]
        main()
