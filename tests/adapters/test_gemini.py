"""Gemini, at its API and at Vertex AI: what is sent, what comes back, what it costs, what becomes of errors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pybase64
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from heliostat.adapters.gemini.answers import read_answer, read_usage
from heliostat.adapters.gemini.body import gather, make_body
from heliostat.adapters.gemini.catalog import models_of
from heliostat.adapters.gemini.credentials import ServiceAccount
from heliostat.adapters.gemini.failures import refusal
from heliostat.adapters.gemini.options import GeminiOptions
from heliostat.adapters.gemini.settings import GeminiSettings
from heliostat.adapters.gemini.shapes import EXTREME, FIRST, THIRD
from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.account_settings import settings_of
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.gemini.catalogue import BY_NAME, SIZES_3, SIZES_25
from heliostat.emulators.gemini.inputs import read_order
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "AIza-secret-of-gemini-0123456789"
MODELS = {vertex: models_of(vertex=vertex) for vertex in (False, True)}
BANANA, PRO, FLASH, LITE, FIRST_MODEL = (
    "gemini-nano-banana-2.1",
    "gemini-3-pro-image",
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-lite-image",
    "gemini-2.5-flash-image",
)
ONLY_IMAGES = {"responseModalities": ["IMAGE"]}
TEXT = {"text": "a red boat"}
PNG = {"inlineData": {"mimeType": "image/png", "data": "PNG"}}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated Gemini API."""
    async with running("gemini", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)))}


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(32, 96, "green")))


def ratio(width: int, height: int, tier: "requests.SizeTier" = requests.SIZE_TIER_UNSPECIFIED) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=tier))


async def body_of(
    model: str, options: dict[str, Any] | None = None, *, vertex: bool = False, **fields: Any
) -> dict[str, Any]:
    """What is sent for a request; the emulated API takes it. Pictures are shown as PNG."""
    call = call_of(MODELS[vertex].get(model), **fields)
    body = make_body(call, GeminiOptions(**(options or {})), await gather(call))
    read_order(BY_NAME[model], body, vertex=vertex)
    for part in body["contents"][0]["parts"]:
        if "inlineData" in part:
            assert part["inlineData"]["data"].startswith("iVBORw0KGgo")
            part["inlineData"]["data"] = "PNG"
    return body


@pytest.mark.parametrize(
    ("model", "fields", "parts", "generation"),
    [
        (FIRST_MODEL, {}, [TEXT], {}),
        (FIRST_MODEL, {"size": pixels(1344, 768)}, [TEXT], {"imageConfig": {"aspectRatio": "16:9"}}),
        (FIRST_MODEL, {"size": pixels(1920, 1080)}, [TEXT], {"imageConfig": {"aspectRatio": "16:9"}}),
        (PRO, {"size": pixels(2752, 1536)}, [TEXT], {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}),
        (PRO, {"size": pixels(1920, 1080)}, [TEXT], {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}),
        (PRO, {"size": ratio(3, 4)}, [TEXT], {"imageConfig": {"aspectRatio": "3:4"}}),
        (
            PRO,
            {"size": ratio(1, 1, requests.SIZE_TIER_4K)},
            [TEXT],
            {"imageConfig": {"aspectRatio": "1:1", "imageSize": "4K"}},
        ),
        (FLASH, {"size": pixels(512, 512)}, [TEXT], {"imageConfig": {"aspectRatio": "1:1", "imageSize": "512"}}),
        (BANANA, {"size": pixels(4000, 500)}, [TEXT], {"imageConfig": {"aspectRatio": "8:1", "imageSize": "2K"}}),
        (PRO, {"seed": 7}, [TEXT], {"seed": 7}),
        (PRO, edit(), [PNG, TEXT], {}),
        (PRO, {"references": [reference()]}, [PNG, TEXT], {}),
        (
            PRO,
            {**edit(90, 60), "references": [reference()]},
            [PNG, PNG, TEXT],
            {"imageConfig": {"aspectRatio": "3:2"}},
        ),
    ],
)
async def test_a_request_is_sent_in_geminis_words(
    model: str, fields: dict[str, Any], parts: list[dict[str, Any]], generation: dict[str, Any]
) -> None:
    """And nothing else is sent."""
    body = await body_of(model, **fields)
    assert body == {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {**ONLY_IMAGES, **generation},
    }


