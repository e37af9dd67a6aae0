/* Runs of ASCII: how far they go, and copies of them.
 *
 * Does not decode or check other UTF-8. Plain C99, without Python.
 */
#ifndef WIRESPEED_ASCII_H
#define WIRESPEED_ASCII_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu.h"

/* Up to this size the inlined words are as fast as a call into the vector kernels. */
#define WS_ASCII_INLINE_BYTES 64

#define WS_HIGH_BITS 0x8080808080808080u

static inline uint64_t ws_load_word(const uint8_t *src) {
    uint64_t word;
    memcpy(&word, src, 8);
    return word;
}

/* The number of bytes of a word that are, in memory, before the first one whose high bit is set.
 * `high` is the word & WS_HIGH_BITS and not 0. */
static inline size_t ws_bytes_before(uint64_t high) {
    uint64_t below;
    if (ws_big_endian()) {
        size_t count = 0;
        for (; !(high >> 63); high <<= 8)
            count++;
        return count;
    }
    /* All bits below the lowest one: a top bit for each earlier byte; the product adds them up. */
    below = (high & (0 - high)) - 1;
    return (size_t)((((below >> 7) & 0x0101010101010101u) * 0x0101010101010101u) >> 56);
}

#if defined(WS_HAVE_AVX2)
/* The length of a prefix of src[0..n) that is all ASCII, in whole blocks of 128 bytes. The next
 * block is cut off by n or contains a non-ASCII byte. No alignment is required; reads nothing
 * outside src[0..n). */
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
static inline size_t ws_copy_ascii_avx2(uint8_t *dst, const uint8_t *src, size_t n) {
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
        size_t at = i;
        __m256i tail = _mm256_loadu_si256((const __m256i *)(const void *)(src + last));
        seen = tail;
        for (; at < last; at += 32) {
            __m256i word = _mm256_loadu_si256((const __m256i *)(const void *)(src + at));
            seen = _mm256_or_si256(seen, word);
            _mm256_storeu_si256((__m256i *)(void *)(dst + at), word);
        }
        _mm256_storeu_si256((__m256i *)(void *)(dst + last), tail);
        high = _mm256_movemask_epi8(seen);
    }
    _mm256_zeroupper();
    return high ? i : n;
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
static inline size_t ws_copy_ascii_neon(uint8_t *dst, const uint8_t *src, size_t n) {
    size_t i = 0, at, last = n - 16;
    uint8x16_t tail = vld1q_u8(src + last);
    uint8x16_t seen = tail;
    for (; last - i >= 64; i += 64) {
        uint8x16_t a = vld1q_u8(src + i);
        uint8x16_t b = vld1q_u8(src + i + 16);
        uint8x16_t c = vld1q_u8(src + i + 32);
        uint8x16_t d = vld1q_u8(src + i + 48);
        if (vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) >= 0x80)
            return i;
        vst1q_u8(dst + i, a);
        vst1q_u8(dst + i + 16, b);
        vst1q_u8(dst + i + 32, c);
        vst1q_u8(dst + i + 48, d);
    }
    for (at = i; at < last; at += 16) {
        uint8x16_t word = vld1q_u8(src + at);
        seen = vorrq_u8(seen, word);
        vst1q_u8(dst + at, word);
    }
    vst1q_u8(dst + last, tail);
    return vmaxvq_u8(seen) < 0x80 ? n : i;
}
#endif

/* The length of the longest prefix of src[0..n) that is all ASCII, exactly.
 *
 * No alignment is required. Reads nothing outside src[0..n), writes nothing. With n == 0 the
 * pointer is not used. */
static inline size_t ws_ascii_prefix(const uint8_t *src, size_t n) {
    size_t i = 0;
    uint64_t high;
    /* A short run in a long text must not cost a call into the vector kernel. */
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
        /* All bytes before i are ASCII, so the last word may begin before i. */
        high = ws_load_word(src + n - 8) & WS_HIGH_BITS;
        return high ? n - 8 + ws_bytes_before(high) : n;
    }
    while (i < n && src[i] < 0x80)
        i++;
    return i;
}

