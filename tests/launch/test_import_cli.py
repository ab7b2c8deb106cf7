"""`heliostat import litellm`: what is taken over, what is left with its line, and that no key is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.chassis.errors import MeshError
from heliostat.launch.__main__ import main
from heliostat.launch.config import configure
from heliostat.launch.import_cli import take_over
from heliostat.launch.litellm_words import WHY

SECRET = "sk-in-the-file-0123456789"
WHOLE = f"""\
model_list:
  - model_name: draw
    litellm_params:
      model: dall-e-3
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
      weight: 2
    model_info: {{mode: image_generation}}
  - model_name: draw
    litellm_params:
      model: azure/my-deployment
      api_base: https://x.openai.azure.com
      api_version: 2025-04-01-preview
      api_key: {SECRET}
      order: 2
    model_info: {{base_model: azure/gpt-image-1}}
  - model_name: flux
    litellm_params: {{model: fal_ai/fal-ai/flux-pro/v1.1, api_key: os.environ/FAL_KEY, timeout: 60}}
  - model_name: local
    litellm_params: {{model: openai/sdxl, api_base: "http://gpu.lan:8000/v1", api_key: os.environ/LOCAL_KEY}}
router_settings:
  routing_strategy: simple-shuffle
  fallbacks: [{{draw: [flux]}}]
  model_group_alias: {{picture: draw}}
"""


def taken(text: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The result of a file, and what was told."""
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    made, told = take_over(str(file))
    assert SECRET not in made + "".join(told)
    tree = yaml.safe_load(made)
    return tree, [line.removeprefix(str(file)) for line in told]


def test_models_become_routes_and_their_providers_adapters(tmp_path: Path) -> None:
    """Weights, order, limits, time-outs, fallbacks and aliases stand where ours have them; the result can be used."""
    tree, told = taken(WHOLE, tmp_path)
    draw, flux, local = tree["router"]["routes"]
    assert draw == {
        "model": "draw",
        "aliases": ["picture"],
        "targets": [
            {"target": "openai/dall-e-3", "weight": 2},
            {"target": "azure_openai/gpt-image-1", "priority": 1},
            {"target": "fal/fal-ai/flux-pro/v1.1", "timeout_s": 60, "priority": 2},
        ],
    }
    assert flux["targets"] == [{"target": "fal/fal-ai/flux-pro/v1.1", "timeout_s": 60}]
    assert local["targets"] == [{"target": "openai-2/sdxl"}]
    assert tree["router"]["pacing"] == {"openai/dall-e-3": {"per_minute": 60}}
    assert tree["adapters"]["openai"] == {"api_key": "env:OPENAI_API_KEY"}
    assert tree["adapters"]["azure_openai"] == {
        "base_url": "https://x.openai.azure.com",
        "api_version": "2025-04-01-preview",
        "api_key": "env:AZURE_OPENAI_API_KEY",
        "deployments": {"gpt-image-1": "my-deployment"},
    }
    assert tree["adapters"]["openai-2"] == {
        "kind": "openai",
        "compatible": True,
        "base_url": "http://gpu.lan:8000/v1",
        "api_key": "env:LOCAL_KEY",
    }
    configure(tree, "all")
    assert told == [
        ":14: api_key: the key stands in the file; put it into the variable AZURE_OPENAI_API_KEY",
        "3 models at 4 adapters were taken over; 1 things not.",
    ]


def one(params: str, beside: str = "") -> str:
    """A file with one model, whose parameters stand in line 3."""
    return f"model_list:\n  - model_name: m\n    litellm_params: {{{params}}}\n{beside}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (one("model: openrouter/flux"), ":3: model 'm': there is no adapter for 'openrouter'"),
        (
            one("model: fal_ai/nothing"),
            ":3: model 'm': adapter fal has no such model; `heliostat models --provider fal`",
        ),
        (one("model: azure/mine"), ":3: model 'm': the model behind the deployment is not known; say it in model_info"),
        (one("model: vertex_ai/gemini-2.5-flash-image"), ":3: model 'm': vertex_project is not said"),
        (
            one("model: xai/grok-2-image"),
            ":3: model 'm': adapter xai has no model of exactly this name; grok-imagine-im",
        ),
        (one("model: hosted_vllm/sdxl"), ":3: model 'm': hosted_vllm needs an api_base"),
        (one("model: dall-e-3, tpm: 9"), ":3: tpm: tokens a minute are not counted here"),
        (one("model: dall-e-3, mock_response: x"), ":3: mock_response: has no counterpart here"),
        (one("model: openai/*"), ":2: model 'm': any model of an adapter is served without a route"),
        (one("model: gpt-4o", "    model_info: {mode: chat}\n"), ":2: model 'm': it is for chat; here only pictures"),
        (one("model: dall-e-3", "general_settings:\n  master_key: sk-1\n"), ":5: general_settings.master_key: keys of"),
        (
            one("model: dall-e-3", "router_settings:\n  fallbacks: [{m: [x]}]\n"),
            ":5: fallback of 'm': 'x' was not taken over",
        ),
        (one("model: dall-e-3", "environment_variables:\n  A: sk-1\n"), ":4: environment_variables: set them in the"),
        (
            one("model: azure/dall-e-3, api_base: os.environ/BASE"),
            ":3: api_base: it stands in a variable; write it here",
        ),
        (
            one("model: dall-e-3, api_base: nowhere"),
            "mend in the result: adapters.openai.base_url: String should match",
        ),
        ("model_list:\n  - litellm_params: {model: dall-e-3}\n", ":2: model '': it has no model_name"),
    ],
)
def test_what_is_left_is_told_with_its_line_and_why(text: str, told: str, tmp_path: Path) -> None:
    """Nothing is dropped silently."""
    _, lines = taken(text, tmp_path)
    assert any(line.startswith(told) for line in lines), lines


