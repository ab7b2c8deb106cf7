"""The emulated Ark of ByteDance, where Seedream and SeedEdit are."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/seedream/api/v3", model="seedream-4-0-250828", key="ark-sandbox-0123456789")
