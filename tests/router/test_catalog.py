"""What adapters can do is asked for in the background, and again when there is a reason."""

import asyncio
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from tests.support.router_room import Answer, RouterRoom, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, fails


class Shy(ScriptedAdapter):
    """An adapter that does not describe itself until it is told to."""

    async def Describe(self, request: adapter_pb2.DescribeRequest, context: Any) -> adapter_pb2.DescribeResponse:
        """Fails while nothing has been set free."""
        if not self.stalled.is_set():
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "Not yet.")
        return await super().Describe(request, context)


async def until(room: RouterRoom, asked: str, **fields: Any) -> Answer:
    """Asks until the target `asked` is asked first; the test's own time-out ends what never comes."""
    async with asyncio.timeout(30):
        answer = await room.ask(**fields)
        while answer.asked[:1] != [asked]:
            await asyncio.sleep(0)
            answer = await room.ask(**fields)
    return answer


async def test_an_adapter_that_has_not_described_itself_is_taken_to_be_capable() -> None:
    """Its target is asked for anything, until it says what it cannot do."""
    shy, second = Shy("a"), ScriptedAdapter("b", models=[capability(operations=[capability_pb2.OPERATION_OUTPAINT])])
    async with running_router([shy, second], route("a/model", "b/model")) as room:
        before = await room.ask(outpaint=request_pb2.Outpaint())
        shy.stalled.set()
        await until(room, "b/model", outpaint=request_pb2.Outpaint())
    assert before.asked == ["a/model"]


async def test_a_new_version_of_an_adapter_is_noticed_after_it_was_lost() -> None:
    """A lost connection is a reason to ask again, long before the interval is over."""
    lost = fails(reasons.ERROR_REASON_MESH_UNAVAILABLE, None)
    adapter, second = ScriptedAdapter("a", [lost]), ScriptedAdapter("b")
    async with running_router([adapter, second], route("a/model", "b/model"), describe_interval_s=3600) as room:
        assert (await room.ask()).asked == ["a/model", "b/model"]
        adapter.models = [capability("renamed")]
        await until(room, "b/model")


async def test_changes_are_noticed_at_the_interval() -> None:
    """Nothing has to fail for a new model to be seen."""
    adapter = ScriptedAdapter("a")
    async with running_router([adapter], describe_interval_s=0.05) as room:
        adapter.models = [capability(model_names=["new"])]
        async with asyncio.timeout(30):
            answer = await room.ask(model="new")
            while answer.error is not None:
                answer = await room.ask(model="new")
    assert answer.asked == ["a/model"]
