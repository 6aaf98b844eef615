"""`glasshatch serve`: a supervisor over two processes, the front (way in, record) and the back (use).

Only the supervisor is imported here; each part is imported by the process that runs it.
"""

from .part import run_part
from .supervisor import Part, serve_forever

__all__ = ["Part", "run_part", "serve_forever"]
