from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rainbow_queue.protos.v1 import files_pb2 as _files_pb2
from rainbow_queue.protos.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_ORDER_UNSPECIFIED: _ClassVar[JobOrder]
    JOB_ORDER_SUBMITTED: _ClassVar[JobOrder]
    JOB_ORDER_PRIORITY: _ClassVar[JobOrder]
    JOB_ORDER_ENDED: _ClassVar[JobOrder]

class OutputStream(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_STREAM_UNSPECIFIED: _ClassVar[OutputStream]
    OUTPUT_STREAM_STDOUT: _ClassVar[OutputStream]
    OUTPUT_STREAM_STDERR: _ClassVar[OutputStream]
JOB_ORDER_UNSPECIFIED: JobOrder
JOB_ORDER_SUBMITTED: JobOrder
JOB_ORDER_PRIORITY: JobOrder
JOB_ORDER_ENDED: JobOrder
OUTPUT_STREAM_UNSPECIFIED: OutputStream
OUTPUT_STREAM_STDOUT: OutputStream
OUTPUT_STREAM_STDERR: OutputStream

class Credential(_message.Message):
    __slots__ = ("name", "token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    token: str
    def __init__(self, name: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class SubmitRequest(_message.Message):
    __slots__ = ("jobspec", "name", "credentials", "clusters", "policy", "policy_options", "idempotency_key", "priority", "on_cluster_loss", "dependencies", "array", "begin_at", "start_before", "deadline", "hold", "wait_for_cluster", "when_busy", "retry", "return_after", "output_cap", "ask", "bid_within", "rebid", "compatibility", "stage_in", "stage_out")
    class PolicyOptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOBSPEC_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ON_CLUSTER_LOSS_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    ARRAY_FIELD_NUMBER: _ClassVar[int]
    BEGIN_AT_FIELD_NUMBER: _ClassVar[int]
    START_BEFORE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_CLUSTER_FIELD_NUMBER: _ClassVar[int]
    WHEN_BUSY_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RETURN_AFTER_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CAP_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    BID_WITHIN_FIELD_NUMBER: _ClassVar[int]
    REBID_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_FIELD_NUMBER: _ClassVar[int]
    STAGE_IN_FIELD_NUMBER: _ClassVar[int]
    STAGE_OUT_FIELD_NUMBER: _ClassVar[int]
    jobspec: str
    name: str
    credentials: _containers.RepeatedCompositeFieldContainer[Credential]
    clusters: _containers.RepeatedScalarFieldContainer[str]
    policy: str
    policy_options: _containers.ScalarMap[str, str]
    idempotency_key: str
    priority: int
    on_cluster_loss: _job_pb2.OnClusterLoss
    dependencies: _containers.RepeatedCompositeFieldContainer[_job_pb2.Dependency]
    array: str
    begin_at: _timestamp_pb2.Timestamp
    start_before: _timestamp_pb2.Timestamp
    deadline: _timestamp_pb2.Timestamp
    hold: bool
    wait_for_cluster: bool
    when_busy: _job_pb2.WhenBusy
    retry: _job_pb2.RetryPolicy
    return_after: float
    output_cap: int
    ask: bool
    bid_within: float
    rebid: bool
    compatibility: str
    stage_in: _containers.RepeatedCompositeFieldContainer[_files_pb2.FileEntry]
    stage_out: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, jobspec: _Optional[str] = ..., name: _Optional[str] = ..., credentials: _Optional[_Iterable[_Union[Credential, _Mapping]]] = ..., clusters: _Optional[_Iterable[str]] = ..., policy: _Optional[str] = ..., policy_options: _Optional[_Mapping[str, str]] = ..., idempotency_key: _Optional[str] = ..., priority: _Optional[int] = ..., on_cluster_loss: _Optional[_Union[_job_pb2.OnClusterLoss, str]] = ..., dependencies: _Optional[_Iterable[_Union[_job_pb2.Dependency, _Mapping]]] = ..., array: _Optional[str] = ..., begin_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_before: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., deadline: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., hold: bool = ..., wait_for_cluster: bool = ..., when_busy: _Optional[_Union[_job_pb2.WhenBusy, str]] = ..., retry: _Optional[_Union[_job_pb2.RetryPolicy, _Mapping]] = ..., return_after: _Optional[float] = ..., output_cap: _Optional[int] = ..., ask: bool = ..., bid_within: _Optional[float] = ..., rebid: bool = ..., compatibility: _Optional[str] = ..., stage_in: _Optional[_Iterable[_Union[_files_pb2.FileEntry, _Mapping]]] = ..., stage_out: _Optional[_Iterable[str]] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("job", "created", "decision", "openings", "error")
    JOB_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    OPENINGS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    created: bool
    decision: _job_pb2.Decision
    openings: _containers.RepeatedCompositeFieldContainer[_job_pb2.Opening]
    error: SubmitError
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., created: bool = ..., decision: _Optional[_Union[_job_pb2.Decision, _Mapping]] = ..., openings: _Optional[_Iterable[_Union[_job_pb2.Opening, _Mapping]]] = ..., error: _Optional[_Union[SubmitError, _Mapping]] = ...) -> None: ...

class SubmitError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class MatchRequest(_message.Message):
    __slots__ = ("jobspec", "credentials", "clusters", "placement", "compatibility")
    JOBSPEC_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_FIELD_NUMBER: _ClassVar[int]
    jobspec: str
    credentials: _containers.RepeatedCompositeFieldContainer[Credential]
    clusters: _containers.RepeatedScalarFieldContainer[str]
    placement: bool
    compatibility: str
    def __init__(self, jobspec: _Optional[str] = ..., credentials: _Optional[_Iterable[_Union[Credential, _Mapping]]] = ..., clusters: _Optional[_Iterable[str]] = ..., placement: bool = ..., compatibility: _Optional[str] = ...) -> None: ...

class MatchResponse(_message.Message):
    __slots__ = ("candidates", "openings")
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    OPENINGS_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[_job_pb2.Candidate]
    openings: _containers.RepeatedCompositeFieldContainer[_job_pb2.Opening]
    def __init__(self, candidates: _Optional[_Iterable[_Union[_job_pb2.Candidate, _Mapping]]] = ..., openings: _Optional[_Iterable[_Union[_job_pb2.Opening, _Mapping]]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("states", "cluster", "name", "limit", "page_token", "oldest_first", "all", "array", "array_indices", "order", "since", "until", "owner")
    STATES_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ARRAY_FIELD_NUMBER: _ClassVar[int]
    ARRAY_INDICES_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_job_pb2.JobState]
    cluster: str
    name: str
    limit: int
    page_token: str
    oldest_first: bool
    all: bool
    array: int
    array_indices: _containers.RepeatedScalarFieldContainer[int]
    order: JobOrder
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    owner: str
    def __init__(self, states: _Optional[_Iterable[_Union[_job_pb2.JobState, str]]] = ..., cluster: _Optional[str] = ..., name: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ..., oldest_first: bool = ..., all: bool = ..., array: _Optional[int] = ..., array_indices: _Optional[_Iterable[int]] = ..., order: _Optional[_Union[JobOrder, str]] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., owner: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class HoldJobRequest(_message.Message):
    __slots__ = ("id", "message")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: int
    message: str
    def __init__(self, id: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ReleaseJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("id", "message")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: int
    message: str
    def __init__(self, id: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("job", "decisions", "openings")
    JOB_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    OPENINGS_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    decisions: _containers.RepeatedCompositeFieldContainer[_job_pb2.Decision]
    openings: _containers.RepeatedCompositeFieldContainer[_job_pb2.Opening]
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., decisions: _Optional[_Iterable[_Union[_job_pb2.Decision, _Mapping]]] = ..., openings: _Optional[_Iterable[_Union[_job_pb2.Opening, _Mapping]]] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("job_id", "after_seq", "follow", "from_now")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    FROM_NOW_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    after_seq: int
    follow: bool
    from_now: bool
    def __init__(self, job_id: _Optional[int] = ..., after_seq: _Optional[int] = ..., follow: bool = ..., from_now: bool = ...) -> None: ...

class ReadOutputRequest(_message.Message):
    __slots__ = ("id", "epoch", "follow")
    ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    id: int
    epoch: int
    follow: bool
    def __init__(self, id: _Optional[int] = ..., epoch: _Optional[int] = ..., follow: bool = ...) -> None: ...

class OutputChunk(_message.Message):
    __slots__ = ("task", "stream", "offset", "data", "at", "not_kept")
    TASK_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    NOT_KEPT_FIELD_NUMBER: _ClassVar[int]
    task: int
    stream: OutputStream
    offset: int
    data: bytes
    at: _timestamp_pb2.Timestamp
    not_kept: int
    def __init__(self, task: _Optional[int] = ..., stream: _Optional[_Union[OutputStream, str]] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., not_kept: _Optional[int] = ...) -> None: ...