async def test_options_and_moderation_are_sent() -> None:
    """Thresholds on all four categories; Vertex AI's options to Vertex AI."""
    assert (await body_of(PRO, moderation=requests.MODERATION_LOW))["safetySettings"] == [
        {"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_NONE"}
        for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
    ]
    options = {"temperature": 0.5, "top_p": 0.9, "thinking_level": "high", "system_instruction": "be plain"}
    body = await body_of(BANANA, options)
    assert body["systemInstruction"] == {"parts": [{"text": "be plain"}]}
    thinking = {"thinkingConfig": {"thinkingLevel": "high"}}
    assert body["generationConfig"] == {**ONLY_IMAGES, "temperature": 0.5, "topP": 0.9, **thinking}
    vertex = {"person_generation": "ALLOW_NONE", "labels": {"team": "a"}, "safety_threshold": "OFF"}
    body = await body_of(PRO, vertex, vertex=True)
    assert body["generationConfig"]["imageConfig"] == {"personGeneration": "ALLOW_NONE"}
    assert (body["labels"], len(body["safetySettings"])) == ({"team": "a"}, 4)


@pytest.mark.parametrize(
    ("model", "options", "field"),
    [
        (PRO, {"labels": {"team": "a"}}, "labels"),
        (PRO, {"person_generation": "ALLOW_ALL"}, "person_generation"),
        (PRO, {"thinking_level": "high"}, "thinking_level"),
        (FLASH, {"thinking_level": "medium"}, "thinking_level"),
    ],
)
async def test_an_option_of_another_model_is_refused(model: str, options: dict[str, Any], field: str) -> None:
    """Before anything is sent."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, options)
    assert (reason_name(caught.value.reason), caught.value.field) == (
        "invalid_field",
        f"provider_options.gemini.{field}",
    )


async def test_too_many_pictures_are_refused() -> None:
    """The picture to edit counts with those to look at."""
    with pytest.raises(MeshError) as caught:
        await body_of(FIRST_MODEL, **edit(), references=[reference()] * 3)
    assert (reason_name(caught.value.reason), caught.value.field) == ("unsupported", "references")


async def test_a_seed_of_more_than_32_bits_is_told() -> None:
    """It is sent modulo 2**31."""
    call = call_of(MODELS[False].get(PRO), seed=2**31 + 5)
    assert make_body(call, GeminiOptions(), [])["generationConfig"]["seed"] == 5
    assert [(one.parameter, one.sent) for one in call.adjustments] == [("seed", "5")]


@pytest.mark.parametrize(("model", "table"), [(FIRST_MODEL, FIRST), (PRO, THIRD), (BANANA, EXTREME)])
def test_pixels_of_a_shape_are_honoured(model: str, table: dict[str, tuple[int, int]]) -> None:
    """Those of the sheet, which the emulated API has too."""
    sizes = MODELS[False].get(model).sizes
    for shape, (width, height) in table.items():
        if width:
            choice = sizes.choose(pixels(width, height))
            assert (choice.ratio, choice.tier, choice.changed) == (shape, "1K", False)
            assert (SIZES_25 if model == FIRST_MODEL else SIZES_3)[shape] == (width, height)


@pytest.mark.parametrize("model", sorted(BY_NAME))
@pytest.mark.parametrize("vertex", [False, True])
async def test_our_cost_is_the_providers_bill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, vertex: bool
) -> None:
    """To the millionth of a dollar, thoughts and pictures put in included."""
    monkeypatch.setenv("VERTEX_CREDENTIALS", "ya29.given")
    more: dict[str, Any] = {"project": "my-project"} if vertex else {}
    async with running("gemini", tmp_path, **more) as provider:
        for fields in ({"size": pixels(1024, 1024)}, {**edit(), "references": [reference()]}):
            answer = await provider.room.ask(model, **fields)
            (entry,) = await provider.journal("generations")
            assert to_micros(answer.result.cost.amount) == entry["cost_micros"] > 0
            assert entry["attempt_id"] == ATTEMPT
            assert answer.result.cost.price_version.startswith("vertex" if vertex else "gemini")
            assert answer.result.provider_metadata["model_version"] == model
            await provider.http.delete("/gemini/_emulator/journal")


async def test_drafts_of_thinking_are_left_out(provider: EmulatedProvider) -> None:
    """The draft of the emulated API is 64 px wide; one picture comes, of the size that was asked for."""
    answer = await provider.room.ask(PRO, size=pixels(2048, 2048))
    assert [opened(one).size for one in answer.pictures] == [(2048, 2048)]
    assert opened(answer.pictures[0]).format == "JPEG"


@pytest.mark.parametrize(
    ("prompt", "model", "reason", "outcome", "billed"),
    [
        ("nsfw", PRO, "content_blocked", "REFUSED", "UNKNOWN"),
        ("gore", PRO, "content_blocked", "REFUSED", "UNKNOWN"),
        ("no picture", PRO, "provider_unavailable", "ACCEPTED", "UNKNOWN"),
        ("spared", PRO, "provider_unavailable", "REFUSED", "NO"),
        ("words only", PRO, "provider_unavailable", "ACCEPTED", "YES"),
    ],
)
async def test_an_answer_without_a_picture_has_its_reason(
    provider: EmulatedProvider, prompt: str, model: str, reason: str, outcome: str, billed: str
) -> None:
    """All come under status 200; what was charged is told to the micro-dollar."""
    error = (await provider.room.ask(model, prompt=prompt)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert events.Outcome.Name(error.failure.outcome) == f"OUTCOME_{outcome}"
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"
    (entry,) = await provider.journal("generations")
    assert to_micros(error.failure.cost) == entry["cost_micros"]


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        "{}",
        '{"candidates": 7}',
        '{"candidates": null, "promptFeedback": {"blockReason": 5}}',
    ],
)
async def test_an_answer_of_another_shape_is_invalid(provider: EmulatedProvider, body: str) -> None:
    """And what it cost is unknown."""
    await provider.script({"status": 200, "body": body})
    error = (await provider.room.ask(PRO)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


@pytest.mark.parametrize("data", ["####", "aGVsbG8=", "\x00999", 7, None])
async def test_a_picture_that_is_none_is_charged(provider: EmulatedProvider, data: Any) -> None:
    """It was made, whatever came of it: the estimate stands for what nobody counted."""
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}]
    await provider.script({"status": 200, "body": {"candidates": [{"content": {"parts": parts}}]}})
    error = (await provider.room.ask(PRO)).failure
    assert error.failure is not None
    expected = ("provider_unavailable", "UNKNOWN") if data is None else ("media_invalid", "YES")
    assert (reason_name(error.reason), events.Billed.Name(error.failure.billed).removeprefix("BILLED_")) == expected


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (0, 0, 0, 0)),
        ({"promptTokenCount": 10, "candidatesTokenCount": 1290}, (10, 0, 0, 1290)),
        (
            {
                "promptTokenCount": 570,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 10},
                    {"modality": "IMAGE", "tokenCount": 560},
                ],
                "candidatesTokenCount": 1150,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
                "thoughtsTokenCount": 200,
            },
            (10, 560, 230, 1120),
        ),
    ],
)
def test_tokens_are_told_apart(usage: Any, counts: tuple[int, int, int, int]) -> None:
    """Text in, pictures in, text out with the thoughts, pictures out."""
    told, doubt = read_usage(usage)
    assert not doubt
    assert counts == (
        told.input_text_token_count,
        told.input_image_token_count,
        told.output_text_token_count,
        told.output_image_token_count,
    )


@pytest.mark.parametrize(
    "usage",
    [
        7,
        {"promptTokenCount": -1},
        {"promptTokenCount": True},
        {"candidatesTokenCount": 1.5},
        {"thoughtsTokenCount": 10**12},
        {"candidatesTokenCount": 5, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 6}]},
        {"candidatesTokenCount": 5, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": "6"}]},
    ],
)
def test_tokens_that_cannot_be_are_not_believed(usage: Any) -> None:
    """None of them is, and the operator hears why."""
    told, doubt = read_usage(usage)
    assert doubt
    assert not told.ListFields()


def test_an_answer_may_have_odd_parts() -> None:
    """What is no part, no content, or a thought, is passed over."""
    odd: list[Any] = [
        7,
        {"content": []},
        {"content": {"parts": [3, {"text": 4}, {"text": "hm", "thought": True}, {"text": "yes"}]}},
    ]
    drawn = read_answer(json.dumps({"candidates": odd}).encode())
    assert (drawn.places, drawn.said, drawn.ended) == ((), "yes", "")


def rpc(code: int, status: str, message: str, *details: dict[str, Any], **headers: str) -> Answer:
    """Google's error answer."""
    body = {"error": {"code": code, "status": status, "message": message, "details": list(details)}}
    return Answer(code, headers, json.dumps(body).encode())


PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
PER_MINUTE = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}
AT_SIZE = "Invalid value at 'generation_config.image_config.aspect_ratio': 9:9"


@pytest.mark.parametrize(
    ("answer", "reason", "field", "pause_s"),
    [
        (rpc(400, "INVALID_ARGUMENT", "API key not valid. Pass one."), "provider_auth_failed", None, None),
        (rpc(400, "INVALID_ARGUMENT", "x", {"reason": "API_KEY_INVALID"}), "provider_auth_failed", None, None),
        (rpc(400, "FAILED_PRECONDITION", "User location is not supported."), "provider_auth_failed", None, None),
        (rpc(400, "FAILED_PRECONDITION", "Enable billing."), "quota_exhausted", None, None),
        (rpc(400, "INVALID_ARGUMENT", AT_SIZE), "invalid_field", "size", None),
        (rpc(400, "INVALID_ARGUMENT", "x", {"fieldViolations": [{"field": "tools"}]}), "invalid_field", "tools", None),
        (rpc(400, "INVALID_ARGUMENT", "Unable to process input image."), "input_unreadable", "image", None),
        (rpc(403, "PERMISSION_DENIED", "no", {"reason": "BILLING_DISABLED"}), "quota_exhausted", None, None),
        (rpc(429, "RESOURCE_EXHAUSTED", "slow", PER_MINUTE, {"retryDelay": "34.4s"}), "rate_limited", None, 34.4),
        (rpc(429, "RESOURCE_EXHAUSTED", "slow", {"retryDelay": "9000s"}), "rate_limited", None, 60.0),
        (rpc(429, "RESOURCE_EXHAUSTED", "slow", {"retryDelay": "soon"}), "rate_limited", None, None),
        (rpc(429, "RESOURCE_EXHAUSTED", "slow", PER_DAY, {"retryDelay": "3s"}), "quota_exhausted", None, None),
        (rpc(429, "RESOURCE_EXHAUSTED", "limit: 0, model: x", PER_MINUTE), "quota_exhausted", None, None),
    ],
)
def test_googles_errors_have_their_reason(
    answer: Answer, reason: str, field: str | None, pause_s: float | None
) -> None:
    """Also where they say it in details."""
    error = refusal(answer, "GEMINI_API_KEY")
    assert error is not None
    assert (reason_name(error.reason), error.field, error.retry_after_s) == (reason, field, pause_s)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error":7}', b'{"error":{"details":[7,{"reason":[]}]}}'])
