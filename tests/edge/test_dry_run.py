"""?dryRun=true: a request for pictures is checked and priced, and nothing else happens."""

import pytest
from google.type.money_pb2 import Money

from heliostat.api.image.v1 import event_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.money import to_money
from tests.edge.conftest import Bench, OpenBench
from tests.edge.scripted_ledger import PNG

SUNSET = {"model": "flux-2-pro", "prompt": "A sunset over mountains"}
FIRST = event_pb2.CostComponent(
    type="output",
    metric="megapixel",
    quantity=1.0,
    billable_quantity=1,
    unit_price=to_money(30_000),
    total=to_money(30_000),
)
TOKENS = event_pb2.CostComponent(
    type="input",
    metric="cached_text_token",
    quantity=40,
    billable_quantity=40,
    unit_price=Money(currency_code="USD", nanos=1_250),
    total=to_money(50),
)


def target(name: str, micros: int | None, **facts: str) -> router_pb2.TargetEstimate:
    """A target as the router prices it."""
    provider, _, model = name.partition("/")
    told = router_pb2.TargetEstimate(target=name, provider=provider, provider_model=model, call_count=1, **facts)
    if micros is not None:
        told.cost.amount.CopyFrom(to_money(micros))
        told.cost.price_version = f"{provider} 2026-11-22"
        told.cost.components.extend([FIRST, TOKENS])
    return told


@pytest.fixture
def priced(bench: Bench) -> Bench:
    """Three targets: one that is out, one that would be asked, one after it."""
    bench.ledger.estimates = [
        target("fal/down", None, excluded_because="failed 5 times in a row"),
        target("bfl/flux-2-pro", 30_050),
        target("compat/any", None),
    ]
    return bench


@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
async def test_the_price_stands_flat_and_under_metadata(priced: Bench, base: str) -> None:
    """Clients read it in either place; it is that of the first target that may be asked."""
    answer = await priced.client.post(f"{base}/images/generations?dryRun=true", json=SUNSET)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["estimated"], body["model"], body["provider"]) == (True, "flux-2-pro", "bfl")
    assert (body["total_cost_micros"], body["currency"]) == (30_050, "USD")
    assert body["components"][0] == {
        "type": "output",
        "metric": "megapixel",
        "quantity": 1,
        "billable_quantity": 1,
        "unit_price": 30_000,
        "total_cost": 30_000,
    }
    assert body["components"][1]["unit_price"] == 1.25
    metadata = body["metadata"]
    assert (metadata["cost"], metadata["cost_currency"], metadata["cost_source"]) == (0.03005, "USD", "estimated")
    assert metadata["price_version"] == "bfl 2026-11-22"
    assert priced.ledger.asked == []


async def test_every_target_is_told_with_its_price_or_why_it_is_out(priced: Bench) -> None:
    """What nobody can price is null, never 0."""
    body = (await priced.client.post("/v1/images/generations?dryRun=true", json=SUNSET)).json()
    told = [(each["target"], each["eligible"], each["total_cost_micros"], each["cost"]) for each in body["targets"]]
    assert told == [
        ("fal/down", False, None, None),
        ("bfl/flux-2-pro", True, 30_050, 0.03005),
        ("compat/any", True, None, None),
    ]
    assert body["targets"][0]["excluded_because"] == "failed 5 times in a row"


async def test_without_a_target_the_price_is_unknown(bench: Bench) -> None:
    """The answer says why nobody would be asked."""
    bench.ledger.estimates = [target("fal/down", None, excluded_because="does not edit")]
    body = (await bench.client.post("/v1/images/generations?dryRun=true", json=SUNSET)).json()
    assert (body["provider"], body["total_cost_micros"], body["metadata"]["cost"]) == (None, None, None)
    assert body["metadata"]["cost_source"] is None


@pytest.mark.parametrize("as_form", [True, False], ids=["form", "json"])
async def test_edits_are_priced_too(priced: Bench, as_form: bool) -> None:
    """The pictures go along, for their sizes may have a price."""
    if as_form:
        answer = await priced.client.post("/v1/images/edits?dryRun=1", data=SUNSET, files={"image": ("a.png", PNG)})
    else:
        edit = {**SUNSET, "images": [{"image_url": "https://host.example/a.png"}]}
        answer = await priced.client.post("/v1/images/edits?dryRun=TRUE", json=edit)
    assert answer.json()["total_cost_micros"] == 30_050, answer.text
    (asked,) = priced.ledger.priced
    assert asked.image.edit.image.WhichOneof("source") == ("data" if as_form else "uri")
    assert priced.ledger.asked == []


async def test_large_inputs_are_not_stored_for_a_price(edge_with: OpenBench) -> None:
    """A question leaves nothing behind; the size of what did not travel counts as unknown."""
    async with edge_with(inline_input_bytes=16) as bench:
        bench.ledger.estimates = [target("bfl/flux-2-pro", 30_050)]
        answer = await bench.client.post(
            "/v1/images/edits?dryRun=true", data=SUNSET, files={"image": ("a.png", PNG), "mask": ("m.png", PNG)}
        )
        assert answer.status_code == 200, answer.text
        (asked,) = bench.ledger.priced
        assert asked.image.edit.HasField("mask")
        assert asked.image.edit.image.WhichOneof("source") is None
        assert [name async for name in bench.blobs.list("inputs")] == []


@pytest.mark.parametrize(
    ("query", "body", "status", "param"),
    [
        ("dryRun=maybe", SUNSET, 400, "dryRun"),
        ("dryRun=true", {**SUNSET, "prompt": " "}, 400, "prompt"),
        ("dryRun=true", {**SUNSET, "n": 11}, 400, "n"),
        ("dryRun=false", SUNSET, 200, None),
        ("dryRun=0&x=1", SUNSET, 200, None),
        ("notDryRun=true", SUNSET, 200, None),
    ],
)
async def test_a_dry_run_checks_what_a_run_checks(
    bench: Bench, query: str, body: dict[str, object], status: int, param: str | None
) -> None:
    """Bad fields are refused alike; false is a run."""
    answer = await bench.client.post(f"/v1/images/generations?{query}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("error", {}).get("param") == param
    assert len(bench.ledger.asked) == (status == 200)


async def test_a_dry_run_wants_a_key(bench: Bench) -> None:
    """Prices are for callers."""
    wrong = {"authorization": "Bearer wrong"}
    answer = await bench.client.post("/v1/images/generations?dryRun=true", json=SUNSET, headers=wrong)
    assert answer.status_code == 401
