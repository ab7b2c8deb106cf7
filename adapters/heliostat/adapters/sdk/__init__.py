"""What adapters stand on: the names that an adapter imports."""

from heliostat.adapters.sdk import polling, webhooks
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Adapter, Cancelled, Options
from heliostat.adapters.sdk.http import ProviderClient
from heliostat.adapters.sdk.inputs import Input, InputLimits
from heliostat.adapters.sdk.masks import MaskForm
from heliostat.adapters.sdk.media import read_json_pictures
from heliostat.adapters.sdk.models import Model, ModelTable, Parameter, operation_of
from heliostat.adapters.sdk.module import adapter_module
from heliostat.adapters.sdk.multipart import Part, text_part
from heliostat.adapters.sdk.pricing import (
    Order,
    Tariff,
    free,
    per_image,
    per_megapixel,
    per_second,
    per_token,
    unknown_price,
)
from heliostat.adapters.sdk.refusals import Answer, read_refusal
from heliostat.adapters.sdk.result import Completed, Picture, Step, accepted, completed, image, preview, progress
from heliostat.adapters.sdk.settings import AdapterSettings, ProviderSettings
from heliostat.adapters.sdk.sizing import Choice, Exact, FollowsInput, Pixels, Ratios
from heliostat.chassis.errors import MeshError

__all__ = [
    "Adapter",
    "AdapterSettings",
    "Answer",
    "Call",
    "Cancelled",
    "Choice",
    "Completed",
    "Exact",
    "FollowsInput",
    "Input",
    "InputLimits",
    "MaskForm",
    "MeshError",
    "Model",
    "ModelTable",
    "Options",
    "Order",
    "Parameter",
    "Part",
    "Picture",
    "Pixels",
    "ProviderClient",
    "ProviderSettings",
    "Ratios",
    "Step",
    "Tariff",
    "accepted",
    "adapter_module",
    "completed",
    "free",
    "image",
    "operation_of",
    "per_image",
    "per_megapixel",
    "per_second",
    "per_token",
    "polling",
    "preview",
    "progress",
    "read_json_pictures",
    "read_refusal",
    "text_part",
    "unknown_price",
    "webhooks",
]
