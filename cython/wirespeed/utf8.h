/* ASCII runs and the validity of UTF-8 that arrives in pieces (RFC 3629).
 *
 * Knows nothing of messages, nor of Python: C99 and nothing else.
 *
 * Runs of ASCII go through the vector kernels, whole characters through a scalar loop, and only a
 * character that is cut by the end of a piece is followed byte by byte.
 */
#ifndef WIRESPEED_UTF8_H
#define WIRESPEED_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu.h"

/* Up to here the inlined words are as fast as a call into the vector kernels. */
#define WS_ASCII_INLINE_BYTES 64

#define WS_HIGH_BITS 0x8080808080808080u

static inline uint64_t ws_load_word(const uint8_t *src) {
    uint64_t word;
    memcpy(&word, src, 8);
    return word;
}

/* How many bytes of a word come, in memory, before the first one whose high bit is set. `high` is
 * the word & WS_HIGH_BITS and not 0. */
static inline size_t ws_bytes_before(uint64_t high) {
    uint64_t below;
    if (ws_big_endian()) {
        size_t count = 0;
        for (; !(high >> 63); high <<= 8)
            count++;
        return count;
    }
    /* All bits below the lowest one: a top bit for each byte before, which the product adds up. */
    below = (high & (0 - high)) - 1;
    return (size_t)((((below >> 7) & 0x0101010101010101u) * 0x0101010101010101u) >> 56);
}

#if defined(WS_HAVE_AVX2)
/* Length of a prefix of src[0..n) that is all ASCII, in whole blocks of 128 bytes: the next block
 * is cut short by n or holds another byte. No alignment is required; reads nothing outside
 * src[0..n). */
WS_TARGET_AVX2
static inline size_t ws_ascii_blocks_avx2(const uint8_t *src, size_t n) {
    size_t i = 0;
    for (; n - i >= 128; i += 128) {
        const __m256i *from = (const __m256i *)(const void *)(src + i);
        __m256i ab = _mm256_or_si256(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
        __m256i cd = _mm256_or_si256(_mm256_loadu_si256(from + 2), _mm256_loadu_si256(from + 3));
        if (_mm256_movemask_epi8(_mm256_or_si256(ab, cd)))
            break;
    }
    _mm256_zeroupper();
    return i;
}

/* As ws_copy_ascii; n must be at least 32. */
WS_TARGET_AVX2
static inline int ws_copy_ascii_avx2(uint8_t *dst, const uint8_t *src, size_t n) {
    size_t i = 0, last = n - 32;
    int high = 0;
    __m256i seen = _mm256_setzero_si256();
    for (; last - i >= 128; i += 128) {
        const __m256i *from = (const __m256i *)(const void *)(src + i);
        __m256i *to = (__m256i *)(void *)(dst + i);
        __m256i a = _mm256_loadu_si256(from);
        __m256i b = _mm256_loadu_si256(from + 1);
        __m256i c = _mm256_loadu_si256(from + 2);
        __m256i d = _mm256_loadu_si256(from + 3);
        seen = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        high = _mm256_movemask_epi8(seen);
        if (high)
            break;
        _mm256_storeu_si256(to, a);
        _mm256_storeu_si256(to + 1, b);
        _mm256_storeu_si256(to + 2, c);
        _mm256_storeu_si256(to + 3, d);
    }
    if (!high) {
        __m256i tail = _mm256_loadu_si256((const __m256i *)(const void *)(src + last));
        seen = tail;
        for (; i < last; i += 32) {
            __m256i word = _mm256_loadu_si256((const __m256i *)(const void *)(src + i));
            seen = _mm256_or_si256(seen, word);
            _mm256_storeu_si256((__m256i *)(void *)(dst + i), word);
        }
        _mm256_storeu_si256((__m256i *)(void *)(dst + last), tail);
        high = _mm256_movemask_epi8(seen);
    }
    _mm256_zeroupper();
    return high == 0;
}
#endif

#if defined(WS_HAVE_NEON)
/* As ws_ascii_blocks_avx2, in blocks of 64 bytes. */
static inline size_t ws_ascii_blocks_neon(const uint8_t *src, size_t n) {
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        uint8x16_t ab = vorrq_u8(vld1q_u8(src + i), vld1q_u8(src + i + 16));
        uint8x16_t cd = vorrq_u8(vld1q_u8(src + i + 32), vld1q_u8(src + i + 48));
        if (vmaxvq_u8(vorrq_u8(ab, cd)) >= 0x80)
            break;
    }
    return i;
}

