"""The demo: a real shop database, a real server, and a scripted day that is checked step by step."""

from .check import check_day
from .stage import Stage
from .up import run_demo

__all__ = ["Stage", "check_day", "run_demo"]
