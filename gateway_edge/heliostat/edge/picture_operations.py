"""What can be done with pictures: where each operation is asked, which words and pictures it takes, how it is said.

A table: routes, the OpenAPI document and the schemas of models are made of it. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.edge.forms import MASK, STYLE_IMAGE
from heliostat.edge.picture_bodies import (
    BackgroundBody,
    OutpaintBody,
    SegmentBody,
    StyleBody,
    UpscaleBody,
    VariationBody,
)
from heliostat.edge.picture_requests import (
    Pictures,
    background_request,
    edit_request,
    outpaint_request,
    segment_request,
    style_request,
    upscale_request,
    variation_request,
)
from heliostat.edge.schemas import MAX_IMAGES, EditBody, ImageBody
from heliostat.edge.to_proto import Wish


@dataclass(frozen=True, slots=True)
class PictureOperation:
    """What is asked at one address. `beside`: fields that hold a further picture; `most`: pictures to work on."""

    path: str
    operation: int
    body: type[ImageBody]
    request: Callable[[Any, Pictures, Wish], request_pb2.ImageRequest]
    beside: tuple[str, ...] = ()
    most: int = 1


EDIT = PictureOperation(
    "/images/edits", capability_pb2.OPERATION_EDIT, EditBody, edit_request, beside=(MASK,), most=MAX_IMAGES
)
UPSCALE = PictureOperation("/images/upscales", capability_pb2.OPERATION_UPSCALE, UpscaleBody, upscale_request)
PICTURE_OPERATIONS: Sequence[PictureOperation] = (
    EDIT,
    PictureOperation("/images/variations", capability_pb2.OPERATION_VARIATION, VariationBody, variation_request),
    UPSCALE,
    PictureOperation(
        "/images/backgrounds", capability_pb2.OPERATION_REMOVE_BACKGROUND, BackgroundBody, background_request
    ),
    PictureOperation("/images/segments", capability_pb2.OPERATION_SEGMENT, SegmentBody, segment_request),
    PictureOperation(
        "/images/styles", capability_pb2.OPERATION_STYLE_TRANSFER, StyleBody, style_request, beside=(STYLE_IMAGE,)
    ),
    PictureOperation("/images/outpaints", capability_pb2.OPERATION_OUTPAINT, OutpaintBody, outpaint_request),
)