/* As ws_copy_ascii; n must be at least 16. */
static inline int ws_copy_ascii_neon(uint8_t *dst, const uint8_t *src, size_t n) {
    size_t i = 0, last = n - 16;
    uint8x16_t tail = vld1q_u8(src + last);
    uint8x16_t seen = tail;
    for (; last - i >= 64; i += 64) {
        uint8x16_t a = vld1q_u8(src + i);
        uint8x16_t b = vld1q_u8(src + i + 16);
        uint8x16_t c = vld1q_u8(src + i + 32);
        uint8x16_t d = vld1q_u8(src + i + 48);
        if (vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) >= 0x80)
            return 0;
        vst1q_u8(dst + i, a);
        vst1q_u8(dst + i + 16, b);
        vst1q_u8(dst + i + 32, c);
        vst1q_u8(dst + i + 48, d);
    }
    for (; i < last; i += 16) {
        uint8x16_t word = vld1q_u8(src + i);
        seen = vorrq_u8(seen, word);
        vst1q_u8(dst + i, word);
    }
    vst1q_u8(dst + last, tail);
    return vmaxvq_u8(seen) < 0x80;
}
#endif

/* The length of the longest prefix of src[0..n) that is all ASCII, exactly.
 *
 * No alignment is required. Reads nothing outside src[0..n), writes nothing. With n == 0 the
 * pointer is not used. */
static inline size_t ws_ascii_prefix(const uint8_t *src, size_t n) {
    size_t i = 0;
    uint64_t high;
    /* A short run in a long text must not pay for the call into the vector kernel. */
    for (; i < WS_ASCII_INLINE_BYTES && n - i >= 8; i += 8) {
        high = ws_load_word(src + i) & WS_HIGH_BITS;
        if (high)
            return i + ws_bytes_before(high);
    }
#if defined(WS_HAVE_AVX2)
    if (n - i >= 128 && ws_cpu_level == WS_AVX2)
        i += ws_ascii_blocks_avx2(src + i, n - i);
#elif defined(WS_HAVE_NEON)
    if (n - i >= 64 && ws_cpu_level == WS_NEON)
        i += ws_ascii_blocks_neon(src + i, n - i);
#endif
    for (; n - i >= 8; i += 8) {
        high = ws_load_word(src + i) & WS_HIGH_BITS;
        if (high)
            return i + ws_bytes_before(high);
    }
    if (n >= 8) {
        /* All before i is ASCII, so the last word may begin before i. */
        high = ws_load_word(src + n - 8) & WS_HIGH_BITS;
        return high ? n - 8 + ws_bytes_before(high) : n;
    }
    while (i < n && src[i] < 0x80)
        i++;
    return i;
}

/* As ws_copy_ascii, in words of 8. */
static inline int ws_copy_ascii_portable(uint8_t *dst, const uint8_t *src, size_t n) {
    unsigned seen = 0;
    if (n >= 16) {
        size_t i = 0, last = n - 16;
        uint64_t tail[2], all[2];
        memcpy(tail, src + last, 16);
        memcpy(all, tail, 16);
        for (; i < last; i += 16) {
            uint64_t pair[2];
            memcpy(pair, src + i, 16);
            all[0] |= pair[0];
            all[1] |= pair[1];
            memcpy(dst + i, pair, 16);
        }
        memcpy(dst + last, tail, 16);
        return ((all[0] | all[1]) & WS_HIGH_BITS) == 0;
    }
    if (n >= 8) {
        uint64_t head = ws_load_word(src);
        uint64_t tail = ws_load_word(src + n - 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
        return ((head | tail) & WS_HIGH_BITS) == 0;
    }
    if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
        return ((head | tail) & (uint32_t)WS_HIGH_BITS) == 0;
    }
    while (n > 0) {
        n--;
        dst[n] = src[n];
        seen |= src[n];
    }
    return seen < 0x80;
}

/* Checks and copies in one pass: 1 when src[0..n) is all ASCII and dst[0..n) now equals it, else 0
 * and dst[0..n) may hold anything.
 *
 * No alignment is required. dst and src must not overlap. Reads nothing outside src[0..n), writes
 * nothing outside dst[0..n). With n == 0 the pointers are not used, and the answer is 1. */
