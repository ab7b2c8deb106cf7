"""The painting room: a free, offline, seeded painter and classical picture work.

Imports nothing else of heliostat. Importing the room costs little: numpy, OpenCV and Pillow are loaded by the
worker process of an `Easel`, which starts with its first picture.
"""

from heliostat.painting.blank import blank_png
from heliostat.painting.easel import Easel, EaselLost
from heliostat.painting.limits import PictureUnreadable

__all__ = ["Easel", "EaselLost", "PictureUnreadable", "blank_png"]
