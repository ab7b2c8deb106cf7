"""What a body may say, field by field."""

from typing import Any

import pytest

from heliostat.chassis.errors import MeshError, reason_name
from heliostat.edge.schemas import generation_body
from heliostat.edge.to_proto import Wish, answer_form, generation_request

BODY = {"model": "flux-schnell", "prompt": "A lighthouse"}


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"model": "m" * 257}, "model"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n\t\u3000"}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": -1}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"n": "many"}, "n"),
        ({"n": float("inf")}, "n"),
        ({"size": 1024}, "size"),
        ({"quality": "best"}, "quality"),
        ({"response_format": "b64"}, "response_format"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_format": "bmp"}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"background": "blue"}, "background"),
        ({"moderation": "none"}, "moderation"),
        ({"partial_images": 4}, "partial_images"),
        ({"partial_images": 2}, "partial_images"),
        ({"seed": 2**63}, "seed"),
        ({"seed": "x"}, "seed"),
        ({"strict": "yes"}, "strict"),
        ({"provider": "fal"}, "provider"),
        ({"provider": {"oder": ["fal"]}}, "provider.oder"),
        ({"provider": {"sort": "beauty"}}, "provider.sort"),
        ({"provider": {"max_cost": 0}}, "provider.max_cost"),
        ({"provider": {"max_cost": float("nan")}}, "provider.max_cost"),
        ({"provider": {"only": "fal"}}, "provider.only"),
        ({"provider_options": {"fal": 1}}, "provider_options.fal"),
        ({"provider_options": {"fal": {"a": nested(20)}}}, "provider_options"),
        ({"models": ["m"] * 65}, "models"),
        ({"max_wait": -1}, "max_wait"),
        ({"on_unknown": "panic"}, "on_unknown"),
        ({"tags": {"a": 1}}, "tags.a"),
        ({"tags": {str(number): "x" for number in range(33)}}, "tags"),
        ({"delivery": "pigeon"}, "delivery"),
        ({"guidance": nested(20)}, "guidance"),
        ({"user": "x" * 513}, "user"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    """The error names the field and is a sentence that does not repeat the value."""
    with pytest.raises(MeshError) as caught:
        generation_body({**BODY, **fields})
    error = caught.value
    assert (reason_name(error.reason), error.field) == ("invalid_field", field)
    assert field.split(".", maxsplit=1)[0] in error.message
    assert len(error.message) < 300
    assert "xxxx" not in error.message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": "x" * 32_001}, "prompt is too long; at most 32000 characters are taken."),
        ({"user": "x" * 513}, "user is too long; at most 255 characters are taken."),
        ({"models": ["m"] * 65}, "models is too long; at most 64 entries are taken."),
        ({"tags": {str(number): "x" for number in range(33)}}, "tags is too long; at most 16 entries are taken."),
        ({"prompt": "\ud800"}, "prompt must be text that UTF-8 can express; half of a surrogate pair is none."),
    ],
)
def test_what_is_too_much_is_said_in_plain_words(fields: dict[str, Any], message: str) -> None:
    """The sentence counts what the caller counts: characters of a text, entries of a list."""
    with pytest.raises(MeshError) as caught:
        generation_body({**BODY, **fields})
    assert caught.value.message == message


@pytest.mark.parametrize("name", ["n", "size", "quality", "seed", "user", "provider", "tags"])
def test_null_is_not_sent(name: str) -> None:
    """Clients that send null mean nothing by it."""
    assert generation_request(generation_body({**BODY, name: None}), Wish()) == generation_request(
        generation_body(BODY), Wish()
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "x" * 32_000,
        "\x00",
        "\u202ereversed",
        "👩‍👩‍👧‍👦",
        "a\r\nb",
        "{{7*7}}",
        "'; DROP TABLE requests;--",
        "\x1b[31mred\x1b[0m",
        "   x",
    ],
)
def test_prompts_are_left_as_they_are(prompt: str) -> None:
    """Nothing in a prompt is evaluated, stripped or escaped."""
    assert generation_request(generation_body({**BODY, "prompt": prompt}), Wish()).prompt == prompt


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": "url", "delivery": "bytes"},
        {"response_format": "b64_json", "delivery": "stored"},
        {"response_format": "b64_json", "delivery": "provider_url"},
    ],
)
def test_two_forms_at_once_are_refused(fields: dict[str, Any]) -> None:
    """An answer has one form."""
    with pytest.raises(MeshError) as caught:
        answer_form(generation_body({**BODY, **fields}), Wish())
    assert caught.value.field == "delivery"


def test_what_is_said_stands_above_accept() -> None:
    """A picture itself is the answer only where the body says nothing about the form."""
    wish = Wish(wants_picture=True)
    assert answer_form(generation_body(BODY), wish) == "picture"
    assert answer_form(generation_body({**BODY, "response_format": "url"}), wish) == "url"
    assert answer_form(generation_body({**BODY, "delivery": "stored"}), wish) == "url"
    assert answer_form(generation_body({**BODY, "delivery": "bytes"}), wish) == "picture"


def test_strictness_refuses_unknown_fields_by_name() -> None:
    """Under refuse an unknown field is an error, from the body or the header; what providers know passes."""
    unknown = generation_body({**BODY, "guidnace": 3, "strict": "refuse"})
    with pytest.raises(MeshError) as caught:
        generation_request(unknown, Wish())
    assert caught.value.field == "guidnace"
    with pytest.raises(MeshError):
        generation_request(generation_body({**BODY, "guidnace": 3}), Wish(strict="refuse"))
    lenient = generation_request(generation_body({**BODY, "guidnace": 3, "strict": "report"}), Wish(strict="refuse"))
    assert dict(lenient.extra_fields) == {"guidnace": 3}
    known = generation_request(generation_body({**BODY, "input_fidelity": "high"}), Wish(strict="refuse"))
    assert dict(known.extra_fields) == {"input_fidelity": "high"}
