"""An application with PostgreSQL's JDBC driver. Only in `make deep`: Java takes 260 MB of a machine."""

from __future__ import annotations

import pytest

from fixtures import clients_at_work as clients
from fixtures.auditing import audited
from fixtures.comparing import differences

pytestmark = [pytest.mark.deep, pytest.mark.needs("jdbc")]


def test_an_application_works_and_sees_masked_values(gateway) -> None:
    said = clients.jdbc(gateway)
    masked = said.pop("masked")
    assert said == {
        "prepared": "7866",
        "values": "9000000000 12.50 true 3 2026-03-04 00000000-0000-0000-0000-000000000005 null",
        "parts": "250",
        "batch": "60",
        "unknown": "42P01",
        "key": "true",
        "broken": "23505",
        "copies": "3 5 1,2,3,4,5,",
        "notified": "deliveries=parcel",
        "metadata": "6 6 1 1 2 true",
        "division": "22012",
        "refused": "42501",
        "several": "none",
        "cancelled": "57014",
    }
    email, name = masked.split()
    assert (email[:7], name[:6]) == ("<EMAIL:", "<NAME:")
    assert "canary" not in gateway.sink.everything().lower().replace("nadia", "")


@pytest.mark.needs("postgres-tls")
def test_the_record_of_it_is_the_servers_own(postgres_tls, engine, tmp_path) -> None:
    with audited(postgres_tls, engine, tmp_path, [clients.jdbc]) as records:
        found = differences(records.ledger, records.server, records.recorded)
        assert not found, "\n".join(found)
        assert len(records.of("statement.run")) > 200
