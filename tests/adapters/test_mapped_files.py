"""Mapping files: what is wrong with one is told with its line and what to write, and good ones become adapters."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import SHIPPED, read_mapping
from heliostat.adapters.mapped.options import names_for, options_of
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.launch import live, sandbox
from heliostat.launch.config import configure, configured
from heliostat.launch.targets import adapter_kinds, load, package_of
from tests.adapters.served import served

NINE = ("clipdrop", "cloudflare", "deepinfra", "leonardo", "luma", "minimax", "novita", "photoroom", "segmind")
GOOD = """\
provider: acme
name: Acme
source: acme.example/docs, read 2026-11-22
base_url: https://api.acme.example
auth: {header: x-api-key, key: ACME_KEY}
options:
  steps: {kind: whole, least: 1, most: 50, about: Steps of the sampler}
endpoints:
  draw:
    path: /v1/{model}
    fields:
      prompt: {from: prompt, required: true}
      width: width
      height: height
      n: count
      steps: option steps
    formats: {image/png: png}
    answer: {pictures: "images[*].url", as: address}
    job:
      id: id
      path: /v1/jobs/{job}
      status: state
      states: {ready: done, broken: failed}
models:
  first:
    names: [acme-first]
    operations: {text_to_image: draw}
    sizes: {grid: {least: 256, most: 1024, step: 8}, default: 512x512}
    images: 4
errors:
  code: error.code
  rules:
    - {reason: quota_exhausted, codes: [7]}
prices:
  version: "1"
  source: acme.example/prices
  as_of: 2026-11-22
  models:
    first: {lines: [{per: image, price: "0.01"}]}
