"""How the server is reached: plaintext, or TLS with or without a certificate of one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

import grpc

# The server's own limit on one message.
_LARGEST = 64 * 1024 * 1024
_OPTIONS: List[Tuple[str, Any]] = [
    ("grpc.max_send_message_length", _LARGEST),
    ("grpc.max_receive_message_length", _LARGEST),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
# Where there are others to ask, one that swallows connections is given up after so long.
_SEVERAL_OPTIONS: List[Tuple[str, Any]] = [("grpc.min_reconnect_backoff_ms", 2_000)]


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files. Without `ca` the system's certificates count; `cert` and `key` come together."""

    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    # The name in the server's certificate, where it is not that of the host.
    server_name: Optional[str] = None


def open_channel(host: str, tls: Union[bool, Tls], several: bool = False) -> grpc.Channel:
    """Connects with the first call. several: it is one of them. Raises OSError where a file cannot be read."""
    credentials, options = _how(host, tls, several)
    if credentials is None:
        return grpc.insecure_channel(host, options=options)
    return grpc.secure_channel(host, credentials, options=options)


def open_async_channel(host: str, tls: Union[bool, Tls], several: bool = False) -> Any:
    """The same for asyncio (grpc.aio.Channel)."""
    credentials, options = _how(host, tls, several)
    if credentials is None:
        return grpc.aio.insecure_channel(host, options=options)
    return grpc.aio.secure_channel(host, credentials, options=options)


def _how(
    host: str, tls: Union[bool, Tls], several: bool
) -> Tuple[Optional[grpc.ChannelCredentials], List[Tuple[str, Any]]]:
    # Loopback is never reached through a proxy, whatever the environment says.
    is_loopback = re.match(r"(localhost|127\.[\d.]+|\[::1\]):", host) is not None
    options = [*_OPTIONS, *(_SEVERAL_OPTIONS if several else []), *([("grpc.enable_http_proxy", 0)] if is_loopback else [])]
    if tls is False:
        return None, options
    files = Tls() if tls is True else tls
    if (files.cert is None) != (files.key is None):
        raise ValueError("tls: cert and key come together")
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(files.ca), private_key=_read(files.key), certificate_chain=_read(files.cert)
    )
    name = [] if files.server_name is None else [("grpc.ssl_target_name_override", files.server_name)]
    return credentials, [*options, *name]


def _read(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
