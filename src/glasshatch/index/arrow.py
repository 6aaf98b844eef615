"""pyarrow, kept from loading pandas, which would cost every start 0.4 s and some 40 MB."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder

import pyarrow as pa

__all__ = ["pa"]


class _NoPandas(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def _settle_without_pandas() -> None:
    # pyarrow looks for pandas once, at the first array it makes, and holds to what it found. chDB brings
    # pandas with it, and nothing here uses it.
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([""])
    finally:
        sys.meta_path.remove(finder)


_settle_without_pandas()
