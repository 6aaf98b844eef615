"""Feeds as the server keeps them: what the configuration says of them, and the watch over them."""
