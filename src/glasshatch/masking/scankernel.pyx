# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The scan's inner loops, compiled: the same as `scantwin`, which says what each does."""

from bisect import bisect_right
from operator import itemgetter

from glasshatch.masking.beginnings import DEPTH, ROW, SYMBOLS, beginning
from glasshatch.masking.scantwin import left_of

from cpython.mem cimport PyMem_Calloc, PyMem_Free

FORMAT = 6

assert (DEPTH, ROW, SYMBOLS) == (3, 17, 129)

cdef Py_ssize_t MEMO = 4096
cdef Py_ssize_t VAIN = 1 << 18
cdef Py_ssize_t VAIN_PER_CHARACTER = 32


cdef class Collector:
    cdef readonly list hits
    cdef Py_ssize_t _limit

    def __init__(self, Py_ssize_t limit):
        self.hits = []
        self._limit = limit

    def __call__(self, number, start, end, flags, context):
        self.hits.append((number, end))
        return True if len(self.hits) > self._limit else None


cdef Py_ssize_t FEW = 32  # so many hits are searched for before an expression is looked into


cdef class Rule:
    cdef Py_ssize_t place, before, after, hits
    cdef object search, match, group, accepts, context, detector
    cdef dict memo
    cdef tuple tables
    cdef bint told
    cdef const unsigned char* inside
    cdef const unsigned char* ahead
    cdef const unsigned char* second
    cdef const unsigned char* third

    def __init__(self, plain):
        self.place, self.before, self.after, self.detector = plain
        self.memo = {}
        self.hits = 0

    cdef prepare(self):
        # At the first hit: of all rules a process needs a few, and each costs milliseconds to compile.
        # The search comes last, so that another thread that sees it sees the others too.
        search, self.group, self.accepts, self.context = self.detector.checks()
        self.search = search

    cdef int look_into(self) except -1:
        # Two threads may do this at once: both find the same, and that it is told comes last.
        verify = self.detector.verify
        found = beginning(verify.pattern, verify.flags)
        if found is None or self.tables is not None:
            return 0
        self.match = verify.match
        self.tables = found.inside, *found.steps
        self.inside, self.ahead, self.second, self.third = self.tables
        self.told = True
        return 0


cdef inline int symbol(unsigned char octet) noexcept nogil:
    return octet if octet < 128 else 128


cdef inline bint allows(const unsigned char* table, int left, int right) noexcept nogil:
    return table[left * 17 + (right >> 3)] >> (right & 7) & 1


cdef Py_ssize_t next_begin(
    Rule rule, const unsigned char* data, Py_ssize_t place, Py_ssize_t end, Py_ssize_t high
) noexcept nogil:
    """Where from `place` on a match may begin; `end` if nowhere before it."""
    cdef int first, second
    while place < end:
        if place == 0 or place + 2 >= high:
            return place
        first = symbol(data[place])
        if allows(rule.ahead, symbol(data[place - 1]), first):
            second = symbol(data[place + 1])
            if allows(rule.second, first, second) and allows(rule.third, second, symbol(data[place + 2])):
                return place
        place += 1
    return end


cdef Py_ssize_t reach_back(Rule rule, const unsigned char* data, Py_ssize_t low, Py_ssize_t end) noexcept nogil:
    """How far before the end of a hit a match that reaches it may begin, told by what may lie within."""
    cdef Py_ssize_t place = end - 1
    cdef int one
    while place > low:
        one = symbol(data[place - 1])
        if not rule.inside[one >> 3] >> (one & 7) & 1:
            break
        place -= 1
    return place


cdef bint accepted(Rule rule, str value) except -1:
    verdict = rule.memo.get(value)
    if verdict is None:
        if len(rule.memo) >= MEMO:
            rule.memo.clear()
        verdict = bool(rule.accepts(value))
        rule.memo[value] = verdict
    return verdict is True


cdef object matched(
    Rule rule, str text, const unsigned char* data, Py_ssize_t place, Py_ssize_t end, Py_ssize_t high
):
    """As the search of a rule from `place` on, if what it finds begins before the end of the hit."""
    place = next_begin(rule, data, place, end, high)
    while place < end:
        match = rule.match(text, place, high)
        if match is not None:
            return match
        place = next_begin(rule, data, place + 1, end, high)
    return None


