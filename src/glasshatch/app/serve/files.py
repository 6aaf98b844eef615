"""Open files: every session needs two, and many systems give a process no more than 1,024 unless it asks."""

from __future__ import annotations

import resource

_SPARE_FILES = 200
_FILES_A_SESSION = 2


def allow_files(sessions: int) -> str:
    """Let this process open as many files as it may; says what is wrong if that is too few, or nothing.

    Args:
        sessions: How many sessions the gateway should take at once.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = sessions * _FILES_A_SESSION + _SPARE_FILES
    if most == resource.RLIM_INFINITY or wanted <= most:
        return ""
    room = (most - _SPARE_FILES) // _FILES_A_SESSION
    return (
        f"gateway.sessions is {sessions}, but this process may open {most} files, enough for {room} of them;"
        f" raise its limit to {wanted} (LimitNOFILE of systemd, ulimit -Hn of a shell)"
    )
