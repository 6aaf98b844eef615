/* Columns that grow by rows: texts, numbers, and lists of them, laid out as Arrow has them.

   Every function answers 0, or NO_MEMORY, or FULL where offsets of 32 bits no longer reach. What is half made
   then is of no use, and whoever made it lets all of it go. */

#ifndef GLASSHATCH_COLUMN_BUFFERS_H
#define GLASSHATCH_COLUMN_BUFFERS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, ODD = 1, NO_MEMORY = -1, FULL = -2, RAISED = -3 };

#define TRY(step)                                                                                            \
    do {                                                                                                     \
        int result_ = (step);                                                                                \
        if (result_ != DONE) return result_;                                                                 \
    } while (0)

typedef struct {
    uint8_t *data;
    size_t size, room;
} Bytes;

typedef struct {
    Bytes ends; /* int32 each; the first one is 0 */
    Bytes data;
} Texts;

typedef struct {
    Bytes ends; /* int32 each, counts texts */
    Texts texts;
    int32_t count;
} Lists;

static int bytes_reserve(Bytes *b, size_t more) {
    if (more <= b->room - b->size) return DONE;
    if (more > (size_t)INT32_MAX - b->size) return FULL;
    size_t room = b->room ? b->room * 2 : 1024;
    while (room < b->size + more) room *= 2;
    uint8_t *data = realloc(b->data, room);
    if (!data) return NO_MEMORY;
    b->data = data;
    b->room = room;
    return DONE;
}

static inline int bytes_add(Bytes *b, const void *data, size_t size) {
    TRY(bytes_reserve(b, size));
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return DONE;
}

static inline int add_int32(Bytes *b, int32_t value) { return bytes_add(b, &value, sizeof value); }

static inline int add_int64(Bytes *b, int64_t value) { return bytes_add(b, &value, sizeof value); }

static inline int texts_end(Texts *t) { return add_int32(&t->ends, (int32_t)t->data.size); }

static inline int texts_add(Texts *t, const void *data, size_t size) {
    if (size) TRY(bytes_add(&t->data, data, size));
    return texts_end(t);
}

static inline int lists_text(Lists *l, const void *data, size_t size) {
    l->count++;
    return texts_add(&l->texts, data, size);
}

static inline int lists_end(Lists *l) { return add_int32(&l->ends, l->count); }

static int texts_begin(Texts *t) { return add_int32(&t->ends, 0); }

static int lists_begin(Lists *l) {
    TRY(add_int32(&l->ends, 0));
    return texts_begin(&l->texts);
}

static void bytes_free(Bytes *b) { free(b->data); }

static void texts_free(Texts *t) {
    bytes_free(&t->ends);
    bytes_free(&t->data);
}

static void lists_free(Lists *l) {
    bytes_free(&l->ends);
    texts_free(&l->texts);
}

/* Room for `count` items of `size` bytes in an array that may move; what is in it stays. */
static int array_reserve(void **items, size_t *room, size_t count, size_t size) {
    if (count <= *room) return DONE;
    size_t wanted = *room ? *room * 2 : 32;
    while (wanted < count) wanted *= 2;
    void *moved = realloc(*items, wanted * size);
    if (!moved) return NO_MEMORY;
    *items = moved;
    *room = wanted;
    return DONE;
}

/* `seed` is secret, so that nobody can write texts that meet in one place. */
static inline uint64_t hash_of(uint64_t seed, const uint8_t *data, size_t size) {
    uint64_t hash = seed ^ (size * 0x9E3779B97F4A7C15ull), part;
    for (; size >= 8; data += 8, size -= 8) {
        memcpy(&part, data, 8);
        hash = (hash ^ part) * 0xD6E8FEB86659FD93ull;
        hash ^= hash >> 32;
    }
    part = 0;
    memcpy(&part, data, size);
    hash = (hash ^ part) * 0xD6E8FEB86659FD93ull;
    return hash ^ (hash >> 29);
}

#endif