static inline int ws_copy_ascii(uint8_t *dst, const uint8_t *src, size_t n) {
#if defined(WS_HAVE_AVX2)
    if (n > WS_ASCII_INLINE_BYTES && ws_cpu_level == WS_AVX2)
        return ws_copy_ascii_avx2(dst, src, n);
#elif defined(WS_HAVE_NEON)
    if (n > WS_ASCII_INLINE_BYTES && ws_cpu_level == WS_NEON)
        return ws_copy_ascii_neon(dst, src, n);
#endif
    return ws_copy_ascii_portable(dst, src, n);
}

/* What may come next. 0 at the boundary of characters; inside one, the number of bytes still to
 * come (bits 0 to 7) and the range of the next one (bits 8 to 15 and 16 to 23). */
typedef struct {
    uint32_t state;
} ws_utf8;

#define WS_UTF8_BOUNDARY 0u
#define WS_UTF8_INVALID 0xFFFFFFFFu
#define WS_UTF8_EXPECT(bytes, low, high) \
    ((uint32_t)(bytes) | (uint32_t)(low) << 8 | (uint32_t)(high) << 16)

static inline void ws_utf8_init(ws_utf8 *u) {
    u->state = WS_UTF8_BOUNDARY;
}

/* 1 when everything fed so far is valid and ends at the boundary of characters. */
static inline int ws_utf8_complete(const ws_utf8 *u) {
    return u->state == WS_UTF8_BOUNDARY;
}

/* The table of RFC 3629 section 4: the state after the first byte of a character. The ranges of
 * the second byte leave out overlong forms, surrogates and what is above U+10FFFF. */
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

/* The state after one more byte; `state` is not WS_UTF8_INVALID. */
static inline uint32_t ws_utf8_step(uint32_t state, uint8_t byte) {
    uint32_t bytes = state & 0xFF;
    if (state == WS_UTF8_BOUNDARY)
        return ws_utf8_first(byte);
    if (byte < (state >> 8 & 0xFF) || byte > (state >> 16 & 0xFF))
        return WS_UTF8_INVALID;
    return bytes == 1 ? WS_UTF8_BOUNDARY : WS_UTF8_EXPECT(bytes - 1, 0x80, 0xBF);
}

/* The length of the character of several bytes at src[0], 0 when it is none. Reads nothing outside
 * src[0..4). */
static inline size_t ws_utf8_character(const uint8_t *src) {
    uint32_t word = (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8
                    | (uint32_t)src[3];
    if ((word & 0xE0C00000u) == 0xC0800000u)
        return word >= 0xC2000000u ? 2 : 0;
    if ((word & 0xF0C0C000u) == 0xE0808000u) {
        /* Bits 11 to 15 of the code point: none is set in an overlong form, D800 to DFFF are
         * surrogates. */
        uint32_t top = word & 0x0F200000u;
        return top != 0 && top != 0x0D200000u ? 3 : 0;
    }
    if ((word & 0xF8C0C0C0u) == 0xF0808080u)
        return word >= 0xF0900000u && word < 0xF4900000u ? 4 : 0;
    return 0;
}

/* Checks the next n bytes: 1 while all that was fed can be the beginning of valid UTF-8, 0 from the
 * first byte on that makes it impossible, and for ever after.
 *
 * No alignment is required; u and src must not overlap. Reads nothing outside src[0..n). With
 * n == 0 the pointer src is not used. */
static inline int ws_utf8_feed(ws_utf8 *u, const uint8_t *src, size_t n) {
    size_t i = 0;
    uint32_t state = u->state;
    while (i < n && state != WS_UTF8_BOUNDARY && state != WS_UTF8_INVALID)
        state = ws_utf8_step(state, src[i++]);
    while (i < n && state == WS_UTF8_BOUNDARY) {
        if (src[i] < 0x80) {
            i += ws_ascii_prefix(src + i, n - i);
        } else if (n - i >= 4) {
            size_t length = ws_utf8_character(src + i);
            if (length == 0)
                state = WS_UTF8_INVALID;
            i += length;
        } else {
            break;
        }
    }
    while (i < n && state != WS_UTF8_INVALID)
        state = ws_utf8_step(state, src[i++]);
    u->state = state;
    return state != WS_UTF8_INVALID;
}

#endif
