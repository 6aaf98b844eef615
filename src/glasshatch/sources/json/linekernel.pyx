# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""From an item's bytes to its stored event's, for items as most applications write them.

What `parse` makes of them is the law: an item of which this knows for certain what that would be is written
here, and any other is left to it. `lines.py` says how the two are told apart. Input is hostile: every byte
is read behind a comparison with the end, and every byte written goes through `put`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy

FORMAT = 2

cdef extern from "blake2b.h" nogil:
    ctypedef struct glasshatch_b2:
        pass
    void glasshatch_b2_begin(glasshatch_b2* state, const uint8_t* key, size_t length)
    void glasshatch_b2_digest(const glasshatch_b2* begun, const uint8_t* data, size_t size, uint8_t* out)

ctypedef const unsigned char* Bytes

cdef enum:
    OBJECT, ARRAY, TEXT, INT, REAL, TRUE, FALSE, NULL_

cdef enum:
    MOST_NODES = 1500
    MOST_MEMBERS = 250
    MOST_DEPTH = 16
    LONGEST = 32768

cdef enum:
    # The members that have a meaning, in the order of NAMES.
    M_ID, M_TIME, M_TIMESTAMP, M_AT_TIMESTAMP, M_TS, M_ACTION, M_SEVERITY, M_LEVEL, M_SERVICE, M_TRACE, M_SPAN
    M_PARENT, M_MSG, M_MESSAGE
    # These may be null, which is as if they were not there.
    M_SOURCE, M_ACTOR, M_RESOURCE, M_LABELS, M_SESSION, M_REQUEST, M_NATIVE, M_OUTCOME, M_CLIENT, M_ATTRS
    # What only Glasshatch itself says of an event.
    M_ACCESS, M_DECISION, M_OBSERVED, M_REDACTION, M_SCHEMA, M_TENANT
    # These are left to the parser.
    M_RESOURCES, M_LINKS, M_DATA, M_STATEMENT, M_COUNT

cdef struct Word:
    Bytes at
    int size

cdef Word[M_COUNT] NAMES
_names = [
    b"id", b"time", b"timestamp", b"@timestamp", b"ts", b"action", b"severity", b"level", b"service", b"trace_id",
    b"span_id", b"traceparent", b"msg", b"message", b"source", b"actor", b"resource", b"labels", b"session_id",
    b"request_id", b"native", b"outcome", b"client", b"attrs", b"access", b"decision", b"observed_time",
    b"redaction", b"schema", b"tenant", b"resources", b"links", b"data", b"statement",
]
assert len(_names) == M_COUNT
for _number in range(M_COUNT):
    NAMES[_number].at = <Bytes>PyBytes_AS_STRING(_names[_number])
    NAMES[_number].size = <int>PyBytes_GET_SIZE(_names[_number])

cdef struct Node:
    int kind
    int next        # the sibling behind it, in an object by name; -1 for none
    int child       # the first part of an object or array; -1 for none
    int start       # of a text what stands between the quotes
    int end
    int name
    int name_end
    bint escaped
    bint ascii

cdef struct Entry:
    Bytes name
    int size
    int node        # whose value it has
    bint quoted     # a number to be written as a text

cdef struct Made:
    bint good
    Py_ssize_t kind     # of source; -1 for the usual one
    Py_ssize_t kind_end
    Py_ssize_t record
    Py_ssize_t record_end
    Py_ssize_t short
    Py_ssize_t short_end
    bint keyed
    uint8_t[16] key
    uint8_t[16] content
    int64_t time

cdef struct Work:
    Bytes data
    int size
    int at
    int count
    Node* nodes
    Entry* entries
    unsigned char* out
    Py_ssize_t used
    Py_ssize_t room
    bint full

cdef const char* HEX = "0123456789abcdef"

# What a byte of a text is: 0 nothing special, 1 its end, 2 an escape, 3 what may not stand there, 4 not ASCII.
cdef unsigned char[256] CLASS
for _number in range(256):
    CLASS[_number] = 3 if _number < 32 else 1 if _number == 34 else 2 if _number == 92 else 4 if _number > 127 else 0


# Reading

cdef inline void blank(Work* work) noexcept nogil:
    cdef unsigned char byte
    while work.at < work.size:
        byte = work.data[work.at]
        if byte != 32 and byte != 10 and byte != 13 and byte != 9:
            return
        work.at += 1


cdef int utf8(Bytes data, int at, int size) noexcept nogil:
    """How many bytes the character has that begins here (RFC 3629, section 4); 0 if there is none."""
    cdef unsigned char first = data[at], second
    cdef int more, index
    cdef unsigned char low = 0x80, high = 0xBF
    if 0xC2 <= first <= 0xDF:
        more = 1
    elif 0xE0 <= first <= 0xEF:
        more = 2
        if first == 0xE0:
            low = 0xA0
        elif first == 0xED:
            high = 0x9F
    elif 0xF0 <= first <= 0xF4:
        more = 3
        if first == 0xF0:
            low = 0x90
        elif first == 0xF4:
            high = 0x8F
    else:
        return 0
    if size - at <= more:
        return 0
    second = data[at + 1]
    if second < low or second > high:
        return 0
    for index in range(2, more + 1):
        if data[at + index] < 0x80 or data[at + index] > 0xBF:
            return 0
    return more + 1


cdef int code_of(Bytes at, Bytes end) noexcept nogil:
    """The number of `\\uXXXX`, which begins here; -1 if it is none."""
    cdef int found = 0, index
    cdef unsigned char byte
    if end - at < 6 or at[0] != 92 or at[1] != 117:
        return -1
    for index in range(2, 6):
        byte = at[index]
        if digit(byte):
            found = found * 16 + byte - 48
        elif 97 <= (byte | 32) <= 102:
            found = found * 16 + (byte | 32) - 87
        else:
            return -1
    return found


cdef int unescaped(Bytes at, int size, unsigned char* out) noexcept nogil:
    """The item without escapes that msgspec would not write, and how long it is then, which is not longer; -1 if
    it has one that has no other form. What stands outside of texts is left as it is."""
    cdef Bytes end = at + size
    cdef unsigned char* to = out
    cdef bint inside = False
    cdef int code, low
    while at < end:
        if at[0] == 34:
            inside = not inside
        elif at[0] == 92 and inside:
            if end - at < 2:
                return -1
            if at[1] == 47:
                at += 1
            elif at[1] != 117:
                to[0] = 92
                to += 1
                at += 1
            else:
                code = code_of(at, end)
                if code < 32 or 0xDC00 <= code <= 0xDFFF:
                    return -1
                at += 6
                if code == 34 or code == 92:
                    to[0] = 92
                    to[1] = code
                    to += 2
                elif code < 0x80:
                    to[0] = code
                    to += 1
                elif code < 0x800:
                    to[0] = 0xC0 | (code >> 6)
                    to[1] = 0x80 | (code & 63)
                    to += 2
                elif code < 0xD800 or code > 0xDFFF:
                    to[0] = 0xE0 | (code >> 12)
                    to[1] = 0x80 | ((code >> 6) & 63)
                    to[2] = 0x80 | (code & 63)
                    to += 3
                else:
                    low = code_of(at, end)
                    if low < 0xDC00 or low > 0xDFFF:
                        return -1
                    at += 6
                    code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00
                    to[0] = 0xF0 | (code >> 18)
                    to[1] = 0x80 | ((code >> 12) & 63)
                    to[2] = 0x80 | ((code >> 6) & 63)
                    to[3] = 0x80 | (code & 63)
                    to += 4
                continue
        to[0] = at[0]
        to += 1
        at += 1
    return <int>(to - out)


