"""The small relational state: identities, tokens, requests, reviews and grants, each row authenticated."""

from .store import ControlStore, migrate

__all__ = ["ControlStore", "migrate"]
