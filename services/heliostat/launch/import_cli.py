"""`heliostat import litellm config.yaml`: another gateway's configuration as ours, on standard output."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from heliostat.chassis.lines import Lines
from heliostat.chassis.settings import Refusal, read_text, refused, tree_of

if TYPE_CHECKING:
    from heliostat.api.adapter.v1 import adapter_pb2
    from heliostat.launch.litellm_import import Shelf, Taken


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `import` to the command line."""
    sources = commands.add_parser("import", help="take over another gateway's configuration").add_subparsers(
        required=True, metavar="from"
    )
    litellm = sources.add_parser("litellm", help="a LiteLLM proxy's model_list as routes and adapters, on stdout")
    litellm.add_argument("file", help="its config.yaml; keys in it are not printed")
    litellm.set_defaults(command=_litellm)


def _litellm(given: argparse.Namespace) -> int:
    text, told = take_over(given.file)
    print(text, end="")
    print("\n".join(told), file=sys.stderr)
    return 0


def take_over(file: str) -> tuple[str, list[str]]:
    """Our configuration as YAML, and a line for everything that was not taken over, with its place in the file.

    Raises INVALID_FIELD for a file that is no LiteLLM configuration.
    """
    import yaml

    from heliostat.launch.litellm_import import Import

    text = read_text(file)
    tree = tree_of(text, file, {})
    if not isinstance(tree.get("model_list"), list):
        raise refused(f"{file} has no model_list, so it is no configuration of a LiteLLM proxy.")
    taken = Import(tree, Lines(text), shelves()).run()
    head = f"# Taken over from {file}. Look at what standard error told, then: heliostat check-config --config …\n"
    made = yaml.safe_dump(taken.tree(), sort_keys=False, allow_unicode=True)
    told = [f"{file}:{left}" for left in taken.left]
    count = (
        f"{len(taken.routes)} models at {len(taken.adapters)} adapters were taken over; {len(taken.left)} things not."
    )
    return head + made, [*told, *_wrong(taken), count]


def _wrong(taken: "Taken") -> list[str]:
    """What our own check finds wrong with the result, such as an address that is none."""
    from heliostat.launch.config import configure

    try:
        configure(taken.tree(), "all")
    except Refusal as refusal:
        return [f"mend in the result: {fault}" for fault in refusal.faults]
    return []


def shelves() -> "Mapping[str, Shelf]":
    """What every installed adapter has, by its kind."""
    from heliostat.launch.described import described

    return {told.provider: _shelf(told) for told in asyncio.run(described())}


def _shelf(told: "adapter_pb2.DescribeResponse") -> "Shelf":
    from heliostat.launch.litellm_import import Shelf
    from heliostat.launch.targets import ADAPTER, load
    from heliostat.router.catalog import entry_of
    from heliostat.router.naming import Naming

    own = {model.provider_model for model in told.models}
    naming = Naming([(told.provider, entry_of(told))])

    def find(name: str) -> str:
        if name in own:
            return name
        meant = [naming.canonical(name)] if naming.canonical(name) else naming.meant(name)
        return naming.targets(meant[0])[0][1] if len(meant) == 1 else ""

    settings = load(ADAPTER + told.provider, told.provider).settings
    return Shelf(find, frozenset(settings.model_fields))
