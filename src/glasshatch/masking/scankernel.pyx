# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The scan's inner loops, compiled: the same as `scantwin`, which says what each does."""

from bisect import bisect_right
from operator import itemgetter

from glasshatch.masking.beginnings import DEPTH, ROW, SYMBOLS
from glasshatch.masking.looks import look, unpacked
from glasshatch.masking.programs import LONGEST_BEHIND, MARKS, program
from glasshatch.masking.scantwin import LEAST_LEFT, left_of
from glasshatch.masking.validators import payment, phones, secrets

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

FORMAT = 10

assert (DEPTH, ROW, SYMBOLS) == (3, 17, 129)


cdef extern from "matcher.h":
    enum:
        GLASSHATCH_MARKS
        GLASSHATCH_DEEP
        GLASSHATCH_GAVE_UP
        STEPS "GLASSHATCH_STEPS"
    ctypedef struct glasshatch_turn_t:
        pass
    ctypedef struct glasshatch_match_t:
        int64_t steps
        const unsigned char* text
        Py_ssize_t low
        Py_ssize_t high
        Py_ssize_t* marks
        glasshatch_turn_t* turns
    Py_ssize_t glasshatch_match(
        glasshatch_match_t* match, const int32_t* code, const unsigned char* sets, Py_ssize_t place
    ) noexcept nogil
    bint glasshatch_ascii(const unsigned char* text, Py_ssize_t size) noexcept nogil

assert MARKS == GLASSHATCH_MARKS
cdef Py_ssize_t BEHIND = LONGEST_BEHIND + 1
# One for the process: a program runs to its end without giving up the interpreter's lock.
cdef glasshatch_turn_t TURNS[GLASSHATCH_DEEP]

cdef Py_ssize_t MEMO = 4096
cdef Py_ssize_t LEFT = LEAST_LEFT
cdef Py_ssize_t VAIN = 1 << 18
cdef Py_ssize_t VAIN_PER_CHARACTER = 32


cdef Py_ssize_t ENDLESS = (<Py_ssize_t>1) << 62


cdef struct Hit:
    Py_ssize_t end
    Py_ssize_t number


cdef class Collector:
    """Keeps the hits as numbers; `hits` are they as pairs, in order of their ends."""

    cdef Hit* _hits
    cdef Py_ssize_t _count, _room, _limit
    cdef bint _mixed

    def __cinit__(self, Py_ssize_t limit):
        self._hits = NULL
        self._count = self._room = 0
        self._limit = limit
        self._mixed = False

    def __dealloc__(self):
        PyMem_Free(self._hits)

    def take(self, Py_ssize_t number, start, Py_ssize_t end, flags, context):
        self.add(number, end)
        return True if self._count > self._limit else None

    cdef int add(self, Py_ssize_t number, Py_ssize_t end) except -1:
        cdef Hit* larger
        if self._count == self._room:
            larger = <Hit*>PyMem_Realloc(self._hits, (2 * self._room + 64) * sizeof(Hit))
            if larger == NULL:
                raise MemoryError
            self._hits = larger
            self._room = 2 * self._room + 64
        if self._count and end < self._hits[self._count - 1].end:
            self._mixed = True
        self._hits[self._count].number = number
        self._hits[self._count].end = end
        self._count += 1
        return 0

    def __len__(self):
        return self._count

    @property
    def hits(self):
        self.sort()
        return [(self._hits[at].number, self._hits[at].end) for at in range(self._count)]

    def gather(self, Collector other, list begins, list sources):
        """Add the hits of parts, where they lie in the text that the parts were cut from."""
        cdef Py_ssize_t at, place = -1, begin = 0, source = 0, next_begin = 0, end
        other.sort()
        for at in range(other._count):
            end = other._hits[at].end
            while place < 0 or end - 1 >= next_begin:
                place += 1
                if place >= len(begins):
                    raise ValueError("a hit beyond the parts")
                begin = begins[place]
                source = sources[place]
                next_begin = begins[place + 1] if place + 1 < len(begins) else ENDLESS
            self.add(other._hits[at].number, end - begin + source)

    cdef int sort(self) except -1:
        """By their ends; of those with the same end the first that came is the first."""
        cdef Py_ssize_t width = 1, low, middle, high, left, right, out
        cdef Hit* other
        cdef Hit* some
        if not self._mixed:
            return 0
        other = <Hit*>PyMem_Malloc(self._room * sizeof(Hit))
        if other == NULL:
            raise MemoryError
        while width < self._count:
            low = 0
            while low < self._count:
                middle = min(low + width, self._count)
                high = min(middle + width, self._count)
                left, right, out = low, middle, low
                while out < high:
                    if left < middle and (right >= high or self._hits[left].end <= self._hits[right].end):
                        other[out] = self._hits[left]
                        left += 1
                    else:
                        other[out] = self._hits[right]
                        right += 1
                    out += 1
                low = high
            some = self._hits
            self._hits = other
            other = some
            width *= 2
        PyMem_Free(other)
        self._mixed = False
        return 0


