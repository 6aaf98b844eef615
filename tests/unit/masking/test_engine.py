"""What the engine finds, where, and that it keeps finding it in batches, encodings and threads."""

from __future__ import annotations

import base64
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from glasshatch.errors import ConfigError
from glasshatch.masking import Engine, Finding
from glasshatch.masking.detectors import parse_pack
from glasshatch.masking.triggers import cache

MAIL = "alice.smith@example.com"
BADGE = '[[detector]]\nname = "badge"\ntype = "BADGE"\nvalue = "B-[0-9]{4}"\ntrigger = "b-[0-9]{4}"\n'


def spans(engine: Engine, text: str) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in engine.scan([text])[0]]


def test_offsets_count_characters_of_the_text_as_it_was(engine: Engine) -> None:
    text = "日本 – Ünïcode 🙂 mail: alice@example.com, Karte ４１１１１１１１１１１１１１１１!"
    assert spans(engine, text) == [
        ("EMAIL", "alice@example.com"),
        ("CARD", "４１１１１１１１１１１１１１１１"),
    ]
    assert [one.value for one in engine.scan([text])[0]] == ["alice@example.com", "4111111111111111"]


def test_nothing_reaches_across_the_texts_of_a_batch(engine: Engine) -> None:
    texts = ["alice@", "example.com", "4111 1111", "1111 1111", "password=", "hunter22", ""]
    assert engine.scan(texts) == [[] for _ in texts]
    assert engine.scan([]) == []


def test_a_batch_gives_what_each_text_gives_alone(engine: Engine) -> None:
    texts = [f"{i} user{i}@example.com {'x' * (i * 37 % 900)} 203.0.113.{i % 250 + 1}" for i in range(3000)]
    batch = engine.scan(texts)
    assert [len(found) for found in batch] == [2] * len(texts)
    assert batch[::97] == [engine.scan([text])[0] for text in texts[::97]]


def test_of_overlapping_findings_the_surest_stays(engine: Engine) -> None:
    assert spans(engine, "postgres://app:s3cr3t@db.example.com/x") == [("SECRET", "s3cr3t")]
    found = engine.scan(["phone: +14155552671"])[0]
    assert [one.detector for one in found] == ["phone-international"]


def test_what_a_surer_finding_leaves_of_a_secret_is_masked_too(engine: Engine) -> None:
    text = "contraseña: 'xK9q!alice@example.com#77Lp2' ok"
    found = engine.scan([text])[0]
    assert "".join(text[one.start : one.end] for one in found) == "xK9q!alice@example.com#77Lp2"
    assert {one.type for one in found} == {"EMAIL", "SECRET"}


@pytest.mark.parametrize(
    "encoded",
    [
        quote(MAIL),
        quote(MAIL, safe="").replace("%40", "%40").lower(),
        "".join(f"%{octet:02X}" for octet in MAIL.encode()),
        "".join(f"\\u{ord(letter):04x}" for letter in MAIL),
        MAIL.replace("@", "\\u0040"),
        MAIL.replace("@", "\\x40"),
        MAIL.replace("@", "&#64;"),
        MAIL.replace("@", "&#x40;"),
        MAIL.encode().hex(),
        MAIL.encode().hex().upper(),
        base64.b64encode(MAIL.encode()).decode(),
        base64.b64encode(b"x" + MAIL.encode()).decode(),
        base64.b64encode(b"xy" + MAIL.encode()).decode(),
        base64.urlsafe_b64encode(b'{"a":"\xc3\xbf\xc3\xbf\xc3\xbf","e":"' + MAIL.encode() + b'"}')
        .decode()
        .rstrip("="),
        base64.b64encode(base64.b64encode(b"user " + MAIL.encode())).decode(),
        quote(base64.b64encode(MAIL.encode()).decode()),
    ],
)
def test_encoded_values_are_found_and_nothing_of_them_is_left(engine: Engine, encoded: str) -> None:
    for text in (encoded, f"GET /x?q={encoded}&r=1", f"a/b/{encoded}", f'{{"k": "{encoded}"}}'):
        found = [one for one in engine.scan([text])[0] if one.type == "EMAIL"]
        assert len(found) == 1, text
        assert found[0].value.endswith("smith@example.com")
        rest = text[: found[0].start] + "\0" + text[found[0].end :]
        assert not [one for one in engine.scan([rest])[0] if one.type == "EMAIL"]


