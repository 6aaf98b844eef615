# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Redaction of encoded events, compiled: from canonical bytes to the canonical bytes that may be stored.

It knows the same rules as `eventfields`, whose walk over the event itself says what is promised. Of an event in
which it meets anything else it makes nothing, and the caller goes that long way: what tells of its neighbours
(a Secret, a flag with a password behind it), a name that changes, a float, bytes that are no canonical event.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

import os

import msgspec

FORMAT = 2

cdef object decoded = msgspec.json.Decoder().decode
cdef object spelled = msgspec.json.Encoder().encode

cdef enum:
    # What `Py_ssize_t` functions answer in place of a place.
    GIVE_UP = -1
    # What a text holds.
    ESCAPED = 1
    HIGH = 2
    ANGLE = 4
    SQUARE = 8
    WILD = 16
    # How a member is walked.
    SKIP = 0
    PART = 1
    TREE = 2
    ACTOR = 3
    RESOURCE = 4
    RESOURCES = 5
    PLAIN = 16  # and above: which of the parts with plain members it is
    # What is known of a key.
    HINT = 3
    SCANNED = 4
    KIND = 8
    NAMES = 16
    HELD = 32
    PAIR = 8  # bits to the right of which stands the number of the pair's second name
    # What an entry is.
    VALUE = 0
    NUMBER = 1
    KEY = 2
    LONGEST_KNOWN = 128
    MOST_PROBES = 8
    MAX_DEPTH = 64
    PAIRS = 8

cdef unsigned char CLASS[256]
for _octet in range(256):
    CLASS[_octet] = HIGH if _octet >= 128 else WILD if _octet < 32 or _octet == 34 or _octet == 92 else 0
CLASS[60] = ANGLE
CLASS[91] = SQUARE
cdef unsigned char LETTER[256]
for _octet in range(256):
    LETTER[_octet] = 65 <= _octet < 91 or 97 <= _octet < 123

cdef bytes UNSCANNED = b"[UNSCANNED]"
cdef bytes REDACTION = b"redaction"


cdef extern from *:
    """
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #define IS(some, letter) _mm_cmpeq_epi8(some, _mm_set1_epi8(letter))

    /* Bit n: whether the n-th of 16 octets is of a kind that CLASS tells: beyond ASCII, or no plain character. */
    static inline int odd_among(const unsigned char *octets) {
        __m128i some = _mm_loadu_si128((const __m128i *)octets);
        __m128i odd = _mm_or_si128(
            _mm_or_si128(IS(some, '"'), IS(some, '\\\\')), _mm_or_si128(IS(some, '<'), IS(some, '[')));
        /* As signed numbers, those beyond ASCII lie below the space too. */
        return _mm_movemask_epi8(_mm_or_si128(odd, _mm_cmplt_epi8(some, _mm_set1_epi8(32))));
    }
    #else
    static inline int odd_among(const unsigned char *octets) { (void)octets; return 1; }
    #endif
    """
    int odd_among(const unsigned char* octets) noexcept nogil


cdef struct Slot:
    uint64_t hash
    uint32_t offset, size
    uint32_t value
    uint32_t used


cdef class Known:
    """What is known of short texts, in bounded room: when that is full, all is forgotten.

    Whoever chooses the texts cannot choose where they lie, and a text is compared whole.
    """

    cdef Slot* _slots
    cdef uint64_t* _once
    cdef unsigned char* _arena
    cdef uint64_t _seed
    cdef Py_ssize_t _mask, _count, _used, _room

    def __cinit__(self, int bits):
        if not 4 <= bits <= 20:
            raise ValueError("a table of an impossible size")
        self._mask = (<Py_ssize_t>1 << bits) - 1
        self._room = (self._mask + 1) * 32
        self._slots = <Slot*>PyMem_Calloc(self._mask + 1, sizeof(Slot))
        self._once = <uint64_t*>PyMem_Calloc(self._mask + 1, sizeof(uint64_t))
        self._arena = <unsigned char*>PyMem_Malloc(self._room)
        if self._slots == NULL or self._once == NULL or self._arena == NULL:
            raise MemoryError
        self._seed = int.from_bytes(os.urandom(8), "little")

    def __dealloc__(self):
        PyMem_Free(self._slots)
        PyMem_Free(self._once)
        PyMem_Free(self._arena)

    def __len__(self):
        return self._count

    cdef uint64_t hash(self, const unsigned char* text, Py_ssize_t size) noexcept nogil:
        cdef uint64_t made = self._seed ^ (<uint64_t>size * <uint64_t>0x9E3779B97F4A7C15), word
        while size >= 8:
            memcpy(&word, text, 8)
            made = mixed(made ^ word)
            text += 8
            size -= 8
        if size:
            word = 0
            memcpy(&word, text, size)
            made = mixed(made ^ word ^ self._seed)
        return mixed(made ^ self._seed)

    cdef Slot* find(self, const unsigned char* text, Py_ssize_t size, uint64_t hash) noexcept nogil:
        cdef Slot* slot
        cdef Py_ssize_t at
        for at in range(MOST_PROBES):
            slot = &self._slots[(<Py_ssize_t>(hash & <uint64_t>self._mask) + at) & self._mask]
            if not slot.used:
                return NULL
            if slot.hash == hash and slot.size == size and memcmp(self._arena + slot.offset, text, size) == 0:
                return slot
        return NULL

    cdef bint met(self, uint64_t hash) noexcept nogil:
        """Whether a text of this hash was met before: one that comes once is not worth the room."""
        cdef uint64_t* place = &self._once[(hash >> 20) & <uint64_t>self._mask]
        if place[0] == hash:
            return True
        place[0] = hash
        return False

    cdef void keep(self, const unsigned char* text, Py_ssize_t size, uint64_t hash, uint32_t value) noexcept nogil:
        cdef Slot* slot
        cdef Py_ssize_t at
        if size > LONGEST_KNOWN:
            return
        if 2 * self._count > self._mask or self._used + size > self._room:
            memset(self._slots, 0, (self._mask + 1) * sizeof(Slot))
            self._count = self._used = 0
        for at in range(MOST_PROBES):
            slot = &self._slots[(<Py_ssize_t>(hash & <uint64_t>self._mask) + at) & self._mask]
            if slot.used and not (slot.hash == hash and slot.size == size):
                continue
            if not slot.used:
                self._count += 1
            slot.hash, slot.offset, slot.size = hash, <uint32_t>self._used, <uint32_t>size
            slot.value, slot.used = value, 1
            memcpy(self._arena + self._used, text, size)
            self._used += size
            return


