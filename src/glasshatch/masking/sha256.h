/* SHA-256's compression function (FIPS 180-4, section 6.2.2), for tokens alone: they are HMACs of short texts,
   of which a library call costs more than the hash. Checked against hashlib by tests/properties/masking. */

#ifndef GLASSHATCH_SHA256_H
#define GLASSHATCH_SHA256_H

#include <stdint.h>
#include <string.h>

static const uint32_t glasshatch_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static const uint32_t glasshatch_first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline uint32_t glasshatch_turn(uint32_t x, int by) { return (x >> by) | (x << (32 - by)); }

static void glasshatch_compress_plain(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = ((uint32_t)block[4 * i] << 24) | ((uint32_t)block[4 * i + 1] << 16) |
               ((uint32_t)block[4 * i + 2] << 8) | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (glasshatch_turn(a, 7) ^ glasshatch_turn(a, 18) ^ (a >> 3)) +
               (glasshatch_turn(b, 17) ^ glasshatch_turn(b, 19) ^ (b >> 10));
    }
    memcpy(v, state, 32);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one = v[7] + (glasshatch_turn(e, 6) ^ glasshatch_turn(e, 11) ^ glasshatch_turn(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + glasshatch_k[i] + w[i];
        uint32_t two = (glasshatch_turn(a, 2) ^ glasshatch_turn(a, 13) ^ glasshatch_turn(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 28);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define GLASSHATCH_HAS_NI 1
#include <cpuid.h>
#include <immintrin.h>

/* The processor's own instructions (Intel SDM, SHA extensions); their state is kept as ABEF and CDGH. */
__attribute__((target("sha,sse4.1,ssse3"))) static void glasshatch_compress_ni(uint32_t state[8],
                                                                                const uint8_t *block) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i w[16], first, second, before_first, before_second, low, high;
    low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    before_first = first = _mm_alignr_epi8(low, high, 8);
    before_second = second = _mm_blend_epi16(high, low, 0xF0);
    for (int i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
    for (int i = 4; i < 16; i++) {
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]),
                                    _mm_alignr_epi8(w[i - 1], w[i - 2], 4));
        w[i] = _mm_sha256msg2_epu32(sum, w[i - 1]);
    }
    for (int i = 0; i < 16; i++) {
        __m128i key = _mm_add_epi32(w[i], _mm_loadu_si128((const __m128i *)(glasshatch_k + 4 * i)));
        second = _mm_sha256rnds2_epu32(second, first, key);
        first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(key, 0x0E));
    }
    first = _mm_add_epi32(first, before_first);
    second = _mm_add_epi32(second, before_second);
    low = _mm_shuffle_epi32(first, 0x1B);
    high = _mm_shuffle_epi32(second, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

static int glasshatch_knows_sha(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 19)) || !(c & (1u << 9))) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}
#else
static int glasshatch_knows_sha(void) { return 0; }
static void glasshatch_compress_ni(uint32_t state[8], const uint8_t *block) {
    glasshatch_compress_plain(state, block);
}
#endif

#endif