def test_a_chance_hit_in_one_alignment_does_not_hide_another(engine: Engine) -> None:
    hidden = base64.b64encode(MAIL.encode()).decode()
    for junk in ("checkpoint/", "dataA/", "snapshotXY/", "abcABCabcABC/"):
        assert "EMAIL" in {one.type for one in engine.scan([junk * 3 + hidden])[0]}


def test_ids_hashes_and_paths_are_not_taken_for_encodings(engine: Engine) -> None:
    for text in (
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "/usr/share/zoneinfo/Europe/Berlin",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "2026-03-01T10:00:00.123Z 0190163d-8694-739b-aea5-966c26f8ad91",
    ):
        assert engine.scan([text]) == [[]]


def test_masked_values_are_left_alone(engine: Engine) -> None:
    text = "password=<SECRET> email=<EMAIL:abcdefghijkl> token: '<TEXT:abcdefghijkl>' PASSWORD '<SECRET>'"
    assert engine.scan([text]) == [[]]
    # A token grants no cover to what stands beside it.
    assert spans(engine, "<EMAIL:abcdefghijkl>alice@example.com")[0][0] == "EMAIL"


def test_a_value_in_angle_brackets_is_no_placeholder(engine: Engine) -> None:
    for type, value in (("SECRET", "AKIAQYLPMN5HFIQR7XYA"), ("IBAN", "GB29NWBK60161331926819")):
        for text in (f"see <{value}> there", f"<{value}>", base64.b64encode(f"<{value}>".encode()).decode()):
            assert {one.type for one in engine.scan([text])[0]} == {type}
    encoded = base64.b64encode(b"password=<SECRET> <EMAIL:abcdefghijkl>").decode().replace("=", "%3D")
    assert engine.scan([f"body {encoded}"]) == [[]]


