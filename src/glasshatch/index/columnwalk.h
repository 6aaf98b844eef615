/* One walk over the bytes of an entry: which texts, numbers and names stand in which member.

   Only what is written exactly as `events.encode` writes it is read here: members in order, no blanks, nothing
   unknown, nothing missing, whole numbers of 18 digits at most. All else is ODD, and is read in Python. */

#ifndef GLASSHATCH_COLUMN_WALK_H
#define GLASSHATCH_COLUMN_WALK_H

#include "columntexts.h"

static int open_grow(Open *o) {
    size_t size = o->table_size ? o->table_size * 2 : 64;
    int32_t *table = calloc(size, sizeof *table);
    if (!table) return NO_MEMORY;
    for (size_t i = 0; i < o->path_count; i++) {
        size_t place = o->paths[i].hash & (size - 1);
        while (table[place]) place = (place + 1) & (size - 1);
        table[place] = (int32_t)i + 1;
    }
    free(o->table);
    o->table = table;
    o->table_size = size;
    return DONE;
}

static void open_clear(Open *o) {
    /* One by one: an entry with many paths leaves a large table to all that follow. */
    for (size_t i = 0; i < o->path_count; i++) {
        size_t place = o->paths[i].hash & (o->table_size - 1);
        while (o->table[place] != (int32_t)i + 1) place = (place + 1) & (o->table_size - 1);
        o->table[place] = 0;
    }
    o->path_count = o->leaf_count = 0;
}

/* A text of a path, which lies at the end of `paths`, or is one that is there already. */
static int open_add(Walk *w, Open *o, size_t start, size_t size, const Slice *text) {
    if ((o->path_count + 1) * 2 > o->table_size) TRY(open_grow(o));
    TRY(array_reserve((void **)&o->leaves, &o->leaf_room, o->leaf_count + 1, sizeof(Leaf)));
    TRY(array_reserve((void **)&o->paths, &o->path_room, o->path_count + 1, sizeof(Path)));
    const uint8_t *path = w->paths.data + start;
    uint64_t hash = hash_of(w->seed, path, size);
    size_t mask = o->table_size - 1, place = hash & mask;
    int32_t leaf = (int32_t)o->leaf_count++;
    o->leaves[leaf] = (Leaf){0, -1, *text};
    for (; o->table[place]; place = (place + 1) & mask) {
        Path *one = &o->paths[o->table[place] - 1];
        if (one->hash == hash && one->size == size && !memcmp(w->paths.data + one->start, path, size)) {
            o->leaves[one->last].next = leaf;
            one->last = leaf;
            one->count++;
            return DONE;
        }
    }
    o->paths[o->path_count] = (Path){hash, (uint32_t)start, (uint32_t)size, leaf, leaf, 1};
    o->table[place] = (int32_t)++o->path_count;
    return DONE;
}

/* A text that is no member's own: without a path it is the member's value. */
static int open_add_value(Walk *w, Open *o, size_t start, size_t size, const Slice *text) {
    if (size == 0) {
        start = w->paths.size;
        size = 5;
        TRY(bytes_add(&w->paths, "value", 5));
    }
    return open_add(w, o, start, size, text);
}

/* The path of a member below another one, at the end of `paths`. */
static int path_below(Walk *w, size_t start, size_t size, const Slice *name, size_t *found) {
    if (w->paths.size + size + name->size > MAX_PATHS) return ODD;
    TRY(bytes_reserve(&w->paths, size + 1 + name->size));
    *found = w->paths.size;
    if (size) {
        memcpy(w->paths.data + w->paths.size, w->paths.data + start, size);
        w->paths.data[w->paths.size + size] = '.';
        w->paths.size += size + 1;
    }
    return bytes_add(&w->paths, name->data, name->size);
}

static int walk_open(Walk *w, Open *o, size_t start, size_t size, int depth);

static int walk_members(Walk *w, Open *o, size_t start, size_t size, int depth) {
    Slice last = {0}, name, text;
    size_t path;
    TRY(expect(w, '{'));
    if (*w->at == '}') return expect(w, '}');
    for (int first = 1;; first = 0) {
        TRY(read_text(w, &name));
        if (!first && compare(&last, &name) >= 0) return ODD;
        last = name;
        TRY(expect(w, ':'));
        TRY(path_below(w, start, size, &name, &path));
        size_t whole = w->paths.size - path;
        if (*w->at == '"') {
            TRY(read_text(w, &text));
            TRY(spot_any(w, &name, &text));
            TRY(open_add(w, o, path, whole, &text));
        } else {
            TRY(walk_open(w, o, path, whole, depth + 1));
        }
        if (*w->at != ',') return expect(w, '}');
        w->at++;
    }
}

