/* Turns valid UTF-8 into code points of 1, 2 or 4 bytes each, as CPython keeps them in a `str`.
 *
 * Does not check validity. Plain C99, without Python. It is memory-safe for any bytes, even if they
 * change during the call.
 *
 * The vector kernel reads windows of 8 bytes at any position. The mask of the bytes that begin a
 * character selects the shuffle that moves the first two bytes of each character into a lane. The
 * third byte comes from the same shuffle moved by one. So there are no branches, and mixed text
 * costs the same as uniform text. A character that begins in a window may end in the bytes after
 * it, and the next window ignores these. Runs of ASCII, of three and of four bytes need no windows.
 */
#ifndef WIRESPEED_TRANSCODE_H
#define WIRESPEED_TRANSCODE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ascii.h"
#include "cpu.h"
#include "lookup.h"

/* Whether ws_transcode() may be called. There is no portable variant: a trial took twice the time
 * of CPython's decoder, which needs one pass instead of two. */
static inline int ws_can_transcode(void) {
    return ws_cpu_level != WS_PORTABLE && !ws_big_endian();
}

#if defined(WS_HAVE_AVX2) || defined(WS_HAVE_NEON)
/* The shuffle of a window for each mask: lane k, of two bytes, gets the k-th character's second
 * byte below its first. */
static uint8_t ws_first_two[256][16];
#endif

#if defined(WS_HAVE_AVX2)
WS_TARGET_AVX2
static inline __m128i ws_load_half_avx2(const void *src) {
    return _mm_loadu_si128((const __m128i *)src);
}

/* The number of zeros below the lowest 1, at most 31. */
static inline unsigned ws_trailing_zeros(uint32_t mask) {
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctz(mask | 0x80000000u);
#else
    unsigned long at;
    _BitScanForward(&at, mask | 0x80000000u);
    return (unsigned)at;
#endif
}

WS_TARGET_AVX2
static inline uint32_t ws_half_starts_avx2(__m128i bytes) {
    return (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)0xBF)));
}

WS_TARGET_AVX2
static inline void ws_store_avx2(void *dst, __m256i lanes) {
    _mm256_storeu_si256((__m256i *)dst, lanes);
}

WS_TARGET_AVX2
static inline __m256i ws_join_avx2(__m128i low, __m128i high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* The code points of two windows, in lanes of 2 bytes. Each character has up to two bytes if
 * `bytes` is 2, else up to three. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE __m256i ws_points_avx2(__m256i windows, __m256i first_two, int bytes) {
    __m256i pair = _mm256_shuffle_epi8(windows, first_two);
    __m256i joined = _mm256_maddubs_epi16(pair, _mm256_set1_epi16(0x4001));
    __m256i ascii = _mm256_srli_epi16(pair, 8);
    __m256i points = _mm256_sub_epi16(joined, _mm256_set1_epi16(0x3080));
    if (bytes > 2) {
        __m256i behind = _mm256_add_epi16(first_two, _mm256_set1_epi16(1));
        __m256i third = _mm256_shuffle_epi8(
            windows, _mm256_or_si256(behind, _mm256_set1_epi16((short)0x8000))
        );
        __m256i three = _mm256_add_epi16(
            _mm256_slli_epi16(joined, 6), _mm256_sub_epi16(third, _mm256_set1_epi16(0x2080))
        );
        __m256i is_three = _mm256_cmpgt_epi16(pair, _mm256_set1_epi16((short)0xDFFF));
        points = _mm256_blendv_epi8(points, three, is_three);
    }
    return _mm256_blendv_epi8(ascii, points, _mm256_srai_epi16(pair, 15));
}

/* The code points of one window, in lanes of 4 bytes. */
WS_TARGET_AVX2
static inline __m256i ws_wide_points_avx2(__m128i window, __m128i first_two) {
    /* The shifts to the left and back to the right for ASCII (rows 0 to 7), C, D, E and F. */
    const __m256i left = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 9, 9, 10, 11)
    );
    const __m256i right = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(25, 25, 25, 25, 25, 25, 25, 25, 0, 0, 0, 0, 21, 21, 16, 11)
    );
    __m256i two = _mm256_cvtepu16_epi32(first_two);
    __m256i four = _mm256_or_si256(
        _mm256_slli_epi32(two, 16), _mm256_add_epi32(two, _mm256_set1_epi32(0x0202))
    );
    __m256i bytes = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(window), four);
    __m256i row = _mm256_or_si256(
        _mm256_srli_epi32(bytes, 28), _mm256_set1_epi32((int)0x80808000u)
    );
    __m256i bits = _mm256_and_si256(bytes, _mm256_set1_epi32(0x7F3F3F3F));
    bits = _mm256_maddubs_epi16(bits, _mm256_set1_epi32(0x40014001));
    bits = _mm256_madd_epi16(bits, _mm256_set1_epi32(0x10000001));
    bits = _mm256_sllv_epi32(bits, _mm256_shuffle_epi8(left, row));
    return _mm256_srlv_epi32(bits, _mm256_shuffle_epi8(right, row));
}

