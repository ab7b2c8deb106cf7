"""Why each target is eligible or not, in the order in which they would be asked, with its price."""

from dataclasses import dataclass

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.router import naming
from heliostat.router.appraisal import Appraisal, Appraiser
from heliostat.router.branches import split
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.recall import Recall
from heliostat.router.selection import Exclusion, Out, replay
from heliostat.router.table import Target, parts_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """Targets in order, those that are out at the end, and the decision behind it."""

    targets: list[router_pb2.TargetEstimate]
    decision: event_pb2.Decision


class Explainer:
    """The selection of a request without its calls."""

    def __init__(self, chooser: Chooser, catalog: Catalog, appraiser: Appraiser, recall: Recall) -> None:
        self._chooser = chooser
        self._catalog = catalog
        self._appraiser = appraiser
        self._recall = recall

    async def explain(self, image: request_pb2.ImageRequest, *, mask_preview: bool = False) -> Explanation:
        """Chooses as for a real request and asks adapters, not providers, for prices. Raises MODEL_NOT_FOUND.

        `mask_preview`: the first target looks at the pictures too. Raises what it finds wrong with them.
        """
        choice = await self._chooser.consider(image)
        exclusions = choice.exclusions()
        eligible = {target.name for target in choice.targets}
        out = {target.name: target for part in choice.selections for target in part.route.targets}
        rest = [target for name, target in out.items() if name not in eligible]
        # What cannot do it has no price for it.
        able = [target for target in rest if not _is_unfit(exclusions.get(target.name))]
        prices = await self._appraiser.appraise((*choice.targets, *able), image, self._catalog.max_image_count)
        told = [self._told(target, image, prices[target.name]) for target in choice.targets]
        for target in rest:
            left = self._told(target, image, prices.get(target.name))
            exclusion = exclusions.get(target.name)
            left.excluded_because = exclusion.because if exclusion else "is not asked after the first target"
            told.append(left)
        renamed = tuple(naming.told([part.route for part in choice.selections]))
        for each in told:
            each.adjustments.extend(renamed)
        if mask_preview and choice.targets and image.edit.HasField("mask"):
            looked = await self._appraiser.preview(choice.targets[0], image)
            told[0].mask_preview = looked.mask_preview
            del told[0].adjustments[:]
            told[0].adjustments.extend((*looked.adjustments, *renamed))
        return Explanation(told, choice.decision())

    def explain_past(self, request_id: str) -> Explanation:
        """What was decided before the first attempt of one of the last requests, without prices: in the order in which
        targets were to be asked, those that were out at the end. Raises RESOURCE_NOT_FOUND.
        """
        decision = self._recall.decision(request_id)
        if decision is None:
            raise MeshError(
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                f'This router does not remember request "{request_id[:100]}"; the ledger does, with what became of it: '
                "`heliostat admin explain` with its id, or LedgerAdminService.GetDecisions.",
            )
        candidates = {each.target: each for each in decision.candidates}
        order = [name for name in replay(decision) if not candidates[name].excluded_because]
        told = [self._recalled(candidates[name]) for name in dict.fromkeys((*order, *candidates))]
        return Explanation(told, decision)

    def _recalled(self, candidate: event_pb2.Decision.Candidate) -> router_pb2.TargetEstimate:
        adapter, _, provider_model = parts_of(candidate.target)
        return router_pb2.TargetEstimate(
            target=candidate.target,
            provider=self._catalog.provider(adapter),
            provider_model=provider_model,
            priority=candidate.priority,
            weight=candidate.weight,
            excluded_because=candidate.excluded_because,
        )

    def _told(
        self, target: Target, image: request_pb2.ImageRequest, appraisal: Appraisal | None
    ) -> router_pb2.TargetEstimate:
        appraised = appraisal or Appraisal(adapter_pb2.EstimateResponse(), self._call_count(target, image))
        estimate = appraised.estimate
        told = router_pb2.TargetEstimate(
            target=target.name,
            provider=self._catalog.provider(target.adapter),
            provider_model=target.provider_model,
            priority=target.priority,
            weight=target.weight,
            adjustments=estimate.adjustments,
            call_count=appraised.call_count,
            excluded_because=appraised.problem,
        )
        if estimate.HasField("cost"):
            told.cost.CopyFrom(estimate.cost)
        if estimate.HasField("duration"):
            told.duration.CopyFrom(estimate.duration)
        return told

    def _call_count(self, target: Target, image: request_pb2.ImageRequest) -> int:
        return len(split(max(1, image.image_count), self._catalog.max_image_count(target)))


def _is_unfit(exclusion: Exclusion | None) -> bool:
    return exclusion is not None and exclusion.kind is Out.UNFIT