@pytest.mark.parametrize("status", [400, 403, 429])
def test_an_odd_error_body_harms_nothing(status: int, body: bytes) -> None:
    """The kit's table is asked, or a reason is found."""
    error = refusal(Answer(status, {}, body), "")
    assert error is None or error.reason


@pytest.mark.parametrize(("secret", "reason"), [("bad-key", "provider_auth_failed"), ("poor-key", "quota_exhausted")])
async def test_a_key_that_will_not_do_is_told(
    provider: EmulatedProvider, monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    """By the variable that holds it."""
    monkeypatch.setenv("GEMINI_API_KEY", secret)
    error = (await provider.room.ask(PRO)).failure
    assert reason_name(error.reason) == reason
    assert secret not in error.message


def account(token_uri: str, email: str = "painter@my-project.iam.gserviceaccount.com") -> dict[str, str]:
    """A service account's key file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {"client_email": email, "private_key": pem, "private_key_id": "k1", "token_uri": token_uri}


def test_an_assertion_is_signed_by_the_account() -> None:
    """RS256 over head and claims, for an hour, for the token host."""
    file = account("https://oauth2.googleapis.com/token")
    names = ("client_email", "private_key", "private_key_id", "token_uri")
    head, claims, signature = ServiceAccount(*(file[name] for name in names)).assertion(1_800_000_000).split(".")
    key = serialization.load_pem_private_key(file["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signed = pybase64.urlsafe_b64decode(signature + "==")
    key.public_key().verify(signed, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    told = json.loads(pybase64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert told == {
        "iss": file["client_email"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": file["token_uri"],
        "iat": 1_800_000_000,
        "exp": 1_800_003_600,
    }


async def test_a_service_account_gets_one_token_for_many_requests(tmp_path: Path) -> None:
    """Made at its own host before the first request, kept for the second, and made anew after a 401."""
    secret = tmp_path / "vertex.json"
    secret.write_text("ya29.first")
    async with running("gemini", tmp_path, project="my-project", api_key=f"file:{secret}") as provider:
        secret.write_text(json.dumps(account(f"{provider.base}/gemini/token")))
        for _ in range(2):
            assert (await provider.room.ask(PRO)).error is None
        assert len(await provider.journal("token")) == 1
        await provider.script({"status": 401, "times": 1})
        assert reason_name((await provider.room.ask(PRO)).failure.reason) == "provider_auth_failed"
        assert (await provider.room.ask(PRO)).error is None
        assert len(await provider.journal("token")) == 2
        assert {entry["attempt_id"] for entry in await provider.journal("generations")} == {ATTEMPT}


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"client_email": 7}', "bad@x", '{"private_key":"x"}', "no-rsa"], ids=lambda text: text[:8]
)
async def test_a_key_file_that_will_not_do_sends_nothing(tmp_path: Path, text: str) -> None:
    """Whether it is no key file, or the token host refuses it; the key is not told."""
    secret = tmp_path / "vertex.json"
    secret.write_text("ya29.first")
    async with running("gemini", tmp_path, project="my-project", api_key=f"file:{secret}") as provider:
        uri = f"{provider.base}/gemini/token"
        files = {"bad@x": account(uri, "bad@x"), "no-rsa": {**account(uri), "private_key": "-----BEGIN X-----"}}
        secret.write_text(json.dumps(files[text]) if text in files else text)
        error = (await provider.room.ask(PRO)).failure
        assert error.failure is not None
        assert reason_name(error.reason) == "provider_auth_failed"
        assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_NOT_SENT, events.BILLED_NO)
        assert "BEGIN" not in error.message
        assert await provider.journal("generations") == []


def test_a_project_means_vertex_ai() -> None:
    """Its host follows the location, and the Gemini API's key is not sent there."""
    settings = GeminiSettings.model_validate({"project": "my-project", "location": "us-central1"})
    assert settings.base_url == "https://us-central1-aiplatform.googleapis.com"
    assert settings.api_key is not None
    assert settings.api_key.reference == "env:VERTEX_CREDENTIALS"
    place = "/v1/projects/my-project/locations/us-central1/publishers/google/models/m:generateContent"
    assert settings.path("m") == place
    assert GeminiSettings.model_validate({"project": "my-project"}).base_url == "https://aiplatform.googleapis.com"
    assert GeminiSettings().path("m") == "/v1beta/models/m:generateContent"


@pytest.mark.parametrize(
    ("section", "own", "base_url"),
    [
        ({"location": "us-central1"}, {"location": "europe-west4"}, "https://europe-west4-aiplatform.googleapis.com"),
        ({}, {"location": "us-east5"}, "https://us-east5-aiplatform.googleapis.com"),
        ({"location": "us-central1"}, {"location": "global"}, "https://aiplatform.googleapis.com"),
        ({"location": "us-central1"}, {"project": "another-one"}, "https://us-central1-aiplatform.googleapis.com"),
        ({"base_url": "https://proxy.example"}, {"location": "us-east5"}, "https://proxy.example"),
    ],
)
def test_an_account_at_vertex_ai_has_a_location_of_its_own(
    section: dict[str, str], own: dict[str, str], base_url: str
) -> None:
    """Host and path follow it together; an address of the operator's own stays."""
    tree = {"project": "my-project", **section, "accounts": {"team": {"settings": own}}}
    whole = GeminiSettings.model_validate(tree)
    settings = settings_of(whole, whole.accounts["team"])
    assert settings.base_url == base_url
    assert f"/locations/{settings.location}/" in settings.path("m")


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (FIRST_MODEL, {}, 38_701),
        (PRO, {}, 134_406),
        (PRO, {"size": ratio(1, 1, requests.SIZE_TIER_4K)}, 240_006),
        (FLASH, {"size": pixels(512, 512)}, 44_822),
        (BANANA, {"size": pixels(2752, 1536)}, 50_405),
        (PRO, edit(), 135_526),
    ],
)
async def test_an_estimate_follows_the_tier(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """Tokens of the tier at its price, three for the prompt, 560 for a picture put in where that is known."""
    assert to_micros((await provider.room.estimate(model, **fields)).cost.amount) == micros


def test_every_model_is_emulated() -> None:
    """With the same shapes and references."""
    for model in MODELS[False]:
        emulated = BY_NAME[model.name]
        assert (set(model.sizes.pixels), model.max_references) == (set(emulated.sizes), emulated.references)  # type: ignore[attr-defined]
    assert {model.name for model in MODELS[True]} == set(BY_NAME)


def test_fields_that_nobody_knows_stand_below_our_own() -> None:
    """They are passed on, and replace nothing."""
    call = call_of(MODELS[False].get(PRO))
    call.passed_on = {"cachedContent": "c", "contents": []}
    body = make_body(call, GeminiOptions(), [])
    assert (body["cachedContent"], body["contents"][0]["parts"]) == ("c", [{"text": wish().prompt}])
