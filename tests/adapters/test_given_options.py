"""Options that a price depends on count wherever they stand: under the provider's name, or in the body itself."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.sdk.given_options import given_options, whole_option, yes_option
from heliostat.chassis.money import to_micros
from tests.adapters.emulated import running
from tests.adapters.served import wish

NAMES = ("lab", "acme")


def own(name: str, **values: Any) -> dict[str, Struct]:
    """provider_options of one name."""
    struct = Struct()
    struct.update(values)
    return {name: struct}


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({}, {}),
        ({"provider_options": own("acme", steps=8)}, {"steps": 8}),
        ({"extra_fields": {"steps": 8}}, {"steps": 8}),
        ({"provider_options": own("acme", steps=8) | own("lab", steps=9)}, {"steps": 9}),
        (
            {"provider_options": own("acme", steps=8), "extra_fields": {"steps": 9, "odd": True}},
            {"steps": 8, "odd": True},
        ),
        ({"provider_options": own("another", steps=8)}, {}),
    ],
)
def test_options_are_read_as_the_call_reads_them(fields: dict[str, Any], given: dict[str, Any]) -> None:
    """The section's name before its provider's, and either before a field of the body."""
    assert given_options(wish(**fields), NAMES) == given


@pytest.mark.parametrize(
    ("value", "number"), [(8, 8), ("8", 8), (8.5, 0), (0, 0), (-1, 0), (2e6, 0), ("x", 0), ({"a": 1}, 0), (None, 0)]
)
def test_a_number_that_is_none_is_nothing(value: Any, number: int) -> None:
    """The call itself refuses it; the estimate goes by what the provider takes without a wish."""
    assert whole_option(wish(extra_fields={"steps": value}), NAMES, "steps") == number


@pytest.mark.parametrize(("value", "yes"), [(True, True), ("true", True), (False, False), ("x", False), (None, False)])
def test_a_yes_is_read_as_the_call_reads_it(value: Any, yes: bool) -> None:
    """A form knows texts only."""
    assert yes_option(wish(extra_fields={"hd": value}), NAMES, "hd") is yes


@pytest.mark.parametrize(
    ("provider", "model", "option"),
    [
        ("dashscope", "z-image-turbo", {"prompt_extend": True}),
        ("cloudflare", "@cf/black-forest-labs/flux-1-schnell", {"steps": 8}),
        ("huggingface", "together/black-forest-labs/FLUX.1-schnell", {"steps": 8}),
        ("together", "black-forest-labs/FLUX.1-schnell", {"steps": 8}),
        ("fireworks", "accounts/fireworks/models/flux-1-schnell-fp8", {"steps": 8}),
    ],
)
async def test_an_option_is_priced_wherever_it_stands(
    provider: str, model: str, option: dict[str, Any], tmp_path: Path
) -> None:
    """It is sent in both cases, so it is charged in both."""
    async with running(provider, tmp_path) as one:
        plain = await one.room.estimate(model)
        beside = await one.room.estimate(model, extra_fields=option)
        below = await one.room.estimate(model, provider_options=own(provider, **option))
    assert to_micros(plain.cost.amount) < to_micros(beside.cost.amount) == to_micros(below.cost.amount)
