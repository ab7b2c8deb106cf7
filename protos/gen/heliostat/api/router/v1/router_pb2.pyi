import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from heliostat.api.image.v1 import capability_pb2 as _capability_pb2
from heliostat.api.image.v1 import event_pb2 as _event_pb2
from heliostat.api.image.v1 import request_pb2 as _request_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TargetStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TARGET_STATUS_UNSPECIFIED: _ClassVar[TargetStatus]
    TARGET_STATUS_UP: _ClassVar[TargetStatus]
    TARGET_STATUS_PAUSED: _ClassVar[TargetStatus]
    TARGET_STATUS_DOWN: _ClassVar[TargetStatus]
    TARGET_STATUS_PROBING: _ClassVar[TargetStatus]
    TARGET_STATUS_OFF: _ClassVar[TargetStatus]

class ProviderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVIDER_STATUS_UNSPECIFIED: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_UP: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_DEGRADED: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_DOWN: _ClassVar[ProviderStatus]
TARGET_STATUS_UNSPECIFIED: TargetStatus
TARGET_STATUS_UP: TargetStatus
TARGET_STATUS_PAUSED: TargetStatus
TARGET_STATUS_DOWN: TargetStatus
TARGET_STATUS_PROBING: TargetStatus
TARGET_STATUS_OFF: TargetStatus
PROVIDER_STATUS_UNSPECIFIED: ProviderStatus
PROVIDER_STATUS_UP: ProviderStatus
PROVIDER_STATUS_DEGRADED: ProviderStatus
PROVIDER_STATUS_DOWN: ProviderStatus

class GenerateRequest(_message.Message):
    __slots__ = ("image", "request_id", "idempotency_key", "wait", "retry_count", "progressive", "resume", "wait_is_default", "answer_form")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROGRESSIVE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    WAIT_IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FORM_FIELD_NUMBER: _ClassVar[int]
    image: _request_pb2.ImageRequest
    request_id: str
    idempotency_key: str
    wait: _duration_pb2.Duration
    retry_count: int
    progressive: bool
    resume: _containers.RepeatedCompositeFieldContainer[ResumeAttempt]
    wait_is_default: bool
    answer_form: str
    def __init__(self, image: _Optional[_Union[_request_pb2.ImageRequest, _Mapping]] = ..., request_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry_count: _Optional[int] = ..., progressive: _Optional[bool] = ..., resume: _Optional[_Iterable[_Union[ResumeAttempt, _Mapping]]] = ..., wait_is_default: _Optional[bool] = ..., answer_form: _Optional[str] = ...) -> None: ...

class GiveUpRequest(_message.Message):
    __slots__ = ("request_id", "only_free")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ONLY_FREE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    only_free: bool
    def __init__(self, request_id: _Optional[str] = ..., only_free: _Optional[bool] = ...) -> None: ...

class GiveUpResponse(_message.Message):
    __slots__ = ("attempt_count", "free")
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    attempt_count: int
    free: bool
    def __init__(self, attempt_count: _Optional[int] = ..., free: _Optional[bool] = ...) -> None: ...

class ResumeAttempt(_message.Message):
    __slots__ = ("attempt_id", "target", "provider_job_id", "account", "look_only")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    LOOK_ONLY_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    target: str
    provider_job_id: str
    account: str
    look_only: bool
    def __init__(self, attempt_id: _Optional[str] = ..., target: _Optional[str] = ..., provider_job_id: _Optional[str] = ..., account: _Optional[str] = ..., look_only: _Optional[bool] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.ImageEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.ImageEvent, _Mapping]]] = ...) -> None: ...

class EstimateRequest(_message.Message):
    __slots__ = ("image", "mask_preview")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MASK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    image: _request_pb2.ImageRequest
    mask_preview: bool
    def __init__(self, image: _Optional[_Union[_request_pb2.ImageRequest, _Mapping]] = ..., mask_preview: _Optional[bool] = ...) -> None: ...