/* Decodes the characters that begin in the first 16 of 24 bytes, at the bits set in `starts`;
 * `next` is the last 16 of the 24. Returns the end of the decoded lanes; writes up to 16 lanes. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE uint8_t *ws_decode_16_avx2(
    uint8_t *dst, int width, int bytes, __m128i window, __m128i next, uint32_t starts
) {
    __m128i low = ws_load_half_avx2(ws_first_two[starts & 0xFF]);
    __m128i high = ws_load_half_avx2(ws_first_two[starts >> 8 & 0xFF]);
    size_t low_bytes = (size_t)_mm_popcnt_u32(starts & 0xFF) * (size_t)width;
    size_t high_bytes = (size_t)_mm_popcnt_u32(starts >> 8 & 0xFF) * (size_t)width;
    uint8_t *dst_high = dst + low_bytes;
    if (width == 4) {
        ws_store_avx2(dst, ws_wide_points_avx2(window, low));
        ws_store_avx2(dst_high, ws_wide_points_avx2(next, high));
    } else {
        __m256i points
            = ws_points_avx2(ws_join_avx2(window, next), ws_join_avx2(low, high), bytes);
        if (width == 1)
            points = _mm256_packus_epi16(points, points);
        low = _mm256_castsi256_si128(points);
        high = _mm256_extracti128_si256(points, 1);
        if (width == 1) {
            _mm_storel_epi64((__m128i *)(void *)dst, low);
            _mm_storel_epi64((__m128i *)(void *)dst_high, high);
        } else {
            _mm_storeu_si128((__m128i *)(void *)dst, low);
            _mm_storeu_si128((__m128i *)(void *)dst_high, high);
        }
    }
    return dst_high + high_bytes;
}

/* Decodes 32 bytes of ASCII. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE void ws_widen_32_avx2(uint8_t *dst, int width, const uint8_t *src) {
    size_t i, step = 32 / (size_t)width;
    for (i = 0; i < 32; i += step) {
        __m256i lanes;
        if (width == 1)
            lanes = _mm256_loadu_si256((const __m256i *)(const void *)src);
        else if (width == 2)
            lanes = _mm256_cvtepu8_epi16(ws_load_half_avx2(src + i));
        else
            lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(src + i)));
        ws_store_avx2(dst + i * (size_t)width, lanes);
    }
}

/* Decodes 8 characters of 3 bytes each; reads 28 bytes. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE void ws_decode_threes_avx2(uint8_t *dst, int width, const uint8_t *src) {
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1)
    );
    __m256i bits = ws_join_avx2(ws_load_half_avx2(src), ws_load_half_avx2(src + 12));
    bits = _mm256_and_si256(_mm256_shuffle_epi8(bits, order), _mm256_set1_epi32(0x000F3F3F));
    bits = _mm256_maddubs_epi16(bits, _mm256_set1_epi32(0x00014001));
    bits = _mm256_madd_epi16(bits, _mm256_set1_epi32(0x10000001));
    if (width == 4) {
        ws_store_avx2(dst, bits);
    } else {
        bits = _mm256_permute4x64_epi64(_mm256_packus_epi32(bits, bits), 0x08);
        _mm_storeu_si128((__m128i *)(void *)dst, _mm256_castsi256_si128(bits));
    }
}

/* Decodes 8 characters of 4 bytes each. The caller uses 7 of them: the mask of a block covers 7. */
WS_TARGET_AVX2
static inline void ws_decode_fours_avx2(uint8_t *dst, const uint8_t *src) {
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
    );
    __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)src);
    bits = _mm256_and_si256(_mm256_shuffle_epi8(bits, order), _mm256_set1_epi32(0x073F3F3F));
    bits = _mm256_maddubs_epi16(bits, _mm256_set1_epi32(0x40014001));
    ws_store_avx2(dst, _mm256_madd_epi16(bits, _mm256_set1_epi32(0x10000001)));
}

