"""What the head of an answer tells of its request, as far as it is known when the head is sent."""

from heliostat.edge.allowances import allowance_headers
from heliostat.edge.answer import Answer
from heliostat.edge.visit import Visit


def note(answer: Answer, visit: Visit) -> None:
    """Puts the request's id, what the key has left, and whether it is a replay, into the visit's headers."""
    visit.possibly_bought = answer.possibly_bought
    answer.request_id = answer.request_id or visit.request_id
    visit.answer_headers["x-heliostat-request-id"] = answer.request_id
    visit.answer_headers |= allowance_headers(answer.allowances)
    if answer.replayed:
        visit.answer_headers["idempotent-replayed"] = "true"
