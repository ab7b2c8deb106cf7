"""docs/cli.md: every command of the command line, from the command line itself."""

import argparse
from collections.abc import Iterator

from heliostat.launch.command_line import command_line

_HEAD = """\
# The command line

*Made by `python -m heliostat.launch.reference cli` from the commands' own help; `heliostat <command> --help` tells the
options.*

After `make run` the command is `.venv/bin/heliostat`. `keys`, `admin` and `doctor` with a request speak to a running
core through its operators' door: run them where it runs, `--state-dir` or `--address` before the command names another
one. All others need nothing that runs.

| command | does |
| --- | --- |
"""
_EXAMPLES = """
## What can be asked for

```
heliostat models                                  # every model, its providers, the cheapest first, and its price from
heliostat models --provider fal --operation edit  # what fal can edit with
heliostat models --json | jq '.[].model'
```

Nobody is called: the list is what the adapters say of themselves. `GET /v1/models` lists what your installation serves.

## When something is wrong

```
heliostat doctor                    # heliostat.yaml where it is, else the sandbox
heliostat doctor --live             # what `make live` would run
heliostat doctor --config new.yaml --offline
heliostat doctor req_…              # what became of a request, who was asked, why, and what to do
```

It looks at the configuration, keys (whether they are there, never what they are), disk, database, ports, the way to
each provider, the clock, and the targets that are out. What stands in the way of pictures is `BAD`, with the one thing
to do about it below; the exit code is then 1. What to do about each reason is the table of [errors.md](errors.md).

## An application against a provider, for nothing

```
heliostat emulate replicate --port 8091 --script script.yaml
```

runs one provider's API alone on loopback, prints how the vendor's own SDK is pointed at it, and keeps a journal of what
it would have billed. The script is a list of steps, JSON or YAML, for what it does wrong:

```yaml
- {status: 429, headers: {retry-after: "3"}, times: 1}   # the first request
- {path: job, status: 500, times: 1}                     # the work of a queued job
- {match: {prompt: "slow"}, delay_s: 20}                 # every prompt with this word
```

`services/heliostat/emulators/script.py` tells every field.

## From LiteLLM

```
heliostat import litellm config.yaml > heliostat.yaml
```

takes the deployments of a LiteLLM proxy that make pictures over as routes and adapters, with their weights, order,
time-outs, limits by request, fallbacks and aliases. Standard error lists what was left, with its line and why. Keys are
not printed: `os.environ/NAME` becomes `env:NAME`, a key that stands in the file is to be put into a variable.
"""


def page() -> str:
    """The page."""
    rows = (f"| `heliostat {name}` | {told} |\n" for name, told in commands(command_line()))
    return f"{_HEAD}{''.join(rows)}{_EXAMPLES}"


def commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[tuple[str, str]]:
    """Every command that does something, such as "keys create", with its help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, below in action.choices.items():
                found = list(commands(below, f"{above}{name} "))
                yield from found or [(f"{above}{name}", helps.get(name, ""))]
