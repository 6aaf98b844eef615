"""Evidence bundles: what verifies, and that one changed byte anywhere does not, nor any zip trick."""

from __future__ import annotations

import hashlib
import io
import random
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.logs import SMALL, make_keyring
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, TooLarge, VerificationError
from glasshatch.events import Actor, Data, Event, Link, Outcome, Source, StatementText, encode, uuid7
from glasshatch.ledger import Ledger, Succession, VerifierKey
from glasshatch.ledger.evidence import (
    MADE_ACTION,
    MANIFEST_REL,
    MAX_EVENTS,
    REDACTION,
    Draft,
    Facts,
    Gap,
    Maker,
    check_evidence,
    read_archive,
    render_page,
    write_archive,
)

NOW = 1_764_000_000_123_456_789
HOSTILE = "</pre><script>alert(1)</script>\u202ekcab <!-- 'x' \"y\" &amp; \x1b[31m"
FIXED = ("manifest.json", "index.html", "events.jsonl", "key.vkey", "checkpoint", "made.tlog-proof")


class World(msgspec.Struct):
    """A bundle, the key, and the ledger that it is from."""

    bundle: bytes
    key: str
    events: list[tuple[int, bytes]]
    facts: Facts


def event(number: int, **members: object) -> bytes:
    usual = {"action": "statement.run", "actor": Actor(id=f"a{number}", type="human", name="alice")}
    return encode(Event(
        id=uuid7(NOW, number.to_bytes(10, "big")), time=str(NOW + number), source=Source(kind="glasshatch"),
        **usual | members,  # type: ignore[arg-type]
    ))  # fmt: skip


def facts(matched: int, size: int, **changes: object) -> Facts:
    made_by = Maker(id="auditor-1", name="carol", type="human")
    return Facts(**{  # type: ignore[arg-type]
        "origin": "example.com/audit", "query": "actor:alice", "since": "", "until": str(NOW),
        "made": str(NOW), "made_by": made_by, "events": matched, "ledger_size": size, "indexed": size,
        "gaps": (Gap(index=1, time=str(NOW)),), "redaction": REDACTION, **changes,
    })  # fmt: skip


def seal(ledger: Ledger, draft: Draft, **changes: object) -> bytes:
    """Have the ledger record the draft, as a server's front does, and complete it."""
    made = event(
        9_999,
        **{
            "action": MADE_ACTION, "actor": Actor(id="auditor-1"), "data": Data(rows=len(draft._events)),
            "links": (Link(rel=MANIFEST_REL, id=draft.manifest_hash),), **changes,
        },
    )  # fmt: skip
    receipt = ledger.append(made)
    proof = ledger.prove(receipt.index)
    size = int(proof.checkpoint.split(b"\n")[1])
    return draft.complete(proof, ledger._parts.levels.inclusion_proof, size)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    statements = ("SELECT 1", HOSTILE, "x" * 300, "")
    with Ledger.create(tmp_path / "ledger", make_keyring(tmp_path), ManualClock(), SMALL) as ledger:
        for number in range(40):
            text = StatementText(text=statements[number % 4])
            ledger.append(event(number, statement=text, outcome=Outcome(status="failure")))
        yield ledger


@pytest.fixture
def world(ledger: Ledger) -> World:
    events = [(index, ledger.read(index)) for index in (*range(1, 40, 4), 38, 39)]
    told = facts(len(events), ledger.size)
    return World(seal(ledger, Draft(told, events, ledger.keys)), str(ledger.key), events, told)


def refused(data: bytes, key: str) -> VerificationError:
    with pytest.raises(VerificationError) as raised:
        check_evidence(data, key)
    return raised.value


def test_a_bundle_verifies_with_nothing_but_the_key(world: World) -> None:
    checked = check_evidence(world.bundle, world.key)
    assert checked.indices == tuple(index for index, _ in world.events)
    assert (checked.facts, checked.key_given) == (world.facts, True)
    assert not check_evidence(world.bundle).key_given


def test_any_zip_program_opens_it(world: World) -> None:
    with zipfile.ZipFile(io.BytesIO(world.bundle)) as opened:
        assert opened.testzip() is None
        assert opened.read("events.jsonl") == b"".join(data + b"\n" for _, data in world.events)
        assert tuple(opened.namelist()[:6]) == FIXED


def test_every_flipped_byte_is_found(world: World) -> None:
    chance = random.Random(4)
    for at in range(len(world.bundle)):
        changed = bytearray(world.bundle)
        changed[at] ^= 1 << chance.randrange(8)
        refused(bytes(changed), world.key)


