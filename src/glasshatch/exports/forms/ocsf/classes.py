"""Which OCSF class an action belongs to, and which of the class's activities it is."""

from __future__ import annotations

import functools
from typing import NamedTuple

from ....events import Event


class Class(NamedTuple):
    """A class of OCSF: its numbers and name, and the category's."""

    uid: int
    name: str
    category: str

    @property
    def category_uid(self) -> int:
        return self.uid // 1000


class Activity(NamedTuple):
    """What happened, in a class's own numbers; 99 is another than those."""

    of: Class
    id: int
    name: str = "Other"


AUTHENTICATION = Class(3002, "Authentication", "Identity & Access Management")
ACCOUNT_CHANGE = Class(3001, "Account Change", "Identity & Access Management")
ENTITY_MANAGEMENT = Class(3004, "Entity Management", "Identity & Access Management")
GROUP_MANAGEMENT = Class(3006, "Group Management", "Identity & Access Management")
DETECTION_FINDING = Class(2004, "Detection Finding", "Findings")
APPLICATION_LIFECYCLE = Class(6002, "Application Lifecycle", "Application Activity")
API_ACTIVITY = Class(6003, "API Activity", "Application Activity")
DATASTORE_ACTIVITY = Class(6005, "Datastore Activity", "Application Activity")

OTHER = 99
_LOGON, _LOGOFF = (1, "Logon"), (2, "Logoff")
_CREATE, _READ, _UPDATE, _DELETE = (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")

_ACTIONS: dict[str, Activity] = {
    **{name: Activity(AUTHENTICATION, *_LOGON)
       for name in ("session.opened", "session.refused", "signin.accepted", "signin.refused",
                    "breakglass.used")},
    **{name: Activity(AUTHENTICATION, *_LOGOFF)
       for name in ("session.closed", "session.aborted", "signin.ended")},
    **{name: Activity(AUTHENTICATION, OTHER) for name in ("session.alive", "signin.slowed")},
    "actor.created": Activity(ACCOUNT_CHANGE, *_CREATE),
    **{name: Activity(ACCOUNT_CHANGE, OTHER)
       for name in ("actor.changed", "actor.linked", "credential.changed")},
    "group.created": Activity(GROUP_MANAGEMENT, 6, "Create"),
    "group.changed": Activity(GROUP_MANAGEMENT, OTHER),
    "group.removed": Activity(GROUP_MANAGEMENT, 5, "Delete"),
    **{name: Activity(DATASTORE_ACTIVITY, 4, "Query")
       for name in ("statement.run", "statement.denied", "statement.held", "statement.finished")},
    **{name: Activity(DATASTORE_ACTIVITY, OTHER)
       for name in ("statement.cancelled", "statement.previewed", "statement.imaged")},
    "alert.raised": Activity(DETECTION_FINDING, *_CREATE),
    **{name: Activity(DETECTION_FINDING, 2, "Update")
       for name in ("alert.acknowledged", "alert.delivered", "alert.failed")},
    "server.started": Activity(APPLICATION_LIFECYCLE, 3, "Start"),
    "server.stopped": Activity(APPLICATION_LIFECYCLE, 4, "Stop"),
    "process.restarted": Activity(APPLICATION_LIFECYCLE, 5, "Restart"),
    "server.migrated": Activity(APPLICATION_LIFECYCLE, 8, "Update"),
    **{name: Activity(API_ACTIVITY, *_READ)
       for name in ("record.read", "record.proved", "record.exported", "bundle.made", "value.revealed")},
}  # fmt: skip
"""What is not told by its noun and verb."""

_MANAGED = frozenset(
    ("request", "grant", "token", "certificate", "key", "master", "ledger", "policy", "hold", "subject",
     "breakglass", "backup", "index", "control", "export")
)  # fmt: skip
"""Nouns of ours that are things kept; what happens to them is the management of an entity."""

_MANAGING = {
    "created": _CREATE, "issued": _CREATE, "placed": _CREATE, "printed": _CREATE, "made": _CREATE,
    "changed": _UPDATE, "rotated": _UPDATE, "rewrapped": _UPDATE, "restored": _UPDATE, "rebuilt": _UPDATE,
    "revoked": _DELETE, "removed": _DELETE, "pruned": _DELETE, "erased": _DELETE, "released": _DELETE,
    "withdrawn": _DELETE, "retired": _DELETE, "expired": _DELETE, "loaded": (10, "Activate"),
}  # fmt: skip
_DOING = {
    **dict.fromkeys(("create", "created", "post", "insert", "add", "put"), _CREATE),
    **dict.fromkeys(("get", "list", "watch", "read", "describe", "viewed", "download"), _READ),
    **dict.fromkeys(("update", "updated", "patch", "edit", "changed", "set", "rename"), _UPDATE),
    **dict.fromkeys(("delete", "deleted", "deletecollection", "remove", "removed", "destroy"), _DELETE),
}
"""Verbs of other systems, as a class of calls has them."""


def activity_of(event: Event) -> Activity:
    """The class and the activity of an event, of ours or of another system."""
    return _activity(event.action)


@functools.lru_cache(4_096)
def _activity(action: str) -> Activity:
    if known := _ACTIONS.get(action):
        return known
    noun, _, verb = action.rpartition(".")
    if noun in _MANAGED:
        return Activity(ENTITY_MANAGEMENT, *_MANAGING.get(verb, (OTHER, "Other")))
    return Activity(API_ACTIVITY, *_DOING.get(verb.lower(), (OTHER, "Other")))
