"""Programs that run other programs: shells, wrappers, interpreters; what they run is read in turn."""

from __future__ import annotations

import itertools
import posixpath

from ...words import words
from .. import files, paths
from ..call import Call, Handler, command_after, unknown_argument
from ..expand import UNKNOWN, Argument, Fields
from . import builds


def _shell(call: Call) -> None:
    """`sh -c TEXT` is the text; a script, or what comes through a pipe, is not read."""
    if call.has("-n") and not call.has("-c"):
        call.note("read")
        return
    if call.has("--init-file", "--rcfile"):
        call.unknown("unknown_code")
    command = _dash_c(call.args)
    if command is not None:
        call.note("run")
        call.walker.inner("shell", command.text)
    elif call.operands(("-o", "+o", "-O", "+O")) and call.operands()[0].text != "-" and not call.has("-s"):
        call.unknown("unknown_code")
    elif call.feed is not None:
        call.walker.inner("shell", call.feed)
    else:
        call.unknown("untrusted_code" if call.piped else "unknown_code")


def _dash_c(args: Fields) -> Argument | None:
    """The text after the options, if one of them holds a `c`: `-c`, `-lc`, `-xec`."""
    wanted, at = False, 0
    while at < len(args):
        text = args[at].text
        if text in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file"):
            at += 2
            continue
        if text == "--" or not text.startswith(("-", "+")) or text == "-":
            break
        wanted = wanted or (not text.startswith("--") and "c" in text)
        at += 1
    rest = args[at:]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    return rest[0] if wanted and rest else None


def _interpreter(call: Call) -> None:
    """Code in another language; `-m json.tool` and the like are harmless modules."""
    module = call.value("-m")
    if (
        call.texts[:1] == ["-m"]
        and module is not None
        and module.text in ("json.tool", "calendar", "site", "platform")
    ):
        call.note("read")
    elif (
        call.texts[:1] == ["-m"]
        and call.name.startswith("python")
        and builds.module(call, call.args[1].text if call.args[1:] else "", call.args[2:])
    ):
        return
    elif call.texts[:2] == ["-m", "http.server"] or (
        module is not None and module.text == "SimpleHTTPServer"
    ):
        call.note("run", "network")
    elif call.piped and not call.operands() and call.feed is None:
        call.unknown("untrusted_code")
    else:
        call.unknown("unknown_code")


def _eval(call: Call) -> None:
    call.note("run")
    call.walker.inner("shell", " ".join(call.texts))


def _wrapper(valued: str, skip: int = 0, *, opens: bool = False) -> Handler:
    """A program whose operands are a command, after `skip` operands of its own.

    `opens` says that it opens a shell where there is no command.
    """

    def handle(call: Call) -> None:
        inner = command_after(call.args, valued, skip=skip)
        if inner:
            call.run(inner)
        elif opens:
            call.unknown("unknown_code")
        else:
            call.note("read")

    return handle


def _env(call: Call) -> None:
    """Alone it shows every variable; else it runs a command with some set."""
    split = call.value("-S", "--split-string")
    if split is not None:
        call.walker.inner("shell", split.text)
        return
    inner = command_after(call.args, "-u -C --unset --chdir")
    while inner and "=" in inner[0].text:
        if inner[0].text.startswith(("LD_", "PATH=", "BASH_ENV=", "PYTHON", "PERL5")):
            call.unknown("unknown_code")
        inner = inner[1:]
    if inner:
        call.run(inner)
    elif call.texts and call.has("-i", "--ignore-environment"):
        call.note("read")
    else:
        call.note("read", "credential_read")


def _printenv(call: Call) -> None:
    names = call.operands()
    call.note("read")
    if not names or any(_names_secret(name.text) for name in names):
        call.note("read", "credential_read")


def _names_secret(name: str) -> bool:
    from ..expand import _SECRET_NAME

    return UNKNOWN in name or _SECRET_NAME.search(name) is not None


