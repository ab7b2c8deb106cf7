"""Runware over a WebSocket (ws-api.runware.ai, runware.ai/docs, read to 2026-11): the same tasks, the key told once.

The first message is an authentication; answers come as tasks end, in any order. A ping of the API's own is a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from heliostat.emulators.exchange import GARBAGE, Call, Refusal, Room, worked
from heliostat.emulators.journal import Entry
from heliostat.emulators.runware.dialect import check_key, fault
from heliostat.emulators.runware.inputs import read_tasks
from heliostat.emulators.script import Step

AUTHENTICATION, PING = "authentication", "ping"

Tasks = Sequence[Mapping[str, Any]]


class Sockets:
    """Connections; `call_of` makes of tasks, a key and an address what the HTTP face would make of them."""

    def __init__(self, room: Room, call_of: Callable[[Tasks | None, str, str], Call]) -> None:
        self._room = room
        self._call_of = call_of

    async def talk(self, socket: WebSocket) -> None:
        """One connection from its first message to its end."""
        await socket.accept()
        key, address = "", f"{socket.url.scheme.replace('ws', 'http')}://{socket.headers['host']}/{self._room.name}"
        async with asyncio.TaskGroup() as under_way:
            try:
                while True:
                    tasks = read_tasks((await socket.receive_text()).encode())
                    first = tasks[0] if tasks else {}
                    if first.get("taskType") == AUTHENTICATION:
                        key = str(first.get("apiKey", ""))
                        await self._greet(socket, key, first)
                        tasks = (tasks or [])[1:]
                    elif first.get("taskType") == PING:
                        await socket.send_text(orjson.dumps({"data": [{"taskType": PING, "pong": True}]}).decode())
                        continue
                    if tasks or not first:
                        under_way.create_task(self._answer(socket, self._call_of(tasks, key, address)))
            except WebSocketDisconnect:
                return

    async def _greet(self, socket: WebSocket, key: str, task: Mapping[str, Any]) -> None:
        kept = {"taskType": AUTHENTICATION}
        try:
            check_key(key)
        except Refusal as refusal:
            (shown,) = orjson.loads(refusal.reply.body)["errors"]
            await socket.send_text(orjson.dumps({"errors": [shown | kept]}).decode())
            return
        session = task.get("connectionSessionUUID") or self._room.dialect.new_request_id()
        await socket.send_text(orjson.dumps({"data": [kept | {"connectionSessionUUID": session}]}).decode())

    async def _answer(self, socket: WebSocket, call: Call) -> None:
        """One message's answer, as the script has it."""
        entry = self._room.journal.open(
            self._room.name,
            call.kind,
            model=call.model,
            prompt=call.prompt,
            request_id=call.request_id or self._room.dialect.new_request_id(),
            headers=socket.headers,
        )
        step = self._room.script.take(call.kind, call.model, call.prompt)
        entry.free = step.bill is False
        body = await self._body(call, entry, step)
        try:
            if body is None:
                await socket.close(1011)
                return
            await socket.send_text(body.decode(errors="replace"))
        except RuntimeError:
            # The client had gone before.
            entry.client_gone = True

    async def _body(self, call: Call, entry: Entry, step: Step) -> bytes | None:
        await asyncio.sleep(step.delay_s)
        if step.bill or not (step.connection or step.replaces):
            reply = await worked(call.work, entry)
            entry.status = reply.status
            if not step.connection and not step.replaces:
                return reply.body
        if step.connection:
            return None
        entry.status = step.status or 200
        if step.garbage:
            return GARBAGE
        if step.has_body:
            return step.body_bytes()
        shown = self._room.dialect.error(entry.status).body
        return _told_of(shown, call.request_id)


def _told_of(shown: bytes, task_id: str) -> bytes:
    """An error under the task's id: over a socket nothing else tells whose it is."""
    errors = [one | ({"taskUUID": task_id} if task_id else {}) for one in orjson.loads(shown)["errors"]]
    return orjson.dumps({"errors": errors or [fault("internalError", "Internal error.")]})
