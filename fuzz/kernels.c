/* Gives the C kernels any bytes, in every variant that this processor supports, beside the obvious
 * code. Built by ci/fuzz.sh with libFuzzer and the sanitizers; does not use Python.
 *
 * The first bytes choose the kernel, an offset, and a size to cut at. The rest is the data, in a
 * block that ends where the data ends.
 */
#include "header.h"
#include "mask.h"
#include "oracle.h"
#include "transcode.h"
#include "utf8.h"

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s failed at level %s\n", #condition, ws_cpu_name()); \
            abort(); \
        } \
    } while (0)

static uint8_t *block(size_t n) {
    uint8_t *memory = malloc(n);
    if (memory == NULL)
        abort();
    return memory;
}

static uint8_t *copy_of(const uint8_t *data, size_t n) {
    uint8_t *memory = block(n);
    if (n > 0)
        memcpy(memory, data, n);
    return memory;
}

static void fuzz_mask(const uint8_t *data, size_t n, size_t offset) {
    size_t i, payload = n - 4;
    uint8_t *dst, *src;
    if (n < 4)
        return;
    dst = block(payload);
    src = copy_of(data + 4, payload);
    ws_mask(dst, src, payload, data, offset);
    for (i = 0; i < payload; i++)
        REQUIRE(dst[i] == (src[i] ^ data[(offset + i) & 3]));
    ws_mask(dst, dst, payload, data, offset);
    REQUIRE(payload == 0 || memcmp(dst, src, payload) == 0);
    free(dst);
    free(src);
}

static void fuzz_ascii(const uint8_t *data, size_t n, size_t unused) {
    size_t ascii = 0, done;
    uint8_t *dst = block(n), *src = copy_of(data, n);
    (void)unused;
    while (ascii < n && src[ascii] < 0x80)
        ascii++;
    done = ws_copy_ascii(dst, src, n);
    REQUIRE(ascii == n ? done == n : done <= ascii);
    REQUIRE(done < n || n == 0 || memcmp(dst, src, n) == 0);
    done = ws_ascii_prefix(src, n);
    REQUIRE(done <= ascii && (ascii < n || done == n));
    if (n <= 64) {
        REQUIRE(ws_is_short_ascii(src, n) == (ascii == n));
        ws_copy_short(dst, src, n);
        REQUIRE(n == 0 || memcmp(dst, src, n) == 0);
    }
    free(dst);
    free(src);
}

/* Compares each lane with the code point that `encode` turns into these bytes. */
static void check_lanes(const uint8_t *dst, uint32_t top, const uint8_t *src, size_t n) {
    size_t i = 0, at = 0, width = top < 0x100 ? 1 : top < 0x10000 ? 2 : 4;
    while (at < n) {
        uint32_t point = 0;
        uint8_t again[4];
        size_t bytes;
        uint16_t half;
        if (width == 2) {
            memcpy(&half, dst + 2 * i, 2);
            point = half;
        } else if (width == 4) {
            memcpy(&point, dst + 4 * i, 4);
        } else {
            point = dst[i];
        }
        bytes = encode(point, again);
        REQUIRE(at + bytes <= n && memcmp(again, src + at, bytes) == 0);
        at += bytes;
        i++;
    }
}

static void fuzz_text(const uint8_t *data, size_t n, size_t cut) {
    oracle o = {{0}, 0, 0, 0, 0};
    size_t i, first = cut < n ? cut : n;
    uint8_t *src = copy_of(data, n);
    ws_utf8 u;
    ws_text text;
    int valid;
    for (i = 0; i < n; i++)
        oracle_feed(&o, src[i]);
    ws_utf8_init(&u);
    ws_utf8_feed(&u, src, first);
    REQUIRE(ws_utf8_feed(&u, src + first, n - first) == !o.dead);
    REQUIRE(o.dead || ws_utf8_complete(&u) == (o.count == 0));
    REQUIRE(o.dead || (u.text.points == o.points && ws_text_class(&u.text) != 0));
    if (n > 0) {
        valid = ws_utf8_measure(&text, src, n);
        REQUIRE(valid == (!o.dead && o.count == 0));
        if (valid && ws_can_transcode()) {
            uint32_t top = ws_text_class(&text);
            uint8_t *dst = block(text.points * (top < 0x100 ? 1 : top < 0x10000 ? 2 : 4));
            REQUIRE(text.points == o.points);
            ws_transcode(dst, &text, src, n);
            check_lanes(dst, top, src, n);
            free(dst);
        }
    }
    free(src);
}

static void fuzz_header(const uint8_t *data, size_t n, size_t unused) {
    static const uint8_t key[4] = {1, 2, 3, 4};
    ws_header h, again;
    uint8_t *src = copy_of(data, n), written[WS_MAX_HEADER_BYTES];
    size_t size;
    (void)unused;
    if (ws_read_header(&h, src, n)) {
        REQUIRE(h.header_bytes <= n && h.first == src[0]);
        if (h.length < (uint64_t)1 << 63) {
            size = ws_write_header(written, h.first, h.length, key);
            REQUIRE(ws_read_header(&again, written, size) == 1 && again.length == h.length);
            REQUIRE(memcmp(written + size - 4, key, 4) == 0 && size == again.header_bytes + 4u);
        }
    } else {
        REQUIRE(n < 10);
    }
    free(src);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    ws_cpu_init();
    ws_transcode_init();
    make_oracle();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static void (*const kernels[])(const uint8_t *, size_t, size_t) = {
        fuzz_mask, fuzz_ascii, fuzz_text, fuzz_header,
    };
    int best = ws_cpu_level;
    if (n < 2)
        return 0;
    kernels[data[0] & 3](data + 2, n - 2, data[1]);
    if (best != WS_PORTABLE) {
        ws_cpu_level = WS_PORTABLE;
        kernels[data[0] & 3](data + 2, n - 2, data[1]);
        ws_cpu_level = best;
    }
    return 0;
}