def _sudo(call: Call) -> None:
    """Without a command it opens a shell as somebody else."""
    valued = "-u -g -h -p -C -R -D -T -U -r -t --user --group --host --prompt --chdir"
    if call.has("-l", "--list", "-v", "-k", "-K") and not command_after(call.args, valued):
        call.note("read")
        return
    if call.has("-e", "--edit"):
        call.note("update", "privilege_change")
        return
    inner = command_after(call.args, valued)
    while inner and "=" in inner[0].text and inner[0].text.split("=")[0].isidentifier():
        inner = inner[1:]
    if inner:
        call.run(inner)
    else:
        call.note("run", "privilege_change unknown_code")


def _su(call: Call) -> None:
    text = call.value("-c", "--command")
    call.note("run", "privilege_change")
    if text is not None:
        call.walker.inner("shell", text.text)
    else:
        call.unknown("unknown_code")


def _command(call: Call) -> None:
    if call.first() in ("-v", "-V"):
        call.note("read")
    else:
        _wrapper("")(call)


def _exec(call: Call) -> None:
    inner = command_after(call.args, "-a")
    if inner:
        call.run(inner)
    else:
        call.note("set")


def _watch(call: Call) -> None:
    """watch hands its words to `sh -c`."""
    inner = command_after(call.args, "-n -q --interval --equexit")
    call.walker.inner("shell", " ".join(arg.text for arg in inner))


def _xargs(call: Call) -> None:
    """What comes through the pipe are further words, of which nothing is known."""
    valued = "-n -P -I -L -d -a -E -s -J -R --max-args --max-procs --replace --delimiter --arg-file"
    inner = command_after(call.args, valued)
    if not inner:
        call.note("read")
        return
    mark = call.value("-I", "--replace")
    sign = mark.text if mark is not None else "{}" if call.has("-i") else None
    if sign is None:
        call.run([*inner, Argument(UNKNOWN)], piped=True)
    else:
        call.run([arg._replace(text=arg.text.replace(sign, UNKNOWN)) for arg in inner], piped=True)


def _find(call: Call) -> None:
    call.note("read")
    args = call.args
    stands_for = _found(call)
    for index, arg in enumerate(args):
        if arg.text in ("-exec", "-execdir", "-ok", "-okdir"):
            if any(
                paths.holds_credentials(Argument(f"x/{name.text}")) for name in call.values("-name", "-iname")
            ):
                call.note("read", "credential_read")
            _find_command(call, args[index + 1 :], stands_for)
        elif arg.text == "-delete":
            known = stands_for != UNKNOWN + "/"
            call.note("delete", "" if known else "destructive")
        elif arg.text in ("-fprint", "-fprint0", "-fprintf", "-fls"):
            target = args[index + 1] if index + 1 < len(args) else unknown_argument()
            files.written(call.findings, target)
        elif arg.text.startswith(UNKNOWN) and not arg.glob and index > 0 and args[index - 1].text[:1] != "-":
            call.note("read")


def _found(call: Call) -> str:
    """What `{}` stands for: something that every build makes anew, if only such names are looked for."""
    texts = call.texts
    names = [value.text for value in call.values("-name", "-iname")]
    starts = list(itertools.takewhile(lambda text: not text.startswith(("-", "(", "!")), texts)) or ["."]
    alternatives = sum(text in ("-o", "-or", ",") for text in texts)
    odd = any(text in ("!", "-not", "-path", "-regex", "-wholename", "-prune") for text in texts)
    made = [f"{start.rstrip('/')}/{name.replace('*', 'x')}" for start in starts for name in names]
    here = call.walker.here or all(start.startswith(("/", "~")) for start in starts)
    if names and here and not odd and alternatives < len(names) and all(map(paths.is_artefact, made)):
        return made[0]
    return UNKNOWN + "/"


def _find_command(call: Call, rest: Fields, stands_for: str) -> None:
    ends = [index for index, arg in enumerate(rest) if arg.text in (";", "+")]
    inner = rest[: ends[0]] if ends else rest
    call.run([arg._replace(text=arg.text.replace("{}", stands_for)) for arg in inner])


def _trap(call: Call) -> None:
    call.note("set")
    if call.args and call.first() not in ("-l", "-p", "-", ""):
        call.walker.inner("shell", call.first())


_ENDING = words("rm dd shred kill pkill killall chmod chown truncate mv wipefs rmdir unlink")


