"""Masked values in clear: asked for by row and column, approved, read again and shown once.

Nothing is loaded here: a command that only shows requests needs no gateway.
"""
