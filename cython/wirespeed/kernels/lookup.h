/* Checks and measures whole UTF-8 texts, a vector register at a time (RFC 3629).
 *
 * Does not check texts in pieces. Plain C99, without Python.
 *
 * The method is that of Keiser and Lemire, "Validating UTF-8 in less than one instruction per
 * byte". All faults except one show in two consecutive bytes. Three tables of 16 entries, for the
 * two halves of the first byte and the upper half of the second, list the faults that each half
 * allows. A fault that all three list is present. The other fault is a missing or extra third or
 * fourth byte: they must be continuation bytes exactly where the first byte requires them.
 */
#ifndef WIRESPEED_LOOKUP_H
#define WIRESPEED_LOOKUP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ascii.h"
#include "cpu.h"

/* Determines the memory that a decoded text takes. */
typedef struct {
    size_t points; /* code points */
    uint8_t top; /* the highest byte, which determines the class of the highest code point */
} ws_text;

static inline void ws_text_add(ws_text *text, size_t points, uint8_t top) {
    text->points += points;
    if (text->top < top)
        text->top = top;
}

/* The highest code point of the class that the text needs. */
static inline uint32_t ws_text_class(const ws_text *text) {
    if (text->top < 0x80)
        return 0x7F;
    if (text->top < 0xC4)
        return 0xFF;
    return text->top < 0xF0 ? 0xFFFF : 0x10FFFF;
}

#if defined(WS_HAVE_AVX2) || defined(WS_HAVE_NEON)
/* The faults of two consecutive bytes. */
#define WS_NO_CONTINUATION 0x01 /* a first byte, then no continuation byte */
#define WS_STRAY 0x02 /* ASCII, then a continuation byte */
#define WS_LONG_3 0x04 /* E0, then 80 to 9F: overlong */
#define WS_SURROGATE 0x08 /* ED, then A0 to BF */
#define WS_LONG_2 0x10 /* C0 or C1: overlong */
#define WS_OVER_90 0x20 /* F4 to FF, then 90 to BF: above U+10FFFF */
#define WS_LONG_4 0x40 /* F0, then 80 to 8F: overlong */
#define WS_OVER_80 0x40 /* F5 to FF, then 80 to 8F: above U+10FFFF. The bit is that of
                           * WS_LONG_4, from which only the lower half of the first byte differs. */
#define WS_SECOND 0x80 /* two continuation bytes: a fault unless it is the third or fourth byte */
/* These do not depend on the lower half of the first byte. */
#define WS_ANY (WS_NO_CONTINUATION | WS_STRAY | WS_SECOND)

static const uint8_t ws_faults_first_upper[16] = {
    WS_STRAY, WS_STRAY, WS_STRAY, WS_STRAY, WS_STRAY, WS_STRAY, WS_STRAY, WS_STRAY,
    WS_SECOND, WS_SECOND, WS_SECOND, WS_SECOND,
    WS_NO_CONTINUATION | WS_LONG_2,
    WS_NO_CONTINUATION,
    WS_NO_CONTINUATION | WS_LONG_3 | WS_SURROGATE,
    WS_NO_CONTINUATION | WS_LONG_4 | WS_OVER_80 | WS_OVER_90,
};

static const uint8_t ws_faults_first_lower[16] = {
    WS_ANY | WS_LONG_2 | WS_LONG_3 | WS_LONG_4,
    WS_ANY | WS_LONG_2,
    WS_ANY,
    WS_ANY,
    WS_ANY | WS_OVER_90,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80 | WS_SURROGATE,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
    WS_ANY | WS_OVER_90 | WS_OVER_80,
};

#define WS_CONTINUED (WS_STRAY | WS_SECOND | WS_LONG_2)
static const uint8_t ws_faults_second_upper[16] = {
    WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION,
    WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION,
    WS_CONTINUED | WS_LONG_3 | WS_LONG_4 | WS_OVER_80,
    WS_CONTINUED | WS_LONG_3 | WS_OVER_90,
    WS_CONTINUED | WS_SURROGATE | WS_OVER_90,
    WS_CONTINUED | WS_SURROGATE | WS_OVER_90,
    WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION, WS_NO_CONTINUATION,
};
#endif