def _alias(call: Call) -> None:
    call.note("set")
    for text in call.texts:
        name, sign, value = text.partition("=")
        if sign:
            call.walker.inner("shell", value)
            if value.split()[:1] != [name] and posixpath.basename((value.split() or [""])[0]) in _ENDING:
                # Under a name that somebody types for something else.
                call.unknown("unknown_code")


def _ssh(call: Call) -> None:
    """`ssh host command` is the command; without one a shell opens, of which nothing is seen."""
    valued = "-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B"
    if call.has("-L", "-R", "-D", "-w", "-W"):
        call.note("run", "network")
    if any("command=" in option.text.lower() for option in call.values("-o")):
        call.unknown("unknown_code")
    if call.has("-V", "-G", "-Q"):
        call.note("read")
        return
    inner = command_after(call.args, valued, skip=1)
    inner = command_after(inner, valued)
    if inner:
        # What comes through a pipe leaves for the other machine.
        call.note("run", "network" if call.piped and call.feed is None else "")
        call.walker.inner("shell", " ".join(arg.text for arg in inner))
    elif call.feed is not None:
        call.walker.inner("shell", call.feed)
    else:
        call.unknown("unknown_code")


def _script(call: Call) -> None:
    text = call.value("-c", "--command")
    if text is not None:
        call.walker.inner("shell", text.text)
    else:
        call.unknown("unknown_code")


def _flock(call: Call) -> None:
    text = call.value("-c", "--command")
    if text is not None:
        call.walker.inner("shell", text.text)
    else:
        _wrapper("-w -E --timeout", skip=1)(call)


def _busybox(call: Call) -> None:
    if call.args:
        call.run(call.args)
    else:
        call.note("read")


def _enable(call: Call) -> None:
    """A builtin from a file is code."""
    call.note("set", "untrusted_code" if call.has("-f") else "")


_INTERPRETERS = words(
    """
    python python2 python3 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 pypy pypy3
    ipython perl perl5 ruby irb node nodejs deno bun php lua luajit ts-node tsx java
"""
)
_SHELLS = words("sh bash dash zsh ksh ash fish mksh rbash csh tcsh")
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_SHELLS, _shell),
    **dict.fromkeys(_INTERPRETERS, _interpreter),
    "enable": _enable,
    "eval": _eval,
    "env": _env,
    "printenv": _printenv,
    "sudo": _sudo,
    "doas": _sudo,
    "su": _su,
    "runuser": _su,
    "command": _command,
    "builtin": _wrapper(""),
    "exec": _exec,
    "nohup": _wrapper(""),
    "setsid": _wrapper(""),
    "time": _wrapper("-o -f --output --format"),
    "gtime": _wrapper("-o -f"),
    "timeout": _wrapper("-s -k --signal --kill-after", skip=1),
    "gtimeout": _wrapper("-s -k", skip=1),
    "nice": _wrapper("-n --adjustment"),
    "ionice": _wrapper("-c -n -p -P -u --class --classdata"),
    "chrt": _wrapper("-T -P -D", skip=1),
    "taskset": _wrapper("", skip=1),
    "numactl": _wrapper("-C -N -m -i -p"),
    "stdbuf": _wrapper("-i -o -e --input --output --error"),
    "unbuffer": _wrapper(""),
    "caffeinate": _wrapper("-t -w"),
    "chronic": _wrapper(""),
    "": _wrapper(""),
    "setarch": _wrapper("", skip=1),
    "setpriv": _wrapper("--reuid --regid"),
    "gosu": _wrapper("", skip=1, opens=True),
    "chroot": _wrapper("--userspec --groups", skip=1, opens=True),
    "unshare": _wrapper("--map-user --map-group -S -G", opens=True),
    "nsenter": _wrapper("-t -S -G --target", opens=True),
    "systemd-run": _wrapper("-u -p -M -H --unit --property --uid --gid --slice --description"),
    "systemd-cat": _wrapper("-t -p --identifier --priority"),
    "proxychains": _wrapper("-f"),
    "torsocks": _wrapper(""),
    "tsocks": _wrapper(""),
    "busybox": _busybox,
    "toybox": _busybox,
    "watch": _watch,
    "xargs": _xargs,
    "find": _find,
    "trap": _trap,
    "alias": _alias,
    "ssh": _ssh,
    "script": _script,
    "flock": _flock,
}
