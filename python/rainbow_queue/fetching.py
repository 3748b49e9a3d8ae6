"""The files that a job left behind: listed, brought whole into a folder aside, then each put in its place."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from typing import Any, Dict, List

from rainbow_queue.answers import Fetched
from rainbow_queue.call import FILES
from rainbow_queue.errors import AbortedError, AlreadyExistsError, InternalError
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
        try:
            os.makedirs(to, exist_ok=True)
        except FileExistsError:
            raise AlreadyExistsError(f"{to} is no folder: name another to fetch into") from None
        self._to = os.path.realpath(to)
        self._aside = tempfile.mkdtemp(prefix=".rainbow-fetch-", dir=self._to)
        self._entries: List[Any] = []
        self._files: List[str] = []
        self._notes: List[str] = []
        self._digests: Dict[str, Any] = {}

    def list_request(self) -> Any:
        return files_pb2.ListFilesRequest(job_id=self._job, epoch=self._attempt)

    def listed(self, page: Any) -> None:
        self._attempt = page.epoch or self._attempt
        self._entries.extend(page.files)
        self._files.extend(entry.path for entry in page.files)
        self._notes.extend(page.notes)

    def wanted(self) -> bool:
        """Is there anything to bring? Raises AlreadyExistsError where another file, or no folder, is in the way."""
        wanted = []
        for entry in self._entries:
            target = self._target(entry.path)
            if not os.path.lexists(target):
                wanted.append(entry)
            elif os.path.islink(target) or not os.path.isfile(target) or _digest_of(target) != entry.sha256:
                raise AlreadyExistsError(
                    f"nothing was fetched: something else is at {target}; remove it, or name another folder"
                )
        self._entries = wanted
        return len(wanted) > 0

    def download_request(self) -> Any:
        digests = sorted({entry.sha256 for entry in self._entries})
        return files_pb2.DownloadFilesRequest(job_id=self._job, epoch=self._attempt, sha256=digests)

    def came(self, piece: Any) -> None:
        if piece.sha256 not in {entry.sha256 for entry in self._entries}:
            raise InternalError("the server sent a file that nobody asked for")
        with open(os.path.join(self._aside, piece.sha256), "ab") as file:
            file.write(piece.data)
        self._digests.setdefault(piece.sha256, hashlib.sha256()).update(piece.data)

    def placed(self) -> Fetched:
        """Puts them there."""
        for entry in self._entries:
            digest = self._digests.get(entry.sha256)
            if digest is None or digest.hexdigest() != entry.sha256:
                raise AbortedError(f"{entry.path} did not come whole: fetch again")
        own = os.path.join(self._aside, "one")
        mask = os.umask(0)
        os.umask(mask)
        for entry in self._entries:
            target = self._target(entry.path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(self._aside, entry.sha256), own)
            os.chmod(own, (0o777 if entry.executable else 0o666) & ~mask)
            try:
                os.link(own, target)
            except FileExistsError:
                raise AlreadyExistsError(f"{target} came to be there meanwhile: remove it, and fetch again") from None
            os.unlink(own)
        written = [entry.path for entry in self._entries]
        return Fetched(self._attempt, self._files, written, self._notes)

    def end(self) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)

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
        return os.path.join(folder, parts[-1])


def _digest_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for data in iter(lambda: file.read(256 * 1024), b""):
            digest.update(data)
    return digest.hexdigest()
