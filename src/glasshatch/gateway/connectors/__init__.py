"""One folder per protocol; each exposes `CONNECTOR`."""
