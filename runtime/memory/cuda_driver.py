"""The few calls of the CUDA driver that torch has no name for: memory that other processes open.

The functions are those of libcuda, section "Memory Management" of NVIDIA's driver API reference.
Each is called with the primary context of its card, the one that torch uses too.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any, Final

from ...protocols.cards import HANDLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARY: Final = "libcuda.so.1"
_RELAXED: Final = 2  # CU_STREAM_CAPTURE_MODE_RELAXED
_PEER_ACCESS: Final = 1  # CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS
_PORTABLE: Final = 1  # CU_MEMHOSTREGISTER_PORTABLE


class _Handle(ctypes.Structure):
    _fields_ = (("reserved", ctypes.c_ubyte * HANDLE_BYTES),)


class _CallError(OSError, RuntimeError):
    """Raised when the driver refuses a call; a RuntimeError, too, as torch's errors of a card are."""


class CudaDriver:
    """Memory of cards by address.

    Raises:
        OSError: There is no CUDA driver here.
    """

    def __init__(self) -> None:
        self._cuda = cuda = ctypes.CDLL(_LIBRARY)
        address, pointer = ctypes.c_uint64, ctypes.c_void_p
        for name, arguments in {
            "cuInit": (ctypes.c_uint,),
            "cuDeviceGet": (ctypes.POINTER(ctypes.c_int), ctypes.c_int),
            "cuDevicePrimaryCtxRetain": (ctypes.POINTER(pointer), ctypes.c_int),
            "cuCtxPushCurrent_v2": (pointer,),
            "cuCtxPopCurrent_v2": (ctypes.POINTER(pointer),),
            "cuMemAlloc_v2": (ctypes.POINTER(address), ctypes.c_size_t),
            "cuMemFree_v2": (address,),
            "cuMemGetAddressRange_v2": (
                ctypes.POINTER(address),
                ctypes.POINTER(ctypes.c_size_t),
                address,
            ),
            "cuIpcGetMemHandle": (ctypes.POINTER(_Handle), address),
            "cuIpcOpenMemHandle_v2": (ctypes.POINTER(address), _Handle, ctypes.c_uint),
            "cuIpcCloseMemHandle": (address,),
            "cuMemHostRegister_v2": (pointer, ctypes.c_size_t, ctypes.c_uint),
            "cuMemHostUnregister": (pointer,),
            "cuThreadExchangeStreamCaptureMode": (ctypes.POINTER(ctypes.c_int),),
            "cuGetErrorName": (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)),
        }.items():
            function = getattr(cuda, name)
            function.argtypes, function.restype = arguments, ctypes.c_int
        self._contexts: dict[int, ctypes.c_void_p] = {}
        self._call("cuInit", 0)

    def allocate(self, number: int, size: int) -> int:
        """Return the address of new memory on card `number`.

        Raises:
            OSError: There is no room.
        """
        address = ctypes.c_uint64()
        with self._on(number):
            self._call("cuMemAlloc_v2", ctypes.byref(address), size)
        return address.value

    def free(self, number: int, address: int) -> None:
        """Free memory of this process; what was queued for it is done before."""
        with contextlib.suppress(OSError), self._on(number):  # the process may be at its end
            self._call("cuMemFree_v2", address)

    def export(self, number: int, address: int) -> bytes:
        """Return what another process opens memory with.

        Raises:
            OSError: This kind of system does not share the memory of cards.
        """
        handle = _Handle()
        with self._on(number):
            self._call("cuIpcGetMemHandle", ctypes.byref(handle), address)
        return bytes(handle)

    def open(self, number: int, handle: bytes) -> tuple[int, int]:
        """Open memory of another process; return its address and size.

        Raises:
            OSError: It cannot be opened: it is gone, of another card, or of this very process.
        """
        address, base, size = ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_size_t()
        passed = _Handle.from_buffer_copy(handle)
        with self._on(number):
            self._call("cuIpcOpenMemHandle_v2", ctypes.byref(address), passed, _PEER_ACCESS)
            try:
                self._call(
                    "cuMemGetAddressRange_v2", ctypes.byref(base), ctypes.byref(size), address
                )
            except OSError:
                self._call("cuIpcCloseMemHandle", address)
                raise
        return address.value, base.value + size.value - address.value

    def close(self, number: int, address: int) -> None:
        """Close memory of another process."""
        with contextlib.suppress(OSError), self._on(number):  # the process may be at its end
            self._call("cuIpcCloseMemHandle", address)

    def pin(self, number: int, address: int, size: int) -> None:
        """Let cards read and write a piece of this process's memory.

        Raises:
            OSError: That cannot be.
        """
        with self._on(number):
            self._call("cuMemHostRegister_v2", address, size, _PORTABLE)

    def unpin(self, number: int, address: int) -> None:
        """Take memory back from the cards."""
        with contextlib.suppress(OSError), self._on(number):  # the process may be at its end
            self._call("cuMemHostUnregister", address)

    @contextlib.contextmanager
    def relaxed(self) -> Iterator[None]:
        """Let calls within not disturb a CUDA graph that another thread captures meanwhile."""
        mode = ctypes.c_int(_RELAXED)
        self._call("cuThreadExchangeStreamCaptureMode", ctypes.byref(mode))
        try:
            yield
        finally:
            self._call("cuThreadExchangeStreamCaptureMode", ctypes.byref(mode))

    @contextlib.contextmanager
    def _on(self, number: int) -> Iterator[None]:
        """Make a card's primary context the thread's current one."""
        context = self._contexts.get(number)
        if context is None:
            device, context = ctypes.c_int(), ctypes.c_void_p()
            self._call("cuDeviceGet", ctypes.byref(device), number)
            self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
            self._contexts[number] = context
        self._call("cuCtxPushCurrent_v2", context)
        try:
            with self.relaxed():
                yield
        finally:
            self._call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def _call(self, name: str, *arguments: Any) -> None:
        result: int = getattr(self._cuda, name)(*arguments)
        if result:
            text = ctypes.c_char_p()
            self._cuda.cuGetErrorName(result, ctypes.byref(text))
            reason = text.value.decode() if text.value else f"error {result}"
            raise _CallError(f"{name}: {reason}")
