/* The kernels that run over bytes, masking and ASCII: each length, misalignment and fence.
 *
 * Included by kernels.c only.
 */
#ifndef KERNELS_RUNS_H
#define KERNELS_RUNS_H

#include "ascii.h"
#include "mask.h"
#include "support.h"

typedef void mask_kernel(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/* The kernel behind the dispatch of each level, and the shortest length it takes. */
static mask_kernel *mask_of_level(int level, size_t *least) {
#if defined(WS_HAVE_AVX2)
    if (level == WS_AVX2) {
        *least = 32;
        return ws_mask_avx2;
    }
#elif defined(WS_HAVE_NEON)
    if (level == WS_NEON) {
        *least = 16;
        return ws_mask_neon;
    }
#endif
    (void)level;
    *least = 0;
    return ws_mask_portable;
}

static void compare_mask(
    const uint8_t *dst, const uint8_t *plain, size_t n, const uint8_t *key, size_t offset,
    const char *what
) {
    size_t i;
    for (i = 0; i < n; i++)
        if (dst[i] != (plain[i] ^ key[(offset + i) & 3]))
            break;
    check(i == n, what, n, i);
}

static void test_mask_one(uint8_t *src, size_t n, size_t to, const uint8_t key[4]) {
    static uint8_t plain[70000];
    size_t offset = to % 8 < 4 ? to : SIZE_MAX - to, least;
    mask_kernel *kernel = mask_of_level(ws_cpu_level, &least);
    uint8_t *dst = guarded(to, n);
    memcpy(plain, src, n);
    ws_mask(dst, src, n, key, offset);
    compare_mask(dst, plain, n, key, offset, "ws_mask");
    check_guards(dst, n, "ws_mask, bytes outside dst");
    check(memcmp(src, plain, n) == 0, "ws_mask, src changed", n, 0);
    if (n >= least) {
        uint32_t word;
        memcpy(&word, key, 4);
        dst = guarded(to, n);
        kernel(dst, src, n, word);
        compare_mask(dst, plain, n, key, 0, "mask kernel");
        check_guards(dst, n, "mask kernel, bytes outside dst");
        memcpy(dst, plain, n);
        kernel(dst, dst, n, word);
        compare_mask(dst, plain, n, key, 0, "mask kernel in place");
        check_guards(dst, n, "mask kernel in place, bytes outside dst");
    }
    ws_mask(src, src, n, key, offset);
    compare_mask(src, plain, n, key, offset, "ws_mask in place");
}

static void test_mask(size_t misalignment, size_t n) {
    uint8_t *memory = block(misalignment + n);
    uint8_t key[4];
    fill(memory, misalignment + n, 0xFF);
    fill(key, 4, 0xFF);
    test_mask_one(memory + misalignment, n, (misalignment * 5 + n * 3) % MISALIGNMENTS, key);
    free(memory);
}

typedef size_t copy_kernel(uint8_t *dst, const uint8_t *src, size_t n);

static copy_kernel *copy_of_level(int level, size_t *least) {
#if defined(WS_HAVE_AVX2)
    if (level == WS_AVX2) {
        *least = 32;
        return ws_copy_ascii_avx2;
    }
#elif defined(WS_HAVE_NEON)
    if (level == WS_NEON) {
        *least = 16;
        return ws_copy_ascii_neon;
    }
#endif
    (void)level;
    *least = 0;
    return ws_copy_ascii_portable;
}

static void test_ascii_one(uint8_t *src, size_t n, size_t to, size_t step) {
    size_t least, at;
    copy_kernel *kernel = copy_of_level(ws_cpu_level, &least);
    uint8_t *dst = guarded(to, n);
    check(ws_ascii_prefix(src, n) == n, "ws_ascii_prefix, all ASCII", n, n);
    check(ws_copy_ascii(dst, src, n) == n, "ws_copy_ascii, all ASCII", n, n);
    check(memcmp(dst, src, n) == 0, "ws_copy_ascii, copy", n, n);
    if (n >= least) {
        memset(dst, GUARD, n);
        check(kernel(dst, src, n) == n, "copy kernel, all ASCII", n, n);
        check(memcmp(dst, src, n) == 0, "copy kernel, copy", n, n);
    }
    if (n <= 64) {
        memset(dst, GUARD, n);
        ws_copy_short(dst, src, n);
        check(memcmp(dst, src, n) == 0, "ws_copy_short", n, n);
        check(ws_is_short_ascii(src, n) == 1, "ws_is_short_ascii, all ASCII", n, n);
    }
    for (at = 0; at < n; at += step) {
        uint8_t kept = src[at], kept_last = src[n - 1];
        /* Bytes after the first one that is not ASCII must not matter. */
        src[n - 1] = (uint8_t)(kept_last | (at % 2 ? 0x80 : 0));
        src[at] = at % 3 == 0 ? 0x80 : at % 3 == 1 ? 0xFF : (uint8_t)(kept | 0x80);
        check(ws_ascii_prefix(src, n) == at, "ws_ascii_prefix", n, at);
        check(ws_copy_ascii(dst, src, n) <= at, "ws_copy_ascii", n, at);
        if (n >= least)
            check(kernel(dst, src, n) <= at, "copy kernel", n, at);
        if (n <= 64)
            check(ws_is_short_ascii(src, n) == 0, "ws_is_short_ascii", n, at);
        src[n - 1] = kept_last;
        src[at] = kept;
    }
    check_guards(dst, n, "ws_copy_ascii, bytes outside dst");
}

static void test_ascii(size_t misalignment, size_t n, size_t step) {
    uint8_t *memory = block(misalignment + n);
    fill(memory, misalignment + n, 0x7F);
    test_ascii_one(memory + misalignment, n, (misalignment * 5 + n * 3) % MISALIGNMENTS, step);
    free(memory);
}

static void test_lengths(void) {
    static const size_t long_ones[] = {300, 383, 384, 385, 511, 512, 513, 1000, 4096, 4129, 65537};
    size_t misalignment, n, i;
    for (misalignment = 0; misalignment < MISALIGNMENTS; misalignment++) {
        for (n = 0; n < LENGTHS; n++) {
            test_mask(misalignment, n);
            test_ascii(misalignment, n, 1 + misalignment % 4);
        }
    }
    for (i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        for (misalignment = 0; misalignment < MISALIGNMENTS; misalignment += 7) {
            test_mask(misalignment, long_ones[i]);
            test_ascii(misalignment, long_ones[i], 1 + long_ones[i] / 97);
        }
    }
}

#if defined(HAVE_POSIX)
/* Source and destination end, then begin, at the edge of a page: any access outside crashes. */
static void test_run_fences(void) {
    static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};
    uint8_t *from = fenced(), *to = fenced();
    size_t inner = fenced_bytes(), n;
    int ends;
    for (ends = 0; ends < 2; ends++) {
        for (n = 0; n < 2 * LENGTHS; n++) {
            uint8_t *src = ends ? from + inner - n : from, *dst = ends ? to + inner - n : to;
            fill(src, n, 0x7F);
            ws_mask(dst, src, n, key, n);
            compare_mask(dst, src, n, key, n, "ws_mask between fences");
            ws_mask(dst, dst, n, key, n);
            check(memcmp(dst, src, n) == 0, "ws_mask in place between fences", n, 0);
            memset(dst, GUARD, n);
            check(ws_copy_ascii(dst, src, n) == n, "ws_copy_ascii between fences", n, 0);
            check(memcmp(dst, src, n) == 0, "ws_copy_ascii between fences, copy", n, 0);
            check(ws_ascii_prefix(src, n) == n, "ws_ascii_prefix between fences", n, 0);
        }
    }
    free_fenced(from);
    free_fenced(to);
}
#endif

#endif
