import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from heliostat.api.image.v1 import capability_pb2 as _capability_pb2
from heliostat.api.image.v1 import event_pb2 as _event_pb2
from heliostat.api.image.v1 import request_pb2 as _request_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Account(_message.Message):
    __slots__ = ("name", "weight", "configured")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: float
    configured: bool
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[float] = ..., configured: _Optional[bool] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("provider", "models", "accounts", "display_name", "sandbox")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    provider: str
    models: _containers.RepeatedCompositeFieldContainer[_capability_pb2.Capability]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    display_name: str
    sandbox: bool
    def __init__(self, provider: _Optional[str] = ..., models: _Optional[_Iterable[_Union[_capability_pb2.Capability, _Mapping]]] = ..., accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., display_name: _Optional[str] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class EstimateRequest(_message.Message):
    __slots__ = ("provider_model", "image", "account", "mask_preview")
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MASK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    provider_model: str
    image: _request_pb2.ImageRequest
    account: str
    mask_preview: bool
    def __init__(self, provider_model: _Optional[str] = ..., image: _Optional[_Union[_request_pb2.ImageRequest, _Mapping]] = ..., account: _Optional[str] = ..., mask_preview: _Optional[bool] = ...) -> None: ...

class EstimateResponse(_message.Message):
    __slots__ = ("cost", "duration", "adjustments", "mask_preview")
    COST_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    MASK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    cost: _event_pb2.Cost
    duration: _duration_pb2.Duration
    adjustments: _containers.RepeatedCompositeFieldContainer[_event_pb2.Adjustment]
    mask_preview: bytes
    def __init__(self, cost: _Optional[_Union[_event_pb2.Cost, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., adjustments: _Optional[_Iterable[_Union[_event_pb2.Adjustment, _Mapping]]] = ..., mask_preview: _Optional[bytes] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("attempt_id", "provider_model", "image", "resume_provider_job_id", "account", "webhook_uri", "look_only")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    RESUME_PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_URI_FIELD_NUMBER: _ClassVar[int]
    LOOK_ONLY_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    provider_model: str
    image: _request_pb2.ImageRequest
    resume_provider_job_id: str
    account: str
    webhook_uri: str
    look_only: bool
    def __init__(self, attempt_id: _Optional[str] = ..., provider_model: _Optional[str] = ..., image: _Optional[_Union[_request_pb2.ImageRequest, _Mapping]] = ..., resume_provider_job_id: _Optional[str] = ..., account: _Optional[str] = ..., webhook_uri: _Optional[str] = ..., look_only: _Optional[bool] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.ImageEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.ImageEvent, _Mapping]]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("attempt_id", "provider_job_id", "provider_model", "account", "only_free")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ONLY_FREE_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    provider_job_id: str
    provider_model: str
    account: str
    only_free: bool
    def __init__(self, attempt_id: _Optional[str] = ..., provider_job_id: _Optional[str] = ..., provider_model: _Optional[str] = ..., account: _Optional[str] = ..., only_free: _Optional[bool] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ("found", "free")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    found: bool
    free: bool
    def __init__(self, found: _Optional[bool] = ..., free: _Optional[bool] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class DeliverWebhookRequest(_message.Message):
    __slots__ = ("headers", "body")
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    body: bytes
    def __init__(self, headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., body: _Optional[bytes] = ...) -> None: ...

class DeliverWebhookResponse(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: bool
    def __init__(self, found: _Optional[bool] = ...) -> None: ...
