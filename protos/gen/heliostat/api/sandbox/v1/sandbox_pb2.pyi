import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.type import money_pb2 as _money_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_KIND_UNSPECIFIED: _ClassVar[FaultKind]
    FAULT_KIND_DOWN: _ClassVar[FaultKind]
    FAULT_KIND_RATE_LIMITED: _ClassVar[FaultKind]
    FAULT_KIND_SLOW: _ClassVar[FaultKind]
    FAULT_KIND_GARBAGE: _ClassVar[FaultKind]
    FAULT_KIND_EXPIRED_LINK: _ClassVar[FaultKind]
    FAULT_KIND_SCRIPTED: _ClassVar[FaultKind]
FAULT_KIND_UNSPECIFIED: FaultKind
FAULT_KIND_DOWN: FaultKind
FAULT_KIND_RATE_LIMITED: FaultKind
FAULT_KIND_SLOW: FaultKind
FAULT_KIND_GARBAGE: FaultKind
FAULT_KIND_EXPIRED_LINK: FaultKind
FAULT_KIND_SCRIPTED: FaultKind

class Fault(_message.Message):
    __slots__ = ("kind", "wait")
    KIND_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    kind: FaultKind
    wait: _duration_pb2.Duration
    def __init__(self, kind: _Optional[_Union[FaultKind, str]] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Bill(_message.Message):
    __slots__ = ("picture_count", "cost")
    PICTURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    picture_count: int
    cost: _money_pb2.Money
    def __init__(self, picture_count: _Optional[int] = ..., cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class Provider(_message.Message):
    __slots__ = ("name", "adapters", "fault", "bill", "killable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    BILL_FIELD_NUMBER: _ClassVar[int]
    KILLABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    adapters: _containers.RepeatedScalarFieldContainer[str]
    fault: Fault
    bill: Bill
    killable: bool
    def __init__(self, name: _Optional[str] = ..., adapters: _Optional[_Iterable[str]] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ..., bill: _Optional[_Union[Bill, _Mapping]] = ..., killable: _Optional[bool] = ...) -> None: ...

class Counters(_message.Message):
    __slots__ = ("billed", "without_gateway", "repeat_count")
    BILLED_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_GATEWAY_FIELD_NUMBER: _ClassVar[int]
    REPEAT_COUNT_FIELD_NUMBER: _ClassVar[int]
    billed: Bill
    without_gateway: Bill
    repeat_count: int
    def __init__(self, billed: _Optional[_Union[Bill, _Mapping]] = ..., without_gateway: _Optional[_Union[Bill, _Mapping]] = ..., repeat_count: _Optional[int] = ...) -> None: ...

class ListProvidersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProvidersResponse(_message.Message):
    __slots__ = ("providers",)
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[Provider]
    def __init__(self, providers: _Optional[_Iterable[_Union[Provider, _Mapping]]] = ...) -> None: ...

class SetFaultRequest(_message.Message):
    __slots__ = ("provider", "fault")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    fault: Fault
    def __init__(self, provider: _Optional[str] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ...) -> None: ...

class SetFaultResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: Provider
    def __init__(self, provider: _Optional[_Union[Provider, _Mapping]] = ...) -> None: ...

class ClearFaultsRequest(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: str
    def __init__(self, provider: _Optional[str] = ...) -> None: ...

class ClearFaultsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCountersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCountersResponse(_message.Message):
    __slots__ = ("counters",)
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    counters: Counters
    def __init__(self, counters: _Optional[_Union[Counters, _Mapping]] = ...) -> None: ...

class WatchSandboxRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchSandboxResponse(_message.Message):
    __slots__ = ("providers", "counters")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[Provider]
    counters: Counters
    def __init__(self, providers: _Optional[_Iterable[_Union[Provider, _Mapping]]] = ..., counters: _Optional[_Union[Counters, _Mapping]] = ...) -> None: ...

class KillAdapterRequest(_message.Message):
    __slots__ = ("adapter",)
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    def __init__(self, adapter: _Optional[str] = ...) -> None: ...

class KillAdapterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