def test_every_truncation_and_every_addition_is_found(world: World) -> None:
    chance = random.Random(5)
    for size in {0, 1, 3, 4, *(chance.randrange(len(world.bundle)) for _ in range(300))}:
        refused(world.bundle[:size], world.key)
    for more in (b"\0", b"PK\x05\x06", world.bundle):
        refused(world.bundle + more, world.key)
        refused(more + world.bundle, world.key)


def test_one_changed_character_of_a_member_is_found_and_the_member_named(world: World) -> None:
    chance = random.Random(6)
    members = read_archive(world.bundle)
    for name, content in members.items():
        places = range(len(content)) if len(content) < 250 else chance.sample(range(len(content)), 60)
        for at in places:
            changed = bytearray(content)
            changed[at] ^= 1 << chance.randrange(8)
            error = refused(write_archive(members | {name: bytes(changed)}), world.key)
            assert error.where == name, f"{name} at {at}: {error}"


def test_members_that_are_gone_added_or_exchanged_are_found(world: World) -> None:
    members = read_archive(world.bundle)
    names = list(members)
    for name in names:
        refused(write_archive({key: value for key, value in members.items() if key != name}), world.key)
    refused(write_archive(members | {"notes.txt": b"x"}), world.key)
    refused(write_archive(members | {"proofs/000000000099.tlog-proof": members[names[-1]]}), world.key)
    one, other = names[-1], names[-2]
    swapped = members | {one: members[other], other: members[one]}
    assert refused(write_archive(swapped), world.key).where in (one, other)
    refused(write_archive({name: members[name] for name in [*names[:-2], one, other]}), world.key)


def zipped(members: dict[str, bytes], **changes: object) -> bytes:
    """The members as another program writes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **{"compression": zipfile.ZIP_STORED, **changes}) as opened:  # type: ignore[call-overload]
        for name, content in members.items():
            opened.writestr(zipfile.ZipInfo(name), content, opened.compression)
    return out.getvalue()


def test_tricks_of_zip_files_are_refused(world: World) -> None:
    members = read_archive(world.bundle)
    bomb = zipped({"manifest.json": b"\0" * (64 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    assert "compressed" in refused(bomb, world.key).message
    assert "compressed" in refused(zipped(members, compression=zipfile.ZIP_DEFLATED), world.key).message
    for evil in ("../../etc/passwd", "/etc/passwd", "a\\b", "..", "proofs/../x", "C:x", "x\0y", "É"):
        refused(write_archive({evil: b"x"} | members), world.key)
    out = io.BytesIO(world.bundle)
    with zipfile.ZipFile(out, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("index.html", "<h1>nothing happened</h1>")
    refused(out.getvalue(), world.key)
    commented = io.BytesIO(world.bundle)
    with zipfile.ZipFile(commented, "a") as opened:
        opened.comment = b"trust me"
    refused(commented.getvalue(), world.key)
    refused(zipped(members), world.key)  # another program's attributes: not our bytes


def rewritten(world: World, name: str, content: bytes) -> bytes:
    """The bundle with a member changed and the manifest's hash made to fit: all that a forger can do."""
    members = read_archive(world.bundle)
    manifest = members["manifest.json"].replace(
        hashlib.sha256(members[name]).hexdigest().encode(), hashlib.sha256(content).hexdigest().encode()
    )
    assert manifest != members["manifest.json"]
    return write_archive(members | {name: content, "manifest.json": manifest})


def test_a_manifest_made_to_fit_is_not_the_one_the_ledger_holds(world: World) -> None:
    page = read_archive(world.bundle)["index.html"].replace(b"alice", b"malle")
    assert refused(rewritten(world, "index.html", page), world.key).where == "manifest.json"


def test_a_bundle_made_anew_under_another_key_needs_another_key(world: World) -> None:
    other = VerifierKey("example.com/audit", bytes(32))
    error = refused(world.bundle, str(other))
    assert (error.where, error.expected, error.found) == ("key.vkey", str(other), world.key)
    with pytest.raises(ConfigError, match="--key"):
        check_evidence(world.bundle, world.key[:-3])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"events": 7}, "number of events"),
        ({"made_by": Maker(id="somebody", name="carol", type="human")}, "who made it"),
        ({"origin": "example.com/other"}, "the ledger is"),
        ({"indexed": 3}, "sizes"),
        ({"ledger_size": 4_000, "indexed": 4_000}, "sizes"),
    ],
)
def test_an_operator_who_records_a_lying_manifest_is_found(
    ledger: Ledger, world: World, changes: dict[str, object], words: str
) -> None:
    told = facts(len(world.events), 40, **changes)
    lying = seal(ledger, Draft(told, world.events, ledger.keys))
    error = refused(lying, world.key)
    assert words in error.message
    assert error.where == "manifest.json"


