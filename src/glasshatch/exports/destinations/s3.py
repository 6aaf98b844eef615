"""A bucket of anything that speaks S3, through the client that comes with pyarrow."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from ...errors import ConfigError, GlasshatchError, Unavailable

_CONNECT_S = 5
_STALLED_S = 10
_STATUS = re.compile(r"HTTP (?:status|response code:?) (\d{3})", re.IGNORECASE)
_REASONS = (
    ("NO_SUCH_BUCKET", "there is no such bucket"),
    ("ACCESS_DENIED", "access was denied"),
    ("INVALID_ACCESS_KEY_ID", "the access key is not known there"),
    ("SIGNATURE_DOES_NOT_MATCH", "the secret key is not the access key's"),
    ("NETWORK_CONNECTION", "cannot be connected to"),
    ("SLOW_DOWN", "asks to be slower"),
)


class S3Store:
    """One bucket, below one prefix. The keys are read at each connection, which a refusal renews."""

    def __init__(
        self, bucket: str, prefix: str, keys: Callable[[], tuple[str, str]], *,
        endpoint: str = "", region: str = "", ca_file: str = "",
    ) -> None:  # fmt: skip
        """Nothing is contacted yet.

        Args:
            keys: The access key and its secret.
            endpoint: `http://host:port` or `https://host[:port]`; empty for Amazon's own.
        """
        self.where = f"s3://{bucket}/{prefix}".rstrip("/")
        self._root = "/".join(part for part in (bucket, prefix.strip("/")) if part)
        self._keys = keys
        self._endpoint = endpoint
        self._region = region
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._client: Any = None

    def put(self, name: str, data: bytes) -> None:
        """One object, which appears whole or not at all; its size is read back before this returns.

        Raises:
            Unavailable: It was not taken; says why, without a word of the answer's text.
            ConfigError: The keys cannot be read.
        """
        path = f"{self._root}/{name}"
        try:
            with self._lock:
                client = self._connected()
                stream = client.open_output_stream(
                    path,
                    # Left to itself, the client compresses what by its name is compressed already.
                    compression=None,
                    metadata={"Content-Type": "application/octet-stream"},
                )
                stream.write(data)
                stream.close()
                size = client.get_file_info(path).size
        except (OSError, ValueError) as error:
            # Keys may have been changed: the next try reads them anew.
            self._client = None
            raise Unavailable(_reason(str(error))) from None
        except GlasshatchError:
            raise
        if size != len(data):
            raise Unavailable(f"has {size} of {len(data)} bytes of an object")

    def _connected(self) -> Any:
        if self._client is None:
            from pyarrow import fs

            access, secret = self._keys()
            scheme, _, host = self._endpoint.rpartition("://")
            self._client = fs.S3FileSystem(
                access_key=access, secret_key=secret, region=self._region or "us-east-1",
                scheme=scheme or "https", endpoint_override=host or None, connect_timeout=_CONNECT_S,
                request_timeout=_STALLED_S, background_writes=False, allow_delayed_open=True,
                tls_ca_file_path=self._ca_file or None,
                # Tried again by the export, which says so, and not silently in here.
                retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
            )  # fmt: skip
        return self._client


def check_endpoint(endpoint: str, key: str, is_loopback: Callable[[str], bool]) -> None:
    """Refuse what would send the record in clear over a network; raises `ConfigError`."""
    scheme, _, host = endpoint.rpartition("://")
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    if not host or "/" in host or "@" in host or scheme not in ("http", "https"):
        raise ConfigError("is no endpoint", key=key, hint="https://host[:port]")
    if scheme == "http" and not is_loopback(name.strip("[]")):
        raise ConfigError("must be https, or http on loopback", key=key)


def _reason(text: str) -> str:
    """What went wrong, in our words: the client's text holds names and what the other side wrote."""
    for mark, reason in _REASONS:
        if mark in text:
            return reason
    found = _STATUS.search(text)
    return f"answered {found[1]}" if found else "did not take it"
