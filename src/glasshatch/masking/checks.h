/* The validators that are asked most, for values of ASCII: 1 a value, 0 none, and GLASSHATCH_ASK where the one in
   Python must say. Each gives what its namesake in `validators` gives, which says what it checks and by which
   standard. Checked against them by tests/properties/masking. */

#ifndef GLASSHATCH_CHECKS_H
#define GLASSHATCH_CHECKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sha256.h"

enum { GLASSHATCH_ASK = -1, GLASSHATCH_FIGURES = 40 };

static inline int glasshatch_figure(unsigned char one) { return one >= '0' && one <= '9'; }
static inline int glasshatch_letter(unsigned char one) { return (unsigned char)((one | 32) - 'a') < 26; }
static inline unsigned char glasshatch_lower(unsigned char one) { return one >= 'A' && one <= 'Z' ? one + 32 : one; }

/* The digits of a value; how many there are, or more than fit. */
static ptrdiff_t glasshatch_figures(const unsigned char *value, ptrdiff_t size, unsigned char *out) {
    ptrdiff_t made = 0;
    for (ptrdiff_t at = 0; at < size; at++)
        if (glasshatch_figure(value[at])) {
            if (made < GLASSHATCH_FIGURES) out[made] = value[at];
            made++;
        }
    return made;
}

static int glasshatch_kinds_of_figures(const unsigned char *number, ptrdiff_t size) {
    unsigned seen = 0;
    int kinds = 0;
    for (ptrdiff_t at = 0; at < size; at++) seen |= 1u << (number[at] - '0');
    for (; seen; seen &= seen - 1) kinds++;
    return kinds;
}

static int glasshatch_luhn(const unsigned char *number, ptrdiff_t size) {
    int total = 0, twice = 0;
    for (ptrdiff_t at = size - 1; at >= 0; at--, twice = !twice) {
        int figure = number[at] - '0';
        total += twice ? (figure > 4 ? 2 * figure - 9 : 2 * figure) : figure;
    }
    return total % 10 == 0;
}

static int glasshatch_card(const unsigned char *value, ptrdiff_t size, const uint32_t *issuers) {
    unsigned char number[GLASSHATCH_FIGURES];
    ptrdiff_t count = glasshatch_figures(value, size, number);
    if (count < 12 || count > 19) return 0;
    int first = (number[0] - '0') * 1000 + (number[1] - '0') * 100 + (number[2] - '0') * 10 + number[3] - '0';
    if (!(issuers[first] >> count & 1)) return 0;
    return glasshatch_luhn(number, count) && glasshatch_kinds_of_figures(number, count) > 1;
}

static int glasshatch_luhn_text(const unsigned char *value, ptrdiff_t size) {
    unsigned char number[GLASSHATCH_FIGURES];
    ptrdiff_t count = glasshatch_figures(value, size, number);
    if (count > GLASSHATCH_FIGURES) return GLASSHATCH_ASK;
    return count > 1 && glasshatch_kinds_of_figures(number, count) > 1 && glasshatch_luhn(number, count);
}

static int glasshatch_us_ssn(const unsigned char *value, ptrdiff_t size) {
    unsigned char number[GLASSHATCH_FIGURES];
    if (glasshatch_figures(value, size, number) != 9) return 0;
    if (!memcmp(number, "123456789", 9) || !memcmp(number, "078051120", 9) || !memcmp(number, "219099999", 9))
        return 0;
    if (!memcmp(number, "000", 3) || !memcmp(number, "666", 3) || number[0] == '9') return 0;
    return memcmp(number + 3, "00", 2) && memcmp(number + 5, "0000", 4);
}

static int glasshatch_ipv4(const unsigned char *value, ptrdiff_t size) {
    ptrdiff_t at = 0;
    for (int part = 0; part < 4; part++) {
        ptrdiff_t begun = at;
        int number = 0;
        while (at < size && at - begun < 3 && glasshatch_figure(value[at])) number = number * 10 + value[at++] - '0';
        if (at == begun || number > 255 || (value[begun] == '0' && at - begun > 1)) return 0;
        if (part == 0 && (number == 0 || number == 127 || number == 255)) return 0;
        if (part < 3 && (at >= size || value[at++] != '.')) return 0;
    }
    return at == size;
}

static int glasshatch_personnummer(const unsigned char *value, ptrdiff_t size) {
    unsigned char spelled[GLASSHATCH_FIGURES], *number = spelled;
    ptrdiff_t count = glasshatch_figures(value, size, spelled);
    if (count == 12) {
        if (memcmp(number, "18", 2) && memcmp(number, "19", 2) && memcmp(number, "20", 2)) return 0;
        number += 2;
        count = 10;
    }
    if (count != 10) return 0;
    int month = (number[2] - '0') * 10 + number[3] - '0', day = (number[4] - '0') * 10 + number[5] - '0';
    if (month < 1 || month > 12 || day < 1 || (day > 31 && day < 61) || day > 91) return 0;
    return glasshatch_luhn(number, 10);
}