/* As ws_decode_16_avx2, for the characters that begin in src[i..i + 16), of src[0..n). Bytes from n
 * on are decoded as zeros, which are cut off at the end of dst. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE uint8_t *ws_decode_end_avx2(
    uint8_t *dst, int width, int bytes, const uint8_t *src, size_t i, size_t n
) {
    __m128i window = ws_load_end_avx2(src, i, n);
    __m128i next = n - i > 8 ? ws_load_end_avx2(src, i + 8, n) : _mm_setzero_si128();
    return ws_decode_16_avx2(dst, width, bytes, window, next, ws_half_starts_avx2(window));
}

/* Decodes src[i..n) where whole blocks would exceed src or dst; `end` is the end of dst. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE void ws_transcode_end_avx2(
    uint8_t *dst, uint8_t *end, int width, int bytes, const uint8_t *src, size_t i, size_t n
) {
    const ptrdiff_t room = 16 * width;
    uint8_t spare[128], *to = spare;
    for (; i < n && end - dst >= room; i += n - i < 16 ? n - i : 16)
        dst = ws_decode_end_avx2(dst, width, bytes, src, i, n);
    for (; i < n && to - spare < end - dst; i += n - i < 16 ? n - i : 16)
        to = ws_decode_end_avx2(to, width, bytes, src, i, n);
    if (to != spare)
        ws_copy_short(dst, spare, (size_t)(end - dst));
}

/* The patterns of ws_starts_avx2() at the beginning of runs. For a run of characters of three bytes
 * the next character's beginning must match too, or the last one might have four bytes. */
#define WS_THREES 0x1249249u
#define WS_THREES_MASK 0x1FFFFFFu
#define WS_FOURS 0x1111111u
#define WS_FOURS_MASK 0xFFFFFFFu

/* As ws_transcode. `width`, the bytes of a lane, and `bytes`, the bytes of the longest character,
 * are constants. */
WS_TARGET_AVX2
static WS_ALWAYS_INLINE void ws_transcode_width_avx2(
    uint8_t *dst, size_t points, const uint8_t *src, size_t n, int width, int bytes
) {
    uint8_t *const end = dst + points * (size_t)width;
    const ptrdiff_t lane = width;
    size_t i = 0;
    while (n - i >= 40 && end - dst >= 16 * lane) {
        __m256i block = ws_load_avx2(src + i);
        uint32_t starts = ws_starts_avx2(block);
        unsigned skip = ws_trailing_zeros(starts);
        if (_mm256_movemask_epi8(block) == 0 && end - dst >= 32 * lane) {
            do {
                ws_widen_32_avx2(dst, width, src + i);
                dst += 32 * lane;
                i += 32;
            } while (n - i >= 32 && end - dst >= 32 * lane
                     && _mm256_movemask_epi8(ws_load_avx2(src + i)) == 0);
        } else if (bytes > 2 && (starts >> skip & WS_THREES_MASK) == WS_THREES) {
            i += skip;
            do {
                ws_decode_threes_avx2(dst, width, src + i);
                dst += 8 * lane;
                i += 24;
            } while (n - i >= 32 && end - dst >= 8 * lane
                     && (ws_starts_avx2(ws_load_avx2(src + i)) & WS_THREES_MASK) == WS_THREES);
        } else if (bytes > 3 && (starts >> skip & WS_FOURS_MASK) == WS_FOURS) {
            i += skip;
            do {
                ws_decode_fours_avx2(dst, src + i);
                dst += 7 * lane;
                i += 28;
            } while (n - i >= 32 && end - dst >= 8 * lane
                     && (ws_starts_avx2(ws_load_avx2(src + i)) & WS_FOURS_MASK) == WS_FOURS);
        } else {
            __m128i half = _mm256_castsi256_si128(block), next = ws_load_half_avx2(src + i + 8);
            dst = ws_decode_16_avx2(dst, width, bytes, half, next, starts);
            i += 16;
            if (end - dst >= 16 * lane) {
                half = _mm256_extracti128_si256(block, 1);
                next = ws_load_half_avx2(src + i + 8);
                dst = ws_decode_16_avx2(dst, width, bytes, half, next, starts >> 16);
                i += 16;
            }
        }
    }
    ws_transcode_end_avx2(dst, end, width, bytes, src, i, n);
}

/* As ws_transcode. */
WS_TARGET_AVX2
static inline void ws_transcode_avx2(
    uint8_t *dst, const ws_text *text, const uint8_t *src, size_t n
) {
    if (text->top < 0xC4)
        ws_transcode_width_avx2(dst, text->points, src, n, 1, 2);
    else if (text->top < 0xE0)
        ws_transcode_width_avx2(dst, text->points, src, n, 2, 2);
    else if (text->top < 0xF0)
        ws_transcode_width_avx2(dst, text->points, src, n, 2, 3);
    else
        ws_transcode_width_avx2(dst, text->points, src, n, 4, 4);
    _mm256_zeroupper();
}
#endif

