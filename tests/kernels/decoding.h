/* Measures and decodes whole texts: every code point, every place, memory that must not be touched.
 *
 * Included by kernels.c only.
 */
#ifndef KERNELS_DECODING_H
#define KERNELS_DECODING_H

#include "lookup.h"
#include "oracle.h"
#include "support.h"
#include "transcode.h"

#define TEXT_BYTES 640

/* A text that is built from code points, and the expected result. */
typedef struct {
    uint8_t bytes[TEXT_BYTES];
    uint32_t points[TEXT_BYTES];
    size_t n, count;
    uint32_t highest;
} sample;

static void add(sample *s, uint32_t point) {
    s->n += encode(point, s->bytes + s->n);
    s->points[s->count++] = point;
    s->highest = point > s->highest ? point : s->highest;
}

/* The class, derived from the code point and not from a byte of it. */
static uint32_t class_of(uint32_t point) {
    return point < 0x80 ? 0x7F : point < 0x100 ? 0xFF : point < 0x10000 ? 0xFFFF : 0x10FFFF;
}

static size_t width_of(uint32_t point) {
    return point < 0x100 ? 1 : point < 0x10000 ? 2 : 4;
}

static uint32_t lane_of(const uint8_t *dst, size_t width, size_t at) {
    uint16_t half;
    uint32_t whole;
    if (width == 1)
        return dst[at];
    if (width == 2) {
        memcpy(&half, dst + 2 * at, 2);
        return half;
    }
    memcpy(&whole, dst + 4 * at, 4);
    return whole;
}

/* `src` holds the bytes of the sample; `dst` has room for exactly its lanes. */
static void decode_sample(const sample *s, const uint8_t *src, uint8_t *dst) {
    size_t width = width_of(s->highest), i;
    ws_text text;
    check(ws_utf8_measure(&text, src, s->n) == 1, "ws_utf8_measure", s->n, 0);
    check(text.points == s->count, "ws_utf8_measure, points", s->n, text.points);
    check(ws_text_class(&text) == class_of(s->highest), "ws_utf8_measure, class", s->n, s->highest);
    if (!ws_can_transcode())
        return;
    ws_transcode(dst, &text, src, s->n);
    for (i = 0; i < s->count; i++)
        if (lane_of(dst, width, i) != s->points[i])
            break;
    check(i == s->count, "ws_transcode", s->n, i);
}

static void check_sample(const sample *s, size_t to) {
    size_t bytes = s->count * width_of(s->highest);
    uint8_t *src = block(s->n), *dst = guarded(to, bytes);
    memcpy(src, s->bytes, s->n);
    decode_sample(s, src, dst);
    check_guards(dst, bytes, "ws_transcode, bytes outside dst");
    free(src);
}

/* Every code point, after and before text of its own width and of every other width. */
static void test_all_points(void) {
    static const uint32_t fillers[] = {'p', 0xE9, 0x416, 0x4E2D, 0x1F600};
    uint32_t point;
    for (point = 0; point <= 0x10FFFF; point++) {
        uint32_t filler = fillers[point % 5];
        size_t before = point / 5 % 70, behind = point / 350 % 11, i;
        sample s;
        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        s.n = s.count = s.highest = 0;
        for (i = 0; i < before; i++)
            add(&s, filler);
        add(&s, point);
        for (i = 0; i < behind; i++)
            add(&s, filler);
        check_sample(&s, point % MISALIGNMENTS);
    }
}

static uint32_t draw_point(unsigned width) {
    static const uint32_t from[] = {0, 0x80, 0x100, 0x800, 0x10000};
    static const uint32_t below[] = {0x80, 0x100, 0x800, 0x10000, 0x110000};
    uint32_t point = from[width] + (uint32_t)(draw() >> 24) % (below[width] - from[width]);
    return point >= 0xD800 && point <= 0xDFFF ? point - 0x800 : point;
}

/* Text up to `limit` bytes long, in which `kinds` has a bit for each width of code point that may
 * occur, in runs of up to `run`. */
static void draw_sample(sample *s, size_t limit, unsigned kinds, size_t run) {
    s->n = s->count = s->highest = 0;
    while (s->n < limit) {
        unsigned width = (unsigned)(draw() >> 30) % 5;
        size_t times = 1 + (size_t)(draw() >> 30) % run;
        if (!(kinds >> width & 1))
            continue;
        for (; times > 0 && s->n < limit; times--)
            add(s, draw_point(limit - s->n < 4 ? 0 : width));
    }
}

