"""Compressed exports, decompressed block by block: gzip and zstd, told by their first bytes."""

from __future__ import annotations

import contextlib
import io
import queue
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

BLOCK_BYTES = 256 * 1024
_BLOCKS_AHEAD = 8


class DamagedError(Exception):
    """Compressed data that are cut off or broken. All that could be read before has been."""


def decompressed(stream: BinaryIO, *, ahead: bool = False) -> io.BufferedReader:
    """The stream's content, decompressed if its first bytes say gzip or zstd.

    Reading it raises DamagedError where the data are damaged; of a cut-off zstd stream it just ends.

    :param ahead: a thread decompresses what comes next while the last is looked at, until the reader is closed.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    magic = buffered.peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        blocks = _gzip_blocks(buffered)
    elif magic == b"\x28\xb5\x2f\xfd":
        blocks = _zstd_blocks(buffered)
    else:
        return buffered
    return io.BufferedReader(_Blocks(_Ahead(blocks) if ahead else blocks, buffered), BLOCK_BYTES)


def _gzip_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """What is in gzip members. Unlike the file classes it gives all there is before a cut."""
    from isal import isal_zlib

    error = cast("type[Exception]", isal_zlib.error)
    member, begun, rest = isal_zlib.decompressobj(wbits=31), False, b""  # 31: with gzip's header and checksum
    size = 16 * 1024
    while compressed := rest or stream.read(size):
        begun = True
        try:
            block = member.decompress(compressed)
        except error as damage:
            raise DamagedError from damage
        rest = b""
        if member.eof:
            rest = member.unused_data.lstrip(b"\0")  # members may be padded with zeros
            member, begun = isal_zlib.decompressobj(wbits=31), False
        size = 16 * 1024 if len(block) < 4 * BLOCK_BYTES else 1024  # gzip packs a thousand zeros in one byte
        if block:
            yield block
    if begun:
        raise DamagedError


def _zstd_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """What is in Zstandard frames."""
    import zstandard

    reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    try:
        while block := reader.read(BLOCK_BYTES):
            yield block
    except zstandard.ZstdError as error:
        raise DamagedError from error


class _Blocks(io.RawIOBase):
    """Blocks as a raw stream."""

    def __init__(self, blocks: Iterator[bytes], source: io.BufferedReader) -> None:
        self._blocks = blocks
        self._source = source  # closed when nobody holds it any more, and with it the file
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            self._ready = memoryview(next(self._blocks, b""))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        if isinstance(self._blocks, _Ahead):
            self._blocks.close()
        super().close()


class _Ahead:
    """The same blocks, made by a thread, some ahead. What it meets is raised where the block was asked for."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._made: queue.Queue[bytes | Exception | None] = queue.Queue(_BLOCKS_AHEAD)
        self._closed = False
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    def __iter__(self) -> _Ahead:
        return self

    def __next__(self) -> bytes:
        made = self._made.get()
        if isinstance(made, bytes):
            return made
        self._made.put(made)  # for who asks again
        if made is None:
            raise StopIteration
        raise made

    def close(self) -> None:
        """Make no more; returns once the thread has let go of the stream."""
        self._closed = True
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._made.get_nowait()
            self._thread.join(0.001)

    def _make(self) -> None:
        end: Exception | None = None
        try:
            for block in self._blocks:
                self._made.put(block)
                if self._closed:
                    return
        except Exception as error:  # noqa: BLE001 - raised where the block is asked for
            end = error
        self._made.put(end)
