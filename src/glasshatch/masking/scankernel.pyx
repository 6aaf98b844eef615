# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The scan's inner loops, compiled: the same as `scantwin`, which says what each does."""

from bisect import bisect_right
from operator import itemgetter

from glasshatch.masking.scantwin import left_of

from cpython.mem cimport PyMem_Calloc, PyMem_Free

FORMAT = 5

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


cdef class Rule:
    cdef Py_ssize_t place, before, after
    cdef object search, group, accepts, context, detector
    cdef dict memo

    def __init__(self, plain, dict memo):
        self.place, self.before, self.after, self.detector = plain
        self.memo = memo

    cdef prepare(self):
        # At the first hit: of all rules a process needs a few, and each costs milliseconds to compile.
        # The search comes last, so that another thread that sees it sees the others too.
        search, self.group, self.accepts, self.context = self.detector.checks()
        self.search = search


cdef bint accepted(Rule rule, str value) except -1:
    verdict = rule.memo.get(value)
    if verdict is None:
        if len(rule.memo) >= MEMO:
            rule.memo.clear()
        verdict = bool(rule.accepts(value))
        rule.memo[value] = verdict
    return verdict is True


cdef class Rules:
    cdef list _rules
    cdef Py_ssize_t _detectors

    def __init__(self, rules, Py_ssize_t detectors):
        memos = [{} for _ in range(detectors)]
        self._rules = [Rule(plain, memos[plain[0]]) for plain in rules]
        self._detectors = detectors

    def check(self, str text, list hits, list starts, list others):
        cdef dict found = {}
        cdef Py_ssize_t size = len(self._rules), vain = VAIN + VAIN_PER_CHARACTER * len(text)
        cdef Py_ssize_t number, end, index = -1, first = 0, last = 0, low, high, begin, stop
        cdef Rule rule
        cdef tuple hit, span
        cdef str value
        cdef list known
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
                match = rule.search(text, low, high)
                value = None
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
                    match = rule.search(text, stop if stop > begin else begin + 1, high)
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
