"""The way to an identity provider: HTTPS, or HTTP on this machine; no redirect, no proxy, little time,
bounded answers. What it says is never put into an error.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
from urllib.parse import urlencode, urlsplit

from ... import __version__
from ...errors import ConfigError, Unavailable
from ...identity.openid import Form

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 1 << 20


class ProviderWeb:
    """Fills the port `identity.openid.Web`. From any thread; a connection for each question."""

    def __init__(self, ca_file: str = "", *, file: str = "") -> None:
        """ca_file: certificates to trust instead of the machine's.

        Raises:
            ConfigError: The file cannot be read.
        """
        try:
            self._tls = ssl.create_default_context(cafile=ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"cannot be read: {type(error).__name__}", file=file, key="identity.oidc.ca"
            ) from None
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def get(self, address: str, bearer: str = "") -> tuple[int, bytes]:
        """Status and body.

        Raises:
            Unavailable: Nothing came back in time, or too much.
        """
        return self._exchange("GET", address, {"Authorization": f"Bearer {bearer}"} if bearer else {}, None)

    def post(self, address: str, form: Form, basic: tuple[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body.

        Raises:
            Unavailable: As `get`.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode("ascii")
        return self._exchange("POST", address, headers, urlencode(form).encode())

    def _exchange(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        url = urlsplit(address)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        told = {"Accept": "application/json", "User-Agent": f"glasshatch/{__version__}", **headers}
        try:
            with contextlib.closing(self._connection(url.scheme, url.hostname or "", url.port)) as connection:
                connection.request(method, path, body, told)
                answer = connection.getresponse()
                data = answer.read(_MOST_BYTES + 1)
        except ssl.SSLCertVerificationError:
            raise Unavailable(
                "the identity provider's certificate is not trusted",
                hint="identity.oidc.ca names authorities",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(
                f"the identity provider cannot be reached: {_reason(error)}",
                hint="who is signed in stays so; try again when it is back",
            ) from None
        if len(data) > _MOST_BYTES:
            raise Unavailable("the identity provider's answer is too large")
        return answer.status, data

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
