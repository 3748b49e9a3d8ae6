"""Files that go along with a job: found and measured here, sent where the server has them not."""

from __future__ import annotations

import hashlib
import os
from os import PathLike
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Union

from rainbow_queue.errors import InvalidInputError
from rainbow_queue.protos.v1 import files_pb2

# Bytes of one message.
_PIECE = 256 * 1024


class LocalFile(NamedTuple):
    source: str
    # A FileEntry.
    entry: Any


def find_staged(named: Iterable[Union[str, "PathLike[str]"]]) -> List[LocalFile]:
    """A file goes along under its own name, a folder with all in it under its own, `folder/` without it.

    Raises InvalidInputError before anything is read, where one is not there, no plain file, a link that leads out of
    the folder named, or in another's place.
    """
    found: Dict[str, str] = {}
    for each in named:
        if not isinstance(each, (str, os.PathLike)):
            raise _wrong(f"{each!r} is no path")
        given = os.fspath(each)
        root = "" if given == "" or "\0" in given else os.path.realpath(given)
        if not os.path.exists(root):
            raise _wrong(f"there is no file or folder {given or repr(given)}")
        name = "" if given.endswith("/") or os.path.basename(given) == "." else os.path.basename(os.path.abspath(given))
        if not os.path.isdir(root):
            _add(found, os.path.basename(os.path.abspath(given)), root)
            continue
        for folder, folders, files in os.walk(root, onerror=_raise):
            for inner in (*files, *(each for each in folders if os.path.islink(os.path.join(folder, each)))):
                source = os.path.join(folder, inner)
                real = os.path.realpath(source)
                if os.path.commonpath([root, real]) != root:
                    raise _wrong(f"{source} is a link that leads out of {root}, to {real}: stage that by itself")
                path = os.path.join(name, os.path.relpath(source, root)).replace(os.sep, "/")
                _add(found, path, real)
    return [LocalFile(found[path], _measure(path, found[path])) for path in sorted(found)]


def upload(files: List[LocalFile], missing: Iterable[str], shown: List[Any]) -> Iterator[Any]:
    """The messages that bring those contents, each once. A file that became another is refused by the server."""
    wanted = set(missing)
    for source, entry in files:
        if entry.sha256 not in wanted:
            continue
        wanted.discard(entry.sha256)
        # What opens a cluster is shown once, at the beginning.
        yield files_pb2.UploadFilesRequest(file=entry, credentials=shown)
        shown = []
        left = entry.size
        with open(source, "rb") as file:
            while left > 0:
                data = file.read(min(_PIECE, left))
                if not data:
                    return
                left -= len(data)
                yield files_pb2.UploadFilesRequest(data=data)


def _add(found: Dict[str, str], path: str, source: str) -> None:
    if not os.path.isfile(source):
        hint = ", but a link to a folder: stage that folder by itself" if os.path.isdir(source) else ""
        raise _wrong(f"{source} is no plain file{hint}")
    if found.setdefault(path, source) != source:
        raise _wrong(f"{found[path]} and {source} would both be {path}: rename one, or stage the folder above them")


def _measure(path: str, source: str) -> Any:
    digest, size = hashlib.sha256(), 0
    try:
        with open(source, "rb") as file:
            executable = bool(os.fstat(file.fileno()).st_mode & 0o100)
            for data in iter(lambda: file.read(_PIECE), b""):
                digest.update(data)
                size += len(data)
    except OSError as error:
        raise _unread(error, source) from error
    return files_pb2.FileEntry(path=path, size=size, executable=executable, sha256=digest.hexdigest())


def _raise(error: OSError) -> None:
    raise _unread(error, error.filename) from error


def _unread(error: OSError, path: Any) -> InvalidInputError:
    return _wrong(f"{path} cannot be read: {error.strerror}")


def _wrong(message: str) -> InvalidInputError:
    return InvalidInputError(f"stage_in: {message}; nothing was submitted")
