"""The commented configuration that `glasshatch init` writes."""

from __future__ import annotations

TEMPLATE = """\
# Glasshatch configuration. `glasshatch config check --config {file}` explains what it does.
# Paths are relative to this file; secrets are references: env:NAME or file:PATH (mode 0600).
version = 1
tenant = "{tenant}"

[server]
data = "."
# api = "127.0.0.1:7443"      # API and page on a loopback port, beside the Unix socket run/glasshatch.sock
# hosts = ["glasshatch.internal"]  # by which names a proxy in front of that port is reached
drain_seconds = 10            # how long a stop waits for running statements

[keys]
master = "file:keys/master.key"

[gateway]
postgres = "127.0.0.1:6432"   # where psql and other PostgreSQL clients connect
tls_certificate = "tls/gateway.crt"
tls_key = "tls/gateway.key"
record_timeout_seconds = 10   # a statement that cannot be recorded for so long is refused

[policy]
set = "production"            # a shipped set, or the path of your own .cedar file

[masking]
packs = ["all"]
user_packs = []

# Who meets what of a value; the first rule that fits decides: docs/concepts/masking.md
#
# [[masking.rules]]
# operator = "partial"        # token, redact, null, keep, format-preserving, date-shift, bucket
# type = ["EMAIL", "PHONE"]
# role = "support"
#
# [[masking.stored]]          # what the record keeps; for everybody the same
# operator = "keep"
# type = "IP"
# source = "json/edge"

# Seal values of feeds: kept under their data subject's own key, shown only by approval, erasable for good.
#
# [[seal]]
# source = "json/shop"        # kind/name of a feed
# fields = ["attrs.customer.email", "attrs.lines[*].note", "client.ip"]
# subject = "attrs.customer.id"  # which value names the data subject; default: the sealed value itself
# subject_type = "CUSTOMER"

# Names in free text of feeds, by a language model: needs pip install 'glasshatch[ner]' and the model.
#
# [ner]
# model = "en_core_web_sm"    # a spaCy model that is installed, or the path of its folder
#
# [[ner.texts]]
# source = "json/support"     # kind/name of a feed
# fields = ["attrs.note"]     # no other field is looked at

# Detection follows the record; your own rule files stand beside the shipped ones.
#
# [detect]
# user_rules = ["rules"]
#
# [alerts.oncall]
# type = "webhook"
# url = "https://alerts.internal/glasshatch"
# secret = "env:ONCALL_SECRET"  # every delivery is signed with it
# severity = 3                # 0 to 6: only alerts of at least this severity

# Have others watch that the record only grows: docs/guides/witness.md
#
# [[witnesses]]
# url = "https://witness.example.com"
# key = "witness.example.com/w1+…"
#
# [[anchors]]
# type = "file"               # file | git
# path = "/mnt/elsewhere/audit.checkpoints"
#
# [tlog]
# access = "public"           # checkpoint and hashes without a token; entries never

# How long the record is kept; without this, for ever: docs/operate/retention.md
#
# [retention]
# keep = "400d"               # older entries go, their hashes stay and everything still verifies

# A stream with a ledger and keys of its own: docs/operate/several-ledgers.md
#
# [ledgers.orders]            # made by: glasshatch ledger create orders
# sources = ["json/orders"]   # feeds, kind/name; * matches
# resources = ["postgres/orders"]

# A production database people reach through the hatch: psql "host=... port=6432 dbname=orders user=you"
#
# [resources.orders]
# type = "postgres"
# env = "production"
# host = "db.internal"
# port = 5432
# database = "orders"
# user = "glasshatch"
# password = "env:ORDERS_PASSWORD"
# tls = "verify-full"         # disable | require | verify-full
# tls_ca = "tls/orders-ca.pem"
#
# [[resources.orders.columns]]
# pattern = "public.customers.email"
# type = "EMAIL"
# operator = "token"          # as in masking.rules
# subject = true              # this column names a data subject
"""


def commented_config(tenant: str, file: str) -> str:
    """The text of a first `glasshatch.toml`."""
    return TEMPLATE.format(tenant=tenant, file=file)
