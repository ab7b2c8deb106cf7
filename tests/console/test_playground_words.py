"""What is filled in as a request, a request as a program, a model as a form, requests as a chain: all pure."""

from typing import Any

import pytest
from google.protobuf import json_format

from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.console.playground_ask import FROM_TAG, STEP_TAG, image_of, tags_of
from heliostat.console.playground_chain import chain_of
from heliostat.console.playground_examples import examples, rest_of
from heliostat.console.playground_models import (
    abilities,
    drawing_offers,
    fields_of,
    offer,
    step_offers,
)

DRAW, EDIT = capability_pb2.OPERATION_TEXT_TO_IMAGE, capability_pb2.OPERATION_EDIT
UPSCALE = capability_pb2.OPERATION_UPSCALE


def model(name: str, *capabilities: capability_pb2.Capability, available: bool = True) -> router_pb2.Model:
    """A model with a target for each capability."""
    targets = [router_pb2.ModelTarget(target=f"p{n}/{name}", provider=f"p{n}", capability=each, available=available)
               for n, each in enumerate(capabilities)]  # fmt: skip
    return router_pb2.Model(name=name, targets=targets, creator="Somebody")


def capability(*operations: int, price: int | None = None, **values: Any) -> capability_pb2.Capability:
    """What a target can do."""
    made = capability_pb2.Capability(operations=operations, **values)  # type: ignore[arg-type]
    if price is not None:
        made.usual_price.CopyFrom(to_money(price))
    return made


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"model": "m", "prompt": " x "}, {"model": "m", "prompt": "x", "text_to_image": {}}),
        ({"size": "16:9"}, {"size": {"aspect": {"width_ratio": 16, "height_ratio": 9}}}),
        ({"size": "16:9", "tier": "2K"},
         {"size": {"aspect": {"width_ratio": 16, "height_ratio": 9, "tier": "SIZE_TIER_2K"}}}),
        ({"tier": "4K"}, {"size": {"aspect": {"tier": "SIZE_TIER_4K"}}}),
        ({"size": "1024x768", "tier": "2K"}, {"size": {"pixels": {"width_px": 1024, "height_px": 768}}}),
        ({"size": "own", "width": "300", "height": "200"}, {"size": {"pixels": {"width_px": 300, "height_px": 200}}}),
        ({"n": "3", "seed": "-7"}, {"image_count": 3, "seed": "-7"}),
        ({"format": "webp", "quality": "low", "background": "transparent"},
         {"output": {"media_type": "image/webp", "quality": "QUALITY_LOW", "background": "BACKGROUND_TRANSPARENT"}}),
        ({"images": ["a", "b"], "prompt": "x"},
         {"edit": {"image": {"file_id": "a"}}, "references": [{"image": {"file_id": "b"}}]}),
        ({"images": ["a"], "mask": "m", "feather": "4"},
         {"edit": {"image": {"file_id": "a"}, "mask": {"file_id": "m"}, "mask_mode": "MASK_MODE_WHITE_REPAINTS",
                   "feather_px": 4}}),
        ({"operation": "segment", "images": ["a"], "labels": ["sky"]},
         {"segment": {"image": {"file_id": "a"}, "labels": ["sky"]}}),
        ({"operation": "remove_background", "images": ["a"]}, {"remove_background": {"image": {"file_id": "a"}}}),
        ({"operation": "upscale", "images": ["a"]}, {"upscale": {"image": {"file_id": "a"}, "factor": 2.0}}),
        ({"operation": "outpaint", "images": ["a"], "left": "8"},
         {"outpaint": {"image": {"file_id": "a"}, "left_px": 8}}),
    ],
)  # fmt: skip
def test_a_form_becomes_a_request(filled: dict[str, Any], told: dict[str, Any]) -> None:
    """Field by field; what is empty is not sent."""
    made = json_format.MessageToDict(image_of(filled), preserving_proto_field_name=True)
    assert {name: made.get(name) for name in told} == told
    assert "image_count" in made


