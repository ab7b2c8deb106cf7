from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MediaRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_ROLE_UNSPECIFIED: _ClassVar[MediaRole]
    MEDIA_ROLE_IMAGE: _ClassVar[MediaRole]
    MEDIA_ROLE_MASK: _ClassVar[MediaRole]

class Provenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVENANCE_UNSPECIFIED: _ClassVar[Provenance]
    PROVENANCE_NONE: _ClassVar[Provenance]
    PROVENANCE_KEPT: _ClassVar[Provenance]
    PROVENANCE_LOST: _ClassVar[Provenance]

class MediaWarning(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_WARNING_UNSPECIFIED: _ClassVar[MediaWarning]
    MEDIA_WARNING_ONE_COLOUR: _ClassVar[MediaWarning]
MEDIA_ROLE_UNSPECIFIED: MediaRole
MEDIA_ROLE_IMAGE: MediaRole
MEDIA_ROLE_MASK: MediaRole
PROVENANCE_UNSPECIFIED: Provenance
PROVENANCE_NONE: Provenance
PROVENANCE_KEPT: Provenance
PROVENANCE_LOST: Provenance
MEDIA_WARNING_UNSPECIFIED: MediaWarning
MEDIA_WARNING_ONE_COLOUR: MediaWarning

class Media(_message.Message):
    __slots__ = ("data", "uri", "blob_id", "file_id", "media_type", "sha256")
    DATA_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    BLOB_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    uri: str
    blob_id: str
    file_id: str
    media_type: str
    sha256: bytes
    def __init__(self, data: _Optional[bytes] = ..., uri: _Optional[str] = ..., blob_id: _Optional[str] = ..., file_id: _Optional[str] = ..., media_type: _Optional[str] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class MediaInfo(_message.Message):
    __slots__ = ("image_index", "media_type", "width_px", "height_px", "size_bytes", "partial", "role", "uri", "label", "media_id", "partial_index", "provenance", "warnings")
    IMAGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MEDIA_ID_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_INDEX_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    image_index: int
    media_type: str
    width_px: int
    height_px: int
    size_bytes: int
    partial: bool
    role: MediaRole
    uri: str
    label: str
    media_id: str
    partial_index: int
    provenance: Provenance
    warnings: _containers.RepeatedScalarFieldContainer[MediaWarning]
    def __init__(self, image_index: _Optional[int] = ..., media_type: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., size_bytes: _Optional[int] = ..., partial: _Optional[bool] = ..., role: _Optional[_Union[MediaRole, str]] = ..., uri: _Optional[str] = ..., label: _Optional[str] = ..., media_id: _Optional[str] = ..., partial_index: _Optional[int] = ..., provenance: _Optional[_Union[Provenance, str]] = ..., warnings: _Optional[_Iterable[_Union[MediaWarning, str]]] = ...) -> None: ...

class MediaChunk(_message.Message):
    __slots__ = ("image_index", "offset_bytes", "data")
    IMAGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    image_index: int
    offset_bytes: int
    data: bytes
    def __init__(self, image_index: _Optional[int] = ..., offset_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class MediaEnded(_message.Message):
    __slots__ = ("image_index", "sha256", "seed", "revised_prompt", "size_bytes", "media_id", "expire_time_seconds")
    IMAGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    REVISED_PROMPT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEDIA_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    image_index: int
    sha256: bytes
    seed: int
    revised_prompt: str
    size_bytes: int
    media_id: str
    expire_time_seconds: int
    def __init__(self, image_index: _Optional[int] = ..., sha256: _Optional[bytes] = ..., seed: _Optional[int] = ..., revised_prompt: _Optional[str] = ..., size_bytes: _Optional[int] = ..., media_id: _Optional[str] = ..., expire_time_seconds: _Optional[int] = ...) -> None: ...
