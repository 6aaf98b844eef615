"""Statements under review: asked for with a preview, run once when approved, undone on request.

Nothing is loaded here: a command that only shows requests needs no gateway.
"""