static int walk_items(Walk *w, Open *o, size_t start, size_t size, int depth) {
    TRY(expect(w, '['));
    if (*w->at == ']') return expect(w, ']');
    for (;;) {
        TRY(walk_open(w, o, start, size, depth + 1));
        if (*w->at != ',') return expect(w, ']');
        w->at++;
    }
}

/* Any value, whose texts are those of this path. */
static int walk_open(Walk *w, Open *o, size_t start, size_t size, int depth) {
    static const Slice YES = {(const uint8_t *)"true", 4, 0}, NO = {(const uint8_t *)"false", 5, 0};
    Slice text;
    if (depth > MAX_DEPTH) return ODD;
    switch (*w->at) {
    case '{': return walk_members(w, o, start, size, depth);
    case '[': return walk_items(w, o, start, size, depth);
    case '"': TRY(read_text(w, &text)); break;
    case 't': TRY(read_word(w, "true", 4)); text = YES; break;
    case 'f': TRY(read_word(w, "false", 5)); text = NO; break;
    case 'n': return read_word(w, "null", 4);
    default: TRY(read_digits(w, &text));
    }
    return open_add_value(w, o, start, size, &text);
}

/* A map of texts or numbers; of labels the texts are kept. */
static int walk_map(Walk *w, int kind, Open *o) {
    Slice last = {0}, name, text;
    size_t path;
    TRY(expect(w, '{'));
    if (*w->at == '}') return expect(w, '}');
    for (int first = 1;; first = 0) {
        TRY(read_text(w, &name));
        if (!first && compare(&last, &name) >= 0) return ODD;
        last = name;
        TRY(expect(w, ':'));
        if (kind == NUMBER_MAP) {
            TRY(read_digits(w, &text));
        } else {
            TRY(read_text(w, &text));
            TRY(spot_any(w, &name, &text));
        }
        if (kind == LABEL_MAP) {
            TRY(path_below(w, 0, 0, &name, &path));
            TRY(open_add(w, o, path, name.size, &text));
        }
        if (*w->at != ',') return expect(w, '}');
        w->at++;
    }
}

static int names_add(Names *n, const Slice *text) {
    TRY(array_reserve((void **)&n->items, &n->room, n->count + 1, sizeof(Slice)));
    n->items[n->count++] = *text;
    return DONE;
}

static int walk_names(Walk *w, Names *n) {
    Slice text;
    TRY(expect(w, '['));
    if (*w->at == ']') return expect(w, ']');
    for (;;) {
        TRY(read_text(w, &text));
        if (n) TRY(names_add(n, &text));
        if (*w->at != ',') return expect(w, ']');
        w->at++;
    }
}

/* A time as `clipped` has it; what is not written in digits alone is Python's. */
static int set_time(Walk *w, int slot, const Slice *text) {
    int64_t value = 0;
    if (text->size > 18 && !(text->size == 19 && text->data[0] < '9')) return ODD;
    for (uint32_t i = 0; i < text->size; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') return ODD;
        value = value * 10 + (text->data[i] - '0');
    }
    w->times[slot] = value > w->time_most ? w->time_most : value;
    w->time_texts[slot] = *text;
    return DONE;
}

static int is_choice(const Member *member, const Slice *text) {
    const uint8_t *at = member->choices.data, *end = at + member->choices.size;
    while (at < end) {
        size_t size = strlen((const char *)at);
        if (size == text->size && !memcmp(at, text->data, size)) return 1;
        at += size + 1;
    }
    return 0;
}

static int walk_part(Walk *w, const Shape *shape, int depth);

static int walk_parts(Walk *w, const Shape *shape, int depth) {
    TRY(expect(w, '['));
    if (*w->at == ']') return expect(w, ']');
    for (;;) {
        TRY(walk_part(w, shape, depth + 1));
        if (*w->at != ',') return expect(w, ']');
        w->at++;
    }
}

