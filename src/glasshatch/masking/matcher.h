/* Runs the programs that `programs.py` makes of the packs' expressions: a match at one place of a text of ASCII,
   found in the same order as the standard library's `re` finds it (first branch first, longest repeat first).
   It never answers what it does not know: beyond its stack or its steps it gives up, and `re` is asked.
   Checked against `re` by tests/properties/masking. */

#ifndef GLASSHATCH_MATCHER_H
#define GLASSHATCH_MATCHER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    OP_DONE,     /* the program, or a part of it, has matched */
    OP_CHAR,     /* character */
    OP_SET,      /* set */
    OP_ELSE,     /* set or -1, where to go on if what follows leads nowhere; at once if the set says so */
    OP_LATER,    /* where to go on if what follows leads nowhere */
    OP_GO,       /* where to */
    OP_MARK,     /* which */
    OP_MOST,     /* set, least, most, what must follow or -1 */
    OP_LEAST,    /* set, least, most */
    OP_ALL,      /* set, least, most: as OP_MOST, but nothing is given back */
    OP_AHEAD,    /* set, negated: the next character, or the end */
    OP_BEHIND,   /* set, negated: the character before, or the beginning */
    OP_LOOK,     /* how far behind or -1 for ahead, negated, where to go on; then a part */
    OP_ONCE,     /* where to go on; then a part of which nothing is given back */
    OP_SAME,     /* mark, folded: the text between this mark and the next one again */
    OP_TEXT,     /* the beginning of everything */
    OP_END,      /* the end, or a line feed before it */
    OP_LAST,     /* the end */
    OP_WORD,     /* set of word characters, negated: the edge of a word */
};

enum { GLASSHATCH_MARKS = 16, GLASSHATCH_DEEP = 8192, GLASSHATCH_STEPS = 100000 };
enum { GLASSHATCH_NONE = -1, GLASSHATCH_GAVE_UP = -2 };

/* What is tried when all else leads nowhere: `kind` is the instruction that left it. */
typedef struct {
    int32_t kind, pc;
    ptrdiff_t place, least;
} glasshatch_turn_t;

typedef struct {
    const unsigned char *text;
    ptrdiff_t low, high; /* octets before `low` are not ASCII for sure; the text ends at `high` */
    const int32_t *code;
    const unsigned char *sets; /* 32 octets each: a bit for each octet */
    ptrdiff_t marks[GLASSHATCH_MARKS];
    glasshatch_turn_t *turns;
    ptrdiff_t top;
    int64_t steps;
} glasshatch_match_t;

#define HAS(set, octet) ((sets[(set) * 32 + ((octet) >> 3)] >> ((octet) & 7)) & 1)

static inline unsigned char glasshatch_small(unsigned char octet) {
    return octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;
}

/* Takes back the marks that were set since `base`, and forgets what could still be tried. */
static void glasshatch_unwind(glasshatch_match_t *m, ptrdiff_t base) {
    while (m->top > base) {
        glasshatch_turn_t *turn = &m->turns[--m->top];
        if (turn->kind == OP_MARK) m->marks[turn->pc] = turn->place;
    }
}

/* Forgets what could still be tried since `base`, but not which marks must be taken back. */
static void glasshatch_settle(glasshatch_match_t *m, ptrdiff_t base) {
    ptrdiff_t kept = base;
    for (ptrdiff_t one = base; one < m->top; one++)
        if (m->turns[one].kind == OP_MARK) m->turns[kept++] = m->turns[one];
    m->top = kept;
}