cdef class Rules:
    cdef list _rules
    cdef Py_ssize_t _detectors

    def __init__(self, rules, Py_ssize_t detectors):
        # One for all triggers of a detector, so that it is looked into once.
        known = {}
        self._rules = [known.setdefault(plain[0], Rule(plain)) for plain in rules]
        self._detectors = detectors

    def check(self, str text, bytes octets, list hits, list starts, list others):
        cdef dict found = {}
        cdef const unsigned char* data = octets
        cdef Py_ssize_t place
        cdef bint told
        cdef Py_ssize_t size = len(self._rules), vain = VAIN + VAIN_PER_CHARACTER * len(text)
        cdef Py_ssize_t number, end, index = -1, first = 0, last = 0, low, high, begin, stop
        cdef Rule rule
        cdef tuple hit, span
        cdef str value
        cdef list known
        if len(octets) != len(text):
            raise ValueError("octets are one for each character")
        cdef Py_ssize_t* done = <Py_ssize_t*>PyMem_Calloc(self._detectors + 1, sizeof(Py_ssize_t))
        if done == NULL:
            raise MemoryError
        try:
            for hit in hits:
                number, end = hit
                if number >= size:
                    others.append(hit)
                    continue
                rule = <Rule>self._rules[number]
                if end <= done[rule.place]:
                    continue
                if end > last:
                    index = bisect_right(starts, end - 1) - 1
                    first, last = starts[index] - 1, starts[index + 1] - 1
                if rule.search is None:
                    rule.prepare()
                low = end - rule.before if end - rule.before > first else first
                high = end + rule.after if end + rule.after < last else last
                value = None
                if not rule.told and rule.hits < FEW:
                    rule.hits += 1
                    if rule.hits == FEW:
                        rule.look_into()
                told = rule.told
                if not told:
                    match = rule.search(text, low, high)
                else:
                    place = reach_back(rule, data, low, end)
                    match = matched(rule, text, data, place, end, high)
                while match is not None:
                    span = match.span()
                    begin, stop = span
                    if stop >= end - 1:
                        if begin >= end:
                            match = None
                            break
                        value = match.group(rule.group)
                        if value and value[0] == u"\0":
                            value = value[1:]
                        if value and (rule.accepts is None or accepted(rule, value)):
                            if rule.context is None or rule.context(text, low, high) is not None:
                                break
                    place = stop if stop > begin else begin + 1
                    if not told:
                        match = rule.search(text, place, high)
                    else:
                        match = matched(rule, text, data, place, end, high)
                if match is None:
                    vain -= high - low
                    if vain < 0:
                        raise OverflowError("more candidates than can be checked")
                    continue
                span = match.span(rule.group)
                begin, stop = span
                if begin == first:
                    begin += 1
                done[rule.place] = stop
                known = <list>found.get(index)
                if known is None:
                    found[index] = [(begin, stop, rule.detector, value)]
                else:
                    known.append((begin, stop, rule.detector, value))
        finally:
            PyMem_Free(done)
        return found


cdef Py_ssize_t start_of(tuple one) except -1:
    return one[0]


cdef Py_ssize_t end_of(tuple one) except -1:
    return one[1]


def resolve(list found):
    cdef Py_ssize_t reach = 0, first = 0, index, size = len(found)
    cdef bint apart = True
    cdef tuple one
    cdef list kept
    for one in found:
        if start_of(one) < reach:
            apart = False
            break
        reach = end_of(one)
    if apart:
        return found
    found.sort(key=by_start)
    kept = []
    reach = end_of(found[0])
    for index in range(1, size):
        one = found[index]
        if start_of(one) >= reach:
            if index - first == 1:
                kept.append(found[first])
            else:
                kept += best_of(found[first:index])
            first = index
        reach = max(reach, end_of(one))
    kept += best_of(found[first:])
    return kept


cdef list best_of(list group):
    cdef list kept = []
    cdef tuple one, other
    cdef Py_ssize_t start, end
    cdef bint free
    if len(group) == 1:
        return group
    group.sort(key=by_trust)
    for one in group:
        start = start_of(one)
        end = end_of(one)
        free = True
        for other in kept:
            if end > start_of(other) and start < end_of(other):
                free = False
                break
        if free:
            kept.append(one)
        elif one[2].type == "SECRET":
            kept += left_of(one, kept)
        if len(kept) >= MEMO:
            break
    kept.sort(key=by_start)
    return kept


by_start = itemgetter(0)


def by_trust(tuple one):
    return -one[2].confidence, start_of(one) - end_of(one), one[0]


cdef unsigned char KIND[256]  # 1 a digit, 2 a letter or the end of a text, 0 what may stand between digits
for _octet in range(256):
    KIND[_octet] = 0
    if 48 <= _octet < 58:
        KIND[_octet] = 1
    elif _octet == 0 or 65 <= _octet < 91 or 97 <= _octet < 123 or _octet >= 128:
        KIND[_octet] = 2

cdef Py_ssize_t MARGIN = 8


def dense(bytes data):
    cdef const unsigned char* octets = data
    cdef Py_ssize_t size = len(data), place, first = -1, last = -1, digits = 0, low, high
    cdef Py_ssize_t begun = -1, ended = -1, written = 0
    cdef unsigned char kind
    cdef list parts = [], begins = [], sources = []
    for place in range(size + 1):
        kind = 2 if place == size else KIND[octets[place]]
        if kind == 0:
            continue
        if kind == 1 and digits and place - last <= 4:
            digits += 1
            last = place
            continue
        if digits >= 6:
            low = max(0, first - MARGIN)
            high = min(size, last + 1 + MARGIN)
            if begun >= 0 and low <= ended:
                ended = high
            else:
                if begun >= 0:
                    parts.append(data[begun:ended])
                    begins.append(written)
                    sources.append(begun)
                    written += ended - begun + 1
                begun = low
                ended = high
        digits = 0
        if kind == 1:
            first = last = place
            digits = 1
    if begun >= 0:
        parts.append(data[begun:ended])
        begins.append(written)
        sources.append(begun)
    return b"\0".join(parts), begins, sources


def made(kind, list found, Py_ssize_t shift):
    cdef tuple one
    cdef Py_ssize_t start, end
    cdef list out = []
    for one in found:
        start = one[0]
        end = one[1]
        detector = one[2]
        out.append(kind(start - shift, end - shift, detector.type, detector.confidence, detector.name, one[3]))
    return out


def splice(str text, findings, dict ways):
    cdef Py_ssize_t done = 0, start
    cdef list parts = []
    for finding in findings:
        start = finding.start
        parts.append(text[done:start])
        parts.append(ways[finding.detector](finding.value))
        done = finding.end
    parts.append(text[done:])
    return "".join(parts)
