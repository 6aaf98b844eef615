"""Building and testing a project in the folder one is in: known tools, doing what they are for.

What they run is the project's own code, which whoever types this may run anyway; it is told apart from a
script by its purpose: `make test` builds and checks, `make deploy` acts on something else and is unknown.
What is named on the command line, and not in the project's own lists, is somebody else's code.
"""

from __future__ import annotations

import re

from ...words import words
from .. import paths
from ..call import Call, Handler, operands
from ..expand import UNKNOWN, Argument

_GOALS = words(
    """
    all test tests check checks lint build compile fmt format typecheck types doc docs coverage cov help ci
    verify vet bench package dist assets clean tidy unit integration e2e assemble validate style static
    testdox spec specs typing mypy ruff eslint prettier jest vitest html pdf site
"""
)
_QUALIFIERS = words(
    """
    fix watch fast quick dev debug js css py ts go api web app ui server client frontend backend code image
    only type report html all staged changed snapshot once run local headless ssr esm cjs
"""
)
_SETS = re.compile(r"([A-Z][A-Z0-9_]*)\??=[\w.,/@:+-]*")
_STEERING = words("SHELL MAKE MAKEFLAGS CC CXX LD AR PATH LD_PRELOAD CFLAGS LDFLAGS GOFLAGS")


def is_goal(name: str) -> bool:
    """Whether a target's or script's name says that it builds or checks: `test`, `test:unit`, `lint-fix`."""
    parts = [part for part in re.split(r"[:_/.\-]", name.lower()) if part]
    return (
        bool(parts)
        and any(part in _GOALS for part in parts[:2])
        and all(part in _GOALS or part in _QUALIFIERS for part in parts)
    )


def _goals(call: Call, names: list[str]) -> None:
    """Known targets run; any other could do anything."""
    if all(is_goal(name) for name in names):
        call.note("run")
    else:
        call.unknown("unknown_code")


_MAKE_VALUED = frozenset("-C --directory -j --jobs -l -o -W -I --include-dir".split())


def _make(call: Call) -> None:
    places = [place.text for place in operands(call.args, _MAKE_VALUED)]
    if call.args and call.texts[-1] in ("-j", "--jobs"):
        places = [place.text for place in operands(call.args[:-1], _MAKE_VALUED)]
    names = [name for name in places if "=" not in name and not name.isdigit()]
    given = [_SETS.fullmatch(name) for name in places if "=" in name]
    if call.has("-f", "--file", "--makefile", "--eval", "-E") or any(
        found is None or found[1] in _STEERING for found in given
    ):
        call.unknown("unknown_code")
    _goals(call, names)


def _tool(call: Call) -> None:
    call.note("run")


_NODE_VALUED = frozenset("--prefix -C --filter -F -w --workspace --cwd --loglevel".split())
_NODE_STEERS = (
    "--script-shell",
    "--registry",
    "--global",
    "-g",
    "--location",
    "--node-options",
    "--userconfig",
)
_NODE_INSTALLS = words("install i ci clean-install")


def node_manager(call: Call, otherwise: Handler) -> None:
    """npm, yarn and pnpm: scripts by their names; what the project's own lists name is installed."""
    places = [place.text for place in operands(_before_dashes(call), _NODE_VALUED)]
    action = places[0] if places else ("install" if call.name == "yarn" else "")
    if any(text.split("=")[0] in _NODE_STEERS for text in call.options()):
        otherwise(call)
        if action in ("run", "run-script", "test", "t"):
            call.unknown("unknown_code")
    elif action in ("run", "run-script") and len(places) == 1:
        call.note("read")
    elif action in ("run", "run-script"):
        _goals(call, places[1:2])
    elif action in ("test", "t", "tst"):
        call.note("run")
    elif action in _NODE_INSTALLS and len(places) <= 1:
        call.note("run create")
    elif call.name in ("yarn", "pnpm", "bun") and is_goal(action):
        call.note("run")
    elif call.name in ("yarn", "pnpm") and action == "exec" and len(places) > 1:
        _node_tool(call, places[1])
    else:
        otherwise(call)


def _before_dashes(call: Call) -> list[Argument]:
    texts = call.texts
    return call.args[: texts.index("--")] if "--" in texts else call.args


_NODE_TOOLS = words(
    "tsc eslint prettier jest vitest mocha stylelint playwright cypress ava tap c8 nyc vue-tsc biome depcheck"
)


