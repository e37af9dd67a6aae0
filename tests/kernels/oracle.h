/* Defines valid UTF-8 by encoding every scalar value, not by ranges of bytes.
 *
 * Shares no code with the kernels. Included by kernels.c only.
 */
#ifndef KERNELS_ORACLE_H
#define KERNELS_ORACLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The oracle encodes every scalar value and marks each prefix of the result: a sequence is valid if
 * some character begins with it. */
enum verdict { IMPOSSIBLE, BEGUN, WHOLE };

static uint8_t one_byte[1 << 8], two_bytes[1 << 16], *three_bytes;

static size_t encode(uint32_t point, uint8_t out[4]) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

static void make_oracle(void) {
    uint32_t point;
    three_bytes = calloc(1 << 24, 1);
    if (three_bytes == NULL) {
        printf("kernels: out of memory\n");
        exit(1);
    }
    for (point = 0; point <= 0x10FFFF; point++) {
        uint8_t c[4];
        size_t n;
        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        n = encode(point, c);
        one_byte[c[0]] = n == 1 ? WHOLE : BEGUN;
        if (n >= 2)
            two_bytes[c[0] << 8 | c[1]] = n == 2 ? WHOLE : BEGUN;
        if (n >= 3)
            three_bytes[c[0] << 16 | c[1] << 8 | c[2]] = n == 3 ? WHOLE : BEGUN;
    }
}

typedef struct {
    uint8_t held[4];
    size_t count;
    int dead;
    size_t points; /* characters begun */
    uint8_t top; /* the highest first byte */
} oracle;

/* Takes one more byte; `held` is the beginning of a character. */
static void oracle_feed(oracle *o, uint8_t byte) {
    const uint8_t *c = o->held;
    int verdict;
    if (o->dead)
        return;
    o->held[o->count++] = byte;
    if (o->count == 1) {
        o->points++;
        o->top = byte > o->top ? byte : o->top;
        verdict = one_byte[c[0]];
    } else if (o->count == 2) {
        verdict = two_bytes[c[0] << 8 | c[1]];
    } else if (o->count == 3) {
        verdict = three_bytes[c[0] << 16 | c[1] << 8 | c[2]];
    } else {
        uint32_t point = (uint32_t)(c[0] & 7) << 18 | (uint32_t)(c[1] & 0x3F) << 12
                         | (uint32_t)(c[2] & 0x3F) << 6 | (c[3] & 0x3F);
        uint8_t again[4];
        verdict = encode(point, again) == 4 && memcmp(again, c, 4) == 0 ? WHOLE : IMPOSSIBLE;
    }
    if (verdict == WHOLE)
        o->count = 0;
    o->dead = verdict == IMPOSSIBLE;
}

#endif
