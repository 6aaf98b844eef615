"""A realistic shop, the same at every run: customers, orders and payments as SQL for psql.

The people do not exist: mail domains are reserved (RFC 2606), phone numbers lie in ranges kept
for fiction, and card numbers have a valid check digit under test prefixes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

CUSTOMERS = 2_000
ORDERS = 5_000
PAYMENTS = 4_500


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words("""
Ada Amir Anna Ayo Beatriz Ben Carla Chen Clara Dana Diego Elif Emil Emma Eva Farid Fatima Felix Grace Hana
Hugo Ines Ivan Jana Jonas Julia Kofi Lara Leon Lina Luca Maja Malik Maria Marta Mateo Mina Nadia Nils Noor
Olga Omar Paul Priya Ravi Rosa Samir Sara Sofia Tariq Theo Vera Yara Yusuf Zoe
""")
_LAST = _words("""
Abbott Ahmed Almeida Bauer Berg Blanc Castro Cohen Costa Demir Diaz Dubois Eriksen Fischer Garcia Gomez
Haddad Hansen Hoffmann Ibrahim Ito Jansen Jensen Kaya Keller Khan Klein Kowalski Larsen Lopez Martin Mensah
Meyer Moreau Mueller Nakamura Novak Okafor Olsen Park Patel Petrov Ricci Rossi Santos Sato Schmidt Silva
Singh Sousa Tanaka Vargas Virtanen Weber Wolf Yilmaz Zhang
""")
_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com", "post.example.net")
_CITIES = ("Berlin", "Lisbon", "Oslo", "Leeds", "Austin", "Porto", "Lyon", "Turin", "Ghent", "Malmo")
_ITEMS = ("lamp", "kettle", "desk", "chair", "rug", "clock", "mirror", "shelf", "vase", "stool")

SCHEMA = """
CREATE TABLE customers (
  id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, email text NOT NULL UNIQUE,
  phone text NOT NULL, city text NOT NULL, note text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE orders (
  id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, item text NOT NULL,
  quantity integer NOT NULL, status text NOT NULL, ordered_at timestamptz NOT NULL);
CREATE TABLE payments (
  id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders, card_number text NOT NULL,
  card_holder text NOT NULL, amount_cents integer NOT NULL, status text NOT NULL);
COMMENT ON COLUMN customers.email IS 'personal: e-mail';
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON payments (order_id);
"""


class Customer(msgspec.Struct, frozen=True):
    """One invented customer."""

    id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    city: str
    note: str


class Shop:
    """All rows of the shop, from one seed."""

    def __init__(self, seed: int = 20_261_122) -> None:
        # Reproducible rows are the point here; nothing secret is drawn from this generator.
        self._random = random.Random(seed)  # noqa: S311
        self.customers = [self._customer(number) for number in range(1, CUSTOMERS + 1)]
        self.cards = [self._card() for _ in range(CUSTOMERS)]

    def planted(self) -> list[str]:
        """Every value that must never be found in Glasshatch's own bytes."""
        people = [value for customer in self.customers for value in (customer.email, customer.phone)]
        return people + self.cards

    def sql(self) -> Iterator[str]:
        """Lines for psql that make and fill the tables."""
        yield "BEGIN;\n"
        yield SCHEMA
        yield from self._copy("customers", (self._customer_row(customer) for customer in self.customers))
        yield from self._copy("orders", (self._order_row(number) for number in range(1, ORDERS + 1)))
        yield from self._copy("payments", (self._payment_row(number) for number in range(1, PAYMENTS + 1)))
        yield "COMMIT;\nANALYZE;\n"

    def _copy(self, table: str, rows: Iterator[tuple[object, ...]]) -> Iterator[str]:
        yield f"COPY {table} FROM STDIN;\n"
        for row in rows:
            yield "\t".join(str(value) for value in row) + "\n"
        yield "\\.\n"

    def _customer(self, number: int) -> Customer:
        pick = self._random.choice
        first, last = pick(_FIRST), pick(_LAST)
        email = f"{first}.{last}{number}@{pick(_DOMAINS)}".lower()
        # +1 NPA 555 0100-0199 is kept for fiction; the area code makes the numbers differ.
        phone = f"+1{self._random.choice((202, 212, 303, 312, 415, 512, 617, 702))}5550{100 + number % 100}"
        note = pick(
            ("prefers morning delivery", "gift wrap", "", "wholesale", "left a message with reception")
        )
        return Customer(number, first, last, email, phone, pick(_CITIES), note)

    def _customer_row(self, customer: Customer) -> tuple[object, ...]:
        created = f"2025-{1 + customer.id % 12:02}-{1 + customer.id % 28:02} 09:{customer.id % 60:02}:00+00"
        return (
            customer.id, customer.first_name, customer.last_name, customer.email, customer.phone,
            customer.city, customer.note, created,
        )  # fmt: skip

    def _order_row(self, number: int) -> tuple[object, ...]:
        customer = self._random.randrange(1, CUSTOMERS + 1)
        status = self._random.choice(("paid", "paid", "paid", "shipped", "open", "failed"))
        item, count = self._random.choice(_ITEMS), self._random.randrange(1, 5)
        return (
            number,
            customer,
            item,
            count,
            status,
            f"2026-{1 + number % 11:02}-{1 + number % 28:02} 12:00:00+00",
        )

    def _payment_row(self, number: int) -> tuple[object, ...]:
        customer = self._random.choice(self.customers)
        holder = f"{customer.first_name} {customer.last_name}"
        status = self._random.choice(("settled", "settled", "settled", "declined", "refunded"))
        return (
            number,
            number,
            self.cards[customer.id - 1],
            holder,
            self._random.randrange(500, 90_000),
            status,
        )

    def _card(self) -> str:
        body = (
            self._random.choice(("411111", "424242", "555555", "510510"))
            + f"{self._random.randrange(10**9):09}"
        )
        return body + str(_luhn_digit(body))


def _luhn_digit(body: str) -> int:
    """The check digit that makes body + digit pass ISO/IEC 7812-1 annex B."""
    total = 0
    for position, char in enumerate(reversed(body)):
        digit = int(char) * (2 if position % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return -total % 10
