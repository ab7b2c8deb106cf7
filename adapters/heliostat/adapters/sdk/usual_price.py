"""What one picture of usual size is expected to cost: one figure to compare providers of a model by. Pure."""

import struct
import zlib
from functools import cache
from typing import Any

from heliostat.adapters.sdk.bench import SharedBench
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Adapter
from heliostat.adapters.sdk.models import OPERATIONS, Model
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError

_EDGE_PX = 1024


def usual_micros(adapter: Adapter[Any, Any], model: Model, bench: SharedBench) -> int | None:
    """Micro-USD of one picture of 1024 x 1024, or of the first thing that the model does with such a picture; None
    where nobody can tell.
    """
    request = _usual_request(model)
    try:
        order = adapter.order(model, request, Call(bench, model, request).size())
    except MeshError:
        return None
    return model.price.estimate(order)


def _usual_request(model: Model) -> request_pb2.ImageRequest:
    request = request_pb2.ImageRequest(model=model.name, prompt="a lighthouse at dusk", image_count=1)
    operation = "text_to_image" if "text_to_image" in model.operations else next(iter(model.operations), "")
    if operation not in OPERATIONS or operation == "text_to_image":
        request.size.pixels.width_px = request.size.pixels.height_px = _EDGE_PX
        return request
    getattr(request, operation).image.data = _usual_picture()
    return request


@cache
def _usual_picture() -> bytes:
    """A black PNG of one bit per pixel."""
    head = struct.pack(">IIBBBBB", _EDGE_PX, _EDGE_PX, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + _EDGE_PX // 8) * _EDGE_PX), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
