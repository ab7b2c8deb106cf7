"""Where things stand in a YAML file, so that what is wrong can be named by its line."""

from collections.abc import Sequence

import yaml

Place = Sequence[str | int]
"""Keys and indexes from the root on, such as ("router", "routes", 3, "targets", 0, "weight")."""


class Lines:
    """The lines of one text. Made when something is wrong: marks cost more than the values do."""

    def __init__(self, text: str) -> None:
        """Of a text that is YAML."""
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)

    def of(self, place: Place) -> int | None:
        """The line, 1 the first, of a place or of the nearest one around it; None where the text has nothing of it."""
        node, line = self._root, None
        for part in place:
            found = _below(node, part)
            if found is None:
                break
            line, node = found
        return line


def _below(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """The line at which `part` of `node` begins, and what stands there."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None
