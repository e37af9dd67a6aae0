/* Frame headers: bytes to numbers and back (RFC 6455 section 5.2).
 *
 * Does not check headers: the parser does. Plain C99, without Python.
 */
#ifndef WIRESPEED_HEADER_H
#define WIRESPEED_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define WS_MAX_HEADER_BYTES 14

typedef struct {
    uint8_t first;        /* FIN, reserved bits, opcode */
    uint8_t second;       /* MASK and the 7-bit length or its escape */
    uint8_t header_bytes; /* 2, 4 or 10; the masking key is not counted */
    uint64_t length;      /* of the payload, as coded */
    int length_bytes;     /* 1, 2 or 8: the size of the coded length */
} ws_header;

/* Reads the header that begins at src[0]; checks nothing.
 *
 * Returns 1 if the whole header, except for the masking key, is in src[0..n): then every member is
 * set. Returns 0 if more bytes are needed: with n >= 2 every member except `length` (which is 0) is
 * set then, with n < 2 none is changed. No alignment is required; h and src must not overlap. Reads
 * nothing outside src[0..n). */
static inline int ws_read_header(ws_header *h, const uint8_t *src, size_t n) {
    uint8_t short_length;
    uint64_t length = 0;
    size_t i;
    if (n < 2)
        return 0;
    h->first = src[0];
    h->second = src[1];
    short_length = src[1] & 0x7F;
    if (short_length < 126) {
        h->length = short_length;
        h->length_bytes = 1;
        h->header_bytes = 2;
        return 1;
    }
    h->length = 0;
    h->length_bytes = short_length == 126 ? 2 : 8;
    h->header_bytes = short_length == 126 ? 4 : 10;
    if (n < h->header_bytes)
        return 0;
    for (i = 2; i < h->header_bytes; i++)
        length = length << 8 | src[i];
    h->length = length;
    return 1;
}

/* Writes the header of a masked frame with n bytes of payload, the length in its shortest form.
 *
 * Returns the number of bytes written: 6, 8 or 14, at most WS_MAX_HEADER_BYTES. n must be below
 * 2^63. No alignment is required; dst and key must not overlap. Reads exactly key[0..4), writes
 * exactly the returned number of bytes at dst. */
static inline size_t ws_write_header(
    uint8_t *dst, uint8_t first, uint64_t n, const uint8_t key[4]
) {
    size_t at = 2, i;
    unsigned shift = 0;
    dst[0] = first;
    if (n < 126) {
        dst[1] = (uint8_t)(0x80 | n);
    } else if (n <= 0xFFFF) {
        dst[1] = 0x80 | 126;
        shift = 16;
    } else {
        dst[1] = 0x80 | 127;
        shift = 64;
    }
    while (shift > 0) {
        shift -= 8;
        dst[at++] = (uint8_t)(n >> shift);
    }
    for (i = 0; i < 4; i++)
        dst[at++] = key[i];
    return at;
}

#endif