cdef Collector collected(hits):
    """Hits as the kernel keeps them."""
    cdef Collector made
    if isinstance(hits, Collector):
        made = hits
        made.sort()
        return made
    made = Collector(0)
    for number, end in hits:
        made.add(number, end)
    return made  # in the order in which they were given


cdef Py_ssize_t FEW = 32  # so many hits are searched for before an expression is looked into that is not yet


cdef extern from "checks.h":
    enum:
        GLASSHATCH_ASK
        GLASSHATCH_FIGURES
    int glasshatch_card(const unsigned char* value, Py_ssize_t size, const uint32_t* issuers) noexcept nogil
    int glasshatch_luhn_text(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_us_ssn(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_ipv4(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_personnummer(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_nanp_phone(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_national_phone(const unsigned char* value, Py_ssize_t size) noexcept nogil
    Py_ssize_t glasshatch_dialled(const unsigned char* value, Py_ssize_t size, unsigned char* number) noexcept nogil
    int glasshatch_secret_value(const unsigned char* value, Py_ssize_t size, const char* others, Py_ssize_t all) noexcept nogil
    int glasshatch_no_reference(const unsigned char* value, Py_ssize_t size, const char* others, Py_ssize_t all) noexcept nogil
    int glasshatch_spoken_secret(const unsigned char* value, Py_ssize_t size, const char* others, Py_ssize_t all) noexcept nogil
    int glasshatch_crypto_wallet(const unsigned char* value, Py_ssize_t size) noexcept nogil
    int glasshatch_iban(const unsigned char* value, Py_ssize_t size, const unsigned char* lengths) noexcept nogil

CHECKS = {name: number for number, name in enumerate((
    "card", "luhn", "us_ssn", "ipv4", "personnummer", "nanp_phone", "national_phone", "international_phone",
    "phone_in_context", "secret_value", "no_reference", "spoken_secret", "crypto_wallet", "iban",
))}

cdef uint32_t ISSUERS[10000]  # by the first four digits, a bit for each length
cdef unsigned char IBAN_LENGTHS[676]
memset(ISSUERS, 0, sizeof(ISSUERS))
memset(IBAN_LENGTHS, 0, sizeof(IBAN_LENGTHS))
for _first, _lengths in payment.ISSUERS.items():
    assert 0 <= int(_first) < 10000 and max(_lengths) < 20 and min(_lengths) >= 12
    ISSUERS[int(_first)] = sum(1 << _length for _length in _lengths)
for _first, _length in payment.IBAN_LENGTHS.items():
    assert len(_first) == 2 and _first.isascii() and _first.isupper() and _length < 48
    IBAN_LENGTHS[(ord(_first[0]) - 65) * 26 + ord(_first[1]) - 65] = _length
# What `checks.h` leaves to Python: words alone, and what begins like a reference.
assert all(one.isalpha() for one in (*secrets.PLACEHOLDERS, *secrets.NOTHING))
cdef bytes REFERENCES = b"".join(one.encode() + b"\0" for one in secrets.REFERENCES if one.isascii())
assert all(one.isascii() and one == one.lower() for one in secrets.REFERENCES)


cdef class Whole:
    """Whether an expression matches a whole value of ASCII."""

    cdef bytes code, sets

    def __init__(self, str pattern):
        made = program(f"(?:{pattern})\\Z", 0, 0)
        self.code, self.sets = made if made is not None else (b"", b"")

    cdef int matches(self, const unsigned char* value, Py_ssize_t size) noexcept:
        cdef glasshatch_match_t match
        cdef Py_ssize_t stop
        if not self.code:
            return GLASSHATCH_ASK
        match.text, match.turns, match.low, match.high = value, TURNS, 0, size
        stop = glasshatch_match(&match, <const int32_t*><const char*>self.code, self.sets, 0)
        return GLASSHATCH_ASK if stop == GLASSHATCH_GAVE_UP else stop >= 0


cdef class Plan:
    """How the numbers of a calling code are dialled."""

    cdef uint32_t lengths
    cdef Whole form

    def __init__(self, lengths, form):
        self.lengths = sum(1 << length for length in lengths)
        self.form = Whole(form.pattern)


cdef list PLANS = [False] * 1000  # by calling code: False if it was not asked for yet, None if it is not in use
cdef Whole DATE = None


cdef int international_phone(const unsigned char* value, Py_ssize_t size) except -2:
    cdef unsigned char number[GLASSHATCH_FIGURES]
    cdef Py_ssize_t count = glasshatch_dialled(value, size, number), place, at
    cdef int code = 0, told
    cdef Plan plan
    if count == 0:
        return 0
    for place in range(3):
        code = code * 10 + number[place] - 48
        if PLANS[code] is False:
            made = phones.plan(code)
            PLANS[code] = None if made is None else Plan(*made)
        plan = PLANS[code]
        if plan is not None:
            count -= place + 1
            if not plan.lengths >> count & 1:
                return 0
            told = plan.form.matches(number + place + 1, count)
            if told == 0:
                for at in range(1, size):
                    if value[at] in (32, 46, 45, 40, 41, 47):
                        return 1
            return told
    return 0


cdef int phone_in_context(const unsigned char* value, Py_ssize_t size) except -2:
    global DATE
    cdef Py_ssize_t first = 0
    cdef int told
    if not glasshatch_national_phone(value, size):
        return 0
    if DATE is None:
        DATE = Whole(phones.DATE.pattern)
    told = DATE.matches(value, size)
    if told:
        return 0 if told == 1 else GLASSHATCH_ASK
    while first < size and value[first] == 40:
        first += 1
    return international_phone(value, size) if first < size and value[first] == 43 else 1


cdef int checked(int which, const unsigned char* value, Py_ssize_t size) except -2:
    """What a validator says of a value; GLASSHATCH_ASK if the one in Python must be asked."""
    cdef const char* others = REFERENCES
    cdef Py_ssize_t all = len(REFERENCES)
    if which < 0 or not glasshatch_ascii(value, size):
        return GLASSHATCH_ASK
    if which == 0:
        return glasshatch_card(value, size, ISSUERS)
    if which == 1:
        return glasshatch_luhn_text(value, size)
    if which == 2:
        return glasshatch_us_ssn(value, size)
    if which == 3:
        return glasshatch_ipv4(value, size)
    if which == 4:
        return glasshatch_personnummer(value, size)
    if which == 5:
        return glasshatch_nanp_phone(value, size)
    if which == 6:
        return glasshatch_national_phone(value, size)
    if which == 7:
        return international_phone(value, size)
    if which == 8:
        return phone_in_context(value, size)
    if which == 9:
        return glasshatch_secret_value(value, size, others, all)
    if which == 10:
        return glasshatch_no_reference(value, size, others, all)
    if which == 11:
        return glasshatch_spoken_secret(value, size, others, all)
    if which == 12:
        return glasshatch_crypto_wallet(value, size)
    return glasshatch_iban(value, size, IBAN_LENGTHS)


def verdict(str name, bytes value):
    """What the compiled validator of a name says, for tests; None if the one in Python must be asked."""
    told = checked(CHECKS[name], value, len(value))
    return None if told == GLASSHATCH_ASK else bool(told)


cdef struct Spans:
    Py_ssize_t begin, stop, first, last  # a match, and the group that is the value; -1 if it took no part


cdef class Expression:
    """An expression as it is searched for: by its tables and program as far as they are known, else by `re`.

    What is kept beside the packs is known from the first hit on; else it is made at the `FEW`th.
    """

    cdef object detector, group
    cdef bint context, told, looked
    cdef tuple held
    cdef const unsigned char* inside
    cdef const unsigned char* ahead
    cdef const unsigned char* second
    cdef const unsigned char* third
    cdef const int32_t* code
    cdef const unsigned char* sets

    def __init__(self, detector, bint context):
        self.detector = detector
        self.context = context
        self.group = 0 if context else detector.group
        looks = detector.near_looks if context else detector.looks
        if looks:
            self.tell(looks)

    cdef object compiled(self):
        # Compiled when it is needed first, which takes milliseconds.
        return self.detector.context if self.context else self.detector.verify

    cdef int look_into(self) except -1:
        if not self.looked:
            compiled = self.compiled()
            self.tell(look(compiled.pattern, compiled.flags, self.group))
        return 0

    cdef int tell(self, bytes looks) except -1:
        # Two threads may do this at once: both find the same, and that it is told comes last.
        cdef tuple held = unpacked(looks)
        self.looked = True
        if held is None or self.held is not None:
            return 0
        if len(held[0]) != ROW or any(len(table) != ROW * SYMBOLS for table in held[1:4]):
            raise ValueError("tables of another size")
        self.held = held
        self.inside, self.ahead, self.second, self.third = held[:4]
        if held[4]:
            self.sets = held[5]
            self.code = <const int32_t*><const char*>held[4]
        self.told = True
        return 0


cdef bint spans_of(Expression expression, object match, Spans* spans) except -1:
    if match is None:
        return False
    spans.begin, spans.stop = match.span()
    spans.first, spans.last = match.span(expression.group)
    return True


class GaveUp(Exception):
    """A program that does not know; a scan asks `re` then."""


class Trial:
    """The program of an expression, for tests."""

    def __init__(self, compiled, group):
        self._group = group
        self.program = program(compiled.pattern, compiled.flags, group)

    def match(self, bytes octets, Py_ssize_t place, Py_ssize_t high, Py_ssize_t low=0):
        """The spans of the match at a place, and of the group; None if there is none.

        Raises:
            GaveUp: `re` must be asked: there is no program, or it does not know.
        """
        cdef glasshatch_match_t match
        cdef Py_ssize_t stop
        cdef bytes code, sets
        if not 0 <= low <= place <= high <= len(octets):
            raise ValueError("a place beyond the text")
        match.text, match.turns, match.low, match.high = octets, TURNS, low, high
        if self.program is None or not glasshatch_ascii(match.text + low, high - low):
            raise GaveUp
        code, sets = self.program
        stop = glasshatch_match(&match, <const int32_t*><const char*>code, sets, place)
        self.steps = STEPS - match.steps
        if stop == GLASSHATCH_GAVE_UP:
            raise GaveUp
        if stop < 0:
            return None
        return (place, stop), (match.marks[0], match.marks[1]) if self._group != 0 else (place, stop)


cdef class Rule:
    cdef Py_ssize_t place, before, after, hits
    cdef int check
    cdef object accepts, detector
    cdef Expression verify, near
    cdef dict memo

    def __init__(self, plain):
        self.place, self.before, self.after, self.detector = plain
        self.memo = {}
        self.hits = 0

    cdef int prepare(self) except -1:
        # At the first hit: of all rules a process needs a few, and each costs milliseconds to compile.
        # The expression comes last, so that another thread that sees it sees the others too.
        self.accepts = self.detector.accepts
        plain = not self.detector.least_entropy and not self.detector.allowed
        self.check = CHECKS.get(self.detector.validator, -1) if plain else -1
        self.near = Expression(self.detector, True) if self.detector.near else None
        self.verify = Expression(self.detector, False)
        return 0

    cdef int look_into(self) except -1:
        self.verify.look_into()
        if self.near is not None:
            self.near.look_into()
        return 0


cdef inline int symbol(unsigned char octet) noexcept nogil:
    return octet if octet < 128 else 128


cdef inline bint allows(const unsigned char* table, int left, int right) noexcept nogil:
    return table[left * 17 + (right >> 3)] >> (right & 7) & 1


cdef Py_ssize_t next_begin(
    Expression rule, const unsigned char* data, Py_ssize_t place, Py_ssize_t end, Py_ssize_t high
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


cdef Py_ssize_t reach_back(
    Expression rule, const unsigned char* data, Py_ssize_t low, Py_ssize_t end
) noexcept nogil:
    """How far before the end of a hit a match that reaches it may begin, told by what may lie within."""
    cdef Py_ssize_t place = end - 1
    cdef int one
    while place > low:
        one = symbol(data[place - 1])
        if not rule.inside[one >> 3] >> (one & 7) & 1:
            break
        place -= 1
    return place


cdef bint accepted(Rule rule, str text, const unsigned char* data, Py_ssize_t first, Py_ssize_t last) except -1:
    """Whether the validator accepts what stands there."""
    cdef int told
    cdef str value
    if rule.accepts is None:
        return True
    told = checked(rule.check, data + first, last - first)
    if told != GLASSHATCH_ASK:
        return told
    value = text[first:last]
    verdict = rule.memo.get(value)
    if verdict is None:
        if len(rule.memo) >= MEMO:
            rule.memo.clear()
        verdict = bool(rule.accepts(value))
        rule.memo[value] = verdict
    return verdict is True


cdef bint matched(
    Expression rule, str text, glasshatch_match_t* match, bint plain, Py_ssize_t place, Py_ssize_t end, Spans* spans
) except -1:
    """As the search of an expression from `place` on, if what it finds begins before `end`.

    Args:
        plain: What the match may look at is ASCII, so that the program may run.
    """
    cdef Py_ssize_t stop
    place = next_begin(rule, match.text, place, end, match.high)
    while place < end:
        stop = GLASSHATCH_GAVE_UP
        if plain and rule.code != NULL:
            stop = glasshatch_match(match, rule.code, rule.sets, place)
        if stop == GLASSHATCH_GAVE_UP:
            if spans_of(rule, rule.compiled().match(text, place, match.high), spans):
                return True
        elif stop >= 0:
            spans.begin = spans.first = place
            spans.stop = spans.last = stop
            if rule.group != 0:
                spans.first, spans.last = match.marks[0], match.marks[1]
            return True
        place = next_begin(rule, match.text, place + 1, end, match.high)
    return False


cdef class Rules:
    cdef list _rules
    cdef Py_ssize_t _detectors

    def __init__(self, rules, Py_ssize_t detectors):
        # One for all triggers of a detector, so that it is looked into once.
        known = {}
        self._rules = [known.setdefault(plain[0], Rule(plain)) for plain in rules]
        self._detectors = detectors

    def check(self, str text, bytes octets, hits, list starts, list others):
        cdef dict found = {}
        cdef const unsigned char* data = octets
        cdef glasshatch_match_t match
        cdef Spans spans
        cdef bint told, plain, right
        cdef Py_ssize_t size = len(self._rules), vain = VAIN + VAIN_PER_CHARACTER * len(text)
        cdef Py_ssize_t number, end, index = -1, first = 0, last = 0, low, high, place
        cdef Rule rule
        cdef str value
        cdef Collector all = collected(hits)
        cdef Py_ssize_t at, bound = min(<Py_ssize_t>len(octets), <Py_ssize_t>starts[len(starts) - 1])
        cdef list known
        if len(octets) != len(text):
            raise ValueError("octets are one for each character")
        match.text = data
        match.turns = TURNS
        cdef Py_ssize_t* done = <Py_ssize_t*>PyMem_Calloc(self._detectors + 1, sizeof(Py_ssize_t))
        if done == NULL:
            raise MemoryError
        try:
            for at in range(all._count):
                number, end = all._hits[at].number, all._hits[at].end
                if number >= size:
                    others.append((number, end))
                    continue
                if not 1 < end <= bound:
                    raise ValueError("a hit beyond the text")
                rule = <Rule>self._rules[number]
                if end <= done[rule.place]:
                    continue
                if end > last:
                    index = bisect_right(starts, end - 1) - 1
                    first, last = starts[index] - 1, starts[index + 1] - 1
                if rule.verify is None:
                    rule.prepare()
                low = end - rule.before if end - rule.before > first else first
                high = end + rule.after if end + rule.after < last else last
                if not rule.verify.told and rule.hits < FEW:
                    rule.hits += 1
                    if rule.hits == FEW:
                        rule.look_into()
                told = rule.verify.told
                match.high = high
                match.low = low - BEHIND if low > BEHIND else 0
                plain = told and glasshatch_ascii(data + match.low, high - match.low)
                place = reach_back(rule.verify, data, low, end) if told else low
                while True:
                    if told:
                        right = matched(rule.verify, text, &match, plain, place, end, &spans)
                    else:
                        right = spans_of(rule.verify, rule.verify.compiled().search(text, place, high), &spans)
                    if not right or spans.stop < end - 1:
                        pass
                    elif spans.begin >= end:
                        right = False
                    elif spans.first >= 0:
                        spans.first += spans.first < spans.last and data[spans.first] == 0
                        if spans.first < spans.last:
                            if accepted(rule, text, data, spans.first, spans.last):
                                if rule.near is None or is_near(rule.near, text, &match, plain, low):
                                    break
                    if not right:
                        break
                    place = spans.stop if spans.stop > spans.begin else spans.begin + 1
                if not right:
                    vain -= high - low
                    if vain < 0:
                        raise OverflowError("more candidates than can be checked")
                    continue
                done[rule.place] = spans.last
                value = text[spans.first:spans.last]
                known = <list>found.get(index)
                if known is None:
                    found[index] = [(spans.first, spans.last, rule.detector, value)]
                else:
                    known.append((spans.first, spans.last, rule.detector, value))
        finally:
            PyMem_Free(done)
        return found


cdef bint is_near(
    Expression near, str text, glasshatch_match_t* match, bint plain, Py_ssize_t low
) except -1:
    """Whether the words that must stand near stand in the window."""
    cdef Spans spans
    if near.told:
        return matched(near, text, match, plain, low, match.high, &spans)
    return near.compiled().search(text, low, match.high) is not None


cdef Py_ssize_t start_of(tuple one) except? -1:
    return one[0]


cdef Py_ssize_t end_of(tuple one) except? -1:
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


cdef enum:
    SMALL = 24  # so many findings that overlap are settled without a sort of Python's
    MOST_KEPT = 96


cdef struct Weighed:
    Py_ssize_t start, end
    double trust
    bint secret
    int place  # in the group; or the place of the secret that it is left of, below zero


cdef bint surer(Weighed* one, Weighed* other) noexcept nogil:
    """Whether one comes before another: the surest, then the longest, then the first."""
    if one.trust != other.trust:
        return one.trust > other.trust
    if one.end - one.start != other.end - other.start:
        return one.end - one.start > other.end - other.start
    return one.start < other.start


cdef int keep(Weighed* kept, int count, Weighed* one) noexcept nogil:
    """Put one between those that are kept, which stay in order."""
    cdef int at = count
    while at and kept[at - 1].start > one.start:
        kept[at] = kept[at - 1]
        at -= 1
    kept[at] = one[0]
    return count + 1


cdef list best_of(list group):
    cdef Weighed weighed[SMALL]
    cdef Weighed kept[MOST_KEPT]
    cdef Weighed left[MOST_KEPT]
    cdef Weighed one
    cdef int size = len(group), count = 0, lefts, at, other, begun = 0
    cdef Py_ssize_t begin
    cdef tuple found
    cdef bint free
    if size == 1:
        return group
    if size > SMALL:
        return best_of_many(group)
    for at in range(size):
        found = group[at]
        detector = found[2]
        one.start, one.end, one.trust = found[0], found[1], detector.confidence
        one.secret, one.place = detector.type == "SECRET", at
        if one.end <= one.start:
            return best_of_many(group)
        other = at
        while other and surer(&one, &weighed[other - 1]):
            weighed[other] = weighed[other - 1]
            other -= 1
        weighed[other] = one
    for at in range(size):
        one = weighed[at]
        free = True
        for other in range(count):
            if one.end > kept[other].start and one.start < kept[other].end:
                free = False
                break
        if free:
            count = keep(kept, count, &one)
        elif one.secret:
            lefts = 0
            begin = one.start
            for other in range(count):
                if kept[other].end <= begin or kept[other].start >= one.end:
                    continue
                if kept[other].secret:
                    lefts = -1
                    break
                if kept[other].start - begin >= LEFT:
                    left[lefts] = one
                    left[lefts].start, left[lefts].end, left[lefts].place = begin, kept[other].start, -one.place - 1
                    lefts += 1
                begin = kept[other].end
            if lefts >= 0 and one.end - begin >= LEFT:
                left[lefts] = one
                left[lefts].start, left[lefts].place = begin, -one.place - 1
                lefts += 1
            for other in range(lefts):
                count = keep(kept, count, &left[other])
        if count > MOST_KEPT - SMALL - 2:
            return best_of_many(group)
    return [
        group[kept[at].place] if kept[at].place >= 0 else part_of(group[-kept[at].place - 1], &kept[at])
        for at in range(count)
    ]


cdef tuple part_of(tuple found, Weighed* part):
    return part.start, part.end, found[2], ""


cdef list best_of_many(list group):
    cdef list kept = []
    cdef tuple one, other
    cdef Py_ssize_t start, end
    cdef bint free
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

cdef Py_ssize_t MARGIN = 12
cdef uint64_t FULL = 0xFFFFFFFFFFFFFFFF


cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif

    /* Bit n: whether the n-th of 64 octets is a digit. */
    static inline uint64_t digits_among(const unsigned char *octets) {
        uint64_t found = 0;
    #if defined(__SSE2__)
        for (int part = 0; part < 4; part++) {
            __m128i some = _mm_loadu_si128((const __m128i *)(octets + 16 * part));
            __m128i above = _mm_sub_epi8(some, _mm_set1_epi8(48));
            __m128i is = _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(9)), above);
            found |= (uint64_t)(uint32_t)_mm_movemask_epi8(is) << (16 * part);
        }
    #else
        for (int one = 0; one < 64; one++)
            found |= (uint64_t)((unsigned char)(octets[one] - 48) < 10) << one;
    #endif
        return found;
    }

    #if defined(__SSE2__)
    #define IS(some, letter) _mm_cmpeq_epi8(some, _mm_set1_epi8(letter))
    #endif

    /* Bit n: whether the n-th of 64 octets is a letter or a digit, or one of + / _ - if it is `wide`. */
    static inline uint64_t runs_among(const unsigned char *octets, int wide) {
        uint64_t found = 0;
    #if defined(__SSE2__)
        for (int part = 0; part < 4; part++) {
            __m128i some = _mm_loadu_si128((const __m128i *)(octets + 16 * part));
            __m128i digit = _mm_sub_epi8(some, _mm_set1_epi8(48));
            __m128i letter = _mm_sub_epi8(_mm_or_si128(some, _mm_set1_epi8(32)), _mm_set1_epi8(97));
            __m128i is = _mm_or_si128(
                _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit),
                _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter));
            if (wide)
                is = _mm_or_si128(is, _mm_or_si128(
                    _mm_or_si128(IS(some, '+'), IS(some, '/')), _mm_or_si128(IS(some, '_'), IS(some, '-'))));
            found |= (uint64_t)(uint32_t)_mm_movemask_epi8(is) << (16 * part);
        }
    #else
        for (int one = 0; one < 64; one++)
            found |= (uint64_t)((unsigned char)(octets[one] - 48) < 10
                                || (unsigned char)((octets[one] | 32) - 97) < 26
                                || (wide && (octets[one] == '+' || octets[one] == '/' || octets[one] == '_'
                                             || octets[one] == '-'))) << one;
    #endif
        return found;
    }

    /* The number of the lowest bit; one must be set. */
    static inline int lowest(uint64_t bits) {
    #if defined(__GNUC__) || defined(__clang__)
        return __builtin_ctzll(bits);
    #else
        int place = 0;
        while (!(bits & 1)) { bits >>= 1; place++; }
        return place;
    #endif
    }
    """
    uint64_t digits_among(const unsigned char* octets) noexcept nogil
    uint64_t runs_among(const unsigned char* octets, bint wide) noexcept nogil
    int lowest(uint64_t bits) noexcept nogil


cdef class Parts:
    """Parts of a text as they are gathered: those that touch become one."""

    cdef bytes data
    cdef list parts, begins, sources
    cdef Py_ssize_t begun, ended, written

    def __init__(self, bytes data):
        self.data = data
        self.parts, self.begins, self.sources = [], [], []
        self.begun = self.ended = -1
        self.written = 0

    cdef int add(self, Py_ssize_t low, Py_ssize_t high) except -1:
        low = max(0, low)
        high = min(len(self.data), high)
        if self.begun >= 0 and low <= self.ended:
            self.ended = max(self.ended, high)
            return 0
        self.cut()
        self.begun = low
        self.ended = high
        return 0

    cdef int cut(self) except -1:
        if self.begun >= 0:
            self.parts.append(self.data[self.begun:self.ended])
            self.begins.append(self.written)
            self.sources.append(self.begun)
            self.written += self.ended - self.begun + 1
        return 0

    cdef tuple done(self):
        self.cut()
        return b"\0".join(self.parts), self.begins, self.sources


cdef inline bint apart(const unsigned char* octets, Py_ssize_t last, Py_ssize_t place) noexcept nogil:
    """Whether two digits with nothing but other characters between belong to different parts."""
    cdef Py_ssize_t between
    if place - last > 4:
        return True
    for between in range(last + 1, place):
        if KIND[octets[between]] == 2:
            return True
    return False


def dense(bytes data):
    cdef const unsigned char* octets = data
    cdef unsigned char rest[64]
    cdef Py_ssize_t size = len(data), block = 0, place, first = 0, last = -9, digits = 0
    cdef uint64_t bits
    cdef Parts parts = Parts(data)
    while block < size:
        if size - block >= 64:
            bits = digits_among(octets + block)
        else:
            memset(rest, 0, 64)
            memcpy(rest, octets + block, size - block)
            bits = digits_among(rest)
        while bits:
            place = block + lowest(bits)
            bits &= bits - 1
            if place == last + 1 or not apart(octets, last, place):
                digits += 1
            else:
                if digits >= 6:
                    parts.add(first - MARGIN, last + 1 + MARGIN)
                first = place
                digits = 1
            last = place
        block += 64
    if digits >= 6:
        parts.add(first - MARGIN, last + 1 + MARGIN)
    return parts.done()


cdef int add_run(
    Parts parts, const unsigned char* octets, Py_ssize_t begin, Py_ssize_t end, bint wide
) except -1:
    """Add a run if it is long enough, and holds what it must."""
    cdef Py_ssize_t place
    if end - begin < 10:
        return 0
    if wide:
        for place in range(begin, end):
            if 65 <= octets[place] < 91:
                return parts.add(begin - 1, end + 1)
        return 0
    if end - begin < 16:
        for place in range(begin, end):
            if KIND[octets[place]] == 1:
                break
        else:
            return 0
    return parts.add(begin - MARGIN, end + MARGIN)


def runs(bytes data):
    return cut_runs(data, False)


def codes(bytes data):
    return cut_runs(data, True)


cdef tuple cut_runs(bytes data, bint wide):
    cdef const unsigned char* octets = data
    cdef unsigned char rest[64]
    cdef Py_ssize_t size = len(data), block = 0, begun = 0
    cdef uint64_t bits, long_ones
    cdef int place, length
    cdef bint running = False
    cdef Parts parts = Parts(data)
    while block < size:
        if size - block >= 64:
            bits = runs_among(octets + block, wide)
        else:
            memset(rest, 0, 64)
            memcpy(rest, octets + block, size - block)
            bits = runs_among(rest, wide)
        if running:
            if bits == FULL:
                block += 64
                continue
            length = lowest(~bits)
            add_run(parts, octets, begun, block + length, wide)
            running = False
            bits &= ~((<uint64_t>1 << length) - 1)
        # Where ten in a row begin; then the run that reaches into the next block, however short it is here.
        long_ones = bits & bits >> 1
        long_ones &= long_ones >> 2
        long_ones &= long_ones >> 4
        long_ones &= long_ones >> 2
        while long_ones:
            place = lowest(long_ones)
            if ~(bits >> place) == 0 or place + lowest(~(bits >> place)) >= 64:
                break
            length = lowest(~(bits >> place))
            add_run(parts, octets, block + place, block + place + length, wide)
            if place + length >= 63:
                break
            long_ones &= ~((<uint64_t>1 << (place + length)) - 1)
        if bits >> 63:
            place = 63
            while place and bits >> (place - 1) & 1:
                place -= 1
            begun = block + place
            running = True
        block += 64
    if running:
        add_run(parts, octets, begun, size, wide)
    return parts.done()


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


def rewritten(str text, list found, Py_ssize_t shift, dict ways):
    cdef Py_ssize_t done = 0, start, size = len(text)
    cdef list parts = []
    cdef tuple one
    for one in found:
        start = start_of(one) - shift
        if start < done or start > size:
            raise ValueError("findings that overlap, or beyond the text")
        if start > done:
            parts.append(text[done:start])
        parts.append(ways[one[2].name](one[3]))
        done = end_of(one) - shift
    if done < size:
        parts.append(text[done:])
    return "".join(parts)
