"""One JSON line per event, with the trace and the request it belongs to. Never a key, a prompt or a picture."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from heliostat.chassis import telemetry
from heliostat.chassis.context import current_call

_ROOT = "heliostat"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class Log:
    """Writes events of one room: `log.info("target ejected", target="fal/x")`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """What helps while developing."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """What an operator may want to know."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What an operator should look at."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What an operator must look at."""
        self._write(logging.ERROR, event, fields)

    def unforeseen(self, event: str, error: BaseException, **fields: Any) -> None:
        """An error that nobody foresaw: its type and its place, not its text, which may hold a secret."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
        self._write(logging.ERROR, event, {**fields, "error_type": type(error).__name__, "at": where})

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        incoming = current_call()
        if incoming is not None and incoming.request_id:
            fields.setdefault("request_id", incoming.request_id)
        trace_id = telemetry.current_trace_id()
        if trace_id:
            fields.setdefault("trace_id", trace_id)
        self._logger.log(level, event, extra={"fields": fields})


def get_logger(name: str) -> Log:
    """The log of one room, named by its module."""
    return Log(name)


def configure(level: str = "info", file: str = "") -> None:
    """Sends lines to `file`, or to standard error where it is empty. `level`: debug, info, warning or error."""
    handler: logging.Handler
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logger = logging.getLogger(_ROOT)
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
