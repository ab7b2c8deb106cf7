"""LiteLLM's words for providers, settings and limits, and ours for the same; why some have none. Read 2026-11-22."""

from collections.abc import Mapping

# LiteLLM's prefix of a provider -> the adapter.
KINDS: Mapping[str, str] = {
    "openai": "openai",
    "azure": "azure_openai",
    "azure_ai": "azure_openai",
    "gemini": "gemini",
    "vertex_ai": "gemini",
    "bedrock": "bedrock",
    "fal_ai": "fal",
    "black_forest_labs": "bfl",
    "replicate": "replicate",
    "recraft": "recraft",
    "stability": "stability",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "xai": "xai",
    "huggingface": "huggingface",
    "dashscope": "dashscope",
    "volcengine": "seedream",
    "runware": "runware",
    "ideogram": "ideogram",
    "cloudflare": "cloudflare",
    "deepinfra": "deepinfra",
    "novita": "novita",
}
# Prefixes of servers that speak OpenAI's Images API at an address of one's own.
COMPATIBLE = frozenset({"hosted_vllm", "xinference", "openai_like", "custom_openai", "litellm_proxy", "aiml", "nscale"})
MODES = frozenset({"", "image_generation", "image_edit", "image_edits"})
# LiteLLM's parameters of a deployment -> our settings of an adapter, where it has them.
SETTINGS: Mapping[str, str] = {
    "api_base": "base_url",
    "base_url": "base_url",
    "api_version": "api_version",
    "organization": "organization",
    "vertex_project": "project",
    "vertex_location": "location",
    "aws_region_name": "region",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "azure_ad_token": "access_token",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
}
SECRETS = frozenset({"access_token", "client_secret", "access_key_id", "secret_access_key", "session_token"})
TARGET: Mapping[str, str] = {"weight": "weight", "timeout": "timeout_s"}
PACING: Mapping[str, str] = {"rpm": "per_minute", "max_parallel_requests": "at_once"}
WHY: Mapping[str, str] = {
    "tpm": "tokens a minute are not counted here; give the target pacing by requests (rpm)",
    "max_retries": "the router tries the next target by itself",
    "num_retries": "the router tries the next target by itself (router.max_attempts)",
    "allowed_fails": "the router judges targets by itself (router.health)",
    "cooldown_time": "the router judges targets by itself (router.health)",
    "timeout": "set ledger.request_deadline_s for requests, timeout_s at a target of a route for one attempt",
    "redis_host": "what replicas share is in the database (database.url)",
    "redis_port": "what replicas share is in the database (database.url)",
    "redis_password": "what replicas share is in the database (database.url)",
    "routing_strategy": "targets are drawn by weight; a request may ask for provider.sort: price or latency",
    "drop_params": "what a provider cannot honour is left out and reported; strict: refuse refuses it",
    "master_key": "keys of callers are made by `heliostat keys create`",
    "database_url": "set database.url, or database.url_secret where it holds a password",
    "environment_variables": "set them in the environment of Heliostat; their values are not taken over",
    "callbacks": "spans and metrics go out by OpenTelemetry and Prometheus (telemetry)",
    "success_callback": "spans and metrics go out by OpenTelemetry and Prometheus (telemetry)",
    "cache": "equal requests are joined by Idempotency-Key; other answers are not cached",
    "input_cost_per_image": "prices come from price lists; `heliostat prices import` takes your own",
    "output_cost_per_image": "prices come from price lists; `heliostat prices import` takes your own",
    "input_cost_per_pixel": "prices come from price lists; `heliostat prices import` takes your own",
    "output_cost_per_pixel": "prices come from price lists; `heliostat prices import` takes your own",
}
