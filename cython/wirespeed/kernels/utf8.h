/* Checks UTF-8 that arrives in pieces (RFC 3629).
 *
 * Plain C99, without Python. Only a character that is cut by the end of a piece is checked byte by
 * byte.
 */
#ifndef WIRESPEED_UTF8_H
#define WIRESPEED_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "lookup.h"

/* `state` describes the next byte. It is 0 between characters. Inside one, it has the number of
 * bytes still to come (bits 0 to 7) and the range of the next one (bits 8 to 15 and 16 to 23).
 * `text` covers all bytes so far, while they are valid; a character is counted at its first
 * byte. */
typedef struct {
    uint32_t state;
    ws_text text;
} ws_utf8;

#define WS_UTF8_BOUNDARY 0u
#define WS_UTF8_INVALID 0xFFFFFFFFu
#define WS_UTF8_EXPECT(bytes, low, high) \
    ((uint32_t)(bytes) | (uint32_t)(low) << 8 | (uint32_t)(high) << 16)

static inline void ws_utf8_init(ws_utf8 *u) {
    u->state = WS_UTF8_BOUNDARY;
    u->text.points = 0;
    u->text.top = 0;
}

/* 1 if all bytes so far are valid and end at the end of a character. */
static inline int ws_utf8_complete(const ws_utf8 *u) {
    return u->state == WS_UTF8_BOUNDARY;
}

/* The table of RFC 3629 section 4: the state after the first byte of a character. The ranges of
 * the second byte exclude overlong forms, surrogates and code points above U+10FFFF. */
static inline uint32_t ws_utf8_first(uint8_t byte) {
    if (byte < 0x80)
        return WS_UTF8_BOUNDARY;
    if (byte < 0xC2 || byte > 0xF4)
        return WS_UTF8_INVALID;
    if (byte < 0xE0)
        return WS_UTF8_EXPECT(1, 0x80, 0xBF);
    if (byte < 0xF0)
        return WS_UTF8_EXPECT(2, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF);
    return WS_UTF8_EXPECT(3, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF);
}

/* Checks one more byte; the state must not be WS_UTF8_INVALID. */
static inline void ws_utf8_step(ws_utf8 *u, uint8_t byte) {
    uint32_t bytes = u->state & 0xFF;
    if (u->state == WS_UTF8_BOUNDARY) {
        u->state = ws_utf8_first(byte);
        ws_text_add(&u->text, 1, byte);
    } else if (byte < (u->state >> 8 & 0xFF) || byte > (u->state >> 16 & 0xFF)) {
        u->state = WS_UTF8_INVALID;
    } else {
        u->state = bytes == 1 ? WS_UTF8_BOUNDARY : WS_UTF8_EXPECT(bytes - 1, 0x80, 0xBF);
    }
}

/* The number of bytes at the end, up to 3, to check byte by byte: the first byte of the last
 * character and those that have arrived of its others. The character may be complete. */
static inline size_t ws_utf8_cut(const uint8_t *src, size_t n) {
    size_t cut;
    for (cut = 1; cut <= 3 && cut <= n && src[n - cut] >= 0x80; cut++)
        if (src[n - cut] >= 0xC0)
            return cut;
    return 0;
}

/* Checks the next n bytes. Returns 1 while all bytes so far can be the beginning of valid UTF-8.
 * Returns 0 from the first byte that makes this impossible on, for every later call too.
 *
 * No alignment is required; u and src must not overlap. Reads nothing outside src[0..n). With
 * n == 0 the pointer src is not used. */
static inline int ws_utf8_feed(ws_utf8 *u, const uint8_t *src, size_t n) {
    size_t i = 0;
    while (i < n && u->state != WS_UTF8_BOUNDARY && u->state != WS_UTF8_INVALID)
        ws_utf8_step(u, src[i++]);
    if (u->state == WS_UTF8_BOUNDARY) {
        size_t whole = n - ws_utf8_cut(src + i, n - i);
        size_t ascii = ws_ascii_prefix(src + i, whole - i);
        ws_text_add(&u->text, ascii, 0);
        i += ascii;
        if (i < whole) {
            ws_text more;
            if (ws_utf8_measure(&more, src + i, whole - i))
                ws_text_add(&u->text, more.points, more.top);
            else
                u->state = WS_UTF8_INVALID;
            i = whole;
        }
    }
    while (i < n && u->state != WS_UTF8_INVALID)
        ws_utf8_step(u, src[i++]);
    return u->state != WS_UTF8_INVALID;
}

#endif
