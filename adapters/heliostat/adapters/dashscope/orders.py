"""What the price of a request at DashScope depends on. Pure."""

from collections.abc import Collection, Mapping

from heliostat.adapters.sdk import Model
from heliostat.adapters.sdk.given_options import yes_option
from heliostat.api.image.v1 import request_pb2 as requests


def variant_of(model: Model, request: requests.ImageRequest, names: Collection[str]) -> Mapping[str, str]:
    """The word that Z-Image is priced by: whether the prompt is rewritten, which it is not unless asked for.

    `names` are those under which the options may stand; what is no option yet is only read here, and checked later.
    """
    if model.name != "z-image-turbo":
        return {}
    return {"prompt_extend": "true" if yes_option(request, names, "prompt_extend") else "false"}
