import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.type import money_pb2 as _money_pb2
from heliostat.api.image.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MaskMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MASK_MODE_UNSPECIFIED: _ClassVar[MaskMode]
    MASK_MODE_WHITE_REPAINTS: _ClassVar[MaskMode]
    MASK_MODE_ALPHA_REPAINTS: _ClassVar[MaskMode]
    MASK_MODE_BLACK_REPAINTS: _ClassVar[MaskMode]

class ReferenceRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFERENCE_ROLE_UNSPECIFIED: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_SUBJECT: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_STYLE: _ClassVar[ReferenceRole]
    REFERENCE_ROLE_STRUCTURE: _ClassVar[ReferenceRole]

class SizeTier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIZE_TIER_UNSPECIFIED: _ClassVar[SizeTier]
    SIZE_TIER_HALF_K: _ClassVar[SizeTier]
    SIZE_TIER_1K: _ClassVar[SizeTier]
    SIZE_TIER_2K: _ClassVar[SizeTier]
    SIZE_TIER_4K: _ClassVar[SizeTier]

class Delivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_UNSPECIFIED: _ClassVar[Delivery]
    DELIVERY_BYTES: _ClassVar[Delivery]
    DELIVERY_STORED: _ClassVar[Delivery]
    DELIVERY_PROVIDER_URI: _ClassVar[Delivery]

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_UNSPECIFIED: _ClassVar[Quality]
    QUALITY_LOW: _ClassVar[Quality]
    QUALITY_MEDIUM: _ClassVar[Quality]
    QUALITY_HIGH: _ClassVar[Quality]
    QUALITY_XHIGH: _ClassVar[Quality]
    QUALITY_MAX: _ClassVar[Quality]

