"""Small pictures as PNG bytes that are the same wherever they are written."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.colours import DOWN, UP
from reports.document import Picture


def png(picture: Picture, scale: int = 1) -> bytes:
    """The picture as PNG, each pixel `scale` wide: grey, dark is 1; if signed,
    orange up, blue down.

    The data stand uncompressed, so that no version of a compressor enters.
    """
    levels: NDArray[Any] = picture.pixels
    if picture.signed:
        strength = np.abs(levels)[..., None]
        colour = np.where(levels[..., None] > 0, _channels(UP), _channels(DOWN))
        image = 255 - strength * (255 - colour)
    else:
        image = (255 * (1 - levels))[..., None]
    image = np.rint(image).astype(np.uint8)
    image = image.repeat(scale, axis=0).repeat(scale, axis=1)
    rows, columns, channels = image.shape
    lines = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2 if channels == 3 else 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", _stored(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _channels(colour: str) -> NDArray[Any]:
    return np.array(list(bytes.fromhex(colour[1:])))


def data_uri(picture: Picture) -> str:
    """The picture as an address that needs no network."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks."""
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)] or [b""]
    body = b"".join(
        struct.pack("<BHH", number == len(blocks) - 1, len(block), 0xFFFF ^ len(block)) + block
        for number, block in enumerate(blocks)
    )
    return b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))
