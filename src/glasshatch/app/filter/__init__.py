"""The filter: lines in, lines without personal data and secrets out; needs no data directory."""

from .choices import Choices, read_choices
from .lines import LONGEST_LINE_BYTES, Batch, read_lines
from .masks import LineFilter, Problem

__all__ = ["LONGEST_LINE_BYTES", "Batch", "Choices", "LineFilter", "Problem", "read_choices", "read_lines"]
