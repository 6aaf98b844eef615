"""The catalogue of actions: `noun.verb`, past tense, one meaning each."""

from __future__ import annotations

import msgspec


class Action(msgspec.Struct, frozen=True):
    """One kind of fact: its name, what it means, and its usual severity (0 to 6)."""

    name: str
    meaning: str
    severity: int = 1


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "ledger.created",
            "a ledger was created; the first entry of each, and of any other one in the default ledger too",
        ),
        Action(
            "ledger.pruned",
            "entries below an index were removed under the retention policy; their hashes stay",
            3,
        ),
        Action("server.started", "the server opened the data directory and accepts connections"),
        Action("server.stopped", "the server drained its sessions and closed the ledger"),
        Action(
            "server.migrated",
            "a part of the data directory was brought to a newer format; a copy was kept",
            2,
        ),
        Action("session.opened", "an actor was authenticated and reached a resource"),
        Action("session.refused", "authentication or policy refused a session", 3),
        Action("session.closed", "a session ended in good order"),
        Action("session.aborted", "a session ended by a protocol error, a crash or a cut", 3),
        Action("session.alive", "a session of which nothing else was recorded for a while is still open"),
        Action("statement.run", "a statement was allowed; durable before the first byte went upstream"),
        Action("statement.denied", "a statement was refused by policy and did not run", 3),
        Action("statement.held", "a statement waits for a review and did not run", 2),
        Action("statement.finished", "a statement ended: outcome, rows and exposure"),
        Action("statement.cancelled", "the client asked to cancel the running statement"),
        Action(
            "statement.previewed", "what a statement under review would change was measured, or why not", 2
        ),
        Action(
            "statement.imaged",
            "the rows that a reviewed statement changed were kept as they were before, sealed; durable before"
            " its commit",
            2,
        ),
        Action("request.created", "an actor asked for access, with a reason", 2),
        Action("request.approved", "a reviewer approved a request", 2),
        Action("request.denied", "a reviewer denied a request", 2),
        Action("request.withdrawn", "the requester took a request back"),
        Action("grant.issued", "a time-boxed grant came into force", 2),
        Action("grant.expired", "a grant ran out"),
        Action("grant.revoked", "a grant was taken back before its time", 2),
        Action(
            "notice.failed",
            "a channel did not take a notice of a request or of break-glass; says which, and why",
            4,
        ),
        Action("breakglass.printed", "a sheet was made for a holder, to be sealed; names its number", 3),
        Action("breakglass.used", "a holder broke the glass: a sheet opened a session; says why", 6),
        Action("breakglass.reviewed", "somebody else looked at a use of a sheet and said what it was", 3),
        Action("breakglass.revoked", "a sheet opens nothing any more", 2),
        Action(
            "breakglass.recovered",
            "events that only the break-glass book had were brought into the ledger; says how many",
            4,
        ),
        Action(
            "breakglass.damaged",
            "the break-glass book was changed, cut or taken away; says how much of it is left",
            6,
        ),
        Action("actor.created", "an actor was added", 2),
        Action("actor.changed", "an actor's roles or state changed", 2),
        Action("group.created", "a directory made a group", 1),
        Action(
            "group.changed",
            "a directory renamed a group, or said who came into it and who left; roles may follow",
            2,
        ),
        Action("group.removed", "a directory took a group away, after its last member", 2),
        Action("alias.declared", "an administrator said by which name an actor goes elsewhere, and when", 2),
        Action("alias.ended", "an alias of an actor holds no more, or was said never to have held", 2),
        Action("actor.linked", "an actor was said to be a certain person at the identity provider", 2),
        Action("signin.accepted", "somebody signed in: how, from where, and which token they were given", 1),
        Action("signin.refused", "somebody tried to sign in and was not let in", 3),
        Action(
            "signin.slowed",
            "so many attempts failed for an account, or from an address, that none is looked at for a while",
            4,
        ),
        Action("signin.ended", "somebody signed out; the token of that sign-in is over"),
        Action(
            "credential.changed",
            "a password, a second factor or recovery codes were set or removed; never what they are",
            3,
        ),
        Action("certificate.issued", "a client certificate was issued; its key never was here", 2),
        Action("certificate.revoked", "a client certificate was revoked", 2),
        Action("token.issued", "an access token was issued", 2),
        Action("token.revoked", "an access token was revoked", 2),
        Action(
            "token.pruned",
            "tokens or certificates that ended long ago left the control store; says how many",
            1,
        ),
        Action("key.rotated", "a new key took the place of the one in use; names both, and why", 2),
        Action("key.retired", "an older signing key signs no more", 2),
        Action("master.rewrapped", "every key was wrapped under another master key; names both", 2),
        Action("record.read", "somebody read the record: who, with which filter, how many events"),
        Action(
            "record.exported",
            "an export delivered events: where to, out of which entries, how many; once a minute at most",
        ),
        Action("export.stopped", "an export is behind for longer than it may be; says how far, and why", 4),
        Action("export.resumed", "an export that was behind has come to the newest entry again"),
        Action("export.skipped", "entries were pruned before an export delivered them; says which", 4),
        Action(
            "export.set_aside",
            "an export left events out, each refused by a destination that takes others; says which, and why",
            4,
        ),
        Action("export.reset", "somebody set an export to another entry; says from where and to where", 3),
        Action(
            "rules.loaded", "other detection rules are in force; says how many, and which are left out", 2
        ),
        Action("rules.refused", "a detection rule is bad, and the old rules stay in force; says why", 4),
        Action("record.proved", "somebody took an inclusion proof out of the record"),
        Action(
            "bundle.made",
            "somebody took an evidence bundle out of the record; holds the hash of its manifest",
            2,
        ),
        Action(
            "value.revealed",
            "somebody was shown a sealed value, or masked values of one row, under an approved request; no"
            " value is in it",
            3,
        ),
        Action(
            "subject.erased",
            "the keys of a data subject's sealed values were destroyed; names the subject by its tokens",
            3,
        ),
        Action("hold.placed", "a legal hold on a data subject came into force; it blocks erasing", 2),
        Action("hold.released", "a legal hold was ended", 2),
        Action("backup.made", "a backup was made and verified; says of how much, and where it lies", 1),
        Action(
            "backup.restored",
            "the data directory was put back from a backup; says which, and what was accepted as lost",
            4,
        ),
        Action("policy.loaded", "a policy set came into force; carries its hash and the one before", 2),
        Action(
            "policy.refused",
            "a changed policy is broken and did not come into force; says file, line and which stays",
            4,
        ),
        Action("alert.raised", "a detection rule fired; names the rule and the events", 3),
        Action("alert.acknowledged", "somebody took an alert on", 2),
        Action("alert.delivered", "an alert reached a channel"),
        Action("alert.failed", "an alert could not be delivered to a channel in time", 4),
        Action("incident.opened", "somebody opened an incident; names the alert, if it came from one", 2),
        Action("incident.noted", "somebody wrote a note into an incident; the text is redacted", 1),
        Action("incident.pinned", "somebody pinned an event to an incident, with why, or took a pin off", 1),
        Action("incident.answered", "somebody answered a question of an incident's runbook", 1),
        Action("incident.moved", "an incident went from one status to another", 2),
        Action("incident.changed", "title, severity, assignee, tags or subjects of an incident changed", 1),
        Action(
            "incident.exported",
            "somebody took the post-mortem of an incident; holds the hash of its manifest",
            2,
        ),
        Action("search.saved", "somebody kept a search under a name, or changed it", 1),
        Action("search.deleted", "somebody deleted a kept search", 1),
        Action("intake.quarantined", "an item that could not be understood as an event, kept redacted", 2),
        Action("source.silent", "nothing came of a feed for longer than is usual or allowed", 4),
        Action("source.resumed", "a feed that was silent delivers again"),
        Action(
            "source.refused",
            "somebody who may not deliver came to a receiver; told once an hour for each address",
            3,
        ),
        Action("source.missing", "a feed's log has events that its webhook did not bring; names some", 5),
        Action(
            "witness.refused",
            "a witness does not cosign: it saw a larger or another tree, or does not know the ledger",
            6,
        ),
        Action("witness.unreachable", "a witness could not be asked for five minutes", 3),
        Action("witness.recovered", "a witness that refused or was away cosigns again"),
        Action("anchor.unreachable", "an anchor took no checkpoint for five minutes", 3),
        Action("anchor.recovered", "an anchor that was away keeps checkpoints again"),
        Action("index.rebuilt", "the search index was made anew from the ledger", 2),
        Action("process.restarted", "a process of the server ended unexpectedly and was started again", 4),
        Action("recording.gap", "part of a recording is missing; says what is known of it", 5),
        Action(
            "recording.completed", "a fuller copy of a recorded event came; says what that one does not", 1
        ),
        Action("control.tampered", "a control row failed its authentication code", 6),
    )
}
"""Every action that Glasshatch itself records, by name."""
