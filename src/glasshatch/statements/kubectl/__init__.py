"""kubectl command lines, with or without the `kubectl`, and requests as the API server gets them."""

from __future__ import annotations

import re

from ..findings import Findings
from ..model import Span, Statement
from ..registry import Language, statement_of
from ..shell import read_shell
from ..words import words
from .commands import ACTIONS
from .requests import read_request

_REQUEST = re.compile(r"\s*([A-Za-z]+)\s+((?:https?://[^\s/]+)?/\S*)(.*)", re.DOTALL)
_METHODS = words("GET HEAD OPTIONS POST PUT PATCH DELETE WATCH LIST CONNECT CREATE UPDATE DELETECOLLECTION")


class _Kubectl:
    """Reads a command line by the shell's rules, since that is what is typed; or one API request."""

    def read(self, text: str, depth: int) -> Statement:
        request = _REQUEST.fullmatch(text)
        if request is not None and request[1].upper() in _METHODS:
            return _read_request(text, request)
        first = text.split(maxsplit=1)[:1]
        if first and first[0] in ACTIONS:
            return read_shell("kubectl", text, depth, starts_with="kubectl")
        return read_shell("kubectl", text, depth)


def _read_request(text: str, request: re.Match[str]) -> Statement:
    findings = Findings()
    shape = read_request(request[1].upper(), request[2], request[3].strip(), findings)
    literals = [Span(request.start(2), request.end(2), "other")]
    if request[3].strip():
        literals.append(Span(request.start(3), request.end(3), "other"))
    return statement_of("kubectl", findings, shape, tuple(literals), 1)


LANGUAGE: Language = _Kubectl()
