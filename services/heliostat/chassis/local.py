"""The in-process channel: takes the same stubs and servicers as gRPC, moves no bytes.

A call runs in a task of its own with an empty context, as a call over a wire does. Messages pass by reference and are
read-only for the receiver. A stream is a rendezvous: the servicer goes on after a `yield` when the reader asks for the
next message (over a wire it runs ahead), which makes a write-ahead journal exact.
"""

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, from_status, internal, to_status
from heliostat.chassis.interceptors import enter

MAX_MESSAGE_BYTES = 8 * 1024 * 1024


class LocalContext:
    """What a servicer may ask of its call; the part of grpc.aio's ServicerContext that servicers use."""

    __slots__ = ("_deadline", "_loop", "_metadata")

    def __init__(self, metadata: Sequence[tuple[str, str]], timeout_s: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._metadata = tuple(metadata)
        self._deadline = None if timeout_s is None else self._loop.time() + timeout_s

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """The caller's metadata."""
        return self._metadata

    def time_remaining(self) -> float | None:
        """Seconds until the deadline, 0 or more; None where there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - self._loop.time())

    def peer(self) -> str:
        """Where the caller is."""
        return "local"


class LocalServer:
    """Stands where a grpc.aio server stands: servicers register with it, a LocalChannel calls it."""

    def __init__(self) -> None:
        self._behaviours: dict[str, Callable[..., Any]] = {}
        self.calls: set[asyncio.Task[None]] = set()

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Part of grpc's interface; the registered handlers below are enough here."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler]) -> None:
        """Takes the methods of one service."""
        for name, handler in handlers.items():
            method = handler.unary_stream or handler.unary_unary or handler.stream_unary
            self._behaviours[f"/{service}/{name}"] = method

    def behaviour(self, path: str) -> Callable[..., Any]:
        """The servicer's method behind `path`. Raises NOT_IMPLEMENTED."""
        try:
            return self._behaviours[path]
        except KeyError:
            raise MeshError(
                reasons.ERROR_REASON_NOT_IMPLEMENTED, f"{path} is not served here; check the peer's address.", path=path
            ) from None

    async def stop(self, grace_s: float) -> None:
        """Waits up to `grace_s` seconds for the calls under way, then cancels them."""
        if self.calls:
            await asyncio.wait(self.calls, timeout=grace_s)
        for task in tuple(self.calls):
            task.cancel()
        if self.calls:
            await asyncio.wait(self.calls, timeout=1)


def _carried(error: BaseException) -> MeshError:
    """The error as it would come out of a wire."""
    return from_status(to_status(error if isinstance(error, MeshError) else internal(error)))


def _check_size(message: Message) -> None:
    """Holds single messages to the wire's limit.

    Messages of a stream are left alone: measuring one means serializing it (protobuf's upb has no other way), which for
    pictures costs more than the whole hop, and who makes them cuts them at 3 MiB.
    """
    size = message.ByteSize()
    if size > MAX_MESSAGE_BYTES:
        raise MeshError(
            reasons.ERROR_REASON_OVERLOADED,
            f"A message of {size} bytes is over the mesh's limit of {MAX_MESSAGE_BYTES}; put large inputs into files.",
        )


class _Call(ABC):
    """One call: a task of its own, ended by its result, its deadline or its caller."""

    def __init__(self, server: LocalServer, path: str, request: Any, timeout: float | None, metadata: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = LocalContext(metadata or (), timeout)
        self._expired = False
        self._server = server
        self._path = path
        self._request = request
        self._timer = None if timeout is None else self._loop.call_later(timeout, self._expire)
        self._task = self._loop.create_task(self._run(), context=contextvars.Context())
        server.calls.add(self._task)
        self._task.add_done_callback(self._ended)

    @abstractmethod
    async def _run(self) -> None:
        """Runs the servicer's method."""

    @abstractmethod
    def _fail(self, error: BaseException) -> None:
        """Lets the caller see the end."""

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._server.calls.discard(task)
        if self._timer is not None:
            self._timer.cancel()
        if task.cancelled():
            reason = reasons.ERROR_REASON_DEADLINE_EXCEEDED if self._expired else reasons.ERROR_REASON_CANCELLED
            what = "ran out of time" if self._expired else "was cancelled"
            self._fail(MeshError(reason, f"The call of {self._path} {what}."))
        else:
            task.exception()

    def cancel(self) -> bool:
        """Ends the call; the servicer sees a cancellation. False where it has ended already."""
        return self._task.cancel()


class _StreamCall(_Call):
    def __init__(self, *args: Any) -> None:
        self._taken: asyncio.Future[None] | None = None
        self._wanted: asyncio.Future[Any] | None = None
        self._ready: list[Any] = []
        self._over = False
        self._error: BaseException | None = None
        super().__init__(*args)

    async def _run(self) -> None:
        try:
            method = self._server.behaviour(self._path)
            enter(self._context)
            messages: AsyncIterator[Message] = method(self._request, self._context)
            async with aclosing(messages):  # type: ignore[type-var]
                async for message in messages:
                    await self._offer(message)
                    # While the servicer makes the next message nobody here may hold the last one: it can be a picture.
                    del message
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(_carried(error))
        else:
            self._finish()

    async def _offer(self, message: Message) -> None:
        self._taken = self._loop.create_future()
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(message)
        else:
            self._ready.append(message)
        await self._taken

    def _fail(self, error: BaseException) -> None:
        if not self._over:
            self._error = error
            self._finish()

    def _finish(self) -> None:
        self._over = True
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    def __aiter__(self) -> "_StreamCall":
        return self

    async def __anext__(self) -> Any:
        if self._ready:
            return self._ready.pop()
        if not self._over:
            self._wanted = self._loop.create_future()
            if self._taken is not None and not self._taken.done():
                self._taken.set_result(None)
            message = await self._wanted
            self._wanted = None
            if message is not None:
                return message
        # Raised, not kept: an exception that a call keeps holds its frames, and they hold the call and its pictures.
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error
        raise StopAsyncIteration


class _UnaryCall(_Call):
    def __init__(self, *args: Any) -> None:
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        super().__init__(*args)

    async def _run(self) -> None:
        try:
            method = self._server.behaviour(self._path)
            enter(self._context)
            answer = await method(self._request, self._context)
            _check_size(answer)
            if not self._answer.done():
                self._answer.set_result(answer)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(_carried(error))

    def _fail(self, error: BaseException) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)

    def __await__(self) -> Any:
        try:
            return (yield from self._answer.__await__())
        except asyncio.CancelledError:
            self.cancel()
            raise


class LocalChannel:
    """Stands where a grpc.aio channel stands: stubs are made of it."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server

    def _callable(self, kind: type[_Call], path: str) -> Callable[..., _Call]:
        def invoke(request: Any, timeout: float | None = None, metadata: Any = None, **_: Any) -> _Call:
            if isinstance(request, Message):
                _check_size(request)
            return kind(self._server, path, request, timeout, metadata)

        return invoke

    def unary_unary(self, method: str, *_: Any, **__: Any) -> Callable[..., _Call]:
        """A method that takes and gives one message."""
        return self._callable(_UnaryCall, method)

    def unary_stream(self, method: str, *_: Any, **__: Any) -> Callable[..., _Call]:
        """A method that takes one message and gives many."""
        return self._callable(_StreamCall, method)

    def stream_unary(self, method: str, *_: Any, **__: Any) -> Callable[..., _Call]:
        """A method that takes many messages and gives one."""
        return self._callable(_UnaryCall, method)

    async def close(self) -> None:
        """Nothing to close: the server owns its calls."""