static int glasshatch_nanp_phone(const unsigned char *value, ptrdiff_t size) {
    unsigned char spelled[GLASSHATCH_FIGURES], *number = spelled;
    ptrdiff_t count = glasshatch_figures(value, size, spelled);
    if (count == 11 && number[0] == '1') number++, count--;
    return count == 10 && number[0] > '1' && number[3] > '1' && memcmp(number + 1, "11", 2);
}

static int glasshatch_national_phone(const unsigned char *value, ptrdiff_t size) {
    unsigned char number[GLASSHATCH_FIGURES];
    ptrdiff_t count = glasshatch_figures(value, size, number);
    return count >= 7 && count <= 15 && glasshatch_kinds_of_figures(number, count) > 2;
}

/* The digits behind the plus sign or 00 of an international number without its `(0)`; 0 if they cannot be one. */
static ptrdiff_t glasshatch_dialled(const unsigned char *value, ptrdiff_t size, unsigned char *number) {
    ptrdiff_t count = 0, first = 0, at = 0;
    while (at < size) {
        if (value[at] == '(' && at + 2 < size && value[at + 1] == '0' && value[at + 2] == ')') {
            at += 3;
            continue;
        }
        if (glasshatch_figure(value[at])) {
            if (count == GLASSHATCH_FIGURES) return 0;
            number[count++] = value[at];
        }
        at++;
    }
    while (first < size && (value[first] == ' ' || value[first] == '(')) first++;
    if ((first == size || value[first] != '+') && count >= 2 && number[0] == '0' && number[1] == '0') {
        count -= 2;
        memmove(number, number + 2, count);
    }
    return count >= 8 && count <= 15 && glasshatch_kinds_of_figures(number, count) >= 3 ? count : 0;
}

/* Whether it is plain enough for the checks below to be told that it is a secret of its own; else they ask. */
static int glasshatch_plain_secret(const unsigned char **value, ptrdiff_t *size) {
    const unsigned char *bare = *value;
    ptrdiff_t count = *size, row = 0, at;
    int letters = 1;
    uint64_t low = 0, high = 0;
    while (count && (*bare == '\'' || *bare == '"')) bare++, count--;
    while (count && (bare[count - 1] == '\'' || bare[count - 1] == '"')) count--;
    for (at = 0; at < count; at++) {
        unsigned char one = bare[at];
        if (one < 33 || one > 126 || strchr("(/<$*~", one)) return 0;
        if (!glasshatch_letter(one) && !strchr(".!:", one)) letters = 0;
        if (one == '.' || one == '#' || one == '_' || one == 'x' || one == 'X') {
            unsigned char before = at ? bare[at - 1] : 0;
            row = row && (before == one || ((before | 32) == 'x' && (one | 32) == 'x')) ? row + 1 : 1;
            if (row == 4) return 0;
        } else
            row = 0;
        if (one == 'y' && count - at >= 4 && !memcmp(bare + at, "your", 4)) return 0;
        *(one < 64 ? &low : &high) |= (uint64_t)1 << (one & 63);
    }
    if (letters) return 0;
    int kinds = 0;
    for (; low; low &= low - 1) kinds++;
    for (; high; high &= high - 1) kinds++;
    if (kinds < 3) return 0;
    *value = bare;
    *size = count;
    return 1;
}

/* Whether a value begins with one of the `beginnings`, each with a NUL behind it, whatever its case. */
static int glasshatch_begins(const unsigned char *value, ptrdiff_t size, const char *beginnings, ptrdiff_t all) {
    const char *one = beginnings, *end = beginnings + all;
    unsigned char first = size ? glasshatch_lower(*value) : 0;
    while (one < end) {
        ptrdiff_t length = (ptrdiff_t)strlen(one), at = 0;
        if ((unsigned char)*one == first && length <= size) {
            while (at < length && glasshatch_lower(value[at]) == (unsigned char)one[at]) at++;
            if (at == length) return 1;
        }
        one += length + 1;
    }
    return 0;
}

static int glasshatch_secret_value(const unsigned char *value, ptrdiff_t size, const char *others, ptrdiff_t all) {
    if (!glasshatch_plain_secret(&value, &size) || glasshatch_begins(value, size, others, all)) return GLASSHATCH_ASK;
    return 1;
}

