"""The player of pages itself: it finds every step, and it fails when a page does not do what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.documentation import Command, Lines, add_to_configuration, read_page
from fixtures.playing import Play, Story
from fixtures.terminal import Terminal

PAGE = """\
Text with `$ not a command`.

```console
$ export FRUIT=apple   # kept for later
$ printf '%s\\n' \\
    "an $FRUIT" \\
    PLACE |
    cat
an apple
here
$ psql "host=x"
shop=> SELECT 1;
shop=> DROP TABLE y;
```

1. In a list:

   ```toml
   [table]
   key = 1
   ```

```python
$ nor this
```
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    session = Terminal(tmp_path, [])
    yield session
    session.close()


def play(terminal: Terminal, text: str, **story: object) -> Play:
    one = Play(Story(**story), terminal, terminal.directory)  # type: ignore[arg-type]
    one.run(read_page(f"```console\n{text}\n```\n"))
    return one


def test_every_step_is_found_with_its_line() -> None:
    assert read_page(PAGE) == [
        Command("export FRUIT=apple   # kept for later", 4),
        Command("""printf '%s\\n' "an $FRUIT" PLACE | cat""", 5, (), ("an apple", "here")),
        Command('psql "host=x"', 11, ("SELECT 1;", "DROP TABLE y;")),
        Lines("[table]\nkey = 1\n", 19),
    ]


def test_a_block_that_begins_with_no_command_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2 belongs to no command"):
        read_page("```console\nglasshatch events\n```\n")


def test_what_is_exported_stays_and_output_is_compared(terminal: Terminal) -> None:
    shell = PAGE[: PAGE.index("$ psql")].split("```console\n")[1]
    done = play(terminal, shell.rstrip(), words={"PLACE": "here"}, sees=("an apple",))
    assert done.output == "an apple\nhere\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("$ true\n$ false", "line 3: false\nexit 1"),
        ("$ no-such-command-anywhere", "exit 127"),
        ("$ echo one\ntwo", "the page shows 'two'"),
        ("$ echo size 12345 of abc+def\nsize 4711 of abc+…", None),
        ("$ touch /var/lib/glasshatch-story", "no other word for"),
        ("$ cat\nshop=> ERROR:  made up", None),
        ("$ echo 'error (config) so'; false\nerror (config) so", None),
        ("$ echo 'error (config) so'\nerror (config) so", "exit 0"),
        ("$ cat >&2\nshop=> ERROR:  made up", "ERROR:  made up"),
    ],
)
def test_a_step_that_is_not_so_fails(terminal: Terminal, text: str, complaint: str | None) -> None:
    if complaint is None:
        play(terminal, text)
        return
    with pytest.raises(AssertionError, match=complaint):
        play(terminal, text)


def test_what_is_promised_to_be_seen_must_be_seen(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match="has no \\['pear'\\]"):
        play(terminal, "$ echo apple", sees=("pear",))


def test_a_command_that_is_not_run_must_be_on_the_page(terminal: Terminal) -> None:
    assert play(terminal, "$ make demo   # big", not_run={"make demo": "elsewhere"}).output == ""
    with pytest.raises(AssertionError, match="commands no more"):
        play(terminal, "$ true", not_run={"make demo": "elsewhere"})


def test_a_command_that_hangs_is_ended(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match="did not end within"):
        terminal.type("sleep 60", timeout_s=0.5)


def test_lines_of_a_configuration_replace_and_append() -> None:
    config = 'version = 1\n\n[keys]\nmaster = "file:old"  # why\n\n# [detect]\n# x = 1\n'
    new = add_to_configuration(config, '[keys]\nmaster = "file:new"\n\n[[a.b]]\nc = 1\n')
    assert new == ('version = 1\n\n[keys]\nmaster = "file:new"\n\n# [detect]\n# x = 1\n\n[[a.b]]\nc = 1\n')
