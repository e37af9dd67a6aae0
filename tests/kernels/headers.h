/* Frame headers, written, cut and read back, and those that no correct peer writes.
 *
 * Included by kernels.c only.
 */
#ifndef KERNELS_HEADERS_H
#define KERNELS_HEADERS_H

#include "header.h"
#include "support.h"

static void test_header_length(uint64_t length) {
    static const uint8_t key[4] = {0xDE, 0xAD, 0xBE, 0xEF};
    int coded = length < 126 ? 1 : length < 65536 ? 2 : 8;
    size_t bytes = coded == 1 ? 2 : 2 + (size_t)coded, n, i;
    uint8_t *exact = block(bytes + 4);
    uint8_t first = (uint8_t)(length * 7 + 0x81), expected[WS_MAX_HEADER_BYTES];
    expected[0] = first;
    expected[1] = (uint8_t)(0x80 + (coded == 1 ? length : coded == 2 ? 126 : 127));
    for (i = 2; i < bytes; i++)
        expected[i] = (uint8_t)(length >> 8 * (bytes - 1 - i));
    memcpy(expected + bytes, key, 4);
    check(ws_write_header(exact, first, length, key) == bytes + 4, "ws_write_header", bytes, 0);
    check(memcmp(exact, expected, bytes + 4) == 0, "ws_write_header, bytes", bytes, 0);
    free(exact);
    for (n = 0; n <= bytes + 4; n++) {
        ws_header h = {0x11, 0x22, 0x33, 0x44, 0x55};
        uint8_t *cut = block(n);
        int whole;
        memcpy(cut, expected, n);
        whole = ws_read_header(&h, cut, n);
        free(cut);
        check(whole == (n >= bytes), "ws_read_header", bytes, n);
        if (n < 2) {
            check(
                h.first == 0x11 && h.second == 0x22 && h.header_bytes == 0x33 && h.length == 0x44
                    && h.length_bytes == 0x55,
                "ws_read_header, untouched", bytes, n
            );
        } else {
            check(h.first == first && h.second == expected[1], "ws_read_header, bits", bytes, n);
            check(h.header_bytes == bytes, "ws_read_header, header_bytes", bytes, n);
            check(h.length_bytes == coded, "ws_read_header, length_bytes", bytes, n);
            check(h.length == (whole ? length : 0), "ws_read_header, length", bytes, n);
        }
    }
}

/* Headers that no correct peer writes are read too: any two bytes, lengths that are not minimal. */
static void test_header_dishonest(void) {
    uint32_t start;
    for (start = 0; start < 1 << 16; start++) {
        uint8_t text[10];
        uint8_t short_length = (uint8_t)(start & 0x7F);
        size_t extra = short_length == 126 ? 2 : short_length == 127 ? 8 : 0, i;
        uint64_t length = extra ? 0 : short_length;
        ws_header h;
        fill(text, 10, start & 0x100 ? 0xFF : 0x01);
        text[0] = (uint8_t)(start >> 8);
        text[1] = (uint8_t)start;
        for (i = 0; i < extra; i++)
            length = length * 256 + text[2 + i];
        check(ws_read_header(&h, text, 10) == 1, "ws_read_header, any", 10, start);
        check(h.first == text[0] && h.second == text[1], "ws_read_header, any bits", 10, start);
        check(h.length == length, "ws_read_header, any length", 10, start);
        check(h.header_bytes == 2 + extra, "ws_read_header, any header_bytes", 10, start);
        check(h.length_bytes == (extra ? (int)extra : 1), "ws_read_header, any code", 10, start);
    }
}

static void test_headers(void) {
    uint64_t length;
    unsigned bit;
    for (length = 0; length < 66000; length += length < 300 || length > 65500 ? 1 : 13)
        test_header_length(length);
    for (bit = 16; bit < 63; bit++) {
        test_header_length(((uint64_t)1 << bit) - 1);
        test_header_length((uint64_t)1 << bit);
        test_header_length(((uint64_t)1 << bit) + (draw() & 0xFFFF));
    }
    test_header_length(((uint64_t)1 << 63) - 1);
    test_header_dishonest();
}

#endif
