"""The way to end a connection that another thread waits on."""

import os
import socket
import threading
from typing import TYPE_CHECKING, Any

from heliostat.chassis.logs import get_logger

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = get_logger(__name__)


class Lifeline:
    """Holds the socket of the connection that a thread uses; another thread may cut it.

    SQLite has no socket: there a cut does nothing, for its statements wait for nobody but the disk.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._driver: Any = None
        self.was_cut = False

    def hold(self, connection: "Connection") -> None:
        """From now on this connection is meant."""
        with self._lock:
            self._driver = connection.connection.driver_connection

    def let_go(self) -> None:
        """No connection is meant any more; to be called before it is closed, for its number is given out anew."""
        with self._lock:
            self._driver = None

    def cut(self) -> None:
        """Shuts the socket down: whoever waits on it sees it closed."""
        with self._lock:
            self.was_cut = True
            fileno = getattr(self._driver, "fileno", None)
            if fileno is None or self._driver.closed:
                return
            try:
                with socket.socket(fileno=os.dup(fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)
            except Exception as error:  # the other side or the other thread was faster, as the driver says it
                log.debug("a connection was gone before it was cut", error=type(error).__name__)
