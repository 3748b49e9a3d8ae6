from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BidKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BID_KIND_UNSPECIFIED: _ClassVar[BidKind]
    BID_KIND_YES: _ClassVar[BidKind]
    BID_KIND_NO: _ClassVar[BidKind]
    BID_KIND_SILENT: _ClassVar[BidKind]
    BID_KIND_INVALID: _ClassVar[BidKind]
BID_KIND_UNSPECIFIED: BidKind
BID_KIND_YES: BidKind
BID_KIND_NO: BidKind
BID_KIND_SILENT: BidKind
BID_KIND_INVALID: BidKind

class BidRequest(_message.Message):
    __slots__ = ("id", "shape", "jobspec", "walltime", "priority", "answer_within")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    JOBSPEC_FIELD_NUMBER: _ClassVar[int]
    WALLTIME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ANSWER_WITHIN_FIELD_NUMBER: _ClassVar[int]
    id: str
    shape: str
    jobspec: str
    walltime: float
    priority: int
    answer_within: float
    def __init__(self, id: _Optional[str] = ..., shape: _Optional[str] = ..., jobspec: _Optional[str] = ..., walltime: _Optional[float] = ..., priority: _Optional[int] = ..., answer_within: _Optional[float] = ...) -> None: ...

class BidAnswer(_message.Message):
    __slots__ = ("request_id", "id", "yes", "no")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    YES_FIELD_NUMBER: _ClassVar[int]
    NO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    yes: BidOffer
    no: BidRefusal
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ..., yes: _Optional[_Union[BidOffer, _Mapping]] = ..., no: _Optional[_Union[BidRefusal, _Mapping]] = ...) -> None: ...

class BidRefusal(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class BidOffer(_message.Message):
    __slots__ = ("start_p50", "start_p90", "end", "cost", "expires_in")
    START_P50_FIELD_NUMBER: _ClassVar[int]
    START_P90_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    start_p50: float
    start_p90: float
    end: float
    cost: BidCost
    expires_in: float
    def __init__(self, start_p50: _Optional[float] = ..., start_p90: _Optional[float] = ..., end: _Optional[float] = ..., cost: _Optional[_Union[BidCost, _Mapping]] = ..., expires_in: _Optional[float] = ...) -> None: ...

class BidCost(_message.Message):
    __slots__ = ("amount", "currency", "parts")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    amount: float
    currency: str
    parts: _containers.RepeatedCompositeFieldContainer[BidCostPart]
    def __init__(self, amount: _Optional[float] = ..., currency: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[BidCostPart, _Mapping]]] = ...) -> None: ...

class BidCostPart(_message.Message):
    __slots__ = ("what", "amount")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    what: str
    amount: float
    def __init__(self, what: _Optional[str] = ..., amount: _Optional[float] = ...) -> None: ...

