"""Labelled sets for `quality.py`: dev, held and fresh share no template; and what makes their values."""
