"""What a caller is told of a field of the contract."""

import pytest

from heliostat.api.image.v1 import request_pb2
from heliostat.edge.field_names import rest_name
from heliostat.edge.picture_operations import PICTURE_OPERATIONS
from heliostat.edge.schemas import RoutingBody

OPERATIONS = request_pb2.ImageRequest.DESCRIPTOR.oneofs_by_name["operation"].fields
KNOWN = {"image", "extra_fields"}.union(*({*each.body.model_fields, *each.beside} for each in PICTURE_OPERATIONS))


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("idempotency_key", "Idempotency-Key"),
        ("routing", "provider"),
        ("routing.sort", "provider.sort"),
        ("routing.only", "provider.only"),
        ("routing.fallback_models", "models"),
        ("image_count", "n"),
        ("image.image_count", "n"),
        ("output.media_type", "output_format"),
        ("size.pixels.width_px", "size"),
        ("size.aspect.width_ratio", "aspect_ratio"),
        ("size.aspect.tier", "resolution"),
        ("references", "image"),
        ("edit.mask", "mask"),
        ("edit.image", "image"),
        ("upscale.factor", "scale_factor"),
        ("upscale.size.width_px", "size"),
        ("segment.boxes", "boxes"),
        ("style_transfer.style", "style_image"),
        ("outpaint.left_px", "left"),
        ("image", "image"),
        ("images.0", "images.0"),
        ("provider_options.fal.steps", "provider_options.fal.steps"),
        ("request_id", "request_id"),
        ("routings", "routings"),
    ],
)
def test_a_field_by_its_name_over_rest(field: str, name: str) -> None:
    """A field that REST calls otherwise is told by that name, any other as it is."""
    assert rest_name(field) == name


def test_every_field_of_a_request_has_a_name_that_callers_know() -> None:
    """Whichever field of an ImageRequest is to blame, its name is one of the body's."""
    fields = {field.name for field in request_pb2.ImageRequest.DESCRIPTOR.fields} - {"routing"}
    fields |= {f"output.{field.name}" for field in request_pb2.Output.DESCRIPTOR.fields}
    fields |= {f"{each.name}.{field.name}" for each in OPERATIONS for field in each.message_type.fields}
    assert {rest_name(field) for field in fields} <= KNOWN
    preferences = {rest_name(f"routing.{field.name}") for field in request_pb2.Routing.DESCRIPTOR.fields}
    assert preferences <= KNOWN | {f"provider.{name}" for name in RoutingBody.model_fields}
