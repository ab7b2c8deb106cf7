"""Calls a provider over HTTP: the one owner of httpx.

One `ProviderClient` per provider, never one per request. Every call ends in an `Answer` of status below 400 or in a
MeshError that tells how far the attempt came:

    no connection                               PROVIDER_UNAVAILABLE, NOT_SENT, not billed
    an error answer of the provider itself      by `refusal` of the adapter, else by the table below; REFUSED, not billed
    502, 503 or 504 that a proxy made, on a submit   PROVIDER_UNAVAILABLE, unknown
    no answer in time, on a submit              PROVIDER_TIMEOUT, unknown
    cut or reset in between, on a submit        PROVIDER_ANSWER_INVALID, unknown
    any of these on a poll, download or cancel  ACCEPTED, unknown: the work goes on without us

    402 and "out of credit" QUOTA_EXHAUSTED · 429 RATE_LIMITED · 401, 403 PROVIDER_AUTH_FAILED
    404, 410 PROVIDER_MODEL_GONE · 408, 504 PROVIDER_TIMEOUT · 400, 409, 413, 415, 422 INVALID_FIELD · rest UNAVAILABLE
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.multipart import Part, encode_multipart
from heliostat.adapters.sdk.refusals import Answer, read_refusal
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.adapters.sdk.transport import LargePieceTransport
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
