"""The house keeps its shape: one-way doors, small files, no back ways into a room."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "glasshatch"
MODULES = sorted(SOURCE.rglob("*.py"))

# Parts of a room that are an offer of their own, because what stands beside them is heavier than the
# caller may be: the client part of the product installs without the server's dependencies.
OPEN_PARTS = {
    "api.answers": "how errors travel; the link between the processes speaks of them too",
    "api.sockets": "Unix sockets and loopback; standard library only",
    "api.ports": "what a desk promises; types only",
    "api.gist": "an event in a line, for the command line and the page alike",
    "api.page": "templates and their engine; the server alone loads it",
    "index.columns": "pure: what is indexed, which the query language is written against",
    "api.client": "what commands talk with; needs no web framework",
    "api.retention": "what client and server exchange about pruning",
    "api.server": "the web framework; the server alone loads it",
    "api.witness_server": "a witness over HTTP, beside the API and without it",
    "api.values": "what client and server exchange",
    "api.key_values": "the same about keys",
    "api.vault_values": "the same about sealed values",
    "api.policy_values": "the same about policies",
    "api.change_values": "the same about statements under review",
    "api.reveal_values": "the same about masked values in clear",
    "api.reach_values": "the same about reaching a resource",
    "api.directory_values": "the same about a directory's people",
    "api.signin_values": "the same about signing in",
    "identity.certificates": "client certificates; whoever only has tokens does not load them",
    "identity.openid": "an identity provider's side; whoever only has tokens does not load it",
    "api.access_values": "the same about who may do and see what",
    "api.breakglass_values": "the same about break-glass",
    "api.alias_values": "the same about aliases of actors",
    "api.graph_values": "the same about sessions that belong together",
    "api.incident_values": "the same about incidents",
    "api.exposure_values": "the same about who saw whom",
    "api.feed_values": "the same about feeds",
    "api.search_values": "the same about searching",
    "api.play_values": "the same about sessions and playing them",
    "api.export_values": "the same about exports",
    "policy.access": "who may read and do what, beside the policies of statements; pure",
    "detect.sigma": "pure but for its cache: rules over records, which need no server and no detector",
    "masking.triggers": "what was compiled once is kept; Sigma's rules are kept the same way",
    "gateway.core": "pure: what a connector is written against",
    "gateway.connectors": "pure: one folder for each protocol",
    "gateway.errands": "blocking: what the gateway does at a resource on its own account",
    "gateway.runtime": "the only asyncio; wired by app alone",
    "ledger.anchors": "plug-ins: one module for each kind of place",
    "ledger.evidence": "pure: evidence bundles, made by a server and checked by anybody",
    "ledger.log": "pure: what the verifier needs",
    "ledger.monitor": "what a watcher outside runs",
    "ledger.witness": "what a second server runs, and its client",
    "ledger.verify": "the offline verifier loads nothing else",
    "investigate.query": "pure: the query language",
    "sources.otlp": "pure: what exporters of OpenTelemetry are answered, over HTTP as over gRPC",
    "sdk.connection": "how a client reaches a server; standard library only",
    "policy.grants": "requests and grants as values, without the policy engine",
}
# `app` is the wiring and offers nothing: each command loads the part that it starts.
WIRING = "app"


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def imports_of(path: Path) -> Iterator[str]:
    """Absolute dotted names below `glasshatch` that a module imports from."""
    package = ("glasshatch", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join((*base, *(node.module or "").split("."))).rstrip(".")
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_rooms_have_one_way_doors() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_nobody_enters_a_room_by_the_window() -> None:
    entered = [
        f"{name_of(path)}: {name}" for path in MODULES for name in imports_of(path) if not open_to(path, name)
    ]
    assert not entered, "import these names from the room's __init__ instead"


def open_to(path: Path, name: str) -> bool:
    """Whether a module may import from this dotted name."""
    product, *parts = name.split(".")
    own_room = path.relative_to(SOURCE).parts[0]
    if product != "glasshatch" or len(parts) < 2 or parts[0] in (own_room, WIRING):
        return True
    return ".".join(parts[:2]) in OPEN_PARTS and (len(parts) == 2 or parts[1] == "connectors")


def test_a_module_is_short() -> None:
    assert not [name_of(path) for path in MODULES if path.read_text().count("\n") > 400], "over 400 lines"


def test_a_module_says_what_it_promises() -> None:
    trees = {path: ast.parse(path.read_text()) for path in MODULES}
    assert not [name_of(path) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)]


def test_a_function_fits_on_a_screen() -> None:
    long = []
    for path in MODULES:
        if "migrations" in path.parts:
            continue  # a table is as long as it is
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 60:
                    long.append(f"{name_of(path)}: {node.name}: {lines} lines")
    assert not long


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert not [name_of(path) for path in MODULES if marks.search(path.read_text())]


def test_no_room_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
    assert not [name_of(path) for path in MODULES if drawers & {path.stem, *path.relative_to(SOURCE).parts}]


def test_every_folder_of_the_source_is_a_package() -> None:
    # Alembic reads its migrations as files, never as modules.
    folders = {path.parent for path in MODULES if "migrations" not in path.parts}
    assert not [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()]
