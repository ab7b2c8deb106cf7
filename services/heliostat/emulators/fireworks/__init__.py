"""The emulated Fireworks AI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(
    path="/fireworks/inference/v1",
    model="accounts/fireworks/models/flux-1-schnell-fp8",
    key="fw-sandbox-0123456789",
)
