"""Which roles groups give: those that a provider's tokens name, and those that a directory keeps here."""

from __future__ import annotations

from collections.abc import Iterable

from ...control import DirectoryGroup
from ..identifying import IdentitySection


class GroupRoles:
    """The configuration's word. What it does not name gives nothing."""

    def __init__(self, section: IdentitySection) -> None:
        self._oidc = section.oidc
        self._scim = section.scim

    @property
    def directory(self) -> bool:
        """Whether groups that a directory keeps give roles at all."""
        return self._scim is not None

    def of(self, named: Iterable[str], kept: Iterable[DirectoryGroup]) -> tuple[str, ...]:
        """The roles of who is in groups that a token named, and in groups that a directory keeps."""
        given = set(self._oidc.everybody) if self._oidc is not None else set()
        for group in named if self._oidc is not None else ():
            given.update(self._oidc.roles.get(group, ()))  # type: ignore[union-attr]
        for one in kept if self._scim is not None else ():
            for name in {one.name, one.external_id} - {""}:
                given.update(self._scim.roles.get(name, ()))  # type: ignore[union-attr]
        return tuple(sorted(given))