class Background(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKGROUND_UNSPECIFIED: _ClassVar[Background]
    BACKGROUND_TRANSPARENT: _ClassVar[Background]
    BACKGROUND_OPAQUE: _ClassVar[Background]

class Moderation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODERATION_UNSPECIFIED: _ClassVar[Moderation]
    MODERATION_AUTO: _ClassVar[Moderation]
    MODERATION_LOW: _ClassVar[Moderation]

class Strict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRICT_UNSPECIFIED: _ClassVar[Strict]
    STRICT_OFF: _ClassVar[Strict]
    STRICT_REPORT: _ClassVar[Strict]
    STRICT_REFUSE: _ClassVar[Strict]

class Sort(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SORT_UNSPECIFIED: _ClassVar[Sort]
    SORT_PRICE: _ClassVar[Sort]
    SORT_LATENCY: _ClassVar[Sort]

class OnUnknown(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_UNKNOWN_UNSPECIFIED: _ClassVar[OnUnknown]
    ON_UNKNOWN_NEXT: _ClassVar[OnUnknown]
    ON_UNKNOWN_WAIT: _ClassVar[OnUnknown]
    ON_UNKNOWN_FAIL: _ClassVar[OnUnknown]
MASK_MODE_UNSPECIFIED: MaskMode
MASK_MODE_WHITE_REPAINTS: MaskMode
MASK_MODE_ALPHA_REPAINTS: MaskMode
MASK_MODE_BLACK_REPAINTS: MaskMode
REFERENCE_ROLE_UNSPECIFIED: ReferenceRole
REFERENCE_ROLE_SUBJECT: ReferenceRole
REFERENCE_ROLE_STYLE: ReferenceRole
REFERENCE_ROLE_STRUCTURE: ReferenceRole
SIZE_TIER_UNSPECIFIED: SizeTier
SIZE_TIER_HALF_K: SizeTier
SIZE_TIER_1K: SizeTier
SIZE_TIER_2K: SizeTier
SIZE_TIER_4K: SizeTier
DELIVERY_UNSPECIFIED: Delivery
DELIVERY_BYTES: Delivery
DELIVERY_STORED: Delivery
DELIVERY_PROVIDER_URI: Delivery
QUALITY_UNSPECIFIED: Quality
QUALITY_LOW: Quality
QUALITY_MEDIUM: Quality
QUALITY_HIGH: Quality
QUALITY_XHIGH: Quality
QUALITY_MAX: Quality
BACKGROUND_UNSPECIFIED: Background
BACKGROUND_TRANSPARENT: Background
BACKGROUND_OPAQUE: Background
MODERATION_UNSPECIFIED: Moderation
MODERATION_AUTO: Moderation
MODERATION_LOW: Moderation
STRICT_UNSPECIFIED: Strict
STRICT_OFF: Strict
STRICT_REPORT: Strict
STRICT_REFUSE: Strict
SORT_UNSPECIFIED: Sort
SORT_PRICE: Sort
SORT_LATENCY: Sort
ON_UNKNOWN_UNSPECIFIED: OnUnknown
ON_UNKNOWN_NEXT: OnUnknown
ON_UNKNOWN_WAIT: OnUnknown
ON_UNKNOWN_FAIL: OnUnknown

class ImageRequest(_message.Message):
    __slots__ = ("model", "prompt", "negative_prompt", "text_to_image", "edit", "variation", "upscale", "remove_background", "segment", "style_transfer", "outpaint", "references", "seed", "image_count", "size", "output", "moderation", "strict", "end_user_id", "required_parameters", "style", "routing", "session_id", "tags", "provider_options", "extra_fields")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ProviderOptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Struct
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    TEXT_TO_IMAGE_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    VARIATION_FIELD_NUMBER: _ClassVar[int]
    UPSCALE_FIELD_NUMBER: _ClassVar[int]
    REMOVE_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    STYLE_TRANSFER_FIELD_NUMBER: _ClassVar[int]
    OUTPAINT_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MODERATION_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    END_USER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELDS_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: str
    negative_prompt: str
    text_to_image: TextToImage
    edit: Edit
    variation: Variation
    upscale: Upscale
    remove_background: RemoveBackground
    segment: Segment
    style_transfer: StyleTransfer
    outpaint: Outpaint
    references: _containers.RepeatedCompositeFieldContainer[Reference]
    seed: int
    image_count: int
    size: Size
    output: Output
    moderation: Moderation
    strict: Strict
    end_user_id: str
    required_parameters: _containers.RepeatedScalarFieldContainer[str]
    style: str
    routing: Routing
    session_id: str
    tags: _containers.ScalarMap[str, str]
    provider_options: _containers.MessageMap[str, _struct_pb2.Struct]
    extra_fields: _struct_pb2.Struct
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[str] = ..., negative_prompt: _Optional[str] = ..., text_to_image: _Optional[_Union[TextToImage, _Mapping]] = ..., edit: _Optional[_Union[Edit, _Mapping]] = ..., variation: _Optional[_Union[Variation, _Mapping]] = ..., upscale: _Optional[_Union[Upscale, _Mapping]] = ..., remove_background: _Optional[_Union[RemoveBackground, _Mapping]] = ..., segment: _Optional[_Union[Segment, _Mapping]] = ..., style_transfer: _Optional[_Union[StyleTransfer, _Mapping]] = ..., outpaint: _Optional[_Union[Outpaint, _Mapping]] = ..., references: _Optional[_Iterable[_Union[Reference, _Mapping]]] = ..., seed: _Optional[int] = ..., image_count: _Optional[int] = ..., size: _Optional[_Union[Size, _Mapping]] = ..., output: _Optional[_Union[Output, _Mapping]] = ..., moderation: _Optional[_Union[Moderation, str]] = ..., strict: _Optional[_Union[Strict, str]] = ..., end_user_id: _Optional[str] = ..., required_parameters: _Optional[_Iterable[str]] = ..., style: _Optional[str] = ..., routing: _Optional[_Union[Routing, _Mapping]] = ..., session_id: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., provider_options: _Optional[_Mapping[str, _struct_pb2.Struct]] = ..., extra_fields: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TextToImage(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Edit(_message.Message):
    __slots__ = ("image", "mask", "strength", "mask_mode", "feather_px")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    MASK_MODE_FIELD_NUMBER: _ClassVar[int]
    FEATHER_PX_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    mask: _media_pb2.Media
    strength: float
    mask_mode: MaskMode
    feather_px: int
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., mask: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., strength: _Optional[float] = ..., mask_mode: _Optional[_Union[MaskMode, str]] = ..., feather_px: _Optional[int] = ...) -> None: ...

class Variation(_message.Message):
    __slots__ = ("image", "similarity")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    similarity: float
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., similarity: _Optional[float] = ...) -> None: ...

class Upscale(_message.Message):
    __slots__ = ("image", "factor", "size", "creativity")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CREATIVITY_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    factor: float
    size: PixelSize
    creativity: float
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., factor: _Optional[float] = ..., size: _Optional[_Union[PixelSize, _Mapping]] = ..., creativity: _Optional[float] = ...) -> None: ...

class RemoveBackground(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("x_px", "y_px", "exclude")
    X_PX_FIELD_NUMBER: _ClassVar[int]
    Y_PX_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    x_px: int
    y_px: int
    exclude: bool
    def __init__(self, x_px: _Optional[int] = ..., y_px: _Optional[int] = ..., exclude: _Optional[bool] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("left_px", "top_px", "right_px", "bottom_px")
    LEFT_PX_FIELD_NUMBER: _ClassVar[int]
    TOP_PX_FIELD_NUMBER: _ClassVar[int]
    RIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_PX_FIELD_NUMBER: _ClassVar[int]
    left_px: int
    top_px: int
    right_px: int
    bottom_px: int
    def __init__(self, left_px: _Optional[int] = ..., top_px: _Optional[int] = ..., right_px: _Optional[int] = ..., bottom_px: _Optional[int] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("image", "labels", "points", "boxes")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BOXES_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    labels: _containers.RepeatedScalarFieldContainer[str]
    points: _containers.RepeatedCompositeFieldContainer[Point]
    boxes: _containers.RepeatedCompositeFieldContainer[Box]
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., labels: _Optional[_Iterable[str]] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ..., boxes: _Optional[_Iterable[_Union[Box, _Mapping]]] = ...) -> None: ...

class StyleTransfer(_message.Message):
    __slots__ = ("image", "style", "strength")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    style: _media_pb2.Media
    strength: float
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., style: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., strength: _Optional[float] = ...) -> None: ...

class Outpaint(_message.Message):
    __slots__ = ("image", "left_px", "right_px", "top_px", "bottom_px")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LEFT_PX_FIELD_NUMBER: _ClassVar[int]
    RIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    TOP_PX_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_PX_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    left_px: int
    right_px: int
    top_px: int
    bottom_px: int
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., left_px: _Optional[int] = ..., right_px: _Optional[int] = ..., top_px: _Optional[int] = ..., bottom_px: _Optional[int] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("image", "role", "weight")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    image: _media_pb2.Media
    role: ReferenceRole
    weight: float
    def __init__(self, image: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., role: _Optional[_Union[ReferenceRole, str]] = ..., weight: _Optional[float] = ...) -> None: ...

class PixelSize(_message.Message):
    __slots__ = ("width_px", "height_px")
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    width_px: int
    height_px: int
    def __init__(self, width_px: _Optional[int] = ..., height_px: _Optional[int] = ...) -> None: ...

class AspectSize(_message.Message):
    __slots__ = ("width_ratio", "height_ratio", "tier")
    WIDTH_RATIO_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_RATIO_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    width_ratio: int
    height_ratio: int
    tier: SizeTier
    def __init__(self, width_ratio: _Optional[int] = ..., height_ratio: _Optional[int] = ..., tier: _Optional[_Union[SizeTier, str]] = ...) -> None: ...

class Size(_message.Message):
    __slots__ = ("pixels", "aspect")
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    ASPECT_FIELD_NUMBER: _ClassVar[int]
    pixels: PixelSize
    aspect: AspectSize
    def __init__(self, pixels: _Optional[_Union[PixelSize, _Mapping]] = ..., aspect: _Optional[_Union[AspectSize, _Mapping]] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("media_type", "compression_percent", "quality", "background", "partial_image_count", "delivery")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_PERCENT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    compression_percent: int
    quality: Quality
    background: Background
    partial_image_count: int
    delivery: Delivery
    def __init__(self, media_type: _Optional[str] = ..., compression_percent: _Optional[int] = ..., quality: _Optional[_Union[Quality, str]] = ..., background: _Optional[_Union[Background, str]] = ..., partial_image_count: _Optional[int] = ..., delivery: _Optional[_Union[Delivery, str]] = ...) -> None: ...

class Routing(_message.Message):
    __slots__ = ("order", "only", "ignore", "sort", "max_cost", "allow_fallbacks", "fallback_models", "max_wait", "on_unknown", "cohort")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    IGNORE_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_MODELS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    ON_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    order: _containers.RepeatedScalarFieldContainer[str]
    only: _containers.RepeatedScalarFieldContainer[str]
    ignore: _containers.RepeatedScalarFieldContainer[str]
    sort: Sort
    max_cost: _money_pb2.Money
    allow_fallbacks: bool
    fallback_models: _containers.RepeatedScalarFieldContainer[str]
    max_wait: _duration_pb2.Duration
    on_unknown: OnUnknown
    cohort: str
    def __init__(self, order: _Optional[_Iterable[str]] = ..., only: _Optional[_Iterable[str]] = ..., ignore: _Optional[_Iterable[str]] = ..., sort: _Optional[_Union[Sort, str]] = ..., max_cost: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., allow_fallbacks: _Optional[bool] = ..., fallback_models: _Optional[_Iterable[str]] = ..., max_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., on_unknown: _Optional[_Union[OnUnknown, str]] = ..., cohort: _Optional[str] = ...) -> None: ...
