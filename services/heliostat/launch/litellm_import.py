"""A LiteLLM proxy's configuration as ours: routes and adapters, and what could not be taken over. Pure.

Read are `model_list`, and of `router_settings` and `litellm_settings` the fallbacks and aliases of models. Values are
never repeated in what is told, for some of them are keys.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.chassis.lines import Lines, Place
from heliostat.launch.litellm_words import COMPATIBLE, KINDS, MODES, PACING, SECRETS, SETTINGS, TARGET, WHY

_NO_WORD = "has no counterpart here"
_ENVIRONMENT = "os.environ/"
_OPENAI = "api.openai.com"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one of our adapters has: `find` gives its name of a model, "" where it has none; `fields` its settings."""

    find: Callable[[str], str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken over: the line where it stands, what it is, and why not."""

    line: int
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.line}: {self.what}: {self.why}"


@dataclass
class Taken:
    """Our configuration, and what was left."""

    routes: dict[str, dict[str, Any]] = field(default_factory=dict)
    adapters: dict[str, dict[str, Any]] = field(default_factory=dict)
    pacing: dict[str, dict[str, int]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def tree(self) -> dict[str, Any]:
        """The sections for the configuration file."""
        router: dict[str, Any] = {"routes": list(self.routes.values())}
        if self.pacing:
            router["pacing"] = self.pacing
        return {"router": router, "adapters": self.adapters}


class Import:
    """One taking over."""

    def __init__(self, tree: Mapping[str, Any], lines: Lines, shelves: Mapping[str, Shelf]) -> None:
        self._tree = tree
        self._lines = lines
        self._shelves = shelves
        self._sections: dict[tuple[str, str], str] = {}
        self.taken = Taken()

    def run(self) -> Taken:
        """All of it."""
        for place, entry in _entries(self._tree.get("model_list")):
            self._model(("model_list", place), entry)
        for section, settings in self._tree.items():
            if section != "model_list":
                self._section_left(section, settings)
        self.taken.left.sort(key=lambda left: left.line)
        return self.taken

    def _leave(self, place: Place, what: str, why: str) -> None:
        self.taken.left.append(Left(self._lines.of(place) or 1, what, why))

    def _model(self, place: Place, entry: Mapping[str, Any]) -> None:
        name = str(entry.get("model_name") or "")
        params, info = _section(entry.get("litellm_params")), _section(entry.get("model_info"))
        asked = str(params.get("model") or "")
        mode = str(info.get("mode") or "")
        what = f"model {name[:100]!r}"
        if not name or not asked:
            return self._leave(place, what, "it has no model_name or no litellm_params.model")
        if mode not in MODES:
            return self._leave(place, what, f"it is for {mode[:32]}; here only pictures are made")
        if "*" in name + asked:
            return self._leave(place, what, "any model of an adapter is served without a route, as adapter/model too")
        found = self._known(asked, params, str(info.get("base_model") or ""))
        if isinstance(found, str):
            return self._leave((*place, "litellm_params", "model"), what, found)
        kind, model, deployment = found
        if deployment == "" and model not in (asked, asked.partition("/")[2]):
            why = f"adapter {kind} has no model of exactly this name; {model} is asked in its place"
            self._leave((*place, "litellm_params", "model"), what, why)
        section = self._section_of(kind, place, params, deployment, model, compatible=deployment is None)
        self._put(name, f"{section}/{model}", (*place, "litellm_params"), params)
        return None

    def _known(self, asked: str, params: Mapping[str, Any], base: str) -> tuple[str, str, str | None] | str:
        """(kind, our provider model, deployment); the deployment is None for a server of one's own. Or why not."""
        prefix, slash, rest = asked.partition("/")
        base_url = str(params.get("api_base") or params.get("base_url") or "")
        if prefix in COMPATIBLE and slash:
            return ("openai", rest, None) if base_url else f"{prefix} needs an api_base"
        kind = KINDS.get(prefix, "") if slash else "openai"
        if not kind or kind not in self._shelves:
            return f"there is no adapter for {prefix[:64]!r}"
        rest = rest if slash else asked
        if kind == "openai" and base_url and _OPENAI not in base_url:
            return kind, rest, None
        if prefix == "vertex_ai" and not params.get("vertex_project"):
            return "vertex_project is not said, and Vertex AI is asked by it"
        shelf = self._shelves[kind]
        wanted = base.rpartition("/")[2] if kind == "azure_openai" and base else rest
        model = shelf.find(wanted)
        if model:
            return kind, model, rest if kind == "azure_openai" else ""
        if kind == "azure_openai":
            return "the model behind the deployment is not known; say it in model_info.base_model"
        return f"adapter {kind} has no such model; `heliostat models --provider {kind}` prints those it has"

    def _section_of(
        self,
        kind: str,
        place: Place,
        params: Mapping[str, Any],
        deployment: str | None,
        model: str,
        *,
        compatible: bool,
    ) -> str:
        """The name of the adapter's section with these settings; another one for another key or address."""
        settings: dict[str, Any] = {"compatible": True} if compatible else {}
        for theirs, ours in SETTINGS.items():
            if theirs in params and ours in self._shelves[kind].fields:
                settings |= self._setting((*place, "litellm_params", theirs), ours, str(params[theirs]))
        key = str(params.get("api_key") or "")
        name = self._named(kind, f"{settings}{key}", model, deployment)
        if name not in self.taken.adapters:
            own = {"kind": kind} if name != kind else {}
            self.taken.adapters[name] = {**own, **settings, **self._key(name, key, place)}
        if deployment:
            self.taken.adapters[name].setdefault("deployments", {})[model] = deployment
        return name

    def _named(self, kind: str, mark: str, model: str, deployment: str | None) -> str:
        """The section for settings with this mark; another one too for a second deployment of one model."""
        name = self._sections.get((kind, mark), "")
        deployed = self.taken.adapters.get(name, {}).get("deployments", {})
        if deployment and deployed.get(model, deployment) != deployment:
            return self._named(kind, f"{mark}{deployment}", model, deployment)
        if not name:
            count = sum(known == kind for known, _ in self._sections)
            name = self._sections[kind, mark] = f"{kind}-{count + 1}" if count else kind
        return name

    def _setting(self, place: Place, ours: str, value: str) -> dict[str, str]:
        """One setting of an adapter; secrets as references, others as they stand."""
        is_reference = value.startswith(_ENVIRONMENT)
        if (ours in SECRETS) == is_reference:
            return {ours: f"env:{value.removeprefix(_ENVIRONMENT)}" if is_reference else value}
        why = "it stands in a variable; write it here" if is_reference else "a secret stands in the file; move it out"
        self._leave(place, str(place[-1]), f"{why}, as {ours} of the adapter")
        return {}

    def _key(self, section: str, key: str, place: Place) -> dict[str, str]:
        if not key:
            return {}
        if key.startswith(_ENVIRONMENT):
            return {"api_key": f"env:{key.removeprefix(_ENVIRONMENT)}"}
        variable = f"{section.upper().replace('-', '_')}_API_KEY"
        place = (*place, "litellm_params", "api_key")
        self._leave(place, "api_key", f"the key stands in the file; put it into the variable {variable}")
        return {"api_key": f"env:{variable}"}

    def _put(self, name: str, target: str, place: Place, params: Mapping[str, Any]) -> None:
        told: dict[str, Any] = {"target": target}
        for theirs, value in params.items():
            if theirs == "order" and isinstance(value, int) and value > 0:
                told["priority"] = value - 1
            elif theirs in TARGET and _is_number(value):
                told[TARGET[theirs]] = value
            elif theirs in PACING and isinstance(value, int) and value > 0:
                self.taken.pacing.setdefault(target, {})[PACING[theirs]] = value
            elif theirs not in {"model", "api_key"} and theirs not in self._taken_settings(target):
                self._leave((*place, theirs), str(theirs)[:64], WHY.get(str(theirs), _NO_WORD))
        route = self.taken.routes.setdefault(name, {"model": name, "targets": []})
        if any(each["target"] == target for each in route["targets"]):
            return self._leave(place, f"model {name[:100]!r}", f"{target} is a target of it already")
        route["targets"].append(told)
        return None

    def _taken_settings(self, target: str) -> set[str]:
        section = target.partition("/")[0]
        kind = str(self.taken.adapters[section].get("kind", section))
        return {theirs for theirs, ours in SETTINGS.items() if ours in self._shelves[kind].fields}

    def _section_left(self, section: str, settings: Any) -> None:
        """What stands beside the models: fallbacks and aliases are taken over, the rest is told."""
        if not isinstance(settings, Mapping) or section in WHY:
            return self._leave((section,), str(section)[:64], WHY.get(section, _NO_WORD))
        for name, value in settings.items():
            place = (section, name)
            if name == "fallbacks":
                for index, entry in _entries(value):
                    self._fallback((*place, index), entry)
            elif name == "model_group_alias" and isinstance(value, Mapping):
                for alias, model in value.items():
                    self._alias((*place, alias), str(alias), model)
            elif (name, value) != ("routing_strategy", "simple-shuffle"):
                self._leave(place, f"{section}.{name}"[:100], WHY.get(str(name), _NO_WORD))
        return None

    def _fallback(self, place: Place, entry: Mapping[str, Any]) -> None:
        """{"a": ["b"]}: the targets of b are asked after those of a."""
        for name, others in entry.items():
            route = self.taken.routes.get(str(name))
            for other in others if isinstance(others, list) else [others]:
                beside = self.taken.routes.get(str(other))
                if route is None or beside is None:
                    why = f"{str(name if route is None else other)[:100]!r} was not taken over"
                    self._leave(place, f"fallback of {str(name)[:100]!r}", why)
                    continue
                known = {each["target"] for each in route["targets"]}
                below = max(each.get("priority", 0) for each in route["targets"]) + 1
                route["targets"] += [
                    {**each, "priority": below + each.get("priority", 0)}
                    for each in beside["targets"]
                    if each["target"] not in known
                ]

    def _alias(self, place: Place, alias: str, model: Any) -> None:
        name = str(model.get("model") if isinstance(model, Mapping) else model)
        route = self.taken.routes.get(name)
        if route is None or alias in self.taken.routes:
            self._leave(place, f"alias {alias[:100]!r}", "its model was not taken over, or has that name itself")
        else:
            route.setdefault("aliases", []).append(alias)


def _entries(listed: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, entry in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(entry, Mapping):
            yield place, entry


def _section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
