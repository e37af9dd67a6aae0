/* Helpers for every test of a kernel: counting checks, repeatable bytes, fenced memory.
 *
 * Included by kernels.c only.
 */
#ifndef KERNELS_SUPPORT_H
#define KERNELS_SUPPORT_H

#include "cpu.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__unix__) || defined(__APPLE__)
#define HAVE_POSIX 1
#include <sys/mman.h>
#include <unistd.h>
#endif

#define MISALIGNMENTS 64
#define LENGTHS 258
#define GUARD_BYTES 64
#define GUARD 0xA5
#define PAGES_BYTES 8192

static uint64_t checks;

static void check(int ok, const char *what, size_t n, size_t at) {
    checks++;
    if (!ok) {
        printf("kernels: %s failed at level %s (length %zu, at %zu)\n", what, ws_cpu_name(), n, at);
        exit(1);
    }
}

/* xorshift64: the same bytes in every run and on every platform. */
static uint64_t seed = 0x9E3779B97F4A7C15u;

static uint64_t draw(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void fill(uint8_t *at, size_t n, uint8_t bits) {
    size_t i;
    for (i = 0; i < n; i++)
        at[i] = (uint8_t)(draw() >> 24 & bits);
}

/* A block that ends exactly where the data ends, so that a sanitizer sees any access past it. */
static uint8_t *block(size_t bytes) {
    void *memory = NULL;
#if defined(HAVE_POSIX)
    if (posix_memalign(&memory, 64, bytes ? bytes : 1) != 0)
        memory = NULL;
#else
    memory = malloc(bytes ? bytes : 1);
#endif
    if (memory == NULL) {
        printf("kernels: out of memory\n");
        exit(1);
    }
    return memory;
}

/* Destination with guard bytes on both sides. */
static uint8_t arena[GUARD_BYTES * 3 + 70000];

static uint8_t *guarded(size_t misalignment, size_t n) {
    memset(arena, GUARD, GUARD_BYTES * 3 + n);
    return arena + GUARD_BYTES + misalignment;
}

static void check_guards(const uint8_t *dst, size_t n, const char *what) {
    size_t i;
    int ok = 1;
    for (i = 0; i < GUARD_BYTES; i++)
        ok &= dst[n + i] == GUARD && *(dst - 1 - i) == GUARD;
    check(ok, what, n, 0);
}

#if defined(HAVE_POSIX)
static size_t fenced_bytes(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (PAGES_BYTES + page - 1) / page * page;
}

/* Memory between two pages that may not be touched. */
static uint8_t *fenced(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = fenced_bytes();
    uint8_t *all = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, inner, PROT_READ | PROT_WRITE) != 0) {
        printf("kernels: no memory for fences\n");
        exit(1);
    }
    return all + page;
}

static void free_fenced(uint8_t *memory) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(memory - page, fenced_bytes() + 2 * page);
}
#endif

#endif
