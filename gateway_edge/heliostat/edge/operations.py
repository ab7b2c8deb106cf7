"""POST /v1/images/edits and its neighbours: everything that begins with a picture, as multipart or as JSON.

All of them are asked and answered by `Images.draw`.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request

from heliostat.api.image.v1 import media_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.estimates import is_dry_run, without_bytes
from heliostat.edge.forms import MASK, Brought, brought_by
from heliostat.edge.images import Images, wish_of
from heliostat.edge.inputs import Input, media_of, needs_blobs
from heliostat.edge.model_list import not_found
from heliostat.edge.own_pictures import with_own_pictures
from heliostat.edge.picture_operations import EDIT, PICTURE_OPERATIONS, UPSCALE, PictureOperation
from heliostat.edge.picture_requests import Pictures
from heliostat.edge.schemas import ImageBody, checked, invalid
from heliostat.edge.visit import Answering, Visit, visit_of

_FACTOR = "scale_factor"


class Operations:
    """Works on pictures."""

    def __init__(self, desk: Desk, images: Images) -> None:
        self._desk = desk
        self._images = images

    def endpoints(self) -> Mapping[str, Callable[[Request], Awaitable[Answering]]]:
        """Path below the base -> what answers it."""
        return {operation.path: self._endpoint(operation) for operation in PICTURE_OPERATIONS}

    def _endpoint(self, operation: PictureOperation) -> Callable[[Request], Awaitable[Answering]]:
        async def endpoint(request: Request) -> Answering:
            brought = await brought_by(request, self._desk.settings, operation.beside)
            return await self._work(request, _meant(operation, brought), brought)

        return endpoint

    async def _work(self, request: Request, operation: PictureOperation, brought: Brought) -> Answering:
        visit = visit_of(request)
        body = checked(operation.body, brought.fields)
        _check_pictures(operation, brought)
        wish = wish_of(visit)
        inputs = await with_own_pictures(self._desk, [*brought.pictures, *brought.beside.values()])
        media = await self._carried(visit, body, inputs, dry_run=is_dry_run(request))
        count = len(brought.pictures)
        pictures = Pictures(media[:count], dict(zip(brought.beside, media[count:], strict=True)))
        return await self._images.draw(request, body, operation.request(body, pictures, wish), wish)

    async def _carried(
        self, visit: Visit, body: ImageBody, inputs: list[Input], *, dry_run: bool
    ) -> list[media_pb2.Media]:
        inline_bytes = self._desk.settings.inline_input_bytes
        if needs_blobs(inputs, inline_bytes):
            if dry_run:
                return without_bytes(inputs)
            # Nobody without a key may fill the store: the ledger is asked who this is before anything is put there.
            ask = router_pb2.ListModelsRequest(model=body.model)
            metadata = visit.credentials()
            found = await call(self._desk.router.ListModels, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
            if not found.models and "/" not in body.model:
                raise not_found(body.model, ())
        return await media_of(inputs, self._desk.blobs, inline_bytes)


def _meant(operation: PictureOperation, brought: Brought) -> PictureOperation:
    """An edit with a factor is an enlargement, as Lumenfall has it. Raises INVALID_FIELD where it has a mask too."""
    if operation is not EDIT or brought.fields.get(_FACTOR) is None:
        return operation
    if MASK in brought.beside:
        raise invalid(MASK, "An edit with scale_factor enlarges the whole picture; leave mask or scale_factor out.")
    return UPSCALE


def _check_pictures(operation: PictureOperation, brought: Brought) -> None:
    count = len(brought.pictures)
    if not count:
        raise invalid("image", "image is missing; send the picture to work on as a file or field named image.")
    if count > operation.most:
        most = "one picture is" if operation.most == 1 else f"{operation.most} pictures are"
        raise invalid("image", f"At most {most} taken here; send fewer.")