cdef inline bint is_escape(unsigned char byte) noexcept nogil:
    """Whether msgspec writes this escape as it stands."""
    return byte == 34 or byte == 92 or byte == 98 or byte == 102 or byte == 110 or byte == 114 or byte == 116


cdef bint read_text(Work* work, int* start, int* end, bint* escaped, bint* ascii) noexcept nogil:
    """A text, from its quote on; only with escapes that msgspec would write again."""
    cdef Bytes data = work.data
    cdef int at = work.at + 1, size = work.size, width
    cdef unsigned char kind
    start[0] = at
    escaped[0] = False
    ascii[0] = True
    while at < size:
        kind = CLASS[data[at]]
        if kind == 0:
            at += 1
        elif kind == 1:
            end[0] = at
            work.at = at + 1
            return True
        elif kind == 4:
            ascii[0] = False
            width = utf8(data, at, size)
            if not width:
                return False
            at += width
        elif kind == 2:
            if size - at < 2 or not is_escape(data[at + 1]):
                return False
            escaped[0] = True
            at += 2
        else:
            return False
    return False


cdef inline bint digit(unsigned char byte) noexcept nogil:
    return 48 <= byte <= 57


cdef bint read_number(Work* work, Node* node) noexcept nogil:
    """A number of which the text is what Python and msgspec write for it."""
    cdef Bytes data = work.data
    cdef int at = work.at, size = work.size, first, whole, fraction
    cdef uint64_t amount = 0
    cdef bint negative = False
    node.start = at
    if data[at] == 45:
        negative = True
        at += 1
    first = at
    while at < size and digit(data[at]) and at - first < 19:
        amount = amount * 10 + data[at] - 48
        at += 1
    whole = at - first
    if whole == 0 or (whole > 1 and data[first] == 48) or (whole == 19 and negative):
        return False
    if at < size and digit(data[at]):
        return False
    node.kind = INT
    if at < size and data[at] == 46:
        # Below 2^52 in all its digits, so that no shorter number is read as the same.
        node.kind = REAL
        at += 1
        first = at
        while at < size and digit(data[at]):
            if amount > 450359962737049ULL or at - first > 16:
                return False
            amount = amount * 10 + data[at] - 48
            at += 1
        fraction = at - first
        if fraction == 0 or amount >= 4503599627370496ULL or (data[at - 1] == 48 and fraction > 1):
            return False
        # A smaller one is written with an exponent.
        if whole == 1 and data[first - 2] == 48 and fraction > 3 and memcmp(data + first, b"0000", 4) == 0:
            return False
    if amount == 0 and negative:
        return False
    if at < size and (data[at] == 101 or data[at] == 69 or data[at] == 46):
        return False
    node.end = at
    work.at = at
    return True


cdef bint exactly(Work* work, const char* word, int size) noexcept nogil:
    if work.size - work.at < size or memcmp(work.data + work.at, word, size):
        return False
    work.at += size
    return True


cdef int fresh(Work* work) noexcept nogil:
    if work.count >= MOST_NODES:
        return -1
    work.nodes[work.count].next = work.nodes[work.count].child = -1
    work.nodes[work.count].name = work.nodes[work.count].name_end = 0
    work.count += 1
    return work.count - 1


cdef int compare(const char* one, int size, const char* other, int other_size) noexcept nogil:
    cdef int found = memcmp(one, other, size if size < other_size else other_size)
    return found if found else size - other_size


cdef bint insert(Work* work, int parent, int member, int* last) noexcept nogil:
    """Put a member at its place by name; false if the name is there already."""
    cdef Node* nodes = work.nodes
    cdef Node* new = &nodes[member]
    cdef int before = -1, at, order
    if last[0] >= 0:
        order = compare(
            <const char*>(work.data + new.name), new.name_end - new.name,
            <const char*>(work.data + nodes[last[0]].name), nodes[last[0]].name_end - nodes[last[0]].name,
        )
        if order == 0:
            return False
        if order > 0:
            nodes[last[0]].next = member
            last[0] = member
            return True
    at = nodes[parent].child
    while at >= 0:
        order = compare(
            <const char*>(work.data + new.name), new.name_end - new.name,
            <const char*>(work.data + nodes[at].name), nodes[at].name_end - nodes[at].name,
        )
        if order == 0:
            return False
        if order < 0:
            break
        before = at
        at = nodes[at].next
    new.next = at
    if before < 0:
        nodes[parent].child = member
    else:
        nodes[before].next = member
    if at < 0:
        last[0] = member
    return True


cdef int read_value(Work* work, int depth) noexcept nogil:
    """The value that begins here, and what is in it; -1 for what is not known for certain."""
    cdef int made
    cdef unsigned char first
    if work.at >= work.size or depth > MOST_DEPTH:
        return -1
    made = fresh(work)
    if made < 0:
        return -1
    first = work.data[work.at]
    if first == 34:
        work.nodes[made].kind = TEXT
        if not read_text(
            work, &work.nodes[made].start, &work.nodes[made].end, &work.nodes[made].escaped, &work.nodes[made].ascii
        ):
            return -1
        return made
    if first == 123:
        return made if read_members(work, made, depth) else -1
    if first == 91:
        return made if read_parts(work, made, depth) else -1
    if first == 45 or digit(first):
        return made if read_number(work, &work.nodes[made]) else -1
    work.nodes[made].start = work.at
    if exactly(work, b"true", 4):
        work.nodes[made].kind = TRUE
    elif exactly(work, b"false", 5):
        work.nodes[made].kind = FALSE
    elif exactly(work, b"null", 4):
        work.nodes[made].kind = NULL_
    else:
        return -1
    work.nodes[made].end = work.at
    return made


cdef bint read_members(Work* work, int parent, int depth) noexcept nogil:
    cdef int last = -1, member, start, end, count = 0
    cdef bint escaped, ascii
    work.nodes[parent].kind = OBJECT
    work.at += 1
    blank(work)
    if work.at < work.size and work.data[work.at] == 125:
        work.at += 1
        return True
    while work.at < work.size and work.data[work.at] == 34 and count < MOST_MEMBERS:
        count += 1
        if not read_text(work, &start, &end, &escaped, &ascii) or escaped or not ascii:
            return False
        blank(work)
        if work.at >= work.size or work.data[work.at] != 58:
            return False
        work.at += 1
        blank(work)
        member = read_value(work, depth + 1)
        if member < 0:
            return False
        work.nodes[member].name, work.nodes[member].name_end = start, end
        if last < 0 and work.nodes[parent].child < 0:
            work.nodes[parent].child = last = member
        elif not insert(work, parent, member, &last):
            return False
        blank(work)
        if work.at >= work.size:
            return False
        if work.data[work.at] == 125:
            work.at += 1
            return True
        if work.data[work.at] != 44:
            return False
        work.at += 1
        blank(work)
    return False


