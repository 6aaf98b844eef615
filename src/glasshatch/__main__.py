"""`python -m glasshatch` is the `glasshatch` command."""

from .cli import main

main()
