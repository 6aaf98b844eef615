# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Entries to columns, compiled. `rows` in Python does the same, and does it for what this leaves out."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

FORMAT = 1

cdef extern from "columnbuffers.h":
    enum: DONE, ODD, NO_MEMORY, FULL, RAISED
    ctypedef struct Bytes:
        uint8_t* data
        size_t size
    ctypedef struct Texts:
        Bytes ends
        Bytes data
    ctypedef struct Lists:
        Bytes ends
        Texts texts
    int bytes_add(Bytes*, const void*, size_t)
    int texts_begin(Texts*)
    int lists_begin(Lists*)
    void bytes_free(Bytes*)
    void texts_free(Texts*)
    void lists_free(Lists*)

cdef extern from "columntexts.h":
    ctypedef struct Slice:
        const uint8_t* data
        uint32_t size
        int escaped
    struct Shape:
        Member* members
        int count
    ctypedef struct Member:
        Slice name, missing, choices
        int kind, slot, required, cut
        const Shape* part
    ctypedef struct Names:
        pass
    ctypedef struct Walk:
        Slice* texts
        int64_t* numbers
        Names* names
        int text_count, number_count, name_count
        const Slice* cut_names
        int cut_count
        uint64_t seed
        int64_t version, time_most

cdef extern from "columnwalk.h":
    int walk_entry(Walk*, const uint8_t*, size_t, const Shape*)
    void walk_free(Walk*)

cdef extern from "columnrows.h":
    enum: MAX_CUTS
    ctypedef int (*WordsOf)(void*, const uint8_t*, size_t, Bytes*) noexcept
    ctypedef struct Cut:
        int text, time, name
        uint8_t mark
    ctypedef struct Line:
        pass
    ctypedef struct Rows:
        Texts* texts
        Bytes* numbers
        Lists* names
        Lists open_paths[3]
        Lists open_texts[3]
        Lists label_pairs
        Texts ledger, body, rest
        Bytes index, month, time, delay, work
        size_t count
        int labels
        const int* worded
        const int* worded_names
        int worded_count, worded_name_count, cut_count
        Cut cuts[28]
        Line* lines
        int32_t* line_table
        int64_t last_day
        WordsOf words_of
        void* context
    void rows_prepare()
    int add_row(Rows*, const Walk*, const Slice*, int64_t)

rows_prepare()


cdef int words_in_python(void* context, const uint8_t* data, size_t size, Bytes* out) noexcept:
    """The line of a text beyond ASCII; an error is kept for whoever asked for the row."""
    cdef Columns columns = <Columns>context
    cdef bytes line
    try:
        line = columns._words(PyUnicode_DecodeUTF8(<const char*>data, size, NULL))
    except BaseException as error:
        columns._error = error
        return RAISED
    return bytes_add(out, PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line))


