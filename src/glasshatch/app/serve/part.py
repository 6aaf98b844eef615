"""One process of a server, as the supervisor starts it: `serve --config FILE --part PART [--workers N]`.

These words are read by hand. A person never types them, and what reads a person's takes longer to load than
some of the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import ConfigError
from .supervisor import Part


def run_part(options: Sequence[str]) -> None:
    """Run the part that these options name, until SIGTERM.

    Args:
        options: What the supervisor gave, in pairs of a name and its value.

    Raises:
        ConfigError: They are not the supervisor's; and what the part itself raises.
    """
    try:
        said = dict(zip(options[::2], options[1::2], strict=True))
        config, part = Path(said["--config"]), Part(said["--part"])
        workers, number = int(said.get("--workers", "0")), int(said.get("--number", "0"))
    except (KeyError, ValueError):
        raise ConfigError(
            "these options are for the server's own use", key="--part", hint="glasshatch serve --config FILE"
        ) from None
    if part is Part.front:
        from .front import run_front

        run_front(config, workers)
    elif part is Part.worker:
        from .worker import run_worker

        run_worker(config, number, workers)
    else:
        from .back import run_back

        run_back(config)