def test_an_operator_who_records_a_lying_page_is_found(ledger: Ledger, world: World) -> None:
    class Lying(Draft):
        def __init__(self) -> None:
            shown = [(index, data.replace(b"alice", b"malle")) for index, data in world.events]
            super().__init__(world.facts, shown, ledger.keys)
            page = self._members["index.html"]
            super().__init__(world.facts, world.events, ledger.keys)
            honest, forged = self._members["index.html"], page
            old, new = (hashlib.sha256(one).hexdigest().encode() for one in (honest, forged))
            self._members["index.html"] = forged
            self._manifest = self._manifest.replace(old, new)
            self.manifest_hash = hashlib.sha256(self._manifest).hexdigest()

    assert refused(seal(ledger, Lying()), world.key).where == "index.html"


def test_bundles_from_before_during_and_after_a_change_of_keys(ledger: Ledger, world: World) -> None:
    """A bundle holds the keys of its time; a key or a succession of another time does for it too."""
    first = ledger.key
    second = ledger.succeed_key(Ed25519PrivateKey.generate(), lambda _: None).newest
    during = seal(ledger, Draft(facts(0, ledger.size), [], ledger.keys))
    ledger.retire_key(first, lambda _: None)
    after = seal(ledger, Draft(facts(0, ledger.size), [], ledger.keys))
    for bundle in (during, after):
        for key in (first, second, ledger.keys, None):
            assert check_evidence(bundle, key).size <= ledger.size
    for key in (first, ledger.keys):
        assert check_evidence(world.bundle, key).key_given
    assert "another key" in refused(world.bundle, str(second)).message
    other = Succession.alone(VerifierKey(first.name, b"x" * 32))
    for bundle in (world.bundle, during, after):
        with pytest.raises(VerificationError, match="another key"):
            check_evidence(bundle, other)
    members = read_archive(after)
    keys = members["key.vkey"]
    for at in range(0, len(keys), 5):
        members["key.vkey"] = keys[:at] + bytes([keys[at] ^ 1]) + keys[at + 1 :]
        assert refused(write_archive(members), str(first)).where in ("key.vkey", "checkpoint")


def test_a_newer_format_asks_for_an_upgrade(ledger: Ledger, world: World) -> None:
    draft = Draft(world.facts, world.events, ledger.keys)
    draft._manifest = draft._manifest.replace(b'"version": 1', b'"version": 3')
    draft.manifest_hash = hashlib.sha256(draft._manifest).hexdigest()
    with pytest.raises(ConfigError, match="newer"):
        check_evidence(seal(ledger, draft), world.key)


def test_a_bundle_without_events_proves_that_none_matched(ledger: Ledger) -> None:
    bundle = seal(ledger, Draft(facts(0, ledger.size), [], ledger.keys))
    assert check_evidence(bundle, ledger.key).indices == ()
    assert b"No event matched" in read_archive(bundle)["index.html"]


def test_too_much_for_a_bundle_is_said(ledger: Ledger, world: World) -> None:
    with pytest.raises(TooLarge, match=f"at most {MAX_EVENTS} events"):
        Draft(world.facts, [(0, b"{}")] * (MAX_EVENTS + 1), ledger.keys)


class Page(HTMLParser):
    """The elements of a page, its attributes that could load or run something, and what details show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.whole: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in = tag
        if tag == "pre":
            self.whole.append("")

    def handle_data(self, data: str) -> None:
        if self._in == "pre":
            self.whole[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


def test_the_page_shows_each_event_whole_and_holds_nothing_that_runs_or_loads(world: World) -> None:
    text = read_archive(world.bundle)["index.html"].decode()
    page = Page()
    page.feed(text)
    assert page.tags <= set(
        "html head meta title style body main h1 h2 dl dt dd section p strong pre code"
        " table thead tbody tr th td details summary".split()
    )
    assert page.attributes <= set("lang charset http-equiv content name class scope id".split())
    assert not re.search(r"url\(|@import|https?:|\u202e|\x1b", text)
    shown = [msgspec.json.decode(whole) for whole in page.whole[1:]]
    assert shown == [msgspec.json.decode(data) for _, data in world.events]
    assert shown[0]["statement"]["text"] == HOSTILE


def test_the_rendering_of_version_1_is_fixed() -> None:
    rendered = render_page(facts(2, 9), [(3, event(3)), (7, event(7, statement=StatementText(text=HOSTILE)))])
    assert (
        hashlib.sha256(rendered).hexdigest()
        == "d0f63594b3665f36e3ab93e64c5258ea861b06eafc76921740b8bd1e9bf0a7f4"
    )
