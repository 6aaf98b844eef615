"""Likeness of names: it suggests, with what speaks for it, and is silent where nothing does."""

from __future__ import annotations

import pytest

from glasshatch.investigate.correlation.suggesting import likeness


@pytest.mark.parametrize(
    ("principal", "name", "evidence"),
    [
        ("alice", "alice", "the same name"),
        ("ALICE", "alice", "the same name"),
        ("alice@example.com", "alice", "before its domain"),
        ("oidc:alice", "alice", "behind its prefix"),
        ("arn:aws:iam::1:user/alice", "alice", "behind its prefix"),
        ("app-alice-ro", "alice", "a part of the name"),
        ("smith.alice", "alice.smith", "another order"),
        ("alice@example.com", "alice@example.com", "the same domain"),
    ],
)
def test_what_looks_alike_says_why(principal: str, name: str, evidence: str) -> None:
    assert any(evidence in one for one in likeness(principal, name))


@pytest.mark.parametrize(
    ("principal", "name"),
    [("alicia", "alice"), ("malice", "alice"), ("al", "al-two"), ("ab@example.com", "ab"), ("bob", "alice")],
)
def test_what_does_not_look_alike_is_not_suggested(principal: str, name: str) -> None:
    assert likeness(principal, name) == ()
