"""Who saw whom: the answers that held personal data, by actor, resource, class and data subject.

An answer is an exposure if the record says that it held columns, classes or data subjects. A subject is
known by tokens. It is `shown` if its token is among the answer's subjects; `named` if the answer did not
carry it and the statement asked for it by name; `possible` if the answer held more subjects than are
recorded of one, so that it may be among the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ..events import Event
from ..masking import MAX_SUBJECTS
from .investigator import Investigator, hits, instant
from .query import And, Compare, Exists, Match, Not, Or, Query, Word, compile_sql
from .query.sql import Parameter
from .views import Exposed, Exposures, Hit, How, Seen
from .visibility import Visibility

MANY_SUBJECTS = MAX_SUBJECTS
"""As many subjects as are recorded of one answer."""

_MOST_REQUESTS = 1_000


class ExposureQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which exposures; `subjects` are the tokens of one data subject. since, until: ns, until exclusive."""

    subjects: tuple[str, ...] = ()
    actor: str = ""
    resource: str = ""
    data_class: str = ""
    since: str = ""
    until: str = ""
    limit: int = 100


def exposures(investigator: Investigator, wanted: ExposureQuery, visible: Visibility) -> Exposures:
    """The newest exposures that match, oldest first, and all that match summed up by actor and resource."""
    return _Exposure(investigator, wanted, visible).found()


_EXPOSURE = And(
    (
        Or((Exists("data.classes"), Exists("data.columns"), Exists("data.subjects"))),
        Or(
            (
                Match("action", "statement.finished", True),
                Match("action", "value.revealed", True),
                # What other systems say of their own answers.
                And(tuple(Not(Match("source.kind", name, True)) for name in ("gateway", "glasshatch"))),
            )
        ),
    )
)
_SUMS = (
    "if(actor_name != '', actor_name, actor_id) AS who, resource_id, count() AS n, sum(data_rows),"
    " sum(data_masked), sum(data_clear), length(groupUniqArrayArray(data_subjects)),"
    " arrayStringConcat(arraySort(groupUniqArrayArray(data_classes)), '\\n'),"
    " arrayStringConcat(arraySort(groupUniqArrayArray(data_columns)), '\\n'), min(time), max(time)"
)


class _Exposure:
    """One question."""

    def __init__(self, investigator: Investigator, wanted: ExposureQuery, visible: Visibility) -> None:
        self._investigator = investigator
        self._wanted = wanted
        self._visible = visible
        self._narrowed = And((visible.query(), *_filters(wanted)))

    def found(self) -> Exposures:
        index, limit = self._investigator.index, self._wanted.limit
        where, bound = self._where()
        newest = hits(index, where, bound, limit, False) if limit else []
        rows = index.select(
            f"SELECT {_SUMS} FROM events WHERE tenant = {{tenant:String}} AND {where}"  # noqa: S608
            " GROUP BY who, resource_id ORDER BY n DESC, who, resource_id LIMIT 1000",
            {**bound, "tenant": index.tenant},
        )
        seen = [_seen(row) for row in rows]
        return Exposures(
            [self._exposed(hit) for hit in reversed(newest)], seen, sum(one.answers for one in seen)
        )

    def _where(self) -> tuple[str, dict[str, Parameter]]:
        now_ns = self._investigator.now_ns()
        where, bound = compile_sql(And((_EXPOSURE, self._narrowed)), now_ns)
        if not self._wanted.subjects:
            return where, bound
        shown = tuple(Match("data.subjects", token, True) for token in self._wanted.subjects)
        about, more = compile_sql(Or((*shown, *self._asked_by_name())), now_ns)
        # Compiled apart, so its parameters have the same names as those of the first part.
        about = re.sub(r"\{p(\d+):", r"{q\1:", about)
        bound |= {f"q{name[1:]}": value for name, value in more.items()}
        many = f"(action = 'statement.finished' AND length(data_subjects) >= {MANY_SUBJECTS})"
        return f"{where} AND ({about} OR {many})", bound

    def _asked_by_name(self) -> list[Query]:
        """Answers of statements that hold the subject's token in their text or their bound values."""
        words = Or(tuple(Word(token, True) for token in self._wanted.subjects))
        narrowed = _filters(msgspec.structs.replace(self._wanted, data_class="", until=""))
        query = And((self._visible.query(), *narrowed, Match("action", "statement.run", True), words))
        where, bound = compile_sql(query, self._investigator.now_ns())
        rows = self._investigator.index.select(
            f"SELECT DISTINCT request_id FROM events WHERE {where} AND request_id != ''"  # noqa: S608
            f" ORDER BY request_id DESC LIMIT {_MOST_REQUESTS}",
            bound,
        )
        return [Match("request_id", str(one), True) for (one,) in rows]

    def _exposed(self, hit: Hit) -> Exposed:
        event = msgspec.json.decode(hit.event, type=Event)
        subjects = event.data.subjects if event.data else ()
        how: How = ""
        if self._wanted.subjects:
            how = "possible" if len(subjects) >= MANY_SUBJECTS else "named"
            how = "shown" if set(subjects) & set(self._wanted.subjects) else how
        return Exposed(hit, event, how)


def _filters(wanted: ExposureQuery) -> list[Query]:
    parts: list[Query] = []
    if wanted.actor:
        parts.append(Match("actor", wanted.actor, True))
    if wanted.resource:
        within = Match("resource", f"{wanted.resource}/*")
        parts.append(Or((Match("resource", wanted.resource, True), within)))
    if wanted.data_class:
        parts.append(Match("data.classes", wanted.data_class, True))
    if wanted.since:
        parts.append(Compare("time", ">=", instant(wanted.since)))
    if wanted.until:
        parts.append(Compare("time", "<", instant(wanted.until)))
    return parts


def _seen(row: Sequence[object]) -> Seen:
    who, resource, answers, rows, masked, clear, subjects, classes, columns, first, last = map(str, row)
    return Seen(
        actor=who, resource=resource, answers=int(answers), rows=int(rows), masked=int(masked),
        clear=int(clear), subjects=int(subjects), classes=tuple(filter(None, classes.split("\n"))),
        columns=tuple(filter(None, columns.split("\n"))), first=first, last=last,
    )  # fmt: skip
