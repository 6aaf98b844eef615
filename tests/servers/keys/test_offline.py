"""Keys of a directory that no server holds: several ledgers, and a master key behind a program."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import run
from fixtures.masters import wrapping_program
from glasshatch.api.key_values import RetireForm, RotateForm
from glasshatch.app import rotation
from glasshatch.app.backup import make_backup
from glasshatch.app.config import load_config
from glasshatch.app.inspect import verify_home
from glasshatch.app.local import open_local
from glasshatch.app.opening import open_keyring
from glasshatch.cli.connection import Bound
from glasshatch.errors import ConfigError, Conflict, Unavailable
from glasshatch.keys import Keyring, create_master_key_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("offline") / "home"
    done = run("init", str(home), "--token-out", str(home.parent / "admin.token"))
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(made, tmp_path / "home"))
    text = (copied / "glasshatch.toml").read_text()
    (copied / "glasshatch.toml").write_text(text.replace(str(made), str(copied)))
    return copied


def do(home: Path, name: str, *arguments: Any) -> Any:
    with open_local(home) as (desk, caller):
        return getattr(desk, name)(caller, *arguments)


def public_key(home: Path, ledger: str = "default") -> str:
    return (home / "ledgers" / ledger / "key.vkey").read_text().strip()


def test_each_ledger_has_keys_of_its_own_to_change(home: Path) -> None:
    with open_local(home) as (desk, _):
        desk._house.create_ledger("orders")
    before = {name: public_key(home, name) for name in ("default", "orders")}
    for kind in ("signing", "data"):
        do(home, "rotate_key", RotateForm(kind=kind, reason="a test", ledger="orders"))  # type: ignore[arg-type]
    assert public_key(home) == before["default"]
    assert public_key(home, "orders") != before["orders"]
    report = verify_home(home, list(before.values()))
    assert (report.ok, report.entries_compared, len(report.ledgers)) == (True, True, 2)
    exported = do(home, "export_keys", "orders").text
    assert exported.startswith(f"{before['orders']}\n{public_key(home, 'orders')}\n\n")
    with pytest.raises(ConfigError, match="no ledger"):
        do(home, "export_keys", "nowhere")


def test_only_so_many_keys_sign_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every one adds a line to every checkpoint, and a note with too many lines is refused by everybody."""
    monkeypatch.setattr(rotation, "_MOST_SIGNERS", 2)
    form = RotateForm(kind="signing", reason="a test")
    with open_local(home) as (desk, caller):
        desk.rotate_key(caller, form)
        with pytest.raises(Conflict, match="2 signing keys"):
            desk.rotate_key(caller, form)
        assert "pending" not in [key.state for key in desk.list_keys(caller)]
        desk.rotate_key(caller, RotateForm(kind="signing", reason="a test", now=True))
        desk.rotate_key(caller, form)
    assert verify_home(home, [public_key(home)]).ok


def test_what_failed_halfway_is_done_when_it_is_asked_for_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First nothing can be recorded, then the keyring cannot be written once the new key is in force."""
    first = public_key(home)

    def fail(*_: object, **__: object) -> None:
        raise Unavailable("the disk is full")

    with open_local(home) as (desk, caller):
        for kind in ("data", "signing", "token", "control"):
            form = RotateForm(kind=kind, reason="a test")  # type: ignore[arg-type]
            for place, name in ((desk._house, "note"), (rotation, "activate_key")):
                with monkeypatch.context() as broken:
                    broken.setattr(place, name, fail)
                    with pytest.raises(Unavailable):
                        desk.rotate_key(caller, form)
                desk.list_actors(caller)
            assert desk.rotate_key(caller, form).epoch == 2
        (old,) = [key for key in desk.list_keys(caller) if (key.kind, key.state) == ("signing", "kept")]
        retirement = RetireForm(key=old.id, reason="a test")
        with monkeypatch.context() as broken:
            broken.setattr(desk._house, "note", fail)
            with pytest.raises(Unavailable):
                desk.retire_key(caller, retirement)
        assert desk.retire_key(caller, retirement).state == "retired"
    assert (home / "ledgers/default/succession").read_bytes().count(b"glasshatch key") == 2
    report = verify_home(home, [first])
    assert (report.ok, report.entries_compared) == (True, True)


def test_a_directory_lives_under_a_program(home: Path, tmp_path: Path) -> None:
    program = wrapping_program(tmp_path, "a-program")
    command = ("keys", "rewrap", "--reason", "the key leaves the machine's memory", "--data", str(home))
    done = run(*command, "--to", program)
    assert (done.returncode, "now under a-program" in done.stderr) == (0, True), done.stderr
    assert load_config(home / "glasshatch.toml").config.keys.master == program
    (home / "keys/master.key").unlink()  # it is of no use any more
    do(home, "rotate_key", RotateForm(kind="data", reason="a test"))
    assert verify_home(home, [public_key(home)], program).entries_compared
    assert not verify_home(home, [public_key(home)]).entries_compared, (
        "nobody asked for the program to be run"
    )
    with pytest.raises(Conflict, match="already"):
        do(home, "rewrap_keys", program, "again")
    (tmp_path / "a-program.secret").unlink()
    with pytest.raises(Unavailable, match="ended with 1"), open_local(home):
        pass


def test_no_master_key_of_before_gets_into_a_backup(home: Path, tmp_path: Path) -> None:
    create_master_key_file(home / "keys/second.key")
    do(home, "rewrap_keys", f"file:{home}/keys/second.key", "a test")
    secrets = [(home / "keys" / name).read_bytes().strip() for name in ("master.key", "second.key")]
    with open_local(home) as (desk, caller):
        make_backup(home, tmp_path / "backup", Bound(desk, caller))
        make_backup(home, tmp_path / "with", Bound(desk, caller), master_key=True)
    assert holders(tmp_path / "backup", secrets) == []
    assert holders(tmp_path / "with", secrets) == ["second.key"]


def holders(backup: Path, secrets: list[bytes]) -> list[str]:
    """The files of a backup that hold one of the secrets."""
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert any(path.name == "default.json" for path in files)
    return [path.name for path in files if any(secret in path.read_bytes() for secret in secrets)]


def test_a_configuration_that_cannot_be_changed_says_what_to_write(home: Path, tmp_path: Path) -> None:
    create_master_key_file(tmp_path / "new.key")
    config = home / "glasshatch.toml"
    text = config.read_text().replace('master = "file:keys/master.key"', "master = 'file:keys/master.key'")
    assert "'file:keys/master.key'" in text
    config.write_text(text)
    done = run(
        "keys", "rewrap", "--to", f"file:{tmp_path}/new.key", "--reason", "a test", "--data", str(home)
    )
    assert done.returncode == 0
    assert f'set keys.master in the configuration to "file:{tmp_path}/new.key"' in done.stderr
    with pytest.raises(ConfigError) as refused, open_local(home):
        pass
    assert f"file:{tmp_path}/new.key" in refused.value.hint
    config.write_text(text.replace("'file:keys/master.key'", f'"file:{tmp_path}/new.key"'))
    do(home, "list_keys")
    assert isinstance(open_keyring(load_config(config)), Keyring)
    assert not (home / "keys/rewrap").exists()
