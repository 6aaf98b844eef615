# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled row kernel. It does exactly what `rowtwin` does, which says what is promised."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_SetItem
from cpython.list cimport PyList_Append, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

FORMAT = 3

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


cdef extern from "sha256.h":
    const unsigned int* glasshatch_first
    void glasshatch_compress_plain(unsigned int* state, const unsigned char* block) noexcept nogil
    void glasshatch_compress_ni(unsigned int* state, const unsigned char* block) noexcept nogil
    int glasshatch_knows_sha() noexcept nogil

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_DecodeASCII(const char* text, Py_ssize_t size, const char* errors)

cdef enum:
    LONGEST = 1024

cdef bint knows_sha = glasshatch_knows_sha()
cdef const char* LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
SPELLINGS = {"strip": 0, "lower": 1, "digits": 2, "name": 3, "phone": 4, "compact": 5}


cdef inline void compress(unsigned int* state, const unsigned char* block, bint plain) noexcept nogil:
    if knows_sha and not plain:
        glasshatch_compress_ni(state, block)
    else:
        glasshatch_compress_plain(state, block)


cdef inline bint is_space(unsigned char letter) noexcept nogil:
    """What str.strip and str.split take for space, of ASCII."""
    return letter == 32 or 9 <= letter <= 13 or 28 <= letter <= 31


cdef inline bint is_digit(unsigned char letter) noexcept nogil:
    return 48 <= letter <= 57


cdef inline unsigned char lower(unsigned char letter) noexcept nogil:
    return letter + 32 if 65 <= letter <= 90 else letter