cdef bint read_parts(Work* work, int parent, int depth) noexcept nogil:
    cdef int last = -1, part
    work.nodes[parent].kind = ARRAY
    work.at += 1
    blank(work)
    if work.at < work.size and work.data[work.at] == 93:
        work.at += 1
        return True
    while True:
        part = read_value(work, depth + 1)
        if part < 0:
            return False
        if last < 0:
            work.nodes[parent].child = part
        else:
            work.nodes[last].next = part
        last = part
        blank(work)
        if work.at >= work.size:
            return False
        if work.data[work.at] == 93:
            work.at += 1
            return True
        if work.data[work.at] != 44:
            return False
        work.at += 1
        blank(work)


# Writing

cdef inline void put(Work* work, const char* what, Py_ssize_t size) noexcept nogil:
    if work.room - work.used < size:
        work.full = True
        return
    memcpy(work.out + work.used, what, size)
    work.used += size


cdef inline void put_one(Work* work, unsigned char byte) noexcept nogil:
    if work.used >= work.room:
        work.full = True
        return
    work.out[work.used] = byte
    work.used += 1


cdef inline void put_quoted(Work* work, Node* node) noexcept nogil:
    """A text, or a number as one."""
    put_one(work, 34)
    put(work, <const char*>(work.data + node.start), node.end - node.start)
    put_one(work, 34)


cdef inline bint is_big(Work* work, Node* node) noexcept nogil:
    """Whether an integer is beyond 2^53 - 1."""
    cdef Bytes at = work.data + node.start
    cdef int size = node.end - node.start
    if at[0] == 45:
        at += 1
        size -= 1
    return size > 16 or (size == 16 and memcmp(at, b"9007199254740991", 16) > 0)


cdef void put_value(Work* work, int at, bint as_event) noexcept nogil:
    """A value in canonical form: as the item says it, or as an event keeps it."""
    cdef Node* node = &work.nodes[at]
    cdef int one = node.child
    cdef bint first = True
    if node.kind == TEXT or (as_event and (node.kind == REAL or (node.kind == INT and is_big(work, node)))):
        put_quoted(work, node)
    elif node.kind == OBJECT:
        put_one(work, 123)
        while one >= 0:
            put_member(work, &first, <const char*>(work.data + work.nodes[one].name), work.nodes[one].name_end - work.nodes[one].name)
            put_value(work, one, as_event)
            one = work.nodes[one].next
        put_one(work, 125)
    elif node.kind == ARRAY:
        put_one(work, 91)
        while one >= 0:
            if not first:
                put_one(work, 44)
            first = False
            put_value(work, one, as_event)
            one = work.nodes[one].next
        put_one(work, 93)
    else:
        put(work, <const char*>(work.data + node.start), node.end - node.start)


cdef inline void put_member(Work* work, bint* first, const char* name, int size) noexcept nogil:
    if not first[0]:
        put_one(work, 44)
    first[0] = False
    put_one(work, 34)
    put(work, name, size)
    put(work, b'":', 2)


cdef inline void put_text_member(Work* work, bint* first, const char* name, int size, int node) noexcept nogil:
    """A member that is left out where it is empty or not there."""
    if node >= 0 and work.nodes[node].end > work.nodes[node].start:
        put_member(work, first, name, size)
        put_quoted(work, &work.nodes[node])


# Meaning

cdef inline bint is_word(Work* work, Node* node, const char* word, int size) noexcept nogil:
    return node.end - node.start == size and memcmp(work.data + node.start, word, size) == 0


cdef inline bint named(Work* work, int node, const char* word, int size) noexcept nogil:
    return (
        work.nodes[node].name_end - work.nodes[node].name == size
        and memcmp(work.data + work.nodes[node].name, word, size) == 0
    )


cdef inline bint is_text(Work* work, int node) noexcept nogil:
    """Whether a member of type text takes it: texts, and numbers as texts."""
    return work.nodes[node].kind == TEXT or work.nodes[node].kind == INT or work.nodes[node].kind == REAL


cdef bint all_hexadecimal(Bytes at, int size) noexcept nogil:
    cdef int index
    for index in range(size):
        if not (digit(at[index]) or 97 <= at[index] <= 102):
            return False
    return True


cdef bint is_uuid(Bytes at, int size) noexcept nogil:
    cdef int index
    if size != 36:
        return False
    for index in range(36):
        if index == 8 or index == 13 or index == 18 or index == 23:
            if at[index] != 45:
                return False
        elif not (digit(at[index]) or 97 <= at[index] <= 102):
            return False
    return True


cdef bint is_action(Bytes at, int size) noexcept nogil:
    cdef int index
    cdef unsigned char byte
    if size < 1 or size > 128:
        return False
    for index in range(size):
        byte = at[index]
        if digit(byte) or 65 <= byte <= 90 or 97 <= byte <= 122:
            continue
        if index and (byte == 95 or 45 <= byte <= 47 or byte == 58):
            continue
        return False
    return True


cdef bint is_address(Bytes at, int size) noexcept nogil:
    """Whether it is an IPv4 address, as `ipaddress` takes it."""
    cdef int index = 0, octet, begin, amount
    for octet in range(4):
        if octet:
            if index >= size or at[index] != 46:
                return False
            index += 1
        begin = index
        amount = 0
        while index < size and digit(at[index]) and index - begin < 3:
            amount = amount * 10 + at[index] - 48
            index += 1
        if index == begin or amount > 255 or (index - begin > 1 and at[begin] == 48):
            return False
    return index == size


cdef inline int two(Bytes at) noexcept nogil:
    """Two digits; -1 if they are none."""
    if not digit(at[0]) or not digit(at[1]):
        return -1
    return (at[0] - 48) * 10 + at[1] - 48


cdef int64_t fraction_of(Bytes at, int size) noexcept nogil:
    """The first nine digits behind a point, as billionths."""
    cdef int64_t found = 0
    cdef int index
    for index in range(9):
        found = found * 10 + (at[index] - 48 if index < size else 0)
    return found


cdef int64_t number_time(Bytes at, int size) noexcept nogil:
    """See `parsed.time_ns`: seconds to nanoseconds, by their size; -1 for another, or one far from now."""
    cdef int whole = 0, index
    cdef uint64_t amount = 0
    cdef int64_t fraction = 0
    while whole < size and digit(at[whole]):
        if whole >= 19:
            return -1
        amount = amount * 10 + at[whole] - 48
        whole += 1
    if whole == 0:
        return -1
    if whole < size:
        if at[whole] != 46 or size - whole < 2:
            return -1
        for index in range(whole + 1, size):
            if not digit(at[index]):
                return -1
        fraction = fraction_of(at + whole + 1, size - whole - 1)
    if amount < 100000000000ULL:
        return -1 if amount > 9000000000ULL else <int64_t>amount * 1000000000 + fraction
    if amount < 100000000000000ULL:
        return -1 if amount > 9000000000000ULL else <int64_t>amount * 1000000 + fraction // 1000
    if amount < 100000000000000000ULL:
        return -1 if amount > 9000000000000000ULL else <int64_t>amount * 1000 + fraction // 1000000
    return -1 if amount > 9000000000000000000ULL else <int64_t>amount


