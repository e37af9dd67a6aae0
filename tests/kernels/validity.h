/* The UTF-8 validator against the oracle: all short sequences, all cuts, random text.
 *
 * Included by kernels.c only.
 */
#ifndef KERNELS_VALIDITY_H
#define KERNELS_VALIDITY_H

#include "oracle.h"
#include "support.h"
#include "utf8.h"

static void check_against(const ws_utf8 *u, int answer, const oracle *o, size_t n, size_t at) {
    check(answer == !o->dead, "ws_utf8_feed", n, at);
    check(ws_utf8_complete(u) == (!o->dead && o->count == 0), "ws_utf8_complete", n, at);
    if (!o->dead) {
        ws_text expected = {o->points, o->top};
        check(u->text.points == o->points, "ws_utf8, points", n, at);
        check(ws_text_class(&u->text) == ws_text_class(&expected), "ws_utf8, class", n, at);
    }
}

/* Checks text cut into pieces: bit i of `cuts` means a cut after byte i. Each piece is a block of
 * exactly its size, so that a sanitizer sees any access past it. */
static void feed_cut(const uint8_t *text, size_t n, uint64_t cuts) {
    ws_utf8 u;
    oracle o;
    size_t begin = 0, i;
    memset(&o, 0, sizeof o);
    ws_utf8_init(&u);
    for (i = 0; i < n; i++) {
        oracle_feed(&o, text[i]);
        if (i + 1 == n || (i < 64 && cuts >> i & 1)) {
            size_t bytes = i + 1 - begin;
            uint8_t *piece = block(bytes);
            memcpy(piece, text + begin, bytes);
            check_against(&u, ws_utf8_feed(&u, piece, bytes), &o, n, i);
            free(piece);
            begin = i + 1;
        }
    }
}

/* Every sequence of 1, 2 and 3 bytes: byte by byte, whole, and with ASCII after it. */
static void test_all_short_sequences(void) {
    uint8_t *text = block(8); /* with an array, GCC warns about words that are never read */
    uint32_t a, b, c, i;
    memset(text, 'p', 8);
    for (a = 0; a < 256; a++) {
        oracle o1;
        ws_utf8 u1;
        text[0] = (uint8_t)a;
        memset(&o1, 0, sizeof o1);
        ws_utf8_init(&u1);
        oracle_feed(&o1, (uint8_t)a);
        check_against(&u1, ws_utf8_feed(&u1, text, 1), &o1, 1, a);
        for (b = 0; b < 256; b++) {
            oracle o2 = o1;
            ws_utf8 u2 = u1, whole;
            text[1] = (uint8_t)b;
            oracle_feed(&o2, (uint8_t)b);
            check_against(&u2, ws_utf8_feed(&u2, text + 1, 1), &o2, 2, a << 8 | b);
            ws_utf8_init(&whole);
            check_against(&whole, ws_utf8_feed(&whole, text, 2), &o2, 2, a << 8 | b);
            for (c = 0; c < 256; c++) {
                oracle o3 = o2;
                ws_utf8 u3 = u2;
                int alone, followed, cut;
                text[2] = (uint8_t)c;
                oracle_feed(&o3, (uint8_t)c);
                check_against(&u3, ws_utf8_feed(&u3, text + 2, 1), &o3, 3, a << 16 | b << 8 | c);
                ws_utf8_init(&whole);
                alone = ws_utf8_feed(&whole, text, 3);
                check_against(&whole, alone, &o3, 3, a << 16 | b << 8 | c);
                u3 = u1;
                cut = ws_utf8_feed(&u3, text + 1, 2);
                check_against(&u3, cut, &o3, 3, a << 16 | b << 8 | c);
                for (i = 0; i < 1 + (c & 3); i++)
                    oracle_feed(&o3, 'p');
                ws_utf8_init(&whole);
                followed = ws_utf8_feed(&whole, text, 4 + (c & 3));
                check_against(&whole, followed, &o3, 4, a << 16 | b << 8 | c);
            }
        }
    }
    free(text);
}

static const uint8_t boundaries[] = {
    0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBF, 0xC0, 0xC1, 0xC2,
    0xC3, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
};

