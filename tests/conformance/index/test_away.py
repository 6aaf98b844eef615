"""A server that cannot be reached: nothing else stops, the cure is named, and it is used when it is back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fixtures.glasshatch import free_port
from glasshatch.app.config import load_config
from glasshatch.app.indexing import index_place
from glasshatch.app.serve.back import Calm
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Event, Source, encode
from glasshatch.index import Index, Place


def _encoded(number: int) -> bytes:
    return encode(Event(id=f"e{number}", time="1", action="a.b", source=Source(kind="app")))


ENTRIES = [(number, _encoded(number)) for number in range(9)]


def test_it_opens_without_the_server_and_fills_when_that_is_back(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default", Place(url=f"http://127.0.0.1:{free_port()}"))
    try:
        for ask in (lambda: index.watermarks, lambda: index.select("SELECT 1"), lambda: index.apply(ENTRIES)):
            with pytest.raises(Unavailable, match="server cannot be reached"):
                ask()
        begun_s = time.monotonic()
        for _ in range(50):
            with pytest.raises(Unavailable):
                index.select("SELECT 1")
        assert time.monotonic() - begun_s < 3, "each question waited for the server anew"
        # Back, at another address: chDB answers in its stead.
        index._place, index._again_s = Place(url=f"chdb://{tmp_path / 'server'}"), 0.0
        index.apply(ENTRIES)
        assert index.watermarks == {"default": 9}
    finally:
        index.close()


def test_another_installations_table_is_left_alone(tmp_path: Path) -> None:
    place = Place(url=f"chdb://{tmp_path / 'server'}")
    first = Index.open(tmp_path / "one", "default", place)
    first.apply(ENTRIES)
    first.close()
    second = Index.open(tmp_path / "two", "default", place)
    with pytest.raises(Unavailable, match="made by another installation"):
        second.apply(ENTRIES)
    second.close()
    first = Index.open(tmp_path / "one", "default", place)
    assert first.watermarks == {"default": 9}
    first.close()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('url = "http://clickhouse.internal:8123"', "must be https"),
        ('url = "https://user:word@host"', "may not hold a user or password"),
        ('url = "https://host/path"', "is no address"),
        ('cluster = "main"', "is of a server"),
    ],
)
def test_a_wrong_place_is_told_with_its_key(tmp_path: Path, line: str, wrong: str) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text(f"version = 1\n[index]\n{line}\n")
    with pytest.raises(ConfigError, match=wrong) as error:
        index_place(load_config(file))
    assert "word" not in str(error.value).replace("password", "")


def test_a_password_is_never_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text('version = 1\n[index]\nurl = "https://host"\npassword = "secretword"\n')
    with pytest.raises(ConfigError, match="must be a reference") as error:
        load_config(file)
    assert "secretword" not in str(error.value)


def test_the_same_trouble_is_told_once_a_minute() -> None:
    told: list[BaseException] = []
    calm = Calm(told.append)
    for _ in range(20):
        calm(Unavailable("away"))
    calm(Unavailable("something else"))
    assert len(told) == 2
