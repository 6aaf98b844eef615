/* The rows that walks leave: every column, and the three that are made of the whole entry: its words, its labels,
   and its bytes without what stands in columns. */

#ifndef GLASSHATCH_COLUMN_ROWS_H
#define GLASSHATCH_COLUMN_ROWS_H

#define _GNU_SOURCE /* memmem */
#include "columnwalk.h"

enum { MAX_CUTS = 28 };

/* The words of a text beyond ASCII between blanks, from Python: adds to `out`. */
typedef int (*WordsOf)(void *context, const uint8_t *data, size_t size, Bytes *out);

typedef struct {
    int text, time, plus; /* a column of texts, or a time, to which another one may be added */
    int name;
    uint8_t mark;
} Cut;

typedef struct {
    uint64_t hash;
    size_t start, size;
} Line;

typedef struct {
    Texts *texts;  /* by the walk's slots */
    Bytes *numbers;
    Lists *names;
    Lists open_paths[OPENS];
    Lists open_texts[OPENS]; /* a list for each path */
    Lists label_pairs;
    Texts ledger, body, rest;
    Bytes index, month, time, delay;
    size_t count;
    int labels; /* which of the open members are labels */
    const int *worded, *worded_names;
    int worded_count, worded_name_count;
    Cut cuts[MAX_CUTS];
    int cut_count;
    Line *lines;
    int32_t *line_table;
    size_t line_count, line_room, line_table_size;
    Bytes work;
    int64_t last_day;
    int32_t last_month;
    WordsOf words_of;
    void *context;
} Rows;

static uint8_t WORD_OF[256]; /* letters and digits of ASCII in lower case; 0 between words, 1 beyond ASCII */

static void rows_prepare(void) {
    for (int c = 0; c < 256; c++) {
        int upper = c >= 'A' && c <= 'Z', plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        WORD_OF[c] = (uint8_t)(c > 127 ? 1 : upper ? c + 32 : plain ? c : 0);
    }
}

static int line_table_grow(Rows *r) {
    size_t size = r->line_table_size ? r->line_table_size * 2 : 128;
    int32_t *table = calloc(size, sizeof *table);
    if (!table) return NO_MEMORY;
    for (size_t i = 0; i < r->line_count; i++) {
        size_t place = r->lines[i].hash & (size - 1);
        while (table[place]) place = (place + 1) & (size - 1);
        table[place] = (int32_t)i + 1;
    }
    free(r->line_table);
    r->line_table = table;
    r->line_table_size = size;
    return DONE;
}

static void lines_clear(Rows *r) {
    for (size_t i = 0; i < r->line_count; i++) {
        size_t place = r->lines[i].hash & (r->line_table_size - 1);
        while (r->line_table[place] != (int32_t)i + 1) place = (place + 1) & (r->line_table_size - 1);
        r->line_table[place] = 0;
    }
    r->line_count = 0;
}

/* The words of a text at the end of the body: a blank, and each word with a blank behind it. */
static int add_words(Rows *r, const Slice *text) {
    Bytes *body = &r->body.data;
    TRY(bytes_reserve(body, 2 * (size_t)text->size + 4));
    uint8_t *begin = body->data + body->size, *out = begin;
    *out++ = ' ';
    for (const uint8_t *at = text->data, *end = at + text->size; at < end; at++) {
        uint8_t c = WORD_OF[*at];
        if (c > 1)
            *out++ = c;
        else if (c)
            return r->words_of(r->context, text->data, text->size, body);
        else if (out[-1] != ' ')
            *out++ = ' ';
    }
    if (out[-1] != ' ') *out++ = ' ';
    body->size += (size_t)(out - begin);
    return DONE;
}

/* A line of the body for a text, unless it has no words or that line is there. */
static int add_line(Rows *r, const Slice *text, uint64_t seed) {
    Bytes *body = &r->body.data;
    if (!text->size) return DONE;
    if ((r->line_count + 1) * 2 > r->line_table_size) TRY(line_table_grow(r));
    TRY(array_reserve((void **)&r->lines, &r->line_room, r->line_count + 1, sizeof(Line)));
    size_t before = body->size;
    if (r->line_count) TRY(bytes_add(body, "\n", 1));
    size_t start = body->size;
    TRY(add_words(r, text));
    size_t size = body->size - start, mask = r->line_table_size - 1;
    uint64_t hash = hash_of(seed, body->data + start, size);
    size_t place = hash & mask;
    int there = size < 3;
    for (; !there && r->line_table[place]; place = (place + 1) & mask) {
        const Line *line = &r->lines[r->line_table[place] - 1];
        there = line->hash == hash && line->size == size;
        there = there && !memcmp(body->data + line->start, body->data + start, size);
        if (there) break;
    }
    if (there) {
        body->size = before;
        return DONE;
    }
    r->lines[r->line_count] = (Line){hash, start, size};
    r->line_table[place] = (int32_t)++r->line_count;
    return DONE;
}