cdef inline uint64_t mixed(uint64_t word) noexcept nogil:
    word *= <uint64_t>0xBF58476D1CE4E5B9
    word ^= word >> 29
    word *= <uint64_t>0x94D049BB133111EB
    return word ^ (word >> 32)


cdef class Rules:
    """How each member of an event is walked, and what is known of keys and of texts; for one engine.

    Args:
        members: By name of a member of an event, how it is walked: of an event somebody vouches for, of any other,
            and of any other whose actor stays in clear; each `skip`, `part`, `tree`, `actor`, `resource`,
            `resources` or `plain`.
        plain: By name of a member that is walked as `plain`, the names of its members that are scanned.
        trees: Names of members of parts that hold foreign keys.
        hints: The types that keys are believed; at most three.
        key_facts, flagged: As in `eventfields` and `telling`.
        pairs: Names of two members of an object, of which the first one's value names what the second holds.
    """

    cdef Known _members, _plain, _trees, _keys, _clean
    cdef object _key_facts, _flagged
    cdef dict _codes
    cdef readonly tuple hints
    cdef dict _named, _held

    def __init__(self, dict members, dict plain, trees, hints, key_facts, flagged, pairs):
        cdef dict parts = {name: number for number, name in enumerate(plain)}
        modes = {"skip": SKIP, "part": PART, "tree": TREE, "actor": ACTOR, "resource": RESOURCE,
                 "resources": RESOURCES}
        if len(hints) > 3 or len(plain) > 16:
            raise ValueError("more than the kernel has room for")
        self.hints = ("", *hints)
        self._codes = {hint: code for code, hint in enumerate(self.hints)}
        self._key_facts, self._flagged = key_facts, flagged
        self._held = {}
        for _, held in pairs:
            self._held.setdefault(held, len(self._held) + 1)
        self._named = {}
        for name, held in pairs:
            if self._named.setdefault(name, self._held[held]) != self._held[held] or name in self._held:
                raise ValueError("a name of two pairs")
        self._members, self._plain, self._trees = Known(7), Known(7), Known(4)
        self._keys, self._clean = Known(13), Known(15)
        for name, ways in members.items():
            value = 0
            for at, way in enumerate(ways):
                value |= (PLAIN + parts[name] if way == "plain" else modes[way]) << (8 * at)
            put(self._members, name, value)
        names = {}
        for part, some in plain.items():
            for name in some:
                names[name] = names.get(name, 0) | 1 << parts[part]
        for name, value in names.items():
            put(self._plain, name, value)
        for name in trees:
            put(self._trees, name, 1)

    cdef uint32_t facts(self, str key) except? 0xFFFF:
        """What a key tells: the code of a hint, whether it is scanned, and which part it has in a pair."""
        hint, scanned = self._key_facts(key)
        cdef uint32_t made = self._codes.get(hint, 0)
        if scanned:
            made |= SCANNED
        if key == "kind":
            made |= KIND
        if key in self._named:
            made |= NAMES | <uint32_t>self._named[key] << PAIR
        elif key in self._held:
            made |= HELD | <uint32_t>self._held[key] << PAIR
        return made


cdef int put(Known table, str name, uint32_t value) except -1:
    cdef bytes raw = name.encode("ascii")
    cdef const unsigned char* text = raw
    cdef uint64_t hash = table.hash(text, len(raw))
    table.keep(text, len(raw), hash, value)
    if table.find(text, len(raw), hash) == NULL:
        raise ValueError("a table too small for its names")
    return 0


cdef inline uint32_t told(Known table, const unsigned char* text, Py_ssize_t size, uint32_t otherwise) noexcept nogil:
    cdef Slot* slot = table.find(text, size, table.hash(text, size))
    return otherwise if slot == NULL else slot.value


