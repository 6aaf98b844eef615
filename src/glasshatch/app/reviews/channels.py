"""The ways to people: a signed webhook, and whatever apprise knows (Slack, Teams, e-mail and many more)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ...clock import Clock
from ...detect import Webhook
from ...errors import ConfigError, Unavailable
from .notices import Channel, Notice
from .sections import NotifySection

if TYPE_CHECKING:
    from ..config import LoadedConfig

NOTICE_VERSION = 1


class WebhookChannel:
    """Posts a notice as signed JSON; the signature is that of alerts."""

    def __init__(self, name: str, section: NotifySection, webhook: Webhook) -> None:
        self.name, self.page = name, section.page
        self.kinds: tuple[str, ...] = section.kinds
        self._webhook = webhook

    def send(self, notice: Notice) -> None:
        """See `Channel`."""
        body = msgspec.json.encode({"version": NOTICE_VERSION, **msgspec.structs.asdict(notice)})
        self._webhook.send(body, f"{notice.kind}-{notice.id}-{self.name}")


class AppriseChannel:
    """Hands a notice to apprise. Its address holds a secret, and is read at each delivery."""

    def __init__(self, name: str, section: NotifySection, address: Callable[[], str]) -> None:
        """Raises `ConfigError` if apprise is not installed, or knows no such address."""
        self.name, self.page = name, section.page
        self.kinds: tuple[str, ...] = section.kinds
        self._address = address
        self._open()

    def send(self, notice: Notice) -> None:
        """See `Channel`."""
        if not self._open().notify(title=notice.title, body=notice.text()):
            raise Unavailable("it was not delivered")

    def _open(self) -> Any:
        try:
            from apprise import Apprise
        except ModuleNotFoundError:
            raise ConfigError(
                "apprise is not installed",
                key=f"notify.{self.name}.type",
                hint="pip install 'glasshatch[notify]'",
            ) from None
        found = Apprise()
        if not found.add(self._address()):
            # The address itself is not shown: it is a secret.
            raise ConfigError("is no address that apprise knows", key=f"notify.{self.name}.url")
        return found


def open_channels(loaded: LoadedConfig, clock: Clock) -> list[Channel]:
    """The channels of a configuration; raises `ConfigError` for one that cannot be used."""
    return [_open(loaded, name, section, clock) for name, section in loaded.config.notify.items()]


def _open(loaded: LoadedConfig, name: str, section: NotifySection, clock: Clock) -> Channel:
    from ..config import read_secret

    file, key = str(loaded.file), f"notify.{name}"
    if section.type == "apprise":
        whole = loaded.reference(section.url)
        return AppriseChannel(name, section, lambda: read_secret(whole, key=f"{key}.url", file=file))
    if not section.secret:
        raise ConfigError("a webhook needs a secret", file=file, key=f"{key}.secret", hint="env:NAME")
    secret = loaded.reference(section.secret)

    def read() -> bytes:
        return read_secret(secret, key=f"{key}.secret", file=file).encode()

    read()  # once now, so that a missing secret stops the start and not the first request at 3 a.m.
    return WebhookChannel(name, section, Webhook(name, section.url, read, clock, section="notify"))
