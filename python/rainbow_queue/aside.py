"""The folder aside: what a fetch has brought, each content whole and named by its digest, until all is in its place.

Its name is `.rainbow-fetch-JOB` beside where the files go, or the next of `.rainbow-fetch-JOB.2`, `.3` … where a file of the
job has that name, or something else is there. It is known as one by a link in it: no fetch ever writes a link, so none can
come to look like it. Removed is only what this module makes, by its names; and the folder where nothing else is in it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
from typing import IO, Collection, Optional, Set

try:
    import fcntl
except ImportError:
    # Without locks each fetch has a folder of its own, and begins anew in the next process.
    fcntl = None  # type: ignore[assignment]

DIGEST = re.compile(r"[0-9a-f]{64}")
_MARK, _FORMAT = "made-by", "rainbow-fetch 1"
_COMING, _ONE = "rainbow-fetch.coming", "rainbow-fetch.one"


class Aside:
    """Of one fetch at a time: another of the same job has a folder of its own meanwhile, which goes with it.

    `taken`: the job's own names in `to`, as `folded` gives them.
    """

    def __init__(self, to: str, job: int, taken: Collection[str]) -> None:
        place = _place(to, job, taken)
        self._path, self._lock = place, _locked(place)
        self._kept = self._lock is not None
        if self._kept:
            return
        # 1. It is whole before it has the name by which the next fetch finds it.
        self._path = tempfile.mkdtemp(prefix=f".rainbow-fetch-{job}-", dir=to)
        while folded(os.path.basename(self._path)) in taken:
            os.rmdir(self._path)
            self._path = tempfile.mkdtemp(prefix=f".rainbow-fetch-{job}-", dir=to)
        try:
            os.symlink(_FORMAT, self._inside(_MARK))
        except OSError:
            # Here are no links: it stays as it is, of this fetch alone.
            return
        self._lock = _locked(self._path)
        # 2. Another may have been faster: a folder that is there, and not empty, is not replaced.
        if self._lock is not None and not os.path.lexists(place):
            try:
                os.rename(self._path, place)
                self._path, self._kept = place, True
            except OSError:
                pass

    def come(self) -> Set[str]:
        """Digests of what an earlier fetch brought. What is not whole goes."""
        found = set()
        for name in self._made():
            if DIGEST.fullmatch(name) and is_content(self._inside(name), name):
                found.add(name)
            elif name != _MARK:
                os.unlink(self._inside(name))
        return found

    def create(self) -> IO[bytes]:
        return open(self._inside(_COMING), "wb")

    def keep(self, digest: str) -> None:
        os.replace(self._inside(_COMING), self._inside(digest))

    def copy(self, digest: str) -> str:
        own = self._inside(_ONE)
        # One from before may be a file's own already, under another name.
        if os.path.lexists(own):
            os.unlink(own)
        shutil.copyfile(self._inside(digest), own)
        return own

    def close(self, done: bool) -> None:
        """It stays where something whole is in it that the next fetch finds, unless all is `done`."""
        try:
            made = self._made()
            if done or not self._kept or not any(map(DIGEST.fullmatch, made)):
                # The mark goes last: what a kill leaves of it is known still.
                for name in sorted(made, key=lambda name: name == _MARK):
                    os.unlink(self._inside(name))
                os.rmdir(self._path)
        except OSError:
            # Something else is in it, and stays; or it cannot be removed, and the next fetch looks at it again.
            pass
        if self._lock is not None:
            os.close(self._lock)

    def _made(self) -> Set[str]:
        """Names of what this module made there, and no others."""
        return {
            name
            for name in os.listdir(self._path)
            if (name in (_MARK, _COMING, _ONE) or DIGEST.fullmatch(name)) and not _is_folder(self._inside(name))
        }

    def _inside(self, name: str) -> str:
        return os.path.join(self._path, name)


def is_aside(folder: str) -> bool:
    """Is it one that a fetch made?"""
    try:
        return os.readlink(os.path.join(folder, _MARK)) == _FORMAT
    except (OSError, NotImplementedError):
        return False


def folded(name: str) -> str:
    """Names that are one where a file system takes no heed of case."""
    return name.casefold()


def is_content(path: str, digest: str) -> bool:
    """Is it a plain file with these bytes?"""
    return not os.path.islink(path) and os.path.isfile(path) and _digest_of(path) == digest


def _place(to: str, job: int, taken: Collection[str]) -> str:
    for n in itertools.count(1):
        name = f".rainbow-fetch-{job}" + (f".{n}" if n > 1 else "")
        path = os.path.join(to, name)
        if folded(name) not in taken and (not os.path.lexists(path) or _is_ours(path)):
            return path
    raise AssertionError("names never end")


def _is_ours(path: str) -> bool:
    """What others may write in is not to be relied on."""
    if fcntl is None:
        return False
    try:
        there = os.lstat(path)
    except OSError:
        return False
    private = stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and stat.S_IMODE(there.st_mode) & 0o022 == 0
    return private and is_aside(path)


def _locked(path: str) -> Optional[int]:
    """Its lock; None where another fetch is at it, or it is not there, or not to be used."""
    if fcntl is None:
        return None
    lock = None
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have removed it meanwhile.
        if os.path.samestat(os.fstat(lock), os.lstat(path)) and _is_ours(path):
            return lock
    except OSError:
        pass
    if lock is not None:
        os.close(lock)
    return None


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _digest_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for data in iter(lambda: file.read(256 * 1024), b""):
            digest.update(data)
    return digest.hexdigest()
