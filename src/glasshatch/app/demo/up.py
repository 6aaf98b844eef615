"""`glasshatch demo`: the stage comes up, the day is played, and everything stays up to be tried."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

from .check import DAY, play
from .stage import RESOURCE, Say, Stage


def run_demo(root: Path, say: Say) -> None:
    """Start everything, play the day, print what to try, and stay until interrupted.

    Raises:
        Unavailable: Something did not come up, or the server ended by itself.
    """
    # A `kill` ends the demo like Ctrl-C does: everything that was started is stopped. SIGINT is set
    # too, because a script's background job inherits it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    stage = Stage(root, say)
    try:
        stage.start()
        result: dict[str, Any] = {}
        play(DAY, stage, say, result, {})
        say(what_to_try(stage))
        while stage.server_running and stage.database.running:
            time.sleep(0.5)
        say(f"[red]a process of the demo ended by itself[/]; see {stage.root}/server.log and postgres/log")
    except KeyboardInterrupt:
        say("stopping …")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave a process behind
        stage.stop()


def what_to_try(stage: Stage) -> str:
    """The lines a newcomer can paste."""
    program, tokens = stage.psql_program(), stage.tokens
    psql = (
        f"PGPASSWORD=$(cat {tokens}/alice.token) {program} "
        f'"host=127.0.0.1 port={stage.gateway_port} dbname={RESOURCE} user=alice"'
    )
    env = f"GLASSHATCH_DATA={stage.home.directory} GLASSHATCH_TOKEN_FILE={tokens}"
    return f"""
[bold]Glasshatch is up.[/] In another terminal, come in as alice:
  [cyan]{psql}[/]
and try
  SELECT id, first_name, email, phone FROM customers LIMIT 5;
  SELECT card_number, amount_cents FROM payments LIMIT 5;
  DROP TABLE payments;

The record, read by carol, the auditor (every read is recorded too):
  [cyan]export PATH={Path(sys.executable).parent}:$PATH {env}/carol.token[/]
  glasshatch events --since 15m
  glasshatch sessions
  glasshatch prove EVENT -o event.proof      # an id out of `glasshatch events --format jsonl`
  glasshatch verify {stage.home.directory}

Or with a browser, signing in with the token in {tokens}/carol.token (or bob's, who approves):
  [cyan]{stage.page}[/]

Search, follow, and see what belongs together:
  glasshatch search 'actor:alice action:statement.* -outcome:success'
  glasshatch tail                            # until Ctrl-C
  glasshatch timeline actor:alice
  glasshatch alerts ls

Ask for more as alice, approve as bob:
  GLASSHATCH_TOKEN_FILE={tokens}/alice.token glasshatch request postgres/{RESOURCE} --verb update --for 10m \
--reason "fix a note"
  GLASSHATCH_TOKEN_FILE={tokens}/bob.token glasshatch requests
  GLASSHATCH_TOKEN_FILE={tokens}/bob.token glasshatch approve REQUEST

[bold]Ctrl-C[/] here stops everything; the data stays until `make demo-reset`.
"""
