"""The models of a ComfyUI server as its templates tell them. Pure but for reading files.

A model is what templates of one name are for; whether the server has its files only the server knows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from heliostat.adapters.comfyui.template_files import NAMED_OPTIONS, Template, read_folder
from heliostat.adapters.sdk import FollowsInput, InputLimits, Model, ModelTable, Pixels, free
from heliostat.adapters.sdk.asked import NAMES
from heliostat.chassis.settings import refused

SHIPPED = Path(__file__).parent / "templates"
TYPES = ("image/png", "image/jpeg", "image/webp")
_ORDER = ("text_to_image", "edit", "variation", "upscale", "remove_background", "style_transfer", "outpaint")


@dataclass(frozen=True)
class Workflows:
    """The templates of one model by the work they are for."""

    by_work: Mapping[str, Template]

    def of(self, operation: str, *, masked: bool) -> Template | None:
        """The template of a request; None where an edit comes without the mask that all there is needs."""
        return self.by_work.get("inpaint" if masked and operation == "edit" else operation)

    @property
    def options(self) -> frozenset[str]:
        """Fields of the adapter's options that any of the templates takes."""
        names = {name for template in self.by_work.values() for name in template.options}
        own = names - set(NAMED_OPTIONS)
        return frozenset(names & set(NAMED_OPTIONS)) | ({"values"} if own else frozenset())


def honoured(template: Template) -> frozenset[str]:
    """Names of asked.py that a template honours."""
    names = {word for word in ("prompt", "negative_prompt", "seed") if template.fills.get(word)}
    if template.fills.get("strength"):
        names.add("similarity" if template.operation == "variation" else "strength")
    if template.fills.get("mask"):
        names.add("feather")
    return frozenset(names)


def model_of(name: str, templates: Iterable[Template]) -> Model:
    """The model that these templates make up."""
    by_work = {template.operation: template for template in templates}
    every = list(by_work.values())
    done = {"edit" if work == "inpaint" else work for work in by_work}
    drawn, inpaint = by_work.get("text_to_image"), by_work.get("inpaint")
    follows = {work: FollowsInput() for work in done if work != "text_to_image"}
    needs_mask = inpaint is not None and "edit" not in by_work
    return Model(
        name,
        names=tuple(dict.fromkeys(word for one in every for word in one.names)),
        operations=tuple(work for work in _ORDER if work in done),
        sizes=_grid(drawn) if drawn is not None else FollowsInput(),
        operation_sizes=follows if drawn is not None else {},
        price=free,
        max_images=max(one.max_images if one.fills.get("batch_size") else 1 for one in every),
        max_references=max(len(one.fills.get("references", ())) for one in every),
        inputs=InputLimits(TYPES, 0, min(one.max_input_px for one in every)),
        mask=("exact" if inpaint.exact_mask else "guidance") if inpaint is not None else "",
        ignores=tuple(sorted(NAMES - frozenset[str]().union(*(honoured(one) for one in every)))),
        resumable=True,
        cancel_effective=True,
        creator=next((one.creator for one in every if one.creator), ""),
        description=next((one.description for one in every if one.description), ""),
        metadata={"mask_required": True} if needs_mask else {},
        facts=Workflows(by_work),
    )


def _grid(template: Template) -> Pixels:
    sizes = template.sizes
    return Pixels(sizes.min_px, sizes.max_px, step=sizes.step, max_area_px=sizes.max_area_px, default=sizes.default)


def table_of(templates: Iterable[Template]) -> ModelTable:
    """All models, by name."""
    grouped: dict[str, list[Template]] = defaultdict(list)
    for template in templates:
        grouped[template.model].append(template)
    return ModelTable(*(model_of(name, grouped[name]) for name in sorted(grouped)))


@lru_cache(maxsize=1)
def shipped_templates() -> tuple[Template, ...]:
    """The templates that come along."""
    return tuple(read_folder(SHIPPED))


def offered(folder: str, names: Iterable[str]) -> ModelTable:
    """The models of the shipped templates and of those in an operator's `folder`, which win; only `names` if any.

    Raises INVALID_FIELD for a template that cannot be used and for a name that has none.
    """
    found = {(one.model, one.operation): one for one in shipped_templates()}
    if folder:
        found |= {(one.model, one.operation): one for one in read_folder(Path(folder))}
    known, wanted = {model for model, _ in found}, set(names)
    strange = sorted(wanted - known)
    if strange:
        raise refused(
            f"adapters.comfyui.offered names {strange[0]!r}, which has no template; there are: "
            f"{', '.join(sorted(known))}."
        )
    return table_of(one for one in found.values() if not wanted or one.model in wanted)


MODELS = table_of(shipped_templates())
