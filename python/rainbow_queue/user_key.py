"""The user key: who owns the jobs that are submitted from here. The command line and this package share it.

Made on first use and kept in `$XDG_CONFIG_HOME/rainbow/key` (else `~/.config/rainbow/key`) for the user alone;
`RAINBOW_KEY` overrides it.
"""

from __future__ import annotations

import base64
import os
import re
import secrets

from rainbow_queue.errors import FailedPreconditionError, InvalidInputError
from rainbow_queue.settings import config_folder

_KEY = re.compile(r"rbu_[A-Za-z0-9_-]{43}")


def user_key() -> str:
    """Raises InvalidInputError where what is there is no key, FailedPreconditionError where it cannot be kept."""
    given = os.environ.get("RAINBOW_KEY")
    if given:
        return _checked(given, "RAINBOW_KEY")
    path = os.path.join(config_folder(), "key")
    try:
        if not os.path.exists(path):
            _make(path)
        with open(path, encoding="utf-8") as file:
            return _checked(file.read().strip(), path)
    except OSError as error:
        raise FailedPreconditionError(
            f"your user key cannot be kept in {path} ({error.strerror}); make that folder writable, or set RAINBOW_KEY"
        ) from error


def _make(path: str) -> None:
    key = "rbu_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = f"{path}.{os.getpid()}.{secrets.token_hex(4)}.part"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(key + "\n")
    try:
        # Unlike a rename, a link does not replace: of two that begin at once, one key wins, for both.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


def is_user_key(key: str) -> bool:
    """What is none, and is shown as a key, is an operator's: the server's secret."""
    return _KEY.fullmatch(key) is not None


def _checked(key: str, where: str) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidInputError(f"{where} holds no user key: a key is rbu_ and 43 letters, digits, - or _")
    return key