cdef class Plan:
    """What there is in an event, and which column takes it: told by Python once, see `columnplan`."""

    cdef Shape* _shapes
    cdef int _shape_count
    cdef Slice* _cut_names
    cdef int* _worded
    cdef int* _worded_names
    cdef object _told
    cdef list _kept

    def __cinit__(self, told):
        self._told = told
        self._kept = []
        self._shape_count = len(told.shapes)
        self._shapes = <Shape*>calloc(self._shape_count + 1, sizeof(Shape))
        self._cut_names = <Slice*>calloc(len(told.cut_names) + 1, sizeof(Slice))
        self._worded = <int*>calloc(len(told.worded) + 1, sizeof(int))
        self._worded_names = <int*>calloc(len(told.worded_names) + 1, sizeof(int))
        if not (self._shapes and self._cut_names and self._worded and self._worded_names):
            raise MemoryError
        if len(told.cuts) > MAX_CUTS or len(told.opens) != 3:
            raise ValueError("more members than the kernel has room for")
        for place, members in enumerate(told.shapes):
            self._shape(&self._shapes[place], members, place)
        for place, name in enumerate(told.cut_names):
            self._cut_names[place] = self._slice(name)
        for place, slot in enumerate(told.worded):
            self._worded[place] = slot
        for place, slot in enumerate(told.worded_names):
            self._worded_names[place] = slot

    def __dealloc__(self):
        cdef int place
        if self._shapes:
            for place in range(self._shape_count):
                free(self._shapes[place].members)
        free(self._shapes)
        free(self._cut_names)
        free(self._worded)
        free(self._worded_names)

    cdef Slice _slice(self, bytes text):
        cdef Slice found
        self._kept.append(text)
        found.data = <const uint8_t*>PyBytes_AS_STRING(text)
        found.size = PyBytes_GET_SIZE(text)
        found.escaped = 0
        return found

    cdef int _shape(self, Shape* shape, members, int known) except -1:
        cdef Member* member
        shape.members = <Member*>calloc(len(members) + 1, sizeof(Member))
        if not shape.members:
            raise MemoryError
        shape.count = len(members)
        for place, told in enumerate(members):
            member = &shape.members[place]
            member.name = self._slice(told.name)
            member.missing = self._slice(told.missing)
            member.choices = self._slice(told.choices)
            member.kind, member.slot, member.cut = told.kind, told.slot, told.cut
            member.required = told.required
            if told.part >= 0:
                if told.part >= known:
                    raise ValueError("a part stands behind what holds it")
                member.part = &self._shapes[told.part]
        return 0