def _npx(call: Call) -> None:
    """A package by its name, from wherever it comes, unless it is a tool that projects have."""
    places = call.operands(("-w", "--workspace"))
    if call.has("-p", "--package", "-c", "--call") or not places:
        call.unknown("untrusted_code")
    else:
        _node_tool(call, places[0].text)


def _node_tool(call: Call, name: str) -> None:
    if name in _NODE_TOOLS:
        call.note("run")
    else:
        call.unknown("untrusted_code")


_PIP_VALUED = frozenset("-r --requirement -c --constraint -e --editable -t --target --root --prefix".split())
_PIP_SOURCES = re.compile(r"^-[ift]|^--(?:\w+-)*(?:index|links|host|target|root|prefix)\b")


def installs_own(call: Call) -> bool:
    """Whether `pip install` takes what the project's own files name, and from nowhere else."""
    named = [place.text for place in operands(call.args, _PIP_VALUED)][1:]
    lists = [value.text for value in call.values("-r", "--requirement", "-c", "--constraint")]
    edited = [value.text for value in call.values("-e", "--editable")]
    if any(_PIP_SOURCES.match(text) for text in call.options()):
        return False
    places = [*named, *edited]
    return bool(lists or places) and all(map(_is_here, lists)) and all(map(_is_folder_here, places))


def _is_here(path: str) -> bool:
    return (
        not path.startswith(("/", "~", "http:", "https:", "-")) and "://" not in path and UNKNOWN not in path
    )


def _is_folder_here(place: str) -> bool:
    """`.`, `.[dev]`, `./package`: a folder of the project."""
    return re.fullmatch(r"\.(?:/[\w./-]+)?(?:\[[\w,-]+\])?", place) is not None and ".." not in place


def module(call: Call, name: str, rest: list[Argument]) -> bool:
    """`python -m NAME`: whether it is a tool of building and testing; if so, it is noted."""
    if name in (
        "pytest",
        "unittest",
        "tox",
        "nox",
        "doctest",
        "coverage",
        "mypy",
        "ruff",
        "black",
        "isort",
        "flake8",
        "pylint",
        "compileall",
        "py_compile",
        "build",
        "pyright",
        "bandit",
        "timeit",
    ):
        call.note("run")
    elif name in ("venv", "virtualenv"):
        for place in operands(rest, frozenset(("--prompt",))):
            if paths.is_system(place.text) or place.text == UNKNOWN:
                call.note("update", "server_file")
        call.note("create")
    elif name in ("pip", "pip3"):
        call.run([Argument("pip"), *rest])
    else:
        return False
    return True


_GO_MODULES = words("tidy download verify graph why vendor")


def go(call: Call, otherwise: Handler) -> None:
    """go: what it builds and tests is of the project; `go run` and `go get` are something else."""
    action, rest = call.first(), [place.text for place in operands(call.args[1:], frozenset(("-o", "-run")))]
    if any(
        text.split("=")[0].lstrip("-") in ("exec", "toolexec", "vettool", "overlay")
        for text in call.options()
    ):
        call.unknown("unknown_code")
    elif action in ("build", "test", "vet", "fmt") or (
        action == "mod" and rest[:1] and rest[0] in _GO_MODULES
    ):
        call.note("run" if all("@" not in place for place in rest) else "unknown", "")
    elif action == "clean":
        call.note("delete")
    else:
        otherwise(call)


def cargo(call: Call, otherwise: Handler) -> None:
    places = [
        place.text for place in operands(call.args, frozenset(("-p", "--package", "--features", "--bin")))
    ]
    places = [place for place in places if not place.startswith("+")]
    action = places[0] if places else "help"
    if call.has("--config") or call.has("--manifest-path"):
        call.unknown("unknown_code")
    elif action in (
        "build",
        "b",
        "test",
        "t",
        "check",
        "c",
        "clippy",
        "bench",
        "fmt",
        "doc",
        "fetch",
        "nextest",
    ):
        call.note("run")
    elif action == "clean":
        call.note("delete")
    else:
        otherwise(call)


_JVM_VALUED = frozenset("-pl -P -T -p --projects --tests -f --file -s --settings -x --project-dir".split())
_JVM_SAFE = re.compile(
    r"-D(?:skip\w*|maven\.test\.\w+|test|it\.test|spring\.profiles\.active)(?:=[\w.*,#$-]*)?"
)
_JVM_STEERS = ("-f", "--file", "-s", "--settings", "-I", "--init-script", "-b", "--build-file", "-c")


