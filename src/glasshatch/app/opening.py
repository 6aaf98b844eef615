"""What a configuration names, opened: the keys, the detectors, the rules of masking.

A process that needs only these is spared the rest of the house, above all the control store.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from ..keys import Keyring, MasterKey, open_master_key
from ..masking import Engine, MaskingPolicy, Tokens
from .config import LoadedConfig
from .home import Home


def open_keyring(loaded: LoadedConfig) -> Keyring:
    """The tenant's keys, under the configured master key."""
    return Keyring.open(Home(loaded.data).keyring(loaded.config.tenant), open_master(loaded))


def open_master(loaded: LoadedConfig) -> MasterKey:
    """The configured master key."""
    return open_master_key(loaded.reference(loaded.config.keys.master))


def load_engine(loaded: LoadedConfig) -> Engine:
    """The detectors of the configuration, compiled once and cached."""
    masking = loaded.config.masking
    packs = [loaded.path(pack) for pack in masking.user_packs]
    for pack in packs:
        if not pack.is_file():
            raise ConfigError(f"{pack} is not a file", file=str(loaded.file), key="masking.user_packs")
    return Engine.load(packs=masking.packs, user_packs=packs, cache_dir=Home(loaded.data).cache)


def load_masking(loaded: LoadedConfig) -> MaskingPolicy:
    """The masking rules: those of the configuration, then those of the file it names."""
    section = loaded.config.masking
    more = MaskingPolicy.load(loaded.path(section.policy)) if section.policy else MaskingPolicy()
    return MaskingPolicy((*section.rules, *more.rules), (*section.stored, *more.stored))


def make_tokens(keyring: Keyring) -> Tokens:
    """The tenant's pseudonyms."""
    return Tokens(keyring.token_keys, keyring.token_epoch, keyring.tenant)


def config_of(directory: Path) -> Path:
    """The configuration file of a data directory."""
    return Home(directory).config_file
