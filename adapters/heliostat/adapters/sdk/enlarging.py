"""The factor of an upscale, for models that take one and keep the shape of the picture. Pure, but for what is told."""

from heliostat.adapters.sdk.call import Call
from heliostat.api.image.v1 import request_pb2

Size = tuple[int, int]


def factor_of(upscale: request_pb2.Upscale, size: Size, factors: tuple[float, float]) -> float | None:
    """The factor for a picture of `size` px, from a wished size the larger of both edges', bounded by the least and the
    greatest of `factors`; None without a wish."""
    if upscale.HasField("size"):
        wanted = max(upscale.size.width_px / size[0], upscale.size.height_px / size[1])
    elif upscale.HasField("factor"):
        wanted = upscale.factor
    else:
        return None
    least, most = factors
    return round(min(max(wanted, least), most), 3)


def told_factor(call: Call, size: Size, factors: tuple[float, float]) -> float | None:
    """As `factor_of`; where it is not what was wished for, the request is told."""
    upscale = call.request.upscale
    factor = factor_of(upscale, size, factors)
    if factor is None:
        return None
    name, asked = asked_of(upscale)
    if name == "size" and f"{round(size[0] * factor)}x{round(size[1] * factor)}" != asked:
        call.adjust(name, asked, f"x{factor:g}", "The model takes a factor, and keeps the shape of the picture.")
    elif name == "factor" and factor != round(upscale.factor, 3):
        least, most = factors
        call.adjust(name, asked, f"{factor:g}", f"The model enlarges {least:g} to {most:g} times.")
    return factor


def tell_own_factor(call: Call) -> None:
    """Tells a request that wishes for a factor or a size that the model has a factor of its own."""
    name, asked = asked_of(call.request.upscale)
    if name:
        call.adjust(name, asked, "", "The model enlarges by a factor of its own.")


def asked_of(upscale: request_pb2.Upscale) -> tuple[str, str]:
    """What is wished for, as adjustments name and show it; both empty without a wish."""
    if upscale.HasField("size"):
        return "size", f"{upscale.size.width_px}x{upscale.size.height_px}"
    return ("factor", f"{upscale.factor:g}") if upscale.HasField("factor") else ("", "")