#if defined(WS_HAVE_NEON)
/* As ws_points_avx2, for one window and up to three bytes a character. */
static inline uint16x8_t ws_points_neon(uint8x16_t window, uint8x16_t first_two) {
    uint16x8_t at = vreinterpretq_u16_u8(first_two);
    uint16x8_t at_third = vorrq_u16(vaddq_u16(at, vdupq_n_u16(1)), vdupq_n_u16(0x8000));
    uint16x8_t pair = vreinterpretq_u16_u8(vqtbl1q_u8(window, first_two));
    uint16x8_t third = vreinterpretq_u16_u8(vqtbl1q_u8(window, vreinterpretq_u8_u16(at_third)));
    uint16x8_t ascii = vshrq_n_u16(pair, 8);
    uint16x8_t joined = vaddq_u16(vshlq_n_u16(ascii, 6), vandq_u16(pair, vdupq_n_u16(0xFF)));
    uint16x8_t two = vsubq_u16(joined, vdupq_n_u16(0x3080));
    uint16x8_t three = vaddq_u16(vshlq_n_u16(joined, 6), vsubq_u16(third, vdupq_n_u16(0x2080)));
    uint16x8_t longer = vbslq_u16(vcgeq_u16(pair, vdupq_n_u16(0xE000)), three, two);
    return vbslq_u16(vcgeq_u16(pair, vdupq_n_u16(0xC000)), longer, ascii);
}

/* As ws_wide_points_avx2, for four characters. */
static inline uint32x4_t ws_wide_points_neon(uint8x16_t window, uint16x4_t first_two) {
    static const int8_t left[16] = {7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 9, 9, 10, 11};
    static const int8_t right[16] = {
        -25, -25, -25, -25, -25, -25, -25, -25, 0, 0, 0, 0, -21, -21, -16, -11,
    };
    uint32x4_t two = vmovl_u16(first_two);
    uint32x4_t four = vorrq_u32(vshlq_n_u32(two, 16), vaddq_u32(two, vdupq_n_u32(0x0202)));
    uint32x4_t bytes = vreinterpretq_u32_u8(vqtbl1q_u8(window, vreinterpretq_u8_u32(four)));
    /* The shift is in the low byte of a lane: the other bytes of a row are 0. */
    uint8x16_t row
        = vreinterpretq_u8_u32(vorrq_u32(vshrq_n_u32(bytes, 28), vdupq_n_u32(0x80808000)));
    uint32x4_t bits = vandq_u32(bytes, vdupq_n_u32(0x3F));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(bytes, 2), vdupq_n_u32(0x3F << 6)));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(bytes, 4), vdupq_n_u32(0x3F << 12)));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(bytes, 6), vdupq_n_u32(0x7F << 18)));
    bits = vshlq_u32(bits, vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(left), row)));
    return vshlq_u32(bits, vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(right), row)));
}

/* Decodes the characters that begin in a window, at the bits set in `starts`; writes 8 lanes. */
static WS_ALWAYS_INLINE void ws_decode_8_neon(
    uint8_t *dst, int width, uint8x16_t window, uint8_t starts
) {
    uint8x16_t first_two = vld1q_u8(ws_first_two[starts]);
    if (width == 4) {
        uint16x8_t at = vreinterpretq_u16_u8(first_two);
        uint32x4_t low = ws_wide_points_neon(window, vget_low_u16(at));
        uint32x4_t high = ws_wide_points_neon(window, vget_high_u16(at));
        vst1q_u8(dst, vreinterpretq_u8_u32(low));
        vst1q_u8(dst + 16, vreinterpretq_u8_u32(high));
    } else if (width == 2) {
        vst1q_u8(dst, vreinterpretq_u8_u16(ws_points_neon(window, first_two)));
    } else {
        vst1_u8(dst, vmovn_u16(ws_points_neon(window, first_two)));
    }
}

/* Decodes the characters that begin in src[0..16); reads src[0..24). Returns the end of the decoded
 * lanes; writes up to 16 lanes. */
static WS_ALWAYS_INLINE uint8_t *ws_decode_16_neon(uint8_t *dst, int width, const uint8_t *src) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t window = vld1q_u8(src), starts = ws_starts_neon(window);
    uint8x16_t bits = vandq_u8(starts, vld1q_u8(weights)), ones = vshrq_n_u8(starts, 7);
    ws_decode_8_neon(dst, width, window, vaddv_u8(vget_low_u8(bits)));
    dst += width * vaddv_u8(vget_low_u8(ones));
    ws_decode_8_neon(dst, width, vld1q_u8(src + 8), vaddv_u8(vget_high_u8(bits)));
    return dst + width * vaddv_u8(vget_high_u8(ones));
}