static int add_body(Rows *r, const Walk *w) {
    lines_clear(r);
    for (int i = 0; i < r->worded_count; i++) TRY(add_line(r, &w->texts[r->worded[i]], w->seed));
    for (int i = 0; i < r->worded_name_count; i++) {
        const Names *names = &w->names[r->worded_names[i]];
        for (size_t n = 0; n < names->count; n++) TRY(add_line(r, &names->items[n], w->seed));
    }
    for (int i = 0; i < OPENS; i++)
        for (size_t p = 0; p < w->opens[i].path_count; p++)
            for (int32_t leaf = w->opens[i].paths[p].first; leaf >= 0; leaf = w->opens[i].leaves[leaf].next)
                TRY(add_line(r, &w->opens[i].leaves[leaf].text, w->seed));
    return texts_end(&r->body);
}

static int add_open(Rows *r, const Walk *w, int member) {
    const Open *o = &w->opens[member];
    Lists *texts = &r->open_texts[member];
    for (size_t p = 0; p < o->path_count; p++) {
        const Path *path = &o->paths[p];
        TRY(lists_text(&r->open_paths[member], w->paths.data + path->start, path->size));
        for (int32_t leaf = path->first; leaf >= 0; leaf = o->leaves[leaf].next)
            TRY(lists_text(texts, o->leaves[leaf].text.data, o->leaves[leaf].text.size));
        TRY(lists_end(texts));
    }
    return lists_end(&r->open_paths[member]);
}

static size_t decimal(int64_t value, uint8_t *out) {
    uint8_t digits[20];
    size_t count = 0, at = 0;
    do digits[count++] = (uint8_t)('0' + value % 10);
    while (value /= 10);
    while (count) out[at++] = digits[--count];
    return at;
}

/* The number of characters of a text in UTF-8. */
static int64_t characters(const uint8_t *data, size_t size) {
    int64_t count = 0;
    for (size_t i = 0; i < size; i++) count += (data[i] & 0xC0) != 0x80;
    return count;
}

static int add_label_pairs(Rows *r, const Walk *w) {
    const Open *o = &w->opens[r->labels];
    for (size_t p = 0; p < o->path_count; p++) {
        const uint8_t *name = w->paths.data + o->paths[p].start;
        size_t size = o->paths[p].size;
        for (int32_t leaf = o->paths[p].first; leaf >= 0; leaf = o->leaves[leaf].next) {
            const Slice *text = &o->leaves[leaf].text;
            Bytes *out = &r->label_pairs.texts.data;
            TRY(bytes_reserve(out, 24 + size + text->size));
            out->size += decimal(characters(name, size), out->data + out->size);
            out->data[out->size++] = ':';
            if (size) TRY(bytes_add(out, name, size));
            out->data[out->size++] = '=';
            for (uint32_t i = 0; i < text->size; i++) {
                uint8_t c = text->data[i];
                out->data[out->size++] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
            }
            r->label_pairs.count++;
            TRY(texts_end(&r->label_pairs.texts));
        }
    }
    return lists_end(&r->label_pairs);
}

/* What a column says of a member that is cut out; `digits` has room for a number. */
static Slice cut_value(const Rows *r, const Walk *w, const Cut *cut, uint8_t *digits) {
    if (cut->text >= 0) return w->texts[cut->text];
    int64_t value = w->times[cut->time];
    (void)r;
    return (Slice){digits, value ? (uint32_t)decimal(value, digits) : 0, 0};
}

static int holds(const Slice *text, uint8_t from, uint8_t to) {
    for (uint32_t i = 0; i < text->size; i++)
        if (text->data[i] >= from && text->data[i] <= to) return 1;
    return 0;
}

/* A text with breaks or tabs stands nowhere as it is: in an entry they are escaped. */
static int stands_nowhere(const Slice *text) {
    return text->escaped && (holds(text, '\t', '\n') || holds(text, '\r', '\r'));
}

/* As `shortening` does it, text by text: for texts with quotes or backslashes, which may be found anywhere. */
static int rest_by_search(Rows *r, const Walk *w) {
    size_t size = (size_t)(w->end - w->begin);
    uint8_t digits[20];
    Bytes *text = &r->rest.data;
    TRY(bytes_add(text, w->begin, size));
    uint8_t *begin = text->data + text->size - size;
    for (int i = 0; i < r->cut_count; i++) {
        const Slice value = cut_value(r, w, &r->cuts[i], digits), *name = &w->cut_names[r->cuts[i].name];
        if (!value.size) continue;
        r->work.size = 0;
        TRY(bytes_add(&r->work, "\"", 1));
        TRY(bytes_add(&r->work, name->data, name->size));
        TRY(bytes_add(&r->work, "\":\"", 3));
        TRY(bytes_add(&r->work, value.data, value.size));
        TRY(bytes_add(&r->work, "\"", 1));
        uint8_t *found = memmem(begin, size, r->work.data, r->work.size);
        if (!found) continue;
        uint8_t *behind = found + r->work.size;
        *found = r->cuts[i].mark;
        memmove(found + 1, behind, (size_t)(begin + size - behind));
        size -= r->work.size - 1;
    }
    text->size = (size_t)(begin - text->data) + size;
    return texts_end(&r->rest);
}

