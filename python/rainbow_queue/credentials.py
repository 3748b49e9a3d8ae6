"""Which names and tokens a call presents.

One wrong token fails the whole call, so only what the call needs is sent: everything that the configuration has, or
what `clusters` and `groups` name.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from rainbow_queue.config import RainbowConfig
from rainbow_queue.errors import FailedPreconditionError, InvalidInputError
from rainbow_queue.options import MatchOptions
from rainbow_queue.protos.v1 import jobs_pb2

Entries = List[Dict[str, str]]


def credentials(cfg: RainbowConfig, wanted: MatchOptions, optional: bool) -> Tuple[List[Any], str]:
    """Messages, and for a denied call what was sent. `optional`: none at all will do.

    Raises FailedPreconditionError where a token is missing.
    """
    file = cfg.config_file or "the configuration"
    entries = _entries(cfg, wanted, optional, file)
    names = ", ".join(entry["name"] for entry in entries)
    carried = (
        f"the token given for {names}" if wanted.get("token") else f"the tokens of {file}, which were sent: {names}"
    )
    if len(entries) > 1:
        carried += "; one wrong token among them is enough, and clusters=[…] sends only what it names"
    messages = [jobs_pb2.Credential(name=entry["name"], token=entry["token"]) for entry in entries]
    return messages, carried if entries else ""


def _entries(cfg: RainbowConfig, wanted: MatchOptions, optional: bool, file: str) -> Entries:
    clusters, groups, token = wanted.get("clusters"), wanted.get("groups"), wanted.get("token")
    if not isinstance(token, (str, type(None))):
        raise InvalidInputError("token: it is no text")
    if token:
        names = [*(clusters or ()), *(groups or ())]
        if not names:
            raise InvalidInputError("token: whose is it? Say so with clusters=[…] or groups=[…]")
        return [{"name": name, "token": token} for name in names]
    own, of_groups = cfg.get_clusters(), cfg.get_groups()
    if groups is not None:
        missing = [name for name in groups if all(entry["name"] != name for entry in of_groups)]
        if missing:
            raise _no_token("group", missing[0], file)
        return [entry for entry in of_groups if entry["name"] in groups]
    if clusters is not None:
        found = [entry for entry in own if entry["name"] in clusters]
        missing = [name for name in clusters if all(entry["name"] != name for entry in found)]
        if not missing:
            return found
        # What has no token of its own may be in a group.
        if of_groups or optional:
            return [*found, *of_groups]
        raise _no_token("cluster", missing[0], file)
    if not own and not of_groups and not optional:
        raise FailedPreconditionError(
            f"there is no cluster that you may submit to: {file} has no tokens; put those that you were given under "
            '"clusters" or "groups" there (docs/authentication.md), or give clusters=["NAME"], token="…"'
        )
    return [*own, *of_groups]


def _no_token(kind: str, name: str, file: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f'there is no token for {kind} {name} in {file}; put it there under "{kind}s", or give token="…"'
    )
