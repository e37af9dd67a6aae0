/* Runs every C kernel, in every variant that this processor supports, against the obvious code.
 *
 * Does not use Python. Prints `kernels: N checks passed` and returns 0, or prints the first
 * difference and returns 1. Built by test_kernels.py, also under the sanitizers.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include "decoding.h"
#include "headers.h"
#include "runs.h"
#include "validity.h"

static void test_level(int level) {
    ws_cpu_level = level;
    printf("level %s\n", ws_cpu_name());
    test_lengths();
    test_all_short_sequences();
    test_four_byte_sequences();
    test_cuts();
    test_random_text();
    test_pairs_at_edges();
    test_all_points();
    test_texts();
#if defined(HAVE_POSIX)
    test_run_fences();
    test_text_fences();
#endif
}

int main(void) {
    int best;
    check(ws_cpu_level == WS_PORTABLE, "ws_cpu_level before ws_cpu_init", 0, 0);
    ws_cpu_init();
    best = ws_cpu_level;
#if defined(WS_HAVE_AVX2) && defined(__GNUC__)
    /* Where the compiler's runtime does not know the processor, it denies SSE2, too. */
    if (__builtin_cpu_supports("sse2"))
        check(best == (__builtin_cpu_supports("avx2") ? WS_AVX2 : WS_PORTABLE), "ws_cpu_init", 0, 0);
#elif defined(WS_HAVE_NEON)
    check(best == WS_NEON, "ws_cpu_init", 0, 0);
#endif
    make_oracle();
    test_headers();
    ws_transcode_init();
    test_level(WS_PORTABLE);
    if (best != WS_PORTABLE)
        test_level(best);
    free(three_bytes);
    printf("kernels: %" PRIu64 " checks passed\n", checks);
    return 0;
}
