from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FileEntry(_message.Message):
    __slots__ = ("path", "size", "executable", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    size: int
    executable: bool
    sha256: str
    def __init__(self, path: _Optional[str] = ..., size: _Optional[int] = ..., executable: bool = ..., sha256: _Optional[str] = ...) -> None: ...

class Holder(_message.Message):
    __slots__ = ("cluster", "secret", "job_id", "epoch")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    job_id: int
    epoch: int
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., job_id: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class FileCredential(_message.Message):
    __slots__ = ("name", "token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    token: str
    def __init__(self, name: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class MissingFilesRequest(_message.Message):
    __slots__ = ("holder", "files", "stage_out", "credentials")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    STAGE_OUT_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    holder: Holder
    files: _containers.RepeatedCompositeFieldContainer[FileEntry]
    stage_out: _containers.RepeatedScalarFieldContainer[str]
    credentials: _containers.RepeatedCompositeFieldContainer[FileCredential]
    def __init__(self, holder: _Optional[_Union[Holder, _Mapping]] = ..., files: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ..., stage_out: _Optional[_Iterable[str]] = ..., credentials: _Optional[_Iterable[_Union[FileCredential, _Mapping]]] = ...) -> None: ...

class MissingFilesResponse(_message.Message):
    __slots__ = ("sha256", "most_files", "most_bytes", "most_file_bytes")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MOST_FILES_FIELD_NUMBER: _ClassVar[int]
    MOST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MOST_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    sha256: _containers.RepeatedScalarFieldContainer[str]
    most_files: int
    most_bytes: int
    most_file_bytes: int
    def __init__(self, sha256: _Optional[_Iterable[str]] = ..., most_files: _Optional[int] = ..., most_bytes: _Optional[int] = ..., most_file_bytes: _Optional[int] = ...) -> None: ...

class UploadFilesRequest(_message.Message):
    __slots__ = ("holder", "file", "data", "credentials")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    holder: Holder
    file: FileEntry
    data: bytes
    credentials: _containers.RepeatedCompositeFieldContainer[FileCredential]
    def __init__(self, holder: _Optional[_Union[Holder, _Mapping]] = ..., file: _Optional[_Union[FileEntry, _Mapping]] = ..., data: _Optional[bytes] = ..., credentials: _Optional[_Iterable[_Union[FileCredential, _Mapping]]] = ...) -> None: ...

class UploadFilesResponse(_message.Message):
    __slots__ = ("files", "bytes")
    FILES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    files: int
    bytes: int
    def __init__(self, files: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class ListFilesRequest(_message.Message):
    __slots__ = ("holder", "job_id", "epoch", "stage_in")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STAGE_IN_FIELD_NUMBER: _ClassVar[int]
    holder: Holder
    job_id: int
    epoch: int
    stage_in: bool
    def __init__(self, holder: _Optional[_Union[Holder, _Mapping]] = ..., job_id: _Optional[int] = ..., epoch: _Optional[int] = ..., stage_in: bool = ...) -> None: ...

class ListFilesResponse(_message.Message):
    __slots__ = ("files", "epoch", "notes")
    FILES_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[FileEntry]
    epoch: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, files: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ..., epoch: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class DownloadFilesRequest(_message.Message):
    __slots__ = ("holder", "job_id", "epoch", "sha256")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    holder: Holder
    job_id: int
    epoch: int
    sha256: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, holder: _Optional[_Union[Holder, _Mapping]] = ..., job_id: _Optional[int] = ..., epoch: _Optional[int] = ..., sha256: _Optional[_Iterable[str]] = ...) -> None: ...

class DownloadFilesResponse(_message.Message):
    __slots__ = ("sha256", "data")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    data: bytes
    def __init__(self, sha256: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class CollectFilesRequest(_message.Message):
    __slots__ = ("holder", "files", "notes")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    holder: Holder
    files: _containers.RepeatedCompositeFieldContainer[FileEntry]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, holder: _Optional[_Union[Holder, _Mapping]] = ..., files: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class CollectFilesResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
