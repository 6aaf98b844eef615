"""Queries of every kind against plain Python over the files they came from: the counts are the same.

The Kubernetes events are real ones (an excerpt of our own recording), the others are made here.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import run
from glasshatch.api.values import SearchForm
from glasshatch.app.local import open_local

ASSET = Path(__file__).parents[2] / "assets" / "kubernetes-audit.jsonl.gz"
Record = dict[str, Any]
Holds = Callable[[Record], bool]
LONG = "lorem ipsum dolor " * 400


def application(number: int) -> Record:
    """An event of a made-up shop, unlike its neighbours."""
    texts = [
        "Payment declined: card expired", "payment accepted", "Zahlung für Müller übernommen",
        "配送 完了 order", "cart “wishlist” emptied", f"{LONG} needle{number % 10}",
        "retry-after 30s; GET /v1/orders/7?x=1", "",
    ]  # fmt: skip
    return {
        "id": f"018f3c00-0000-7000-8000-{number:012x}",
        "time": f"2026-10-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:07.{number:06}Z",
        "action": ["order.paid", "order.refused", "cart.emptied"][number % 3],
        "actor": {"id": f"svc-{number % 7}", "name": f"Checkout-{number % 7}", "type": "service"},
        "outcome": {"status": ["success", "failure"][number % 3 == 1], "code": str(200 + number % 5 * 100)},
        "session_id": f"sess-{number % 11}",
        "trace_id": f"{number % 13 + 1:032x}",
        "severity": number % 7,
        "resource": {"type": "order", "id": f"shop/orders/{number % 17}", "name": f"order {number % 17}"},
        "statement": {"text": texts[number % len(texts)]},
        "labels": {"team": ["Payments", "cart_team", "50%off"][number % 3]},
        "attrs": {
            "amount": number * 5, "ratio": f"{number / 4:.2f}", "retry": number % 2 == 0, "zip": f"0{number}",
            "tags": [f"t{number % 4}", f"t{number % 5}"], "basket": {"items": [{"sku": f"S-{number % 9}"}]},
            **({"coupon": ["", "SPRING"][number % 2]} if number % 6 < 2 else {}),
        },
    }  # fmt: skip


APPLICATION = [application(number) for number in range(420)]
KUBERNETES = [json.loads(line) for line in gzip.decompress(ASSET.read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], int]]:
    """How many events a query finds in a directory that both files were ingested into."""
    folder = tmp_path_factory.mktemp("oracle")
    file = folder / "shop.jsonl"
    file.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in APPLICATION) + "\n")
    for source, name in (("json", file), ("kubernetes", ASSET)):
        done = run("ingest", source, str(name), "--data", str(folder / "home"), "--format", "jsonl")
        assert done.returncode == 0, done.stderr
    with open_local(folder / "home") as (desk, caller):

        def count(query: str) -> int:
            found = desk.search(caller, SearchForm(query=query, limit=2_000))
            assert len(found.events) == found.count
            return found.count

        yield count


def app(record: Record) -> bool:
    return "statement" in record


def kube(record: Record) -> bool:
    return "auditID" in record


def at(record: Record) -> str:
    return str(record["time"] if app(record) else record["requestReceivedTimestamp"])


def user(record: Record) -> str:
    return str((record.get("impersonatedUser") or record["user"]).get("username", "")) if kube(record) else ""


def code(record: Record) -> int:
    return int(record.get("responseStatus", {}).get("code", 0)) if kube(record) else 0


def ref(record: Record, name: str) -> str:
    return str(record.get("objectRef", {}).get(name, ""))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def has_words(record: Record, text: str) -> bool:
    """Whether one text of the record has these words in a row."""
    sought = f" {' '.join(words(text))} "
    return any(sought in f" {' '.join(words(one))} " for one in texts_of(record))


def has_word_like(record: Record, pattern: str) -> bool:
    return any(re.fullmatch(pattern, word) for text in texts_of(record) for word in words(text))


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("managedFields", "time"):  # the first is no news, the second no text
                yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif value is not None:
        yield str(value).lower() if isinstance(value, bool) else str(value)


QUERIES: dict[str, Holds] = {
    "": lambda r: True,
    "source.kind:kubernetes": kube,
    "source:KUBERNETES": kube,
    "source.kind:kubernetes AND verb:get": lambda r: kube(r) and r["verb"] == "get",
    "source.kind:kubernetes AND verb:(create OR delete)": lambda r: r.get("verb") in ("create", "delete"),
    "source.kind:kubernetes -verb:get": lambda r: kube(r) and r["verb"] != "get",
    "source:kubernetes NOT verb:(get OR list OR watch)": lambda r: (
        kube(r) and r["verb"] not in ("get", "list", "watch")
    ),
    "verb:l*t": lambda r: r.get("verb") == "list",
    "verb:?atch": lambda r: r.get("verb") in ("watch", "patch"),
    "native.objectRef.resource:secrets": lambda r: ref(r, "resource") == "secrets",
    "native.objectRef.resource:*s": lambda r: ref(r, "resource").endswith("s"),
    "native.objectRef.resource:c*m*s": lambda r: bool(re.fullmatch("c.*m.*s", ref(r, "resource"))),
    "namespace:kube-system": lambda r: ref(r, "namespace") == "kube-system",
    "source:kubernetes AND NOT namespace:*": lambda r: kube(r) and not ref(r, "namespace"),
    "exists(native.objectRef.subresource)": lambda r: bool(ref(r, "subresource")),
    "actor.name:system:kube-controller-manager": lambda r: user(r) == "system:kube-controller-manager",
    "actor.name:system:*": lambda r: user(r).startswith("system:"),
    "actor.name:*garbage*": lambda r: "garbage" in user(r),
    "actor.name:system:*account*controller": lambda r: bool(
        re.fullmatch("system:.*account.*controller", user(r))
    ),
    "user:alice@example.com": lambda r: user(r) == "alice@example.com",
    'actor.name:"alice@example.com" verb:get': lambda r: (
        user(r) == "alice@example.com" and r["verb"] == "get"
    ),
    "outcome.code:404 source:kubernetes": lambda r: code(r) == 404,
    "native.responseStatus.code>=400": lambda r: code(r) >= 400,
    "native.responseStatus.code:[200 TO 299]": lambda r: 200 <= code(r) <= 299,
    "native.responseStatus.code:{200 TO 404}": lambda r: 200 < code(r) < 404,
    "native.responseStatus.code:([200 TO 201] OR >=500)": lambda r: 200 <= code(r) <= 201 or code(r) >= 500,
    "native.annotations.authorization.k8s.io/decision:forbid": lambda r: (
        r.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    ),
    "native.requestURI:/api/v1/namespaces/*/configmaps*": lambda r: bool(
        re.fullmatch("/api/v1/namespaces/.*/configmaps.*", r.get("requestURI", ""))
    ),
    "client.ip:127.0.0.0/8": lambda r: kube(r) and r.get("sourceIPs", [""])[0].startswith("127."),
    "source:kubernetes NOT client.ip:10.0.0.0/8": kube,
    "client.user_agent:kubectl": lambda r: "kubectl" in words(r.get("userAgent", "")),
    'client.user_agent:"linux/amd64"': lambda r: (
        " linux amd64 " in f" {' '.join(words(r.get('userAgent', '')))} "
    ),
    "(verb:delete OR verb:patch) AND (namespace:shop OR user:system:*)": lambda r: (
        r.get("verb") in ("delete", "patch")
        and (ref(r, "namespace") == "shop" or user(r).startswith("system:"))
    ),
    "source:kubernetes NOT (verb:get OR actor.name:system:*)": lambda r: (
        kube(r) and not (r["verb"] == "get" or user(r).startswith("system:"))
    ),
    '"RBAC: allowed by ClusterRoleBinding"': lambda r: has_words(r, "RBAC: allowed by ClusterRoleBinding"),
    '"not found" source:kubernetes': lambda r: kube(r) and has_words(r, "not found"),
    "forbidden -secrets": lambda r: has_words(r, "forbidden") and not has_words(r, "secrets"),
    "time:2026-11-22": lambda r: at(r)[:10] == "2026-11-22",
    "time:2026-11-22T22:09 source:kubernetes": lambda r: at(r)[:16] == "2026-11-22T22:09",
    "time>2026-11-22T22:08 source:kubernetes": lambda r: kube(r) and at(r) >= "2026-11-22T22:09",
    "time<=2026-11-22T22:08 source:kubernetes": lambda r: kube(r) and at(r) < "2026-11-22T22:09",
    "time>=2026-11-22T23:09+01:00": lambda r: at(r) >= "2026-11-22T22:09",
    "time:2026-10": app,
    "time:[2026-10-05 TO 2026-10-07]": lambda r: "2026-10-05" <= at(r) < "2026-10-08",
    "time:{2026-10-05 TO 2026-10-07}": lambda r: at(r)[:10] == "2026-10-06",
    "time:[2026-10-05T04:00:00Z TO *] source:json": lambda r: app(r) and at(r) >= "2026-10-05T04:00:00",
    "time>now-3650d": lambda r: True,
    "time<now-3650d": lambda r: False,
    "severity:5": lambda r: app(r) and r["severity"] == 5,
    "severity>=5": lambda r: app(r) and r["severity"] >= 5,
    "severity:(>5 OR 0) source:json": lambda r: app(r) and r["severity"] in (0, 6),
    "action:order.*": lambda r: app(r) and r["action"].startswith("order."),
    "action:o*.re*": lambda r: app(r) and r["action"] == "order.refused",
    "actor.name:checkout-3": lambda r: app(r) and r["actor"]["name"] == "Checkout-3",
    "actor:svc-3 outcome.status:failure": lambda r: (
        app(r) and r["actor"]["id"] == "svc-3" and r["outcome"]["status"] == "failure"
    ),
    "outcome.status:failure source:json": lambda r: app(r) and r["outcome"]["status"] == "failure",
    "session:sess-4 OR trace:0000000000000000000000000000000d": lambda r: (
        app(r) and (r["session_id"] == "sess-4" or int(r["trace_id"], 16) == 13)
    ),
    "session:sess-1*": lambda r: app(r) and r["session_id"].startswith("sess-1"),
    "attrs.amount>1500": lambda r: app(r) and r["attrs"]["amount"] > 1500,
    "attrs.amount:[100 TO 200}": lambda r: app(r) and 100 <= r["attrs"]["amount"] < 200,
    "attrs.ratio<=2.5": lambda r: app(r) and float(r["attrs"]["ratio"]) <= 2.5,
    "attrs.zip:07": lambda r: app(r) and r["attrs"]["zip"] == "07",
    "attrs.retry:true": lambda r: app(r) and r["attrs"]["retry"],
    "attrs.tags:t3": lambda r: app(r) and "t3" in r["attrs"]["tags"],
    "attrs.tags:(t3 AND t1)": lambda r: app(r) and {"t1", "t3"} <= set(r["attrs"]["tags"]),
    "attrs.tags:(t3 AND NOT t1)": lambda r: app(r) and {"t3", "t1"} & set(r["attrs"]["tags"]) == {"t3"},
    "attrs.basket.items.sku:s-7": lambda r: app(r) and r["attrs"]["basket"]["items"][0]["sku"] == "S-7",
    "attrs.coupon:*": lambda r: app(r) and "coupon" in r["attrs"],
    "attrs.coupon:spring": lambda r: app(r) and r["attrs"].get("coupon") == "SPRING",
    'attrs.coupon:""': lambda r: app(r) and r["attrs"].get("coupon") == "",
    "source:json -attrs.coupon:*": lambda r: app(r) and "coupon" not in r["attrs"],
    "labels.team:50%off": lambda r: app(r) and r["labels"]["team"] == "50%off",
    "labels.team:cart?team": lambda r: app(r) and r["labels"]["team"] == "cart_team",
    "labels.team:cart_*": lambda r: app(r) and r["labels"]["team"] == "cart_team",
    'resource.name:"order 12"': lambda r: app(r) and r["resource"]["name"] == "order 12",
    "resource:shop/orders/1*": lambda r: app(r) and r["resource"]["id"].startswith("shop/orders/1"),
    "declined": lambda r: has_words(r, "declined"),
    '"card expired"': lambda r: has_words(r, "card expired"),
    '"expired card"': lambda r: False,
    "PAYMENT AND -accepted": lambda r: has_words(r, "payment") and not has_words(r, "accepted"),
    "müller": lambda r: has_words(r, "müller"),
    "ÜBERNOMMEN": lambda r: has_words(r, "übernommen"),
    "m*ller": lambda r: has_word_like(r, "m.*ller"),
    "完了": lambda r: has_words(r, "完了"),
    "wishlist": lambda r: has_words(r, "wishlist"),
    "needle3": lambda r: has_words(r, "needle3"),
    "need*": lambda r: has_word_like(r, "need.*"),
    "retry-after": lambda r: has_words(r, "retry after"),
    "/v1/orders/7": lambda r: has_words(r, "v1 orders 7"),
    "statement:payment": lambda r: app(r) and "payment" in words(r["statement"]["text"]),
    'statement.text:"FÜR MÜLLER"': lambda r: False,  # a field folds the case of ASCII only
    'statement.text:"Für müller"': lambda r: app(r) and "für Müller" in r["statement"]["text"],
    "statement.text:pa*ment": lambda r: app(r) and "payment" in words(r["statement"]["text"]),
}  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_as_many_as_plain_python(count: Callable[[str], int], query: str) -> None:
    holds = QUERIES[query]
    # The searches of this test are in the record too, with what they looked for.
    fed = "source.kind:(json OR kubernetes)"
    assert count(f"({query}) AND {fed}" if query else fed) == sum(map(holds, APPLICATION + KUBERNETES))


def test_the_queries_tell_events_apart() -> None:
    """Hardly any query is met by nothing or by everything, or a search that always answers so would pass."""
    every = APPLICATION + KUBERNETES
    trivial = [query for query, holds in QUERIES.items() if sum(map(holds, every)) in (0, len(every))]
    assert len(trivial) <= 6, trivial
