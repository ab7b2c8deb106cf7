"""What to do about each reason of a failure: docs/errors.md and `heliostat doctor` say the same."""

from collections.abc import Mapping

TO_DO: Mapping[str, str] = {
    "invalid_field": "Correct the field that is named.",
    "input_unreadable": "Send another file, or an address that is public.",
    "content_blocked": "Change the prompt or the picture.",
    "model_not_found": "Take a name from `GET /v1/models`; the message proposes near ones.",
    "caller_unknown": "Send a key of this installation. Operator: `heliostat keys create`.",
    "caller_forbidden": "Use a key that may.",
    "unsupported": "Change what the message names, or the model. With `strict: report` it is adjusted where it can be.",
    "rate_limited": "Come back after the time that is told. Operator: a second target takes what the first refuses.",
    "quota_exhausted": "Operator: top up the provider's account.",
    "provider_auth_failed": "Operator: mend the variable or file that the message names.",
    "provider_model_gone": "Operator: give the route a model that the provider has.",
    "provider_unavailable": "Ask again later. Operator: give the route a second target.",
    "provider_answer_invalid": "See in `attempts` whether it was bought. Operator: if it stays, mend the adapter.",
    "media_invalid": "See in `attempts` whether it was bought, then ask again.",
    "provider_timeout": "See in `attempts` whether it was bought. Operator: the target's `timeout_s` may be too short.",
    "internal": "Operator: look the request id up in the log, and report it.",
    "no_target": "Come back after the time that is told. Operator: see whether the adapters run and have keys.",
    "overloaded": "Come back after the time that is told.",
    "budget_exhausted": "Operator: raise the key's budget or `ledger.spend_cap_usd`.",
    "idempotency_conflict": "Take a new idempotency key for a new request.",
    "resource_not_found": "Check the id, and that the key is the one that made it.",
    "resource_gone": "Make it anew. Operator: `ledger.media_retention_s` keeps pictures longer.",
    "cancelled": "Nothing; ask again if it is still wanted.",
    "not_implemented": "Leave it out.",
    "mesh_unavailable": "Come back after the time that is told. Operator: see whether the process runs at its address.",
    "deadline_exceeded": "Look the job up by its id, or give it more time.",
}
