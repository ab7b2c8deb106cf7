"""What a picture's file says beside its pixels: orientation, metadata, provenance; read and taken out. Pure.

By structure: nothing is decoded. Files are sound ones, as `structure.read_shape` has found them.

Sources: PNG (W3C, third edition), JPEG (ITU-T T.81), Exif 3.0 (CIPA DC-008), XMP part 3, WebP container (RFC 9649),
C2PA 2.2 (embedding manifests), IPTC Photo Metadata 2025.1 (digital source type); read 2026-11.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from heliostat.adapters.sdk.structure import sniff_type

UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_XMP_KEYWORD = b"XML:com.adobe.xmp\0"
_XMP_ITEM, _XMP_END = b"application/rdf+xml\0", b"</x:xmpmeta>"
_ICC = b"ICC_PROFILE\0"
_SOURCE_TYPE = b"digitalsourcetype"
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_PNG_METADATA = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"caBX"})
_WEBP_METADATA = frozenset({b"EXIF", b"XMP ", b"C2PA"})
_WEBP_EXIF_XMP_FLAGS = 0x0C
_PADDING_BYTES = 16
# In coded pixels a 0xFF is followed by 0, by a restart mark, or by another one: anything else is a marker.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk or a segment: its kind, where it begins and ends in the file, and where its content does."""

    kind: bytes
    start: int
    stop: int
    content: int
    content_stop: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a picture says that it comes from: a C2PA manifest, and an IPTC digital source type in its XMP."""

    c2pa: bool = False
    xmp: bytes = b""

    def __bool__(self) -> bool:
        return self.c2pa or bool(self.xmp)


def orientation(data: bytes) -> int:
    """How the picture is to be held, 1 (upright) to 8, as Exif counts. 1 where nothing is said of it."""
    for piece in _pieces(data):
        exif = _exif_of(data, piece)
        if exif:
            return _orientation_in(exif)
    return UPRIGHT


def has_metadata(data: bytes) -> bool:
    """Whether there is metadata that `without_metadata` takes out. Looks at heads and at the end, at no pixels."""
    return any(_is_metadata(data, piece) for piece in _pieces(data)) or not _ends_well(data)


def metadata_bytes(data: bytes) -> int:
    """How much of the file is metadata that `without_metadata` takes out, as far as heads tell."""
    return sum(piece.stop - piece.start for piece in _pieces(data) if _is_metadata(data, piece))


def without_metadata(data: bytes) -> bytes:
    """The same pixels, bit for bit, without Exif, XMP, IPTC, comments, manifests and what stands behind the end.

    Colour profiles stay. GIF and AVIF stay as they are.
    """
    kept, position = [], 0
    for piece in _pieces(data):
        if _is_metadata(data, piece):
            kept.append(data[position : piece.start])
            position = piece.stop
    kept.append(data[position : _end_of(data)])
    stripped = b"".join(kept)
    return _mended_webp(stripped) if sniff_type(data) == "image/webp" else stripped


def provenance(data: bytes) -> Provenance:
    """What the file says of where the picture comes from."""
    c2pa, xmp = False, b""
    for piece in _pieces(data):
        c2pa = c2pa or _is_manifest(data, piece)
        found = _xmp_of(data, piece)
        if _SOURCE_TYPE in found.lower():
            xmp = found
    return Provenance(c2pa, xmp or _avif_xmp(data))


def _pieces(data: bytes) -> Iterator[_Piece]:
    walk = _WALKS.get(sniff_type(data))
    return walk(data) if walk is not None else iter(())


def _png_pieces(data: bytes) -> Iterator[_Piece]:
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, stop = data[position + 4 : position + 8], position + 12 + length
        yield _Piece(kind, position, stop, position + 8, stop - 4)
        if kind == b"IEND":
            return
        position = stop


def _jpeg_pieces(data: bytes) -> Iterator[_Piece]:
    """The segments before the first scan: metadata stands there."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in (0xD9, 0xDA):
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        stop = position + 2 + length
        yield _Piece(data[position + 1 : position + 2], position, stop, position + 4, stop)
        position = stop


def _webp_pieces(data: bytes) -> Iterator[_Piece]:
    position, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while position + 8 <= end:
        (length,) = struct.unpack_from("<I", data, position + 4)
        stop = position + 8 + length
        yield _Piece(data[position : position + 4], position, stop + (length & 1), position + 8, stop)
        position = stop + (length & 1)