#if defined(WS_HAVE_AVX2)
static inline uint64_t ws_bytes_of_8(const uint8_t *src, size_t n) {
    uint32_t head, tail;
    if (n >= 4) {
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        return head | (uint64_t)tail << 8 * (n - 4);
    }
    if (n == 0)
        return 0;
    return src[0] | (uint64_t)src[n / 2] << 8 * (n / 2) | (uint64_t)src[n - 1] << 8 * (n - 1);
}

/* The 16 bytes at src + i, with zeros for the bytes from src + n on; i must not exceed n. Reads
 * nothing outside src[0..n). */
WS_TARGET_AVX2
static inline __m128i ws_load_end_avx2(const uint8_t *src, size_t i, size_t n) {
    static const uint8_t shift[32] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    size_t rest = n - i;
    uint64_t words[2] = {0, 0};
    if (rest >= 16)
        return _mm_loadu_si128((const __m128i *)(const void *)(src + i));
    if (n >= 16) {
        __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(src + n - 16));
        const void *by = shift + 16 - rest;
        return _mm_shuffle_epi8(last, _mm_loadu_si128((const __m128i *)by));
    }
    if (rest < 8) {
        words[0] = ws_bytes_of_8(src + i, rest);
    } else {
        memcpy(&words[0], src + i, 8);
        memcpy(&words[1], src + n - 8, 8);
        words[1] = rest == 8 ? 0 : words[1] >> 8 * (16 - rest);
    }
    return _mm_set_epi64x((long long)words[1], (long long)words[0]);
}

/* As ws_load_end_avx2, 32 bytes. */
WS_TARGET_AVX2
static inline __m256i ws_load_end_32_avx2(const uint8_t *src, size_t i, size_t n) {
    __m128i low = ws_load_end_avx2(src, i, n);
    __m128i high = n - i > 16 ? ws_load_end_avx2(src, i + 16, n) : _mm_setzero_si128();
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

WS_TARGET_AVX2
static inline __m256i ws_table_avx2(const uint8_t *table) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* Not 0 for each byte that cannot follow the bytes one, two and three places before it. */
WS_TARGET_AVX2
static inline __m256i ws_faults_avx2(__m256i byte, __m256i one, __m256i two, __m256i three) {
    const __m256i half = _mm256_set1_epi8(0x0F);
    __m256i upper = _mm256_and_si256(_mm256_srli_epi16(one, 4), half);
    __m256i second = _mm256_and_si256(_mm256_srli_epi16(byte, 4), half);
    __m256i faults = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(ws_table_avx2(ws_faults_first_upper), upper),
            _mm256_shuffle_epi8(ws_table_avx2(ws_faults_first_lower), _mm256_and_si256(one, half))
        ),
        _mm256_shuffle_epi8(ws_table_avx2(ws_faults_second_upper), second)
    );
    /* The high bit, WS_SECOND, is set where a third or fourth byte is required. */
    __m256i due = _mm256_or_si256(
        _mm256_subs_epu8(two, _mm256_set1_epi8(0xE0 - 0x80)),
        _mm256_subs_epu8(three, _mm256_set1_epi8((char)(0xF0 - 0x80)))
    );
    return _mm256_xor_si256(_mm256_and_si256(due, _mm256_set1_epi8((char)WS_SECOND)), faults);
}

/* As ws_faults_avx2, for a block and the one before it. */
WS_TARGET_AVX2
static inline __m256i ws_faults_behind_avx2(__m256i block, __m256i before) {
    __m256i across = _mm256_permute2x128_si256(before, block, 0x21);
    return ws_faults_avx2(
        block, _mm256_alignr_epi8(block, across, 15), _mm256_alignr_epi8(block, across, 14),
        _mm256_alignr_epi8(block, across, 13)
    );
}

WS_TARGET_AVX2
static inline __m256i ws_load_avx2(const uint8_t *src) {
    return _mm256_loadu_si256((const __m256i *)(const void *)src);
}

/* As ws_faults_avx2, for the block at src; reads src[-3..32). */
WS_TARGET_AVX2
static inline __m256i ws_faults_at_avx2(const uint8_t *src) {
    return ws_faults_avx2(
        ws_load_avx2(src), ws_load_avx2(src - 1), ws_load_avx2(src - 2), ws_load_avx2(src - 3)
    );
}

