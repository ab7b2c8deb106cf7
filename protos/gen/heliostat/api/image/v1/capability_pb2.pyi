from google.protobuf import struct_pb2 as _struct_pb2
from google.type import money_pb2 as _money_pb2
from heliostat.api.image.v1 import request_pb2 as _request_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_TEXT_TO_IMAGE: _ClassVar[Operation]
    OPERATION_EDIT: _ClassVar[Operation]
    OPERATION_VARIATION: _ClassVar[Operation]
    OPERATION_UPSCALE: _ClassVar[Operation]
    OPERATION_REMOVE_BACKGROUND: _ClassVar[Operation]
    OPERATION_SEGMENT: _ClassVar[Operation]
    OPERATION_STYLE_TRANSFER: _ClassVar[Operation]
    OPERATION_OUTPAINT: _ClassVar[Operation]

class PriceUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_UNIT_UNSPECIFIED: _ClassVar[PriceUnit]
    PRICE_UNIT_IMAGE: _ClassVar[PriceUnit]
    PRICE_UNIT_MEGAPIXEL: _ClassVar[PriceUnit]
    PRICE_UNIT_MILLION_TOKENS: _ClassVar[PriceUnit]
    PRICE_UNIT_SECOND: _ClassVar[PriceUnit]
    PRICE_UNIT_REQUEST: _ClassVar[PriceUnit]
    PRICE_UNIT_STEP: _ClassVar[PriceUnit]
    PRICE_UNIT_TILE: _ClassVar[PriceUnit]

class ParameterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_TYPE_UNSPECIFIED: _ClassVar[ParameterType]
    PARAMETER_TYPE_STRING: _ClassVar[ParameterType]
    PARAMETER_TYPE_INTEGER: _ClassVar[ParameterType]
    PARAMETER_TYPE_NUMBER: _ClassVar[ParameterType]
    PARAMETER_TYPE_BOOLEAN: _ClassVar[ParameterType]
    PARAMETER_TYPE_ENUM: _ClassVar[ParameterType]

class MaskSupport(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MASK_SUPPORT_UNSPECIFIED: _ClassVar[MaskSupport]
    MASK_SUPPORT_EXACT: _ClassVar[MaskSupport]
    MASK_SUPPORT_GUIDANCE: _ClassVar[MaskSupport]
OPERATION_UNSPECIFIED: Operation
OPERATION_TEXT_TO_IMAGE: Operation
OPERATION_EDIT: Operation
OPERATION_VARIATION: Operation
OPERATION_UPSCALE: Operation
OPERATION_REMOVE_BACKGROUND: Operation
OPERATION_SEGMENT: Operation
OPERATION_STYLE_TRANSFER: Operation
OPERATION_OUTPAINT: Operation
PRICE_UNIT_UNSPECIFIED: PriceUnit
PRICE_UNIT_IMAGE: PriceUnit
PRICE_UNIT_MEGAPIXEL: PriceUnit
PRICE_UNIT_MILLION_TOKENS: PriceUnit
PRICE_UNIT_SECOND: PriceUnit
PRICE_UNIT_REQUEST: PriceUnit
PRICE_UNIT_STEP: PriceUnit
PRICE_UNIT_TILE: PriceUnit
PARAMETER_TYPE_UNSPECIFIED: ParameterType
PARAMETER_TYPE_STRING: ParameterType
PARAMETER_TYPE_INTEGER: ParameterType
PARAMETER_TYPE_NUMBER: ParameterType
PARAMETER_TYPE_BOOLEAN: ParameterType
PARAMETER_TYPE_ENUM: ParameterType
MASK_SUPPORT_UNSPECIFIED: MaskSupport
MASK_SUPPORT_EXACT: MaskSupport
MASK_SUPPORT_GUIDANCE: MaskSupport

class Price(_message.Message):
    __slots__ = ("unit", "amount", "billable", "variant")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BILLABLE_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    unit: PriceUnit
    amount: _money_pb2.Money
    billable: str
    variant: str
    def __init__(self, unit: _Optional[_Union[PriceUnit, str]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., billable: _Optional[str] = ..., variant: _Optional[str] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "type", "minimum", "maximum", "values", "default_value", "provider_option", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_OPTION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ParameterType
    minimum: float
    maximum: float
    values: _containers.RepeatedScalarFieldContainer[str]
    default_value: str
    provider_option: bool
    description: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ParameterType, str]] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., values: _Optional[_Iterable[str]] = ..., default_value: _Optional[str] = ..., provider_option: _Optional[bool] = ..., description: _Optional[str] = ...) -> None: ...

