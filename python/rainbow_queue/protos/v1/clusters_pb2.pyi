from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rainbow_queue.protos.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterClusterRequest(_message.Message):
    __slots__ = ("name", "secret", "graph", "replace", "packed_graph")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    PACKED_GRAPH_FIELD_NUMBER: _ClassVar[int]
    name: str
    secret: str
    graph: str
    replace: bool
    packed_graph: bytes
    def __init__(self, name: _Optional[str] = ..., secret: _Optional[str] = ..., graph: _Optional[str] = ..., replace: bool = ..., packed_graph: _Optional[bytes] = ...) -> None: ...

class RegisterClusterResponse(_message.Message):
    __slots__ = ("secret", "token", "cluster")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    secret: str
    token: str
    cluster: Cluster
    def __init__(self, secret: _Optional[str] = ..., token: _Optional[str] = ..., cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class RegisterSubsystemRequest(_message.Message):
    __slots__ = ("cluster", "secret", "subsystem", "graph", "replace")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SUBSYSTEM_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    subsystem: str
    graph: str
    replace: bool
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., subsystem: _Optional[str] = ..., graph: _Optional[str] = ..., replace: bool = ...) -> None: ...

class RegisterSubsystemResponse(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: Cluster
    def __init__(self, cluster: _Optional[_Union[Cluster, _Mapping]] = ...) -> None: ...

class DeleteSubsystemRequest(_message.Message):
    __slots__ = ("cluster", "secret", "subsystem")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SUBSYSTEM_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    subsystem: str
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., subsystem: _Optional[str] = ...) -> None: ...

class DeleteSubsystemResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateClusterStateRequest(_message.Message):
    __slots__ = ("cluster", "secret", "state")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    state: _struct_pb2.Struct
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class UpdateClusterStateResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _struct_pb2.Struct
    def __init__(self, state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DeleteClusterRequest(_message.Message):
    __slots__ = ("name", "secret")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    name: str
    secret: str
    def __init__(self, name: _Optional[str] = ..., secret: _Optional[str] = ...) -> None: ...

class DeleteClusterResponse(_message.Message):
    __slots__ = ("jobs_canceled", "jobs_returned")
    JOBS_CANCELED_FIELD_NUMBER: _ClassVar[int]
    JOBS_RETURNED_FIELD_NUMBER: _ClassVar[int]
    jobs_canceled: int
    jobs_returned: int
    def __init__(self, jobs_canceled: _Optional[int] = ..., jobs_returned: _Optional[int] = ...) -> None: ...

class DrainClusterRequest(_message.Message):
    __slots__ = ("cluster", "secret", "reason")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    reason: str
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeClusterRequest(_message.Message):
    __slots__ = ("cluster", "secret")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ...) -> None: ...

class PlanMaintenanceRequest(_message.Message):
    __slots__ = ("cluster", "secret", "window")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    window: MaintenanceWindow
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., window: _Optional[_Union[MaintenanceWindow, _Mapping]] = ...) -> None: ...

class CancelMaintenanceRequest(_message.Message):
    __slots__ = ("cluster", "secret")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    secret: str
    def __init__(self, cluster: _Optional[str] = ..., secret: _Optional[str] = ..., **kwargs) -> None: ...

class MaintenanceWindow(_message.Message):
    __slots__ = ("until", "reason")
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    until: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., **kwargs) -> None: ...

class ListClustersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListClustersResponse(_message.Message):
    __slots__ = ("clusters",)
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    clusters: _containers.RepeatedCompositeFieldContainer[Cluster]
    def __init__(self, clusters: _Optional[_Iterable[_Union[Cluster, _Mapping]]] = ...) -> None: ...

class GetClusterRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Cluster(_message.Message):
    __slots__ = ("name", "registered_at", "graph_version", "resources", "subsystems", "state", "connected", "last_seen_at", "runner", "jobs", "drained_at", "drain_reason", "maintenance", "containers")
    class JobsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    GRAPH_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    SUBSYSTEMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    RUNNER_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    DRAINED_AT_FIELD_NUMBER: _ClassVar[int]
    DRAIN_REASON_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_FIELD_NUMBER: _ClassVar[int]
    CONTAINERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    registered_at: _timestamp_pb2.Timestamp
    graph_version: int
    resources: _containers.RepeatedCompositeFieldContainer[ResourceCount]
    subsystems: _containers.RepeatedScalarFieldContainer[str]
    state: _struct_pb2.Struct
    connected: bool
    last_seen_at: _timestamp_pb2.Timestamp
    runner: str
    jobs: _containers.ScalarMap[str, int]
    drained_at: _timestamp_pb2.Timestamp
    drain_reason: str
    maintenance: _containers.RepeatedCompositeFieldContainer[MaintenanceWindow]
    containers: str
    def __init__(self, name: _Optional[str] = ..., registered_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., graph_version: _Optional[int] = ..., resources: _Optional[_Iterable[_Union[ResourceCount, _Mapping]]] = ..., subsystems: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., connected: bool = ..., last_seen_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., runner: _Optional[str] = ..., jobs: _Optional[_Mapping[str, int]] = ..., drained_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., drain_reason: _Optional[str] = ..., maintenance: _Optional[_Iterable[_Union[MaintenanceWindow, _Mapping]]] = ..., containers: _Optional[str] = ...) -> None: ...

class ResourceCount(_message.Message):
    __slots__ = ("type", "total", "free", "unit")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    type: str
    total: float
    free: float
    unit: str
    def __init__(self, type: _Optional[str] = ..., total: _Optional[float] = ..., free: _Optional[float] = ..., unit: _Optional[str] = ...) -> None: ...