def _avif_pieces(data: bytes) -> Iterator[_Piece]:
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        stop = position + size if size else len(data)
        if stop <= position:
            return
        yield _Piece(kind, position, stop, position + head, stop)
        position = stop


_WALKS = {
    "image/png": _png_pieces,
    "image/jpeg": _jpeg_pieces,
    "image/webp": _webp_pieces,
    "image/avif": _avif_pieces,
}


def _is_metadata(data: bytes, piece: _Piece) -> bool:
    if len(piece.kind) == 1:
        if piece.kind == b"\xe2":
            return not data.startswith(_ICC, piece.content)
        return piece.kind == b"\xfe" or piece.kind in b"\xe1\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xef"
    return piece.kind in _PNG_METADATA or piece.kind in _WEBP_METADATA


def _ends_well(data: bytes) -> bool:
    """Whether the file ends with its picture. Whole further pictures behind it are told of in its head."""
    kind = sniff_type(data)
    if kind == "image/png":
        return _end_of(data) == len(data)
    return kind != "image/jpeg" or data.rfind(b"\xff\xd9", max(0, len(data) - _PADDING_BYTES)) >= 0


def _end_of(data: bytes) -> int:
    """Where the picture ends; cameras put whole further pictures behind it."""
    if sniff_type(data) == "image/png":
        return max((piece.stop for piece in _png_pieces(data)), default=len(data))
    if sniff_type(data) != "image/jpeg":
        return len(data)
    position = max((piece.stop for piece in _jpeg_pieces(data)), default=2)
    while (found := _MARKER.search(data, position)) is not None:
        if data[found.start() + 1] == 0xD9:
            return found.end()
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        position = found.end() + max(2, length)
    return len(data)


def _mended_webp(data: bytes) -> bytes:
    """The container with its own length, and without the flags of what was taken out."""
    mended = bytearray(data)
    mended[4:8] = (len(data) - 8).to_bytes(4, "little")
    if data[12:16] == b"VP8X":
        mended[20] &= ~_WEBP_EXIF_XMP_FLAGS & 0xFF
    return bytes(mended)


def _exif_of(data: bytes, piece: _Piece) -> bytes:
    """The TIFF structure of an Exif piece; empty for any other piece."""
    content = piece.content
    if piece.kind in (b"\xe1", b"EXIF") and data.startswith(_EXIF, content):
        content += len(_EXIF)
    elif piece.kind not in (b"eXIf", b"EXIF"):
        return b""
    return data[content : piece.content_stop]


def _orientation_in(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * entry)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def _xmp_of(data: bytes, piece: _Piece) -> bytes:
    """The packet of an XMP piece; empty for any other piece, and for a compressed one."""
    content = data[piece.content : piece.content_stop] if piece.kind in (b"\xe1", b"iTXt", b"XMP ") else b""
    if piece.kind == b"\xe1":
        return content.removeprefix(_XMP) if content.startswith(_XMP) else b""
    if piece.kind == b"iTXt":
        # Keyword, a flag and a method of compression, two texts that end in 0, and the packet.
        if not content.startswith(_XMP_KEYWORD) or content[len(_XMP_KEYWORD)] != 0:
            return b""
        return content[len(_XMP_KEYWORD) + 2 :].split(b"\0", 2)[-1]
    return content


def _avif_xmp(data: bytes) -> bytes:
    """The packet among an AVIF's items, found by its own marks: where it lies is told in boxes within boxes."""
    if sniff_type(data) != "image/avif" or _XMP_ITEM not in data:
        return b""
    start, stop = data.find(b"<x:xmpmeta"), data.find(_XMP_END)
    packet = data[start : stop + len(_XMP_END)] if 0 <= start < stop else b""
    return packet if _SOURCE_TYPE in packet.lower() else b""


def _is_manifest(data: bytes, piece: _Piece) -> bool:
    if piece.kind in (b"caBX", b"C2PA"):
        return True
    if piece.kind == b"uuid":
        return data.startswith(_C2PA_UUID, piece.content)
    return piece.kind == b"\xeb" and b"c2pa" in data[piece.content : min(piece.content_stop, piece.content + 128)]
