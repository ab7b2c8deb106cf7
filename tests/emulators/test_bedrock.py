"""The emulated Amazon Bedrock: boto3 as it comes, its signatures, its errors, and what bodies it takes."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import trustme
from botocore.config import Config
from botocore.exceptions import ClientError

from heliostat.emulators import EmulatorServer, create_app
from heliostat.emulators.bedrock.catalogue import AMAZON, STABLE
from tests.emulators.conftest import Bench, PlainEasel, decoded, encoded, picture

KEY = {"authorization": "Bearer bedrock-api-key"}
CORE, LARGE = "stability.stable-image-core-v1:1", "stability.sd3-5-large-v1:0"
INPAINT, NOVA = "us.stability.stable-image-inpaint-v1:0", "amazon.nova-canvas-v1:0"
TITAN = "amazon.titan-image-generator-v2:0"
OWN = Config(retries={"total_max_attempts": 1}, proxies={})
# Put together, for they look like somebody's.
IDENTITY, TEMPORARY, EXTENDED = "AK" + "IA0123456789ABCDEF", "AS" + "IA0123456789ABCDEF", "AK" + "IAEXT123456789ABCD"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def runtime(bench: Bench, identity: str = IDENTITY, secret: str = "", token: str = "") -> Iterator[Any]:
    """A stock bedrock-runtime client, without retries."""
    session = boto3.Session(identity, secret or f"secret-of-{identity}", token or None, region_name="us-west-2")
    client = session.client("bedrock-runtime", endpoint_url=f"{bench.base}/bedrock", config=OWN)
    yield client
    client.close()


def image(size: tuple[int, int] = (64, 64), colour: str = "blue") -> str:
    """A picture as bodies carry it."""
    return base64.b64encode(picture(size, colour)).decode()


async def invoked(client: Any, model: str, **body: Any) -> dict[str, Any]:
    """Ask through the client, in a thread of its own."""

    def ask() -> dict[str, Any]:
        answer = client.invoke_model(
            modelId=model, body=json.dumps(body), contentType="application/json", accept="application/json"
        )
        told: dict[str, Any] = json.loads(answer["body"].read())
        return told

    return await asyncio.to_thread(ask)


async def posted(bench: Bench, model: str, **body: Any) -> Any:
    """Ask by hand."""
    return await bench.http.post(f"/bedrock/model/{model}/invoke", json=body, headers=KEY)


async def test_boto3_draws(bench: Bench) -> None:
    """Signed as it signs; what a picture costs stands in the journal."""
    with runtime(bench) as client:
        told = await invoked(client, CORE, prompt="a red fox", aspect_ratio="16:9", seed=7, output_format="jpeg")
    assert (told["seeds"], told["finish_reasons"]) == ([7], [None])
    drawn = decoded(base64.b64decode(told["images"][0]))
    assert (drawn.size, drawn.format) == ((1344, 768), "JPEG")
    entry = await bench.last("bedrock")
    assert (entry["model"], entry["prompt"], entry["cost_micros"]) == (CORE, "a red fox", 40_000)


async def test_boto3_repaints_through_a_profile(bench: Bench) -> None:
    """White is painted anew; a temporary key comes with its token."""
    mask = decoded(picture((64, 64), "black", "L"))
    mask.paste(255, (0, 0, 32, 64))
    white = base64.b64encode(encoded(mask)).decode()
    with runtime(bench, TEMPORARY, token=f"token-of-{TEMPORARY}") as client:
        told = await invoked(client, INPAINT, prompt="x", image=image(colour="red"), mask=white)
    drawn = decoded(base64.b64decode(told["images"][0])).convert("RGB")
    assert (drawn.getpixel((4, 32)), drawn.getpixel((60, 32))) == ((0, 0, 0), (255, 0, 0))


async def test_boto3_bears_an_api_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable says so, nothing is signed; boto3 tells such a key over https only."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-0123")
    server = EmulatorServer(create_app(PlainEasel()), tls=context)
    base = await server.start()
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-west-2",
        endpoint_url=f"{base}/bedrock",
        config=OWN,
        verify=str(tmp_path / "ca.pem"),
    )
    told = await invoked(client, LARGE, prompt="x", mode="image-to-image", image=image(), strength=0.4)
    client.close()
    await server.stop()
    assert decoded(base64.b64decode(told["images"][0])).size == (64, 64)


async def test_boto3_asks_amazons_models(bench: Bench) -> None:
    """Black is painted anew by INPAINTING; three premium pictures are 0.18 USD."""
    mask = decoded(picture((320, 320), "white", "L"))
    mask.paste(0, (0, 0, 160, 320))
    black = base64.b64encode(encoded(mask)).decode()
    config = {"numberOfImages": 3, "quality": "premium", "width": 1024, "height": 1024, "cfgScale": 6.5, "seed": 42}
    with runtime(bench, EXTENDED) as client:
        told = await invoked(
            client, NOVA, taskType="TEXT_IMAGE", textToImageParams={"text": "x"}, imageGenerationConfig=config
        )
        assert len(told["images"]) == 3
        assert (await bench.last("bedrock"))["cost_micros"] == 180_000
        params = {"image": image((320, 320), "red"), "maskImage": black, "text": "a lake"}
        told = await invoked(client, NOVA, taskType="INPAINTING", inPaintingParams=params)
        drawn = decoded(base64.b64decode(told["images"][0])).convert("RGB")
        assert (drawn.getpixel((40, 160)), drawn.getpixel((280, 160))) == ((0, 0, 0), (255, 0, 0))
        params = {"image": image((320, 320), "red"), "maskImage": black, "text": "a lake"}
        told = await invoked(client, TITAN, taskType="OUTPAINTING", outPaintingParams=params)
        drawn = decoded(base64.b64decode(told["images"][0])).convert("RGB")
        assert (drawn.getpixel((40, 160)), drawn.getpixel((280, 160))) == ((255, 0, 0), (0, 0, 0))


@pytest.mark.parametrize(
    ("identity", "secret", "token", "code"),
    [
        (IDENTITY, "another", "", "InvalidSignatureException"),
        ("AK" + "IABAD0123456789ABC", "", "", "UnrecognizedClientException"),
        (TEMPORARY, "", "", "UnrecognizedClientException"),
        (TEMPORARY, "", "expired", "ExpiredTokenException"),
    ],
)
async def test_signatures_are_checked(bench: Bench, identity: str, secret: str, token: str, code: str) -> None:
    """A wrong secret, an unknown id, a temporary key without its token, one that is over."""
    with runtime(bench, identity, secret, token) as client, pytest.raises(ClientError) as refused:
        await invoked(client, CORE, prompt="x")
    assert refused.value.response["Error"]["Code"] == code
    assert (await bench.journal("bedrock"))["billable"] == 0


async def test_a_signature_covers_the_body(bench: Bench) -> None:
    """And the host, the path and the date: whatever is changed on the way is found out."""
    seen: dict[str, Any] = {}

    def keep(request: Any, **_: Any) -> None:
        seen.update(url=request.url, headers=dict(request.headers), body=request.body)

    with runtime(bench) as client:
        client.meta.events.register("before-send.bedrock-runtime.InvokeModel", keep)
        await invoked(client, CORE, prompt="x")
    url, body = seen["url"], seen["body"]
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in seen["headers"].items()
    }
    del headers["content-length"]
    late = {**headers, "x-amz-date": "20150830T123600Z"}
    assert "%3A" in url
    other = await bench.http.post(url, content=b'{"prompt":"y"}', headers=headers)
    later = await bench.http.post(url, content=body, headers=late)
    elsewhere = await bench.http.post(url.replace("core", "ultra"), content=body, headers=headers)
    unsigned = await bench.http.post(url, content=body)
    for answer in (other, later, elsewhere, unsigned):
        assert answer.status_code == 403
    assert other.headers["x-amzn-errortype"].startswith("InvalidSignatureException:")
    assert unsigned.headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException:")
    same = await bench.http.post(url, content=body, headers=headers)
    assert same.status_code == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "ThrottlingException"),
        (424, "ModelErrorException"),
        (408, "ModelTimeoutException"),
        (503, "ServiceUnavailableException"),
    ],
)
async def test_boto3_knows_the_errors(bench: Bench, status: int, code: str) -> None:
    """As classes of its own; a limit tells no pause."""
    await bench.script("bedrock", {"status": status})
    with runtime(bench) as client, pytest.raises(getattr(client.exceptions, code)) as refused:
        await invoked(client, CORE, prompt="x")
    told = refused.value.response
    assert told["Error"]["Code"] == code
    assert told["ResponseMetadata"]["RequestId"]
    assert "retry-after" not in told["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("nsfw", "Filter reason: prompt"),
        ("gore", "Filter reason: output image"),
        ("a crash", "Inference error"),
    ],
)
async def test_what_is_filtered_is_a_200(bench: Bench, prompt: str, reason: str) -> None:
    """Without a picture, and not charged here."""
    answer = await posted(bench, CORE, prompt=prompt)
    assert (answer.status_code, answer.json()["finish_reasons"]) == (200, [reason])
    assert (await bench.journal("bedrock"))["billable"] == 0


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (CORE, {}, "required key [prompt]"),
        (CORE, {"prompt": "x", "mode": "text-to-image"}, "extraneous key [mode]"),
        (CORE, {"prompt": "x", "style_preset": "anime"}, "extraneous key [style_preset]"),
        (CORE, {"prompt": "x", "output_format": "webp"}, "not a valid enum value"),
        (CORE, {"prompt": "x", "aspect_ratio": "4:3"}, "not a valid enum value"),
        (CORE, {"prompt": "x", "seed": -1}, "is not between"),
        (LARGE, {"prompt": "x", "mode": "image-to-image"}, "image and strength"),
        (LARGE, {"prompt": "x", "mode": "image-to-image", "image": "data:image/png;base64,AA"}, "is not base64"),
        (INPAINT, {"prompt": "x", "image": "AAAA"}, "is no picture"),
        (INPAINT, {"prompt": "x", "image": image((32, 32))}, "not of a size"),
        (INPAINT.removeprefix("us."), {"prompt": "x", "image": image()}, "on-demand throughput"),
        ("us." + CORE, {"prompt": "x"}, "identifier is invalid"),
        ("stability.stable-diffusion-xl-v1", {"prompt": "x"}, "identifier is invalid"),
    ],
)
async def test_wrong_bodies(bench: Bench, model: str, body: dict[str, Any], said: str) -> None:
    """Each is a ValidationException that says what is wrong."""
    answer = await posted(bench, model, **body)
    assert (answer.status_code, answer.headers["x-amzn-errortype"].partition(":")[0]) == (400, "ValidationException")
    assert said in answer.json()["message"]


def task(kind: str, config: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """A task of Amazon's models."""
    places = {"TEXT_IMAGE": "textToImageParams", "INPAINTING": "inPaintingParams"}
    told = {"taskType": kind, places.get(kind, "backgroundRemovalParams"): params}
    return told if config is None else {**told, "imageGenerationConfig": config}


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (NOVA, {"taskType": "PAINT"}, "taskType"),
        (NOVA, task("TEXT_IMAGE", text="x" * 1025), "1 to 1024"),
        (TITAN, task("TEXT_IMAGE", text="x" * 513), "1 to 512"),
        (NOVA, task("TEXT_IMAGE", {"width": 1000}, text="x"), "supported size"),
        (TITAN, task("TEXT_IMAGE", {"width": 512}, text="x"), "supported size"),
        (NOVA, task("TEXT_IMAGE", {"numberOfImages": 6}, text="x"), "between"),
        (NOVA, task("TEXT_IMAGE", text="nsfw"), "content filters"),
        (NOVA, task("INPAINTING", image=image()), "one of maskImage and maskPrompt"),
        (NOVA, task("INPAINTING", image=image(), maskImage=image((32, 32)), text="x"), "same size"),
        (NOVA, task("BACKGROUND_REMOVAL", {"seed": 1}, image=image()), "is not taken"),
    ],
)
async def test_wrong_tasks(bench: Bench, model: str, body: dict[str, Any], said: str) -> None:
    """Of an account that still has the models; another one is told that they are over."""
    path = f"/bedrock/model/{model}/invoke"
    answer = await bench.http.post(path, json=body, headers={"authorization": "Bearer extended-key"})
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    over = await bench.http.post(path, json=body, headers=KEY)
    assert (over.status_code, over.headers["x-amzn-errortype"].partition(":")[0]) == (404, "ResourceNotFoundException")


def test_prices_are_those_of_the_price_page() -> None:
    """In micro-USD per picture."""
    assert sorted({model.micros for model in STABLE.values()}) == [
        *(30_000, 40_000, 60_000, 70_000, 80_000, 140_000, 400_000, 600_000),
    ]
    assert AMAZON[NOVA].price((2048, 1024), "premium") == 80_000
    assert AMAZON[TITAN].price((512, 512), "premium") == 10_000
