/* Detects the abilities of the processor once, so that each kernel can choose its widest variant.
 *
 * Plain C99, without Python. Everything is static: each translation unit has its own level and must
 * call ws_cpu_init().
 */
#ifndef WIRESPEED_CPU_H
#define WIRESPEED_CPU_H

#include <stdint.h>
#include <string.h>

/* ARM64EC claims to be x86-64 and would emulate AVX2: portable code is faster there. */
#if (defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)) \
    && !defined(_M_ARM64EC)
#if defined(__GNUC__) || defined(__clang__)
#define WS_HAVE_AVX2 1
#define WS_TARGET_AVX2 __attribute__((target("avx2,popcnt")))
#include <cpuid.h>
#include <immintrin.h>
#elif defined(_MSC_VER)
/* MSVC accepts every intrinsic with any /arch. */
#define WS_HAVE_AVX2 1
#define WS_TARGET_AVX2
#include <immintrin.h>
#include <intrin.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define WS_HAVE_NEON 1
#include <arm_neon.h>
#endif

/* For functions whose variants differ by constant arguments. */
#if defined(__GNUC__) || defined(__clang__)
#define WS_ALWAYS_INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define WS_ALWAYS_INLINE __forceinline
#else
#define WS_ALWAYS_INLINE inline
#endif

enum ws_level { WS_PORTABLE, WS_AVX2, WS_NEON };

/* Portable until ws_cpu_init() has run. A test may assign any level that the processor has. */
static int ws_cpu_level = WS_PORTABLE;

/* A constant to every optimizer, without trusting the macros of each compiler. */
static inline int ws_big_endian(void) {
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

#if defined(WS_HAVE_AVX2)
/* The processor's AVX2 flag is not enough: the operating system must also save the wide registers
 * (XCR0 bits 1 and 2). POPCNT comes with AVX2, unless a hypervisor hides it. */
static inline int ws_cpu_has_avx2(void) {
    const uint32_t popcnt_osxsave_avx = (1u << 23) | (1u << 27) | (1u << 28);
    const uint32_t avx2 = 1u << 5;
    uint32_t saved;
#if defined(__GNUC__) || defined(__clang__)
    uint32_t a, b, c, d;
    if (__get_cpuid_max(0, NULL) < 7)
        return 0;
    __cpuid_count(1, 0, a, b, c, d);
    if ((c & popcnt_osxsave_avx) != popcnt_osxsave_avx)
        return 0;
    __cpuid_count(7, 0, a, b, c, d);
    if (!(b & avx2))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
#else
    int registers[4];
    __cpuidex(registers, 0, 0);
    if (registers[0] < 7)
        return 0;
    __cpuidex(registers, 1, 0);
    if (((uint32_t)registers[2] & popcnt_osxsave_avx) != popcnt_osxsave_avx)
        return 0;
    __cpuidex(registers, 7, 0);
    if (!((uint32_t)registers[1] & avx2))
        return 0;
    saved = (uint32_t)_xgetbv(0);
#endif
    return (saved & 6u) == 6u;
}
#endif

/* Sets ws_cpu_level. Call it once, before any other thread uses a kernel. */
static inline void ws_cpu_init(void) {
#if defined(WS_HAVE_AVX2)
    ws_cpu_level = ws_cpu_has_avx2() ? WS_AVX2 : WS_PORTABLE;
#elif defined(WS_HAVE_NEON)
    ws_cpu_level = WS_NEON;
#else
    ws_cpu_level = WS_PORTABLE;
#endif
}

/* The name of the level in use; the text is static. */
static inline const char *ws_cpu_name(void) {
    switch (ws_cpu_level) {
    case WS_AVX2:
        return "avx2";
    case WS_NEON:
        return "neon";
    default:
        return "portable";
    }
}

#endif
