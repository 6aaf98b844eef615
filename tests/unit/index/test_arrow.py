"""What the index does not load."""

from __future__ import annotations

import subprocess
import sys

ROWS = """
import sys
from glasshatch.index.rows import rows
assert rows("default", [("default", 0, b"{}")]).num_rows == 1
sys.exit("pandas" in sys.modules)
"""


def test_rows_are_made_without_pandas() -> None:
    assert subprocess.run([sys.executable, "-c", ROWS], timeout=60, check=False).returncode == 0