static ptrdiff_t glasshatch_run(glasshatch_match_t *m, int32_t pc, ptrdiff_t place) {
    const ptrdiff_t base = m->top, high = m->high;
    const int32_t *code = m->code;
    const unsigned char *sets = m->sets, *text = m->text;
    ptrdiff_t end, stop;
    for (;;) {
        const int32_t *op = code + pc;
        /* Two turns fit at least, which is what an instruction leaves at most. */
        if (--m->steps < 0 || m->top + 2 > GLASSHATCH_DEEP) return GLASSHATCH_GAVE_UP;
        switch (op[0]) {
        case OP_DONE:
            return place;
        case OP_CHAR:
            if (place >= high || text[place] != op[1]) break;
            place++;
            pc += 2;
            continue;
        case OP_SET:
            if (place >= high || !HAS(op[1], text[place])) break;
            place++;
            pc += 2;
            continue;
        case OP_ELSE:
            if (op[1] >= 0 && (place >= high || !HAS(op[1], text[place]))) {
                pc = op[2];
                continue;
            }
            m->turns[m->top++] = (glasshatch_turn_t){OP_ELSE, op[2], place, 0};
            pc += 3;
            continue;
        case OP_LATER:
            m->turns[m->top++] = (glasshatch_turn_t){OP_ELSE, op[1], place, 0};
            pc += 2;
            continue;
        case OP_GO:
            pc = op[1];
            continue;
        case OP_MARK:
            m->turns[m->top++] = (glasshatch_turn_t){OP_MARK, op[1], m->marks[op[1]], 0};
            m->marks[op[1]] = place;
            pc += 2;
            continue;
        case OP_MOST:
        case OP_ALL:
            end = place;
            stop = op[3] < high - place ? place + op[3] : high;
            while (end < stop && HAS(op[1], text[end])) end++;
            m->steps -= (end - place) >> 3;
            if (end - place < op[2]) break;
            if (op[0] == OP_MOST && end - place > op[2])
                m->turns[m->top++] = (glasshatch_turn_t){OP_MOST, pc, end, place + op[2]};
            place = end;
            pc += op[0] == OP_MOST ? 5 : 4;
            continue;
        case OP_LEAST:
            if (op[2] > high - place) break;
            for (end = place; end < place + op[2] && HAS(op[1], text[end]);) end++;
            if (end < place + op[2]) break;
            if (op[3] > op[2]) m->turns[m->top++] = (glasshatch_turn_t){OP_LEAST, pc, end, op[3] - op[2]};
            place = end;
            pc += 4;
            continue;
        case OP_AHEAD:
            if ((place < high && HAS(op[1], text[place])) == op[2]) break;
            pc += 3;
            continue;
        case OP_BEHIND:
            if (place > 0 && place <= m->low) return GLASSHATCH_GAVE_UP;
            if ((place > 0 && HAS(op[1], text[place - 1])) == op[2]) break;
            pc += 3;
            continue;
        case OP_LOOK: {
            const ptrdiff_t from = op[1] < 0 ? place : place - op[1], mine = m->top;
            if (op[1] >= 0 && from >= 0 && from < m->low) return GLASSHATCH_GAVE_UP;
            end = from < 0 ? GLASSHATCH_NONE : glasshatch_run(m, pc + 4, from);
            if (end == GLASSHATCH_GAVE_UP) return GLASSHATCH_GAVE_UP;
            if (end >= 0 && op[2]) glasshatch_unwind(m, mine);
            else if (end >= 0) glasshatch_settle(m, mine);
            if ((end >= 0) == op[2]) break;
            pc = op[3];
            continue;
        }
        case OP_ONCE: {
            const ptrdiff_t mine = m->top;
            end = glasshatch_run(m, pc + 2, place);
            if (end == GLASSHATCH_GAVE_UP) return GLASSHATCH_GAVE_UP;
            if (end < 0) break;
            glasshatch_settle(m, mine);
            place = end;
            pc = op[1];
            continue;
        }
        case OP_SAME: {
            const ptrdiff_t begun = m->marks[op[1]], size = m->marks[op[1] + 1] - begun;
            ptrdiff_t one = 0;
            if (begun < 0 || size < 0 || size > high - place) break;
            m->steps -= size >> 3;
            if (op[2])
                while (one < size && glasshatch_small(text[begun + one]) == glasshatch_small(text[place + one])) one++;
            else
                while (one < size && text[begun + one] == text[place + one]) one++;
            if (one < size) break;
            place += size;
            pc += 3;
            continue;
        }
        case OP_TEXT:
            if (place != 0) break;
            pc += 1;
            continue;
        case OP_END:
            if (place != high && (place + 1 != high || text[place] != '\n')) break;
            pc += 1;
            continue;
        case OP_LAST:
            if (place != high) break;
            pc += 1;
            continue;
        case OP_WORD: {
            if (place > 0 && place <= m->low) return GLASSHATCH_GAVE_UP;
            const int before = place > 0 && HAS(op[1], text[place - 1]);
            const int after = place < high && HAS(op[1], text[place]);
            if ((before != after) == op[2]) break;
            pc += 3;
            continue;
        }
        default:
            return GLASSHATCH_GAVE_UP;
        }
        /* What was tried leads nowhere: the latest turn that was left. */
        for (;;) {
            if (m->top == base) return GLASSHATCH_NONE;
            glasshatch_turn_t *turn = &m->turns[m->top - 1];
            if (turn->kind == OP_MARK) {
                m->marks[turn->pc] = turn->place;
                m->top--;
                continue;
            }
            if (turn->kind == OP_ELSE) {
                place = turn->place;
                pc = turn->pc;
                m->top--;
                break;
            }
            op = code + turn->pc;
            if (turn->kind == OP_MOST) {
                end = turn->place - 1;
                if (op[4] >= 0)
                    while (end >= turn->least && !HAS(op[4], text[end])) end--;
                m->steps -= (turn->place - end) >> 3;
                if (end <= turn->least) m->top--;
                else turn->place = end;
                if (end < turn->least) continue;
                place = end;
                pc = turn->pc + 5;
                break;
            }
            /* OP_LEAST: one more. */
            end = turn->place;
            if (end >= high || !HAS(op[1], text[end])) {
                m->top--;
                continue;
            }
            place = end + 1;
            pc = turn->pc + 4;
            turn->place = place;
            if (--turn->least == 0) m->top--;
            break;
        }
    }
}

/* Whether `size` octets are ASCII. */
static inline int glasshatch_ascii(const unsigned char *text, ptrdiff_t size) {
    uint64_t some, all = 0;
    for (; size >= 8; size -= 8, text += 8) {
        memcpy(&some, text, 8);
        all |= some;
    }
    while (size-- > 0) all |= (uint64_t)(*text++ & 0x80);
    return !(all & 0x8080808080808080ULL);
}

/* Where a match at `place` ends; GLASSHATCH_NONE if there is none; GLASSHATCH_GAVE_UP if somebody else must tell. */
static ptrdiff_t glasshatch_match(glasshatch_match_t *m, const int32_t *code, const unsigned char *sets,
                                  ptrdiff_t place) {
    m->code = code;
    m->sets = sets;
    m->top = 0;
    m->steps = GLASSHATCH_STEPS;
    for (int mark = 0; mark < GLASSHATCH_MARKS; mark++) m->marks[mark] = -1;
    return glasshatch_run(m, 0, place);
}

#endif
