"""What a campaign's figures have to be."""

from tests.chaos.campaign import Outcome

MOST_READY_S = 5.0


def complaints(outcome: Outcome, on_unknown: str) -> list[str]:
    """Every invariant and every figure that does not hold, as sentences. Times of the machine are not among them."""
    report = outcome.report
    wrong = list(outcome.faults)
    if report.open_after_s:
        wrong.append(f"{report.open_after_s} requests or attempts are open sixty seconds after the last blow")
    if on_unknown == "wait" and report.second_purchases:
        wrong.append(f"{report.second_purchases} second purchases although the route says wait")
    if report.unlisted_purchases:
        wrong.append(f"{report.unlisted_purchases} second purchases are not listed, or went to the same target")
    if report.ledger_micros != report.providers_micros:
        wrong.append(f"the ledger says {report.ledger_micros} micro-dollars, the providers {report.providers_micros}")
    if report.unknown_reserved_micros < report.unknown_billed_micros:
        wrong.append("less is reserved for unknown attempts than the providers billed for them")
    if report.lost_pictures:
        wrong.append(f"{report.lost_pictures} paid pictures are lost that the provider could still give")
    return wrong