class Withdraw(_message.Message):
    __slots__ = ("job_id", "epoch", "message")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    epoch: int
    message: str
    def __init__(self, job_id: _Optional[int] = ..., epoch: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Bid(_message.Message):
    __slots__ = ("kind", "id", "offer", "corrected", "correction", "expires_at", "by_proxy", "reason")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    BY_PROXY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    kind: BidKind
    id: str
    offer: Offer
    corrected: Offer
    correction: str
    expires_at: _timestamp_pb2.Timestamp
    by_proxy: bool
    reason: BidRefusal
    def __init__(self, kind: _Optional[_Union[BidKind, str]] = ..., id: _Optional[str] = ..., offer: _Optional[_Union[Offer, _Mapping]] = ..., corrected: _Optional[_Union[Offer, _Mapping]] = ..., correction: _Optional[str] = ..., expires_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., by_proxy: bool = ..., reason: _Optional[_Union[BidRefusal, _Mapping]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("start_p50", "start_p90", "end", "cost")
    START_P50_FIELD_NUMBER: _ClassVar[int]
    START_P90_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    start_p50: _timestamp_pb2.Timestamp
    start_p90: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    cost: BidCost
    def __init__(self, start_p50: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_p90: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., cost: _Optional[_Union[BidCost, _Mapping]] = ...) -> None: ...

class ShadowChoice(_message.Message):
    __slots__ = ("policy", "chosen")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    policy: str
    chosen: str
    def __init__(self, policy: _Optional[str] = ..., chosen: _Optional[str] = ...) -> None: ...

class GetBidRecordRequest(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    def __init__(self, cluster: _Optional[str] = ...) -> None: ...

class BidRecord(_message.Message):
    __slots__ = ("cluster", "counts", "calibrations")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    CALIBRATIONS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    counts: BidCounts
    calibrations: _containers.RepeatedCompositeFieldContainer[Calibration]
    def __init__(self, cluster: _Optional[str] = ..., counts: _Optional[_Union[BidCounts, _Mapping]] = ..., calibrations: _Optional[_Iterable[_Union[Calibration, _Mapping]]] = ...) -> None: ...

class BidCounts(_message.Message):
    __slots__ = ("asked", "yes", "no", "silent", "late", "invalid", "stray", "refused")
    ASKED_FIELD_NUMBER: _ClassVar[int]
    YES_FIELD_NUMBER: _ClassVar[int]
    NO_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    STRAY_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    asked: int
    yes: int
    no: int
    silent: int
    late: int
    invalid: int
    stray: int
    refused: int
    def __init__(self, asked: _Optional[int] = ..., yes: _Optional[int] = ..., no: _Optional[int] = ..., silent: _Optional[int] = ..., late: _Optional[int] = ..., invalid: _Optional[int] = ..., stray: _Optional[int] = ..., refused: _Optional[int] = ...) -> None: ...

class Calibration(_message.Message):
    __slots__ = ("shape_class", "jobs", "bias", "coverage_p50", "coverage_p90", "sharpness", "cost_ratio", "correction")
    SHAPE_CLASS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_P50_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_P90_FIELD_NUMBER: _ClassVar[int]
    SHARPNESS_FIELD_NUMBER: _ClassVar[int]
    COST_RATIO_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    shape_class: str
    jobs: int
    bias: float
    coverage_p50: float
    coverage_p90: float
    sharpness: float
    cost_ratio: float
    correction: str
    def __init__(self, shape_class: _Optional[str] = ..., jobs: _Optional[int] = ..., bias: _Optional[float] = ..., coverage_p50: _Optional[float] = ..., coverage_p90: _Optional[float] = ..., sharpness: _Optional[float] = ..., cost_ratio: _Optional[float] = ..., correction: _Optional[str] = ...) -> None: ...

class ReplayRequest(_message.Message):
    __slots__ = ("policy", "policy_options", "since", "until", "shadow", "limit")
    class PolicyOptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    policy: str
    policy_options: _containers.ScalarMap[str, str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    shadow: bool
    limit: int
    def __init__(self, policy: _Optional[str] = ..., policy_options: _Optional[_Mapping[str, str]] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., shadow: bool = ..., limit: _Optional[int] = ...) -> None: ...

class ReplayResponse(_message.Message):
    __slots__ = ("policy", "decisions", "changed", "unplaced", "skipped", "compared", "wait_recorded", "wait_replayed", "costs", "changes", "cut")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    UNPLACED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    WAIT_RECORDED_FIELD_NUMBER: _ClassVar[int]
    WAIT_REPLAYED_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    policy: str
    decisions: int
    changed: int
    unplaced: int
    skipped: int
    compared: int
    wait_recorded: float
    wait_replayed: float
    costs: _containers.RepeatedCompositeFieldContainer[ReplayCost]
    changes: _containers.RepeatedCompositeFieldContainer[ReplayChange]
    cut: bool
    def __init__(self, policy: _Optional[str] = ..., decisions: _Optional[int] = ..., changed: _Optional[int] = ..., unplaced: _Optional[int] = ..., skipped: _Optional[int] = ..., compared: _Optional[int] = ..., wait_recorded: _Optional[float] = ..., wait_replayed: _Optional[float] = ..., costs: _Optional[_Iterable[_Union[ReplayCost, _Mapping]]] = ..., changes: _Optional[_Iterable[_Union[ReplayChange, _Mapping]]] = ..., cut: bool = ...) -> None: ...

class ReplayCost(_message.Message):
    __slots__ = ("currency", "compared", "recorded", "replayed")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    currency: str
    compared: int
    recorded: float
    replayed: float
    def __init__(self, currency: _Optional[str] = ..., compared: _Optional[int] = ..., recorded: _Optional[float] = ..., replayed: _Optional[float] = ...) -> None: ...

class ReplayChange(_message.Message):
    __slots__ = ("to", "decisions", "wait_seconds")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    to: str
    decisions: int
    wait_seconds: float
    def __init__(self, to: _Optional[str] = ..., decisions: _Optional[int] = ..., wait_seconds: _Optional[float] = ..., **kwargs) -> None: ...