def _jvm(call: Call) -> None:
    """mvn and gradle: phases and tasks, `:app:test` too."""
    if any(text in _JVM_STEERS for text in call.options()) or any(
        text.startswith(("-D", "-P")) and "=" in text and not _JVM_SAFE.fullmatch(text)
        for text in call.options()
    ):
        call.unknown("unknown_code")
    names = [place.text.rpartition(":")[2] for place in operands(call.args, _JVM_VALUED)]
    plugins = [
        place.text for place in operands(call.args, _JVM_VALUED) if re.search(r"[\w.-]+:[\w.-]+", place.text)
    ]
    if any(not plugin.startswith(":") and plugin.partition(":")[0] != "dependency" for plugin in plugins):
        call.unknown("unknown_code")
    _goals(
        call, [re.sub(r"(?<=[a-z])[A-Z]\w*$", "", name) for name in names if name not in ("tasks", "tree")]
    )


def _cmake(call: Call) -> None:
    if call.has("-P", "-E", "--install") or call.has("-C"):
        call.unknown("unknown_code")
    else:
        call.note("run")


def _bundle(call: Call) -> None:
    """bundle exec TOOL, bundle install; poetry, pipenv and uv alike."""
    action = call.first()
    rest = call.args[1:]
    named = operands(rest, frozenset(("--with", "--without", "--group", "--extra", "-E", "--path", "--jobs")))
    if action in ("exec", "run") and rest:
        call.run(rest[1:] if rest[0].text == "--" else rest)
    elif action in ("install", "sync", "lock") and not named:
        call.note("run create")
    elif action in (
        "show",
        "check",
        "list",
        "info",
        "env",
        "tree",
        "version",
        "outdated",
        "graph",
        "--version",
    ):
        call.note("read")
    else:
        call.unknown("untrusted_code")


def _dotnet(call: Call) -> None:
    action = call.first()
    if action in ("build", "test", "restore", "format", "clean", "--info", "--version", "--list-sdks"):
        call.note("run")
    else:
        call.unknown("unknown_code")


def _phases(call: Call) -> None:
    _goals(call, [place.text for place in call.operands()] or ["help"])


def _source(call: Call) -> None:
    """A script that changes the shell itself; that of a project's own environment only sets its path."""
    if (
        re.fullmatch(r"(?:\./)?(?:[\w.-]+/)*\.?v?env[\w.-]*/bin/activate", call.first())
        and ".." not in call.first()
    ):
        call.note("set")
    else:
        call.unknown("unknown_code")


def _ansible(call: Call) -> None:
    """Whether it only looks: a list, a check of the syntax, a ping."""
    looks = call.has("--syntax-check", "--list-hosts", "--list-tasks", "--list-tags")
    pings = call.name == "ansible" and [value.text for value in call.values("-m")] in (["ping"], ["setup"])
    if (looks or pings) and not call.has("-e", "--extra-vars"):
        call.note("read")
    else:
        call.unknown("unknown_code")


_TOOLS = words(
    """
    pytest py.test tox nox mypy ruff black isort flake8 pylint pyright bandit shellcheck hadolint yamllint
    golangci-lint staticcheck gofmt goimports rustfmt rubocop phpstan phpunit rspec eslint prettier tsc jest
    vitest stylelint markdownlint ctest kubeconform kubeval kube-linter tflint checkov trivy actionlint
    pre-commit
    sqlfluff swiftlint ktlint detekt clang-format clang-tidy cppcheck
"""
)
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_TOOLS, _tool),
    **dict.fromkeys(("make", "gmake", "ninja", "just", "task"), _make),
    **dict.fromkeys(("mvn", "gradle", "mvnw", "gradlew"), _jvm),
    **dict.fromkeys(("bundle", "poetry", "pipenv", "rye", "pdm"), _bundle),
    **dict.fromkeys(("mix", "rake", "sbt", "swift"), _phases),
    **dict.fromkeys(("ansible", "ansible-playbook"), _ansible),
    **dict.fromkeys(("source", "."), _source),
    **dict.fromkeys(("npx", "bunx"), _npx),
    "cmake": _cmake,
    "dotnet": _dotnet,
    "composer": _bundle,
}