/* As ws_copy_ascii, in words of 8. */
static inline size_t ws_copy_ascii_portable(uint8_t *dst, const uint8_t *src, size_t n) {
    unsigned seen = 0;
    size_t at;
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
        return (all[0] | all[1]) & WS_HIGH_BITS ? 0 : n;
    }
    if (n >= 8) {
        uint64_t head = ws_load_word(src);
        uint64_t tail = ws_load_word(src + n - 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
        return (head | tail) & WS_HIGH_BITS ? 0 : n;
    }
    if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
        return (head | tail) & (uint32_t)WS_HIGH_BITS ? 0 : n;
    }
    for (at = 0; at < n; at++) {
        dst[at] = src[at];
        seen |= src[at];
    }
    return seen < 0x80 ? n : 0;
}

/* Checks and copies in one pass. Returns n if src[0..n) is all ASCII; then dst[0..n) equals it.
 * Else returns the length of some prefix that is all ASCII, shorter than n; then the contents of
 * dst[0..n) are unspecified.
 *
 * No alignment is required. dst and src must not overlap. Reads nothing outside src[0..n), writes
 * nothing outside dst[0..n). With n == 0 the pointers are not used. */
static inline size_t ws_copy_ascii(uint8_t *dst, const uint8_t *src, size_t n) {
#if defined(WS_HAVE_AVX2)
    if (n > WS_ASCII_INLINE_BYTES && ws_cpu_level == WS_AVX2)
        return ws_copy_ascii_avx2(dst, src, n);
#elif defined(WS_HAVE_NEON)
    if (n > WS_ASCII_INLINE_BYTES && ws_cpu_level == WS_NEON)
        return ws_copy_ascii_neon(dst, src, n);
#endif
    return ws_copy_ascii_portable(dst, src, n);
}

typedef struct {
    uint64_t low, high;
} ws_pair;

static inline ws_pair ws_load_pair(const uint8_t *src) {
    ws_pair pair;
    memcpy(&pair, src, 16);
    return pair;
}

/* Returns whether src[0..n) is all ASCII; n is up to 64. It has no loop, because it runs for every
 * short message.
 *
 * No alignment is required. Reads nothing outside src[0..n). */
static inline int ws_is_short_ascii(const uint8_t *src, size_t n) {
    uint64_t seen = 0;
    uint32_t head, tail;
    if (n >= 16) {
        ws_pair a = ws_load_pair(src), d = ws_load_pair(src + n - 16);
        if (n > 32) {
            ws_pair b = ws_load_pair(src + 16), c = ws_load_pair(src + n - 32);
            seen = b.low | b.high | c.low | c.high;
        }
        seen |= a.low | a.high | d.low | d.high;
    } else if (n >= 8) {
        seen = ws_load_word(src) | ws_load_word(src + n - 8);
    } else if (n >= 4) {
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        seen = (uint32_t)(head | tail);
    } else if (n > 0) {
        seen = (uint8_t)(src[0] | src[n / 2] | src[n - 1]);
    }
    return (seen & WS_HIGH_BITS) == 0;
}

/* Copies src[0..n) to dst; n is up to 64. The ranges must not overlap. */
static inline void ws_copy_short(uint8_t *dst, const uint8_t *src, size_t n) {
    if (n >= 16) {
        ws_pair a = ws_load_pair(src), d = ws_load_pair(src + n - 16);
        if (n > 32) {
            ws_pair b = ws_load_pair(src + 16), c = ws_load_pair(src + n - 32);
            memcpy(dst + 16, &b, 16);
            memcpy(dst + n - 32, &c, 16);
        }
        memcpy(dst, &a, 16);
        memcpy(dst + n - 16, &d, 16);
    } else if (n >= 8) {
        uint64_t head = ws_load_word(src), tail = ws_load_word(src + n - 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    } else if (n > 0) {
        uint8_t middle = src[n / 2], last = src[n - 1];
        dst[0] = src[0];
        dst[n / 2] = middle;
        dst[n - 1] = last;
    }
}

#endif
