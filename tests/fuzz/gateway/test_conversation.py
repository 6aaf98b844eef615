"""Whatever bytes arrive from either side, a conversation ends in order and nothing undecided goes up."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glasshatch.clock import ManualClock
from glasshatch.errors import PeerError
from glasshatch.events import Client
from glasshatch.gateway import GuardedResource, Limits, PostgresTarget
from glasshatch.gateway.connectors.postgres import CONNECTOR
from glasshatch.gateway.connectors.postgres.catalogue_queries import QUERIES
from glasshatch.gateway.core import (
    Abort,
    Ask,
    AskSession,
    Authenticate,
    Authenticated,
    Close,
    Decided,
    House,
    Open,
    Opened,
    Received,
    Record,
    Recorded,
    Send,
    SessionDecided,
)
from glasshatch.identity import Identity
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.policy import Decision, ResourceFacts

ALICE = Identity(id="a", tenant="default", type="human", name="alice", roles=("engineer",))


def msg(tag: bytes, body: bytes = b"") -> bytes:
    return tag + struct.pack(">I", len(body) + 4) + body


def decision(effect: str) -> Decision:
    return Decision(id="d", effect=effect, rule="r", reason="because", policy_hash="h")


@pytest.fixture(scope="module")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    engine = Engine.load(packs=("core",), cache_dir=tmp_path_factory.mktemp("engine"))
    return Redactor(engine, Tokens({1: b"k" * 32}, 1, "default"))


class Play:
    """Drives a conversation by hand; `verdicts` are policy's answers in turn, then allow."""

    def __init__(self, redactor: Redactor, verdicts: list[str]) -> None:
        target = PostgresTarget(host="h", port=1, user="u", password=lambda: "p", database="d", tls="disable")
        house = House(
            resources={"shop": GuardedResource(ResourceFacts("postgres", "shop"), target)},
            redactor=redactor,
            clock=ManualClock(),
            random=os.urandom,
            limits=Limits(),
            tenant="default",
            instance="i",
            tls=False,
            plaintext_anywhere=False,
        )
        self.conversation = CONNECTOR.open(house)(Client(ip="127.0.0.1", port=5))
        self.verdicts = verdicts
        self.up, self.down = b"", b""
        self.unacknowledged = 0
        self.over = False
        self.take(self.conversation.start())

    def feed(self, event: object) -> None:
        if self.over:
            return
        try:
            self.take(self.conversation.handle(event))
        except PeerError as error:
            self.take(self.conversation.handle(Abort(error.message)))
            assert self.over

    def take(self, effects) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                if effect.side == "upstream":
                    self.up += effect.data
                else:
                    self.down += effect.data
            elif isinstance(effect, Authenticate):
                self.feed(Authenticated(ALICE))
            elif isinstance(effect, AskSession):
                self.feed(SessionDecided(decision("allow")))
            elif isinstance(effect, Ask):
                verdict = self.verdicts.pop(0) if self.verdicts else "allow"
                self.feed(Decided(effect.ticket, decision(verdict)))
            elif isinstance(effect, Open):
                self.feed(Opened())
            elif isinstance(effect, Record) and effect.ticket is not None:
                self.feed(Recorded(effect.ticket))
            elif isinstance(effect, Close):
                self.over = True

    def login(self) -> None:
        body = b"user\0alice\0database\0shop\0\0"
        self.feed(Received("client", struct.pack(">II", len(body) + 8, 196608) + body))
        self.feed(Received("client", msg(b"p", b"token\0")))
        ready = msg(b"Z", b"I")
        self.feed(Received("upstream", msg(b"R", bytes(4)) + msg(b"K", bytes(8)) + ready))
        answer = msg(b"T", b"\0\0") + msg(b"C", b"SELECT 0\0")
        self.feed(Received("upstream", answer * len(QUERIES) + ready))
        assert self.down.endswith(ready)
        self.up = self.down = b""


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_first_bytes(redactor: Redactor, chunks: list[bytes]) -> None:
    play = Play(redactor, [])
    for chunk in chunks:
        play.feed(Received("client", chunk))
    assert play.up == b""


TAGS = st.sampled_from([bytes([tag]) for tag in b"QPBDECHSXFdcfp"])
KNOWN = st.sampled_from(
    [
        msg(b"Q", b"select 1\0"),
        msg(b"Q", b"begin\0"),
        msg(b"Q", b"copy t from stdin\0"),
        msg(b"P", b"s\0select 1\0\0\0"),
        msg(b"P", b"\0select 2\0\0\0"),
        msg(b"B", b"\0s\0\0\0\0\0\0\0"),
        msg(b"B", b"\0\0\0\0\0\0\0\0"),
        msg(b"D", b"P\0"),
        msg(b"D", b"Ss\0"),
        msg(b"E", b"\0\0\0\0\0"),
        msg(b"C", b"Ss\0"),
        msg(b"H"),
        msg(b"S"),
        msg(b"d", b"1\n"),
        msg(b"c"),
        msg(b"F", b""),
    ]
)
ANSWERS = st.sampled_from(
    [
        msg(b"Z", b"I"),
        msg(b"Z", b"T"),
        msg(b"Z", b"E"),
        msg(b"1"),
        msg(b"2"),
        msg(b"3"),
        msg(b"n"),
        msg(b"s"),
        msg(b"t", b"\0\0"),
        msg(b"T", b"\0\1x\0" + struct.pack(">IhIhih", 0, 0, 25, -1, -1, 0)),
        msg(b"D", b"\0\1\0\0\0\1a"),
        msg(b"C", b"SELECT 1\0"),
        msg(b"E", b"SERROR\0VERROR\0C22012\0Mdivision by zero\0\0"),
        msg(b"N", b"SNOTICE\0C00000\0Mhello\0\0"),
        msg(b"A", b"\0\0\0\1c\0p\0"),
        msg(b"G", b"\0\0\0"),
        msg(b"H", b"\0\0\0"),
        msg(b"d", b"x\n"),
        msg(b"c"),
        msg(b"S", b"client_encoding\0UTF8\0"),
        msg(b"S", b"client_encoding\0SJIS\0"),
    ]
)
STEPS = st.lists(
    st.tuples(st.just("client"), KNOWN | st.builds(msg, TAGS, st.binary(max_size=20)))
    | st.tuples(st.just("upstream"), ANSWERS | st.binary(max_size=12)),
    max_size=30,
)


@given(STEPS, st.lists(st.sampled_from(["allow", "deny", "review"]), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
def test_any_order_of_messages(
    redactor: Redactor, steps: list[tuple[str, bytes]], verdicts: list[str]
) -> None:
    play = Play(redactor, list(verdicts))
    play.login()
    for side, data in steps:
        play.feed(Received(side, data))
    # Only an answer to the client can be whole messages; a cut one would desynchronise it.
    rest = play.down
    while rest:
        size = 1 + struct.unpack(">I", rest[1:5])[0]
        assert len(rest) >= size
        rest = rest[size:]


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_denied_statements_never_go_up(redactor: Redactor, steps: list[tuple[str, bytes]]) -> None:
    play = Play(redactor, ["deny"] * 100)
    play.login()
    for side, data in steps:
        play.feed(Received(side, data))
    for text in (b"select 1", b"select 2", b"begin", b"copy t"):
        assert text not in play.up
