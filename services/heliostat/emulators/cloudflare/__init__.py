"""The emulated Cloudflare Workers AI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(
    path="/cloudflare/client/v4/accounts/0a1b2c3d4e5f",
    model="@cf/black-forest-labs/flux-1-schnell",
    key="cloudflare-sandbox-0123456789",
)
