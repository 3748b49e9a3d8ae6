from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "name", "store", "agent_protocols", "default_policy", "client_may_choose_policy")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    AGENT_PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_POLICY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_MAY_CHOOSE_POLICY_FIELD_NUMBER: _ClassVar[int]
    version: str
    name: str
    store: str
    agent_protocols: _containers.RepeatedScalarFieldContainer[int]
    default_policy: str
    client_may_choose_policy: bool
    def __init__(self, version: _Optional[str] = ..., name: _Optional[str] = ..., store: _Optional[str] = ..., agent_protocols: _Optional[_Iterable[int]] = ..., default_policy: _Optional[str] = ..., client_may_choose_policy: bool = ...) -> None: ...
