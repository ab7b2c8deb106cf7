"""Callers' pictures on the server. Files go where a restart of the server wipes them."""

from heliostat.adapters.comfyui.body import files_of
from heliostat.adapters.comfyui.jobs import stored_name
from heliostat.adapters.sdk import Call, Part, ProviderClient, text_part
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.api.image.v1 import reason_pb2 as reasons

_FOLDER = "heliostat"


async def upload(http: ProviderClient, pictures: Pictures, call: Call) -> dict[str, list[str]]:
    """Names on the server by the template's words. Raises PROVIDER_ANSWER_INVALID where it names none."""
    names: dict[str, list[str]] = {}
    for word, file in files_of(pictures):
        parts = [
            Part("image", file.data, file.name, file.media_type),
            text_part("type", "temp"),
            text_part("subfolder", _FOLDER),
            text_part("overwrite", "true"),
        ]
        name = stored_name(await http.post_multipart("/upload/image", parts, call, phase="prepare"))
        if name is None:
            message = "The ComfyUI server took a picture without saying where it is; look into its console."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="prepare")
        names.setdefault(word, []).append(name)
    return names
