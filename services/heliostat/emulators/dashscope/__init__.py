"""The emulated DashScope of Alibaba, where Qwen-Image, Wan and Z-Image are."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/dashscope/api/v1", model="wan2.2-t2i-flash", key="sk-dashscope-sandbox-0123456789")
