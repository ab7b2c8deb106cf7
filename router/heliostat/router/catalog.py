"""What each target can do, as its adapter describes it; asked for in the background and kept until the next look."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import to_micros
from heliostat.router.peers import Peers
from heliostat.router.table import Target

log = get_logger("heliostat.router.catalog")

_FIRST_PAUSE_S = 0.1
_ANY = "*"

OPERATIONS: Mapping[str, capability_pb2.Operation] = {
    "text_to_image": capability_pb2.OPERATION_TEXT_TO_IMAGE,
    "edit": capability_pb2.OPERATION_EDIT,
    "variation": capability_pb2.OPERATION_VARIATION,
    "upscale": capability_pb2.OPERATION_UPSCALE,
    "remove_background": capability_pb2.OPERATION_REMOVE_BACKGROUND,
    "segment": capability_pb2.OPERATION_SEGMENT,
    "style_transfer": capability_pb2.OPERATION_STYLE_TRANSFER,
    "outpaint": capability_pb2.OPERATION_OUTPAINT,
}
_DOING = {
    "text_to_image": "draw from words",
    "edit": "edit pictures",
    "variation": "make variations",
    "upscale": "upscale",
    "remove_background": "remove backgrounds",
    "segment": "segment",
    "style_transfer": "transfer styles",
    "outpaint": "outpaint",
}
# Honoured by the mesh itself, whatever the provider takes.
_OURS = frozenset(
    {
        "model",
        "prompt",
        "n",
        "image_count",
        "output_format",
        "output.media_type",
        "output_compression",
        "response_format",
        "strict",
        "delivery",
    }
)
# Words of requests that a capability of another kind stands for.
_OF_SIZES = ("size", "aspect_ratio", "resolution")
_OF_MASKS = ("mask", "mask_mode", "mask_feather", "feather")

_MEGAPIXELS_OF_TIER = {
    request_pb2.SIZE_TIER_HALF_K: 1,
    request_pb2.SIZE_TIER_1K: 1,
    request_pb2.SIZE_TIER_2K: 4,
    request_pb2.SIZE_TIER_4K: 16,
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request asks of a target."""

    operation: str
    mask: bool
    reference_count: int
    parameters: tuple[str, ...]


