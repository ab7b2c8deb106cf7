import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.type import money_pb2 as _money_pb2
from heliostat.api.image.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_NOT_SENT: _ClassVar[Outcome]
    OUTCOME_REFUSED: _ClassVar[Outcome]
    OUTCOME_ACCEPTED: _ClassVar[Outcome]
    OUTCOME_DELIVERED: _ClassVar[Outcome]

class Billed(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILLED_UNSPECIFIED: _ClassVar[Billed]
    BILLED_YES: _ClassVar[Billed]
    BILLED_NO: _ClassVar[Billed]
    BILLED_UNKNOWN: _ClassVar[Billed]

class CostSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COST_SOURCE_UNSPECIFIED: _ClassVar[CostSource]
    COST_SOURCE_REPORTED: _ClassVar[CostSource]
    COST_SOURCE_COMPUTED: _ClassVar[CostSource]
    COST_SOURCE_ESTIMATED: _ClassVar[CostSource]

class AdjustmentMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADJUSTMENT_MODE_UNSPECIFIED: _ClassVar[AdjustmentMode]
    ADJUSTMENT_MODE_PASSTHROUGH: _ClassVar[AdjustmentMode]
    ADJUSTMENT_MODE_RENAMED: _ClassVar[AdjustmentMode]
    ADJUSTMENT_MODE_CONVERTED: _ClassVar[AdjustmentMode]
    ADJUSTMENT_MODE_EMULATED: _ClassVar[AdjustmentMode]
    ADJUSTMENT_MODE_DROPPED: _ClassVar[AdjustmentMode]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_NOT_SENT: Outcome
OUTCOME_REFUSED: Outcome
OUTCOME_ACCEPTED: Outcome
OUTCOME_DELIVERED: Outcome
BILLED_UNSPECIFIED: Billed
BILLED_YES: Billed
BILLED_NO: Billed
BILLED_UNKNOWN: Billed
COST_SOURCE_UNSPECIFIED: CostSource
COST_SOURCE_REPORTED: CostSource
COST_SOURCE_COMPUTED: CostSource
COST_SOURCE_ESTIMATED: CostSource
ADJUSTMENT_MODE_UNSPECIFIED: AdjustmentMode
ADJUSTMENT_MODE_PASSTHROUGH: AdjustmentMode
ADJUSTMENT_MODE_RENAMED: AdjustmentMode
ADJUSTMENT_MODE_CONVERTED: AdjustmentMode
ADJUSTMENT_MODE_EMULATED: AdjustmentMode
ADJUSTMENT_MODE_DROPPED: AdjustmentMode

class ImageEvent(_message.Message):
    __slots__ = ("attempt_id", "admitted", "attempt_started", "provider_accepted", "progress", "media_started", "media_chunk", "media_ended", "attempt_failed", "completed", "detached", "waiting")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    ADMITTED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_STARTED_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_STARTED_FIELD_NUMBER: _ClassVar[int]
    MEDIA_CHUNK_FIELD_NUMBER: _ClassVar[int]
    MEDIA_ENDED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FAILED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DETACHED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    admitted: Admitted
    attempt_started: AttemptStarted
    provider_accepted: ProviderAccepted
    progress: Progress
    media_started: _media_pb2.MediaInfo
    media_chunk: _media_pb2.MediaChunk
    media_ended: _media_pb2.MediaEnded
    attempt_failed: AttemptFailed
    completed: ImageResult
    detached: Detached
    waiting: Waiting
    def __init__(self, attempt_id: _Optional[str] = ..., admitted: _Optional[_Union[Admitted, _Mapping]] = ..., attempt_started: _Optional[_Union[AttemptStarted, _Mapping]] = ..., provider_accepted: _Optional[_Union[ProviderAccepted, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., media_started: _Optional[_Union[_media_pb2.MediaInfo, _Mapping]] = ..., media_chunk: _Optional[_Union[_media_pb2.MediaChunk, _Mapping]] = ..., media_ended: _Optional[_Union[_media_pb2.MediaEnded, _Mapping]] = ..., attempt_failed: _Optional[_Union[AttemptFailed, _Mapping]] = ..., completed: _Optional[_Union[ImageResult, _Mapping]] = ..., detached: _Optional[_Union[Detached, _Mapping]] = ..., waiting: _Optional[_Union[Waiting, _Mapping]] = ...) -> None: ...

class Admitted(_message.Message):
    __slots__ = ("request_id", "joined", "replayed", "create_time", "allowances")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ALLOWANCES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    joined: bool
    replayed: bool
    create_time: _timestamp_pb2.Timestamp
    allowances: _containers.RepeatedCompositeFieldContainer[Allowance]
    def __init__(self, request_id: _Optional[str] = ..., joined: _Optional[bool] = ..., replayed: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., allowances: _Optional[_Iterable[_Union[Allowance, _Mapping]]] = ...) -> None: ...

class Allowance(_message.Message):
    __slots__ = ("kind", "limit", "remaining", "reset")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    kind: str
    limit: int
    remaining: int
    reset: _duration_pb2.Duration
    def __init__(self, kind: _Optional[str] = ..., limit: _Optional[int] = ..., remaining: _Optional[int] = ..., reset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Detached(_message.Message):
    __slots__ = ("request_id", "wished_by_key")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WISHED_BY_KEY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    wished_by_key: bool
    def __init__(self, request_id: _Optional[str] = ..., wished_by_key: _Optional[bool] = ...) -> None: ...

class Waiting(_message.Message):
    __slots__ = ("queue_position", "until_time")
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    queue_position: int
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, queue_position: _Optional[int] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AttemptStarted(_message.Message):
    __slots__ = ("target", "provider", "provider_model", "account", "start_time", "decision", "estimated_cost", "image_count")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    target: str
    provider: str
    provider_model: str
    account: str
    start_time: _timestamp_pb2.Timestamp
    decision: Decision
    estimated_cost: _money_pb2.Money
    image_count: int
    def __init__(self, target: _Optional[str] = ..., provider: _Optional[str] = ..., provider_model: _Optional[str] = ..., account: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., estimated_cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., image_count: _Optional[int] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("candidates", "draw", "route", "sticky", "parts")
    class Candidate(_message.Message):
        __slots__ = ("target", "priority", "weight", "excluded_because", "place", "measure")
        TARGET_FIELD_NUMBER: _ClassVar[int]
        PRIORITY_FIELD_NUMBER: _ClassVar[int]
        WEIGHT_FIELD_NUMBER: _ClassVar[int]
        EXCLUDED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
        PLACE_FIELD_NUMBER: _ClassVar[int]
        MEASURE_FIELD_NUMBER: _ClassVar[int]
        target: str
        priority: int
        weight: float
        excluded_because: str
        place: int
        measure: float
        def __init__(self, target: _Optional[str] = ..., priority: _Optional[int] = ..., weight: _Optional[float] = ..., excluded_because: _Optional[str] = ..., place: _Optional[int] = ..., measure: _Optional[float] = ...) -> None: ...
    class Part(_message.Message):
        __slots__ = ("route", "draw", "candidate_count")
        ROUTE_FIELD_NUMBER: _ClassVar[int]
        DRAW_FIELD_NUMBER: _ClassVar[int]
        CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
        route: str
        draw: float
        candidate_count: int
        def __init__(self, route: _Optional[str] = ..., draw: _Optional[float] = ..., candidate_count: _Optional[int] = ...) -> None: ...
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    STICKY_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[Decision.Candidate]
    draw: float
    route: str
    sticky: bool
    parts: _containers.RepeatedCompositeFieldContainer[Decision.Part]
    def __init__(self, candidates: _Optional[_Iterable[_Union[Decision.Candidate, _Mapping]]] = ..., draw: _Optional[float] = ..., route: _Optional[str] = ..., sticky: _Optional[bool] = ..., parts: _Optional[_Iterable[_Union[Decision.Part, _Mapping]]] = ...) -> None: ...

class ProviderAccepted(_message.Message):
    __slots__ = ("provider_job_id",)
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    provider_job_id: str
    def __init__(self, provider_job_id: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("percent", "queue_position")
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    percent: float
    queue_position: int
    def __init__(self, percent: _Optional[float] = ..., queue_position: _Optional[int] = ...) -> None: ...

class AttemptFailed(_message.Message):
    __slots__ = ("attempt", "failing_over")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILING_OVER_FIELD_NUMBER: _ClassVar[int]
    attempt: Attempt
    failing_over: bool
    def __init__(self, attempt: _Optional[_Union[Attempt, _Mapping]] = ..., failing_over: _Optional[bool] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("attempt_id", "target", "provider", "provider_model", "account", "outcome", "billed", "cost", "provider_job_id", "status", "start_time", "duration", "accept_time", "image_count", "estimated_cost", "computed_cost", "reported_cost", "price_version", "cost_doubt")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    BILLED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_TIME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_COST_FIELD_NUMBER: _ClassVar[int]
    REPORTED_COST_FIELD_NUMBER: _ClassVar[int]
    PRICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    COST_DOUBT_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    target: str
    provider: str
    provider_model: str
    account: str
    outcome: Outcome
    billed: Billed
    cost: _money_pb2.Money
    provider_job_id: str
    status: _status_pb2.Status
    start_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    accept_time: _timestamp_pb2.Timestamp
    image_count: int
    estimated_cost: _money_pb2.Money
    computed_cost: _money_pb2.Money
    reported_cost: _money_pb2.Money
    price_version: str
    cost_doubt: str
    def __init__(self, attempt_id: _Optional[str] = ..., target: _Optional[str] = ..., provider: _Optional[str] = ..., provider_model: _Optional[str] = ..., account: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., billed: _Optional[_Union[Billed, str]] = ..., cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., provider_job_id: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., accept_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., image_count: _Optional[int] = ..., estimated_cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., computed_cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., reported_cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., price_version: _Optional[str] = ..., cost_doubt: _Optional[str] = ...) -> None: ...

class AttemptFailure(_message.Message):
    __slots__ = ("outcome", "billed", "cost", "provider_job_id", "phase")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    BILLED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    billed: Billed
    cost: _money_pb2.Money
    provider_job_id: str
    phase: str
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., billed: _Optional[_Union[Billed, str]] = ..., cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., provider_job_id: _Optional[str] = ..., phase: _Optional[str] = ...) -> None: ...

class CostComponent(_message.Message):
    __slots__ = ("type", "metric", "quantity", "billable_quantity", "unit_price", "total")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BILLABLE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    type: str
    metric: str
    quantity: float
    billable_quantity: float
    unit_price: _money_pb2.Money
    total: _money_pb2.Money
    def __init__(self, type: _Optional[str] = ..., metric: _Optional[str] = ..., quantity: _Optional[float] = ..., billable_quantity: _Optional[float] = ..., unit_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class Cost(_message.Message):
    __slots__ = ("amount", "source", "computed", "price_version", "reported", "estimated", "components", "doubt")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
    PRICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    DOUBT_FIELD_NUMBER: _ClassVar[int]
    amount: _money_pb2.Money
    source: CostSource
    computed: _money_pb2.Money
    price_version: str
    reported: _money_pb2.Money
    estimated: _money_pb2.Money
    components: _containers.RepeatedCompositeFieldContainer[CostComponent]
    doubt: str
    def __init__(self, amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., source: _Optional[_Union[CostSource, str]] = ..., computed: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., price_version: _Optional[str] = ..., reported: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., estimated: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., components: _Optional[_Iterable[_Union[CostComponent, _Mapping]]] = ..., doubt: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_token_count", "output_token_count", "output_megapixels", "input_text_token_count", "input_image_token_count", "output_text_token_count", "output_image_token_count", "billed_units", "compute_seconds", "cached_text_token_count", "cached_image_token_count")
    INPUT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MEGAPIXELS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_IMAGE_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    BILLED_UNITS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TEXT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    CACHED_IMAGE_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    input_token_count: int
    output_token_count: int
    output_megapixels: float
    input_text_token_count: int
    input_image_token_count: int
    output_text_token_count: int
    output_image_token_count: int
    billed_units: float
    compute_seconds: float
    cached_text_token_count: int
    cached_image_token_count: int
    def __init__(self, input_token_count: _Optional[int] = ..., output_token_count: _Optional[int] = ..., output_megapixels: _Optional[float] = ..., input_text_token_count: _Optional[int] = ..., input_image_token_count: _Optional[int] = ..., output_text_token_count: _Optional[int] = ..., output_image_token_count: _Optional[int] = ..., billed_units: _Optional[float] = ..., compute_seconds: _Optional[float] = ..., cached_text_token_count: _Optional[int] = ..., cached_image_token_count: _Optional[int] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("queue", "provider", "download", "convert", "store", "total")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_FIELD_NUMBER: _ClassVar[int]
    CONVERT_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    queue: _duration_pb2.Duration
    provider: _duration_pb2.Duration
    download: _duration_pb2.Duration
    convert: _duration_pb2.Duration
    store: _duration_pb2.Duration
    total: _duration_pb2.Duration
    def __init__(self, queue: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., provider: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., download: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., convert: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., store: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Adjustment(_message.Message):
    __slots__ = ("parameter", "requested", "sent", "delivered", "reason", "mode")
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    parameter: str
    requested: str
    sent: str
    delivered: str
    reason: str
    mode: AdjustmentMode
    def __init__(self, parameter: _Optional[str] = ..., requested: _Optional[str] = ..., sent: _Optional[str] = ..., delivered: _Optional[str] = ..., reason: _Optional[str] = ..., mode: _Optional[_Union[AdjustmentMode, str]] = ...) -> None: ...

class ImageResult(_message.Message):
    __slots__ = ("provider_model", "provider", "image_count", "usage", "cost", "timing", "attempts", "adjustments", "provider_metadata", "account", "provider_job_id", "missing_image_count")
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_METADATA_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    MISSING_IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    provider_model: str
    provider: str
    image_count: int
    usage: Usage
    cost: Cost
    timing: Timing
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    adjustments: _containers.RepeatedCompositeFieldContainer[Adjustment]
    provider_metadata: _struct_pb2.Struct
    account: str
    provider_job_id: str
    missing_image_count: int
    def __init__(self, provider_model: _Optional[str] = ..., provider: _Optional[str] = ..., image_count: _Optional[int] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost: _Optional[_Union[Cost, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., adjustments: _Optional[_Iterable[_Union[Adjustment, _Mapping]]] = ..., provider_metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., account: _Optional[str] = ..., provider_job_id: _Optional[str] = ..., missing_image_count: _Optional[int] = ...) -> None: ...
