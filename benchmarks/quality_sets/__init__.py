"""Labelled sets for `quality.py`: two halves that share no template, and what makes their values."""
