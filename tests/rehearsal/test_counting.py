"""Two bills of one story, on scripted stories with exact numbers."""

from heliostat.rehearsal.counting import Amount, Tally


def tally(*bills: tuple[str, str, int, int], repeats: dict[str, int] | None = None) -> Tally:
    """Bills of (provider, attempt id, pictures, micro-USD), and requests with how often they were repeated."""
    made = Tally()
    for seq, (provider, attempt_id, pictures, micros) in enumerate(bills):
        told = {"seq": seq, "provider": provider, "attempt_id": attempt_id, "pictures": pictures, "cost_micros": micros}
        made.add_bill(told)
    made.take_all_repeats(repeats or {})
    return made


def test_one_picture_is_one_picture_on_both_bills() -> None:
    """Without repetition a gateway saves nothing, and does not say so."""
    story = tally(("fal", "req_1/0/1", 1, 3000))
    assert story.billed() == story.without_gateway() == Amount(1, 3000)


def test_a_client_that_times_out_and_retries_twice_buys_three_without_a_gateway() -> None:
    """One bill, two repetitions: three pictures, three prices."""
    story = tally(("fal", "req_1/0/1", 1, 3000), repeats={"req_1": 2})
    assert story.billed() == Amount(1, 3000)
    assert story.without_gateway() == Amount(3, 9000)


def test_a_repetition_of_several_pictures_buys_all_of_them_again() -> None:
    """Two pictures in one purchase, and two in two parts: four and four."""
    story = tally(
        ("openai", "req_1/0/1", 2, 80_000),
        ("fal", "req_2/0/1", 1, 3000),
        ("fal", "req_2/1/1", 1, 3000),
        repeats={"req_1": 1, "req_2": 1},
    )
    assert story.billed() == Amount(4, 86_000)
    assert story.without_gateway() == Amount(8, 172_000)


def test_what_was_billed_for_nothing_counts_once_on_both_bills() -> None:
    """A first provider bills garbage, a second one delivers: a repetition buys what the second one billed."""
    story = tally(("fal", "req_1/0/1", 1, 3000), ("together", "req_1/0/2", 1, 2700), repeats={"req_1": 2})
    assert story.billed() == Amount(2, 5700)
    assert story.without_gateway() == Amount(4, 5700 + 2 * 2700)


def test_a_repetition_of_what_nobody_billed_adds_nothing() -> None:
    """A refused request, sent three times, costs nothing anywhere."""
    story = tally(repeats={"req_1": 2})
    assert story.billed() == story.without_gateway() == Amount()


def test_a_bill_that_is_corrected_counts_once() -> None:
    """The second bill of an entry takes the place of the first, in the whole and for its provider."""
    story = tally(("runware", "req_1/0/1", 1, 600), repeats={"req_1": 1})
    story.add_bill({"seq": 0, "provider": "runware", "attempt_id": "req_1/0/1", "pictures": 2, "cost_micros": 1200})
    assert story.billed() == story.billed_by("runware") == Amount(2, 1200)
    assert story.without_gateway() == Amount(4, 2400)


def test_a_ledger_that_is_started_again_keeps_what_was_counted() -> None:
    """What its earlier process told is added to what the new one tells; a stream that only broke adds nothing."""
    story = tally(("fal", "req_1/0/1", 1, 3000), repeats={"req_1": 2})
    story.take_all_repeats({"req_1": 2})
    assert story.without_gateway() == Amount(3, 9000)
    story.take_all_repeats({})
    story.take_repeats({"req_1": 1})
    assert story.without_gateway() == Amount(4, 12_000)


def test_journals_that_are_reset_begin_a_new_story() -> None:
    """Repetitions of the old story are forgotten with its bills."""
    story = tally(("fal", "req_1/0/1", 1, 3000), repeats={"req_1": 2})
    story.forget_bills()
    assert story.repeats() == {}
    story.take_repeats({"req_1": 3})
    assert story.repeats() == {"req_1": 1}
    assert story.billed() == Amount()