"""

# What is written instead of what, the line that is told, and what is said of it.
BAD = [
    ("provider: acme", "provider: other", "provider: other", "write acme, or call the file other.yaml"),
    ("name: Acme", "nmae: Acme", "nmae: Acme", "is no key of a mapping; write name"),
    ("name: Acme\n", "", "provider: acme", "name: must be given; write name: and its value"),
    ("https://api.acme.example", "api.acme.example", "base_url:", "'api.acme.example' does not fit"),
    ("api.acme.example\n", "api.acme.example/{account}\n", "base_url:", "account: goes with {account} in base_url"),
    ("key: ACME_KEY", "key: sk-live-123", "auth:", "'sk-live-123' does not fit"),
    ("header: x-api-key", "header: 'X Key'", "auth:", "'X Key' does not fit"),
    ("kind: whole", "kind: integer", "steps: {", "write 'whole', 'number', 'text', 'yes_no' or 'word'"),
    ("kind: whole", "kind: word", "steps: {", "write words: [soft, hard]"),
    ("      steps: option steps\n", "", "steps: {", "is sent by no endpoint; write `option steps` into a field"),
    ("option steps", "option stepz", "steps: option", "'stepz' is none of the options; write steps"),
    ("width: width", "width: widht", "width: widht", "'widht' is none of the words; write 'model', 'prompt'"),
    ("      width: width\n", "", "operations:", "width and height go together; write a field for each"),
    ("{from: prompt, required: true}", "{required: true}", "prompt: {", "write from: prompt, or option: steps"),
    ("{from: prompt, required: true}", "{value: hi}", "operations:", "write a field with from: prompt"),
    ("n: count", "n: {from: count, range: [1, 2]}", "n: {", "write it beside from: creativity, similarity, strength"),
    ("n: count", "n: {from: image, as: bites}", "n: {", "write 'file', 'base64', 'data_uri', 'address' or 'bytes'"),
    ("n: count", "n: {from: image, as: file}", "n: {", "JSON takes no files; write as: base64, or body: form"),
    ("n: count", "n: {from: count, eval: 1+1}", "n: {", "eval: is no key of a mapping"),
    ("path: /v1/{model}", "path: v1", "path: v1", "write what matches ^/"),
    ("path: /v1/{model}", "path: /v1/{modell}", "path: /v1/{modell}", "write {model}, or the path as it is"),
    ("path: /v1/{model}", "host: there\n    path: /v1", "host: there", "there is none; write it first"),
    ('"images[*].url"', '"images[0"', "answer:", "is no path; write names, dots and indexes"),
    ('"images[*].url"', '"len(images)"', "answer:", "is no path"),
    ('pictures: "images[*].url", ', "", "answer:", "must say where a job's pictures stand"),
    ("image/png: png", "png: png", "formats:", "is no type of pictures; write such as image/png"),
    ("/v1/jobs/{job}", "/v1/jobs", "path: /v1/jobs", "write {job} where its id stands"),
    ("ready: done", "ready: finished", "states:", "write 'waits', 'runs', 'done', 'failed' or 'blocked'"),
    ("ready: done, ", "", "states:", "has no word for a job that is done; write for example COMPLETE: done"),
    ("{text_to_image: draw}", "{text_to_image: drew}", "operations:", "'drew' is none of the endpoints; write draw"),
    ("{text_to_image: draw}", "{draw: draw}", "operations:", "'draw' is none of the words; write 'text_to_image'"),
    ("{text_to_image: draw}", "{edit: draw}", "operations:", "write a field with from: image"),
    ("default: 512x512", "default: 500x500", "sizes:", "500x500 is not on the grid"),
    ("default: 512x512", "default: large", "sizes:", "'large' is no size; write such as 1024x1024"),
    ("least: 256, most: 1024", "least: 2048, most: 1024", "sizes:", "is more than most; write 1024 or less"),
    (
        "{grid: {least: 256, most: 1024, step: 8}, default: 512x512}",
        "{shapes: ['1:1']}",
        "operations:",
        "write from: ratio",
    ),
    ("{grid: {least: 256, most: 1024, step: 8}, default: 512x512}", "{shapes: [16:9]}", "sizes:", "write it in quotes"),
    (
        "    sizes: {grid: {least: 256, most: 1024, step: 8}, default: 512x512}\n",
        "",
        "operations:",
        "write sizes: for it",
    ),
    ("    images: 4", "    images: many", "images: many", "'many' is no whole number"),
    ("    images: 4", "    references: 2", "references: 2", "write a field with from: references"),
    ("    images: 4", "    mask: exact", "mask: exact", "write a field with from: mask"),
    ("reason: quota_exhausted", "reason: broke", "reason: broke", "write 'invalid_field'"),
    (", codes: [7]", "", "reason: quota", "write status: [406], codes: [1008] or says: [nsfw]"),
    (", codes: [7]", ", status: [42]", "reason: quota", "write numbers of 200 to 599"),
    ('price: "0.01"', "price: cheap", "first: {lines", "Input should be a valid decimal"),
    ("endpoints:\n", "endpoints: []\nother:\n", "other:", "other: is no key of a mapping"),
]


def written(folder: Path, text: str) -> Path:
    """A file acme.yaml with that text."""
    file = folder / "acme.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(("old", "new", "line", "says"), BAD, ids=[f"{n}-{row[3][:30]}" for n, row in enumerate(BAD)])
def test_what_is_wrong_is_told_with_its_line_and_what_to_write(
    old: str, new: str, line: str, says: str, tmp_path: Path
) -> None:
    """Before anything is served."""
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    file = written(tmp_path, text)
    with pytest.raises(MeshError) as caught:
        read_mapping(file)
    told = caught.value.message
    assert says in told
    number = next(n for n, one in enumerate(text.splitlines(), 1) if line in one)
    where = f"{file}:{number}: " if not says.startswith(("name:", "account:")) else says
    assert where in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("provider: [acme", "is not YAML"),
        ("- provider", "must hold sections"),
        ("", "must be given"),
        ("provider: acme\nprovider: [1, 2]\n", "is no text; write it in quotes"),
    ],
)
def test_what_is_no_mapping_at_all_is_refused(text: str, says: str, tmp_path: Path) -> None:
    """With the file's name."""
    with pytest.raises(MeshError) as caught:
        read_mapping(written(tmp_path, text))
    assert says in caught.value.message
    assert "acme.yaml" in caught.value.message or "must be given" in caught.value.message


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Three faults of single pieces in one answer."""
    text = GOOD.replace("kind: whole", "kind: one").replace("reason: quota_exhausted", "reason: two")
    with pytest.raises(MeshError) as caught:
        read_mapping(written(tmp_path, text.replace("images: 4", "images: three")))
    assert all(word in caught.value.message for word in ("'one'", "'two'", "'three'"))


def test_a_good_mapping_is_taken(tmp_path: Path) -> None:
    """The text that the table of bad ones is made from; its models honour what their fields hold."""
    mapping = read_mapping(written(tmp_path, GOOD))
    (model,) = models_of(mapping)
    assert (model.name, model.max_images, model.resumable) == ("first", 4, True)
    assert "seed" in model.ignores
    assert "acme 1: acme.example/prices, read 2026-11-22" in model.price_source
    assert names_for(mapping, model.facts) == {"steps"}
    assert options_of(mapping).model_validate({"steps": 5}).model_dump() == {"steps": 5}


def test_the_page_shows_a_mapping_that_can_be_used(tmp_path: Path) -> None:
    """docs/mapping_files.md, its file and its section, as they stand there."""
    page = (Path(__file__).parents[2] / "docs" / "mapping_files.md").read_text(encoding="utf-8")
    text, section = re.findall(r"^```yaml\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "starlight.yaml").write_text(text, encoding="utf-8")
    tree = yaml.safe_load(section.replace("mappings: mappings", f"mappings: {folder}"))
    (part,) = configure({**tree, "state_dir": str(tmp_path)}, "adapter-starlight").parts
    assert part.module.name == "adapter-mapped"
    (model,) = models_of(read_mapping(folder / "starlight.yaml"))
    assert model.operations == ("text_to_image", "edit")
    assert (model.mask, model.cancel_effective) == ("exact", True)


def test_a_bad_file_in_an_operators_folder_is_found_by_check_config(tmp_path: Path) -> None:
    """Whichever of its files it is: the configuration is checked whole."""
    file = written(tmp_path, GOOD.replace("kind: whole", "kind: integer"))
    text = f"adapters:\n  luma: {{mappings: {tmp_path}}}\n"
    with pytest.raises(MeshError) as caught:
        configured("heliostat.yaml", text, "adapter-luma", {})
    assert f"{file}:7: options.steps.kind" in caught.value.message
    with pytest.raises(MeshError, match="is no folder"):
        configured("heliostat.yaml", f"adapters:\n  luma: {{mappings: {tmp_path}/none}}\n", "adapter-luma", {})


async def described(kind: str, folder: Path, **settings: Any) -> adapter_pb2.DescribeResponse:
    """What an adapter says of itself."""
    async with served(load("adapter-x", kind), folder, settings) as room:
        told: adapter_pb2.DescribeResponse = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    return told


async def test_a_section_without_its_file_says_where_to_write_it(tmp_path: Path) -> None:
    """`kind: mapped` needs a folder with a file of the section's name."""
    with pytest.raises(MeshError, match=r"write mapped\.yaml into a folder"):
        await described("mapped", tmp_path)


