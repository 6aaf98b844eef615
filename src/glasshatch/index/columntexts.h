/* What a walk over an entry keeps, and its smallest steps: a text, a whole number, a place that may be cut out.

   The bytes are strangers'. They must end in a zero byte, as those of Python do: no loop runs over it. */

#ifndef GLASSHATCH_COLUMN_TEXTS_H
#define GLASSHATCH_COLUMN_TEXTS_H

#include "columnbuffers.h"

enum { MAX_DEPTH = 100, MAX_PATHS = 1 << 20, OPENS = 3, TIMES = 2 };

enum Kind {
    TEXT, LITERAL, NUMBER, FLAG, NAMES, PART, PARTS, TEXT_MAP, NUMBER_MAP, OPEN_MAP, LABEL_MAP, ANYTHING, TIME,
    VERSION, INTO, INTO_FILLED
};

typedef struct {
    const uint8_t *data;
    uint32_t size;
    int escaped; /* it stands otherwise in the entry */
} Slice;

typedef struct Shape Shape;

typedef struct {
    Slice name, missing, choices; /* `choices`: each with a zero byte behind it */
    int kind, slot, required, cut;
    const Shape *part;
} Member;

struct Shape {
    Member *members;
    int count;
};

typedef struct {
    uint32_t path; /* its place among the paths of its member */
    int32_t next;  /* the next text of the same path, or -1 */
    Slice text;
} Leaf;

typedef struct {
    uint64_t hash;
    uint32_t start, size; /* in `paths` of the walk */
    int32_t first, last, count;
} Path;

typedef struct {
    Leaf *leaves;
    Path *paths;
    int32_t *table; /* by hash: a path and one more, 0 for none */
    size_t leaf_count, leaf_room, path_count, path_room, table_size;
} Open;

typedef struct {
    Slice *items;
    size_t count, room;
} Names;

typedef struct {
    uint32_t start, size; /* of its text in the entry */
    int name;
} Spot;

typedef struct {
    const uint8_t *begin, *at, *end;
    uint8_t *scratch; /* texts without their escapes; as long as the entry, so it never moves */
    size_t scratch_size, scratch_room;
    Slice *texts;
    int64_t *numbers;
    Names *names;
    int text_count, number_count, name_count;
    int64_t times[TIMES];
    Slice time_texts[TIMES];
    Open opens[OPENS];
    Bytes paths;
    Spot *spots; /* members that may be cut out, wherever they stand */
    size_t spot_count, spot_room;
    const Slice *cut_names;
    int cut_count;
    uint64_t seed;
    int64_t version, time_most;
} Walk;

/* What ends a run of plain characters of a text. */
static const uint8_t STOPS[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['"'] = 1, ['\\'] = 1,
};

static inline int expect(Walk *w, uint8_t character) {
    if (*w->at != character) return ODD;
    w->at++;
    return DONE;
}

static inline int hex(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape, of which the backslash is read already; those beyond ASCII are left to Python. */
static int read_escape(Walk *w, uint8_t *found) {
    static const char NAMES_OF[] = "\"\\/bfnrt", ARE[] = "\"\\/\b\f\n\r\t";
    uint8_t c = *w->at++; /* at worst the zero byte at the end, which is no escape */
    if (c == 'u') {
        int value = 0;
        for (int digit = 0; digit < 4; digit++) {
            int one = hex(*w->at);
            if (one < 0) return ODD;
            w->at++;
            value = value * 16 + one;
        }
        if (value > 127) return ODD;
        *found = (uint8_t)value;
        return DONE;
    }
    const char *place = c ? strchr(NAMES_OF, c) : NULL;
    if (!place) return ODD;
    *found = (uint8_t)ARE[place - NAMES_OF];
    return DONE;
}

static int read_escaped(Walk *w, Slice *found, const uint8_t *start) {
    uint8_t *out = w->scratch + w->scratch_size, *begin = out;
    found->escaped = 1;
    w->at = start;
    for (;;) {
        uint8_t c = *w->at++;
        if (c == '"') break;
        if (c < 32) return ODD;
        if (c == '\\') TRY(read_escape(w, &c));
        *out++ = c;
    }
    found->data = begin;
    found->size = (uint32_t)(out - begin);
    w->scratch_size += found->size;
    return DONE;
}

static inline int read_text(Walk *w, Slice *found) {
    TRY(expect(w, '"'));
    const uint8_t *start = w->at, *at = start;
    while (!STOPS[*at]) at++;
    if (*at == '\\') return read_escaped(w, found, start);
    if (*at != '"') return ODD;
    *found = (Slice){start, (uint32_t)(at - start), 0};
    w->at = at + 1;
    return DONE;
}

/* A whole number as it stands. */
static inline int read_digits(Walk *w, Slice *found) {
    const uint8_t *start = w->at, *at = start;
    if (*at == '-') at++;
    const uint8_t *digits = at;
    while (*at >= '0' && *at <= '9') at++;
    size_t count = (size_t)(at - digits);
    if (count == 0 || count > 18 || (*digits == '0' && (count > 1 || digits != start))) return ODD;
    if (*at == '.' || *at == 'e' || *at == 'E') return ODD;
    *found = (Slice){start, (uint32_t)(at - start), 0};
    w->at = at;
    return DONE;
}

static int64_t number_of(const Slice *digits) {
    int64_t value = 0;
    uint32_t at = digits->data[0] == '-';
    for (uint32_t i = at; i < digits->size; i++) value = value * 10 + (digits->data[i] - '0');
    return at ? -value : value;
}

static inline int read_word(Walk *w, const char *word, uint32_t size) {
    if ((size_t)(w->end - w->at) < size || memcmp(w->at, word, size)) return ODD;
    w->at += size;
    return DONE;
}

static inline int same(const Slice *one, const Slice *other) {
    return one->size == other->size && !memcmp(one->data, other->data, one->size);
}

/* Less than, equal to, or greater than zero, as `one` stands before the other. */
static inline int compare(const Slice *one, const Slice *other) {
    uint32_t size = one->size < other->size ? one->size : other->size;
    int order = memcmp(one->data, other->data, size);
    return order ? order : (one->size > other->size) - (one->size < other->size);
}

/* Remember where a member stands that may be cut out; `found` is its text, just read. */
static int spot(Walk *w, int name, const Slice *found) {
    if (found->escaped) return DONE; /* as it stands it is no column's text */
    TRY(array_reserve((void **)&w->spots, &w->spot_room, w->spot_count + 1, sizeof(Spot)));
    w->spots[w->spot_count++] = (Spot){(uint32_t)(found->data - w->begin), found->size, name};
    return DONE;
}

static inline int spot_any(Walk *w, const Slice *key, const Slice *found) {
    if (key->escaped) return DONE;
    for (int i = 0; i < w->cut_count; i++)
        if (same(key, &w->cut_names[i])) return spot(w, i, found);
    return DONE;
}

#endif
