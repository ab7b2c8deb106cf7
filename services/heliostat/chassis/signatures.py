"""Which kind of picture a file is, by its first bytes: names and declared types are never believed. Pure."""

_AVIF_BRANDS = (b"avif", b"avis")


def media_type_of(data: bytes) -> str:
    """The IANA media type by the file's signature; empty where it is no picture that is read here.

    The first 40 bytes are enough.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in _AVIF_BRANDS):
        return "image/avif"
    return ""