static int glasshatch_no_reference(const unsigned char *value, ptrdiff_t size, const char *others, ptrdiff_t all) {
    if (!glasshatch_plain_secret(&value, &size) || glasshatch_begins(value, size, others, all)) return GLASSHATCH_ASK;
    for (ptrdiff_t at = 0; at < size; at++)
        if (glasshatch_letter(value[at]) || glasshatch_figure(value[at])) return 1;
    return GLASSHATCH_ASK;
}

static int glasshatch_spoken_secret(const unsigned char *value, ptrdiff_t size, const char *others, ptrdiff_t all) {
    int letters = 0, figures = 0, signs = 0, upper = 0, lower = 0;
    for (ptrdiff_t at = 0; at < size; at++) {
        if (glasshatch_figure(value[at])) figures = 1;
        else if (!glasshatch_letter(value[at])) signs = 1;
        else {
            letters = 1;
            if (value[at] >= 'a') lower = 1;
            else if (at) upper = 1;
        }
    }
    if (!letters || (letters + figures + signs < 2 && !(upper && lower))) return 0;
    return glasshatch_secret_value(value, size, others, all);
}

/* Base58Check of a Bitcoin address of 25 octets; `upper`: of the same text in upper case. */
static int glasshatch_base58(const unsigned char *value, ptrdiff_t size, int upper) {
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    unsigned char octets[32] = {0}, block[64] = {0};
    uint32_t state[8];
    ptrdiff_t ones = 0, used = 1;
    for (ptrdiff_t at = 0; at < size; at++) {
        unsigned char one = upper && value[at] >= 'a' && value[at] <= 'z' ? value[at] - 32 : value[at];
        const char *place = one ? strchr(alphabet, one) : NULL;
        if (!place) return 0;
        if (ones == at && one == '1') ones++;
        unsigned carry = (unsigned)(place - alphabet);
        for (int octet = 31; octet >= 0; octet--) {
            carry += 58u * octets[octet];
            octets[octet] = carry & 255;
            carry >>= 8;
        }
        if (carry) return 0; /* more than 32 octets */
    }
    for (int octet = 0; octet < 32; octet++)
        if (octets[octet]) {
            used = 32 - octet;
            break;
        }
    if (ones + used != 25) return 0;
    memcpy(block, octets + 7, 21);
    block[21] = 0x80;
    block[63] = 21 * 8;
    memcpy(state, glasshatch_first, 32);
    glasshatch_compress_plain(state, block);
    memset(block, 0, 64);
    for (int word = 0; word < 8; word++)
        for (int octet = 0; octet < 4; octet++) block[4 * word + octet] = state[word] >> (24 - 8 * octet) & 255;
    block[32] = 0x80;
    block[62] = 1; /* 256 bits */
    memcpy(state, glasshatch_first, 32);
    glasshatch_compress_plain(state, block);
    for (int octet = 0; octet < 4; octet++)
        if (octets[28 + octet] != (state[0] >> (24 - 8 * octet) & 255)) return 0;
    return 1;
}

static int glasshatch_crypto_wallet(const unsigned char *value, ptrdiff_t size) {
    unsigned char number[GLASSHATCH_FIGURES];
    if (size < 1 || size > GLASSHATCH_FIGURES || (value[0] != '1' && value[0] != '3')) return GLASSHATCH_ASK;
    for (ptrdiff_t at = 0; at < size; at++)
        if (!glasshatch_letter(value[at]) && !glasshatch_figure(value[at])) return GLASSHATCH_ASK;
    if (!glasshatch_base58(value, size, 0) && !glasshatch_base58(value, size, 1)) return 0;
    return glasshatch_kinds_of_figures(number, glasshatch_figures(value, size, number)) > 1;
}

static int glasshatch_iban(const unsigned char *value, ptrdiff_t size, const unsigned char *lengths) {
    unsigned char compact[48];
    ptrdiff_t count = 0;
    unsigned rest = 0;
    for (ptrdiff_t at = 0; at < size; at++) {
        unsigned char one = value[at];
        if (one == ' ' || one == '-' || (one >= 9 && one <= 13) || (one >= 28 && one <= 31)) continue;
        one = one >= 'a' && one <= 'z' ? one - 32 : one;
        if (!glasshatch_figure(one) && !glasshatch_letter(one)) return 0;
        if (count == 48) return 0;
        compact[count++] = one;
    }
    if (count < 5 || !glasshatch_letter(compact[0]) || !glasshatch_letter(compact[1])) return 0;
    if (lengths[(compact[0] - 'A') * 26 + compact[1] - 'A'] != count) return 0;
    for (ptrdiff_t at = 4; at < count + 4; at++) {
        unsigned char one = compact[at < count ? at : at - count];
        rest = glasshatch_figure(one) ? (rest * 10 + one - '0') % 97 : (rest * 100 + one - 'A' + 10) % 97;
    }
    return rest == 1;
}

#endif