class TargetEstimate(_message.Message):
    __slots__ = ("target", "provider", "provider_model", "priority", "weight", "cost", "duration", "adjustments", "excluded_because", "call_count", "mask_preview")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    MASK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    target: str
    provider: str
    provider_model: str
    priority: int
    weight: float
    cost: _event_pb2.Cost
    duration: _duration_pb2.Duration
    adjustments: _containers.RepeatedCompositeFieldContainer[_event_pb2.Adjustment]
    excluded_because: str
    call_count: int
    mask_preview: bytes
    def __init__(self, target: _Optional[str] = ..., provider: _Optional[str] = ..., provider_model: _Optional[str] = ..., priority: _Optional[int] = ..., weight: _Optional[float] = ..., cost: _Optional[_Union[_event_pb2.Cost, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., adjustments: _Optional[_Iterable[_Union[_event_pb2.Adjustment, _Mapping]]] = ..., excluded_because: _Optional[str] = ..., call_count: _Optional[int] = ..., mask_preview: _Optional[bytes] = ...) -> None: ...

class EstimateResponse(_message.Message):
    __slots__ = ("targets", "route")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[TargetEstimate]
    route: str
    def __init__(self, targets: _Optional[_Iterable[_Union[TargetEstimate, _Mapping]]] = ..., route: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class ModelTarget(_message.Message):
    __slots__ = ("target", "provider", "priority", "weight", "capability", "available")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    target: str
    provider: str
    priority: int
    weight: float
    capability: _capability_pb2.Capability
    available: bool
    def __init__(self, target: _Optional[str] = ..., provider: _Optional[str] = ..., priority: _Optional[int] = ..., weight: _Optional[float] = ..., capability: _Optional[_Union[_capability_pb2.Capability, _Mapping]] = ..., available: _Optional[bool] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "aliases", "targets", "create_time_seconds", "creator", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    targets: _containers.RepeatedCompositeFieldContainer[ModelTarget]
    create_time_seconds: int
    creator: str
    description: str
    def __init__(self, name: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., targets: _Optional[_Iterable[_Union[ModelTarget, _Mapping]]] = ..., create_time_seconds: _Optional[int] = ..., creator: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class ListProvidersRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Pulse(_message.Message):
    __slots__ = ("call_count", "success_ratio", "p50_seconds", "p95_seconds")
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    P50_SECONDS_FIELD_NUMBER: _ClassVar[int]
    P95_SECONDS_FIELD_NUMBER: _ClassVar[int]
    call_count: int
    success_ratio: float
    p50_seconds: float
    p95_seconds: float
    def __init__(self, call_count: _Optional[int] = ..., success_ratio: _Optional[float] = ..., p50_seconds: _Optional[float] = ..., p95_seconds: _Optional[float] = ...) -> None: ...

class ProviderTarget(_message.Message):
    __slots__ = ("target", "models", "status", "because", "return_time", "pulse", "account")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    RETURN_TIME_FIELD_NUMBER: _ClassVar[int]
    PULSE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    target: str
    models: _containers.RepeatedScalarFieldContainer[str]
    status: TargetStatus
    because: str
    return_time: _timestamp_pb2.Timestamp
    pulse: Pulse
    account: str
    def __init__(self, target: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., status: _Optional[_Union[TargetStatus, str]] = ..., because: _Optional[str] = ..., return_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pulse: _Optional[_Union[Pulse, _Mapping]] = ..., account: _Optional[str] = ...) -> None: ...

class Provider(_message.Message):
    __slots__ = ("name", "provider", "status", "pulse", "targets")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PULSE_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    status: ProviderStatus
    pulse: Pulse
    targets: _containers.RepeatedCompositeFieldContainer[ProviderTarget]
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., status: _Optional[_Union[ProviderStatus, str]] = ..., pulse: _Optional[_Union[Pulse, _Mapping]] = ..., targets: _Optional[_Iterable[_Union[ProviderTarget, _Mapping]]] = ...) -> None: ...

class ListProvidersResponse(_message.Message):
    __slots__ = ("providers",)
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[Provider]
    def __init__(self, providers: _Optional[_Iterable[_Union[Provider, _Mapping]]] = ...) -> None: ...

class DeliverWebhookRequest(_message.Message):
    __slots__ = ("provider", "headers", "body")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    provider: str
    headers: _containers.ScalarMap[str, str]
    body: bytes
    def __init__(self, provider: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., body: _Optional[bytes] = ...) -> None: ...

class DeliverWebhookResponse(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: bool
    def __init__(self, found: _Optional[bool] = ...) -> None: ...
