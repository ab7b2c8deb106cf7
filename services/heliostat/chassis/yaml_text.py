"""YAML as plain values: what PyYAML's safe loader gives, five times as fast.

Built from the parser's events, which are C, without its tree of nodes. What is rare (tags, merge keys, keys that are no
text) is left to the safe loader itself.
"""

from collections.abc import Iterator
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_ANY_START = _RESOLVERS.get(None, [])

_SCALAR, _MAPPING, _SEQUENCE = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent


class _Rare(Exception):
    """Something that is left to the safe loader."""


def values_of(text: str) -> Any:
    """The text's only document as dictionaries, lists and scalars; None where it is empty. Raises yaml.YAMLError."""
    try:
        return _Builder().build(text)
    except _Rare:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is the safe loader


class _Builder:
    """Makes values of one stream of events."""

    def __init__(self) -> None:
        self._anchors: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}

    def build(self, text: str) -> Any:
        """The value of the only document."""
        loader = _Loader(text)
        try:
            # The events as they come: yaml.parse asks for each of them twice.
            return self._built(iter(loader.get_event, None))
        finally:
            loader.dispose()

    def _built(self, events: Iterator[Any]) -> Any:
        root: list[Any] = []
        # Containers that are open, the innermost last; a mapping stands there with the key that waits for its value.
        stack: list[list[Any] | dict[Any, Any]] = [root]
        keys: list[Any] = [None]
        for event in events:
            kind = type(event)
            if kind is _SCALAR:
                value = self._scalar(event)
            elif kind is _MAPPING or kind is _SEQUENCE:
                value = {} if kind is _MAPPING else []
                if event.tag is not None:
                    raise _Rare
            elif kind is yaml.AliasEvent:
                if event.anchor not in self._anchors:
                    raise _Rare
                value = self._anchors[event.anchor]
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                stack.pop()
                keys.pop()
                continue
            elif kind is yaml.DocumentStartEvent and root:
                raise _Rare
            else:
                continue
            top = stack[-1]
            if type(top) is list:
                top.append(value)
            elif keys[-1] is None:
                if not isinstance(value, str) or kind is not _SCALAR:
                    raise _Rare
                keys[-1] = value
                continue
            else:
                top[keys[-1]] = value
                keys[-1] = None
            if kind is _MAPPING or kind is _SEQUENCE:
                if event.anchor is not None:
                    self._anchors[event.anchor] = value
                stack.append(value)
                keys.append(None)
        return root[0] if root else None

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None:
            raise _Rare
        text: str = event.value
        value: Any = text
        if event.implicit[0]:
            value = self._plain.get(text, self)
            if value is self:
                value = self._plain[text] = _plain(text)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value


def _plain(text: str) -> Any:
    """The value of a scalar without quotes: a number, a date, true, null, or the text itself."""
    if text == _MERGE:
        raise _Rare
    for _, pattern in (*_RESOLVERS.get(text[:1], ()), *_ANY_START):
        if pattern.match(text):
            return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is the safe loader
    return text