async def test_a_file_of_ones_own_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    """And its address, its key and its models with it."""
    text = GOOD.replace("provider: acme", "provider: luma").replace("acme-first", "mine")
    (tmp_path / "luma.yaml").write_text(text, encoding="utf-8")
    told = await described("luma", tmp_path, mappings=str(tmp_path))
    assert [model.provider_model for model in told.models] == ["first"]
    assert (told.display_name, told.accounts[0].configured) == ("Acme", False)


@pytest.mark.parametrize("name", NINE)
def test_each_shipped_file_is_a_provider_of_its_own(name: str) -> None:
    """Found by itself: as a kind, with its settings, in the sandbox and on the page of the configuration."""
    assert package_of()[name] == "mapped"
    module = load(f"adapter-{name}")
    assert module.section == ("adapters", name)
    assert name in sandbox.emulated()
    mapping = read_mapping(SHIPPED / f"{name}.yaml")
    assert module.settings().model_dump(mode="json")["api_key"] == f"env:{mapping.auth.key}"


def test_there_are_nine_files_and_the_folder_itself_is_no_provider() -> None:
    """A tenth file is a tenth provider; `mapped` is only a kind."""
    assert {kind for kind, package in package_of().items() if package == "mapped"} == set(NINE)
    assert "mapped" not in adapter_kinds()
    assert load("adapter-anything", "mapped").name == "adapter-mapped"


def test_live_finds_the_key_of_a_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    """One variable in the environment is enough."""
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_x")
    assert live.found_keys()["segmind"] == "SEGMIND_API_KEY"


@pytest.mark.parametrize(("account", "configured"), [("", False), ("0a1b", True)])
async def test_an_account_that_is_not_told_is_missing_like_a_key(
    account: str, configured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloudflare's address holds one."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "token")
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", account)
    told = await described("cloudflare", tmp_path)
    assert told.accounts[0].configured is configured


def test_files_are_data_and_nothing_else() -> None:
    """No tag of YAML makes an object of them."""
    for file in SHIPPED.glob("*.yaml"):
        assert "!!" not in file.read_text(encoding="utf-8")


def test_a_tag_that_makes_objects_is_refused(tmp_path: Path) -> None:
    """The loader is the safe one."""
    with pytest.raises(MeshError, match="is not YAML"):
        read_mapping(written(tmp_path, "provider: !!python/object/apply:os.getcwd []\n"))
