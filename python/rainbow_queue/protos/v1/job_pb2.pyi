from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rainbow_queue.protos.v1 import bid_pb2 as _bid_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_PENDING: _ClassVar[JobState]
    JOB_STATE_ASSIGNED: _ClassVar[JobState]
    JOB_STATE_RECEIVED: _ClassVar[JobState]
    JOB_STATE_ACCEPTED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_UNKNOWN: _ClassVar[JobState]
    JOB_STATE_COMPLETED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELED: _ClassVar[JobState]
    JOB_STATE_REJECTED: _ClassVar[JobState]

class OnClusterLoss(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CLUSTER_LOSS_UNSPECIFIED: _ClassVar[OnClusterLoss]
    ON_CLUSTER_LOSS_WAIT: _ClassVar[OnClusterLoss]
    ON_CLUSTER_LOSS_REQUEUE: _ClassVar[OnClusterLoss]
    ON_CLUSTER_LOSS_FAIL: _ClassVar[OnClusterLoss]
    ON_CLUSTER_LOSS_DUPLICATE: _ClassVar[OnClusterLoss]

class DependencyKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPENDENCY_KIND_UNSPECIFIED: _ClassVar[DependencyKind]
    DEPENDENCY_KIND_AFTEROK: _ClassVar[DependencyKind]
    DEPENDENCY_KIND_AFTERANY: _ClassVar[DependencyKind]
    DEPENDENCY_KIND_AFTERNOTOK: _ClassVar[DependencyKind]
    DEPENDENCY_KIND_AFTER: _ClassVar[DependencyKind]
    DEPENDENCY_KIND_SINGLETON: _ClassVar[DependencyKind]

class WhenBusy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WHEN_BUSY_UNSPECIFIED: _ClassVar[WhenBusy]
    WHEN_BUSY_QUEUE: _ClassVar[WhenBusy]
    WHEN_BUSY_WAIT: _ClassVar[WhenBusy]

class Fits(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FITS_UNSPECIFIED: _ClassVar[Fits]
    FITS_YES: _ClassVar[Fits]
    FITS_NO: _ClassVar[Fits]
    FITS_UNKNOWN: _ClassVar[Fits]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_PENDING: JobState
JOB_STATE_ASSIGNED: JobState
JOB_STATE_RECEIVED: JobState
JOB_STATE_ACCEPTED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_UNKNOWN: JobState
JOB_STATE_COMPLETED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELED: JobState
JOB_STATE_REJECTED: JobState
ON_CLUSTER_LOSS_UNSPECIFIED: OnClusterLoss
ON_CLUSTER_LOSS_WAIT: OnClusterLoss
ON_CLUSTER_LOSS_REQUEUE: OnClusterLoss
ON_CLUSTER_LOSS_FAIL: OnClusterLoss
ON_CLUSTER_LOSS_DUPLICATE: OnClusterLoss
DEPENDENCY_KIND_UNSPECIFIED: DependencyKind
DEPENDENCY_KIND_AFTEROK: DependencyKind
DEPENDENCY_KIND_AFTERANY: DependencyKind
DEPENDENCY_KIND_AFTERNOTOK: DependencyKind
DEPENDENCY_KIND_AFTER: DependencyKind
DEPENDENCY_KIND_SINGLETON: DependencyKind
WHEN_BUSY_UNSPECIFIED: WhenBusy
WHEN_BUSY_QUEUE: WhenBusy
WHEN_BUSY_WAIT: WhenBusy
FITS_UNSPECIFIED: Fits
FITS_YES: Fits
FITS_NO: Fits
FITS_UNKNOWN: Fits

class Reason(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "name", "owner", "state", "reason", "epoch", "cluster", "native_id", "exit_code", "signal", "submitted_at", "assigned_at", "received_at", "accepted_at", "started_at", "ended_at", "priority", "walltime", "on_cluster_loss", "cancel_requested_at", "candidates", "jobspec", "attempts", "array_id", "array_index", "array", "dependencies", "begin_at", "start_before", "deadline", "held", "wait_for_cluster", "when_busy", "retry", "return_after", "output_cap", "ended_by", "left_until", "ask", "rebid", "image_needs", "files")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    NATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WALLTIME_FIELD_NUMBER: _ClassVar[int]
    ON_CLUSTER_LOSS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    JOBSPEC_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ARRAY_ID_FIELD_NUMBER: _ClassVar[int]
    ARRAY_INDEX_FIELD_NUMBER: _ClassVar[int]
    ARRAY_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    BEGIN_AT_FIELD_NUMBER: _ClassVar[int]
    START_BEFORE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_CLUSTER_FIELD_NUMBER: _ClassVar[int]
    WHEN_BUSY_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RETURN_AFTER_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CAP_FIELD_NUMBER: _ClassVar[int]
    ENDED_BY_FIELD_NUMBER: _ClassVar[int]
    LEFT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    REBID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_NEEDS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    owner: str
    state: JobState
    reason: Reason
    epoch: int
    cluster: str
    native_id: str
    exit_code: int
    signal: int
    submitted_at: _timestamp_pb2.Timestamp
    assigned_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    accepted_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    priority: int
    walltime: float
    on_cluster_loss: OnClusterLoss
    cancel_requested_at: _timestamp_pb2.Timestamp
    candidates: _containers.RepeatedScalarFieldContainer[str]
    jobspec: str
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    array_id: int
    array_index: int
    array: ArraySummary
    dependencies: _containers.RepeatedCompositeFieldContainer[Dependency]
    begin_at: _timestamp_pb2.Timestamp
    start_before: _timestamp_pb2.Timestamp
    deadline: _timestamp_pb2.Timestamp
    held: bool
    wait_for_cluster: bool
    when_busy: WhenBusy
    retry: RetryPolicy
    return_after: float
    output_cap: int
    ended_by: int
    left_until: _timestamp_pb2.Timestamp
    ask: bool
    rebid: bool
    image_needs: ImageNeeds
    files: JobFiles
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ..., epoch: _Optional[int] = ..., cluster: _Optional[str] = ..., native_id: _Optional[str] = ..., exit_code: _Optional[int] = ..., signal: _Optional[int] = ..., submitted_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., assigned_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., priority: _Optional[int] = ..., walltime: _Optional[float] = ..., on_cluster_loss: _Optional[_Union[OnClusterLoss, str]] = ..., cancel_requested_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., candidates: _Optional[_Iterable[str]] = ..., jobspec: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., array_id: _Optional[int] = ..., array_index: _Optional[int] = ..., array: _Optional[_Union[ArraySummary, _Mapping]] = ..., dependencies: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ..., begin_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_before: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., deadline: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., held: bool = ..., wait_for_cluster: bool = ..., when_busy: _Optional[_Union[WhenBusy, str]] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., return_after: _Optional[float] = ..., output_cap: _Optional[int] = ..., ended_by: _Optional[int] = ..., left_until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ask: bool = ..., rebid: bool = ..., image_needs: _Optional[_Union[ImageNeeds, _Mapping]] = ..., files: _Optional[_Union[JobFiles, _Mapping]] = ...) -> None: ...

class JobFiles(_message.Message):
    __slots__ = ("stage_in_files", "stage_in_bytes", "stage_out", "collected")
    STAGE_IN_FILES_FIELD_NUMBER: _ClassVar[int]
    STAGE_IN_BYTES_FIELD_NUMBER: _ClassVar[int]
    STAGE_OUT_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_FIELD_NUMBER: _ClassVar[int]
    stage_in_files: int
    stage_in_bytes: int
    stage_out: _containers.RepeatedScalarFieldContainer[str]
    collected: _containers.RepeatedCompositeFieldContainer[CollectedFiles]
    def __init__(self, stage_in_files: _Optional[int] = ..., stage_in_bytes: _Optional[int] = ..., stage_out: _Optional[_Iterable[str]] = ..., collected: _Optional[_Iterable[_Union[CollectedFiles, _Mapping]]] = ...) -> None: ...

class CollectedFiles(_message.Message):
    __slots__ = ("epoch", "files", "bytes", "notes")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    files: int
    bytes: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, epoch: _Optional[int] = ..., files: _Optional[int] = ..., bytes: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ImageNeeds(_message.Message):
    __slots__ = ("image", "source", "digest", "artifact", "media_type", "format", "sets", "note")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    image: str
    source: str
    digest: str
    artifact: str
    media_type: str
    format: str
    sets: _containers.RepeatedCompositeFieldContainer[ImageSet]
    note: str
    def __init__(self, image: _Optional[str] = ..., source: _Optional[str] = ..., digest: _Optional[str] = ..., artifact: _Optional[str] = ..., media_type: _Optional[str] = ..., format: _Optional[str] = ..., sets: _Optional[_Iterable[_Union[ImageSet, _Mapping]]] = ..., note: _Optional[str] = ...) -> None: ...

class ImageSet(_message.Message):
    __slots__ = ("weight", "tag", "description")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    weight: int
    tag: str
    description: str
    def __init__(self, weight: _Optional[int] = ..., tag: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ArraySummary(_message.Message):
    __slots__ = ("indices", "tasks", "most_at_once", "least_index", "most_index", "counts")
    INDICES_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    MOST_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    LEAST_INDEX_FIELD_NUMBER: _ClassVar[int]
    MOST_INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    indices: str
    tasks: int
    most_at_once: int
    least_index: int
    most_index: int
    counts: _containers.RepeatedCompositeFieldContainer[StateCount]
    def __init__(self, indices: _Optional[str] = ..., tasks: _Optional[int] = ..., most_at_once: _Optional[int] = ..., least_index: _Optional[int] = ..., most_index: _Optional[int] = ..., counts: _Optional[_Iterable[_Union[StateCount, _Mapping]]] = ...) -> None: ...

class StateCount(_message.Message):
    __slots__ = ("state", "tasks")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    state: JobState
    tasks: int
    def __init__(self, state: _Optional[_Union[JobState, str]] = ..., tasks: _Optional[int] = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("kind", "on", "minutes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    kind: DependencyKind
    on: int
    minutes: int
    def __init__(self, kind: _Optional[_Union[DependencyKind, str]] = ..., on: _Optional[int] = ..., minutes: _Optional[int] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("limit", "on", "where", "delay")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    limit: int
    on: _containers.RepeatedScalarFieldContainer[str]
    where: str
    delay: float
    def __init__(self, limit: _Optional[int] = ..., on: _Optional[_Iterable[str]] = ..., where: _Optional[str] = ..., delay: _Optional[float] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("epoch", "cluster", "native_id", "state", "reason", "assigned_at", "received_at", "accepted_at", "started_at", "ended_at", "exit_code", "signal")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    NATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    cluster: str
    native_id: str
    state: JobState
    reason: Reason
    assigned_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    accepted_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    exit_code: int
    signal: int
    def __init__(self, epoch: _Optional[int] = ..., cluster: _Optional[str] = ..., native_id: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ..., assigned_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., exit_code: _Optional[int] = ..., signal: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("seq", "at", "subject", "job_id", "cluster", "kind", "epoch", "reason", "detail")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    seq: int
    at: _timestamp_pb2.Timestamp
    subject: str
    job_id: int
    cluster: str
    kind: str
    epoch: int
    reason: Reason
    detail: _struct_pb2.Struct
    def __init__(self, seq: _Optional[int] = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., subject: _Optional[str] = ..., job_id: _Optional[int] = ..., cluster: _Optional[str] = ..., kind: _Optional[str] = ..., epoch: _Optional[int] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ..., detail: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("job_id", "epoch", "at", "policy", "policy_options", "seed", "candidates", "chosen", "reason", "micros", "order", "notes", "asked", "waited_ms", "shadow", "shape_class")
    class PolicyOptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MICROS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    WAITED_MS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    SHAPE_CLASS_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    epoch: int
    at: _timestamp_pb2.Timestamp
    policy: str
    policy_options: _containers.ScalarMap[str, str]
    seed: str
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    chosen: str
    reason: Reason
    micros: float
    order: _containers.RepeatedScalarFieldContainer[str]
    notes: _containers.RepeatedScalarFieldContainer[str]
    asked: bool
    waited_ms: float
    shadow: _bid_pb2.ShadowChoice
    shape_class: str
    def __init__(self, job_id: _Optional[int] = ..., epoch: _Optional[int] = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., policy: _Optional[str] = ..., policy_options: _Optional[_Mapping[str, str]] = ..., seed: _Optional[str] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., chosen: _Optional[str] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ..., micros: _Optional[float] = ..., order: _Optional[_Iterable[str]] = ..., notes: _Optional[_Iterable[str]] = ..., asked: bool = ..., waited_ms: _Optional[float] = ..., shadow: _Optional[_Union[_bid_pb2.ShadowChoice, _Mapping]] = ..., shape_class: _Optional[str] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("cluster", "satisfiable", "startable", "reasons", "state", "placement", "bid", "graph_version")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SATISFIABLE_FIELD_NUMBER: _ClassVar[int]
    STARTABLE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    GRAPH_VERSION_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    satisfiable: Fits
    startable: Fits
    reasons: _containers.RepeatedCompositeFieldContainer[MatchReason]
    state: _struct_pb2.Struct
    placement: _struct_pb2.Struct
    bid: _bid_pb2.Bid
    graph_version: int
    def __init__(self, cluster: _Optional[str] = ..., satisfiable: _Optional[_Union[Fits, str]] = ..., startable: _Optional[_Union[Fits, str]] = ..., reasons: _Optional[_Iterable[_Union[MatchReason, _Mapping]]] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., placement: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., bid: _Optional[_Union[_bid_pb2.Bid, _Mapping]] = ..., graph_version: _Optional[int] = ...) -> None: ...

class MatchReason(_message.Message):
    __slots__ = ("stage", "vertex", "type", "message", "needed", "best", "unit", "relaxation")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VERTEX_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    RELAXATION_FIELD_NUMBER: _ClassVar[int]
    stage: str
    vertex: str
    type: str
    message: str
    needed: float
    best: float
    unit: str
    relaxation: Relaxation
    def __init__(self, stage: _Optional[str] = ..., vertex: _Optional[str] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., needed: _Optional[float] = ..., best: _Optional[float] = ..., unit: _Optional[str] = ..., relaxation: _Optional[_Union[Relaxation, _Mapping]] = ...) -> None: ...

class Opening(_message.Message):
    __slots__ = ("relaxation", "clusters")
    RELAXATION_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    relaxation: Relaxation
    clusters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, relaxation: _Optional[_Union[Relaxation, _Mapping]] = ..., clusters: _Optional[_Iterable[str]] = ...) -> None: ...

class Relaxation(_message.Message):
    __slots__ = ("vertex", "field", "to", "message")
    VERTEX_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    vertex: str
    field: str
    to: str
    message: str
    def __init__(self, vertex: _Optional[str] = ..., field: _Optional[str] = ..., to: _Optional[str] = ..., message: _Optional[str] = ..., **kwargs) -> None: ...
