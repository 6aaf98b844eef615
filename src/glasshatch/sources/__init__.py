"""The feeds: events of other systems, parsed, redacted and recorded."""
