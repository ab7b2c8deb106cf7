"""Opens the emulated MiniMax."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.minimax.endpoints import DIALECT, MinimaxEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("minimax", pictures, journal, DIALECT)
    return Provider(room, MinimaxEndpoints(room).routes())
