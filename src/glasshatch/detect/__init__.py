"""Detection behind the ledger: rules as data, alerts, and their delivery."""