def test_a_value_ends_where_its_text_ends() -> None:
    pack = b"""
[[rules]]
id = "greedy"
regex = '''[^a-z]?(?:pin|code)=(?:(\\S{4,40})|$)'''
keywords = ["pin=", "code="]
[[rules]]
id = "to-the-end"
regex = '''(?:^|[^0-9])key ([0-9]{4})$'''
keywords = ["key "]
[[rules]]
id = "bare"
regex = '''\\S{3}bare\\S{3}'''
keywords = ["bare"]
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "XDG_CACHE_HOME", "/proc"
        )  # small packs would drive the large ones out of the user's cache
        engine = Engine([parse_pack("odd", pack, "odd.toml")])
    texts = ["pin=abcd", "code=efgh", "a key 1234", "xxbarexx", "yyybareyyy", "key 5678"]
    expected = [["abcd"], ["efgh"], ["1234"], [], ["yyybareyyy"], ["5678"]]
    found = engine.scan(texts)
    assert [[one.value for one in ones] for ones in found] == expected
    assert [
        [text[one.start : one.end] for one in ones] for text, ones in zip(texts, found, strict=True)
    ] == expected


def test_a_private_key_that_is_cut_off_is_taken_to_its_end(engine: Engine) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 40
    text = f"key: -----BEGIN PRIVATE KEY-----\n{body}"
    (found,) = engine.scan([text])[0]
    assert (found.type, found.end) == ("SECRET", len(text))


def test_a_storm_of_candidates_ends(engine: Engine) -> None:
    """Text made to be slow is either scanned or refused; it does not hang."""
    for text in (
        "a@" * 50_000,
        "1.1.1.1" * 20_000,
        "://" * 50_000,
        "%41" * 50_000,
        "Zm9v" * 50_000,
        "+1" * 90_000,
    ):
        try:
            engine.scan([text])
        except OverflowError:
            continue


def test_many_threads_find_the_same(engine: Engine) -> None:
    texts = [f"user{i}@example.com {'word ' * 50}" for i in range(400)]
    expected = engine.scan(texts)

    def work(_: int) -> list[list[Finding]]:
        return engine.scan(texts)

    with ThreadPoolExecutor(8) as pool:
        assert all(result == expected for result in pool.map(work, range(40)))


def test_the_compiled_database_is_cached_privately_and_reused(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    first = Engine.load(cache_dir=folder)
    files = {file: file.stat().st_ino for file in folder.iterdir()}
    assert {file.suffix for file in files} == {".hs", ".packs"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    second = Engine.load(cache_dir=folder)
    assert {file: file.stat().st_ino for file in folder.iterdir()} == files
    assert second.packs == first.packs
    assert second.scan([MAIL]) == first.scan([MAIL]) != [[]]
    assert second.pack_hash == first.pack_hash
    assert Engine.load(("network",), cache_dir=folder).pack_hash != first.pack_hash


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `ours.toml` and the cache that was made of it, to copy from; the user's has it not."""
    directory = tmp_path_factory.mktemp("kept")
    (directory / "ours.toml").write_text(BADGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/proc")
        Engine.load((), [directory / "ours.toml"], directory / "cache")
    return directory


@pytest.mark.parametrize("kind", ["hs", "packs"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "foreign"])
def test_a_damaged_cache_is_compiled_anew(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, damage: str, kind: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    folder = tmp_path / "cache"
    shutil.copytree(kept / "cache", folder)
    (file,) = folder.glob(f"*.{kind}")
    good = file.read_bytes()
    middle = len(good) // 2
    file.write_bytes(
        {
            "flip": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
            "truncate": good[:middle],
            "empty": b"",
            "foreign": b"PK\3\4" + good,
        }[damage]
    )
    assert Engine.load((), [kept / "ours.toml"], folder).scan(["take B-1234 on"]) != [[]]
    assert file.read_bytes() == good


def test_a_changed_pack_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    pack = tmp_path / "ours.toml"
    pack.write_text(BADGE)
    assert Engine.load((), [pack], tmp_path / "cache").scan(["take B-1234 on"])[0][0].type == "BADGE"
    pack.write_text(BADGE.replace("{4}", "{5}"))
    again = Engine.load((), [pack], tmp_path / "cache")
    assert again.scan(["take B-1234 on", "take B-12345 on"])[0] == []
    pack.write_text(BADGE.replace("BADGE", "badge"))
    with pytest.raises(ConfigError, match="upper-case"):
        Engine.load((), [pack], tmp_path / "cache")


def test_what_one_command_compiled_another_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    shared = tmp_path / "user" / "glasshatch" / "detectors"
    pack = tmp_path / "ours.toml"
    pack.write_text(BADGE)
    Engine.load((), [pack], tmp_path / "a")
    made = {file.name: file.stat().st_ino for file in shared.iterdir()}
    assert len(made) == 2
    Engine.load((), [pack], tmp_path / "b")
    assert {one.name for one in (tmp_path / "b").iterdir()} == set(made)
    assert {file.name: file.stat().st_ino for file in shared.iterdir()} == made
    # Somebody else's file could be anything: it is neither read nor in the way.
    shared.chmod(0o777)
    for file in shared.iterdir():
        file.write_bytes(b"")
    assert Engine.load((), [pack], tmp_path / "c").scan(["take B-1234 on"]) != [[]]
    assert not any(file.read_bytes() for file in shared.iterdir())


def test_a_users_cache_keeps_the_latest_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for number in range(10):
        files = cache.places(f"triggers-{number}.hs", None)
        cache.write(files, b"body %d" % number)
        os.utime(files[-1], (number, number))
    held = {file.name for file in (tmp_path / "glasshatch" / "detectors").iterdir()}
    assert len(held) == 8
    assert "triggers-9.hs" in held


def test_a_cache_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="may be written by others"):
        Engine.load(cache_dir=tmp_path)


def test_a_cache_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(ConfigError, match="cannot use the masking cache"):
        Engine.load(cache_dir=tmp_path / "cache")
    assert os.listdir(tmp_path) == ["cache"]