class SizeRule(_message.Message):
    __slots__ = ("grid", "exact", "shapes")
    class Grid(_message.Message):
        __slots__ = ("min_px", "max_px", "step_px", "min_area_px", "max_area_px", "max_ratio")
        MIN_PX_FIELD_NUMBER: _ClassVar[int]
        MAX_PX_FIELD_NUMBER: _ClassVar[int]
        STEP_PX_FIELD_NUMBER: _ClassVar[int]
        MIN_AREA_PX_FIELD_NUMBER: _ClassVar[int]
        MAX_AREA_PX_FIELD_NUMBER: _ClassVar[int]
        MAX_RATIO_FIELD_NUMBER: _ClassVar[int]
        min_px: int
        max_px: int
        step_px: int
        min_area_px: int
        max_area_px: int
        max_ratio: float
        def __init__(self, min_px: _Optional[int] = ..., max_px: _Optional[int] = ..., step_px: _Optional[int] = ..., min_area_px: _Optional[int] = ..., max_area_px: _Optional[int] = ..., max_ratio: _Optional[float] = ...) -> None: ...
    class Exact(_message.Message):
        __slots__ = ("sizes",)
        SIZES_FIELD_NUMBER: _ClassVar[int]
        sizes: _containers.RepeatedCompositeFieldContainer[_request_pb2.PixelSize]
        def __init__(self, sizes: _Optional[_Iterable[_Union[_request_pb2.PixelSize, _Mapping]]] = ...) -> None: ...
    class Shapes(_message.Message):
        __slots__ = ("ratios", "tiers")
        RATIOS_FIELD_NUMBER: _ClassVar[int]
        TIERS_FIELD_NUMBER: _ClassVar[int]
        ratios: _containers.RepeatedCompositeFieldContainer[_request_pb2.AspectSize]
        tiers: _containers.RepeatedScalarFieldContainer[_request_pb2.SizeTier]
        def __init__(self, ratios: _Optional[_Iterable[_Union[_request_pb2.AspectSize, _Mapping]]] = ..., tiers: _Optional[_Iterable[_Union[_request_pb2.SizeTier, str]]] = ...) -> None: ...
    GRID_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    SHAPES_FIELD_NUMBER: _ClassVar[int]
    grid: SizeRule.Grid
    exact: SizeRule.Exact
    shapes: SizeRule.Shapes
    def __init__(self, grid: _Optional[_Union[SizeRule.Grid, _Mapping]] = ..., exact: _Optional[_Union[SizeRule.Exact, _Mapping]] = ..., shapes: _Optional[_Union[SizeRule.Shapes, _Mapping]] = ...) -> None: ...

class Capability(_message.Message):
    __slots__ = ("provider_model", "model_names", "operations", "sizes", "max_image_count", "max_reference_count", "mask", "media_types", "max_partial_image_count", "parameters", "prices", "price_source", "cancel_effective", "resumable", "idempotent", "retention_seconds", "region", "metadata", "max_prompt_chars", "creator", "description", "loose_names", "usual_price")
    PROVIDER_MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAMES_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_REFERENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPES_FIELD_NUMBER: _ClassVar[int]
    MAX_PARTIAL_IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    PRICE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_EFFECTIVE_FIELD_NUMBER: _ClassVar[int]
    RESUMABLE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    RETENTION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MAX_PROMPT_CHARS_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LOOSE_NAMES_FIELD_NUMBER: _ClassVar[int]
    USUAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    provider_model: str
    model_names: _containers.RepeatedScalarFieldContainer[str]
    operations: _containers.RepeatedScalarFieldContainer[Operation]
    sizes: SizeRule
    max_image_count: int
    max_reference_count: int
    mask: MaskSupport
    media_types: _containers.RepeatedScalarFieldContainer[str]
    max_partial_image_count: int
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    prices: _containers.RepeatedCompositeFieldContainer[Price]
    price_source: str
    cancel_effective: bool
    resumable: bool
    idempotent: bool
    retention_seconds: int
    region: str
    metadata: _struct_pb2.Struct
    max_prompt_chars: int
    creator: str
    description: str
    loose_names: _containers.RepeatedScalarFieldContainer[str]
    usual_price: _money_pb2.Money
    def __init__(self, provider_model: _Optional[str] = ..., model_names: _Optional[_Iterable[str]] = ..., operations: _Optional[_Iterable[_Union[Operation, str]]] = ..., sizes: _Optional[_Union[SizeRule, _Mapping]] = ..., max_image_count: _Optional[int] = ..., max_reference_count: _Optional[int] = ..., mask: _Optional[_Union[MaskSupport, str]] = ..., media_types: _Optional[_Iterable[str]] = ..., max_partial_image_count: _Optional[int] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., prices: _Optional[_Iterable[_Union[Price, _Mapping]]] = ..., price_source: _Optional[str] = ..., cancel_effective: _Optional[bool] = ..., resumable: _Optional[bool] = ..., idempotent: _Optional[bool] = ..., retention_seconds: _Optional[int] = ..., region: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., max_prompt_chars: _Optional[int] = ..., creator: _Optional[str] = ..., description: _Optional[str] = ..., loose_names: _Optional[_Iterable[str]] = ..., usual_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...
