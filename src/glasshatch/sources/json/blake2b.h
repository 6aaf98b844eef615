/* BLAKE2b (RFC 7693) with digests of 16 bytes, for keys and contents of items: a library call for each of these
   short texts costs more than the hash. Checked against hashlib by tests/properties/sources. */

#ifndef GLASSHATCH_BLAKE2B_H
#define GLASSHATCH_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GLASSHATCH_B2_BLOCK 128
#define GLASSHATCH_B2_DIGEST 16

typedef struct {
    uint64_t h[8];
    uint64_t taken; /* bytes before what follows: the block of the key, if there is one */
} glasshatch_b2;

static const uint64_t glasshatch_b2_first[8] = {
    0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
    0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL};

static const uint8_t glasshatch_b2_order[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

static inline uint64_t glasshatch_b2_turn(uint64_t x, int by) { return (x >> by) | (x << (64 - by)); }

#define GLASSHATCH_B2_MIX(a, b, c, d, x, y)                  \
    do {                                                     \
        v[a] += v[b] + (x);                                  \
        v[d] = glasshatch_b2_turn(v[d] ^ v[a], 32);          \
        v[c] += v[d];                                        \
        v[b] = glasshatch_b2_turn(v[b] ^ v[c], 24);          \
        v[a] += v[b] + (y);                                  \
        v[d] = glasshatch_b2_turn(v[d] ^ v[a], 16);          \
        v[c] += v[d];                                        \
        v[b] = glasshatch_b2_turn(v[b] ^ v[c], 63);          \
    } while (0)

static void glasshatch_b2_compress(uint64_t h[8], const uint8_t *block, uint64_t count, int last) {
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++) {
        uint64_t word = 0;
        for (int j = 7; j >= 0; j--) word = word << 8 | block[8 * i + j];
        m[i] = word;
    }
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = glasshatch_b2_first[i];
    }
    v[12] ^= count;
    if (last) v[14] = ~v[14];
#pragma GCC unroll 12
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = glasshatch_b2_order[round];
        GLASSHATCH_B2_MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
        GLASSHATCH_B2_MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
        GLASSHATCH_B2_MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
        GLASSHATCH_B2_MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
        GLASSHATCH_B2_MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
        GLASSHATCH_B2_MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
        GLASSHATCH_B2_MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
        GLASSHATCH_B2_MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

/* The state before the data; a key has at most 64 bytes, and none is given by a length of 0. */
static void glasshatch_b2_begin(glasshatch_b2 *state, const uint8_t *key, size_t length) {
    memcpy(state->h, glasshatch_b2_first, sizeof state->h);
    state->h[0] ^= 0x01010000ULL ^ ((uint64_t)length << 8) ^ GLASSHATCH_B2_DIGEST;
    state->taken = 0;
    if (length) {
        uint8_t block[GLASSHATCH_B2_BLOCK] = {0};
        memcpy(block, key, length);
        state->taken = GLASSHATCH_B2_BLOCK;
        glasshatch_b2_compress(state->h, block, state->taken, 0);
    }
}

/* The digest of at least one byte: without any, a key's block would be the last one. */
static void glasshatch_b2_digest(const glasshatch_b2 *begun, const uint8_t *data, size_t size, uint8_t *out) {
    uint64_t h[8], taken = begun->taken;
    uint8_t block[GLASSHATCH_B2_BLOCK] = {0};
    memcpy(h, begun->h, sizeof h);
    while (size > GLASSHATCH_B2_BLOCK) {
        taken += GLASSHATCH_B2_BLOCK;
        glasshatch_b2_compress(h, data, taken, 0);
        data += GLASSHATCH_B2_BLOCK;
        size -= GLASSHATCH_B2_BLOCK;
    }
    memcpy(block, data, size);
    glasshatch_b2_compress(h, block, taken + size, 1);
    for (int i = 0; i < GLASSHATCH_B2_DIGEST; i++) out[i] = (uint8_t)(h[i / 8] >> (8 * (i % 8)));
}

#endif
