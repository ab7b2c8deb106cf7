# ruff: noqa: T201 - a program for people: it prints
"""Makes a picture through the public gRPC face and writes it down.

KEY=... python generate.py flux-schnell "A sunset over mountains" picture.webp [once-only-key]

Needs grpcio, grpcio-status and googleapis-common-protos, and `protos/gen` of the checkout on PYTHONPATH.
"""

import os
import sys
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc

MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}


def main(model: str, prompt: str, file: str, idempotency_key: str = "") -> int:
    """Asks, tells what happens as it happens, keeps the first picture."""
    output = request_pb2.Output(media_type=MEDIA_TYPES[Path(file).suffix])
    request = router_pb2.GenerateRequest(
        image=request_pb2.ImageRequest(model=model, prompt=prompt, output=output),
        idempotency_key=idempotency_key,
        progressive=True,
    )
    caller = (("authorization", f"Bearer {os.environ['KEY']}"),)
    picture = bytearray()
    with grpc.insecure_channel(os.environ.get("HELIOSTAT_GRPC", "127.0.0.1:50051")) as channel:
        router = router_pb2_grpc.RouterServiceStub(channel)
        try:
            for response in router.Generate(request, metadata=caller, timeout=120):
                for event in response.events:
                    take(event, picture)
        except grpc.RpcError as error:
            print(explained(error), file=sys.stderr)
            return 1
    Path(file).write_bytes(picture)
    return 0


def take(event: event_pb2.ImageEvent, picture: bytearray) -> None:
    """Adds chunks of the first picture to it and prints the rest."""
    match event.WhichOneof("event"):
        case "attempt_started":
            print("asking", event.attempt_started.target)
        case "attempt_failed":
            print("failed", event.attempt_failed.attempt.target, event.attempt_failed.attempt.status.message)
        case "media_started" if event.media_started.image_index == 0:
            picture.clear()
        case "media_chunk" if event.media_chunk.image_index == 0:
            picture += event.media_chunk.data
        case "completed":
            cost = event.completed.cost.amount
            print("made by", event.completed.provider, "for", cost.units + cost.nanos / 1e9, cost.currency_code)


def explained(error: grpc.RpcError) -> str:
    """The reason of the closed set before the sentence."""
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return f"{info.reason}: {status.message}"
    return str(error.details())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