static int walk_text(Walk *w, const Member *member) {
    Slice text;
    TRY(read_text(w, &text));
    if (member->cut >= 0) TRY(spot(w, member->cut, &text));
    switch (member->kind) {
    case TIME: return set_time(w, member->slot, &text);
    case INTO_FILLED: if (!text.size) return DONE; /* fall through */
    case INTO: return names_add(&w->names[member->slot], &text);
    case LITERAL: if (!is_choice(member, &text)) return ODD;
    }
    if (member->slot >= 0) w->texts[member->slot] = text;
    return DONE;
}

static int walk_member(Walk *w, const Member *member, int depth) {
    Slice digits;
    switch (member->kind) {
    case NUMBER:
    case VERSION:
        TRY(read_digits(w, &digits));
        if (member->kind == VERSION) return number_of(&digits) == w->version ? DONE : ODD;
        if (member->slot >= 0) w->numbers[member->slot] = number_of(&digits);
        return DONE;
    case FLAG: return *w->at == 't' ? read_word(w, "true", 4) : read_word(w, "false", 5);
    case NAMES: return walk_names(w, member->slot >= 0 ? &w->names[member->slot] : NULL);
    case PART: return walk_part(w, member->part, depth + 1);
    case PARTS: return walk_parts(w, member->part, depth + 1);
    case TEXT_MAP:
    case NUMBER_MAP: return walk_map(w, member->kind, NULL);
    case LABEL_MAP: return walk_map(w, member->kind, &w->opens[member->slot]);
    case OPEN_MAP: return *w->at == '{' ? walk_open(w, &w->opens[member->slot], 0, 0, depth) : ODD;
    case ANYTHING: return walk_open(w, &w->opens[member->slot], 0, 0, depth);
    }
    return walk_text(w, member);
}

/* An object with the members of its shape, each once at most, in their order. */
static int walk_part(Walk *w, const Shape *shape, int depth) {
    Slice name;
    int next = 0, order = 1;
    for (int i = 0; i < shape->count; i++) {
        const Member *member = &shape->members[i];
        if ((member->kind == TEXT || member->kind == LITERAL) && member->slot >= 0)
            w->texts[member->slot] = member->missing;
    }
    TRY(expect(w, '{'));
    for (; *w->at != '}'; next++) {
        if (next) TRY(expect(w, ','));
        TRY(read_text(w, &name));
        if (name.escaped) return ODD;
        TRY(expect(w, ':'));
        for (;; next++) {
            if (next >= shape->count) return ODD;
            order = compare(&shape->members[next].name, &name);
            if (order == 0) break;
            if (order > 0 || shape->members[next].required) return ODD;
        }
        TRY(walk_member(w, &shape->members[next], depth));
    }
    for (; next < shape->count; next++)
        if (shape->members[next].required) return ODD;
    return expect(w, '}');
}

/* Forget the last entry, and walk over another one. */
static int walk_entry(Walk *w, const uint8_t *data, size_t size, const Shape *shape) {
    w->begin = w->at = data;
    w->end = data + size;
    w->scratch_size = w->paths.size = w->spot_count = 0;
    if (size > w->scratch_room) {
        free(w->scratch);
        w->scratch_room = 0;
        if (!(w->scratch = malloc(size))) return NO_MEMORY;
        w->scratch_room = size;
    }
    memset(w->texts, 0, (size_t)w->text_count * sizeof *w->texts);
    memset(w->numbers, 0, (size_t)w->number_count * sizeof *w->numbers);
    memset(w->times, 0, sizeof w->times);
    memset(w->time_texts, 0, sizeof w->time_texts);
    for (int i = 0; i < w->name_count; i++) w->names[i].count = 0;
    for (int i = 0; i < OPENS; i++) open_clear(&w->opens[i]);
    TRY(walk_part(w, shape, 0));
    return w->at == w->end ? DONE : ODD;
}

static void walk_free(Walk *w) {
    for (int i = 0; i < w->name_count; i++) free(w->names[i].items);
    for (int i = 0; i < OPENS; i++) {
        free(w->opens[i].leaves);
        free(w->opens[i].paths);
        free(w->opens[i].table);
    }
    free(w->scratch);
    free(w->texts);
    free(w->numbers);
    free(w->names);
    free(w->spots);
    bytes_free(&w->paths);
}

#endif
