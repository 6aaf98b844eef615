"""Google Cloud's audit logs, by the mapping beside this file."""

from pathlib import Path

from ..mapping import load_mapping

SOURCE, EXAMPLES = load_mapping(Path(__file__).with_name("mapping.toml"))
