"""GitHub's audit log, of an organisation or an enterprise, by the mapping beside this file."""

from pathlib import Path

from ..mapping import load_mapping

SOURCE, EXAMPLES = load_mapping(Path(__file__).with_name("mapping.toml"))
