"""Exports as the server runs them: what the configuration says of them, what they may see, how they stand."""