typedef struct {
    uint32_t start, end;
    uint8_t mark;
} Gap;

/* The first member of that name with that text which is not cut yet; -1 for none. */
static int spot_of(const Walk *w, const Cut *cut, const Slice *value, const uint8_t *taken) {
    for (size_t i = 0; i < w->spot_count; i++) {
        const Spot *spot = &w->spots[i];
        if (spot->name == cut->name && spot->size == value->size && !taken[i]
            && !memcmp(w->begin + spot->start, value->data, value->size))
            return (int)i;
    }
    return -1;
}

static int gaps_of(Rows *r, const Walk *w, Gap *gaps, int *count) {
    uint8_t digits[20];
    r->work.size = 0;
    TRY(bytes_reserve(&r->work, w->spot_count + 1));
    memset(r->work.data, 0, w->spot_count + 1);
    *count = 0;
    for (int i = 0; i < r->cut_count; i++) {
        const Cut *cut = &r->cuts[i];
        const Slice value = cut_value(r, w, cut, digits);
        if (!value.size || value.escaped) continue;
        int found = spot_of(w, cut, &value, r->work.data);
        if (found < 0) continue;
        r->work.data[found] = 1;
        uint32_t start = w->spots[found].start;
        Gap gap = {start - w->cut_names[cut->name].size - 4, start + value.size + 1, cut->mark};
        int place = (*count)++;
        for (; place > 0 && gaps[place - 1].start > gap.start; place--) gaps[place] = gaps[place - 1];
        gaps[place] = gap;
    }
    return DONE;
}

static int add_rest(Rows *r, const Walk *w) {
    Gap gaps[MAX_CUTS];
    int count;
    for (int i = 0; i < r->cut_count; i++) {
        const Cut *cut = &r->cuts[i];
        const Slice *text = cut->text >= 0 ? &w->texts[cut->text] : NULL;
        if (text && text->escaped && !stands_nowhere(text)) return rest_by_search(r, w);
    }
    TRY(gaps_of(r, w, gaps, &count));
    const uint8_t *from = w->begin;
    for (int i = 0; i < count; i++) {
        TRY(bytes_add(&r->rest.data, from, (size_t)(w->begin + gaps[i].start - from)));
        TRY(bytes_add(&r->rest.data, &gaps[i].mark, 1));
        from = w->begin + gaps[i].end;
    }
    TRY(bytes_add(&r->rest.data, from, (size_t)(w->end - from)));
    return texts_end(&r->rest);
}

/* Year and month of a time, as one number; see chrono-Compatible Low-Level Date Algorithms, civil_from_days. */
static int32_t month_of(Rows *r, int64_t time_ns) {
    int64_t day = time_ns / 86400000000000ll;
    if (day == r->last_day) return r->last_month;
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), part = (5 * of_year + 2) / 153;
    int64_t month = part < 10 ? part + 3 : part - 9;
    r->last_day = day;
    r->last_month = (int32_t)((year + era * 400 + (month <= 2)) * 100 + month);
    return r->last_month;
}

/* The row of the entry that was walked over last. Anything but DONE leaves the columns of no use. */
static int add_row(Rows *r, const Walk *w, const Slice *ledger, int64_t index) {
    for (int i = 0; i < w->text_count; i++) TRY(texts_add(&r->texts[i], w->texts[i].data, w->texts[i].size));
    for (int i = 0; i < w->number_count; i++) TRY(add_int64(&r->numbers[i], w->numbers[i]));
    for (int i = 0; i < w->name_count; i++) {
        for (size_t n = 0; n < w->names[i].count; n++)
            TRY(lists_text(&r->names[i], w->names[i].items[n].data, w->names[i].items[n].size));
        TRY(lists_end(&r->names[i]));
    }
    for (int i = 0; i < OPENS; i++) TRY(add_open(r, w, i));
    TRY(add_label_pairs(r, w));
    TRY(texts_add(&r->ledger, ledger->data, ledger->size));
    TRY(add_int64(&r->index, index));
    TRY(add_int32(&r->month, month_of(r, w->times[0])));
    TRY(add_int64(&r->time, w->times[0]));
    TRY(add_int64(&r->delay, w->times[1] - w->times[0]));
    TRY(add_body(r, w));
    TRY(add_rest(r, w));
    r->count++;
    return DONE;
}

#endif