def needs_of(image: request_pb2.ImageRequest) -> Needs:
    """What `image` asks of a target. Pure."""
    operation = image.WhichOneof("operation") or "text_to_image"
    mask = operation == "edit" and image.edit.HasField("mask")
    return Needs(operation, mask, len(image.references), tuple(image.required_parameters))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one provider model can do, prepared for the questions that every request asks."""

    capability: capability_pb2.Capability
    operations: frozenset[int]
    parameters: frozenset[str]
    micros_per_image: int | None
    micros_per_megapixel: int | None

    def missing(self, needs: Needs) -> str:
        """What the model lacks for `needs`, such as "does not take masks"; empty where it lacks nothing. Pure."""
        capability = self.capability
        if OPERATIONS[needs.operation] not in self.operations:
            able = [doing for name, doing in _DOING.items() if OPERATIONS[name] in self.operations]
            return f"does not {_DOING[needs.operation]}, it can {', '.join(able) or 'do nothing'}"
        if needs.mask and capability.mask == capability_pb2.MASK_SUPPORT_UNSPECIFIED:
            return "does not take masks"
        if needs.reference_count > capability.max_reference_count:
            most = capability.max_reference_count
            return f"takes at most {most} reference pictures" if most else "does not take reference pictures"
        for name in needs.parameters:
            if name not in self.parameters:
                return f"does not honour {name[:64]}"
        return ""

    def estimate_micros(self, image: request_pb2.ImageRequest, image_count: int) -> int | None:
        """Expected cost in millionths of a US dollar; None where the price is not a plain one. Pure."""
        if self.micros_per_image is not None:
            return self.micros_per_image * image_count
        if self.micros_per_megapixel is not None:
            return self.micros_per_megapixel * _megapixels(image.size) * image_count
        return None


def _megapixels(size: request_pb2.Size) -> int:
    """Megapixels of a wanted size, rounded up as the dearest provider does; an open size counts as one."""
    if size.HasField("pixels"):
        return max(1, -(-size.pixels.width_px * size.pixels.height_px // 1_000_000))
    return _MEGAPIXELS_OF_TIER.get(size.aspect.tier, 1)


def _plain_price(capability: capability_pb2.Capability, free: bool) -> tuple[int | None, int | None]:
    """Micro-dollars per image and per megapixel; at most one of them is set."""
    if free:
        return 0, None
    if len(capability.prices) != 1 or capability.prices[0].variant:
        return None, None
    price = capability.prices[0]
    if price.amount.currency_code not in ("", "USD"):
        return None, None
    if price.unit == capability_pb2.PRICE_UNIT_IMAGE:
        return to_micros(price.amount), None
    if price.unit == capability_pb2.PRICE_UNIT_MEGAPIXEL:
        return None, to_micros(price.amount)
    return None, None


def offer_of(capability: capability_pb2.Capability, free: bool = False) -> Offer:
    """`capability`, prepared; `free` where the adapter says that nothing it makes costs money. Pure."""
    parameters = {parameter.name for parameter in capability.parameters} | _OURS
    if capability.sizes.WhichOneof("rule") is not None:
        parameters.update(_OF_SIZES)
    if capability.mask != capability_pb2.MASK_SUPPORT_UNSPECIFIED:
        parameters.update(_OF_MASKS)
    if capability.max_reference_count:
        parameters.add("references")
    per_image, per_megapixel = _plain_price(capability, free)
    return Offer(capability, frozenset(capability.operations), frozenset(parameters), per_image, per_megapixel)


@dataclass(frozen=True, slots=True)
class Entry:
    """One adapter as it described itself."""

    described: adapter_pb2.DescribeResponse
    offers: Mapping[str, Offer]
    configured: bool  # False where the adapter has accounts and not one of them has its key
    accounts: Mapping[str, adapter_pb2.Account]  # those that have names


def entry_of(described: adapter_pb2.DescribeResponse) -> Entry:
    """What an adapter said, prepared. Pure."""
    offers = {capability.provider_model: offer_of(capability, described.sandbox) for capability in described.models}
    configured = not described.accounts or any(account.configured for account in described.accounts)
    accounts = {account.name: account for account in described.accounts if account.name}
    return Entry(described, offers, configured, accounts)


_NO_ACCOUNTS: Mapping[str, adapter_pb2.Account] = {}


class Catalog:
    """What all adapters can do. An adapter that has not answered yet is taken to be capable of everything."""

    def __init__(self, peers: Peers, interval_s: float, timeout_s: float) -> None:
        self._peers = peers
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self.version = 0
        """Counts the changes of what adapters say."""
        self._entries: dict[str, Entry] = {}
        self._asked: dict[str, asyncio.Event] = {}
        self._look: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins to ask; does not wait for answers."""
        for name in self._peers.names:
            self._asked[name] = asyncio.Event()
            self._look[name] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._follow(name), name=f"describe {name}"))

    async def stop(self) -> None:
        """Asks no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def settled(self, timeout_s: float) -> None:
        """Waits until every adapter has answered, or failed to, once; `timeout_s` seconds at most."""
        waiting = [asyncio.ensure_future(event.wait()) for event in self._asked.values() if not event.is_set()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=timeout_s)
            for task in late:
                task.cancel()

    def look_again(self, adapter: str) -> None:
        """Tells that the adapter could not be reached: it may come back as another version."""
        event = self._look.get(adapter)
        if event is not None:
            event.set()

    def take(self, adapter: str, described: adapter_pb2.DescribeResponse) -> None:
        """Takes up what an adapter said of itself."""
        known = self._entries.get(adapter)
        if known is None or known.described != described:
            self._entries[adapter] = entry_of(described)
            self.version += 1

    def entry(self, adapter: str) -> Entry | None:
        """What the adapter said last; None where it has not said anything yet."""
        return self._entries.get(adapter)

    def offer(self, target: Target) -> Offer | None:
        """What the target can do; None where its adapter has not said yet, or does not know the model."""
        entry = self._entries.get(target.adapter)
        return None if entry is None else entry.offers.get(target.provider_model) or entry.offers.get(_ANY)

    def missing(self, target: Target, needs: Needs) -> str:
        """What the target lacks for `needs`; empty where it lacks nothing or has not been described yet."""
        entry = self._entries.get(target.adapter)
        if entry is None:
            return ""
        offer = entry.offers.get(target.provider_model) or entry.offers.get(_ANY)
        if offer is None:
            return f'is not a model that adapter "{target.adapter}" knows'
        if target.account and target.account not in entry.accounts:
            return f'names an account that adapter "{target.adapter}" does not have'
        return offer.missing(needs)

    def accounts(self, adapter: str) -> Mapping[str, adapter_pb2.Account]:
        """The adapter's accounts by name; empty where it has one key only, or has not said anything yet."""
        entry = self._entries.get(adapter)
        return _NO_ACCOUNTS if entry is None else entry.accounts

    def has_key(self, target: Target) -> bool:
        """Whether the target's account, or any of its adapter, has its key; True where nobody has said yet."""
        entry = self._entries.get(target.adapter)
        if entry is None:
            return True
        account = entry.accounts.get(target.account)
        return entry.configured if account is None else account.configured

    def provider(self, adapter: str) -> str:
        """The provider's name."""
        entry = self._entries.get(adapter)
        return (entry.described.provider if entry is not None else "") or adapter

    def max_image_count(self, target: Target) -> int | None:
        """Most pictures of one call, at least 1; None where the target has not been described yet."""
        offer = self.offer(target)
        return None if offer is None else max(1, offer.capability.max_image_count)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Adapters that have described themselves, with what they said, in the order of the configuration."""
        for name in self._peers.names:
            entry = self._entries.get(name)
            if entry is not None:
                yield name, entry

    def able(self, operation: str) -> list[str]:
        """The canonical name of every model that can do `operation` at an adapter with a key, those of most adapters
        first.
        """
        count = Counter(
            capability.model_names[0]
            for _, entry in self.entries()
            for capability in (entry.described.models if entry.configured else ())
            if capability.model_names and OPERATIONS[operation] in capability.operations
        )
        return [name for name, _ in count.most_common()]

    async def _follow(self, name: str) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            self._look[name].clear()
            if await self._ask(name):
                pause_s = _FIRST_PAUSE_S
                await self._wait_for_reason(name)
            else:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, self._interval_s)

    async def _wait_for_reason(self, name: str) -> None:
        try:
            async with asyncio.timeout(self._interval_s):
                await self._look[name].wait()
        except TimeoutError:
            return
        await asyncio.sleep(_FIRST_PAUSE_S)

    async def _ask(self, name: str) -> bool:
        """Asks one adapter; False where it gave no answer."""
        try:
            describe = self._peers.adapter(name).Describe
            described = await call(describe, adapter_pb2.DescribeRequest(), timeout_s=self._timeout_s)
            self.take(name, described)
        except MeshError as error:
            log.debug("an adapter did not describe itself", adapter=name, reason=reason_name(error.reason))
            return False
        finally:
            self._asked[name].set()
        return True
