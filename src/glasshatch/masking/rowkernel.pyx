# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled row kernel. It does exactly what `rowtwin` does, which says what is promised."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_SetItem
from cpython.list cimport PyList_Append, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

FORMAT = 1

cdef enum:
    UNTOUCHED = -1
    CLEAR = -2


cdef inline unsigned int u32(const unsigned char* at) noexcept nogil:
    return (<unsigned int>at[0] << 24) | (<unsigned int>at[1] << 16) | (<unsigned int>at[2] << 8) | at[3]


cdef inline void put32(unsigned char* at, unsigned int value) noexcept nogil:
    at[0] = value >> 24
    at[1] = (value >> 16) & 255
    at[2] = (value >> 8) & 255
    at[3] = value & 255


def run_of(bytes data, Py_ssize_t position, int tag, Py_ssize_t limit):
    """See `rowtwin.run_of`."""
    cdef const unsigned char* buffer = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), count = 0
    cdef unsigned int length
    while size - position >= 5 and buffer[position] == tag:
        length = u32(buffer + position + 1)
        if length < 4 or <Py_ssize_t>length + 1 > limit or <Py_ssize_t>length + 1 > size - position:
            break
        position += <Py_ssize_t>length + 1
        count += 1
    return position, count


cdef class Splicer:
    """See `rowtwin.Splicer`."""

    cdef public Py_ssize_t rows
    cdef public Py_ssize_t clear
    cdef Py_ssize_t* _seen
    cdef Py_ssize_t* _changed
    cdef int* _slots
    cdef int _width
    cdef int _count
    cdef list _memos
    cdef list _keys
    cdef unsigned char* _out
    cdef Py_ssize_t _room

    def __cinit__(self, int width, indexes, memos, clear=()):
        if width < 0 or width > 32767:
            raise ValueError("a row of an impossible width")
        self._width = width
        self._memos = list(memos)
        self._keys = []
        self._count = len(self._memos)
        self._slots = <int*>malloc((width + 1) * sizeof(int))
        self._seen = <Py_ssize_t*>malloc((self._count + 1) * sizeof(Py_ssize_t))
        self._changed = <Py_ssize_t*>malloc((self._count + 1) * sizeof(Py_ssize_t))
        if not self._slots or not self._seen or not self._changed:
            raise MemoryError
        cdef int index, slot
        for index in range(width):
            self._slots[index] = UNTOUCHED
        for index in clear:
            if index < 0 or index >= width:
                raise ValueError("a column beyond the row")
            self._slots[index] = CLEAR
        for slot, index in enumerate(indexes):
            if index < 0 or index >= width or slot >= self._count:
                raise ValueError("a column beyond the row")
            self._slots[index] = slot
        for slot in range(self._count):
            self._seen[slot] = self._changed[slot] = 0

    def __dealloc__(self):
        free(self._slots)
        free(self._seen)
        free(self._changed)
        free(self._out)

    @property
    def seen(self):
        return [self._seen[slot] for slot in range(self._count)]

    @property
    def changed(self):
        return [self._changed[slot] for slot in range(self._count)]

    def unseen(self, bytes data, Py_ssize_t start, Py_ssize_t end):
        """See `rowtwin.Splicer.unseen`."""
        cdef const unsigned char* buffer = <const unsigned char*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t position = start, row_end
        cdef int index, slot
        cdef unsigned int length
        cdef list missing = [[] for _ in range(self._count)]
        cdef list keys = []
        if start < 0 or end > PyBytes_GET_SIZE(data):
            raise ValueError("a row beyond the data")
        while position < end:
            row_end = self._row_end(buffer, position, end)
            position += 7
            for index in range(self._width):
                if row_end - position < 4:
                    raise ValueError("a malformed row")
                length = u32(buffer + position)
                position += 4
                if length == 0xFFFFFFFF:
                    continue
                if <Py_ssize_t>length > row_end - position:
                    raise ValueError("a malformed row")
                slot = self._slots[index]
                if slot >= 0 and self._memos[slot] is not None:
                    value = PyBytes_FromStringAndSize(<const char*>buffer + position, length)
                    PyList_Append(keys, value)
                    if PyDict_GetItem(self._memos[slot], value) == NULL:
                        PyDict_SetItem(self._memos[slot], value, False)
                        PyList_Append(missing[slot], value)
                position += length
            if position != row_end:
                raise ValueError("a malformed row")
        self._keys = keys
        return missing

    def splice(self, bytes data, Py_ssize_t start, Py_ssize_t end):
        """See `rowtwin.Splicer.splice`."""
        cdef const unsigned char* buffer = <const unsigned char*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t position = start, row_start, row_end, copied = start, out = 0, length_at, key = 0
        cdef Py_ssize_t keys = PyList_GET_SIZE(self._keys), fresh
        cdef int index, slot
        cdef unsigned int length
        cdef PyObject* shown
        cdef object replacement
        if start < 0 or end > PyBytes_GET_SIZE(data):
            raise ValueError("a row beyond the data")
        while position < end:
            row_start = position
            row_end = self._row_end(buffer, position, end)
            position += 7
            length_at = -1
            for index in range(self._width):
                if row_end - position < 4:
                    raise ValueError("a malformed row")
                length = u32(buffer + position)
                position += 4
                if length == 0xFFFFFFFF:
                    continue
                if <Py_ssize_t>length > row_end - position:
                    raise ValueError("a malformed row")
                slot = self._slots[index]
                if slot == CLEAR:
                    self.clear += 1
                elif slot >= 0:
                    self._seen[slot] += 1
                    shown = NULL
                    if self._memos[slot] is not None:
                        if key >= keys:
                            raise ValueError("rows that were not looked at before")
                        shown = PyDict_GetItem(self._memos[slot], <object>PyList_GET_ITEM(self._keys, key))
                        key += 1
                    replacement = <object>shown if shown != NULL else None
                    if replacement is not True:
                        self._changed[slot] += 1
                        fresh = PyBytes_GET_SIZE(replacement) if type(replacement) is bytes else 0
                        self._reserve(out + (position - copied) + fresh + 16)
                        if length_at < 0:
                            memcpy(self._out + out, buffer + copied, row_start + 1 - copied)
                            out += row_start + 1 - copied
                            length_at = out
                            out += 4
                            copied = row_start + 5
                        memcpy(self._out + out, buffer + copied, position - 4 - copied)
                        out += position - 4 - copied
                        copied = position + length
                        if type(replacement) is bytes:
                            put32(self._out + out, <unsigned int>fresh)
                            memcpy(self._out + out + 4, PyBytes_AS_STRING(replacement), fresh)
                            out += 4 + fresh
                        else:
                            put32(self._out + out, 0xFFFFFFFFU)
                            out += 4
                position += length
            if position != row_end:
                raise ValueError("a malformed row")
            if length_at >= 0:
                self._reserve(out + row_end - copied)
                memcpy(self._out + out, buffer + copied, row_end - copied)
                out += row_end - copied
                copied = row_end
                put32(self._out + length_at, <unsigned int>(out - length_at))
            self.rows += 1
        self._keys = []
        if copied == start:
            return data if start == 0 and end == PyBytes_GET_SIZE(data) else data[start:end]
        self._reserve(out + end - copied)
        memcpy(self._out + out, buffer + copied, end - copied)
        return PyBytes_FromStringAndSize(<const char*>self._out, out + end - copied)

    cdef Py_ssize_t _row_end(self, const unsigned char* buffer, Py_ssize_t position, Py_ssize_t end) except -1:
        cdef unsigned int length
        if end - position < 7:
            raise ValueError("a malformed row")
        length = u32(buffer + position + 1)
        if length < 6 or <Py_ssize_t>length + 1 > end - position:
            raise ValueError("a malformed row")
        if ((buffer[position + 5] << 8) | buffer[position + 6]) != self._width:
            raise ValueError("a row of another width than was described")
        return position + 1 + <Py_ssize_t>length

    cdef int _reserve(self, Py_ssize_t needed) except -1:
        cdef unsigned char* larger
        if needed > self._room:
            needed += needed // 2
            larger = <unsigned char*>realloc(self._out, needed)
            if larger == NULL:
                raise MemoryError
            self._out = larger
            self._room = needed
        return 0
