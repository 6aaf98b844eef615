"""What real clients need of the protocol beyond asking: psql's own commands, COPY, descriptions."""

from __future__ import annotations

import asyncio

import asyncpg
import psycopg
import pytest

from fixtures.clients_at_work import interrupted

# Every command of psql that asks the catalogue, with and without its longer form.
DESCRIBING = """
d; d+; d customers; d+ customers; d contact; d+ contact; d notes_id_seq; da; dA; dA+; dAc; dAf; dAo; db; db+;
dc; dC; dd; dD; ddp; dE; des; des+; det; deu; dew; dew+; df; df+; dF; dFd; dFp; dFt; dg; dg+; di; di+; dl; dL;
dm; dn; dn+; do; dO; dp; dP; drds; dRp; dRp+; dRs; ds; dt; dt+; dT; dT+; du; dv; dv+; dx; dx+; dX; dy;
dconfig; l; l+; z; sf shout; sv contact; conninfo; encoding
"""
COMMANDS = [f"\\{part.strip()}" for part in DESCRIBING.split(";")]


def test_every_describing_command_of_psql(gateway) -> None:
    assert len(COMMANDS) > 60
    done = gateway.psql("\n".join(COMMANDS))
    # Where there is nothing of a kind psql says so itself.
    said = [line for line in done.stderr.splitlines() if not line.startswith("Did not find any")]
    assert not said, "\n".join(said)
    assert not gateway.sink.of("statement.denied") + gateway.sink.of("statement.held")
    for canary in ("canary", "Canary", "4111111111111111"):
        assert canary not in done.stdout


def test_describing_commands_that_show_credentials_are_refused(gateway) -> None:
    done = gateway.psql("\\deu+\n\\dRs+\nselect 1;")
    assert done.stderr.count("refused by policy: the server's own credentials") == 2
    assert done.stdout.strip() == "1"


def test_the_ways_in_which_psql_asks(gateway) -> None:
    script = """
\\set AUTOCOMMIT off
select id, city from customers where id = 1 \\gdesc
rollback;
\\set AUTOCOMMIT on
select label from numbers where n = $1 \\bind 7 \\g
select label from numbers where n = $1 \\parse named
\\bind_named named 8 \\g
\\bind_named named 9 \\g
\\close_prepared named
\\startpipeline
select label from numbers where n = $1 \\bind 10 \\sendpipeline
select label from numbers where n = $1 \\bind 11 \\sendpipeline
\\endpipeline
select 'select label from numbers where n = 12' \\gexec
select label as l, n as number from numbers where n = 13 \\gset
\\echo :l
select n, label from numbers where n < 3 order by n \\gx
"""
    done = gateway.psql(script)
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["id|integer", "city|text"]
    assert [line for line in lines if line.startswith("row ")] == [f"row {n}" for n in range(7, 14)]


def test_psql_copies_files_both_ways(permissive, tmp_path) -> None:
    away, back = tmp_path / "away.csv", tmp_path / "back.csv"
    away.write_text("id,word\n1,one\n2,\"two, 'quoted'\"\n3,\n")
    done = permissive.psql(
        "create table words (id int, word text);\n"
        f"\\copy words from '{away}' with (format csv, header)\n"
        f"\\copy words to '{back}' with (format csv, header)\n"
        f"\\copy (select id from words where id > 1 order by id) to '{tmp_path / 'part'}'\n"
        "copy words from stdin;\n4\tfour\n\\.\nselect count(*) from words;",
        "dba",
    )
    assert not done.stderr
    assert back.read_text() == away.read_text()
    assert (tmp_path / "part").read_text() == "2\n3\n"
    assert done.stdout.splitlines()[-1] == "4"


def test_interrupting_psql_cancels_and_the_record_says_so(gateway) -> None:
    assert "canceling statement due to user request" in interrupted(gateway)
    gateway.wait_for(lambda: gateway.sink.of("statement.finished"))
    (run,), (end,) = gateway.sink.of("statement.run"), gateway.sink.of("statement.finished")
    (cancelled,) = gateway.sink.of("statement.cancelled")
    assert run.request_id == end.request_id == cancelled.request_id
    assert end.outcome.code == "57014"


def test_statements_described_once_and_run_in_turns(gateway) -> None:
    async def run() -> list[object]:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user="alice", password="gh_alice_secret", database="shop"
        )
        words = await connection.prepare("select label from numbers where n = $1")
        names = await connection.prepare("select name, city from customers where id = $1")
        sums = await connection.prepare("select count(*) from numbers where n < $1")
        found = []
        for number in (1, 2):
            found += [await words.fetchval(number), await names.fetchrow(number), await sums.fetchval(number)]
        await connection.close()
        return found

    first, row, none, second, other, one = asyncio.run(run())
    assert (first, none, second, one) == ("row 1", 0, "row 2", 1)
    assert (row["city"], other["city"]) == ("Berlin", "Hamburg")
    assert row["name"].startswith("<NAME:")
    assert row["name"] != other["name"]


def test_a_statement_that_cannot_be_prepared_is_in_the_record(gateway) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user="alice", password="gh_alice_secret", database="shop"
        )
        with pytest.raises(asyncpg.UndefinedColumnError):
            await connection.prepare("select nothing from numbers where n = $1")
        assert await connection.fetchval("select 5") == 5
        await connection.close()

    asyncio.run(run())
    gateway.wait_for(lambda: gateway.sink.of("session.closed"))
    run_, other = gateway.sink.of("statement.run")
    end, _ = gateway.sink.of("statement.finished")
    assert "select nothing from numbers" in run_.statement.text
    assert (run_.request_id, end.outcome.status, end.outcome.code) == (end.request_id, "failure", "42703")
    assert [event.attrs["seq"] for event in gateway.sink.events] == list(range(len(gateway.sink.events)))
    assert other.statement.text == "select 5"


def test_values_that_do_not_fit_are_in_the_record_with_the_code(gateway) -> None:
    wrong = pytest.raises(psycopg.errors.InvalidTextRepresentation)
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection, wrong:
        connection.execute("select n from numbers where n = %s::int", ("no number",))
    gateway.wait_for(lambda: gateway.sink.of("session.closed"))
    (run,), (end,) = gateway.sink.of("statement.run"), gateway.sink.of("statement.finished")
    assert (run.request_id, end.outcome.code) == (end.request_id, "22P02")
    assert len(run.attrs["bind"]) == 1


def test_a_replication_client_is_turned_away(gateway) -> None:
    with pytest.raises(psycopg.OperationalError, match="replication connections are not let through"):
        psycopg.connect(gateway.dsn(replication="database"))
