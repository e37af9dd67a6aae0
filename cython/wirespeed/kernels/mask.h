/* XOR with the masking key, copying or in place (RFC 6455 section 5.3).
 *
 * Plain C99, without Python.
 *
 * Every variant treats the last bytes as one full word that may overlap the word before it. That
 * word is loaded before anything is stored, so that no byte is masked twice in place.
 */
#ifndef WIRESPEED_MASK_H
#define WIRESPEED_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu.h"

/* Up to this size the inlined words are as fast as a call into the vector kernels. */
#define WS_MASK_INLINE_BYTES 64

/* The key as it is in memory, rotated to begin at its byte `by & 3`. */
static inline uint32_t ws_mask_rotate(uint32_t key, size_t by) {
    unsigned bits = (unsigned)(by & 3) * 8;
    if (ws_big_endian())
        return (key << bits) | (key >> ((32 - bits) & 31));
    return (key >> bits) | (key << ((32 - bits) & 31));
}

static inline uint64_t ws_mask_word(const uint8_t *src, uint64_t key) {
    uint64_t word;
    memcpy(&word, src, 8);
    return word ^ key;
}

/* Masks n bytes in words of 8; `key` is as in memory, beginning with the byte for src[0].
 *
 * No alignment is required. dst == src is allowed, other overlap is not. Reads exactly src[0..n),
 * writes exactly dst[0..n). */
static inline void ws_mask_portable(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    uint64_t wide = (uint64_t)key << 32 | key;
    if (n >= 16) {
        size_t i = 0, last = n - 16;
        uint32_t turned = ws_mask_rotate(key, n);
        uint64_t wide_turned = (uint64_t)turned << 32 | turned;
        uint64_t tail[2];
        tail[0] = ws_mask_word(src + last, wide_turned);
        tail[1] = ws_mask_word(src + last + 8, wide_turned);
        for (; i < last; i += 16) {
            uint64_t pair[2];
            pair[0] = ws_mask_word(src + i, wide);
            pair[1] = ws_mask_word(src + i + 8, wide);
            memcpy(dst + i, pair, 16);
        }
        memcpy(dst + last, tail, 16);
    } else if (n >= 8) {
        uint32_t turned = ws_mask_rotate(key, n);
        uint64_t head = ws_mask_word(src, wide);
        uint64_t tail = ws_mask_word(src + n - 8, (uint64_t)turned << 32 | turned);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        head ^= key;
        tail ^= ws_mask_rotate(key, n);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    } else {
        uint8_t bytes[4];
        size_t i;
        memcpy(bytes, &key, 4);
        for (i = 0; i < n; i++)
            dst[i] = (uint8_t)(src[i] ^ bytes[i]);
    }
}

#if defined(WS_HAVE_AVX2)
/* As ws_mask_portable, in words of 32; n must be at least 32. Same overlap, reads and writes. */
WS_TARGET_AVX2
static inline void ws_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    const __m256i wide = _mm256_set1_epi32((int)key);
    const __m256i wide_turned = _mm256_set1_epi32((int)ws_mask_rotate(key, n));
    size_t i = 0, last = n - 32;
    __m256i tail = _mm256_loadu_si256((const __m256i *)(const void *)(src + last));
    for (; last - i >= 128; i += 128) {
        const __m256i *from = (const __m256i *)(const void *)(src + i);
        __m256i *to = (__m256i *)(void *)(dst + i);
        __m256i a = _mm256_loadu_si256(from);
        __m256i b = _mm256_loadu_si256(from + 1);
        __m256i c = _mm256_loadu_si256(from + 2);
        __m256i d = _mm256_loadu_si256(from + 3);
        _mm256_storeu_si256(to, _mm256_xor_si256(a, wide));
        _mm256_storeu_si256(to + 1, _mm256_xor_si256(b, wide));
        _mm256_storeu_si256(to + 2, _mm256_xor_si256(c, wide));
        _mm256_storeu_si256(to + 3, _mm256_xor_si256(d, wide));
    }
    for (; i < last; i += 32) {
        __m256i word = _mm256_loadu_si256((const __m256i *)(const void *)(src + i));
        _mm256_storeu_si256((__m256i *)(void *)(dst + i), _mm256_xor_si256(word, wide));
    }
    _mm256_storeu_si256((__m256i *)(void *)(dst + last), _mm256_xor_si256(tail, wide_turned));
    _mm256_zeroupper();
}
#endif

#if defined(WS_HAVE_NEON)
/* As ws_mask_portable, in words of 16; n must be at least 16. Same overlap, reads and writes. */
static inline void ws_mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    const uint8x16_t wide = vreinterpretq_u8_u32(vdupq_n_u32(key));
    const uint8x16_t wide_turned = vreinterpretq_u8_u32(vdupq_n_u32(ws_mask_rotate(key, n)));
    size_t i = 0, last = n - 16;
    uint8x16_t tail = vld1q_u8(src + last);
    for (; last - i >= 64; i += 64) {
        uint8x16_t a = vld1q_u8(src + i);
        uint8x16_t b = vld1q_u8(src + i + 16);
        uint8x16_t c = vld1q_u8(src + i + 32);
        uint8x16_t d = vld1q_u8(src + i + 48);
        vst1q_u8(dst + i, veorq_u8(a, wide));
        vst1q_u8(dst + i + 16, veorq_u8(b, wide));
        vst1q_u8(dst + i + 32, veorq_u8(c, wide));
        vst1q_u8(dst + i + 48, veorq_u8(d, wide));
    }
    for (; i < last; i += 16)
        vst1q_u8(dst + i, veorq_u8(vld1q_u8(src + i), wide));
    vst1q_u8(dst + last, veorq_u8(tail, wide_turned));
}
#endif

/* dst[i] = src[i] ^ key[(offset + i) & 3] for i in [0, n).
 *
 * No alignment is required. dst == src is allowed, other overlap is not. Reads exactly src[0..n)
 * and key[0..4), writes exactly dst[0..n). With n == 0 the pointers dst and src are not used. */
static inline void ws_mask(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4], size_t offset
) {
    uint32_t word;
    memcpy(&word, key, 4);
    word = ws_mask_rotate(word, offset);
#if defined(WS_HAVE_AVX2)
    if (n > WS_MASK_INLINE_BYTES && ws_cpu_level == WS_AVX2) {
        ws_mask_avx2(dst, src, n, word);
        return;
    }
#elif defined(WS_HAVE_NEON)
    if (n > WS_MASK_INLINE_BYTES && ws_cpu_level == WS_NEON) {
        ws_mask_neon(dst, src, n, word);
        return;
    }
#endif
    ws_mask_portable(dst, src, n, word);
}

#endif