@pytest.mark.parametrize(
    ("filled", "field"),
    [
        ({"prompt": 7}, "prompt"), ({"images": "file"}, "images"), ({"images": [1]}, "images"), ({"n": "11"}, "n"),
        ({"n": "x"}, "n"), ({"n": "²"}, "n"), ({"seed": "1e9"}, "seed"), ({"seed": "9" * 19}, "seed"),
        ({"size": "0x0"}, "size"), ({"size": "own"}, "size"), ({"size": "own", "width": "-1", "height": "1"}, "width"),
        ({"format": "bmp"}, "format"), ({"tier": "9K"}, "tier"), ({"quality": "<b>"}, "quality"),
        ({"operation": "rm -rf"}, "operation"), ({"operation": "upscale"}, "images"),
        ({"operation": "text_to_image", "images": ["a"]}, "images"), ({"images": ["a"] * 17}, "images"),
        ({"operation": "upscale", "images": ["a"], "factor": "-3"}, "factor"),
        ({"operation": "upscale", "images": ["a"], "factor": "nan"}, "factor"),
        ({"operation": "style_transfer", "images": ["a"]}, "prompt"),
        ({"operation": "segment", "images": ["a"], "labels": "sky"}, "labels"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_by_its_field(filled: dict[str, Any], field: str) -> None:
    """And the sentence does not repeat what stood there."""
    with pytest.raises(MeshError) as caught:
        image_of(filled)
    assert caught.value.field == field
    assert "<b>" not in caught.value.message


def test_a_step_says_which_one_it_goes_on_from() -> None:
    """In labels that the ledger keeps."""
    parent = "req_" + "a" * 24
    assert tags_of({"operation": "upscale", "parent": parent}) == {STEP_TAG: "upscale", FROM_TAG: parent}
    assert tags_of({}) == {STEP_TAG: "text_to_image"}
    with pytest.raises(MeshError):
        tags_of({"parent": "anything"})


def test_programs_show_what_they_hold() -> None:
    """What turns the reading direction, or cannot be seen, is an escape in every language."""
    image = image_of({"model": "m", "prompt": "a\u202eb\u200bc\u2028d\n\x07é🌊", "style": "\u2066", "n": "2"})
    for name, program in examples(image, "http://edge", "grpc:1").items():
        assert not {"\u202e", "\u200b", "\u2028", "\x07", "\u2066"} & set(program), name
        assert "🌊" in program or "\\U0001f30a" in program
        assert "KEY" in program
        assert "http://edge/v1" in program or name == "gRPC"


def test_rest_says_the_same_as_the_request() -> None:
    """With the words of the REST API; nothing that was not asked for."""
    assert rest_of(image_of({"model": "m", "prompt": "x"})) == ("generations", {"model": "m", "prompt": "x"})
    asked = {"model": "m", "prompt": "x", "size": "16:9", "tier": "2K", "n": "2", "seed": "0", "quality": "high"}
    assert rest_of(image_of(asked)) == (
        "generations",
        {"model": "m", "prompt": "x", "n": 2, "quality": "high", "seed": 0, "resolution": "2K", "size": "16:9"},
    )
    path, body = rest_of(image_of({"operation": "outpaint", "model": "m", "images": ["f"], "top": "9"}))
    assert path == "outpaints"
    assert body == {"model": "m", "image": {"file_id": "f"}, "left": 0, "right": 0, "top": 9, "bottom": 0}


def test_a_models_form_is_what_its_targets_can() -> None:
    """Sizes of the target that is asked first; everything else of any of them."""
    sizes = capability_pb2.SizeRule()
    sizes.grid.min_px, sizes.grid.max_px, sizes.grid.max_ratio = 64, 2048, 1.5
    first = capability(DRAW, sizes=sizes, media_types=["image/jpeg"])
    second = capability(DRAW, EDIT, max_reference_count=3, max_partial_image_count=2, media_types=["image/png"])
    second.parameters.add(name="seed")
    second.parameters.add(name="quality", values=["auto", "low", "high"])
    fields = fields_of(model("m", first, second))
    assert list(fields.sizes) == ["1:1", "4:3", "3:4", "3:2", "2:3"]
    assert fields.own is not None
    assert fields.native == ["png", "jpeg"]
    assert fields.qualities == ["low", "high"]
    assert (fields.has_seed, fields.has_style, fields.most_pictures, fields.most_previews) == (True, False, 4, 2)


@pytest.mark.parametrize(
    ("kind", "shown", "tiers"),
    [("exact", ["512x512", "512x768"], []), ("shapes", ["1:1", "16:9"], ["1K", "4K"]), ("none", [], [])],
)
def test_sizes_are_those_that_the_model_has(kind: str, shown: list[str], tiers: list[str]) -> None:
    """A list as it is, shapes with their scales, nothing where it makes one size only."""
    sizes = capability_pb2.SizeRule()
    if kind == "exact":
        sizes.exact.sizes.add(width_px=512, height_px=512)
        sizes.exact.sizes.add(width_px=512, height_px=768)
    if kind == "shapes":
        sizes.shapes.ratios.add(width_ratio=1, height_ratio=1)
        sizes.shapes.ratios.add(width_ratio=16, height_ratio=9)
        sizes.shapes.tiers.extend([request_pb2.SIZE_TIER_1K, request_pb2.SIZE_TIER_4K])
    fields = fields_of(model("m", capability(DRAW, sizes=sizes)))
    assert (list(fields.sizes), list(fields.tiers), fields.own) == (shown, tiers, None)


def test_prices_are_those_of_who_is_asked_first() -> None:
    """Of the operation in question; with three figures, for more is known of no usual price."""
    told = model("m", capability(DRAW, price=210_775), capability(DRAW, UPSCALE, price=0))
    assert offer(told).price == "about $0.211 a picture"
    assert offer(told, UPSCALE).short_price == "free"
    assert offer(model("m", capability(DRAW))).price == ""
    by_time = capability(UPSCALE)
    by_time.prices.add(unit=capability_pb2.PRICE_UNIT_SECOND).amount.CopyFrom(to_money(225))
    assert offer(model("m", by_time), UPSCALE).price == "$0.000225 a second"
    assert abilities(told) == ["draw", "upscale"]


def test_steps_are_done_by_who_can_the_named_one_first() -> None:
    """Then the cheapest; an edit with a mask only by models that take masks; who is out comes last."""
    dear, cheap = model("dear", capability(UPSCALE, price=9)), model("cheap", capability(UPSCALE, price=1))
    unknown, out = model("unknown", capability(UPSCALE)), model("out", capability(UPSCALE, price=0), available=False)
    every = [unknown, dear, out, cheap, model("draws", capability(DRAW))]
    assert [each.model.name for each in step_offers(every, "")["upscale"]] == ["cheap", "dear", "unknown", "out"]
    assert next(each.model.name for each in step_offers(every, "dear")["upscale"]) == "dear"
    masked = model("masked", capability(EDIT, mask=capability_pb2.MASK_SUPPORT_EXACT))
    assert [each.model.name for each in step_offers([model("no", capability(EDIT)), masked], "")["edit"]] == ["masked"]
    assert [each.model.name for group in drawing_offers(every).values() for each in group] == ["draws"]


def test_a_chain_is_told_in_order_with_its_line() -> None:
    """A step whose parent is older than the list begins a line; a circle, which nobody makes, ends."""

    def step(name: str, parent: str = "", **values: Any) -> ledger_pb2.Request:
        return ledger_pb2.Request(request_id=name, tags={FROM_TAG: parent} if parent else {}, **values)

    listed = ledger_pb2.ListRequestsResponse(
        requests=[step("d", "b"), step("c", "a"), step("b", "a"), step("a", "older")], total_count=5
    )
    chain = chain_of(listed, "d", 0)
    assert [(link.record.request_id, link.number, link.parent, link.in_line) for link in chain.links] == [
        ("a", 1, 0, True), ("b", 2, 1, True), ("c", 3, 1, False), ("d", 4, 2, True)
    ]  # fmt: skip
    circle = ledger_pb2.ListRequestsResponse(requests=[step("x", "y"), step("y", "x")])
    assert all(link.in_line for link in chain_of(circle, "x", 0).links)
    assert chain_of(ledger_pb2.ListRequestsResponse(), "", 0).links == []