def test_a_second_key_is_a_second_adapter(tmp_path: Path) -> None:
    """So is a second deployment of one model: each is a target of its own."""
    azure = "api_base: https://x.openai.azure.com, api_key: os.environ/K"
    entries = [
        "model: dall-e-3, api_key: os.environ/A",
        "model: dall-e-3, api_key: os.environ/B",
        f"model: azure/gpt-image-1, {azure}",
        f"model: azure/other, {azure}",
    ]
    listed = "".join(
        f"  - model_name: m\n    litellm_params: {{{each}}}\n    model_info: {{base_model: azure/gpt-image-1}}\n"
        for each in entries
    )
    tree, _ = taken(f"model_list:\n{listed}", tmp_path)
    (route,) = tree["router"]["routes"]
    assert [target["target"] for target in route["targets"]] == [
        "openai/dall-e-3",
        "openai-2/dall-e-3",
        "azure_openai/gpt-image-1",
        "azure_openai-2/gpt-image-1",
    ]
    assert tree["adapters"]["openai-2"] == {"kind": "openai", "api_key": "env:B"}
    assert tree["adapters"]["azure_openai-2"]["deployments"] == {"gpt-image-1": "other"}
    configure(tree, "all")


def test_the_result_is_on_standard_output_and_what_is_left_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a shell can keep the one and show the other."""
    file = tmp_path / "config.yaml"
    file.write_text(WHOLE, encoding="utf-8")
    assert main(["import", "litellm", str(file)]) == 0
    said = capsys.readouterr()
    assert list(yaml.safe_load(said.out)) == ["router", "adapters"]
    assert ":14: api_key" in said.err


@pytest.mark.parametrize("text", ["a: 1\n", "model_list: 3\n", "- x\n", "model_list: [\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    """The sentence names it."""
    with pytest.raises(MeshError, match=r"config\.yaml"):
        taken(text, tmp_path)


def test_what_is_no_model_is_passed_over(tmp_path: Path) -> None:
    """However odd it is, the rest is read."""
    tree, told = taken("model_list: [3, {}, null, []]\nx: [1]\n", tmp_path)
    assert tree["router"]["routes"] == []
    assert told[:2] == [
        ":1: model '': it has no model_name or no litellm_params.model",
        ":2: x: has no counterpart here",
    ]


def test_access_keys_of_bedrock_are_taken_over_as_references(tmp_path: Path) -> None:
    """By the variables that LiteLLM's file names; one that stands in the file is left there, unprinted."""
    text = """\
model_list:
  - model_name: core
    litellm_params:
      model: bedrock/stability.stable-image-core-v1:1
      aws_region_name: us-west-2
      aws_access_key_id: os.environ/TEAM_KEY_ID
      aws_secret_access_key: %s
"""
    tree, told = taken(text % "os.environ/TEAM_SECRET", tmp_path)
    assert told == ["1 models at 1 adapters were taken over; 0 things not."]
    assert tree["adapters"]["bedrock"] == {
        "region": "us-west-2",
        "access_key_id": "env:TEAM_KEY_ID",
        "secret_access_key": "env:TEAM_SECRET",
    }
    configure(tree, "all")
    tree, told = taken(text % SECRET, tmp_path)
    assert "secret_access_key" not in tree["adapters"]["bedrock"]
    assert "a secret stands in the file; move it out" in told[0]


def test_every_setting_that_is_named_exists() -> None:
    """What is said of things that were left leads to settings of the reference."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:router|ledger|database)\.[a-z_]+", " ".join(WHY.values())))
    assert named >= {"router.max_attempts", "ledger.request_deadline_s", "database.url"}
    assert not [name for name in sorted(named) if not re.search(rf"`{name}[`.]", page)]
