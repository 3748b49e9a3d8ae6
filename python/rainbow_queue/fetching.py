"""The files that a job left behind: listed, brought whole into a folder aside, then each put in its place.

A fetch that did not come to its end leaves in the folder aside (aside.py) what has come, by digest; the next one, of this
process or of another, looks at it again and asks only for the rest. Nothing has its own name before it is whole and its
digest is right; what `written` names is there; nothing that was there before is touched.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from typing import IO, Any, Dict, List, Optional

from rainbow_queue.answers import Fetched
from rainbow_queue.aside import DIGEST, Aside, folded, is_aside, is_content
from rainbow_queue.call import FILES
from rainbow_queue.errors import AbortedError, AlreadyExistsError, FailedPreconditionError, InternalError
from rainbow_queue.protos.v1 import files_pb2

LIST = FILES + "List"
DOWNLOAD = FILES + "Download"
ListFilesResponse = files_pb2.ListFilesResponse
DownloadFilesResponse = files_pb2.DownloadFilesResponse


class Fetching:
    """Of one job, into `to`. Nothing that is there is overwritten; a file with the same contents is left as it is."""

    def __init__(self, job: int, attempt: int, to: str) -> None:
        self._job = job
        self._attempt = attempt
        if os.path.exists(to) and not os.path.isdir(to):
            raise AlreadyExistsError(f"{to} is no folder: name another to fetch into")
        self._to = os.path.realpath(to)
        self._aside: Optional[Aside] = None
        self._entries: List[Any] = []
        self._files: List[str] = []
        self._notes: List[str] = []
        # Of each content that is to come: its bytes.
        self._lacking: Dict[str, int] = {}
        self._coming: Optional[_Coming] = None
        self._done = False

    def list_request(self) -> Any:
        """Of all of it, also where a part of the list came before."""
        self._entries, self._files, self._notes = [], [], []
        return files_pb2.ListFilesRequest(job_id=self._job, epoch=self._attempt)

    def listed(self, page: Any) -> None:
        self._attempt = page.epoch or self._attempt
        for entry in page.files:
            # It is a file's name here, as the path is; a server is not trusted with where anything goes.
            if DIGEST.fullmatch(entry.sha256) is None or entry.size < 0:
                raise InternalError(f"the server names {entry.path!r} with a digest or size that is none")
        self._entries.extend(page.files)
        self._files.extend(entry.path for entry in page.files)
        self._notes.extend(page.notes)

    def look(self) -> None:
        """What is here already: in its place, or aside from an earlier fetch.

        Raises AlreadyExistsError where another file, or no folder, is in the way, and FailedPreconditionError where a
        name cannot be had here; then nothing has been done.
        """
        try:
            os.makedirs(self._to, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise AlreadyExistsError(f"{error.filename} is no folder: name another to fetch into") from None
        for folder in pathlib.PurePath(self._to, "in it").parents:
            self._check_aside(str(folder))
        wanted = []
        for entry in self._entries:
            target = self._target(entry.path)
            self._check_names(entry.path, target)
            if not os.path.lexists(target):
                wanted.append(entry)
            elif not is_content(target, entry.sha256):
                raise AlreadyExistsError(
                    f"nothing was fetched: something else is at {target}; remove it, or name another folder"
                )
        self._entries = wanted
        self._lacking = {entry.sha256: entry.size for entry in wanted}
        if wanted:
            taken = {folded(path.split("/")[0]) for path in self._files}
            self._aside = Aside(self._to, self._job, taken)
            for digest in self._aside.come():
                self._lacking.pop(digest, None)

    def lacking(self) -> int:
        """How many contents are still to come."""
        return len(self._lacking)

    def download_request(self) -> Any:
        """Of what is still to come: a content that broke off comes from its beginning."""
        self._drop()
        return files_pb2.DownloadFilesRequest(job_id=self._job, epoch=self._attempt, sha256=sorted(self._lacking))

    def came(self, piece: Any) -> None:
        assert self._aside is not None
        digest = piece.sha256
        size = self._lacking.get(digest)
        if size is None:
            raise InternalError("the server sent a file that nobody asked for")
        if self._coming is None or self._coming.digest != digest:
            self._drop()
            self._coming = _Coming(digest, size, self._aside.create())
        if self._coming.take(piece.data):
            self._coming.end()
            self._coming = None
            self._aside.keep(digest)
            del self._lacking[digest]

    def unfinished(self) -> AbortedError:
        """The server ends its answers before all has come."""
        some = next(entry.path for entry in self._entries if entry.sha256 in self._lacking)
        return AbortedError(f"{some} did not come whole: fetch again; what has come is kept")

    def placed(self) -> Fetched:
        """Puts them there."""
        written = []
        mask = os.umask(0)
        os.umask(mask)
        for entry in self._entries:
            target = self._target(entry.path)
            try:
                if self._put(entry, target, mask):
                    written.append(entry.path)
            except OSError as error:
                raise FailedPreconditionError(
                    f"{target} cannot be written ({error.strerror}): mend that, and fetch again"
                ) from error
        self._done = True
        return Fetched(self._attempt, self._files, written, self._notes)

    def end(self) -> None:
        """However it ended; may be said again. What has come stays for the next fetch, unless all is in its place."""
        self._drop()
        aside, self._aside = self._aside, None
        if aside is not None:
            aside.close(self._done)

    def _put(self, entry: Any, target: str, mask: int) -> bool:
        """Is it there now, and was not?"""
        assert self._aside is not None
        os.makedirs(os.path.dirname(target), exist_ok=True)
        # Several files may share one content: each is a file of its own.
        own = self._aside.copy(entry.sha256)
        os.chmod(own, (0o777 if entry.executable else 0o666) & ~mask)
        try:
            os.link(own, target)
        except FileExistsError:
            if not is_content(target, entry.sha256):
                raise AlreadyExistsError(f"{target} came to be there meanwhile: remove it, and fetch again") from None
            return False
        finally:
            os.unlink(own)
        return True

    def _drop(self) -> None:
        if self._coming is not None:
            self._coming.end()
            self._coming = None

    def _target(self, path: str) -> str:
        """Within the folder, whatever a server says, and through no link."""
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
            raise InternalError(f"the server names a file {path!r}, which leads out of the folder")
        folder = self._to
        for part in parts[:-1]:
            folder = os.path.join(folder, part)
            if os.path.lexists(folder) and (os.path.islink(folder) or not os.path.isdir(folder)):
                raise AlreadyExistsError(f"{folder} is no folder here, and the job has files in one of that name")
            self._check_aside(folder)
        return os.path.join(folder, parts[-1])

    def _check_aside(self, folder: str) -> None:
        """Files that went there would go with it."""
        if is_aside(folder):
            raise AlreadyExistsError(
                f"{folder} is where a fetch keeps what has come: bring that fetch to its end, or name another folder"
            )

    def _check_names(self, path: str, target: str) -> None:
        """May they be too long, or have letters that are none here? It is known only where a folder is to look in."""
        try:
            for name in (*path.split("/"), path):
                try:
                    os.lstat(os.path.join(self._to, name))
                except (FileNotFoundError, NotADirectoryError):
                    pass
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise FailedPreconditionError(
                f"nothing was fetched: {target} cannot be written here ({why}): name another folder, on a file system "
                "that takes it, or let the job give it another name"
            ) from None


class _Coming:
    """One content on its way into a file."""

    def __init__(self, digest: str, size: int, file: IO[bytes]) -> None:
        self.digest = digest
        self._left = size
        self._file = file
        self._hash = hashlib.sha256()

    def take(self, data: bytes) -> bool:
        """Is it whole? Raises AbortedError where it is not what it was to be."""
        self._left -= len(data)
        self._file.write(data)
        self._hash.update(data)
        if self._left > 0:
            return False
        if self._left < 0 or self._hash.hexdigest() != self.digest:
            raise AbortedError(
                f"a content came with other bytes than those of its digest {self.digest}: fetch again; what has come is kept"
            )
        return True

    def end(self) -> None:
        self._file.close()
