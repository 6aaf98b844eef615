"""Recording from applications: `record()`, trace context, a durable spool; no server dependency."""