cdef struct Entry:
    Py_ssize_t begin, end  # of what stands in the event, with its quotes
    Py_ssize_t place  # in the texts that are scanned together; in the others below zero, counted from -1
    uint64_t hash  # of what may be remembered as clean; 0 if it may not
    unsigned char what, hint, marked, opened


cdef struct Walked:
    Py_ssize_t entry, slot, slot_end  # its first entry; where the redaction is put, and what it stands for
    bint whole


cdef class Batch:
    """Events of one batch: `add` each, scan `joined` and `others`, `rewrite`, then take the bytes by `finish`."""

    cdef Rules _rules
    cdef list _events
    cdef readonly list others
    """The texts that are not ASCII, or hold a NUL: for a scan of their own."""
    cdef unsigned char* _joined
    cdef Py_ssize_t _size, _room
    cdef Py_ssize_t* _starts
    cdef Py_ssize_t* _owner
    cdef Py_ssize_t _count, _starts_room
    cdef Entry* _entries
    cdef Py_ssize_t _entry_count, _entry_room
    cdef Walked* _walked
    cdef Py_ssize_t _walked_count, _walked_room
    cdef list _new, _other_new
    cdef object _opened
    # The event that is walked.
    cdef const unsigned char* _data
    cdef Py_ssize_t _end

    def __cinit__(self, Rules rules, opened):
        """`opened` gives a text without what its keys tell if it is a document; the same one if not."""
        self._rules = rules
        self._opened = opened
        self._events, self.others = [], []
        self._new = self._other_new = None
        self._joined = NULL
        self._starts = self._owner = NULL
        self._entries = NULL
        self._walked = NULL
        self._size = self._room = self._count = self._starts_room = 0
        self._entry_count = self._entry_room = self._walked_count = self._walked_room = 0

    def __dealloc__(self):
        PyMem_Free(self._joined)
        PyMem_Free(self._starts)
        PyMem_Free(self._owner)
        PyMem_Free(self._entries)
        PyMem_Free(self._walked)

    @property
    def joined(self):
        """The texts of ASCII with a NUL around each."""
        self.need(1)
        if self._size == 0:
            self._joined[0] = 0
            return PyUnicode_DecodeASCII(<const char*>self._joined, 1, NULL)
        return PyUnicode_DecodeASCII(<const char*>self._joined, self._size, NULL)

    @property
    def starts(self):
        """Where each of them starts, and at last where one more would."""
        return [self._starts[at] for at in range(self._count)] + [self._size or 1]

    def __len__(self):
        return self._count

    def add(self, bytes data, int way):
        """Walk an event; whether it can be finished. `way` is the number of the column of `members`."""
        cdef Py_ssize_t entries = self._entry_count, count = self._count, size = self._size
        cdef Py_ssize_t others = len(self.others)
        cdef bint whole = False
        cdef Walked* walked = self.one_more()
        walked.entry, walked.slot, walked.slot_end, walked.whole = entries, -1, -1, False
        self._events.append(data)
        self._data, self._end = data, len(data)
        try:
            whole = 0 <= way < 3 and self.event(way) == self._end
        finally:
            self._data, self._end = NULL, 0
            walked = &self._walked[self._walked_count - 1]
            if not whole or walked.slot < 0:
                whole = False
                self._entry_count, self._count, self._size = entries, count, size
                del self.others[others:]
            walked.whole = whole
        return whole

    cdef Walked* one_more(self) except NULL:
        cdef Walked* larger
        if self._walked_count == self._walked_room:
            larger = <Walked*>PyMem_Realloc(self._walked, (2 * self._walked_room + 64) * sizeof(Walked))
            if larger == NULL:
                raise MemoryError
            self._walked = larger
            self._walked_room = 2 * self._walked_room + 64
        self._walked_count += 1
        return &self._walked[self._walked_count - 1]

    cdef int need(self, Py_ssize_t more) except -1:
        """Room for more of the joined text."""
        cdef unsigned char* larger
        cdef Py_ssize_t room = self._room
        if self._size + more > room:
            room = 2 * room + more + 4096
            larger = <unsigned char*>PyMem_Realloc(self._joined, room)
            if larger == NULL:
                raise MemoryError
            self._joined = larger
            self._room = room
        return 0

    cdef int enter(self, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t place, int what, int hint, bint marked,
                   uint64_t hash) except -1:
        cdef Entry* larger
        if self._entry_count == self._entry_room:
            larger = <Entry*>PyMem_Realloc(self._entries, (2 * self._entry_room + 256) * sizeof(Entry))
            if larger == NULL:
                raise MemoryError
            self._entries = larger
            self._entry_room = 2 * self._entry_room + 256
        larger = &self._entries[self._entry_count]
        larger.begin, larger.end, larger.place = begin, end, place
        larger.what, larger.hint, larger.marked, larger.hash = what, hint, marked, hash
        larger.opened = False
        self._entry_count += 1
        return 0

    cdef Py_ssize_t join(self, const unsigned char* text, Py_ssize_t size) except -1:
        """Put a text of ASCII without NUL behind the others; its number."""
        cdef Py_ssize_t* larger
        cdef Py_ssize_t room
        if self._count == self._starts_room:
            room = 2 * self._starts_room + 256
            larger = <Py_ssize_t*>PyMem_Realloc(self._starts, room * sizeof(Py_ssize_t))
            if larger == NULL:
                raise MemoryError
            self._starts = larger
            larger = <Py_ssize_t*>PyMem_Realloc(self._owner, room * sizeof(Py_ssize_t))
            if larger == NULL:
                raise MemoryError
            self._owner = larger
            self._starts_room = room
        self.need(size + 2)
        if self._size == 0:
            self._joined[0] = 0
            self._size = 1
        self._starts[self._count] = self._size
        self._owner[self._count] = self._entry_count
        memcpy(self._joined + self._size, text, size)
        self._joined[self._size + size] = 0
        self._size += size + 1
        self._count += 1
        return self._count - 1

    # The walk. Each takes the place where something begins and gives the place behind it, or GIVE_UP.

    cdef inline int at(self, Py_ssize_t place) noexcept nogil:
        return self._data[place] if 0 <= place < self._end else -1

    cdef Py_ssize_t quoted(self, Py_ssize_t place, int* holds) noexcept nogil:
        """Behind the text whose opening quote stands at a place; what kinds of characters it holds."""
        cdef unsigned char one
        cdef int found = 0, kind, odd
        if self.at(place) != 34:
            return GIVE_UP
        place += 1
        while place < self._end:
            if place + 16 <= self._end:
                odd = odd_among(self._data + place)
                if odd == 0:
                    place += 16
                    continue
                while not odd & 1:
                    odd >>= 1
                    place += 1
            one = self._data[place]
            kind = CLASS[one]
            if kind:
                if kind == WILD:
                    if one == 34:
                        holds[0] = found
                        return place + 1
                    if one != 92:
                        return GIVE_UP
                    found |= ESCAPED
                    place += 1
                found |= kind
            place += 1
        return GIVE_UP

    cdef Py_ssize_t skipped(self, Py_ssize_t place) noexcept nogil:
        """Behind any value."""
        cdef int depth = 0, one, holds
        while True:
            one = self.at(place)
            if one == 34:
                place = self.quoted(place, &holds)
                if place < 0:
                    return GIVE_UP
            elif one == 123 or one == 91:
                depth += 1
                place += 1
            elif one == 125 or one == 93:
                depth -= 1
                if depth < 0:
                    return GIVE_UP
                place += 1
            elif one == 44 or one == 58:
                if depth == 0:
                    return GIVE_UP
                place += 1
                continue
            elif one < 0 or not is_plain(one):
                return GIVE_UP
            else:
                while is_plain(self.at(place)):
                    place += 1
            if depth == 0:
                return place

    cdef Py_ssize_t event(self, int way) except -2:
        cdef Py_ssize_t place = 1, begin, last = -1, last_size = 0, size
        cdef int holds, mode, order
        cdef bint claimed = False
        cdef const unsigned char* name
        cdef const unsigned char* redaction = REDACTION
        cdef Walked* walked = &self._walked[self._walked_count - 1]
        if self.at(0) != 123:
            return GIVE_UP
        while True:
            begin = place
            place = self.quoted(begin, &holds)
            if place < 0 or holds & (ESCAPED | HIGH) or self.at(place) != 58:
                return GIVE_UP
            name, size = self._data + begin + 1, place - begin - 2
            # In order and each once: so is what is decided by one member there before the others.
            if last >= 0 and compared(self._data + last, last_size, name, size) >= 0:
                return GIVE_UP
            last, last_size = begin + 1, size
            order = compared(name, size, redaction, len(REDACTION))
            if order >= 0 and walked.slot < 0:
                walked.slot = walked.slot_end = begin
            mode = told(self._rules._members, name, size, 0xFFFFFFFF) >> (8 * way) & 0xFF
            place += 1
            if mode == SKIP:
                place = self.skipped(place)
            elif mode == TREE:
                place = self.tree(place, 0, 0)
            elif mode == PART:
                place = self.part(place, 0)
            elif mode == ACTOR:
                place = self.actor(place, &claimed)
            elif mode == RESOURCE:
                place = self.resource(place, claimed)
            elif mode == RESOURCES:
                place = self.resources(place)
            elif PLAIN <= mode < PLAIN + 16:
                place = self.plain(place, mode - PLAIN)
            else:
                return GIVE_UP  # a member that nobody here knows
            if place < 0:
                return place
            if order == 0:
                walked.slot_end = place
            if self.at(place) == 125:
                return place + 1
            if self.at(place) != 44:
                return GIVE_UP
            place += 1

    cdef Py_ssize_t member(self, Py_ssize_t* place, const unsigned char** name) noexcept nogil:
        """The size of the next name of one of our own objects; moves behind its colon, or gives up."""
        cdef Py_ssize_t begin = place[0]
        cdef int holds
        cdef Py_ssize_t end = self.quoted(begin, &holds)
        if end < 0 or holds & (ESCAPED | HIGH) or self.at(end) != 58:
            return GIVE_UP
        name[0] = self._data + begin + 1
        place[0] = end + 1
        return end - begin - 2

    cdef inline Py_ssize_t more(self, Py_ssize_t place, int close, bint* ended) noexcept nogil:
        """Behind the comma, or behind the end of an object or list."""
        cdef int one = self.at(place)
        ended[0] = one == close
        return place + 1 if one == 44 or one == close else GIVE_UP

    cdef Py_ssize_t part(self, Py_ssize_t place, int depth) except -2:
        """What one of our own structs holds: texts of any length but short words, under names of our own."""
        cdef const unsigned char* name
        cdef Py_ssize_t size
        cdef bint ended = False
        cdef int one = self.at(place)
        if one == 34:
            return self.text(place, 0, True)
        if one != 123 and one != 91:
            return self.skipped(place)
        if depth > 8:
            return GIVE_UP
        place += 1
        if self.at(place) == one + 2:
            return place + 1
        while not ended:
            if one == 91:
                place = self.part(place, depth + 1)
            else:
                size = self.member(&place, &name)
                if size < 0:
                    return GIVE_UP
                if self.at(place) == 123 and told(self._rules._trees, name, size, 0):
                    place = self.tree(place, 0, 0)
                else:
                    place = self.part(place, depth + 1)
            if place < 0:
                return place
            place = self.more(place, one + 2, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t plain(self, Py_ssize_t place, int number) except -2:
        """A struct of which some members are scanned, whatever they hold."""
        cdef const unsigned char* name
        cdef Py_ssize_t size
        cdef bint ended = False
        if self.at(place) != 123:
            return GIVE_UP
        place += 1
        if self.at(place) == 125:
            return place + 1
        while not ended:
            size = self.member(&place, &name)
            if size < 0:
                return GIVE_UP
            if told(self._rules._plain, name, size, 0) >> number & 1:
                place = self.text(place, 0, False)
            else:
                place = self.skipped(place)
            if place < 0:
                return place
            place = self.more(place, 125, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t actor(self, Py_ssize_t place, bint* claimed) except -2:
        """Who acted. Without an id it is somebody unknown, and what they say to be is scanned."""
        cdef const unsigned char* name
        cdef Py_ssize_t size, inner
        cdef bint ended = False, first = True, within
        if self.at(place) != 123 or self.at(place + 1) != 34:
            return GIVE_UP
        place += 1
        while not ended:
            size = self.member(&place, &name)
            if size < 0:
                return GIVE_UP
            if first and not is_name(name, size, b"id"):
                return GIVE_UP
            if first:
                claimed[0] = self.at(place) == 34 and self.at(place + 1) == 34
                place = self.skipped(place)
            elif claimed[0] and is_name(name, size, b"name"):
                place = self.text(place, 0, False)
            elif claimed[0] and is_name(name, size, b"raw"):
                place = self.principal(place)
            else:
                place = self.skipped(place)
            first = False
            if place < 0:
                return place
            place = self.more(place, 125, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t principal(self, Py_ssize_t place) except -2:
        cdef const unsigned char* name
        cdef Py_ssize_t size
        cdef bint ended = False
        if self.at(place) != 123:
            return GIVE_UP
        place += 1
        if self.at(place) == 125:
            return place + 1
        while not ended:
            size = self.member(&place, &name)
            if size < 0:
                return GIVE_UP
            if is_name(name, size, b"principal"):
                place = self.text(place, 0, False)
            else:
                place = self.skipped(place)
            if place < 0:
                return place
            place = self.more(place, 125, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t resource(self, Py_ssize_t place, bint typed) except -2:
        """A resource whose labels are foreign, and whose name somebody may have typed."""
        cdef const unsigned char* name
        cdef Py_ssize_t size
        cdef bint ended = False
        if self.at(place) != 123:
            return GIVE_UP
        place += 1
        if self.at(place) == 125:
            return place + 1
        while not ended:
            size = self.member(&place, &name)
            if size < 0:
                return GIVE_UP
            if is_name(name, size, b"labels"):
                place = self.tree(place, 0, 0)
            elif typed and (is_name(name, size, b"id") or is_name(name, size, b"name")):
                place = self.text(place, 0, True)
            else:
                place = self.skipped(place)
            if place < 0:
                return place
            place = self.more(place, 125, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t resources(self, Py_ssize_t place) except -2:
        cdef bint ended = False
        if self.at(place) != 91:
            return GIVE_UP
        place += 1
        if self.at(place) == 93:
            return place + 1
        while not ended:
            place = self.resource(place, True)
            if place < 0:
                return place
            place = self.more(place, 93, &ended)
            if place < 0:
                return GIVE_UP
        return place

    cdef Py_ssize_t tree(self, Py_ssize_t place, int hint, int depth) except -2:
        """Any value of somebody else's; `depth` is how many objects and lists it lies in."""
        cdef int one = self.at(place)
        if one == 34:
            return self.text(place, hint, False)
        if one == 123:
            return GIVE_UP if depth > MAX_DEPTH else self.members(place, hint, depth + 1)
        if one == 91:
            return GIVE_UP if depth > MAX_DEPTH else self.row(place, hint, depth + 1)
        if one == 45 or 48 <= one < 58:
            return self.number(place, hint)
        if one == 116 or one == 110:
            return place + 4 if self.is_word(place, b"true") or self.is_word(place, b"null") else GIVE_UP
        return place + 5 if self.is_word(place, b"false") else GIVE_UP

    cdef bint is_word(self, Py_ssize_t place, bytes word) noexcept:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(word)
        return place + size <= self._end and memcmp(self._data + place, PyBytes_AS_STRING(word), size) == 0

    cdef Py_ssize_t members(self, Py_ssize_t place, int hint, int depth) except -2:
        cdef Py_ssize_t names[PAIRS]
        cdef Py_ssize_t begin, end
        cdef int holds, kind, count = 0, at
        cdef bint ended = False, held = False, settled = False
        cdef uint32_t facts, pair = 0, told_kind
        place += 1
        if self.at(place) == 125:
            return place + 1
        while not ended:
            begin = place
            end = self.quoted(begin, &holds)
            if end < 0 or self.at(end) != 58:
                return GIVE_UP
            facts = self.key_facts(begin, end, holds)
            if facts & SCANNED and self.take(begin, end, holds, 0, KEY, False) < 0:
                return GIVE_UP
            place = end + 1
            kind = facts & HINT
            if kind == 0:
                kind = hint
            if facts & (KIND | NAMES | HELD):
                if facts & HELD:
                    if count == 1 and not held and pair == facts >> PAIR:
                        # As long as it stays at the two of them, the first tells what this one is.
                        end = self.quoted(names[0], &holds)
                        told_kind = self.key_facts(names[0], end, holds) & HINT if end >= 0 else 0
                        kind = told_kind if told_kind else kind
                        settled = True
                    else:
                        settled = False
                    held = True
                if facts & KIND and self.tells_secrets(place):
                    return GIVE_UP
                if facts & NAMES and self.at(place) == 34:
                    if count == PAIRS:
                        return GIVE_UP
                    names[count] = place
                    count += 1
                    pair = facts >> PAIR
                    settled = False
            place = self.tree(place, kind, depth)
            if place < 0:
                return place
            place = self.more(place, 125, &ended)
            if place < 0:
                return GIVE_UP
        if held and not settled:
            for at in range(count):
                end = self.quoted(names[at], &holds)
                if end < 0 or self.key_facts(names[at], end, holds) & HINT:
                    return GIVE_UP
        return place

    cdef Py_ssize_t row(self, Py_ssize_t place, int hint, int depth) except -2:
        cdef Py_ssize_t first = place, end, count = 0
        cdef int holds
        cdef bint ended = False, texts = True, flags = False
        place += 1
        if self.at(place) == 93:
            return place + 1
        while not ended:
            if self.at(place) == 34:
                flags = flags or self.at(place + 1) == 45 or self.at(place + 1) == 92
            else:
                texts = False  # then nothing in it is a word of a command
            count += 1
            place = self.tree(place, hint, depth)
            if place < 0:
                return place
            place = self.more(place, 93, &ended)
            if place < 0:
                return GIVE_UP
        if count < 2 or hint or not texts:
            return place
        if count == 2 and not flags:
            end = self.quoted(first + 1, &holds)
            if end < 0 or self.key_facts(first + 1, end, holds) & HINT:
                return GIVE_UP
        elif flags and self._rules._flagged(decoded(self._data[first:place])):
            return GIVE_UP
        return place

    cdef bint tells_secrets(self, Py_ssize_t place) noexcept:
        """Whether the value of `kind` may be that of an object that holds nothing but secrets."""
        cdef int holds
        cdef Py_ssize_t end
        if self.at(place) != 34:
            return False
        end = self.quoted(place, &holds)
        return end < 0 or holds & ESCAPED or self.is_word(place, b'"Secret"') or self.is_word(place, b'"SecretList"')

    cdef uint32_t key_facts(self, Py_ssize_t begin, Py_ssize_t end, int holds) except? 0xFFFF:
        """What a name tells that stands between two quotes."""
        cdef const unsigned char* text = self._data + begin + 1
        cdef Py_ssize_t size = end - begin - 2
        cdef uint64_t hash
        cdef Slot* slot
        cdef Known known = self._rules._keys
        cdef uint32_t facts
        if holds & ESCAPED:
            return self._rules.facts(decoded(self._data[begin:end]))
        if holds & HIGH:
            return self._rules.facts(PyUnicode_DecodeUTF8(<const char*>text, size, NULL))
        if size > LONGEST_KNOWN:
            return self._rules.facts(PyUnicode_DecodeASCII(<const char*>text, size, NULL))
        hash = known.hash(text, size)
        slot = known.find(text, size, hash)
        if slot != NULL:
            return slot.value
        facts = self._rules.facts(PyUnicode_DecodeASCII(<const char*>text, size, NULL))
        known.keep(text, size, hash, facts)
        return facts

    cdef Py_ssize_t number(self, Py_ssize_t place, int hint) except -2:
        cdef Py_ssize_t begin = place, first
        if self.at(place) == 45:
            place += 1
        first = place
        while 48 <= self.at(place) < 58:
            place += 1
        if place == first or (self.at(first) == 48 and place - begin > 1):
            return GIVE_UP
        if is_plain(self.at(place)):
            return GIVE_UP  # a float
        if place - first > 6 or hint:
            self.enter(begin, place, self.join(self._data + begin, place - begin), NUMBER, hint, False, 0)
        return place

    cdef Py_ssize_t text(self, Py_ssize_t place, int hint, bint short_ones) except -2:
        """A text; `short_ones`: short plain words are passed over."""
        cdef int holds
        cdef Py_ssize_t end = self.quoted(place, &holds)
        if end < 0:
            return GIVE_UP
        if self.take(place, end, holds, hint, VALUE, short_ones) < 0:
            return GIVE_UP
        return end

    cdef int take(self, Py_ssize_t begin, Py_ssize_t end, int holds, int hint, int what, bint short_ones) except -2:
        """Note a text for the scan, unless it is known that nothing is in it."""
        cdef const unsigned char* text = self._data + begin + 1
        cdef Py_ssize_t size = end - begin - 2, at
        cdef uint64_t hash = 0
        cdef Slot* slot
        cdef bint marked
        cdef Known clean
        if size == 0:
            return 0
        if holds & (ESCAPED | HIGH):
            return self.take_odd(begin, end, hint, what, short_ones)
        if short_ones:
            if size < 6:
                return 0
            for at in range(size):
                if not LETTER[text[at]]:
                    break
            else:
                return 0
        marked = holds & ANGLE or (holds & SQUARE and holds_unscanned(text, size))
        if not hint and not marked and size <= LONGEST_KNOWN and what == VALUE:
            clean = self._rules._clean
            hash = clean.hash(text, size)
            slot = clean.find(text, size, hash)
            if slot != NULL:
                return 0
        return self.enter(begin, end, self.join(text, size), what, hint, marked, hash)

    cdef int take_odd(self, Py_ssize_t begin, Py_ssize_t end, int hint, int what, bint short_ones) except -2:
        """A text with escapes, or one that is not ASCII."""
        cdef str text = decoded(self._data[begin:end]), document
        cdef bytes raw
        cdef bint marked, opened = False
        if short_ones and (len(text) < 6 or text.isalpha()):
            return 0
        if not hint and text[0] in "{[":
            document = self._opened(text)
            opened = document is not text
            if opened and what == KEY:
                return GIVE_UP
            text = document
        marked = "<" in text or "[UNSCANNED]" in text
        if text.isascii() and "\0" not in text:
            raw = text.encode("ascii")
            self.enter(begin, end, self.join(raw, len(raw)), what, hint, marked, 0)
        else:
            self.others.append(text)
            self.enter(begin, end, -len(self.others), what, hint, marked, 0)
        self._entries[self._entry_count - 1].opened = opened
        return 0

    # What comes after the scan.

    def rewrite(self, dict found, list others, splice, tell):
        """Take in what was found.

        Args:
            found: Of `joined`, by number of the text: the findings there.
            others: For each text of `others`, what was found in it.
            splice: `(text, findings, start)` gives the text as it may stand.
            tell: `(text, hint, findings, start)` does for one whose key tells a type; `start` is -1 for a text of
                `others`, whose findings have their offsets in the text itself.
        """
        cdef Py_ssize_t at, place
        cdef Entry* entry
        cdef list new = [None] * self._count, other_new = [None] * len(self.others)
        cdef str text
        if len(others) != len(self.others):
            raise ValueError("findings of other texts")
        for number, group in found.items():
            at = number
            if not 0 <= at < self._count:
                raise ValueError("a finding beyond the texts")
            entry = &self._entries[self._owner[at]]
            entry.hash = 0
            if not entry.hint:
                new[at] = splice(self.text_at(at), group, self._starts[at])
        for at in range(self._entry_count):
            entry = &self._entries[at]
            place = entry.place
            if place < 0:
                text, group = self.others[-place - 1], others[-place - 1]
                if entry.hint:
                    text = tell(text, self._rules.hints[entry.hint], group, -1)
                elif group is None or group:
                    text = splice(text, group, -1)
                other_new[-place - 1] = text
            elif entry.hint:
                new[place] = tell(self.text_at(place), self._rules.hints[entry.hint], found.get(place, []),
                                  self._starts[place])
        self._new, self._other_new = new, other_new

    cdef str text_at(self, Py_ssize_t place):
        cdef Py_ssize_t start = self._starts[place]
        cdef Py_ssize_t end = self._starts[place + 1] if place + 1 < self._count else self._size
        return PyUnicode_DecodeASCII(<const char*>self._joined + start, end - 1 - start, NULL)

    def finish(self, nothing, redaction):
        """The bytes of each event as it may be stored; None for one that goes the long way.

        Args:
            nothing: What is written as the redaction of an event in whose texts no token stands.
            redaction: Gives it for the texts in which one may stand.
        """
        cdef Py_ssize_t at
        cdef list out = []
        if self._new is None:
            raise ValueError("nothing was scanned yet")
        for at in range(self._walked_count):
            out.append(self.finished(at, nothing, redaction) if self._walked[at].whole else None)
        self.learn()
        return out

    cdef object finished(self, Py_ssize_t number, bytes nothing, redaction):
        cdef Walked* walked = &self._walked[number]
        cdef Py_ssize_t last = self._walked[number + 1].entry if number + 1 < self._walked_count else self._entry_count
        cdef Py_ssize_t at
        cdef Entry* entry
        cdef bytes data = self._events[number]
        cdef list changes = None, counted = None
        cdef object new, old
        for at in range(walked.entry, last):
            entry = &self._entries[at]
            new = self._new[entry.place] if entry.place >= 0 else self._other_new[-entry.place - 1]
            if new is None and not entry.marked and not entry.opened:
                continue
            old = self.text_at(entry.place) if entry.place >= 0 else self.others[-entry.place - 1]
            if entry.opened and new is None:
                new = old
            if entry.opened or (new is not None and new != old):
                if entry.what == KEY:
                    return None  # its place among the others is another then
                if changes is None:
                    changes = []
                changes.append((entry.begin, entry.end, spelled(new)))
            elif not entry.marked:
                continue
            else:
                new = old
            if counted is None:
                counted = []
            counted.append(new)
        return spliced(data, changes, walked.slot, walked.slot_end, nothing if counted is None else redaction(counted))

    cdef int learn(self) except -1:
        """Remember in which texts nothing was found, if they come again."""
        cdef Py_ssize_t at, start, size
        cdef Entry* entry
        cdef Known clean = self._rules._clean
        cdef Known keys = self._rules._keys
        cdef Slot* slot
        for at in range(self._entry_count):
            entry = &self._entries[at]
            if entry.place < 0:
                continue
            start = self._starts[entry.place]
            size = (self._starts[entry.place + 1] if entry.place + 1 < self._count else self._size) - 1 - start
            if entry.hash and clean.met(entry.hash):
                clean.keep(self._joined + start, size, entry.hash, 1)
            elif entry.what == KEY and not entry.marked and self._new[entry.place] is None:
                slot = keys.find(self._joined + start, size, keys.hash(self._joined + start, size))
                if slot != NULL:
                    slot.value &= ~<uint32_t>SCANNED
        return 0


cdef bytes spliced(bytes data, list changes, Py_ssize_t slot, Py_ssize_t slot_end, bytes redaction):
    """The event with its changes and its redaction in place."""
    cdef Py_ssize_t size = len(data) - (slot_end - slot) + len(redaction) + 12 + (slot_end == slot)
    cdef Py_ssize_t done = 0, begin, end
    cdef unsigned char* out
    cdef bytes made, new
    cdef bint put = False
    if changes is not None:
        for begin, end, new in changes:
            size += len(new) - (end - begin)
    made = PyBytes_FromStringAndSize(NULL, size)
    out = <unsigned char*>PyBytes_AS_STRING(made)
    cdef unsigned char* stop = out + size
    if changes is not None:
        for begin, end, new in changes:
            if not put and begin >= slot_end:
                out = copied(out, stop, data, done, slot)
                out = redacted(out, stop, redaction, slot_end == slot)
                done, put = slot_end, True
            out = copied(out, stop, data, done, begin)
            out = copied(out, stop, new, 0, len(new))
            done = end
    if not put:
        out = copied(out, stop, data, done, slot)
        out = redacted(out, stop, redaction, slot_end == slot)
        done = slot_end
    out = copied(out, stop, data, done, len(data))
    if out != stop:
        raise ValueError("an event of another size than was reckoned")
    return made


cdef unsigned char* copied(
    unsigned char* out, unsigned char* stop, bytes data, Py_ssize_t begin, Py_ssize_t end
) except NULL:
    if not 0 <= begin <= end <= PyBytes_GET_SIZE(data) or end - begin > stop - out:
        raise ValueError("a change beyond the event")
    memcpy(out, PyBytes_AS_STRING(data) + begin, end - begin)
    return out + (end - begin)


cdef unsigned char* redacted(unsigned char* out, unsigned char* stop, bytes redaction, bint more) except NULL:
    out = copied(out, stop, b'"redaction":', 0, 12)
    out = copied(out, stop, redaction, 0, len(redaction))
    return copied(out, stop, b",", 0, 1) if more else out


cdef inline bint is_plain(int one) noexcept nogil:
    """Of a number or a word of JSON."""
    return one == 43 or one == 45 or one == 46 or 48 <= one < 58 or 65 <= one < 91 or 97 <= one < 123


cdef inline bint is_name(const unsigned char* name, Py_ssize_t size, bytes other) noexcept:
    return size == PyBytes_GET_SIZE(other) and memcmp(name, PyBytes_AS_STRING(other), size) == 0


cdef inline int compared(const unsigned char* one, Py_ssize_t size, const unsigned char* other, Py_ssize_t other_size) noexcept nogil:
    cdef int order = memcmp(one, other, min(size, other_size))
    if order:
        return order
    return -1 if size < other_size else 1 if size > other_size else 0


cdef bint holds_unscanned(const unsigned char* text, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at, width = PyBytes_GET_SIZE(UNSCANNED)
    for at in range(size - width + 1):
        if text[at] == 91 and memcmp(text + at, PyBytes_AS_STRING(UNSCANNED), width) == 0:
            return True
    return False