/* Bytes that change between the kernel's passes may be decoded wrongly, but are written nowhere
 * else. */
static void check_changed(sample *s, size_t to) {
    ws_text text;
    size_t bytes = s->count * width_of(s->highest), i, at;
    uint8_t *src, *dst = guarded(to, bytes);
    static const char *const changes[] = {
        "p", "\x80", "\xC3", "\xE4", "\xF0", "\xFF", "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80",
    };
    const size_t count = sizeof changes / sizeof *changes;
    if (s->n == 0 || s->highest < 0x80 || !ws_can_transcode())
        return;
    src = block(s->n);
    ws_utf8_measure(&text, s->bytes, s->n);
    for (i = 0; i <= count; i++) {
        fill(src, s->n, 0xFF);
        for (at = 0; i < count && at < s->n; at++)
            src[at] = (uint8_t)changes[i][at % strlen(changes[i])];
        ws_transcode(dst, &text, src, s->n);
        check_guards(dst, bytes, "ws_transcode of changed text, bytes outside dst");
    }
    free(src);
}

/* Texts of every mixture of widths, in short and long runs. */
static void test_texts(void) {
    static const size_t runs[] = {1, 3, 12, 40, 200};
    unsigned kinds, round;
    for (kinds = 1; kinds < 32; kinds++) {
        for (round = 0; round < 400; round++) {
            size_t limit = round < 260 ? round : 260 + (size_t)(draw() >> 30) % 370;
            sample s;
            draw_sample(&s, limit == 0 ? 1 : limit, kinds, runs[round % 5]);
            check_sample(&s, round % MISALIGNMENTS);
            if (round % 4 == 0)
                check_changed(&s, round % MISALIGNMENTS);
        }
    }
}

/* Asks the oracle whether the bytes are whole characters. */
static int is_text(const uint8_t *src, size_t n) {
    oracle o;
    size_t i;
    memset(&o, 0, sizeof o);
    for (i = 0; i < n; i++)
        oracle_feed(&o, src[i]);
    return !o.dead && o.count == 0;
}

/* Every sequence of two bytes, and sequences of three and four that are close to valid ones. Each
 * is tried at each place around the edge of a block, at the end of the text and inside it. */
static void test_pairs_at_edges(void) {
    static const uint8_t seconds[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    static const uint8_t others[] = {0x7F, 0x80, 0xBF, 0xC3};
    uint32_t pair, more;
    uint8_t text[TEXT_BYTES];
    size_t place;
    for (pair = 0; pair < 0x10000 + 0x100 * 160; pair++) {
        uint8_t bytes[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, 'p', 'p'};
        size_t length = 2;
        int good;
        if (pair >= 0x10000) {
            more = pair - 0x10000;
            bytes[0] = (uint8_t)(more / 160);
            bytes[1] = seconds[more / 16 % 10];
            bytes[2] = others[more / 4 % 4];
            bytes[3] = others[more % 4];
            length = 3 + more % 2;
        }
        good = is_text(bytes, length);
        for (place = 26; place < 34; place++) {
            uint8_t *src = block(place + length);
            ws_text measured;
            memset(text, 'p', 100);
            memcpy(text + place, bytes, length);
            memcpy(src, text, place + length);
            check(
                ws_utf8_measure(&measured, src, place + length) == good,
                "ws_utf8_measure, sequence at the end", place, pair
            );
            free(src);
            check(
                ws_utf8_measure(&measured, text, 100) == good, "ws_utf8_measure, sequence inside",
                place, pair
            );
        }
    }
}

#if defined(HAVE_POSIX)
/* Source and destination end, then begin, at the edge of a page: any access outside crashes. */
static void test_text_fences(void) {
    uint8_t *from = fenced(), *to = fenced();
    size_t inner = fenced_bytes(), round;
    for (round = 0; round < 16000; round++) {
        size_t bytes;
        sample s;
        draw_sample(&s, 1 + (round / 2) % 600, 1 + (unsigned)(draw() >> 30) % 31, 1 + round % 50);
        bytes = s.count * width_of(s.highest);
        if (round % 2) {
            memcpy(from + inner - s.n, s.bytes, s.n);
            decode_sample(&s, from + inner - s.n, to + inner - bytes);
        } else {
            memcpy(from, s.bytes, s.n);
            decode_sample(&s, from, to);
        }
    }
    free_fenced(from);
    free_fenced(to);
}
#endif

#endif
