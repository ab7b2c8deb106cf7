"""Work on pictures as ImageRequests: a checked body and its pictures become what the mesh is asked. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heliostat.api.image.v1 import media_pb2, request_pb2
from heliostat.edge.forms import MASK, STYLE_IMAGE
from heliostat.edge.picture_bodies import (
    BackgroundBody,
    OutpaintBody,
    SegmentBody,
    StyleBody,
    UpscaleBody,
    VariationBody,
)
from heliostat.edge.schemas import EditBody, invalid
from heliostat.edge.to_proto import MASK_MODES, Wish, base_request


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures as the contract carries them: at least one to work on, others by the name of their field."""

    images: Sequence[media_pb2.Media]
    beside: Mapping[str, media_pb2.Media] = field(default_factory=dict)

    @property
    def image(self) -> media_pb2.Media:
        """The picture to work on."""
        return self.images[0]


def edit_request(body: EditBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/edits: the first picture is changed, the others are references. Raises INVALID_FIELD."""
    request = base_request(body, body.prompt, wish)
    edit = request_pb2.Edit(
        image=pictures.image, mask=pictures.beside.get(MASK), strength=body.strength, feather_px=body.mask_feather or 0
    )
    if body.mask_mode is not None:
        edit.mask_mode = MASK_MODES[body.mask_mode]
    request.edit.CopyFrom(edit)
    request.references.extend(request_pb2.Reference(image=image) for image in pictures.images[1:])
    return request


def variation_request(body: VariationBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/variations. Raises INVALID_FIELD."""
    request = base_request(body, body.prompt, wish)
    request.variation.CopyFrom(request_pb2.Variation(image=pictures.image, similarity=body.similarity))
    return request


def upscale_request(body: UpscaleBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/upscales: to a size in pixels, or by a factor. Raises INVALID_FIELD where both are named."""
    request = base_request(body, body.prompt, wish)
    upscale = request_pb2.Upscale(image=pictures.image, creativity=body.creativity)
    if request.size.HasField("pixels"):
        if body.scale_factor is not None:
            raise invalid("size", "size and scale_factor both say how large the picture becomes; send one of them.")
        upscale.size.CopyFrom(request.size.pixels)
        request.ClearField("size")
    elif body.scale_factor is not None:
        upscale.factor = body.scale_factor
    request.upscale.CopyFrom(upscale)
    return request


def background_request(body: BackgroundBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/backgrounds. Raises INVALID_FIELD."""
    request = base_request(body, body.prompt, wish)
    request.remove_background.CopyFrom(request_pb2.RemoveBackground(image=pictures.image))
    return request


def segment_request(body: SegmentBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/segments. Raises INVALID_FIELD for a box that ends before it begins."""
    request = base_request(body, None, wish)
    segment = request_pb2.Segment(image=pictures.image, labels=body.labels)
    if body.prompt is not None and body.prompt.strip():
        segment.labels.append(body.prompt.strip())
    for point in body.points or ():
        segment.points.add(x_px=point.x, y_px=point.y, exclude=point.exclude)
    for number, box in enumerate(body.boxes or ()):
        if box.left >= box.right or box.top >= box.bottom:
            raise invalid(f"boxes.{number}", "A box must end to the right of and below where it begins; correct it.")
        segment.boxes.add(left_px=box.left, top_px=box.top, right_px=box.right, bottom_px=box.bottom)
    request.segment.CopyFrom(segment)
    return request


def style_request(body: StyleBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/styles. Raises INVALID_FIELD where nothing tells the style."""
    request = base_request(body, body.prompt, wish)
    style = pictures.beside.get(STYLE_IMAGE)
    if style is None and not request.style.strip() and not request.prompt.strip():
        raise invalid("style", "Nothing tells the style; send style_image, style, or a prompt that describes it.")
    transfer = request_pb2.StyleTransfer(image=pictures.image, style=style, strength=body.strength)
    request.style_transfer.CopyFrom(transfer)
    return request


def outpaint_request(body: OutpaintBody, pictures: Pictures, wish: Wish) -> request_pb2.ImageRequest:
    """POST /v1/images/outpaints. Raises INVALID_FIELD where no side grows."""
    request = base_request(body, body.prompt, wish)
    if not any((body.left, body.right, body.top, body.bottom)):
        raise invalid("left", "No side grows; send the pixels to add as left, right, top or bottom.")
    outpaint = request_pb2.Outpaint(
        image=pictures.image, left_px=body.left, right_px=body.right, top_px=body.top, bottom_px=body.bottom
    )
    request.outpaint.CopyFrom(outpaint)
    return request
