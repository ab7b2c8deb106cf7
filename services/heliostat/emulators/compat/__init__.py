"""The emulated self-hosted server."""