/* A bit for each byte that begins a character: all except the continuation bytes. */
WS_TARGET_AVX2
static inline uint32_t ws_starts_avx2(__m256i block) {
    __m256i starts = _mm256_cmpgt_epi8(block, _mm256_set1_epi8((char)0xBF));
    return (uint32_t)_mm256_movemask_epi8(starts);
}

/* As ws_utf8_measure. */
WS_TARGET_AVX2
static inline int ws_utf8_measure_avx2(ws_text *text, const uint8_t *src, size_t n) {
    __m256i block = ws_load_end_32_avx2(src, 0, n), top = block;
    __m256i faults = ws_faults_behind_avx2(block, _mm256_setzero_si256());
    __m128i half;
    size_t i = 32, points = (size_t)_mm_popcnt_u32(ws_starts_avx2(block));
    if (n >= 32) {
        for (; n - i >= 128; i += 128) {
            __m256i a = ws_load_avx2(src + i), b = ws_load_avx2(src + i + 32);
            __m256i c = ws_load_avx2(src + i + 64), d = ws_load_avx2(src + i + 96);
            __m256i behind = ws_load_avx2(src + i - 3);
            __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
            if (_mm256_movemask_epi8(_mm256_or_si256(any, behind)) == 0) {
                points += 128;
                continue;
            }
            points += (size_t)_mm_popcnt_u32(ws_starts_avx2(a));
            points += (size_t)_mm_popcnt_u32(ws_starts_avx2(b));
            points += (size_t)_mm_popcnt_u32(ws_starts_avx2(c));
            points += (size_t)_mm_popcnt_u32(ws_starts_avx2(d));
            top = _mm256_max_epu8(top, _mm256_max_epu8(a, b));
            top = _mm256_max_epu8(top, _mm256_max_epu8(c, d));
            faults = _mm256_or_si256(faults, ws_faults_at_avx2(src + i));
            faults = _mm256_or_si256(faults, ws_faults_at_avx2(src + i + 32));
            faults = _mm256_or_si256(faults, ws_faults_at_avx2(src + i + 64));
            faults = _mm256_or_si256(faults, ws_faults_at_avx2(src + i + 96));
        }
        for (; n - i >= 32; i += 32) {
            block = ws_load_avx2(src + i);
            points += (size_t)_mm_popcnt_u32(ws_starts_avx2(block));
            top = _mm256_max_epu8(block, top);
            faults = _mm256_or_si256(faults, ws_faults_at_avx2(src + i));
        }
        /* Also if nothing is left: a zero after a cut character is a fault. */
        block = ws_load_end_32_avx2(src, i, n);
        points += (size_t)_mm_popcnt_u32(ws_starts_avx2(block));
        top = _mm256_max_epu8(block, top);
        faults = _mm256_or_si256(faults, ws_faults_behind_avx2(block, ws_load_avx2(src + i - 32)));
        i += 32;
    }
    half = _mm_max_epu8(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
    half = _mm_max_epu8(half, _mm_srli_si128(half, 8));
    half = _mm_max_epu8(half, _mm_srli_si128(half, 4));
    half = _mm_max_epu8(half, _mm_srli_si128(half, 2));
    half = _mm_max_epu8(half, _mm_srli_si128(half, 1));
    text->top = (uint8_t)_mm_cvtsi128_si32(half);
    text->points = points - (i - n); /* the zeros were counted as well */
    i = (size_t)_mm256_testz_si256(faults, faults);
    _mm256_zeroupper();
    return (int)i;
}
#endif

#if defined(WS_HAVE_NEON)
/* As ws_faults_avx2, for a block of 16 bytes and the one before it. */
static inline uint8x16_t ws_faults_neon(uint8x16_t block, uint8x16_t before) {
    uint8x16_t one = vextq_u8(before, block, 15);
    uint8x16_t two = vextq_u8(before, block, 14);
    uint8x16_t three = vextq_u8(before, block, 13);
    uint8x16_t upper = vqtbl1q_u8(vld1q_u8(ws_faults_first_upper), vshrq_n_u8(one, 4));
    uint8x16_t lower
        = vqtbl1q_u8(vld1q_u8(ws_faults_first_lower), vandq_u8(one, vdupq_n_u8(0x0F)));
    uint8x16_t second = vqtbl1q_u8(vld1q_u8(ws_faults_second_upper), vshrq_n_u8(block, 4));
    uint8x16_t due = vorrq_u8(
        vqsubq_u8(two, vdupq_n_u8(0xE0 - 0x80)), vqsubq_u8(three, vdupq_n_u8(0xF0 - 0x80))
    );
    return veorq_u8(
        vandq_u8(due, vdupq_n_u8(WS_SECOND)), vandq_u8(vandq_u8(upper, lower), second)
    );
}

/* All ones for each byte that begins a character. */
static inline uint8x16_t ws_starts_neon(uint8x16_t block) {
    return vcgtq_s8(vreinterpretq_s8_u8(block), vdupq_n_s8(-0x41));
}

/* As ws_utf8_measure. */
static inline int ws_utf8_measure_neon(ws_text *text, const uint8_t *src, size_t n) {
    uint8x16_t before = vdupq_n_u8(0), top = before, faults = before;
    size_t i = 0, points = 0;
    while (i <= n) {
        uint8x16_t block;
        if (n - i >= 64) {
            uint8x16_t ab = vorrq_u8(vld1q_u8(src + i), vld1q_u8(src + i + 16));
            uint8x16_t last = vld1q_u8(src + i + 48);
            uint8x16_t cd = vorrq_u8(vld1q_u8(src + i + 32), last);
            if (vmaxvq_u8(vorrq_u8(vorrq_u8(ab, cd), before)) < 0x80) {
                points += 64;
                i += 64;
                before = last;
                continue;
            }
        }
        if (n - i >= 16) {
            block = vld1q_u8(src + i);
        } else {
            /* Also if nothing is left: a zero after a cut character is a fault. */
            uint8_t end[16] = {0};
            memcpy(end, src + i, n - i);
            block = vld1q_u8(end);
        }
        points += vaddvq_u8(vshrq_n_u8(ws_starts_neon(block), 7));
        top = vmaxq_u8(top, block);
        faults = vorrq_u8(faults, ws_faults_neon(block, before));
        before = block;
        i += 16;
    }
    text->top = vmaxvq_u8(top);
    text->points = points - (i - n); /* the zeros were counted as well */
    return vmaxvq_u8(faults) == 0;
}
#endif

/* The length of the multi-byte character at src[0], 0 if it is invalid. Reads nothing outside
 * src[0..4). */
static inline size_t ws_utf8_character(const uint8_t *src) {
    uint32_t word = (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8
                    | (uint32_t)src[3];
    if ((word & 0xE0C00000u) == 0xC0800000u)
        return word >= 0xC2000000u ? 2 : 0;
    if ((word & 0xF0C0C000u) == 0xE0808000u) {
        /* Bits 11 to 15 of the code point: an overlong form has none of them set, and D800 to DFFF
         * are surrogates. */
        uint32_t top = word & 0x0F200000u;
        return top != 0 && top != 0x0D200000u ? 3 : 0;
    }
    if ((word & 0xF8C0C0C0u) == 0xF0808080u)
        return word >= 0xF0900000u && word < 0xF4900000u ? 4 : 0;
    return 0;
}

/* As ws_utf8_measure. */
static inline int ws_utf8_measure_portable(ws_text *text, const uint8_t *src, size_t n) {
    size_t i = 0, length;
    text->points = 0;
    text->top = 0;
    for (; i < n; i += length) {
        if (src[i] < 0x80) {
            length = ws_ascii_prefix(src + i, n - i);
            text->points += length;
            continue;
        }
        if (n - i >= 4) {
            length = ws_utf8_character(src + i);
        } else {
            uint8_t last[4] = {0};
            memcpy(last, src + i, n - i);
            length = ws_utf8_character(last);
        }
        if (length == 0)
            return 0;
        ws_text_add(text, 1, src[i]);
    }
    return 1;
}

/* Returns whether src[0..n) is valid UTF-8 with whole characters only. If so, sets *text for
 * decoding; else the contents of *text are unspecified.
 *
 * No alignment is required. n must not be 0. Reads nothing outside src[0..n). */
static inline int ws_utf8_measure(ws_text *text, const uint8_t *src, size_t n) {
#if defined(WS_HAVE_AVX2)
    if (ws_cpu_level == WS_AVX2)
        return ws_utf8_measure_avx2(text, src, n);
#elif defined(WS_HAVE_NEON)
    if (ws_cpu_level == WS_NEON)
        return ws_utf8_measure_neon(text, src, n);
#endif
    return ws_utf8_measure_portable(text, src, n);
}

#endif
