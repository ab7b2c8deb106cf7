"""Where things stand in a YAML file, so that what is wrong can be named by its line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Place = Sequence[str | int]
"""Keys and indexes from the root on, such as ("router", "routes", 3, "targets", 0, "weight")."""

_NODES = (yaml.ScalarEvent, yaml.AliasEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Spot:
    """A value: its line, and what stands below it; a mapping waits for the value of `key`."""

    line: int
    is_mapping: bool = False
    below: dict[str, "_Spot"] = field(default_factory=dict)
    key: str | None = None
    key_line: int = 0


class Lines:
    """The lines of one text. Made when something is wrong: they cost as much as the values do."""

    def __init__(self, text: str) -> None:
        """Of a text that is YAML."""
        self._root = _spots(text)

    def of(self, place: Place) -> int | None:
        """The line, 1 the first, of a place or of the nearest one around it; None where the text has nothing of it."""
        spot, line = self._root, None
        for part in place:
            found = spot.below.get(str(part))
            if found is None:
                break
            spot, line = found, found.line
        return line


def _spots(text: str) -> _Spot:
    """All places of a text. The root is a list with the document in it, left out again."""
    root = _Spot(1)
    stack = [root]
    anchors: dict[str, _Spot] = {}
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
            continue
        if kind not in _NODES:
            continue
        top, line = stack[-1], event.start_mark.line + 1
        if top.is_mapping and top.key is None and kind is yaml.ScalarEvent:
            top.key, top.key_line = event.value, line
            continue
        spot = _Spot(line, kind is yaml.MappingStartEvent)
        if kind is yaml.AliasEvent:
            spot = anchors.get(event.anchor, spot)
        elif event.anchor is not None:
            anchors[event.anchor] = spot
        _put(top, spot)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            stack.append(spot)
    return root.below.get("0", root)


def _put(top: _Spot, spot: _Spot) -> None:
    """Puts a value where it belongs; in a mapping its line is that of its key."""
    if not top.is_mapping:
        top.below[str(len(top.below))] = spot
    elif top.key is None:  # a key that is no text: nobody asks for it
        top.key = ""
    else:
        if spot.line > top.key_line:
            spot = _Spot(top.key_line, spot.is_mapping, spot.below)
        top.below[top.key] = spot
        top.key = None
