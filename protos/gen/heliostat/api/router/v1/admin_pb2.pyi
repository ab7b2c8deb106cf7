import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from heliostat.api.image.v1 import event_pb2 as _event_pb2
from heliostat.api.image.v1 import request_pb2 as _request_pb2
from heliostat.api.router.v1 import router_pb2 as _router_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AdminState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADMIN_STATE_UNSPECIFIED: _ClassVar[AdminState]
    ADMIN_STATE_ENABLED: _ClassVar[AdminState]
    ADMIN_STATE_DRAINING: _ClassVar[AdminState]
    ADMIN_STATE_DISABLED: _ClassVar[AdminState]

class HealthState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_STATE_UNSPECIFIED: _ClassVar[HealthState]
    HEALTH_STATE_HEALTHY: _ClassVar[HealthState]
    HEALTH_STATE_PAUSED: _ClassVar[HealthState]
    HEALTH_STATE_EJECTED: _ClassVar[HealthState]
    HEALTH_STATE_PROBING: _ClassVar[HealthState]
ADMIN_STATE_UNSPECIFIED: AdminState
ADMIN_STATE_ENABLED: AdminState
ADMIN_STATE_DRAINING: AdminState
ADMIN_STATE_DISABLED: AdminState
HEALTH_STATE_UNSPECIFIED: HealthState
HEALTH_STATE_HEALTHY: HealthState
HEALTH_STATE_PAUSED: HealthState
HEALTH_STATE_EJECTED: HealthState
HEALTH_STATE_PROBING: HealthState

class Target(_message.Message):
    __slots__ = ("name", "route", "priority", "weight", "admin_state", "health_state", "return_time", "consecutive_failure_count", "last_error", "in_flight_count", "account", "overridden", "success_ratio", "p50_seconds", "p95_seconds", "why_out", "call_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ADMIN_STATE_FIELD_NUMBER: _ClassVar[int]
    HEALTH_STATE_FIELD_NUMBER: _ClassVar[int]
    RETURN_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_FAILURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    OVERRIDDEN_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    P50_SECONDS_FIELD_NUMBER: _ClassVar[int]
    P95_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WHY_OUT_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    route: str
    priority: int
    weight: float
    admin_state: AdminState
    health_state: HealthState
    return_time: _timestamp_pb2.Timestamp
    consecutive_failure_count: int
    last_error: _status_pb2.Status
    in_flight_count: int
    account: str
    overridden: bool
    success_ratio: float
    p50_seconds: float
    p95_seconds: float
    why_out: str
    call_count: int
    def __init__(self, name: _Optional[str] = ..., route: _Optional[str] = ..., priority: _Optional[int] = ..., weight: _Optional[float] = ..., admin_state: _Optional[_Union[AdminState, str]] = ..., health_state: _Optional[_Union[HealthState, str]] = ..., return_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consecutive_failure_count: _Optional[int] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., in_flight_count: _Optional[int] = ..., account: _Optional[str] = ..., overridden: _Optional[bool] = ..., success_ratio: _Optional[float] = ..., p50_seconds: _Optional[float] = ..., p95_seconds: _Optional[float] = ..., why_out: _Optional[str] = ..., call_count: _Optional[int] = ...) -> None: ...

class ListTargetsRequest(_message.Message):
    __slots__ = ("route",)
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    route: str
    def __init__(self, route: _Optional[str] = ...) -> None: ...

class ListTargetsResponse(_message.Message):
    __slots__ = ("targets",)
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    def __init__(self, targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ...) -> None: ...

class UpdateTargetRequest(_message.Message):
    __slots__ = ("target", "update_mask", "clear_override")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    CLEAR_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    target: Target
    update_mask: _field_mask_pb2.FieldMask
    clear_override: bool
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., clear_override: _Optional[bool] = ...) -> None: ...

class UpdateTargetResponse(_message.Message):
    __slots__ = ("targets",)
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    def __init__(self, targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ...) -> None: ...

class ResetTargetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResetTargetResponse(_message.Message):
    __slots__ = ("targets",)
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    def __init__(self, targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ...) -> None: ...

class WatchTargetsRequest(_message.Message):
    __slots__ = ("route", "with_calls")
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    WITH_CALLS_FIELD_NUMBER: _ClassVar[int]
    route: str
    with_calls: bool
    def __init__(self, route: _Optional[str] = ..., with_calls: _Optional[bool] = ...) -> None: ...

class OperatorEvent(_message.Message):
    __slots__ = ("time", "kind", "target", "message")
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    kind: str
    target: str
    message: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., target: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class WatchTargetsResponse(_message.Message):
    __slots__ = ("targets", "events")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    events: _containers.RepeatedCompositeFieldContainer[OperatorEvent]
    def __init__(self, targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[OperatorEvent, _Mapping]]] = ...) -> None: ...

class ExplainRequestRequest(_message.Message):
    __slots__ = ("image", "request_id")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    image: _request_pb2.ImageRequest
    request_id: str
    def __init__(self, image: _Optional[_Union[_request_pb2.ImageRequest, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ExplainRequestResponse(_message.Message):
    __slots__ = ("targets", "decision")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[_router_pb2.TargetEstimate]
    decision: _event_pb2.Decision
    def __init__(self, targets: _Optional[_Iterable[_Union[_router_pb2.TargetEstimate, _Mapping]]] = ..., decision: _Optional[_Union[_event_pb2.Decision, _Mapping]] = ...) -> None: ...

class ListTargetChangesRequest(_message.Message):
    __slots__ = ("target", "page_size", "page_token")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    target: str
    page_size: int
    page_token: str
    def __init__(self, target: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TargetChange(_message.Message):
    __slots__ = ("time", "who", "what", "target", "route", "before", "after")
    TIME_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    who: str
    what: str
    target: str
    route: str
    before: str
    after: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., who: _Optional[str] = ..., what: _Optional[str] = ..., target: _Optional[str] = ..., route: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class ListTargetChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[TargetChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[TargetChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