/* Decodes 16 bytes of ASCII. */
static WS_ALWAYS_INLINE void ws_widen_16_neon(uint8_t *dst, int width, uint8x16_t ascii) {
    uint16x8_t low = vmovl_u8(vget_low_u8(ascii)), high = vmovl_u8(vget_high_u8(ascii));
    if (width == 1) {
        vst1q_u8(dst, ascii);
    } else if (width == 2) {
        vst1q_u8(dst, vreinterpretq_u8_u16(low));
        vst1q_u8(dst + 16, vreinterpretq_u8_u16(high));
    } else {
        vst1q_u8(dst, vreinterpretq_u8_u32(vmovl_u16(vget_low_u16(low))));
        vst1q_u8(dst + 16, vreinterpretq_u8_u32(vmovl_u16(vget_high_u16(low))));
        vst1q_u8(dst + 32, vreinterpretq_u8_u32(vmovl_u16(vget_low_u16(high))));
        vst1q_u8(dst + 48, vreinterpretq_u8_u32(vmovl_u16(vget_high_u16(high))));
    }
}

/* As ws_transcode; `width` is a constant. */
static WS_ALWAYS_INLINE void ws_transcode_width_neon(
    uint8_t *dst, size_t points, const uint8_t *src, size_t n, int width
) {
    uint8_t *const end = dst + points * (size_t)width;
    const ptrdiff_t room = 16 * width;
    uint8_t spare[128], *to = spare;
    size_t i = 0, step;
    for (; n - i >= 24 && end - dst >= room; i += 16) {
        uint8x16_t block = vld1q_u8(src + i);
        if (vmaxvq_u8(block) < 0x80) {
            ws_widen_16_neon(dst, width, block);
            dst += room;
        } else {
            dst = ws_decode_16_neon(dst, width, src + i);
        }
    }
    /* The last bytes, followed by zeros: these are decoded too, and cut off at the end of dst. */
    for (; i < n; i += step) {
        uint8_t last[24] = {0};
        memcpy(last, src + i, n - i < 24 ? n - i : 24);
        step = n - i < 16 ? n - i : 16;
        if (to == spare && end - dst >= room)
            dst = ws_decode_16_neon(dst, width, last);
        else if (to - spare < end - dst)
            to = ws_decode_16_neon(to, width, last);
    }
    if (to != spare)
        ws_copy_short(dst, spare, (size_t)(end - dst));
}

/* As ws_transcode. */
static inline void ws_transcode_neon(
    uint8_t *dst, const ws_text *text, const uint8_t *src, size_t n
) {
    if (text->top < 0xC4)
        ws_transcode_width_neon(dst, text->points, src, n, 1);
    else if (text->top < 0xF0)
        ws_transcode_width_neon(dst, text->points, src, n, 2);
    else
        ws_transcode_width_neon(dst, text->points, src, n, 4);
}
#endif

/* Call it once, after ws_cpu_init() and before any other thread uses the kernel. */
static inline void ws_transcode_init(void) {
#if defined(WS_HAVE_AVX2) || defined(WS_HAVE_NEON)
    unsigned mask, at;
    for (mask = 0; mask < 256; mask++) {
        uint8_t *lane = ws_first_two[mask];
        for (at = 0; at < 8; at++) {
            if (mask >> at & 1) {
                *lane++ = (uint8_t)(at + 1);
                *lane++ = (uint8_t)at;
            }
        }
    }
#endif
}

/* Decodes src[0..n) into lanes of 1, 2 or 4 bytes, the size for ws_text_class(text). `text` is the
 * result of ws_utf8_measure() for these bytes.
 *
 * No alignment is required. dst and src must not overlap. Reads nothing outside src[0..n), writes
 * nothing outside the text->points lanes at dst, even if the bytes have changed since. May be
 * called only if ws_can_transcode(). */
static inline void ws_transcode(void *dst, const ws_text *text, const uint8_t *src, size_t n) {
#if defined(WS_HAVE_AVX2)
    if (ws_cpu_level == WS_AVX2)
        ws_transcode_avx2(dst, text, src, n);
#elif defined(WS_HAVE_NEON)
    if (ws_cpu_level == WS_NEON)
        ws_transcode_neon(dst, text, src, n);
#else
    (void)dst, (void)text, (void)src, (void)n;
#endif
}

#endif
