"""The seed of a request as a provider takes it."""

from heliostat.adapters.sdk.call import Call


def seed_between(call: Call, least: int, most: int) -> int:
    """The request's seed where it lies from `least` to `most`, else one that belongs to it, which is told.

    Raises UNSUPPORTED where the request is strict.
    """
    wanted = call.request.seed
    if least <= wanted <= most:
        return wanted
    sent = least + wanted % (most - least + 1)
    call.adjust("seed", str(wanted), str(sent), f"{call.model.name} takes seeds of {least} to {most}.")
    return sent