cdef int days_in(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef int64_t iso_time(Bytes at, int size) noexcept nogil:
    """RFC 3339 with a zone, from 1970 to 2250, as nanoseconds; -1 for anything else."""
    cdef int century, year, month, day, hour, minute, second, index = 19, zone = 0, begin, sign
    cdef int64_t days, fraction = 0, seconds
    if size < 20 or at[4] != 45 or at[7] != 45 or (at[10] != 84 and at[10] != 32) or at[13] != 58 or at[16] != 58:
        return -1
    century, year, month, day = two(at), two(at + 2), two(at + 5), two(at + 8)
    hour, minute, second = two(at + 11), two(at + 14), two(at + 17)
    if century < 0 or year < 0 or month < 1 or day < 1 or hour < 0 or minute < 0 or second < 0:
        return -1
    year += 100 * century
    if not 1970 <= year <= 2250 or month > 12 or day > days_in(year, month):
        return -1
    if hour > 23 or minute > 59 or second > 59:
        return -1
    if at[index] == 46:
        index += 1
        begin = index
        while index < size and digit(at[index]):
            index += 1
        if index == begin:
            return -1
        fraction = fraction_of(at + begin, index - begin)
    if index >= size:
        return -1
    if at[index] == 90:
        index += 1
    elif (at[index] == 43 or at[index] == 45) and size - index == 6 and at[index + 3] == 58:
        sign = 1 if at[index] == 43 else -1
        if not 0 <= two(at + index + 1) <= 23 or not 0 <= two(at + index + 4) <= 59:
            return -1
        zone = sign * (two(at + index + 1) * 3600 + two(at + index + 4) * 60)
        index += 6
    if index != size:
        return -1
    # Days since the epoch, with years that begin in March, so that a leap day is the last of its year.
    if month <= 2:
        year -= 1
        month += 12
    days = 365 * <int64_t>year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - zone
    return seconds * 1000000000 + fraction if seconds >= 0 else -1


cdef int64_t time_of(Work* work, Node* node) noexcept nogil:
    cdef Bytes at = work.data + node.start
    cdef int size = node.end - node.start, whole = 0
    if node.kind == INT:
        return number_time(at, size)
    if node.kind != TEXT and node.kind != REAL:
        return -1
    while whole < size and digit(at[whole]):
        whole += 1
    if 9 <= whole <= 19 and (whole == size or at[whole] == 46):
        return number_time(at, size)
    return iso_time(at, size) if node.kind == TEXT else -1


cdef void put_new_id(Work* work, Bytes head, Bytes drawn) noexcept nogil:
    """A UUIDv7 as `events.uuid7` makes it of ten random bytes; `head` is what the time says of it."""
    cdef unsigned char[36] out
    cdef unsigned char[20] digits
    cdef int index
    for index in range(10):
        digits[2 * index] = HEX[drawn[index] >> 4]
        digits[2 * index + 1] = HEX[drawn[index] & 15]
    memcpy(out, head, 15)
    memcpy(out + 15, digits, 3)
    out[18] = out[23] = 45
    out[19] = HEX[8 | ((drawn[2] >> 4) & 3)]
    memcpy(out + 20, digits + 5, 3)
    memcpy(out + 24, digits + 8, 12)
    put_one(work, 34)
    put(work, <const char*>(out), 36)
    put_one(work, 34)


cdef bint put_actor(Work* work, int at) noexcept nogil:
    cdef Node* node = &work.nodes[at]
    cdef int one, id = -1, idp = -1, name = -1, behalf = -1, roles = -1, type = -1, role
    cdef bint first = True
    if node.kind == TEXT:
        put(work, b'{"id":', 6)
        put_quoted(work, node)
        put(work, b',"name":', 8)
        put_quoted(work, node)
        put(work, b',"raw":{"principal":', 20)
        put_quoted(work, node)
        put(work, b"}}", 2)
        return True
    if node.kind != OBJECT:
        return False
    one = node.child
    while one >= 0:
        if named(work, one, b"id", 2) and is_text(work, one):
            id = one
        elif named(work, one, b"idp", 3) and is_text(work, one):
            idp = one
        elif named(work, one, b"name", 4) and is_text(work, one):
            name = one
        elif named(work, one, b"on_behalf_of", 12) and is_text(work, one):
            behalf = one
        elif named(work, one, b"type", 4) and work.nodes[one].kind == TEXT:
            type = one
        elif named(work, one, b"roles", 5) and work.nodes[one].kind == ARRAY:
            roles = one
            role = work.nodes[one].child
            while role >= 0:
                if work.nodes[role].kind != TEXT:
                    return False
                role = work.nodes[role].next
        else:
            return False
        one = work.nodes[one].next
    if id < 0 and name >= 0 and work.nodes[name].kind != TEXT:
        return False
    put(work, b'{"id":', 6)
    if id >= 0:
        put_quoted(work, &work.nodes[id])
    elif name >= 0:
        put_quoted(work, &work.nodes[name])
    else:
        put(work, b'""', 2)
    first = False
    put_text_member(work, &first, b"idp", 3, idp)
    put_text_member(work, &first, b"name", 4, name)
    put_text_member(work, &first, b"on_behalf_of", 12, behalf)
    if roles >= 0 and work.nodes[roles].child >= 0:
        put_member(work, &first, b"roles", 5)
        put_value(work, roles, True)
    if type >= 0 and not is_word(work, &work.nodes[type], b"unknown", 7):
        if not (
            is_word(work, &work.nodes[type], b"human", 5)
            or is_word(work, &work.nodes[type], b"service", 7)
            or is_word(work, &work.nodes[type], b"agent", 5)
        ):
            return False
        put_text_member(work, &first, b"type", 4, type)
        if work.nodes[type].end == work.nodes[type].start:
            return False
    put_one(work, 125)
    return True


cdef bint put_resource(Work* work, int at) noexcept nogil:
    cdef Node* node = &work.nodes[at]
    cdef int one, id = -1, name = -1, env = -1, type = -1, slash
    cdef bint first = True
    if node.kind == TEXT:
        slash = node.start
        while slash < node.end and work.data[slash] != 47:
            slash += 1
        put(work, b'{"id":', 6)
        put_quoted(work, node)
        if slash == node.end:
            put(work, b',"name":', 8)
            put_quoted(work, node)
            put(work, b',"type":"thing"}', 16)
            return True
        if slash + 1 < node.end:
            put(work, b',"name":"', 9)
            put(work, <const char*>(work.data + slash + 1), node.end - slash - 1)
            put_one(work, 34)
        put(work, b',"type":"', 9)
        put(work, <const char*>(work.data + node.start), slash - node.start)
        put(work, b'"}', 2)
        return True
    if node.kind != OBJECT:
        return False
    one = node.child
    while one >= 0:
        if not is_text(work, one):
            return False
        if named(work, one, b"env", 3):
            env = one
        elif named(work, one, b"id", 2):
            id = one
        elif named(work, one, b"name", 4):
            name = one
        elif named(work, one, b"type", 4):
            type = one
        else:
            return False
        one = work.nodes[one].next
    put_one(work, 123)
    put_text_member(work, &first, b"env", 3, env)
    put_text_member(work, &first, b"id", 2, id)
    put_text_member(work, &first, b"name", 4, name)
    put_member(work, &first, b"type", 4)
    if type >= 0:
        put_quoted(work, &work.nodes[type])
    else:
        put(work, b'"thing"', 7)
    put_one(work, 125)
    return True


cdef bint put_outcome(Work* work, int at) noexcept nogil:
    cdef Node* node = &work.nodes[at]
    cdef int one, code = -1, reason = -1, status = -1
    cdef bint first = True
    if node.kind == TEXT:
        status = at
        if not (
            is_word(work, node, b"success", 7) or is_word(work, node, b"failure", 7)
            or is_word(work, node, b"unknown", 7)
        ):
            status, reason = -1, at
    elif node.kind == OBJECT:
        one = node.child
        while one >= 0:
            if named(work, one, b"code", 4) and is_text(work, one):
                code = one
            elif named(work, one, b"reason", 6) and is_text(work, one):
                reason = one
            elif named(work, one, b"status", 6) and work.nodes[one].kind == TEXT and (
                is_word(work, &work.nodes[one], b"success", 7) or is_word(work, &work.nodes[one], b"failure", 7)
                or is_word(work, &work.nodes[one], b"unknown", 7)
            ):
                status = one
            else:
                return False
            one = work.nodes[one].next
    else:
        return False
    put_one(work, 123)
    put_text_member(work, &first, b"code", 4, code)
    put_text_member(work, &first, b"reason", 6, reason)
    if status >= 0 and not is_word(work, &work.nodes[status], b"unknown", 7):
        put_text_member(work, &first, b"status", 6, status)
    put_one(work, 125)
    return True


cdef bint put_client(Work* work, int at) noexcept nogil:
    cdef Node* node = &work.nodes[at]
    cdef int one, device = -1, geo = -1, ip = -1, port = -1, agent = -1, index, amount
    cdef bint first = True
    if node.kind == TEXT:
        ip = at
    elif node.kind == OBJECT:
        one = node.child
        while one >= 0:
            if named(work, one, b"device", 6) and is_text(work, one):
                device = one
            elif named(work, one, b"geo", 3) and is_text(work, one):
                geo = one
            elif named(work, one, b"user_agent", 10) and is_text(work, one):
                agent = one
            elif named(work, one, b"ip", 2) and work.nodes[one].kind == TEXT:
                ip = one
            elif named(work, one, b"port", 4) and work.nodes[one].kind == INT:
                port = one
            else:
                return False
            one = work.nodes[one].next
    else:
        return False
    if ip >= 0 and not is_address(work.data + work.nodes[ip].start, work.nodes[ip].end - work.nodes[ip].start):
        return False
    put_one(work, 123)
    put_text_member(work, &first, b"device", 6, device)
    put_text_member(work, &first, b"geo", 3, geo)
    put_text_member(work, &first, b"ip", 2, ip)
    if port >= 0:
        if work.nodes[port].end - work.nodes[port].start > 5:
            return False
        amount = 0
        for index in range(work.nodes[port].start, work.nodes[port].end):
            if not digit(work.data[index]):
                return False
            amount = amount * 10 + work.data[index] - 48
        if amount > 65535:
            return False
        if amount:
            put_member(work, &first, b"port", 4)
            put(work, <const char*>(work.data + work.nodes[port].start), work.nodes[port].end - work.nodes[port].start)
    put_text_member(work, &first, b"user_agent", 10, agent)
    put_one(work, 125)
    return True


cdef class Lines:
    """Reads the items of one delivery. Safe from one thread at a time; see `lines.py` for the arguments."""

    cdef list _kept
    cdef Word* _actions
    cdef int _action_count
    cdef Word* _grades
    cdef int _grade_count
    cdef Word[8] _reserved
    cdef int _reserved_count
    cdef Word _instance, _links, _observed, _schema, _tenant, _default_action, _prefix, _file
    cdef unsigned char[15] _head
    cdef int64_t _now
    cdef int _newest_schema
    cdef bint _from_file
    cdef glasshatch_b2 _plain
    cdef glasshatch_b2 _secret
    cdef Work _work
    cdef unsigned char* _plain_text

    def __cinit__(
        self, *, dict words, tuple grades, tuple actions, tuple reserved, bytes secret, bytes head, now_ns,
        bint from_file, int newest_schema,
    ):
        cdef int index
        if len(secret) > 64 or len(head) != 15 or len(reserved) > 8 or not 0 <= now_ns < 2**62:
            raise ValueError("what no delivery has")
        self._kept = []
        self._actions = self._words(actions)
        self._action_count = len(actions)
        self._grades = self._words(grades)
        self._grade_count = len(grades)
        for index, word in enumerate(reserved):
            self._reserved[index] = self._word(word)
        self._reserved_count = len(reserved)
        self._instance, self._links = self._word(words["instance"]), self._word(words["links"])
        self._observed, self._schema = self._word(words["observed"]), self._word(words["schema"])
        self._tenant, self._prefix = self._word(words["tenant"]), self._word(words["prefix"])
        self._default_action, self._file = self._word(words["action"]), self._word(words["file"])
        memcpy(self._head, PyBytes_AS_STRING(head), 15)
        self._now = now_ns
        self._newest_schema = newest_schema
        self._from_file = from_file
        glasshatch_b2_begin(&self._plain, NULL, 0)
        glasshatch_b2_begin(&self._secret, <const uint8_t*>PyBytes_AS_STRING(secret), len(secret))
        self._work.nodes = <Node*>malloc(MOST_NODES * sizeof(Node))
        self._work.entries = <Entry*>malloc((MOST_NODES + 8) * sizeof(Entry))
        self._plain_text = <unsigned char*>malloc(LONGEST + 8)
        if not self._work.nodes or not self._work.entries or not self._plain_text:
            raise MemoryError

    def __dealloc__(self):
        free(self._actions)
        free(self._grades)
        free(self._work.nodes)
        free(self._work.entries)
        free(self._work.out)
        free(self._plain_text)

    cdef Word _word(self, bytes given):
        cdef Word word
        self._kept.append(given)
        word.at, word.size = <Bytes>PyBytes_AS_STRING(given), <int>PyBytes_GET_SIZE(given)
        return word

    cdef Word* _words(self, tuple given) except NULL:
        cdef Word* words = <Word*>malloc((len(given) + 1) * sizeof(Word))
        cdef int index
        if not words:
            raise MemoryError
        for index, one in enumerate(given):
            words[index] = self._word(one)
        return words

    def read(self, tuple items, bytes drawn, tuple places):
        """For each item its event's record, its key, what the key is of, its content's digest and its time; None
        for an item that is left to the parser."""
        cdef Py_ssize_t count = len(items), index, size, total = 0
        cdef Bytes random = <Bytes>PyBytes_AS_STRING(drawn)
        cdef Word* given
        cdef Made* made
        cdef long long* lines
        if len(drawn) < 10 * count or len(places) != count:
            raise ValueError("each item needs its place and ten random bytes")
        given = <Word*>malloc((count + 1) * sizeof(Word))
        made = <Made*>malloc((count + 1) * sizeof(Made))
        lines = <long long*>malloc((count + 1) * sizeof(long long))
        try:
            if not given or not made or not lines:
                raise MemoryError
            for index in range(count):
                item = items[index]
                if type(item) is not bytes:
                    raise TypeError("an item is of bytes")
                size = PyBytes_GET_SIZE(item)
                given[index].at = <Bytes>PyBytes_AS_STRING(item)
                given[index].size = <int>size if size <= LONGEST else 0
                lines[index] = places[index]
            self._work.used = 0
            with nogil:
                for index in range(count):
                    self._item(&given[index], &made[index], random + 10 * index, lines[index])
            return [self._told(&made[index]) for index in range(count)]
        finally:
            free(given)
            free(made)
            free(lines)
            # What is kept for the next batch is bounded: one delivery may hold 64 MiB.
            if self._work.room > 8 * 1024 * 1024:
                free(self._work.out)
                self._work.out, self._work.room = NULL, 0

    cdef object _told(self, Made* made):
        if not made.good:
            return None
        cdef const char* out = <const char*>self._work.out
        return (
            PyBytes_FromStringAndSize(out + made.record, made.record_end - made.record),
            "json" if made.kind < 0 else PyUnicode_DecodeUTF8(out + made.kind, made.kind_end - made.kind, NULL),
            _digits(made.key) if made.keyed else "",
            PyUnicode_DecodeUTF8(out + made.short, made.short_end - made.short, NULL),
            _digits(made.content) if made.keyed else "",
            made.time,
        )

    cdef void _item(self, Word* given, Made* made, Bytes drawn, long long line) noexcept nogil:
        cdef Work* work = &self._work
        cdef Py_ssize_t begun = work.used
        made.good = False
        if not given.size or not self._room(8 * <Py_ssize_t>given.size + 8192):
            return
        work.data, work.size, work.at, work.count, work.full = given.at, given.size, 0, 0, False
        if memchr(given.at, 92, given.size):
            work.size = unescaped(given.at, given.size, self._plain_text)
            work.data = self._plain_text
        blank(work)
        if work.at >= work.size or work.data[work.at] != 123 or read_value(work, 0) != 0:
            return
        blank(work)
        if work.at != work.size:
            return
        if not self._meant(given, made, drawn, line) or work.full:
            work.used = begun
            return
        made.good = True

    cdef bint _room(self, Py_ssize_t more) noexcept nogil:
        cdef Work* work = &self._work
        cdef Py_ssize_t wanted
        cdef unsigned char* grown
        more += self._instance.size + self._links.size + self._prefix.size + self._file.size + self._tenant.size
        if work.room - work.used >= more:
            return True
        wanted = 2 * work.room + more
        grown = <unsigned char*>realloc(work.out, wanted)
        if not grown:
            return False
        work.out, work.room = grown, wanted
        return True

    cdef bint _meant(self, Word* given, Made* made, Bytes drawn, long long line) noexcept nogil:
        """The record of the item that was read, with all that the intake adds to it."""
        cdef Work* work = &self._work
        cdef Node* nodes = work.nodes
        cdef Node* node
        cdef int[M_COUNT] at
        cdef int one, number, clock = -1, trace = -1, span = -1, parent = -1, entries = 0, severity = 0, claimed = 0
        cdef int action = -1, service = -1, new_id = 0
        cdef bint first = True, message
        cdef int[M_COUNT] used
        for number in range(M_COUNT):
            at[number] = -1
            used[number] = False
        one = nodes[0].child
        while one >= 0:
            number = meaning(work, one)
            if number >= 0:
                at[number] = one
            one = nodes[one].next
        if at[M_RESOURCES] >= 0 or at[M_LINKS] >= 0 or at[M_DATA] >= 0 or at[M_STATEMENT] >= 0:
            return False
        for number in range(M_ACCESS, M_TENANT + 1):
            if at[number] >= 0:
                used[number] = True
                claimed += 1
        if at[M_SCHEMA] >= 0 and not is_ours(work, &nodes[at[M_SCHEMA]], self._newest_schema):
            return False
        # When
        for number in range(M_TIME, M_TS + 1):
            if at[number] >= 0:
                clock = at[number]
                used[number] = True
                break
        made.time = self._now if clock < 0 else time_of(work, &nodes[clock])
        if made.time < 0 or made.time - self._now > 86400 * <int64_t>1000000000:
            return False
        if not self._from_file and self._now - made.time > 7 * 86400 * <int64_t>1000000000:
            return False
        # Which action
        action = at[M_ACTION]
        if action >= 0:
            used[M_ACTION] = True
            node = &nodes[action]
            if node.kind != TEXT or not is_action(work.data + node.start, node.end - node.start):
                return False
            if is_one_of(self._actions, self._action_count, work.data + node.start, node.end - node.start):
                return False
        # How grave
        if at[M_SEVERITY] >= 0:
            used[M_SEVERITY] = True
            severity = self._grade(&nodes[at[M_SEVERITY]])
            if severity < 0:
                return False
        elif at[M_LEVEL] >= 0:
            node = &nodes[at[M_LEVEL]]
            if node.kind == TEXT:
                if node.escaped or not node.ascii:
                    return False
                severity = self._grade(node)
                severity = severity if severity > 0 else 0
        # Where
        if at[M_TRACE] >= 0 or at[M_SPAN] >= 0:
            if at[M_PARENT] >= 0:
                return False
            used[M_TRACE] = used[M_SPAN] = True
            trace, span = at[M_TRACE], at[M_SPAN]
            if trace >= 0 and not is_hexadecimal(work, &nodes[trace], 32):
                return False
            if span >= 0 and not is_hexadecimal(work, &nodes[span], 16):
                return False
        elif at[M_PARENT] >= 0:
            used[M_PARENT] = True
            parent = at[M_PARENT]
            if not is_parent(work, &nodes[parent]):
                return False
        # Which one
        if not self._named(given, made, at[M_ID], line, &new_id):
            return False
        used[M_ID] = True
        for number in range(M_SOURCE, M_ATTRS + 1):
            if at[number] >= 0:
                used[number] = True
                if nodes[at[number]].kind == NULL_:
                    at[number] = -1
        # Everything that has no place of its own
        message = at[M_MESSAGE] >= 0
        one = nodes[0].child
        while one >= 0:
            number = meaning(work, one)
            if number == M_SERVICE:
                service = one
            elif number < 0 or not used[number]:
                entry(work, &entries, one, False)
                if number == M_MSG and not message:
                    work.entries[entries - 1].name, work.entries[entries - 1].size = NAMES[M_MESSAGE].at, NAMES[M_MESSAGE].size
            one = nodes[one].next
        made.record = work.used
        put(work, b'{"action":', 10)
        if action >= 0:
            put_quoted(work, &nodes[action])
        else:
            put(work, <const char*>(self._default_action.at), self._default_action.size)
        first = False
        if at[M_ACTOR] >= 0 and not (nodes[at[M_ACTOR]].kind == TEXT and is_word(work, &nodes[at[M_ACTOR]], b"", 0)):
            put(work, b',"actor":', 9)
            if not put_actor(work, at[M_ACTOR]):
                return False
        # The source takes the service's name if it has none, and is written further on.
        if service >= 0:
            if nodes[service].kind == REAL or (nodes[service].kind == INT and is_big(work, &nodes[service])):
                return False
            if nodes[service].kind == TEXT and not self._has_name(at[M_SOURCE]):
                used[M_SERVICE] = True
            else:
                entry(work, &entries, service, False)
                service = -1
        if new_id == 2:
            entry(work, &entries, at[M_ID], True)
        if at[M_ATTRS] >= 0:
            if nodes[at[M_ATTRS]].kind != OBJECT:
                return False
            one = nodes[at[M_ATTRS]].child
            while one >= 0:
                entry(work, &entries, one, False)
                one = nodes[one].next
        if claimed:
            work.entries[entries].name, work.entries[entries].size = <Bytes><const char*>b"claimed", 7
            work.entries[entries].node = -1
            work.entries[entries].quoted = False
            entries += 1
        if entries:
            if not in_order(work.entries, entries):
                return False
            put(work, b',"attrs":{', 10)
            first = True
            for number in range(entries):
                put_member(work, &first, <const char*>(work.entries[number].name), work.entries[number].size)
                if work.entries[number].node < 0:
                    put_claimed(work, at)
                elif work.entries[number].quoted:
                    put_quoted(work, &nodes[work.entries[number].node])
                else:
                    put_value(work, work.entries[number].node, True)
            put_one(work, 125)
        first = False
        if at[M_CLIENT] >= 0:
            put(work, b',"client":', 10)
            if not put_client(work, at[M_CLIENT]):
                return False
        put(work, b',"id":', 6)
        if new_id:
            put_new_id(work, self._head, drawn)
        else:
            put_quoted(work, &nodes[at[M_ID]])
        if not self._put_labels(made, at[M_LABELS]):
            return False
        put(work, <const char*>(self._links.at), self._links.size)
        if at[M_NATIVE] >= 0:
            put(work, b',"native":', 10)
            put_value(work, at[M_NATIVE], True)
        put(work, <const char*>(self._observed.at), self._observed.size)
        if at[M_OUTCOME] >= 0:
            put(work, b',"outcome":', 11)
            if not put_outcome(work, at[M_OUTCOME]):
                return False
        if at[M_REQUEST] >= 0:
            if not is_text(work, at[M_REQUEST]):
                return False
            put_text_member(work, &first, b"request_id", 10, at[M_REQUEST])
        if at[M_RESOURCE] >= 0 and not (
            nodes[at[M_RESOURCE]].kind == TEXT and is_word(work, &nodes[at[M_RESOURCE]], b"", 0)
        ):
            put(work, b',"resource":', 12)
            if not put_resource(work, at[M_RESOURCE]):
                return False
        put(work, <const char*>(self._schema.at), self._schema.size)
        if at[M_SESSION] >= 0:
            if not is_text(work, at[M_SESSION]):
                return False
            put_text_member(work, &first, b"session_id", 10, at[M_SESSION])
        if severity:
            put(work, b',"severity":', 12)
            put_one(work, 48 + severity)
        if not self._put_source(made, at[M_SOURCE], service):
            return False
        if parent >= 0:
            put(work, b',"span_id":"', 12)
            put(work, <const char*>(work.data + nodes[parent].start + 36), 16)
            put_one(work, 34)
        put_text_member(work, &first, b"span_id", 7, span)
        put(work, <const char*>(self._tenant.at), self._tenant.size)
        put(work, b',"time":"', 9)
        put_number(work, made.time)
        put_one(work, 34)
        if parent >= 0:
            put(work, b',"trace_id":"', 13)
            put(work, <const char*>(work.data + nodes[parent].start + 3), 32)
            put_one(work, 34)
        put_text_member(work, &first, b"trace_id", 8, trace)
        put_one(work, 125)
        made.record_end = work.used
        return True

    cdef int _grade(self, Node* node) noexcept nogil:
        """A severity, of a number or a word; -1 for another."""
        cdef unsigned char[16] word
        cdef int index, size = node.end - node.start
        cdef Bytes at = self._work.data + node.start
        if node.kind == INT:
            return at[0] - 48 if size == 1 and 48 <= at[0] <= 54 else -1
        if node.kind != TEXT or size > 16 or not node.ascii:
            return -1
        for index in range(size):
            word[index] = at[index] + 32 if 65 <= at[index] <= 90 else at[index]
        for index in range(self._grade_count):
            # The first byte of each is its number, as a digit.
            if self._grades[index].size == size + 1 and memcmp(self._grades[index].at + 1, word, size) == 0:
                return self._grades[index].at[0] - 48
        return -1

    cdef bint _named(self, Word* given, Made* made, int id, long long line, int* new_id) noexcept nogil:
        """What tells the item again, digested, and the digest of its content. `new_id`: 1 if the event needs an
        id of its own, 2 if what the item has instead is kept."""
        cdef Work* work = &self._work
        cdef Node* node
        cdef Py_ssize_t begin = work.used, text_begin
        new_id[0] = 0
        made.keyed = True
        put(work, <const char*>(self._prefix.at), self._prefix.size)
        text_begin = made.short = work.used
        if id >= 0:
            node = &work.nodes[id]
            if (node.kind != TEXT and node.kind != INT) or node.escaped or node.end == node.start:
                return False
            if node.kind == INT and is_word(work, node, b"0", 1):
                return False
            put(work, b"id ", 3)
            put(work, <const char*>(work.data + node.start), node.end - node.start)
            if node.kind == INT or not is_uuid(work.data + node.start, node.end - node.start):
                new_id[0] = 2
        else:
            new_id[0] = 1
            if not self._from_file:
                made.keyed = False
                made.short_end = made.short
                return not work.full
            put(work, b"line ", 5)
            put(work, <const char*>(self._file.at), self._file.size)
            put_one(work, 32)
            put_number(work, line)
            put_one(work, 32)
            glasshatch_b2_digest(&self._secret, given.at, given.size, made.key)
            put_digits(work, made.key)
        made.short_end = work.used
        if work.full:
            return False
        glasshatch_b2_digest(&self._plain, work.out + begin, work.used - begin, made.key)
        text_begin = work.used
        put_value(work, 0, False)
        if work.full:
            return False
        glasshatch_b2_digest(&self._secret, work.out + text_begin, work.used - text_begin, made.content)
        work.used = text_begin
        return True

    cdef bint _put_labels(self, Made* made, int at) noexcept nogil:
        cdef Work* work = &self._work
        cdef int one = -1, order
        cdef bint first = True, told = not made.keyed
        if at >= 0:
            if work.nodes[at].kind != OBJECT:
                return False
            one = work.nodes[at].child
        if one < 0 and told:
            return True
        put(work, b',"labels":{', 11)
        while one >= 0:
            order = compare(<const char*>(work.data + work.nodes[one].name), work.nodes[one].name_end - work.nodes[one].name, b"dedup", 5)
            if order == 0 or named(work, one, b"clock", 5):
                return False
            if order > 0 and not told:
                put_dedup(work, &first, made.key)
                told = True
            if work.nodes[one].kind == OBJECT or work.nodes[one].kind == ARRAY or work.nodes[one].kind == NULL_:
                return False
            put_member(work, &first, <const char*>(work.data + work.nodes[one].name), work.nodes[one].name_end - work.nodes[one].name)
            put_quoted(work, &work.nodes[one])
            one = work.nodes[one].next
        if not told:
            put_dedup(work, &first, made.key)
        put_one(work, 125)
        return True

    cdef bint _has_name(self, int source) noexcept nogil:
        """Whether the item names its source itself."""
        cdef int one
        if source < 0:
            return False
        if self._work.nodes[source].kind == TEXT:
            return self._work.nodes[source].end > self._work.nodes[source].start
        if self._work.nodes[source].kind != OBJECT:
            return False
        one = self._work.nodes[source].child
        while one >= 0:
            if named(&self._work, one, b"name", 4):
                return self._work.nodes[one].end > self._work.nodes[one].start
            one = self._work.nodes[one].next
        return False

    cdef bint _put_source(self, Made* made, int at, int service) noexcept nogil:
        cdef Work* work = &self._work
        cdef Node* node
        cdef int one, instance = -1, kind = -1, name = -1, version = -1
        cdef bint first = True
        if at >= 0 and work.nodes[at].kind == TEXT:
            name = at
        elif at >= 0:
            if work.nodes[at].kind != OBJECT:
                return False
            one = work.nodes[at].child
            while one >= 0:
                if not is_text(work, one):
                    return False
                if named(work, one, b"instance", 8):
                    instance = one
                elif named(work, one, b"kind", 4):
                    kind = one
                elif named(work, one, b"name", 4):
                    name = one
                elif named(work, one, b"version", 7):
                    version = one
                else:
                    return False
                one = work.nodes[one].next
        if kind >= 0:
            node = &work.nodes[kind]
            if node.kind != TEXT or node.escaped:
                return False
            if is_one_of(self._reserved, self._reserved_count, work.data + node.start, node.end - node.start):
                return False
            if node.end == node.start:
                kind = -1
        if name >= 0 and work.nodes[name].end == work.nodes[name].start:
            name = -1
        if name < 0 and service >= 0 and work.nodes[service].end > work.nodes[service].start:
            name = service
        put(work, b',"source":{', 11)
        put_text_member(work, &first, b"instance", 8, instance)
        put_member(work, &first, b"kind", 4)
        made.kind = -1
        if kind >= 0:
            made.kind = work.used + 1
            put_quoted(work, &work.nodes[kind])
            made.kind_end = work.used - 1
        else:
            put(work, b'"json"', 6)
        if name >= 0:
            put_text_member(work, &first, b"name", 4, name)
        elif self._instance.size:
            put_member(work, &first, b"name", 4)
            put(work, <const char*>(self._instance.at), self._instance.size)
        put_text_member(work, &first, b"version", 7, version)
        put_one(work, 125)
        return True


cdef int meaning(Work* work, int node) noexcept nogil:
    """Which of `NAMES` a member has; -1 for another."""
    cdef Bytes name = work.data + work.nodes[node].name
    cdef int size = work.nodes[node].name_end - work.nodes[node].name, number
    for number in range(M_COUNT):
        if NAMES[number].size == size and memcmp(NAMES[number].at, name, size) == 0:
            return number
    return -1


cdef bint is_one_of(Word* words, int count, Bytes at, int size) noexcept nogil:
    cdef int index
    for index in range(count):
        if words[index].size == size and memcmp(words[index].at, at, size) == 0:
            return True
    return False


cdef bint is_ours(Work* work, Node* node, int newest) noexcept nogil:
    """Whether a schema is one that this version writes; another may be of a newer one."""
    return node.kind == INT and node.end - node.start == 1 and work.data[node.start] - 48 <= newest


cdef bint is_hexadecimal(Work* work, Node* node, int size) noexcept nogil:
    """Whether a text is empty or has so many digits."""
    if node.kind != TEXT:
        return False
    if node.end == node.start:
        return True
    return node.end - node.start == size and all_hexadecimal(work.data + node.start, size)


cdef bint is_parent(Work* work, Node* node) noexcept nogil:
    """Whether it is a `traceparent` of W3C's form."""
    cdef Bytes at = work.data + node.start
    if node.kind != TEXT or node.end - node.start != 55 or at[2] != 45 or at[35] != 45 or at[52] != 45:
        return False
    return (
        all_hexadecimal(at, 2) and all_hexadecimal(at + 3, 32) and all_hexadecimal(at + 36, 16)
        and all_hexadecimal(at + 53, 2)
    )


cdef inline void entry(Work* work, int* count, int node, bint quoted) noexcept nogil:
    """A member of `attrs`; there is room for every node."""
    work.entries[count[0]].name = work.data + work.nodes[node].name
    work.entries[count[0]].size = work.nodes[node].name_end - work.nodes[node].name
    work.entries[count[0]].node = node
    work.entries[count[0]].quoted = quoted
    count[0] += 1


cdef bint in_order(Entry* entries, int count) noexcept nogil:
    """Sort by name; false if two have one."""
    cdef int index, place, order
    cdef Entry moved
    for index in range(1, count):
        place = index
        moved = entries[index]
        while place > 0:
            order = compare(
                <const char*>entries[place - 1].name, entries[place - 1].size, <const char*>moved.name, moved.size
            )
            if order == 0:
                return False
            if order < 0:
                break
            entries[place] = entries[place - 1]
            place -= 1
        entries[place] = moved
    return True


cdef void put_claimed(Work* work, int* at) noexcept nogil:
    cdef bint first = True
    cdef int number
    put_one(work, 123)
    for number in range(M_ACCESS, M_TENANT + 1):
        if at[number] >= 0:
            put_member(work, &first, <const char*>(NAMES[number].at), NAMES[number].size)
            put_value(work, at[number], True)
    put_one(work, 125)


cdef void put_number(Work* work, int64_t given) noexcept nogil:
    cdef unsigned char[20] digits
    cdef int at = 20
    if given == 0:
        put_one(work, 48)
    while given > 0:
        at -= 1
        digits[at] = 48 + given % 10
        given //= 10
    put(work, <const char*>(digits + at), 20 - at)


cdef void put_digits(Work* work, uint8_t* digest) noexcept nogil:
    cdef int index
    for index in range(16):
        put_one(work, HEX[digest[index] >> 4])
        put_one(work, HEX[digest[index] & 15])


cdef void put_dedup(Work* work, bint* first, uint8_t* key) noexcept nogil:
    put_member(work, first, b"dedup", 5)
    put_one(work, 34)
    put_digits(work, key)
    put_one(work, 34)


cdef object _digits(uint8_t* digest):
    cdef char[32] out
    cdef int index
    for index in range(16):
        out[2 * index] = HEX[digest[index] >> 4]
        out[2 * index + 1] = HEX[digest[index] & 15]
    return PyUnicode_DecodeUTF8(out, 32, NULL)


def digest(bytes secret, bytes data):
    """The digest of at least one byte, as of contents and keys; `secret` has 64 bytes at most."""
    cdef glasshatch_b2 begun
    cdef uint8_t[16] out
    if len(secret) > 64 or not data:
        raise ValueError("a secret of more than 64 bytes, or nothing to be digested")
    glasshatch_b2_begin(&begun, <const uint8_t*>PyBytes_AS_STRING(secret), len(secret))
    glasshatch_b2_digest(&begun, <const uint8_t*>PyBytes_AS_STRING(data), len(data), out)
    return _digits(out)
