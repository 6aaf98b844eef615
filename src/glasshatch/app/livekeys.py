"""The keyring as it is now, for the back: the front changes it, and nobody is restarted for that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ..errors import GlasshatchError
from ..keys import Keyring
from ..masking import Engine, MaskingPolicy, Redactor, Tokens
from .config import LoadedConfig, load_config
from .home import Home
from .opening import load_masking, make_tokens, open_keyring
from .subjects import subject_tokens


class LiveKeyring:
    """Read again whenever its file was replaced; from any thread.

    If it cannot be read again, the keys that are known stay: none of them ever becomes another.
    """

    def __init__(self, loaded: LoadedConfig, engine: Engine, failed: Callable[[BaseException], None]) -> None:
        self._file = loaded.file
        self._path = Home(loaded.data).keyring(loaded.config.tenant)
        self._engine = engine
        self._masking = load_masking(loaded)
        self._failed = failed
        self._lock = threading.Lock()
        # Looked at before it is read: a change in between is then read again.
        self._seen = self._stamp()
        self._take(open_keyring(loaded))

    def page_key(self) -> bytes:
        """The key that seals the page's cookies now."""
        self._look()
        return self._keyring.page_key

    def redact(self, text: str) -> str:
        """A text as it would be recorded now."""
        self._look()
        return self._redactors[0].text(text)[0]

    def older(self) -> Sequence[Callable[[str], str]]:
        """How texts were redacted under each earlier token key."""
        self._look()
        return [redacting(one) for one in self._redactors[1:]]

    def subjects(self, subject: str) -> tuple[str, ...]:
        """The tokens of a data subject under every key there is; its value goes no further."""
        self._look()
        redactors = self._redactors
        return subject_tokens(subject, redactors[0].tokens, [redacting(one) for one in redactors])

    def _look(self) -> None:
        if self._stamp() == self._seen:
            return
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            try:
                # The configuration too: after a rewrap it names another master key.
                self._take(open_keyring(load_config(self._file)))
            except GlasshatchError as error:
                self._failed(error)
            self._seen = stamp

    def _take(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._redactors = redactors_of(self._engine, keyring, self._masking)

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0)
        return status.st_ino, status.st_mtime_ns


def redactors_of(engine: Engine, keyring: Keyring, masking: MaskingPolicy) -> list[Redactor]:
    """One redactor for each token key and each way in which the record keeps values, the one in use first."""
    now = make_tokens(keyring)
    older = [
        Tokens({epoch: key}, epoch, keyring.tenant)
        for epoch, key in sorted(keyring.token_keys.items(), reverse=True)
        if epoch != keyring.token_epoch
    ]
    # What some feed keeps in clear is looked for in clear too.
    views = [view for view in masking.stored_views() if not view.empty]
    return [
        one
        for tokens in (now, *older)
        for plain in [Redactor(engine, tokens)]
        for one in (plain, *(plain.met_by(view) for view in views))
    ]


def redacting(redactor: Redactor) -> Callable[[str], str]:
    """What a redactor does to a text."""
    return lambda text: redactor.text(text)[0]