/* Every sequence of 4 boundary bytes, whole and byte by byte, after 0 to 70 bytes of ASCII. */
static void test_four_byte_sequences(void) {
    const size_t count = sizeof boundaries;
    size_t index, padding = 0;
    uint8_t *text = block(75);
    memset(text, 'p', 75);
    for (index = 0; index < count * count * count * count; index++) {
        size_t rest = index, i;
        uint8_t *sequence = text + padding;
        ws_utf8 u, whole;
        oracle o;
        memset(&o, 0, sizeof o);
        o.points = padding;
        ws_utf8_init(&u);
        ws_utf8_init(&whole);
        check(ws_utf8_feed(&u, text, padding) == 1, "ws_utf8_feed, padding", padding, index);
        for (i = 0; i < 4; i++, rest /= count)
            sequence[i] = boundaries[rest % count];
        for (i = 0; i < 4; i++) {
            oracle_feed(&o, sequence[i]);
            check_against(&u, ws_utf8_feed(&u, sequence + i, 1), &o, 4, index);
        }
        check_against(&whole, ws_utf8_feed(&whole, text, padding + 4), &o, 4, index);
        memset(sequence, 'p', 4);
        padding = (padding + 1) % 71;
    }
    free(text);
}

/* The limits that RFC 3629 sets. Each is also tried with all of its prefixes. */
static const char *const lines[] = {
    "\x7F", "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2\x80", "\xDF\xBF", "\xC2\x7F", "\xC2\xC0",
    "\xE0\x80\x80", "\xE0\x9F\xBF", "\xE0\xA0\x80", "\xE1\x80\x80", "\xEC\xBF\xBF", "\xED\x9F\xBF",
    "\xED\xA0\x80", "\xED\xBF\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xE1\x80\x7F", "\xE1\x80\xC0",
    "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80\x80", "\xF1\x80\x80\x80",
    "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
    "\xF1\x80\x80\x7F", "\xF1\x80\x80\xC0", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xF0\x9F\x98\x80\xC3\xA9",
};

/* ASCII, a sequence, ASCII: cut at every point, and byte by byte around the sequence. */
static void test_cuts(void) {
    static const size_t far[] = {127, 128, 129, 191, 192, 193, 255, 320, 450};
    uint8_t text[512];
    size_t line, keep, i, padding, behind;
    for (line = 0; line < sizeof lines / sizeof *lines; line++) {
        for (i = 0; i < 71 + sizeof far / sizeof *far; i++) {
            padding = i < 71 ? i : far[i - 71];
            behind = (i + line) % 9;
            for (keep = strlen(lines[line]); keep > 0; keep--) {
                size_t n = padding + keep + behind, cut;
                memset(text, 'p', n);
                memcpy(text + padding, lines[line], keep);
                feed_cut(text, n, 0);
                for (cut = 0; cut < n && cut < 64; cut++)
                    feed_cut(text, n, (uint64_t)1 << cut);
                if (padding < 64)
                    feed_cut(text, n, ~(uint64_t)0 << padding);
            }
        }
    }
}

/* Valid text with characters of all lengths, half of it with one byte damaged, cut at random. */
static void test_random_text(void) {
    uint8_t text[600];
    int round;
    for (round = 0; round < 20000; round++) {
        size_t n = 0, limit = (size_t)(draw() % 560);
        while (n < limit) {
            uint64_t kind = draw() >> 20;
            uint32_t point = (uint32_t)(draw() >> 20);
            if (kind % 4 == 0) {
                size_t run = (size_t)(kind >> 8) % 160;
                for (; run > 0 && n < limit; run--)
                    text[n++] = (uint8_t)(draw() & 0x7F);
            } else {
                point = kind % 4 == 1 ? point & 0x7FF : kind % 4 == 2 ? point & 0xFFFF : point;
                point %= 0x110000;
                if (point < 0xD800 || point > 0xDFFF)
                    n += encode(point, text + n);
            }
        }
        if (n > 0 && round % 2)
            text[draw() % n] = (uint8_t)(draw() >> 30);
        feed_cut(text, n, draw() & draw() & draw());
    }
}

#endif