cdef class Stamp:
    """Makes the tokens of one type from values of ASCII: `tokens` has the same in Python.

    HMAC-SHA-256 (RFC 2104) with both padded keys and what stands before the value absorbed once.
    """

    cdef unsigned int _inner[8]
    cdef unsigned int _outer[8]
    cdef unsigned char _rest[128]
    cdef Py_ssize_t _rest_size
    cdef unsigned long long _absorbed
    cdef int _spelling
    cdef bytes _head
    cdef bint _plain
    cdef object _otherwise

    def __init__(
        self, bytes inner_block, bytes before, bytes outer_block, bytes head, str spelling, bint plain=False,
        otherwise=None,
    ):
        if len(inner_block) != 64 or len(outer_block) != 64 or len(head) > 40:
            raise ValueError("no blocks of an HMAC")
        self._plain = plain
        self._otherwise = otherwise
        self._spelling = SPELLINGS[spelling]
        self._head = head
        memcpy(self._inner, glasshatch_first, 32)
        memcpy(self._outer, glasshatch_first, 32)
        compress(self._inner, <const unsigned char*>PyBytes_AS_STRING(inner_block), plain)
        compress(self._outer, <const unsigned char*>PyBytes_AS_STRING(outer_block), plain)
        self._absorbed = 64
        while len(before) >= 64:
            compress(self._inner, <const unsigned char*>PyBytes_AS_STRING(before), plain)
            self._absorbed += 64
            before = before[64:]
        self._rest_size = len(before)
        memcpy(self._rest, PyBytes_AS_STRING(before), self._rest_size)

    def tokens(self, list values):
        """The token of each value; None for one that must be spelled in Python."""
        cdef list made = []
        cdef bytes value
        cdef Py_ssize_t size, spelled
        cdef unsigned char text[64 + LONGEST + 72]
        cdef unsigned char shown[64]
        cdef Py_ssize_t head = PyBytes_GET_SIZE(self._head)
        memcpy(text, self._rest, self._rest_size)
        memcpy(shown, PyBytes_AS_STRING(self._head), head)
        for value in values:
            size = PyBytes_GET_SIZE(value)
            spelled = -1
            if size <= LONGEST:
                spelled = self._spell(
                    <const unsigned char*>PyBytes_AS_STRING(value), size, text + self._rest_size
                )
            if spelled < 0:
                PyList_Append(made, None)
                continue
            self._stamp(text, self._rest_size + spelled, shown + head)
            PyList_Append(made, PyBytes_FromStringAndSize(<const char*>shown, head + 13))
        return made

    def token(self, str value not None):
        """The token of one text; what must be spelled in Python is left to `otherwise`."""
        cdef unsigned char text[64 + LONGEST + 72]
        cdef unsigned char shown[64]
        cdef Py_ssize_t head = PyBytes_GET_SIZE(self._head), size = PyUnicode_GET_LENGTH(value), spelled = -1
        if size <= LONGEST and PyUnicode_IS_COMPACT_ASCII(value):
            spelled = self._spell(PyUnicode_1BYTE_DATA(value), size, text + self._rest_size)
        if spelled < 0:
            return self._otherwise(value)
        memcpy(text, self._rest, self._rest_size)
        memcpy(shown, PyBytes_AS_STRING(self._head), head)
        self._stamp(text, self._rest_size + spelled, shown + head)
        return PyUnicode_DecodeASCII(<const char*>shown, head + 13, NULL)

    cdef Py_ssize_t _spell(self, const unsigned char* value, Py_ssize_t size, unsigned char* out) noexcept nogil:
        cdef Py_ssize_t start = 0, end = size, at, made = 0
        cdef unsigned char letter
        cdef bint gap = False
        for at in range(size):
            if value[at] > 127:
                return -1
        if self._spelling == 2:
            for at in range(size):
                if is_digit(value[at]):
                    out[made] = value[at]
                    made += 1
            return made
        if self._spelling == 4:
            while start < end and (value[start] == 32 or value[start] == 40):
                start += 1
            if start == end or value[start] != 43:
                return -1
            out[0] = 43
            made = 1
            for at in range(size):
                # The trunk zero in brackets is left to Python.
                if value[at] == 40 and at + 2 < size and value[at + 1] == 48 and value[at + 2] == 41:
                    return -1
                if is_digit(value[at]):
                    out[made] = value[at]
                    made += 1
            return made
        if self._spelling == 5:
            for at in range(size):
                letter = lower(value[at])
                if is_digit(letter):
                    out[made] = letter
                    made += 1
                elif 97 <= letter <= 122:
                    out[made] = letter - 32
                    made += 1
            return made
        while start < end and is_space(value[start]):
            start += 1
        while end > start and is_space(value[end - 1]):
            end -= 1
        for at in range(start, end):
            letter = value[at]
            if self._spelling == 3:
                if is_space(letter):
                    gap = True
                    continue
                if gap:
                    out[made] = 32
                    made += 1
                    gap = False
            out[made] = letter if self._spelling == 0 else lower(letter)
            made += 1
        return made

    cdef void _stamp(self, unsigned char* text, Py_ssize_t size, unsigned char* shown) noexcept nogil:
        cdef unsigned int state[8]
        cdef unsigned char block[64]
        cdef unsigned long long bits = (self._absorbed + size) * 8, number = 0
        cdef Py_ssize_t padded = size + 1, at
        # What is hashed is padded where it lies: a bit, zeroes, and its length (FIPS 180-4, 5.1.1).
        text[size] = 0x80
        while padded % 64 != 56:
            text[padded] = 0
            padded += 1
        for at in range(8):
            text[padded + at] = (bits >> (56 - 8 * at)) & 255
        padded += 8
        memcpy(state, self._inner, 32)
        for at in range(padded // 64):
            compress(state, text + 64 * at, self._plain)
        for at in range(8):
            put32(block + 4 * at, state[at])
        block[32] = 0x80
        for at in range(33, 62):
            block[at] = 0
        block[62] = ((64 + 32) * 8) >> 8
        block[63] = ((64 + 32) * 8) & 255
        memcpy(state, self._outer, 32)
        compress(state, block, self._plain)
        number = (<unsigned long long>state[0] << 32) | state[1]
        for at in range(12):
            shown[at] = LETTERS[(number >> (59 - 5 * at)) & 31]
        shown[12] = 62
