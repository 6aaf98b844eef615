"""What each command of a text does: verbs, risks, tables and columns, from its parse tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model import OutputColumn
from . import definitions
from .bodies import Bodies
from .connecting import shows_connections
from .functions import is_personal, is_sensitive
from .limits import within_limits
from .meaning import Meaning, relation_name, strings
from .native import QUERIES, Node, Unparsed, parse
from .reader import Reader
from .scope import Column, Relation
from .settings import risk_of_setting

_TRANSACTION = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "savepoint",
    "TRANS_STMT_ROLLBACK_TO": "rollback",
}
_MAX_NESTED_TEXTS = 4
_ONLY_WHEN_RUN = frozenset(
    {"unbounded_write", "destructive", "bulk_read", "row_lock", "copies_rows", "temporary_copy"}
)


def understand(commands: list[Node], text: str) -> Meaning:
    """The meaning of all commands of a text together."""
    meaning = Meaning(commands=len(commands))
    Commands(meaning, text).read(commands)
    if meaning.lasting_copy:
        meaning.risks.discard("temporary_copy")
    if "server_control" in meaning.risks and meaning.resources:
        # Once for each row of a table.
        meaning.risks.add("many_sessions")
    if len(commands) > 1:
        meaning.risks.add("multi_statement")
        # The answers of several commands cannot be told apart by their columns; by their order they can.
        meaning.outputs = None
    else:
        meaning.answers.clear()
    return meaning


class Commands:
    """Reads commands one by one into one `Meaning`; `depth` counts texts within texts."""

    def __init__(self, meaning: Meaning, text: str, depth: int = 0) -> None:
        self.meaning = meaning
        self.reader = Reader(meaning)
        self._text = self._source = text
        self._depth = depth

    def read(self, commands: list[Node]) -> None:
        for raw in commands:
            self._source = _slice(self._text, raw)
            self.meaning.outputs = None
            self.command(raw["stmt"])
            if self._depth == 0:
                self.meaning.answers.append(self.meaning.outputs)
        if self.meaning.connections and shows_connections(commands, self._text, self.meaning.risks):
            self.meaning.risks.add("credential_read")

    def command(self, node: Node) -> None:
        """Read one command."""
        ((kind, body),) = node.items()
        if kind in QUERIES:
            self._answer(self.reader.query(node))
            return
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, body)
            return
        verb, risks = definitions.meaning_of(kind, body)
        self.meaning.verbs.add(verb)
        self.meaning.risks.update(risks)
        self._objects(body)

    def inner_text(self, text: str) -> None:
        """Read SQL that is a body or an argument of the command."""
        if self._depth >= _MAX_NESTED_TEXTS or not within_limits(text):
            raise Unparsed("too_complex")
        outputs = self.meaning.outputs
        Commands(self.meaning, text, self._depth + 1).read(parse(text))
        self.meaning.outputs = outputs

    def _answer(self, columns: tuple[Column, ...]) -> None:
        self.meaning.outputs = tuple(
            OutputColumn(column.name, tuple(sorted(column.flow.sources)), column.flow.direct)
            for column in columns
        )
        if any(column.flow.whole for column in columns):
            self.meaning.risks.add("bulk_read")

    def _objects(self, body: Any) -> None:
        """Every relation named anywhere in a definition."""
        stack = [body]
        while stack:
            part = stack.pop()
            if isinstance(part, list):
                stack.extend(part)
            elif isinstance(part, dict):
                if "relname" in part:
                    self.meaning.resources.add(relation_name(part))
                if "FuncCall" in part:
                    # In a default, an index or a constraint: it runs for every row.
                    self.reader.note_call(part["FuncCall"])
                stack.extend(part.values())

    # Transactions and session

    def _transaction(self, body: Node) -> None:
        verb = _TRANSACTION.get(body.get("kind", ""), "prepare_transaction")
        self.meaning.verbs.add(verb)
        self.meaning.outputs = ()

    def _set(self, body: Node) -> None:
        self.meaning.verbs.add("set")
        self.meaning.outputs = ()
        if body.get("kind") in ("VAR_RESET", "VAR_RESET_ALL", "VAR_SET_DEFAULT"):
            # Back to what the gateway itself opened the session with.
            return
        values = [self.meaning.constant(arg) for arg in body.get("args", ()) if "A_Const" in arg]
        value = str(values[0]) if len(values) == 1 else None
        name = str(body.get("name", "")).lower()
        if body.get("kind") == "VAR_SET_MULTI" or name == "search_path":
            return
        risk = risk_of_setting(name, value)
        if risk:
            self.meaning.risks.add(risk)

    def _show(self, body: Node) -> None:
        self.meaning.verbs.add("show")
        self.meaning.outputs = (OutputColumn(str(body.get("name", ""))),)

    # Commands around queries

    def _explain(self, body: Node) -> None:
        """With ANALYZE the statement runs; without it nothing happens."""
        options = {
            item["DefElem"].get("defname", "").lower(): item["DefElem"].get("arg")
            for item in body.get("options", ())
        }
        if "analyze" in options and not self._is_off(options["analyze"]):
            if any(kind in body["query"] for kind in ("SelectStmt", "ExecuteStmt")):
                # A plan shows no rows.
                with self._rows_unseen():
                    self.command(body["query"])
            else:
                self.command(body["query"])
        else:
            self._planned(body["query"])
        self.meaning.verbs.add("explain")
        self.meaning.outputs = (OutputColumn("QUERY PLAN"),)

    def _planned(self, query: Node) -> None:
        """Planning changes nothing, but it reads names and folds calls of functions."""
        inner = Meaning()
        Commands(inner, self._source, self._depth).command(query)
        for name in ("resources", "columns", "lookups", "guesses"):
            getattr(self.meaning, name).update(getattr(inner, name))
        self.meaning.risks.update(inner.risks - _ONLY_WHEN_RUN)
        self.meaning.read_literal |= inner.read_literal

    def _is_off(self, arg: Node | None) -> bool:
        if not arg:
            return False
        ((kind, body),) = arg.items()
        self.meaning.read_literal = True
        if kind == "Boolean":
            return not body.get("boolval", False)
        if kind == "Integer":
            return not body.get("ival", 0)
        return str(body.get("sval", "")).lower() in ("false", "off", "0", "no")

    def _copy(self, body: Node) -> None:
        into = bool(body.get("is_from"))
        self.meaning.verbs.add("copy_in" if into else "copy_out")
        if body.get("is_program"):
            self.meaning.risks.update(("server_file", "network"))
        elif "filename" in body:
            self.meaning.risks.add("server_file")
        self.meaning.outputs = None
        if "query" in body:
            columns = self.reader.query(body["query"])
            self._answer(columns)
            if any(column.flow.personal for column in columns):
                # COPY is how a table is carried away.
                self.meaning.risks.add("bulk_read")
        elif into:
            self.reader.written_to(body["relation"])
        else:
            self._copied_table(body)
        where = body.get("whereClause")
        if where:
            self.reader.loose_condition(where, body["relation"])

    def _copied_table(self, body: Node) -> None:
        name, columns = relation_name(body["relation"]), strings(body.get("attlist", []))
        self.meaning.resources.add(name)
        self.reader.note_read(name)
        read = [f"{name}.{column}" for column in columns] or [f"{name}.*"]
        self.meaning.columns.update(read)
        self.meaning.outputs = tuple(
            OutputColumn(source.rpartition(".")[2], (source,), direct=True) for source in read
        )
        if any(column.flow.bulk for column in Relation(base=name).star()) and (
            not columns or any(is_sensitive(column) or is_personal(column) for column in columns)
        ):
            self.meaning.risks.add("bulk_read")

    def _prepare(self, body: Node) -> None:
        self.command(body["query"])
        self.meaning.verbs.add("prepare")
        self.meaning.outputs = ()

    def _execute(self, body: Node) -> None:
        self.meaning.verbs.add("execute")
        self.reader.loose(body.get("params"))
        self.meaning.outputs = None

    def _cursor(self, body: Node) -> None:
        self.command(body["query"])
        self.meaning.verbs.add("cursor")
        self.meaning.outputs = ()

    def _fetch(self, body: Node) -> None:
        self.meaning.verbs.add("fetch")
        self.meaning.outputs = None

    def _stored(self, body: Node) -> None:
        """CREATE TABLE AS and views: what is read gets a new name, under which nobody knows it is masked."""
        with self._rows_unseen() as reads_all:
            self.command(body["query"])
            temporary = self._is_temporary(body) and not reads_all()
        for column in self.meaning.outputs or ():
            self.meaning.guesses.update(column.sources)
        self.meaning.verbs.add("create")
        self._objects(body.get("into") or body.get("view"))
        if temporary:
            self.meaning.risks.update(("copies_rows", "temporary_copy"))
        else:
            self.meaning.copies_for_good()
        self.meaning.outputs = ()

    def _is_temporary(self, body: Node) -> bool:
        """A table that this session alone sees and that goes with it; what it holds must be known."""
        into = body.get("into", {})
        return (
            into.get("rel", {}).get("relpersistence") == "t"
            and body.get("objtype", "OBJECT_TABLE") == "OBJECT_TABLE"
            and self.meaning.outputs is not None
        )

    @contextmanager
    def _rows_unseen(self) -> Iterator[Callable[[], bool]]:
        """What is read inside does not reach the client, so that reading all of it is no bulk read.

        Gives a function that says whether all of it is read.
        """
        seen_before = "bulk_read" in self.meaning.risks
        yield lambda: "bulk_read" in self.meaning.risks
        if not seen_before:
            self.meaning.risks.discard("bulk_read")

    # Bodies

    def _do(self, body: Node) -> None:
        self.meaning.verbs.add("do")
        options = {
            item["DefElem"]["defname"]: item["DefElem"].get("arg", {}) for item in body.get("args", ())
        }
        language = options.get("language", {}).get("String", {}).get("sval", "plpgsql")
        code = options.get("as", {}).get("String", {}).get("sval", "")
        Bodies(self).read(language.lower(), self.meaning.words(code), self._source)
        self.meaning.outputs = ()

    def _function(self, body: Node) -> None:
        self.meaning.verbs.add("create")
        self.meaning.risks.add("redefines")
        options = {
            item["DefElem"]["defname"]: item["DefElem"].get("arg", {}) for item in body.get("options", ())
        }
        if self._is_on(options.get("security")):
            self.meaning.risks.add("privilege_change")
        language = options.get("language", {}).get("String", {}).get("sval", "sql")
        code = strings(options.get("as", {}).get("List", {}).get("items", []))
        with self._rows_unseen():
            if "sql_body" in body:
                for node in _statements(body["sql_body"]):
                    self.command(node)
            elif code:
                Bodies(self).read(language.lower(), self.meaning.words(code[0]), self._source)
        self.meaning.outputs = ()

    def _is_on(self, arg: Node | None) -> bool:
        return bool(arg and arg.get("Boolean", {}).get("boolval"))

    def _call(self, body: Node) -> None:
        self.meaning.verbs.add("call")
        call = body.get("funccall", {})
        self.meaning.resources.add(".".join(strings(call.get("funcname", []))))
        self.meaning.risks.add("unknown_function")
        self.reader.loose(call.get("args"))
        self.meaning.outputs = None


def _slice(text: str, raw: Node) -> str:
    """The text of one command of several; the parser counts bytes."""
    data = text.encode()
    start, length = raw.get("stmt_location", 0), raw.get("stmt_len", 0)
    return data[start : start + length if length else None].decode(errors="replace")


def _statements(node: Any) -> list[Node]:
    """The statements of a body in SQL-standard form: RETURN, or BEGIN ATOMIC ... END."""
    if isinstance(node, list):
        return [found for part in node for found in _statements(part)]
    if "List" in node:
        return _statements(node["List"].get("items", []))
    if "ReturnStmt" in node:
        target = {"ResTarget": {"val": node["ReturnStmt"].get("returnval", {})}}
        return [{"SelectStmt": {"targetList": [target]}}]
    return [node]


_HANDLERS: dict[str, Any] = {
    "TransactionStmt": Commands._transaction,
    "VariableSetStmt": Commands._set,
    "VariableShowStmt": Commands._show,
    "ExplainStmt": Commands._explain,
    "CopyStmt": Commands._copy,
    "PrepareStmt": Commands._prepare,
    "ExecuteStmt": Commands._execute,
    "DeclareCursorStmt": Commands._cursor,
    "FetchStmt": Commands._fetch,
    "CreateTableAsStmt": Commands._stored,
    "ViewStmt": Commands._stored,
    "DoStmt": Commands._do,
    "CreateFunctionStmt": Commands._function,
    "CallStmt": Commands._call,
}
