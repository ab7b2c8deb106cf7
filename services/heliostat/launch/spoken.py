"""What docs/telemetry.md says of each attribute of a span and of each label of a metric."""

from collections.abc import Mapping

from heliostat.chassis import telemetry as names

# Attribute -> the spans that carry it, as they are called in the tree above; what it says.
ATTRIBUTES: Mapping[str, tuple[str, str]] = {
    names.OPERATION: ("generate", "What is asked for, such as `text_to_image`"),
    names.REQUEST_MODEL: ("generate", "The model that was asked for"),
    names.RESPONSE_MODEL: ("generate, adapter", "The provider's own model name"),
    names.PROVIDER: ("generate, adapter", "The adapter's name in the configuration"),
    names.OUTPUT_TYPE: ("adapter", "Always `image`"),
    names.REQUEST_ID: ("edge, generate", "Id of the call at the edge; id of the request in the ledger"),
    names.TARGET: ("attempt", "Adapter and provider model, such as `fal/fal-ai/flux/schnell`"),
    names.ATTEMPT_ID: ("attempt, adapter", "Request, branch and ordinal: `req_…/0/1`"),
    names.OUTCOME: ("attempt", "How far it came: a value of the contract's `Outcome`"),
    names.BILLED: ("attempt", "Whether it costs: a value of the contract's `Billed`"),
    names.REASON: ("generate, attempt", "Why it failed; see [errors.md](errors.md)"),
    names.COST_MICROS: ("generate", "Cost of all its attempts in millionths of a US dollar"),
    names.IMAGE_COUNT: ("generate, attempt, adapter", "Pictures delivered; on *adapter* pictures asked for"),
    names.ADJUSTMENT_COUNT: ("adapter", "Wishes that were adjusted"),
    names.DECISION_ROUTE: ("generate", "The route whose targets were looked at"),
    names.DECISION_DRAW: ("generate", "The random number of the choice, 0 to 1; a cohort's own where one was given"),
    names.DECISION_CANDIDATE_COUNT: ("generate", "Targets that were looked at"),
    names.DECISION_EXCLUDED_COUNT: ("generate", "Those of them that were out"),
    names.DECISION_EXCLUDED: ("generate", "Which they were and why, the first 1,000 characters of it"),
    names.PROVIDER_JOB_ID: ("attempt, adapter", "The provider's id of the job, where it has one"),
    names.HTTP_METHOD: ("edge, call", "HTTP method"),
    names.HTTP_ROUTE: ("edge", "The route's pattern, empty where there is none"),
    names.HTTP_STATUS: ("edge, call", "HTTP status of the answer"),
    names.URL_PATH: ("call", "Path at the provider, up to 200 characters; not on *GET picture*"),
    names.SERVER_ADDRESS: ("call", "Host that was called"),
}

LABELS: Mapping[str, str] = {
    "operation": "as the attribute `gen_ai.operation.name`",
    "model": "the model by the name of its route, however it was asked for; `unknown` where no target was asked",
    "outcome": "`succeeded`, `failed`, `cancelled` or `expired`",
    "provider": "the adapter's name in the configuration",
    "target": "adapter and provider model; `adapter/*` for names that only a wildcard covers",
    "reason": "as in [errors.md](errors.md); empty on success",
    "room": "`edge`, `ledger` or `router`",
    "state": "`healthy`, `paused`, `ejected`, `probing`, or `held` by an operator",
    "kind": "what happened, as in [routing.md](routing.md)",
}