cdef class Columns:
    """The columns of entries, one row each, but for those that are left out.

    Args:
        words: The line of a body for a text that is not ASCII.
    """

    cdef Plan _plan
    cdef object _words
    cdef object _error
    cdef Walk _walk
    cdef Rows _rows

    def __cinit__(self, Plan plan, words, long long seed):
        cdef Walk* w = &self._walk
        cdef Rows* r = &self._rows
        memset(w, 0, sizeof(Walk))
        memset(r, 0, sizeof(Rows))
        self._plan, self._words, self._error = plan, words, None
        told = plan._told
        w.seed = <uint64_t>seed
        w.version, w.time_most = told.version, told.time_most
        w.cut_names, w.cut_count = plan._cut_names, len(told.cut_names)
        w.texts = <Slice*>calloc(len(told.texts) + 1, sizeof(Slice))
        w.numbers = <int64_t*>calloc(len(told.numbers) + 1, sizeof(int64_t))
        w.names = <Names*>calloc(len(told.names) + 1, sizeof(Names))
        r.texts = <Texts*>calloc(len(told.texts) + 1, sizeof(Texts))
        r.numbers = <Bytes*>calloc(len(told.numbers) + 1, sizeof(Bytes))
        r.names = <Lists*>calloc(len(told.names) + 1, sizeof(Lists))
        if not (w.texts and w.numbers and w.names and r.texts and r.numbers and r.names):
            raise MemoryError
        w.text_count, w.number_count, w.name_count = len(told.texts), len(told.numbers), len(told.names)
        r.labels = told.opens.index("labels")
        r.worded, r.worded_count = plan._worded, len(told.worded)
        r.worded_names, r.worded_name_count = plan._worded_names, len(told.worded_names)
        r.cut_count = len(told.cuts)
        for place, cut in enumerate(told.cuts):
            r.cuts[place].text, r.cuts[place].time, r.cuts[place].name = cut.text, cut.time, cut.name
            r.cuts[place].mark = cut.mark
        r.last_day = -1
        r.words_of, r.context = words_in_python, <void*>self
        self._begin()

    cdef int _begin(self) except -1:
        cdef int place, bad = 0
        cdef Rows* r = &self._rows
        for place in range(self._walk.text_count):
            bad |= texts_begin(&r.texts[place])
        for place in range(self._walk.name_count):
            bad |= lists_begin(&r.names[place])
        for place in range(3):
            bad |= lists_begin(&r.open_paths[place]) | lists_begin(&r.open_texts[place])
        bad |= lists_begin(&r.label_pairs) | texts_begin(&r.ledger)
        bad |= texts_begin(&r.body) | texts_begin(&r.rest)
        if bad:
            raise MemoryError
        return 0

    def __dealloc__(self):
        cdef int place
        cdef Rows* r = &self._rows
        for place in range(self._walk.text_count):
            texts_free(&r.texts[place])
        for place in range(self._walk.number_count):
            bytes_free(&r.numbers[place])
        for place in range(self._walk.name_count):
            lists_free(&r.names[place])
        for place in range(3):
            lists_free(&r.open_paths[place])
            lists_free(&r.open_texts[place])
        lists_free(&r.label_pairs)
        texts_free(&r.ledger)
        texts_free(&r.body)
        texts_free(&r.rest)
        bytes_free(&r.index)
        bytes_free(&r.month)
        bytes_free(&r.time)
        bytes_free(&r.delay)
        bytes_free(&r.work)
        free(r.lines)
        free(r.line_table)
        free(r.texts)
        free(r.numbers)
        free(r.names)
        walk_free(&self._walk)

    def take(self, entries):
        """Add entries; the places of those that are left out, for Python to read.

        Raises:
            OverflowError: They are more than columns of 2 GiB hold; nothing here is of use any more.
        """
        cdef list odd = []
        cdef Slice place_of
        cdef Py_ssize_t size
        cdef int found
        cdef bytes data
        cdef str ledger, last = None
        memset(&place_of, 0, sizeof(Slice))
        for place, (ledger, index, given) in enumerate(entries):
            if ledger is not last:
                place_of.data = <const uint8_t*>PyUnicode_AsUTF8AndSize(ledger, &size)
                place_of.size = <uint32_t>size
                last = ledger
            if not PyBytes_CheckExact(given):
                raise TypeError("an entry that is not bytes")
            data = given
            found = self._add(data, &place_of, index)
            if found == ODD:
                odd.append(place)
            elif found == FULL:
                raise OverflowError("columns of more than 2 GiB")
            elif found == NO_MEMORY:
                raise MemoryError
            elif found == RAISED:
                raise self._error
        return odd

    cdef int _add(self, bytes data, const Slice* ledger, index) except? -9:
        cdef const uint8_t* at = <const uint8_t*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef int found
        if size > 0x3FFFFFFF:
            return ODD
        found = walk_entry(&self._walk, at, size, &self._plan._shapes[self._plan._shape_count - 1])
        if found == DONE and not data.isascii():
            try:
                PyUnicode_DecodeUTF8(<const char*>at, size, NULL)
            except UnicodeDecodeError:
                return ODD
        if found == DONE:
            found = add_row(&self._rows, &self._walk, ledger, <int64_t>index)
        return found

    def columns(self):
        """How many rows, and every column by its name: the bytes of its buffers, ends before texts."""
        cdef Rows* r = &self._rows
        told = self._plan._told
        found = {"ledger": texts_of(&r.ledger), "body": texts_of(&r.body), "rest": texts_of(&r.rest)}
        found["index"], found["month"] = bytes_of(&r.index), bytes_of(&r.month)
        found["time"], found["delay"] = bytes_of(&r.time), bytes_of(&r.delay)
        for place, name in enumerate(told.texts):
            found[name] = texts_of(&r.texts[<int>place])
        for place, name in enumerate(told.numbers):
            found[name] = bytes_of(&r.numbers[<int>place])
        for place, name in enumerate(told.names):
            found[name] = lists_of(&r.names[<int>place])
        for place, name in enumerate(told.opens):
            found[name] = (lists_of(&r.open_paths[<int>place]), lists_of(&r.open_texts[<int>place]))
        found["label_pairs"] = lists_of(&r.label_pairs)
        return r.count, found


cdef bytes bytes_of(const Bytes* found):
    return PyBytes_FromStringAndSize(<const char*>found.data, found.size)


cdef tuple texts_of(const Texts* found):
    return bytes_of(&found.ends), bytes_of(&found.data)


cdef tuple lists_of(const Lists* found):
    return bytes_of(&found.ends), *texts_of(&found.texts)
