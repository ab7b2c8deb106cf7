"""The fast way to read YAML gives what PyYAML's safe loader gives, and fails where it fails."""

import pytest
import yaml

from heliostat.chassis.yaml_text import values_of

TEXTS = [
    "",
    "# nothing\n",
    "a",
    "[]",
    "a: 1",
    "a: {b: [1, 2.5, -3, 0x1f, 0o7, 1_000, .inf, 1e3], c: null, d: ~, e: , f: yes, g: off, h: 'yes', i: \"1\"}",
    "a: 2026-11-22\nb: 2026-11-22T16:00:00Z\nc: 12:30:45\nd: 1.2.3\ne: .5\nf: '=x'",
    "- a\n- - b\n  - c\n- {d: e}\n-\n- |\n  text\n  of lines\n- >\n  folded\n  text\n",
    "base: &b {x: 1, y: [2]}\nsame: *b\nmore: [*b, *b]",
    "name: &n fal\nuse: *n\nkey: {*n : 1}",
    "base: &b {x: 1}\nover:\n  <<: *b\n  y: 2",
    "a: !!str 1\nb: !!set {x, y}\nc: !!binary aGVsbG8=",
    "1: a\n2.5: b\ntrue: c\nnull: d",
    "a: 1\na: 2",
    "---\na: 1\n...\n",
    "\"a b\": \"c\\n\\u00e9\"\n'd': 'it''s'",
    "deep: " + "[" * 60 + "]" * 60,
]

WRONG = [
    "a: [",
    "a: b: c",
    "a: 1\n---\nb: 2",
    "*nobody",
    "a: !!python/object:os.system x",
    "a: =",
    "\ta: 1",
    "{a: 1, b",
    "? [a, b]\n: 1",
]


@pytest.mark.parametrize("text", TEXTS)
def test_values_are_the_safe_loaders(text: str) -> None:
    """To the type."""
    assert repr(values_of(text)) == repr(yaml.safe_load(text)) or values_of(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", WRONG)
def test_what_it_refuses_is_refused(text: str) -> None:
    """As an error of YAML."""
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(text)
    with pytest.raises(yaml.YAMLError):
        values_of(text)


def test_a_list_may_hold_itself() -> None:
    """As the safe loader allows."""
    value = values_of("a: &all [1, *all]")
    assert value["a"][1] is value["a"]
