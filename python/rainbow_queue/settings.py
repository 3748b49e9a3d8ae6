"""What a client goes by: argument over environment over configuration file over default, as on the command line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Iterable, Optional, Tuple, Union

from rainbow_queue.channel import Tls
from rainbow_queue.config import RainbowConfig
from rainbow_queue.errors import InvalidInputError

DEFAULT_PORT = 50051
DEFAULT_HOST = f"localhost:{DEFAULT_PORT}"


@dataclass(frozen=True)
class Settings:
    cfg: RainbowConfig
    # The file of `cfg`; the user's own need not exist.
    config_path: str
    # NAME:PORT of each; servers on one database.
    hosts: Tuple[str, ...]
    tls: Union[bool, Tls]


def read_settings(
    host: Union[None, str, Iterable[str]], config_file: Optional[str], use_ssl: Union[None, bool, Tls]
) -> Settings:
    """The file: the one named, else RAINBOW_CONFIG, else the user's own, if it is there.

    Raises InvalidInputError for a file that is named and not there, or holds no configuration, and for a host that is none.
    """
    given = config_file or _given("RAINBOW_CONFIG")
    if given and not os.path.exists(given):
        raise InvalidInputError(
            f"there is no configuration file {given}; make one with: rainbow config init --config-path {given}"
        )
    path = given or os.path.join(config_folder(), "config.yaml")
    cfg = RainbowConfig(path)
    named = host if host is None or isinstance(host, str) else ",".join(host)
    where = named or _given("RAINBOW_HOST") or cfg.host or DEFAULT_HOST
    return Settings(cfg, path, server_addresses(where), _tls() if use_ssl is None else use_ssl)


def config_folder() -> str:
    """Where a user's own settings are."""
    folder = _given("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(folder, "rainbow")


def server_addresses(hosts: str) -> Tuple[str, ...]:
    """One address, or several with commas between; each once."""
    return tuple(dict.fromkeys(server_address(host.strip()) for host in hosts.split(",")))


def server_address(host: str) -> str:
    """HOST, HOST:PORT, [IPV6]:PORT or :PORT (this machine) as NAME:PORT."""
    found = re.fullmatch(r"(?:(\[[0-9a-fA-F:.%\w]+\])|([^:\[\]/\s]*))(?::(\d{1,5}))?", host)
    port = DEFAULT_PORT if found is None or found.group(3) is None else int(found.group(3))
    if found is None or host == "" or not 0 < port <= 65_535:
        hint = " without http://" if re.match(r"https?://", host) else ""
        raise InvalidInputError(f'"{host}" is no server address: write HOST:PORT{hint}, e.g. {DEFAULT_HOST}')
    return f"{found.group(1) or found.group(2) or 'localhost'}:{port}"


def _tls() -> Union[bool, Tls]:
    ca, cert, key = _given("RAINBOW_CA_CERT"), _given("RAINBOW_CERT"), _given("RAINBOW_CERT_KEY")
    return False if ca is None and cert is None and key is None else Tls(ca=ca, cert=cert, key=key)


def _given(name: str) -> Optional[str]:
    return os.environ.get(name) or None
